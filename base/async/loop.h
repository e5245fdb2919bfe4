// The event loop that coroutines run on, and the timers, hops and detached tasks that hang on it.
//
// A loop is one thread of control: a shard, or one thread of the background pool. Everything in
// base/async/ (events, semaphores, gates, scopes) is confined to the loop it was used on first;
// only Post and SwitchTo cross from one loop to another. The real loop is base/real/, the simulated
// one base/sim/; both derive from this class and add how work is ordered and how time passes.
//
// Crash. The simulator kills a node by crashing its loops together: queued work and timers are
// dropped and every detached coroutine is destroyed where it stands, newest first over all of them.
// Locals are destroyed, so memory is returned, but no line of clean-up code runs: nothing awaits,
// nothing is written. Destructors that otherwise insist on an orderly Stop() ask
// Loop::CurrentCrashed().
#pragma once

#include <coroutine>
#include <cstdint>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/functional/any_invocable.h"
#include "base/time.h"

namespace tholos::base {

class Clock;
class Loop;

// A timer of one loop. Owned by whoever waits; the destructor cancels.
class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { Cancel(); }

  // Calls `fire` once, on the current loop, at `when` or later. At most one pending call.
  void Start(MonotonicTime when, absl::AnyInvocable<void()> fire);
  void Cancel();
  bool pending() const { return loop_ != nullptr; }

 private:
  friend class Loop;
  Loop* loop_ = nullptr;
  MonotonicTime when_;
  uint64_t sequence_ = 0;
  absl::AnyInvocable<void()> fire_;
};

class Loop {
 public:
  Loop() = default;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  virtual ~Loop();

  // The loop whose work runs on this thread right now. Current() requires one.
  static Loop& Current();
  static Loop* CurrentOrNull();
  static bool CurrentCrashed();

  // Runs `work` on this loop. From any thread, in the order posted by one thread.
  virtual void Post(absl::AnyInvocable<void()> work) = 0;
  // Resumes `handle` after the work already queued. From this loop only.
  virtual void Ready(std::coroutine_handle<> handle) = 0;
  // Resumes `handle` on this loop. From any thread.
  virtual void PostResume(std::coroutine_handle<> handle) {
    Post([handle] { handle.resume(); });
  }
  virtual const Clock& clock() const = 0;

  bool crashed() const { return crashed_; }

  // Installs a loop as the current one for a block of code.
  class Enter {
   public:
    explicit Enter(Loop* loop);
    ~Enter();

   private:
    Loop* previous_;
  };

  // A detached coroutine's place in the list of its loop (used by Scope).
  struct Root {
    Root* previous = nullptr;
    Root* next = nullptr;
    Loop* loop = nullptr;
    uint64_t sequence = 0;  // in order of LinkInto on this thread
    std::coroutine_handle<> handle;
    void LinkInto(Loop* loop);
    void Unlink();
    ~Root() { Unlink(); }
  };

 protected:
  // The earliest pending timer's time, or Infinite.
  MonotonicTime NextTimer() const;
  // Fires what is due at `now`, in order of time and then of start; returns how many.
  int FireTimers(MonotonicTime now);
  // Called when a timer before all others was started (the real loop must re-arm its wait).
  virtual void OnEarlierTimer() {}

  bool HasDetachedTasks() const { return newest_root_ != nullptr; }

  // The steps of a crash (see above). For each loop of the node: MarkCrashed, which drops the
  // timers; then the derived class drops its queue, inside Enter; then CrashRoots once for all
  // loops.
  void MarkCrashed();
  static void CrashRoots(const std::vector<Loop*>& loops);

 private:
  friend class Timer;
  absl::btree_map<std::pair<MonotonicTime, uint64_t>, Timer*> timers_;
  uint64_t next_timer_sequence_ = 0;
  Root* newest_root_ = nullptr;
  bool crashed_ = false;
};

// co_await SwitchTo(loop): continues on `loop`; no suspension if already there.
struct SwitchTo {
  explicit SwitchTo(Loop& loop) : loop(loop) {}
  Loop& loop;
  bool await_ready() const { return Loop::CurrentOrNull() == &loop; }
  void await_suspend(std::coroutine_handle<> handle) const { loop.PostResume(handle); }
  void await_resume() const {}
};

// co_await Yield(): lets the loop's other work run first.
struct Yield {
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> handle) const { Loop::Current().Ready(handle); }
  void await_resume() const {}
};

}  // namespace tholos::base
