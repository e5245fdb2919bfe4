#include <algorithm>
#include <deque>
#include <iterator>
#include <optional>
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
    while (done_ < pieces_.size() && !full_) {
      const size_t count = alone_ ? 1 : std::min(at_once_, pieces_.size() - done_);
      THOLOS_CO_RETURN_IF_ERROR(co_await ReadSome(count));
      if (page_.needed != 0) break;
      const bool enough =
          shard_.clock.Now() >= half || page_.tombstones >= shard_.options.page_tombstones_max;
      if (done_ < pieces_.size() && enough) EndPage();
    }
    co_return std::move(page_);
  }

 private:
  // Reads `count` pieces side by side and appends what is read in order, up to a piece that has more
  // than its share. What is read beyond a full page is read again with the next one.
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
      reads.push_back(
          ReadReplicas(shard_, CommandFor(i, count), *std::move(plan), policy_, options_));
    }
    std::vector<absl::StatusOr<ReadPage>> read = co_await base::WhenAll(std::move(reads));
    at_once_ = std::min(at_once_ * 2, kPiecesAtOnceMax);
    std::move(read.rbegin(), read.rend(), std::front_inserter(ahead_));
    page_.answer_bytes =
        std::max(page_.answer_bytes, Held() - sizeof(data::Partition) * page_.partitions.size());
    bool alone = read.size() == 1;
    while (!full_ && !ahead_.empty()) {
      absl::StatusOr<ReadPage> piece = std::move(ahead_.front());
      ahead_.pop_front();
      if (!piece.ok()) co_return piece.status();
      if (piece->needed != 0 && alone) {
        EndBefore(piece->needed);
        break;
      }
      alone_ = piece->next.has_value() || piece->needed != 0;
      Append(*std::move(piece));
      if (alone_) {
        if (!alone) at_once_ = std::max<size_t>(1, std::min(at_once_, count) / 2);
        break;
      }
      alone = false;
    }
    co_return absl::OkStatus();
  }

  // Before a row that takes so many bytes, more than are left.
  void EndBefore(uint64_t needed) {
    const uint64_t bytes_max = bytes_ == 0 ? command_.bytes_max : PageBytes();
    if (!ahead_.empty() && bytes_ + needed <= bytes_max) return ahead_.clear();
    if (page_.partitions.empty() && !after_.has_value())
      page_.needed = needed;
    else
      EndPage();
  }

  uint64_t PageBytes() const { return std::min(command_.bytes_limit, command_.bytes_max); }

  // Of the page, and read ahead.
  uint64_t Held() const {
    uint64_t held = bytes_;
    for (const auto& page : ahead_) held += page.ok() ? page->answer_bytes : 0;
    return held;
  }

  // Of the page's bytes that are left, each of those that are read side by side has its share.
  data::ReadCommand CommandFor(size_t piece, size_t count) const {
    data::ReadCommand part = CommandForPiece(command_, pieces_[piece].range);
    if (after_.has_value()) part.after = after_;
    part.row_limit = command_.row_limit - rows_;
    const uint64_t held = Held();
    part.bytes_limit = PageBytes() > held ? (PageBytes() - held) / count + 1 : 1;
    // Only the first row of a page may be larger than a page.
    part.bytes_max = count == 1 && held == 0 ? command_.bytes_max : part.bytes_limit;
    return part;
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
    const bool enough = rows_ >= command_.row_limit || bytes_ >= command_.bytes_limit;
    if (piece.next.has_value()) {
      // Inside a partition the page ends: readers count its rows from page to page.
      const bool inside = piece.next->clustering.has_value();
      after_ = std::move(piece.next);
      if (enough || inside) EndPage();
      return;
    }
    if (piece.needed != 0) return;
    after_.reset();
    ++done_;
    if (done_ < pieces_.size() && enough) EndPage();
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

  // Ends the page, if anything was read: inside the present piece, or before it.
  void EndPage() {
    if (full_ || (done_ == 0 && !after_.has_value())) return;
    page_.next =
        after_.has_value() ? *std::move(after_) : StartOfToken(pieces_[done_ - 1].range.end + 1);
    full_ = true;
  }

  ShardContext& shard_;
  const data::ReadCommand command_;
  const RequestOptions options_;
  ring::ClusterState::Ptr state_;
  TablePolicy policy_;
  const ring::ReplicationStrategy* strategy_ = nullptr;  // of state_
  std::vector<ring::RangeReplicas> pieces_;
  size_t done_ = 0;     // pieces that were read to their end
  size_t at_once_ = 1;  // how many to read
  // Where the piece behind them goes on, if it was begun; and what was read behind what is there to
  // read of it.
  std::optional<data::Position> after_;
  std::deque<absl::StatusOr<ReadPage>> ahead_;
  bool alone_ = false;  // it is to be read on alone
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
