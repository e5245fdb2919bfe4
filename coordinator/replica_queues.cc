#include "coordinator/replica_queues.h"

#include <algorithm>
#include <vector>

#include "base/errors.h"
#include "base/strings.h"

namespace tholos::coordinator {
namespace {

// Every 16th is timed, for which the clock is asked twice; every fourth while so many are under way
// that it may matter.
constexpr uint64_t kTimedMask = 15;
constexpr uint64_t kManyTimedMask = 3;
constexpr uint64_t kMany = 32;

// Of a status that says so: what tells it from other refusals, on this node alone.
constexpr char kNoRoomUrl[] = "tholos.ReplicasHaveNoRoom";

size_t Index(ReplicaQueues::Kind kind) { return static_cast<size_t>(kind); }

}  // namespace

ReplicaQueues::Replica& ReplicaQueues::Of(const ring::NodeId& node) {
  std::unique_ptr<Replica>& replica = replicas_[node];
  if (replica == nullptr) replica = std::make_unique<Replica>();
  return *replica;
}

template <typename Function>
auto ReplicaQueues::Counting(Kind kind, ReplicaQueue& queue, Function&& change) {
  const bool before = queue.limited();
  const auto result = change();
  limited_[Index(kind)] += static_cast<int>(queue.limited()) - static_cast<int>(before);
  return result;
}

ReplicaQueues::UnderWay ReplicaQueues::Send(Kind kind, const ring::NodeId& node) {
  Replica& replica = Of(node);
  ReplicaQueue& queue = replica.queues[Index(kind)];
  const uint64_t mask = queue.under_way() < kMany ? kTimedMask : kManyTimedMask;
  if ((replica.sent[Index(kind)]++ & mask) != 0) {
    queue.Sent();
    return UnderWay(this, kind, &queue, {});
  }
  const base::MonotonicTime now = clock_.Now();
  Counting(kind, queue, [&] {
    queue.SentAt(now);
    return true;
  });
  return UnderWay(this, kind, &queue, now);
}

void ReplicaQueues::UnderWay::Ended(const absl::Status& answer) {
  ReplicaQueue* queue = std::exchange(queue_, nullptr);
  if (!answer.ok() && (absl::IsDeadlineExceeded(answer) || absl::IsUnavailable(answer) ||
                       absl::IsResourceExhausted(answer))) {
    queue->Lost();
  } else if (sent_ == base::MonotonicTime()) {
    queue->Answered();
  } else {
    owner_->Counting(kind_, *queue, [&] {
      queue->AnsweredAt(owner_->clock_.Now(), sent_);
      return true;
    });
  }
}

bool ReplicaQueues::HasRoom(Kind kind, const ring::NodeId& replica) {
  if (limited_[Index(kind)] == 0) return true;
  ReplicaQueue& queue = Of(replica).queues[Index(kind)];
  if (!queue.limited()) return true;
  return !Counting(kind, queue, [&] { return queue.Full(clock_.Now()); });
}

bool ReplicaQueues::IsRefusal(const absl::Status& status) {
  return !status.ok() && status.GetPayload(kNoRoomUrl).has_value();
}

absl::Status ReplicaQueues::Admit(Kind kind, ReplicaPlan* plan) {
  if (limited_[Index(kind)] == 0) return absl::OkStatus();
  std::vector<ReplicaPlan::Target> full;
  std::erase_if(plan->targets, [&](const ReplicaPlan::Target& target) {
    if (HasRoom(kind, target.node)) return false;
    full.push_back(target);
    return true;
  });
  const auto with_room = static_cast<std::ptrdiff_t>(plan->targets.size());
  plan->targets.insert(plan->targets.end(), full.begin(), full.end());
  for (size_t group = 0; group < plan->needs.size(); ++group) {
    const auto have = static_cast<uint32_t>(std::count_if(
        plan->targets.begin(), plan->targets.begin() + with_room,
        [&](const auto& target) { return target.group == static_cast<int16_t>(group); }));
    if (have >= plan->needs[group]) continue;
    absl::Status refusal = base::Overloaded(base::StrCat(
        "the replicas are slow and have enough to do: ", have, " of ", plan->needs[group],
        " that are needed could take this ", kind == Kind::kRead ? "read" : "write"));
    refusal.SetPayload(kNoRoomUrl, absl::Cord());
    return refusal;
  }
  return absl::OkStatus();
}

}  // namespace tholos::coordinator
