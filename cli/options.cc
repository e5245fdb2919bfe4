#include "cli/options.h"

#include <CLI/Error.hpp>
#include <cstdio>

namespace tholos::cli {

void Fail(const std::string& message) {
  std::fflush(stdout);
  std::fprintf(stderr, "tholos: %s\n", message.c_str());
  throw CLI::RuntimeError(1);
}

}  // namespace tholos::cli
