#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "data/source.h"

namespace tholos::data {
namespace {

// What the limits count.
class Budget {
 public:
  explicit Budget(const ReadCommand& command)
      : rows_left_(command.row_limit), bytes_left_(command.bytes_limit) {}

  void CountLiveRow() {
    if (rows_left_ > 0) --rows_left_;
  }
  void CountBytes(size_t bytes) { bytes_left_ -= std::min<uint64_t>(bytes_left_, bytes); }
  bool rows_spent() const { return rows_left_ == 0; }
  bool bytes_spent() const { return bytes_left_ == 0; }

 private:
  uint32_t rows_left_;
  uint64_t bytes_left_;
};

class Collector {
 public:
  Collector(std::unique_ptr<PartitionSource> source, ReadCommand command)
      : source_(std::move(source)), command_(std::move(command)), budget_(command_) {}

  base::Task<absl::StatusOr<ReadResult>> Run() {
    while (!result_.more) {
      THOLOS_CO_ASSIGN_OR_RETURN(const bool more, co_await source_->NextPartition());
      if (!more) break;
      TakeHeader();
      THOLOS_CO_RETURN_IF_ERROR(co_await TakeRows());
      FinishPartition();
    }
    co_return std::move(result_);
  }

 private:
  void TakeHeader() {
    const PartitionHeader& header = source_->partition();
    partition_ = {header.key, header.deletion, header.static_row, {}};
    live_rows_ = 0;
    live_static_ = false;
    resumed_ = command_.after.has_value() && command_.after->key == header.key;
    if (!partition_.static_row.has_value()) return;
    ExpireRow(&*partition_.static_row, command_.now_seconds);
    if (partition_.static_row->IsEmpty()) {
      partition_.static_row.reset();
    } else {
      live_static_ = partition_.static_row->LiveAt(command_.now_seconds);
    }
  }

  base::Task<absl::Status> TakeRows() {
    while (live_rows_ < command_.per_partition_limit) {
      THOLOS_CO_ASSIGN_OR_RETURN(const bool more, co_await source_->NextRow());
      if (!more) break;
      Row& row = source_->row();
      ExpireRow(&row, command_.now_seconds);
      if (row.IsEmpty()) continue;
      TakeRow(std::move(row));
      if (budget_.rows_spent() || (budget_.bytes_spent() && !AwaitsLiveRow())) {
        result_.more = true;
        break;
      }
    }
    co_return absl::OkStatus();
  }

  void TakeRow(Row row) {
    budget_.CountBytes(ApproximateBytes(row));
    if (row.LiveAt(command_.now_seconds)) {
      budget_.CountLiveRow();
      ++live_rows_;
    }
    partition_.rows.push_back(std::move(row));
  }

  // Whether the static row is a result row or not depends on rows to come.
  bool AwaitsLiveRow() const { return live_static_ && !resumed_ && live_rows_ == 0; }

  void FinishPartition() {
    if (live_static_ && live_rows_ == 0) {
      if (resumed_) {
        partition_.static_row.reset();
      } else {
        budget_.CountLiveRow();
      }
    }
    if (partition_.IsEmpty()) return;
    budget_.CountBytes(partition_.key.key.size());
    if (partition_.static_row.has_value()) {
      budget_.CountBytes(ApproximateBytes(*partition_.static_row));
    }
    result_.partitions.push_back(std::move(partition_));
    if (budget_.rows_spent() || budget_.bytes_spent()) result_.more = true;
  }

  const std::unique_ptr<PartitionSource> source_;
  const ReadCommand command_;
  Budget budget_;
  ReadResult result_;
  Partition partition_;
  uint32_t live_rows_ = 0;  // of partition_
  bool live_static_ = false;
  bool resumed_ = false;
};

}  // namespace

base::Task<absl::StatusOr<ReadResult>> Collect(std::unique_ptr<PartitionSource> source,
                                               ReadCommand command) {
  Collector collector(std::move(source), std::move(command));
  co_return co_await collector.Run();
}

}  // namespace tholos::data
