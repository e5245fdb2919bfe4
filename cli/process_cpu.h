// What a process has used so far, for the tools that measure servers from outside.
#pragma once

#include <sys/types.h>

namespace tholos::cli {

// User and system time of all threads, in seconds, by ticks of usually 10 ms; 0 if there is no such
// process.
double CpuSecondsOf(pid_t pid);

}  // namespace tholos::cli
