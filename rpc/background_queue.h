// BackgroundQueue: the share of one shard for what nobody waits for: hints, repair, streaming.
//
// Requests of these classes are not started when they come. They wait here (in the memory of their
// streams' windows) and are started a few at a time, each turn behind all other work that stands in
// the shard's queue:
//
//   queue of the shard   [f][f][f][turn]            nothing waited: the next turn follows at once
//                        [f][f][f][f][f][f][f][turn]   it waited 5 ms: the next one in 15 ms
//
// So an idle shard gives all it has, a busy one a little: a turn after three times what it waited,
// at most after kPauseMax. That is the least share, and why nothing here starves. Besides, only so
// much of it is in hand at a time, that is started and not yet answered: what a group commit of
// the disk takes in beside the foreground's, and no more.
//
// The classes take turns message by message; within a class the order is that of arrival.
#pragma once

#include <array>
#include <deque>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "base/async/event.h"
#include "base/async/scope.h"
#include "base/async/task.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "rpc/transport.h"

namespace tholos::rpc {

// How long the background lets the foreground go first, when a turn has waited so long for its own.
// Pure.
absl::Duration BackgroundPause(absl::Duration waited);

// Confined to its shard.
class BackgroundQueue {
 public:
  static constexpr size_t kTurnMessages = 8;
  static constexpr size_t kTurnBytes = size_t{256} << 10;
  static constexpr size_t kInHandMessages = 64;
  static constexpr size_t kInHandBytes = size_t{1} << 20;
  static constexpr absl::Duration kShortWait = absl::Milliseconds(1);
  static constexpr absl::Duration kPauseMax = absl::Milliseconds(100);

  // Handles a request, from its start to its answer.
  using Work = absl::AnyInvocable<base::Task<void>()>;

  BackgroundQueue(int shard, const base::Clock& clock, base::Metrics& metrics);

  // `work` of this class is started in its turn; dropped after Stop() was called. What has expired
  // when it comes first is started too, to be dropped by who knows how, and takes no part of a turn.
  void Push(VerbClass stream_class, size_t bytes, base::Deadline deadline, Work work);
  // Drops what waits, returns when what was started has ended.
  base::Task<void> Stop();

 private:
  struct Item {
    size_t bytes = 0;
    base::Deadline deadline;
    Work work;
  };

  base::Task<void> Run();
  void StartTurn();
  base::Task<void> Handle(Item item);
  // The next one, of the class whose turn it is. Something waits.
  Item TakeNext();
  bool HandsFull() const { return in_hand_ >= kInHandMessages || in_hand_bytes_ >= kInHandBytes; }

  const base::Clock& clock_;
  base::Gauge& waiting_bytes_;
  base::Counter& yielded_;
  std::array<base::Counter*, kVerbClassCount> handled_;

  std::array<std::deque<Item>, kVerbClassCount> waiting_;
  size_t waiting_count_ = 0;
  size_t last_class_ = 0;
  size_t in_hand_ = 0;
  size_t in_hand_bytes_ = 0;
  bool running_ = false;
  base::Event room_;
  base::Event stopping_;
  base::Scope scope_;
};

}  // namespace tholos::rpc
