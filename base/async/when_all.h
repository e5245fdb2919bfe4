// WhenAll: runs tasks side by side on the current loop and returns when the last has ended.
#pragma once

#include <coroutine>
#include <optional>
#include <utility>
#include <vector>

#include "base/async/task.h"

namespace tholos::base {
namespace internal {

struct WhenAllState {
  size_t running = 0;
  std::coroutine_handle<> parent;
};

// One child: runs its task, stores the result, and the last one resumes the parent.
struct WhenAllChild {
  struct promise_type : PooledFrame {
    WhenAllState* state = nullptr;
    struct FinalAwaiter {
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> h) const noexcept {
        WhenAllState* state = h.promise().state;
        if (--state->running == 0) return state->parent;
        return std::noop_coroutine();
      }
      void await_resume() const noexcept {}
    };
    WhenAllChild get_return_object() {
      return WhenAllChild{std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    FinalAwaiter final_suspend() const noexcept { return {}; }
    void return_void() const {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
  explicit WhenAllChild(std::coroutine_handle<promise_type> h) : handle(h) {}
  WhenAllChild(WhenAllChild&& o) noexcept : handle(std::exchange(o.handle, {})) {}
  ~WhenAllChild() {
    if (handle) handle.destroy();
  }
  std::coroutine_handle<promise_type> handle;
};

template <typename T>
WhenAllChild RunChild(Task<T> task, std::optional<T>* result) {
  result->emplace(co_await std::move(task));
}
inline WhenAllChild RunChild(Task<void> task) { co_await std::move(task); }

struct WhenAllAwaiter {
  WhenAllState& state;
  std::vector<WhenAllChild>& children;
  bool await_ready() const { return children.empty(); }
  bool await_suspend(std::coroutine_handle<> parent) const {
    // One extra count is held while starting, so that a child that ends at once resumes nobody.
    state.parent = parent;
    state.running = children.size() + 1;
    for (WhenAllChild& child : children) {
      child.handle.promise().state = &state;
      child.handle.resume();
    }
    return --state.running != 0;
  }
  void await_resume() const {}
};

}  // namespace internal

// The results in the order of the tasks.
template <typename T>
Task<std::vector<T>> WhenAll(std::vector<Task<T>> tasks) {
  std::vector<std::optional<T>> results(tasks.size());
  internal::WhenAllState state;
  std::vector<internal::WhenAllChild> children;
  children.reserve(tasks.size());
  for (size_t i = 0; i < tasks.size(); ++i) {
    children.push_back(internal::RunChild(std::move(tasks[i]), &results[i]));
  }
  co_await internal::WhenAllAwaiter{state, children};
  std::vector<T> values;
  values.reserve(results.size());
  for (auto& result : results) values.push_back(*std::move(result));
  co_return values;
}

inline Task<void> WhenAll(std::vector<Task<void>> tasks) {
  internal::WhenAllState state;
  std::vector<internal::WhenAllChild> children;
  children.reserve(tasks.size());
  for (auto& task : tasks) children.push_back(internal::RunChild(std::move(task)));
  co_await internal::WhenAllAwaiter{state, children};
}

}  // namespace tholos::base
