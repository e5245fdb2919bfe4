#include "coordinator/read/read_round.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "coordinator/digest.h"

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
      progress_(input_.answers, GroupsOf(input_.candidates)),
      background_(shard.background.Enter()) {}

base::Task<absl::StatusOr<std::vector<ReplicaAnswer>>> ReadRound::Run(ShardContext& shard,
                                                                      Input input) {
  // Held by those asked as well: late answers find it.
  const std::shared_ptr<ReadRound> round(new ReadRound(shard, std::move(input)));
  if (!round->background_) co_return Stopping();
  shard.speculation.Earn();
  for (const ReadProgress::Ask& ask : round->progress_.Start()) round->Send(ask);
  co_await round->WaitFor();
  if (round->progress_.verdict() != Verdict::kEnough) {
    co_return WithReasons(*shard.state.Get(), round->progress_.Error(round->input_.level),
                          round->failed_);
  }
  co_return std::exchange(round->answers_, {});
}

base::Task<void> ReadRound::WaitFor() {
  const base::MonotonicTime start = shard_.clock.Now();
  if (input_.speculative_retry.kind() == SpeculativeRetry::Kind::kDelay) {
    const absl::Duration slow =
        input_.speculative_retry.Delay(shard_.read_latency, shard_.options.slow_read_min);
    if (co_await decided_.WaitUntil(std::min(start + slow, input_.deadline))) co_return;
    if (progress_.has_spare() && MaySpeculate()) {
      shard_.metrics.speculative_reads.Add();
      if (auto ask = progress_.AskOneMore()) Send(*ask);
    }
  }
  const base::MonotonicTime half = start + (input_.deadline - start) / 2;
  if (co_await decided_.WaitUntil(std::max(half, shard_.clock.Now()))) co_return;
  if (auto ask = progress_.AskOneMore()) {
    shard_.metrics.replaced_reads.Add();
    Send(*ask);
  }
  co_await decided_.WaitUntil(input_.deadline);
}

// Extra load is the last thing that a busy shard needs.
bool ReadRound::MaySpeculate() {
  return shard_.in_flight.available() > shard_.in_flight.capacity() / 4 &&
         shard_.speculation.Spend();
}

void ReadRound::Send(ReadProgress::Ask ask) {
  if (input_.candidates[ask.candidate].node == shard_.options.self || input_.trace != nullptr) {
    base::Scope::Spawn(AskReplica(shared_from_this(), ask), background_.Another());
    return;
  }
  messages_.push_back({{ask, shard_.clock.Now()}, QueueFor(ask)});
  shard_.replicas.Ask(*shard_.state.Get(), input_.candidates[ask.candidate].node,
                      input_.message->verb(ask.data), input_.message->command.RoutingToken(),
                      input_.message->body, input_.deadline, shared_from_this(),
                      static_cast<uint32_t>(messages_.size() - 1));
}

void ReadRound::OnAnswer(uint32_t which, absl::StatusOr<std::string> bytes) {
  messages_[which].under_way.Ended(bytes.status());
  const Sent sent = messages_[which].sent;
  const base::MonotonicTime now = shard_.clock.Now();
  shard_.replicas.Note(input_.candidates[sent.ask.candidate].node, bytes.status());
  if (decided_.is_set()) return Measure(sent, bytes.status(), now);
  if (!bytes.ok()) return Answered(sent, bytes.status(), now);
  Answered(sent, Decode(sent.ask, *bytes), now);
}

absl::StatusOr<ReplicaAnswer> ReadRound::Decode(ReadProgress::Ask ask,
                                                std::string_view bytes) const {
  ReplicaAnswer answer{.from = input_.candidates[ask.candidate]};
  if (!ask.data) {
    THOLOS_ASSIGN_OR_RETURN(answer.digest, DecodeDigest(bytes));
    return answer;
  }
  THOLOS_ASSIGN_OR_RETURN(answer.data, ReplicaClient::DecodeData(input_.message->command, bytes));
  if (IsCompared()) answer.digest = shard_.replicas.DigestOf(*answer.data);
  return answer;
}

// Alone, it is compared with nothing.
bool ReadRound::IsCompared() const {
  return progress_.progress().required() > 1 && !input_.answers.only_data;
}

base::Task<void> ReadRound::AskReplica(std::shared_ptr<ReadRound> round, ReadProgress::Ask ask) {
  const Sent sent{ask, round->shard_.clock.Now()};
  auto under_way = round->QueueFor(ask);
  absl::StatusOr<ReplicaAnswer> answer = co_await round->Fetch(ask);
  under_way.Ended(answer.status());
  round->Answered(sent, std::move(answer), round->shard_.clock.Now());
}

ReplicaQueues::UnderWay ReadRound::QueueFor(ReadProgress::Ask ask) {
  return shard_.replica_queues.Send(ReplicaQueues::Kind::kRead,
                                    input_.candidates[ask.candidate].node);
}

void ReadRound::Measure(const Sent& sent, const absl::Status& status, base::MonotonicTime now) {
  if (status.ok() || absl::IsDeadlineExceeded(status))
    shard_.latencies.Observe(input_.candidates[sent.ask.candidate].node, now - sent.at, now);
}

void ReadRound::Answered(const Sent& sent, absl::StatusOr<ReplicaAnswer> answer,
                         base::MonotonicTime now) {
  Measure(sent, answer.status(), now);
  if (decided_.is_set()) return;
  if (answer.ok()) {
    shard_.read_latency.Observe(now - sent.at);
    answers_.push_back(*std::move(answer));
    progress_.Answered(sent.ask);
  } else {
    failed_.push_back({input_.candidates[sent.ask.candidate].node, answer.status()});
    if (auto replacement = progress_.Failed(sent.ask, answer.status())) {
      shard_.metrics.replaced_reads.Add();
      Send(*replacement);
    }
  }
  if (progress_.verdict() != Verdict::kPending) decided_.Set();
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
  if (IsCompared()) answer.digest = shard_.replicas.DigestOf(*answer.data);
  co_return answer;
}

}  // namespace tholos::coordinator
