// SPDX-License-Identifier: GPL-2.0-only
// What a run leaves out, to find what a failure needs (reduce.sh). Everything else stays what the seed makes it.
#pragma once

#include <bitset>

namespace ring1::fuzz {

class LeftOut {
 public:
  bool operator()(unsigned item) const { return items_[item % kMost]; }
  bool parse(const char* list);  // numbers with commas between; false: it is none

 private:
  static constexpr unsigned kMost = 256;
  std::bitset<kMost> items_;
};
extern LeftOut left_out;

// Of --kind device: each kind of operation (generation.cpp). One line each.
void print_operations();

// Of --kind guests and scribble: what is not flat, identity-mapped and undisturbed, then each pattern of code (hostile_code.cpp).
enum HostileItem : unsigned { kDescriptors, kGates, kPageTables, kRegisters, kEvents, kVmmWrites, kFirstPattern };
void print_hostile_items();

}  // namespace ring1::fuzz
