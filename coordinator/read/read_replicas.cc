#include "coordinator/read/read_replicas.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "coordinator/read/read_repair.h"
#include "coordinator/read/read_round.h"
#include "coordinator/read/resolve.h"
#include "coordinator/trace.h"

namespace tholos::coordinator {
namespace {

bool Agree(const std::vector<ReplicaAnswer>& answers) {
  return std::all_of(answers.begin(), answers.end(), [&](const ReplicaAnswer& answer) {
    return answer.digest == answers[0].digest;
  });
}

// Those of `all` that are not in `without`.
std::vector<ReplicaPlan::Target> Others(const std::vector<ReplicaPlan::Target>& all,
                                        const std::vector<ReplicaAnswer>& without) {
  std::vector<ReplicaPlan::Target> others;
  for (const ReplicaPlan::Target& node : all) {
    const bool in = std::any_of(without.begin(), without.end(),
                                [&](const ReplicaAnswer& answer) { return answer.from == node; });
    if (!in) others.push_back(node);
  }
  return others;
}

// A read of one replica set as it goes through its rounds.
class ReplicaSetRead {
 public:
  ReplicaSetRead(ShardContext& shard, data::ReadCommand command, ReplicaPlan plan,
                 TablePolicy policy, RequestOptions options)
      : shard_(shard),
        command_(std::move(command)),
        plan_(std::move(plan)),
        policy_(policy),
        options_(options),
        rows_given_(command_.after.has_value() && command_.after->clustering.has_value()) {}

  base::Task<absl::StatusOr<ReadPage>> Run() {
    const base::MonotonicTime start = shard_.clock.Now();
    const base::MonotonicTime half = start + (options_.deadline - start) / 2;
    if (options_.trace != nullptr) options_.trace->Add("read needs " + plan_.ToString());
    while (true) {
      THOLOS_CO_ASSIGN_OR_RETURN(Resolution resolution, co_await ResolvedRound());
      // From the beginning: an undecided static row would not be shown again.
      if (resolution.needed != 0) {
        co_return ReadPage{
            .tombstones = tombstones_, .repaired = repaired_, .needed = resolution.needed};
      }
      for (const data::Partition& partition : resolution.merged) {
        shard_.timestamps.Observe(LargestTimestamp(partition));
      }
      tombstones_ += CountTombstones(command_, resolution.merged);
      ReadPage page = PageOf(std::move(resolution));
      page.tombstones = tombstones_;
      page.repaired = repaired_;
      page.answer_bytes = answer_bytes_;
      if (!page.partitions.empty() || !page.next.has_value()) co_return page;
      const bool enough = command_.bytes_max < command_.bytes_limit || shard_.clock.Now() >= half ||
                          tombstones_ >= shard_.options.page_tombstones_max;
      if (!undecided_.has_value() && enough) co_return page;
      rows_given_ =
          rows_given_ && command_.after.has_value() && command_.after->key == page.next->key;
      command_.after = std::move(page.next);
    }
  }

 private:
  // 1. Data from one, digests from the others; agreement is the rule.
  base::Task<absl::StatusOr<Resolution>> ResolvedRound() {
    const auto message = ReadMessage::Of(AskedOfReplicas(), options_.background);
    THOLOS_CO_ASSIGN_OR_RETURN(
        std::vector<ReplicaAnswer> answers,
        co_await ReadRound::Run(shard_, {.message = message,
                                         .candidates = plan_.targets,
                                         .answers = {.needs = plan_.needs, .extra = AskedBeyond()},
                                         .level = options_.consistency,
                                         .deadline = options_.deadline,
                                         .trace = options_.trace,
                                         .speculative_retry = policy_.speculative_retry}));
    if (Agree(answers)) {
      const auto with_data =
          std::find_if(answers.begin(), answers.end(),
                       [](const ReplicaAnswer& answer) { return answer.data.has_value(); });
      std::vector<data::ReadResult> one;
      one.push_back(*std::move(with_data->data));
      answer_bytes_ = std::max(answer_bytes_, data::CountBytes(one.front(), command_.reversed));
      co_return Resolve(command_, std::move(one));
    }
    shard_.metrics.digest_mismatches.Add();
    if (options_.trace != nullptr)
      options_.trace->Add("the replicas disagree: reading all data, to repair");
    const ReadMemory::Room for_all = shard_.read_memory.Take(
        (static_cast<int64_t>(plan_.required()) - 1) * ReadMemory::ChargeOf(command_.bytes_max));
    THOLOS_CO_RETURN_IF_ERROR(co_await FetchAllData(message, &answers));
    co_return co_await ResolveAndRepair(std::move(answers));
  }

  // 2. Data from those that gave digests, or from spares in their place.
  base::Task<absl::Status> FetchAllData(std::shared_ptr<const ReadMessage> message,
                                        std::vector<ReplicaAnswer>* answers) {
    std::vector<ReplicaAnswer> with_data;
    std::vector<ReplicaPlan::Target> candidates;
    for (ReplicaAnswer& answer : *answers) {
      if (answer.data.has_value()) {
        with_data.push_back(std::move(answer));
      } else {
        candidates.push_back(answer.from);
      }
    }
    Progress needed(plan_.needs);
    std::vector<int> already;
    for (const ReplicaAnswer& answer : with_data) {
      already.push_back(answer.from.group);
      needed.Already(answer.from.group);
    }
    for (const ReplicaPlan::Target& spare : Others(plan_.targets, *answers))
      candidates.push_back(spare);
    *answers = std::move(with_data);
    if (needed.verdict() == Verdict::kEnough) co_return absl::OkStatus();
    auto more = co_await ReadRound::Run(shard_, {.message = std::move(message),
                                                 .candidates = std::move(candidates),
                                                 .answers = {plan_.needs, std::move(already), true},
                                                 .level = options_.consistency,
                                                 .deadline = options_.deadline,
                                                 .trace = options_.trace});
    if (!more.ok()) co_return more.status();
    for (ReplicaAnswer& answer : *more) answers->push_back(std::move(answer));
    co_return absl::OkStatus();
  }

  // 3. The merge law over them; whoever lacks something of it gets it before the read answers.
  base::Task<absl::StatusOr<Resolution>> ResolveAndRepair(std::vector<ReplicaAnswer> answers) {
    std::vector<data::ReadResult> results;
    for (const ReplicaAnswer& answer : answers) {
      answer_bytes_ = std::max(answer_bytes_, data::CountBytes(*answer.data, command_.reversed));
      results.push_back(*answer.data);
    }
    const Faults& faults = shard_.options.faults;
    if (faults.first_answer_wins) results.resize(1);
    Resolution resolution = Resolve(command_, std::move(results), faults);
    if (faults.repairs_skipped || resolution.needed != 0) co_return resolution;

    ReadRepair repair{.table = command_.table,
                      .level = options_.consistency,
                      .deadline = options_.deadline,
                      .trace = options_.trace};
    for (ReplicaAnswer& answer : answers) {
      auto lacking = Lacking(command_, resolution.merged, *answer.data);
      if (lacking.empty()) {
        repair.up_to_date.push_back(answer.from.group);
      } else {
        repair.lacking.emplace_back(answer.from, std::move(lacking));
      }
      answer.data.reset();
    }
    if (repair.lacking.empty() || !(policy_.read_repair || options_.repair)) co_return resolution;
    for (const auto& [replica, updates] : repair.lacking) repaired_ += updates.size();
    repair.spares = Others(plan_.targets, answers);
    if (!repair.spares.empty()) repair.found = AsUpdates(command_, resolution.merged);
    repair.needs = plan_.needs;
    THOLOS_CO_RETURN_IF_ERROR(co_await Repair(shard_, std::move(repair)));
    co_return resolution;
  }

  uint32_t AskedBeyond() const {
    return policy_.speculative_retry.kind() == SpeculativeRetry::Kind::kAlways ? 1 : 0;
  }

  // A replica that left a partition at its own limit would not say what it knows of the rest;
  // others' rows of it could then not be trusted.
  data::ReadCommand AskedOfReplicas() const {
    data::ReadCommand asked = command_;
    if (plan_.required() > 1) asked.per_partition_limit = data::ReadCommand().per_partition_limit;
    return asked;
  }

  ReadPage PageOf(Resolution resolution) {
    ReadPage page{.partitions = LiveOnly(command_, std::move(resolution.merged), rows_given_),
                  .next = std::move(resolution.next)};
    TakeUpUndecided(&page);
    SetUndecidedAside(&page);
    return page;
  }

  // The partition whose static row was seen in an earlier round comes first in this one.
  void TakeUpUndecided(ReadPage* page) {
    if (!undecided_.has_value()) return;
    data::Partition seen = *std::exchange(undecided_, std::nullopt);
    undecided_room_.Release();
    const bool present = !page->partitions.empty() && page->partitions.front().key == seen.key;
    if (!present)
      page->partitions.insert(page->partitions.begin(), std::move(seen));
    else if (!page->partitions.front().static_row.has_value())
      page->partitions.front().static_row = std::move(seen.static_row);
  }

  // A partition that the page ends in, with a static row alone so far: read on before anything is
  // said about it. What came before it is a page.
  void SetUndecidedAside(ReadPage* page) {
    const bool inside = page->next.has_value() && page->next->clustering.has_value() &&
                        !page->partitions.empty() && page->partitions.back().key == page->next->key;
    if (!inside || !page->partitions.back().rows.empty()) return;
    if (page->partitions.size() == 1) {
      undecided_ = std::move(page->partitions.back());
      page->partitions.pop_back();
      undecided_room_ =
          shard_.read_memory.Take(static_cast<int64_t>(data::ApproximateBytes(*undecided_)));
      return;
    }
    page->partitions.pop_back();
    page->next = data::Position{page->partitions.back().key, std::nullopt};
  }

  ShardContext& shard_;
  data::ReadCommand command_;
  const ReplicaPlan plan_;
  const TablePolicy policy_;
  const RequestOptions options_;
  // Rows of the partition that command_.after lies in were given to the client.
  bool rows_given_;
  // Its static row is live, no live row of it was found so far, and command_.after lies in it.
  std::optional<data::Partition> undecided_;
  ReadMemory::Room undecided_room_;
  uint64_t answer_bytes_ = 0;
  uint64_t tombstones_ = 0;
  uint64_t repaired_ = 0;
};

}  // namespace

base::Task<absl::StatusOr<ReadPage>> ReadReplicas(ShardContext& shard, data::ReadCommand command,
                                                  ReplicaPlan plan, TablePolicy policy,
                                                  RequestOptions options) {
  ReplicaSetRead read(shard, std::move(command), std::move(plan), policy, options);
  co_return co_await read.Run();
}

}  // namespace tholos::coordinator
