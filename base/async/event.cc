#include "base/async/event.h"

#include "base/check.h"

namespace tholos::base {

Event::~Event() {
  THOLOS_CHECK(first_ == nullptr || Loop::CurrentCrashed())
      << "an event was destroyed under a waiter";
  // In a crash the waiter may be destroyed after the event.
  for (Waiter* waiter = first_; waiter != nullptr; waiter = waiter->next_) waiter->linked_ = false;
}

void Event::Set() {
  set_ = true;
  Pulse();
}

void Event::Pulse() {
  // Waiters that come while these are woken wait for the next pulse.
  Waiter* const last = last_;
  while (first_ != nullptr) {
    Waiter* waiter = first_;
    Wake(waiter);
    if (waiter == last) break;
  }
}

void Event::Wake(Waiter* waiter) {
  waiter->Unlink();
  waiter->timer_.Cancel();
  Loop::Current().Ready(waiter->handle_);
}

void Event::Waiter::await_suspend(std::coroutine_handle<> handle) {
  handle_ = handle;
  linked_ = true;
  previous_ = event_.last_;
  if (previous_ != nullptr) {
    previous_->next_ = this;
  } else {
    event_.first_ = this;
  }
  event_.last_ = this;
  if (deadline_ == Deadline::Infinite()) return;
  timer_.Start(deadline_, [this] {
    Unlink();
    timed_out_ = true;
    Loop::Current().Ready(handle_);
  });
}

void Event::Waiter::Unlink() {
  if (!linked_) return;
  linked_ = false;
  (previous_ != nullptr ? previous_->next_ : event_.first_) = next_;
  (next_ != nullptr ? next_->previous_ : event_.last_) = previous_;
}

Event::Waiter::~Waiter() { Unlink(); }

}  // namespace tholos::base
