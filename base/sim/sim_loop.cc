#include "base/sim/sim_loop.h"

#include <iterator>
#include <utility>

#include "base/check.h"
#include "base/sim/simulation.h"

namespace tholos::base::sim {

void SimLoop::Post(absl::AnyInvocable<void()> work) {
  if (crashed()) {
    Enter enter(this);  // the destructors of what was posted see the crash
    work = nullptr;
    return;
  }
  const auto* source = static_cast<SimLoop*>(CurrentOrNull());
  inboxes_[source == nullptr ? 0 : source->id_].push_back(std::move(work));
}

void SimLoop::Ready(std::coroutine_handle<> handle) {
  THOLOS_CHECK(CurrentOrNull() == this)
      << "a coroutine of " << name_ << " was made ready elsewhere";
  if (!crashed()) ready_.push_back(handle);
}

bool SimLoop::Runnable() const { return !ready_.empty() || !inboxes_.empty() || TimerDue(); }

MonotonicTime SimLoop::NextTimerGlobal() const { return clock_.GlobalTimeOf(NextTimer()); }

void SimLoop::RunOne(RandomStream& random) {
  Enter enter(this);
  const size_t timer_choices = TimerDue() ? 1 : 0;
  const size_t ready_choices = ready_.empty() ? 0 : 1;
  size_t choice = random.Below(timer_choices + ready_choices + inboxes_.size());
  Trace& trace = simulation_.trace();
  if (choice < timer_choices) {
    trace.Fold(simulation_.now(), name_, "timers");
    FireTimers(clock_.Now());
    return;
  }
  choice -= timer_choices;
  if (choice < ready_choices) {
    trace.Fold(simulation_.now(), name_, "resume", ready_.size());
    const std::coroutine_handle<> handle = ready_.front();
    ready_.pop_front();
    handle.resume();
    return;
  }
  const auto inbox = std::next(inboxes_.begin(), choice - ready_choices);
  trace.Fold(simulation_.now(), name_, "posted", inbox->first, inbox->second.size());
  auto work = std::move(inbox->second.front());
  inbox->second.pop_front();
  if (inbox->second.empty()) inboxes_.erase(inbox);
  work();
}

void SimLoop::DropQueues() {
  Enter enter(this);
  ready_.clear();
  // A destructor may post again: that is dropped at once, as the loop has crashed.
  auto dropped = std::move(inboxes_);
  inboxes_.clear();
}

void SimLoop::Crash(const std::vector<SimLoop*>& loops) {
  for (SimLoop* loop : loops) loop->MarkCrashed();
  for (SimLoop* loop : loops) loop->DropQueues();
  CrashRoots({loops.begin(), loops.end()});
}

}  // namespace tholos::base::sim
