#include "sstable/compaction.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/async/loop.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "sstable/compaction/entry_merge.h"
#include "sstable/directory.h"
#include "sstable/reader.h"
#include "sstable/table_scan.h"
#include "sstable/writer.h"

namespace tholos::sstable {
namespace {

using base::Task;

class Compaction {
 public:
  Compaction(base::FileSystem& fs, CompactionOptions options)
      : fs_(fs), options_(std::move(options)) {}

  Task<absl::StatusOr<CompactionResult>> Run() {
    absl::Status status = co_await OpenInputs();
    if (status.ok()) status = co_await Merge();
    if (status.ok()) status = co_await FinishLast();
    if (merge_ != nullptr) result_.newest_purged = merge_->newest_purged();
    merge_.reset();
    if (status.ok()) co_return std::move(result_);
    co_await RemoveOutputs();
    co_return status;
  }

 private:
  Task<absl::Status> OpenInputs() {
    std::vector<std::unique_ptr<TableScan>> scans;
    for (const CompactionInput& wanted : options_.inputs) {
      OpenOptions open{.directory = options_.directory,
                       .generation = wanted.generation,
                       .written_as = wanted.written_as,
                       .table = options_.table,
                       .load_filter = false};
      THOLOS_CO_ASSIGN_OR_RETURN(std::shared_ptr<SSTable> input,
                                 co_await SSTable::Open(fs_, std::move(open)));
      const TableMetadata& metadata = input->metadata();
      result_.input_bytes += metadata.file_bytes;
      result_.input_rows += metadata.statistics.rows;
      partitions_left_ += metadata.statistics.partitions;
      for (const TokenInterval& held : wanted.held) {
        scans.push_back(std::make_unique<TableScan>(input, held));
      }
      if (wanted.held.empty()) {
        scans.push_back(std::make_unique<TableScan>(input, TokenInterval::All()));
      }
      newest_input_ = std::max(newest_input_, wanted.generation);
    }
    merge_ = std::make_unique<EntryMerge>(options_, std::move(scans));
    co_return absl::OkStatus();
  }

  Task<absl::Status> Merge() {
    using Pause = EntryMerge::Pause;
    THOLOS_CO_RETURN_IF_ERROR(co_await StartOutput());
    while (true) {
      THOLOS_CO_ASSIGN_OR_RETURN(const Pause pause, merge_->Run(*writer_));
      absl::Status status;
      switch (pause) {
        case Pause::kEnd:
          co_return absl::OkStatus();
        case Pause::kLoad:
          status = co_await merge_->LoadInputs();
          break;
        case Pause::kWriter:
          status = co_await merge_->TakeWriting();
          break;
        case Pause::kTurn:
          status = co_await Turn();
          break;
        case Pause::kPartition:
          if (IsToBeSplit()) {
            status = co_await FinishOutput();
            if (status.ok()) status = co_await StartOutput();
          }
          break;
      }
      THOLOS_CO_RETURN_IF_ERROR(status);
    }
  }

  bool IsToBeSplit() {
    const bool split = PassesSplitPoint(merge_->partition_token());
    return (split || writer_->bytes() >= options_.output_bytes_max) && writer_->partitions() > 0;
  }

  bool PassesSplitPoint(data::Token token) {
    const size_t before = next_split_;
    while (next_split_ < options_.split_points.size() &&
           options_.split_points[next_split_] <= token) {
      ++next_split_;
    }
    return next_split_ != before;
  }

  Task<absl::Status> Turn() {
    co_await base::Yield();
    if (options_.stop != nullptr && options_.stop->load(std::memory_order_relaxed)) {
      co_return absl::CancelledError("compaction was told to stop");
    }
    co_return absl::OkStatus();
  }

  Task<absl::Status> StartOutput() {
    const OutputId id = options_.next_output();
    THOLOS_CHECK(id.generation > newest_input_) << "generations grow";
    WriterOptions options{.directory = options_.directory,
                          .generation = id.generation,
                          .file_id = id.file_id,
                          .table = options_.table,
                          .compression = options_.compression,
                          .compression_level = options_.compression_level,
                          .dictionary_bytes = options_.dictionary_bytes,
                          .block_bytes = options_.block_bytes,
                          .partitions_max = partitions_left_};
    THOLOS_CO_ASSIGN_OR_RETURN(writer_, co_await SSTableWriter::Create(fs_, std::move(options)));
    co_return absl::OkStatus();
  }

  Task<absl::Status> FinishOutput() {
    THOLOS_CO_ASSIGN_OR_RETURN(TableMetadata output, co_await writer_->Finish());
    writer_.reset();
    result_.output_bytes += output.file_bytes;
    result_.output_rows += output.statistics.rows;
    partitions_left_ -= std::min(partitions_left_, output.statistics.partitions);
    result_.outputs.push_back(std::move(output));
    co_return absl::OkStatus();
  }

  Task<absl::Status> FinishLast() {
    if (writer_->partitions() > 0) co_return co_await FinishOutput();
    co_await writer_->Abandon();
    writer_.reset();
    co_return absl::OkStatus();
  }

  Task<void> RemoveOutputs() {
    if (writer_ != nullptr) co_await writer_->Abandon();
    writer_.reset();
    for (const TableMetadata& output : result_.outputs) {
      (co_await RemoveTable(fs_, options_.directory, output.generation)).IgnoreError();
    }
    if (!result_.outputs.empty()) {
      (co_await fs_.SyncDirectory(options_.directory)).IgnoreError();
    }
  }

  base::FileSystem& fs_;
  const CompactionOptions options_;
  std::unique_ptr<EntryMerge> merge_;
  std::unique_ptr<SSTableWriter> writer_;
  CompactionResult result_;
  uint64_t partitions_left_ = 0;  // of the inputs, at most
  uint64_t newest_input_ = 0;
  size_t next_split_ = 0;
};

}  // namespace

OverlappingSource OverlapOf(const TableMetadata& table) {
  return {.min_timestamp = table.statistics.min_timestamp,
          .whole_range = false,
          .first_key = table.statistics.first_key,
          .last_key = table.statistics.last_key};
}

PurgeableBefore PurgeableBeforeFor(std::vector<OverlappingSource> others) {
  return [others = std::move(others)](const data::DecoratedKey& key) {
    data::Timestamp before = std::numeric_limits<data::Timestamp>::max();
    for (const OverlappingSource& other : others) {
      if (other.whole_range || (other.first_key <= key && key <= other.last_key)) {
        before = std::min(before, other.min_timestamp);
      }
    }
    return before;
  };
}

Task<absl::StatusOr<CompactionResult>> Compact(base::FileSystem& fs, CompactionOptions options) {
  Compaction compaction(fs, std::move(options));
  co_return co_await compaction.Run();
}

}  // namespace tholos::sstable
