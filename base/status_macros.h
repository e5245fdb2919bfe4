// Early return on error, for plain functions and (the CO_ forms) for coroutines.
//
//   THOLOS_RETURN_IF_ERROR(file->Validate());
//   THOLOS_ASSIGN_OR_RETURN(auto schema, Parse(text));
//   THOLOS_CO_ASSIGN_OR_RETURN(auto page, co_await Read(command));
#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tholos::base {
inline const absl::Status& ToStatus(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& ToStatus(const absl::StatusOr<T>& status) {
  return status.status();
}
}  // namespace tholos::base

#define THOLOS_CONCAT_INNER(a, b) a##b
#define THOLOS_CONCAT(a, b) THOLOS_CONCAT_INNER(a, b)

#define THOLOS_RETURN_IF_ERROR_WITH(return_word, expression)    \
  do {                                                          \
    if (auto tholos_status = (expression); !tholos_status.ok()) \
      return_word ::tholos::base::ToStatus(tholos_status);      \
  } while (false)

#define THOLOS_ASSIGN_OR_RETURN_WITH(return_word, result, lhs, expression) \
  auto result = (expression);                                              \
  if (!result.ok()) return_word std::move(result).status();                \
  lhs = *std::move(result)

#define THOLOS_RETURN_IF_ERROR(expression) THOLOS_RETURN_IF_ERROR_WITH(return, expression)
#define THOLOS_CO_RETURN_IF_ERROR(expression) THOLOS_RETURN_IF_ERROR_WITH(co_return, expression)
#define THOLOS_ASSIGN_OR_RETURN(lhs, expression) \
  THOLOS_ASSIGN_OR_RETURN_WITH(return, THOLOS_CONCAT(tholos_or_, __LINE__), lhs, expression)
#define THOLOS_CO_ASSIGN_OR_RETURN(lhs, expression) \
  THOLOS_ASSIGN_OR_RETURN_WITH(co_return, THOLOS_CONCAT(tholos_or_, __LINE__), lhs, expression)
