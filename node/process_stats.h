// What the process costs: for the admin API.
#pragma once

#include <cstdint>

namespace tholos::node {

struct ProcessStats {
  double cpu_seconds = 0;  // user and system, all threads
  uint64_t resident_bytes = 0;
};

ProcessStats ReadProcessStats();

}  // namespace tholos::node
