#include "coordinator/read/read_round.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"

namespace tholos::coordinator {

namespace {

std::vector<int> GroupsOf(const std::vector<ReplicaPlan::Target>& targets) {
  std::vector<int> groups;
  groups.reserve(targets.size());
  for (const ReplicaPlan::Target& target : targets) groups.push_back(target.group);
  return groups;
}

}  // namespace

ReadRound::ReadRound(ShardContext& shard, Input input)
    : shard_(shard),
      input_(std::move(input)),
      progress_(input_.answers, GroupsOf(input_.candidates)) {}

base::Task<absl::StatusOr<std::vector<ReplicaAnswer>>> ReadRound::Run(ShardContext& shard,
                                                                      Input input) {
  // Held by those asked as well: late answers find it.
  const std::shared_ptr<ReadRound> round(new ReadRound(shard, std::move(input)));
  shard.speculation.Earn();
  for (const ReadProgress::Ask& ask : round->progress_.Start()) Send(round, ask);
  co_await round->WaitFor(round);
  if (round->progress_.verdict() != Verdict::kEnough) {
    co_return WithReasons(*shard.state.Get(), round->progress_.Error(round->input_.level),
                          round->failed_);
  }
  co_return std::exchange(round->answers_, {});
}

base::Task<void> ReadRound::WaitFor(std::shared_ptr<ReadRound> self) {
  const base::MonotonicTime start = shard_.clock.Now();
  if (input_.speculative_retry.kind() == SpeculativeRetry::Kind::kDelay) {
    const absl::Duration slow =
        input_.speculative_retry.Delay(shard_.read_latency, shard_.options.slow_read_min);
    if (co_await decided_.WaitUntil(std::min(start + slow, input_.deadline))) co_return;
    if (progress_.has_spare() && MaySpeculate()) {
      shard_.metrics.speculative_reads.Add();
      if (auto ask = progress_.AskOneMore()) Send(self, *ask);
    }
  }
  const base::MonotonicTime half = start + (input_.deadline - start) / 2;
  if (co_await decided_.WaitUntil(std::max(half, shard_.clock.Now()))) co_return;
  if (auto ask = progress_.AskOneMore()) {
    shard_.metrics.replaced_reads.Add();
    Send(self, *ask);
  }
  co_await decided_.WaitUntil(input_.deadline);
}

// Extra load is the last thing that a busy shard needs.
bool ReadRound::MaySpeculate() {
  return shard_.in_flight.available() > shard_.in_flight.capacity() / 4 &&
         shard_.speculation.Spend();
}

void ReadRound::Send(std::shared_ptr<ReadRound> round, ReadProgress::Ask ask) {
  ShardContext& shard = round->shard_;
  shard.background.Spawn(AskReplica(std::move(round), ask));
}

base::Task<void> ReadRound::AskReplica(std::shared_ptr<ReadRound> round, ReadProgress::Ask ask) {
  const base::MonotonicTime start = round->shard_.clock.Now();
  auto under_way = round->shard_.replica_queues.Send(ReplicaQueues::Kind::kRead,
                                                     round->input_.candidates[ask.candidate].node);
  absl::StatusOr<ReplicaAnswer> answer = co_await round->Fetch(ask);
  under_way.Ended(answer.status());
  const base::MonotonicTime now = round->shard_.clock.Now();
  if (answer.ok() || absl::IsDeadlineExceeded(answer.status()))
    round->shard_.latencies.Observe(round->input_.candidates[ask.candidate].node, now - start, now);
  if (round->decided_.is_set()) co_return;
  if (answer.ok()) {
    round->shard_.read_latency.Observe(now - start);
    round->answers_.push_back(*std::move(answer));
    round->progress_.Answered(ask);
  } else {
    round->failed_.push_back({round->input_.candidates[ask.candidate].node, answer.status()});
    if (auto replacement = round->progress_.Failed(ask, answer.status())) {
      round->shard_.metrics.replaced_reads.Add();
      Send(round, *replacement);
    }
  }
  if (round->progress_.verdict() != Verdict::kPending) round->decided_.Set();
}

base::Task<absl::StatusOr<ReplicaAnswer>> ReadRound::Fetch(ReadProgress::Ask ask) {
  ReplicaAnswer answer{.from = input_.candidates[ask.candidate]};
  if (!ask.data) {
    THOLOS_CO_ASSIGN_OR_RETURN(answer.digest,
                               co_await shard_.replicas.ReadDigest(answer.from.node, input_.message,
                                                                   input_.deadline, input_.trace));
    co_return answer;
  }
  THOLOS_CO_ASSIGN_OR_RETURN(answer.data,
                             co_await shard_.replicas.ReadData(answer.from.node, input_.message,
                                                               input_.deadline, input_.trace));
  // Alone, it is compared with nothing.
  if (progress_.progress().required() > 1 && !input_.answers.only_data)
    answer.digest = shard_.replicas.DigestOf(*answer.data);
  co_return answer;
}

}  // namespace tholos::coordinator
