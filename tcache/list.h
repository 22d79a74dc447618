// SPDX-License-Identifier: GPL-2.0-only
// Intrusive doubly linked lists; a record can be a member of several.
#pragma once

namespace ring1::tcache {

template <class T>
struct Link {
  T* next = nullptr;
  T** from = nullptr;  // what points at this record
};

template <auto Member, class T>
void list_push(T*& head, T* record) {
  auto& link = record->*Member;
  link.next = head;
  link.from = &head;
  if (head) (head->*Member).from = &link.next;
  head = record;
}

template <auto Member, class T>
void list_remove(T* record) {
  auto& link = record->*Member;
  *link.from = link.next;
  if (link.next) (link.next->*Member).from = link.from;
  link = {};
}

}  // namespace ring1::tcache
