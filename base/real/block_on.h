// BlockOn: a thread that is no loop waits for a task. For main() and tests.
#pragma once

#include <future>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/async/scope.h"
#include "base/async/task.h"
#include "base/check.h"

namespace tholos::base {
namespace internal {
template <typename T>
Task<void> FulfilTask(Task<T> task, std::shared_ptr<std::promise<T>> promise) {
  if constexpr (std::is_void_v<T>) {
    co_await std::move(task);
    {
      Task<void> ended = std::move(task);
    }
    promise->set_value();
  } else {
    T value = co_await std::move(task);
    {
      Task<T> ended = std::move(task);
    }
    promise->set_value(std::move(value));
  }
}
}  // namespace internal

// Runs `task` on `loop` and returns its result. Never from a loop's own thread.
template <typename T>
T BlockOn(Loop& loop, Task<T> task) {
  THOLOS_CHECK(Loop::CurrentOrNull() == nullptr) << "BlockOn() would block a loop";
  auto promise = std::make_shared<std::promise<T>>();
  std::future<T> future = promise->get_future();
  SpawnDetached(loop, internal::FulfilTask(std::move(task), promise));
  return future.get();
}

}  // namespace tholos::base
