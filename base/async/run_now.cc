#include "base/async/run_now.h"

#include <coroutine>
#include <utility>

namespace tholos::base {
namespace {

// A coroutine that owns itself and has begun.
struct Begun {
  struct promise_type : Loop::Root, PooledFrame {
    Begun get_return_object() {
      handle = std::coroutine_handle<promise_type>::from_promise(*this);
      LinkInto(&Loop::Current());
      return {};
    }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
};

Begun Run(Task<void> task, [[maybe_unused]] Gate::Holder holder) {
  co_await std::move(task);
  // The task's frame goes before the gate opens: whoever waits may free what the frame refers to.
  {
    Task<void> ended = std::move(task);
  }
}

}  // namespace

bool RunNow(Gate& gate, Task<void> task) {
  Gate::Holder holder = gate.Enter();
  if (!holder) return false;
  Run(std::move(task), std::move(holder));
  return true;
}

}  // namespace tholos::base
