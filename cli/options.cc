#include "cli/options.h"

#include <CLI/Error.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace tholos::cli {

void Fail(const std::string& message) {
  std::fflush(stdout);
  std::fprintf(stderr, "tholos: %s\n", message.c_str());
  throw CLI::RuntimeError(1);
}

std::string CannotOpen(std::string_view verb, std::string_view path) {
  const int error = errno;
  return absl::StrCat("cannot ", std::string(verb), " ", std::string(path), error == 0 ? "" : ": ",
                      error == 0 ? "" : std::strerror(error));
}

}  // namespace tholos::cli
