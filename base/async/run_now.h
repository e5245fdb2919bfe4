// RunNow: Scope::Spawn for callbacks, without the ready queue. The task runs at once up to where it
// first waits; one that waits for nothing has ended when this returns, and the frames of the next
// one are those that it has just left. RunningNow: the same for a coroutine that is never anything
// else, in one frame instead of two.
#pragma once

#include <coroutine>
#include <exception>

#include "base/async/frame_pool.h"
#include "base/async/scope.h"
#include "base/async/task.h"

namespace tholos::base {

// The task is inside `gate` until it ends. False, and the task is dropped unstarted, if the gate is
// closed. From plain functions on the current loop only: a coroutine would run it on its own stack.
bool RunNow(Gate& gate, Task<void> task);

// What such a coroutine returns. It belongs to itself and to the loop that it was called on. As its
// first parameter, which goes last, it takes what keeps alive what it uses:
//
//   RunningNow Answer(Gate::Holder inside, Request request) { ... co_await ...; }
//
// To be called like RunNow.
struct RunningNow {
  struct promise_type : Loop::Root, PooledFrame {
    RunningNow get_return_object() {
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

}  // namespace tholos::base
