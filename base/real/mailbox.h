// Mailbox: how work reaches a loop from other threads.
//
// Many producers, one consumer. The consumer takes everything at once, so the lock is held for a
// few instructions per message and per batch. A producer is told to wake the consumer only if that
// sleeps, and only the first one after it fell asleep:
//
//   consumer                        producer
//   TakeAll: empty                  Put: not asleep -> no wake-up
//   TryFallAsleep: still empty, ok  Put: asleep     -> "wake it", asleep = false
//   waits on its eventfd            Put: awake      -> no wake-up
//
// Not bounded here: what is posted belongs to work that was admitted elsewhere, in bytes.
#pragma once

#include <atomic>
#include <coroutine>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/functional/any_invocable.h"

namespace tholos::base {

// A coroutine to resume, or else a function to call. Most work is a coroutine, and moves from queue
// to queue: two pointers.
struct Work {
  std::coroutine_handle<> handle;
  std::unique_ptr<absl::AnyInvocable<void()>> call;
  void Run() {
    if (handle) {
      handle.resume();
    } else {
      (*call)();
    }
  }
};

class Mailbox {
 public:
  // Any thread. True if the caller must wake the consumer.
  [[nodiscard]] bool Put(Work work);

  // The consumer only, as everything below. Appends all there is, in order.
  void TakeAll(std::vector<Work>* out);
  // False if something is there. Afterwards the next Put reports that the consumer must be woken.
  [[nodiscard]] bool TryFallAsleep();
  void Awake();
  size_t depth() const;

 private:
  mutable std::mutex mutex_;
  std::vector<Work> mail_;
  bool asleep_ = false;
  // Spares a busy consumer the lock. Set after the mail is there, so a late reading costs one turn.
  std::atomic<bool> has_mail_ = false;
};

}  // namespace tholos::base
