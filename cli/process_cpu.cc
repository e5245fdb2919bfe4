#include "cli/process_cpu.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"

namespace tholos::cli {

// Fields 14 and 15 of its stat, counted after the name (proc(5)).
double CpuSecondsOf(pid_t pid) {
  std::ifstream in(absl::StrCat("/proc/", pid, "/stat"));
  std::string line;
  std::getline(in, line);
  std::istringstream fields(line.substr(std::min(line.size(), line.rfind(')') + 1)));
  std::string field;
  double ticks = 0;
  for (int i = 3; i <= 15 && fields >> field; ++i) ticks += i >= 14 ? std::atof(field.c_str()) : 0;
  return ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

}  // namespace tholos::cli
