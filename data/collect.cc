#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "data/range_collector.h"
#include "data/range_tombstones.h"
#include "data/row_state.h"
#include "data/source.h"

namespace tholos::data {
namespace {

// What the limits count. Of range tombstones each costs its size when it begins: what is in it
// depends on the data alone, not on how sources cut it.
class Budget {
 public:
  explicit Budget(const ReadCommand& command)
      : rows_left_(command.row_limit), bytes_left_(command.bytes_limit), room_(command.bytes_max) {}

  void CountLiveRow() {
    if (rows_left_ > 0) --rows_left_;
  }
  void CountBytes(size_t bytes) {
    bytes_left_ -= std::min<uint64_t>(bytes_left_, bytes);
    room_ -= std::min<uint64_t>(room_, bytes);
  }
  bool Fits(size_t bytes) const { return bytes <= room_; }
  bool full() const { return room_ == 0; }
  bool rows_spent() const { return rows_left_ == 0; }
  bool bytes_spent() const { return bytes_left_ == 0; }

 private:
  uint32_t rows_left_;
  uint64_t bytes_left_;
  uint64_t room_;
};

class Collector {
 public:
  Collector(std::unique_ptr<PartitionSource> source, ReadCommand command)
      : source_(std::move(source)),
        command_(std::move(command)),
        budget_(command_),
        before_(budget_),
        ranges_(command_.reversed) {}
  explicit Collector(ReadCommand command) : Collector(nullptr, std::move(command)) {}

  // The result where `state`, of the only row of the only partition, is all there is; no source is
  // asked.
  ReadResult Finish(RowState state) {
    const Slice slice = command_.slices.empty() ? Slice() : std::move(command_.slices.front());
    PartitionHeader header{*std::move(command_.key), state.partition_deletion,
                           std::move(state.static_row)};
    TakeHeader(std::move(header));
    const std::string& first = command_.reversed ? slice.upper : slice.lower;
    const std::string& last = command_.reversed ? slice.lower : slice.upper;
    const bool in_range = !state.range_deletion.live();
    if (in_range && !ended_within()) TakeChange({first, state.range_deletion});
    if (state.row.has_value() && !ended_within()) TakeRow(*state.row);
    if (in_range && !ended_within() && !last.empty()) TakeChange({last, Deletion()});
    FinishPartition();
    return std::move(result_);
  }

  // Goes as far as the source answers at once: the result or an error; nothing if a task of the
  // source must be awaited first.
  std::optional<absl::StatusOr<ReadResult>> TryRun() {
    while (status_.ok()) {
      if (in_partition_) {
        if (!TryTakeItems()) return std::nullopt;
        if (!status_.ok()) break;
        FinishPartition();
        in_partition_ = false;
      }
      if (ended_ || result_.more) return std::move(result_);
      base::Task<absl::StatusOr<bool>> next = source_->NextPartition();
      if (auto answer = next.TakeReady()) {
        TakePartition(*answer);
      } else {
        next_partition_.emplace(std::move(next));
        return std::nullopt;
      }
    }
    return status_;
  }

  base::Task<void> AwaitSource() {
    if (next_partition_.has_value()) {
      const absl::StatusOr<bool> answer = co_await *std::move(next_partition_);
      next_partition_.reset();
      TakePartition(answer);
    } else {
      const absl::StatusOr<Item> answer = co_await *std::move(next_item_);
      next_item_.reset();
      TakeItem(answer);
    }
  }

 private:
  void TakeHeader(PartitionHeader header) {
    partition_.key = std::move(header.key);
    partition_.deletion = header.deletion;
    partition_.static_row = std::move(header.static_row);
    partition_.range_tombstones.clear();
    partition_.rows.clear();
    live_rows_ = 0;
    live_static_ = false;
    last_.reset();
    stop_at_.reset();
    before_ = budget_;
    taken_ = 0;
    if (partition_.static_row.has_value()) {
      ExpireRow(&*partition_.static_row, command_.now_seconds);
      if (partition_.static_row->IsEmpty()) {
        partition_.static_row.reset();
      } else {
        live_static_ = partition_.static_row->LiveAt(command_.now_seconds);
      }
    }
    const size_t bytes =
        partition_.key.key.size() +
        (partition_.static_row.has_value() ? ApproximateBytes(*partition_.static_row) : 0);
    if (!budget_.Fits(bytes)) return StopBefore(bytes);
    Count(bytes);
  }

  void Count(size_t bytes) {
    budget_.CountBytes(bytes);
    taken_ += bytes;
  }

  // What takes so many bytes does not fit.
  void StopBefore(size_t bytes) {
    result_.more = true;
    before_row_ = true;
    last_ = partition_.rows.empty() ? std::string() : partition_.rows.back().clustering;
    if (!partition_.rows.empty()) return;
    if (result_.partitions.empty()) {
      result_.needed = taken_ + bytes;
    } else {
      result_.end = Position{result_.partitions.back().key, std::nullopt};
    }
  }

  void TakePartition(const absl::StatusOr<bool>& answer) {
    if (!answer.ok()) {
      status_ = answer.status();
    } else if (*answer) {
      in_partition_ = true;
      items_ended_ = false;
      TakeHeader(source_->partition());
    } else {
      ended_ = true;
    }
  }

  // All items of the partition. False if the source must be awaited.
  bool TryTakeItems() {
    while (status_.ok() && !items_ended_ && !ended_within()) {
      base::Task<absl::StatusOr<Item>> next = source_->NextItem();
      if (auto answer = next.TakeReady()) {
        TakeItem(*answer);
      } else {
        next_item_.emplace(std::move(next));
        return false;
      }
    }
    return true;
  }

  void TakeItem(const absl::StatusOr<Item>& answer) {
    if (!answer.ok()) {
      status_ = answer.status();
    } else if (*answer == Item::kEnd) {
      items_ended_ = true;
    } else if (*answer == Item::kChange) {
      TakeChange(source_->change());
    } else {
      TakeRow(source_->row());
    }
  }

  // The result ends, or the partition has all the rows it may.
  bool ended_within() const { return last_.has_value(); }

  void TakeRow(Row& row) {
    ExpireRow(&row, command_.now_seconds);
    if (row.IsEmpty()) return;
    if (stop_at_.has_value() && row.clustering != *stop_at_) return StopBehind(*stop_at_);
    const size_t bytes = ApproximateBytes(row);
    if (!budget_.Fits(bytes)) return StopBefore(bytes);
    Count(bytes);
    if (row.LiveAt(command_.now_seconds)) {
      budget_.CountLiveRow();
      ++live_rows_;
    }
    partition_.rows.push_back(std::move(row));
    if (budget_.rows_spent() || MayStopForBytes() || stop_at_.has_value()) {
      result_.more = true;
      last_ = partition_.rows.back().clustering;
    }
    if (live_rows_ >= command_.per_partition_limit) last_ = partition_.rows.back().clustering;
  }

  // Between two range tombstones a result ends with a key that both replicas of the first and of
  // the second know: forward with the first key of the second, which may have a row still to come;
  // reversed with the last key of the first.
  void TakeChange(const DeletionChange& change) {
    if (stop_at_.has_value()) return StopBehind(*stop_at_);
    const bool not_first = ranges_.open() || !ranges_.closed().empty() || !partition_.rows.empty();
    if (not_first && MayStopForBytes()) {
      if (command_.reversed && ranges_.open()) return StopBehind(change.at);
      if (!command_.reversed && !change.deletion.live()) stop_at_ = change.at;
    }
    ranges_.Add(change);
    if (ranges_.open()) Count(CountBytesOfRange(change.at));
  }

  void StopBehind(const std::string& last) {
    result_.more = true;
    result_.end = Position{partition_.key, last};
    last_ = last;
  }

  // Not while it depends on rows to come whether the static row is a result row.
  bool MayStopForBytes() const {
    const bool awaits_live_row = live_static_ && live_rows_ == 0;
    return budget_.full() || (budget_.bytes_spent() && !awaits_live_row);
  }

  // Changes behind the last row are in ranges_, too.
  void FinishBeforeRow() {
    const Slice known = command_.reversed ? Slice{.lower = *last_} : Slice{.upper = Behind(*last_)};
    partition_.range_tombstones = ClipRanges(ranges_.Finish(), {known});
  }

  void FinishPartition() {
    if (before_row_) {
      FinishBeforeRow();
      if (partition_.rows.empty()) return;
    } else {
      partition_.range_tombstones = ranges_.Finish(last_);
    }
    if (live_static_ && live_rows_ == 0) budget_.CountLiveRow();
    if (partition_.IsEmpty()) {
      budget_ = before_;
      return;
    }
    const bool goes_on = result_.more;  // inside this partition
    if (budget_.rows_spent() || budget_.bytes_spent() || budget_.full()) result_.more = true;
    // All that the partition may give was given, though there may be rows behind the last.
    if (result_.more && (!goes_on || live_rows_ >= command_.per_partition_limit)) {
      result_.end = Position{partition_.key, std::nullopt};
    }
    result_.partitions.push_back(std::move(partition_));
  }

  std::unique_ptr<PartitionSource> source_;
  ReadCommand command_;
  Budget budget_;
  ReadResult result_;
  Partition partition_;
  Budget before_;       // as partition_ began
  uint64_t taken_ = 0;  // bytes of partition_
  // The result ends before a row: behind those of partition_, or, without any, before partition_.
  bool before_row_ = false;
  RangeCollector ranges_;               // of partition_
  std::optional<std::string> last_;     // nothing of partition_ behind this key is taken
  std::optional<std::string> stop_at_;  // the same, but a row of this key is, if there is one
  uint32_t live_rows_ = 0;              // of partition_
  bool live_static_ = false;
  absl::Status status_;
  bool ended_ = false;         // there is no further partition
  bool in_partition_ = false;  // partition_ is not finished
  bool items_ended_ = false;   // of partition_
  // What the source is asked for and has not answered.
  std::optional<base::Task<absl::StatusOr<bool>>> next_partition_;
  std::optional<base::Task<absl::StatusOr<Item>>> next_item_;
};

base::Task<absl::StatusOr<ReadResult>> RunToEnd(Collector collector) {
  while (true) {
    co_await collector.AwaitSource();
    if (auto result = collector.TryRun()) co_return *std::move(result);
  }
}

}  // namespace

base::Task<absl::StatusOr<ReadResult>> Collect(std::unique_ptr<PartitionSource> source,
                                               ReadCommand command) {
  Collector collector(std::move(source), std::move(command));
  if (auto result = collector.TryRun()) {
    return base::Task<absl::StatusOr<ReadResult>>::Ready(*std::move(result));
  }
  return RunToEnd(std::move(collector));
}

ReadResult ReadOf(RowState state, ReadCommand command) {
  if (state.sources == 0) return {};
  return Collector(std::move(command)).Finish(std::move(state));
}

}  // namespace tholos::data
