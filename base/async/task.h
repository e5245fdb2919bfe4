// Task<T>: a lazily started coroutine with one awaiter.
//
//   Task<absl::StatusOr<Row>> ReadRow(Key key) {
//     THOLOS_CO_ASSIGN_OR_RETURN(auto block, co_await cache_.Get(key));
//     co_return block.Find(key);
//   }
//
// - Nothing runs until it is awaited; awaiting transfers control symmetrically, so a chain of
//   synchronous awaits uses no stack.
// - `Task<T>::Ready(value)` carries a value that is already there: no frame, no suspension.
//   `TakeReady()` takes it; a task without one is then still to be awaited.
// - Parameters by value (or references to what outlives the task); lambdas that capture must
// outlive it.
// - A started task runs to its end: destroying it before is a bug, except when its loop crashed
//   (loop.h). Deadlines end work; nobody cancels from outside.
// - Exceptions do not cross: one that escapes a task terminates the process.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "base/async/frame_pool.h"
#include "base/async/loop.h"
#include "base/check.h"

namespace tholos::base {

template <typename T = void>
class Task;

namespace internal {

struct TaskPromiseBase : PooledFrame {
  std::coroutine_handle<> continuation;
  bool started = false;

  struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    template <typename Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> handle) const noexcept {
      return handle.promise().continuation;
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() const noexcept { std::terminate(); }
};

template <typename T>
struct TaskPromise : TaskPromiseBase {
  std::optional<T> value;
  Task<T> get_return_object();
  template <typename U>
  void return_value(U&& v) {
    value.emplace(std::forward<U>(v));
  }
};

template <>
struct TaskPromise<void> : TaskPromiseBase {
  Task<void> get_return_object();
  void return_void() const {}
};

// Owns a frame; destroys it.
template <typename T>
class TaskFrame {
 public:
  using Handle = std::coroutine_handle<TaskPromise<T>>;
  TaskFrame() = default;
  explicit TaskFrame(Handle handle) : handle_(handle) {}
  TaskFrame(TaskFrame&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  TaskFrame& operator=(TaskFrame&& other) noexcept {
    if (this != &other) {
      Destroy();
      handle_ = std::exchange(other.handle_, {});
    }
    return *this;
  }
  ~TaskFrame() { Destroy(); }
  Handle handle() const { return handle_; }

 private:
  void Destroy() {
    if (!handle_) return;
    THOLOS_CHECK(!handle_.promise().started || handle_.done() || Loop::CurrentCrashed())
        << "a running task was destroyed";
    handle_.destroy();
    handle_ = {};
  }
  Handle handle_;
};

template <typename T>
struct TaskAwaiter {
  TaskFrame<T>& frame;
  bool await_ready() const noexcept { return !frame.handle(); }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) const noexcept {
    auto& promise = frame.handle().promise();
    promise.continuation = awaiting;
    promise.started = true;
    return frame.handle();
  }
};

}  // namespace internal

template <typename T>
class [[nodiscard]] Task {
 public:
  using promise_type = internal::TaskPromise<T>;
  using value_type = T;

  static Task Ready(T value) {
    Task task{std::coroutine_handle<promise_type>{}};
    task.ready_.emplace(std::move(value));
    return task;
  }

  Task(Task&&) noexcept = default;
  Task& operator=(Task&&) noexcept = default;

  // The value, if it is there without awaiting: for plain functions on fast paths.
  std::optional<T> TakeReady() { return std::exchange(ready_, std::nullopt); }

  auto operator co_await() && noexcept {
    struct Awaiter : internal::TaskAwaiter<T> {
      std::optional<T>& ready;
      T await_resume() {
        if (ready.has_value()) return *std::move(ready);
        return *std::move(this->frame.handle().promise().value);
      }
    };
    return Awaiter{{frame_}, ready_};
  }

 private:
  friend promise_type;
  explicit Task(std::coroutine_handle<promise_type> handle) : frame_(handle) {}
  internal::TaskFrame<T> frame_;
  std::optional<T> ready_;
};

template <>
class [[nodiscard]] Task<void> {
 public:
  using promise_type = internal::TaskPromise<void>;
  using value_type = void;

  static Task Ready() { return Task{std::coroutine_handle<promise_type>{}}; }

  Task(Task&&) noexcept = default;
  Task& operator=(Task&&) noexcept = default;

  auto operator co_await() && noexcept {
    struct Awaiter : internal::TaskAwaiter<void> {
      void await_resume() const {}
    };
    return Awaiter{{frame_}};
  }

 private:
  friend promise_type;
  explicit Task(std::coroutine_handle<promise_type> handle) : frame_(handle) {}
  internal::TaskFrame<void> frame_;
};

namespace internal {
template <typename T>
Task<T> TaskPromise<T>::get_return_object() {
  return Task<T>{std::coroutine_handle<TaskPromise<T>>::from_promise(*this)};
}
inline Task<void> TaskPromise<void>::get_return_object() {
  return Task<void>{std::coroutine_handle<TaskPromise<void>>::from_promise(*this)};
}
}  // namespace internal

// Runs `task` on `loop` and comes back with its result.
template <typename T>
Task<T> RunOn(Loop& loop, Task<T> task) {
  Loop& home = Loop::Current();
  co_await SwitchTo(loop);
  if constexpr (std::is_void_v<T>) {
    co_await std::move(task);
    co_await SwitchTo(home);
  } else {
    T result = co_await std::move(task);
    co_await SwitchTo(home);
    co_return result;
  }
}

}  // namespace tholos::base
