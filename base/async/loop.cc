#include "base/async/loop.h"

#include <utility>

#include "base/check.h"

namespace tholos::base {
namespace {
thread_local Loop* current_loop = nullptr;
}  // namespace

void Timer::Start(MonotonicTime when, absl::AnyInvocable<void()> fire) {
  THOLOS_CHECK(loop_ == nullptr) << "timer is already pending";
  Loop& loop = Loop::Current();
  if (loop.crashed_) return;
  loop_ = &loop;
  when_ = when;
  sequence_ = loop.next_timer_sequence_++;
  fire_ = std::move(fire);
  const auto key = std::make_pair(when_, sequence_);
  const bool earlier = loop.timers_.empty() || key < loop.timers_.begin()->first;
  loop.timers_.emplace(key, this);
  if (earlier) loop.OnEarlierTimer();
}

void Timer::Cancel() {
  if (loop_ == nullptr) return;
  loop_->timers_.erase({when_, sequence_});
  loop_ = nullptr;
  fire_ = nullptr;
}

Loop::~Loop() {
  THOLOS_CHECK(newest_root_ == nullptr) << "a loop ended while a detached task was running";
  for (auto& [key, timer] : timers_) timer->loop_ = nullptr;
}

Loop& Loop::Current() {
  THOLOS_CHECK(current_loop != nullptr) << "not on a loop";
  return *current_loop;
}

Loop* Loop::CurrentOrNull() { return current_loop; }

bool Loop::CurrentCrashed() { return current_loop != nullptr && current_loop->crashed_; }

Loop::Enter::Enter(Loop* loop) : previous_(current_loop) { current_loop = loop; }
Loop::Enter::~Enter() { current_loop = previous_; }

void Loop::Root::LinkInto(Loop* owner) {
  loop = owner;
  previous = owner->newest_root_;
  next = nullptr;
  if (previous != nullptr) previous->next = this;
  owner->newest_root_ = this;
}

void Loop::Root::Unlink() {
  if (loop == nullptr) return;
  if (previous != nullptr) previous->next = next;
  if (next != nullptr) {
    next->previous = previous;
  } else {
    loop->newest_root_ = previous;
  }
  loop = nullptr;
}

MonotonicTime Loop::NextTimer() const {
  return timers_.empty() ? MonotonicTime::Infinite() : timers_.begin()->first.first;
}

int Loop::FireTimers(MonotonicTime now) {
  int fired = 0;
  // A timer that a fired one starts for `now` waits for the next call: no livelock here.
  const uint64_t first_new = next_timer_sequence_;
  for (auto it = timers_.begin(); it != timers_.end() && it->first.first <= now;) {
    if (it->first.second >= first_new) {
      ++it;
      continue;
    }
    Timer* timer = it->second;
    timers_.erase(it);
    timer->loop_ = nullptr;
    auto fire = std::move(timer->fire_);
    timer->fire_ = nullptr;
    fire();
    ++fired;
    it = timers_.begin();
  }
  return fired;
}

void Loop::CrashRoots() {
  crashed_ = true;
  Enter enter(this);
  for (auto& [key, timer] : timers_) timer->loop_ = nullptr;
  timers_.clear();
  while (newest_root_ != nullptr) {
    Root* root = newest_root_;
    root->Unlink();
    root->handle.destroy();
  }
}

}  // namespace tholos::base
