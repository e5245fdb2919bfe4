// Gate and Scope: what keeps background work from outliving what it uses.
//
//   class Flusher {
//    public:
//     void Start() { scope_.Spawn(Run()); }
//     Task<void> Stop() { stopping_.Set(); co_await scope_.Stop(); }
#pragma once

#include <memory>

#include "base/async/event.h"
#include "base/async/task.h"

namespace tholos::base {

// Counts those inside; once closed lets nobody in; Close() returns when the last one has left.
class Gate {
 public:
  Gate() = default;
  ~Gate();

  class Holder {
   public:
    Holder() = default;
    Holder(Holder&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
    Holder& operator=(Holder&& other) noexcept {
      Leave();
      gate_ = std::exchange(other.gate_, nullptr);
      return *this;
    }
    ~Holder() { Leave(); }
    // Somebody who is inside lets another one in, even if the gate was closed since.
    Holder Another() const;
    // False if the gate was closed.
    explicit operator bool() const { return gate_ != nullptr; }

   private:
    friend class Gate;
    explicit Holder(Gate* gate) : gate_(gate) {}
    void Leave();
    Gate* gate_ = nullptr;
  };

  [[nodiscard]] Holder Enter();
  Task<void> Close();
  bool closed() const { return closed_; }
  int inside() const { return inside_; }

 private:
  int inside_ = 0;
  bool closed_ = false;
  Event empty_;
};

// Runs detached tasks of one loop and waits for them. Must be stopped, or empty, when destroyed.
class Scope {
 public:
  // Starts `task` through the ready queue. After Stop() was called the task is dropped unstarted
  // and the result is false.
  bool Spawn(Task<void> task);
  // The same, but runs `task` at once, until it first waits.
  bool SpawnNow(Task<void> task);
  // For what goes on without a task and may have to spawn one in the end: the scope waits for it,
  // and takes its tasks even after Stop() was called.
  [[nodiscard]] Gate::Holder Enter() { return gate_.Enter(); }
  static void Spawn(Task<void> task, Gate::Holder inside);
  // Lets no more in and returns when every spawned task has ended.
  Task<void> Stop() { return gate_.Close(); }
  bool stopped() const { return gate_.closed(); }
  int running() const { return gate_.inside(); }

 private:
  Gate gate_;
};

// Runs `task` on `loop` without anyone to wait for it: for a program's or a test's outermost task.
// From any thread.
void SpawnDetached(Loop& loop, Task<void> task);

}  // namespace tholos::base
