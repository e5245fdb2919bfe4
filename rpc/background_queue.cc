#include "rpc/background_queue.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/async/loop.h"

namespace tholos::rpc {

absl::Duration BackgroundPause(absl::Duration waited) {
  if (waited < BackgroundQueue::kShortWait) return absl::ZeroDuration();
  return std::min(3 * waited, BackgroundQueue::kPauseMax);
}

BackgroundQueue::BackgroundQueue(int shard, const base::Clock& clock, base::Metrics& metrics)
    : clock_(clock),
      waiting_bytes_(metrics.AddGauge("tholos_internode_background_waiting_bytes",
                                      "Requests of background classes that wait for their turn.",
                                      {{"shard", std::to_string(shard)}})),
      yielded_(metrics.AddCounter("tholos_internode_background_yielded_total",
                                  "Turns of background work that let a busy shard go first.",
                                  {{"shard", std::to_string(shard)}})) {
  for (size_t i = 0; i < kVerbClassCount; ++i) {
    const auto stream_class = static_cast<VerbClass>(i);
    handled_[i] = IsBackground(stream_class)
                      ? &metrics.AddCounter("tholos_internode_background_handled_total",
                                            "Requests of background classes that were handled.",
                                            {{"shard", std::to_string(shard)},
                                             {"class", std::string(ClassName(stream_class))}})
                      : nullptr;
  }
}

void BackgroundQueue::Push(VerbClass stream_class, size_t bytes, base::Deadline deadline,
                           Work work) {
  if (stopping_.is_set()) return;
  waiting_[static_cast<size_t>(stream_class)].push_back({bytes, deadline, std::move(work)});
  waiting_bytes_.Add(static_cast<int64_t>(bytes));
  ++waiting_count_;
  if (!running_) running_ = scope_.Spawn(Run());
}

base::Task<void> BackgroundQueue::Run() {
  while (waiting_count_ > 0 && !stopping_.is_set()) {
    const base::MonotonicTime queued = clock_.Now();
    co_await base::Yield();
    const base::MonotonicTime now = clock_.Now();
    const absl::Duration pause = BackgroundPause(now - queued);
    if (pause > absl::ZeroDuration()) {
      yielded_.Add();
      if (co_await stopping_.WaitUntil(now + pause)) break;
    }
    while (HandsFull() && !stopping_.is_set()) co_await room_.Wait();
    if (!stopping_.is_set()) StartTurn();
  }
  running_ = false;
}

void BackgroundQueue::StartTurn() {
  const base::MonotonicTime now = clock_.Now();
  size_t messages = 0;
  size_t bytes = 0;
  while (waiting_count_ > 0 && messages < kTurnMessages && bytes < kTurnBytes && !HandsFull()) {
    Item item = TakeNext();
    if (item.deadline > now) {
      ++messages;
      bytes += item.bytes;
    }
    scope_.SpawnNow(Handle(std::move(item)));
  }
}

BackgroundQueue::Item BackgroundQueue::TakeNext() {
  do {
    last_class_ = (last_class_ + 1) % kVerbClassCount;
  } while (waiting_[last_class_].empty());
  Item item = std::move(waiting_[last_class_].front());
  waiting_[last_class_].pop_front();
  waiting_bytes_.Add(-static_cast<int64_t>(item.bytes));
  --waiting_count_;
  if (handled_[last_class_] != nullptr) handled_[last_class_]->Add();
  return item;
}

base::Task<void> BackgroundQueue::Handle(Item item) {
  ++in_hand_;
  in_hand_bytes_ += item.bytes;
  co_await item.work();
  --in_hand_;
  in_hand_bytes_ -= item.bytes;
  room_.Pulse();
}

base::Task<void> BackgroundQueue::Stop() {
  stopping_.Set();
  room_.Pulse();
  for (std::deque<Item>& items : waiting_) {
    for (const Item& item : items) waiting_bytes_.Add(-static_cast<int64_t>(item.bytes));
    items.clear();
  }
  waiting_count_ = 0;
  co_await scope_.Stop();
}

}  // namespace tholos::rpc
