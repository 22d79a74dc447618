// SPDX-License-Identifier: GPL-2.0-only
#include "vmm/run/final_stats.h"

#include <fmt/format.h>

#include <fstream>

#include "vmm/failure.h"
#include "vmm/json.h"
#include "vmm/kvm/binary_stats.h"

namespace ring1::vmm {

void write_final_stats(const Machine& machine, const std::string& path) {
  JsonObject all;
  all.raw("vcpu", statistics_json(read_binary_stats(machine.vcpu().fd())));
  all.raw("vm", statistics_json(read_binary_stats(machine.vm().fd())));
  std::ofstream file(path);
  file << all.text() << "\n";
  file.close();
  if (!file) throw system_failure("cannot write " + path);
}

std::string statistics_table(const Machine& machine) {
  std::string table = "\r\n";
  for (const int fd : {machine.vcpu().fd(), machine.vm().fd()})
    for (const Statistic& statistic : read_binary_stats(fd))
      if (statistic.values.size() == 1 && statistic.values[0] != 0)
        table += fmt::format("{:<32} {:>20}\r\n", statistic.name, statistic.values[0]);
  return table;
}

}  // namespace ring1::vmm
