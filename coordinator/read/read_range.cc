#include <algorithm>
#include <utility>

#include "base/async/when_all.h"
#include "base/status_macros.h"
#include "coordinator/read/range_plan.h"
#include "coordinator/read/read.h"
#include "coordinator/read/read_replicas.h"
#include "coordinator/requests.h"

namespace tholos::coordinator {
namespace {

constexpr size_t kPiecesAtOnceMax = 16;

uint32_t CountRows(const ReadPage& page) {
  uint32_t rows = 0;
  for (const data::Partition& partition : page.partitions) {
    rows += std::max<uint32_t>(1, static_cast<uint32_t>(partition.rows.size()));
  }
  return rows;
}

class RangeRead {
 public:
  RangeRead(ShardContext& shard, data::ReadCommand command, RequestOptions options)
      : shard_(shard), command_(std::move(command)), options_(options) {}

  base::Task<absl::StatusOr<ReadPage>> Run() {
    const ring::ClusterState::Ptr state = shard_.cluster.Get();
    THOLOS_CO_ASSIGN_OR_RETURN(const std::string keyspace, KeyspaceOf(*state, command_.table));
    state_ = state;
    policy_ = shard_.policies.Of(state->schema().FindTable(command_.table));
    THOLOS_CO_ASSIGN_OR_RETURN(strategy_, state->StrategyOf(keyspace));
    THOLOS_CO_ASSIGN_OR_RETURN(const auto ranges, state->Ranges(keyspace));
    pieces_ = RangePieces(ranges, command_.range, command_.after);

    const base::MonotonicTime start = shard_.clock.Now();
    const base::MonotonicTime half = start + (options_.deadline - start) / 2;
    size_t at_once = 1;
    while (done_ < pieces_.size() && !full_) {
      THOLOS_CO_RETURN_IF_ERROR(co_await ReadSome(std::min(at_once, pieces_.size() - done_)));
      at_once = std::min(at_once * 2, kPiecesAtOnceMax);
      const bool enough =
          shard_.clock.Now() >= half || page_.tombstones >= shard_.options.page_tombstones_max;
      if (done_ < pieces_.size() && enough) EndPage();
    }
    co_return std::move(page_);
  }

 private:
  // Reads `count` pieces side by side and appends them in order. Pieces beyond a full page are read
  // again with the next one.
  base::Task<absl::Status> ReadSome(size_t count) {
    std::vector<base::Task<absl::StatusOr<ReadPage>>> reads;
    const auto alive = shard_.liveness.Snapshot();
    for (size_t i = done_; i < done_ + count; ++i) {
      auto plan = PlanPiece(pieces_[i].replicas, *alive);
      if (!plan.ok()) {
        if (reads.empty() && page_.partitions.empty()) co_return plan.status();
        if (reads.empty()) EndPage();  // The next page will say so.
        break;
      }
      data::ReadCommand part = CommandForPiece(command_, pieces_[i].range);
      part.row_limit = command_.row_limit - rows_;
      reads.push_back(ReadReplicas(shard_, std::move(part), *std::move(plan), policy_, options_));
    }
    for (absl::StatusOr<ReadPage>& piece : co_await base::WhenAll(std::move(reads))) {
      if (full_) break;
      if (!piece.ok()) co_return piece.status();
      Append(*std::move(piece));
    }
    co_return absl::OkStatus();
  }

  absl::StatusOr<ReplicaPlan> PlanPiece(const ring::ReplicaSet& nodes,
                                        const gossip::LivenessView::Set& alive) {
    ring::TokenReplicas replicas{.natural = nodes};
    for (const ring::NodeId& node : nodes)
      replicas.datacenters.push_back(state_->DatacenterOf(node));
    auto plan = PlanRead({.level = options_.consistency,
                          .strategy = *strategy_,
                          .replicas = replicas,
                          .datacenters = state_->datacenters(),
                          .alive = alive,
                          .self = shard_.options.self,
                          .own_datacenter = state_->DatacenterOf(shard_.options.self),
                          .latencies = &shard_.latencies.Now(shard_.clock.Now()),
                          .faults = shard_.options.faults});
    if (plan.ok()) THOLOS_RETURN_IF_ERROR(AdmitPlan(shard_, ReplicaQueues::Kind::kRead, &*plan));
    return plan;
  }

  void Append(ReadPage piece) {
    page_.tombstones += piece.tombstones;
    page_.repaired += piece.repaired;
    Trim(&piece);
    rows_ += CountRows(piece);
    for (data::Partition& partition : piece.partitions) {
      bytes_ += data::ApproximateBytes(partition);
      page_.partitions.push_back(std::move(partition));
    }
    if (piece.next.has_value()) {
      page_.next = std::move(piece.next);
      full_ = true;
      return;
    }
    ++done_;
    if (done_ < pieces_.size() && (rows_ >= command_.row_limit || bytes_ >= command_.bytes_limit))
      EndPage();
  }

  // Pieces that were read side by side each went up to the limit.
  void Trim(ReadPage* piece) const {
    uint32_t left = command_.row_limit - rows_;
    for (size_t i = 0; i < piece->partitions.size(); ++i) {
      data::Partition& partition = piece->partitions[i];
      const uint32_t rows = std::max<uint32_t>(1, static_cast<uint32_t>(partition.rows.size()));
      const bool last = i + 1 == piece->partitions.size();
      if (rows < left || (rows == left && last)) {
        left -= rows;
        continue;
      }
      if (partition.rows.size() > left) partition.rows.resize(left);
      const bool whole = rows == left;
      piece->next = data::Position{partition.key, std::nullopt};
      if (!whole) piece->next->clustering = partition.rows.back().clustering;
      piece->partitions.resize(i + 1);
      return;
    }
  }

  // Ends the page, if there is anything in it: without a partition there is no position to go on
  // from.
  void EndPage() {
    if (full_ || page_.partitions.empty()) return;
    page_.next = data::Position{page_.partitions.back().key, std::nullopt};
    full_ = true;
  }

  ShardContext& shard_;
  const data::ReadCommand command_;
  const RequestOptions options_;
  ring::ClusterState::Ptr state_;
  TablePolicy policy_;
  const ring::ReplicationStrategy* strategy_ = nullptr;  // of state_
  std::vector<ring::RangeReplicas> pieces_;
  size_t done_ = 0;  // pieces that were read to their end
  ReadPage page_;
  uint32_t rows_ = 0;
  uint64_t bytes_ = 0;
  bool full_ = false;
};

}  // namespace

base::Task<absl::StatusOr<ReadPage>> ReadRange(ShardContext& shard, data::ReadCommand command,
                                               RequestOptions options) {
  RangeRead read(shard, std::move(command), options);
  co_return co_await read.Run();
}

}  // namespace tholos::coordinator
