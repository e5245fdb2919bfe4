// Event: tasks of one loop wait until it is set. Completion<T>: the same with a value, once.
#pragma once

#include <optional>
#include <utility>

#include "base/async/loop.h"
#include "base/async/task.h"
#include "base/time.h"

namespace tholos::base {

// Neither copied nor moved; nobody may be waiting when it is destroyed. Waiters are resumed through
// the loop's ready queue, in the order they came.
class Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event();

  void Set();
  void Reset() { set_ = false; }
  bool is_set() const { return set_; }
  bool has_waiters() const { return first_ != nullptr; }
  // Resumes whoever waits now (with true) and leaves the event as it is: a condition variable's
  // signal.
  void Pulse();

  class Waiter {
   public:
    Waiter(Event& event, Deadline deadline) : event_(event), deadline_(deadline) {}
    Waiter(const Waiter&) = delete;
    ~Waiter();
    bool await_ready() const { return event_.set_; }
    void await_suspend(std::coroutine_handle<> handle);
    // True if set or pulsed, false if the deadline passed first.
    bool await_resume() const { return !timed_out_; }

   private:
    friend class Event;
    void Unlink();
    Event& event_;
    Deadline deadline_;
    Timer timer_;
    std::coroutine_handle<> handle_;
    Waiter* previous_ = nullptr;
    Waiter* next_ = nullptr;
    bool linked_ = false;
    bool timed_out_ = false;
  };

  // co_await event.Wait();
  [[nodiscard]] Waiter Wait() { return Waiter(*this, Deadline::Infinite()); }
  // bool set = co_await event.WaitUntil(deadline);
  [[nodiscard]] Waiter WaitUntil(Deadline deadline) { return Waiter(*this, deadline); }

 private:
  void Wake(Waiter* waiter);
  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
  bool set_ = false;
};

// A value that arrives once. Typically held by a shared_ptr from both sides.
template <typename T>
class Completion {
 public:
  // False if a value was there already (which then stays).
  bool Set(T value) {
    if (value_.has_value()) return false;
    value_.emplace(std::move(value));
    event_.Set();
    return true;
  }
  bool is_set() const { return value_.has_value(); }
  // One waiter takes the value.
  Task<T> Wait() {
    co_await event_.Wait();
    co_return *std::move(value_);
  }
  // Nothing if the deadline passed first.
  Task<std::optional<T>> WaitUntil(Deadline deadline) {
    if (!co_await event_.WaitUntil(deadline)) co_return std::nullopt;
    co_return std::optional<T>(*std::move(value_));
  }

 private:
  std::optional<T> value_;
  Event event_;
};

}  // namespace tholos::base
