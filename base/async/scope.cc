#include "base/async/scope.h"

#include <coroutine>
#include <utility>

#include "base/check.h"

namespace tholos::base {
namespace {

// A coroutine that owns itself: linked into its loop until it ends.
struct Detached {
  struct promise_type : Loop::Root, PooledFrame {
    Detached get_return_object() {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
  std::coroutine_handle<promise_type> handle;
};

Detached RunDetached(Task<void> task, [[maybe_unused]] Gate::Holder holder) {
  co_await std::move(task);
  // The task's frame goes before the gate opens: whoever waits may free what the frame refers to.
  {
    Task<void> ended = std::move(task);
  }
}

std::coroutine_handle<> Detach(Loop& loop, Task<void> task, Gate::Holder holder) {
  auto handle = RunDetached(std::move(task), std::move(holder)).handle;
  handle.promise().handle = handle;
  handle.promise().LinkInto(&loop);
  return handle;
}

void Start(Loop& loop, Task<void> task, Gate::Holder holder) {
  loop.Ready(Detach(loop, std::move(task), std::move(holder)));
}

}  // namespace

Gate::~Gate() {
  THOLOS_CHECK(inside_ == 0 || Loop::CurrentCrashed())
      << "a gate was destroyed with " << inside_ << " inside";
}

Gate::Holder Gate::Enter() {
  if (closed_) return Holder();
  ++inside_;
  return Holder(this);
}

void Gate::Holder::Leave() {
  if (gate_ == nullptr) return;
  Gate* gate = std::exchange(gate_, nullptr);
  if (--gate->inside_ == 0 && gate->closed_ && !Loop::CurrentCrashed()) gate->empty_.Set();
}

Gate::Holder Gate::Holder::Another() const {
  if (gate_ != nullptr) ++gate_->inside_;
  return Holder(gate_);
}

Task<void> Gate::Close() {
  closed_ = true;
  if (inside_ > 0) co_await empty_.Wait();
}

bool Scope::Spawn(Task<void> task) {
  Gate::Holder holder = gate_.Enter();
  if (!holder) return false;
  Start(Loop::Current(), std::move(task), std::move(holder));
  return true;
}

void Scope::Spawn(Task<void> task, Gate::Holder inside) {
  THOLOS_CHECK(static_cast<bool>(inside));
  Start(Loop::Current(), std::move(task), std::move(inside));
}

bool Scope::SpawnNow(Task<void> task) {
  Gate::Holder holder = gate_.Enter();
  if (!holder) return false;
  Detach(Loop::Current(), std::move(task), std::move(holder)).resume();
  return true;
}

void SpawnDetached(Loop& loop, Task<void> task) {
  loop.Post(
      [&loop, task = std::move(task)]() mutable { Start(loop, std::move(task), Gate::Holder()); });
}

}  // namespace tholos::base
