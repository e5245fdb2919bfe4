// CHECK: states what cannot be otherwise. It is on in production; a failure prints the condition,
// the place and the message to standard error and aborts. What can happen (I/O, bad input, peers)
// is an absl::Status, never a CHECK.
#pragma once

#include <sstream>
#include <string>

namespace tholos::base {

// Collects the message of a failed check and aborts when destroyed.
class CheckFailure {
 public:
  CheckFailure(const char* file, int line, const char* condition);
  [[noreturn]] ~CheckFailure();
  std::ostream& stream() { return message_; }

 private:
  std::ostringstream message_;
};

// Turns the stream of a failed check into void, so that CHECK is a statement of either branch.
struct CheckVoidify {
  void operator&(std::ostream&) const {}
};

}  // namespace tholos::base

#define THOLOS_CHECK(condition)                          \
  (__builtin_expect(static_cast<bool>(condition), true)) \
      ? (void)0                                          \
      : ::tholos::base::CheckVoidify() &                 \
            ::tholos::base::CheckFailure(__FILE__, __LINE__, #condition).stream()

#define THOLOS_CHECK_OK(expression)                                                                \
  if (auto tholos_check_status = (expression); __builtin_expect(tholos_check_status.ok(), true)) { \
  } else /* NOLINT */                                                                              \
    ::tholos::base::CheckFailure(__FILE__, __LINE__, #expression).stream()                         \
        << tholos_check_status.ToString()
