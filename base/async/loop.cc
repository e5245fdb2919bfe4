#include "base/async/loop.h"

#include <utility>

#include "base/check.h"

namespace tholos::base {
namespace {
thread_local Loop* current_loop = nullptr;
thread_local uint64_t next_root_sequence = 0;
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
  sequence = next_root_sequence++;
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

void Loop::MarkCrashed() {
  crashed_ = true;
  for (auto& [key, timer] : timers_) timer->loop_ = nullptr;
  timers_.clear();
}

void Loop::CrashRoots(const std::vector<Loop*>& loops) {
  while (true) {
    Root* newest = nullptr;
    for (Loop* loop : loops) {
      Root* root = loop->newest_root_;
      if (root != nullptr && (newest == nullptr || root->sequence > newest->sequence))
        newest = root;
    }
    if (newest == nullptr) return;
    Enter enter(newest->loop);
    newest->Unlink();
    newest->handle.destroy();
  }
}

}  // namespace tholos::base
