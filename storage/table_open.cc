// Opening a table's SSTables, and keeping the list of them.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/disk_error.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "storage/table.h"

namespace tholos::storage {

using base::Task;

Task<absl::StatusOr<std::shared_ptr<Table>>> Table::Open(
    TableOptions options, TableDeps deps, std::shared_ptr<TableFiles> files,
    std::shared_ptr<const data::TableSchema> schema) {
  std::shared_ptr<Table> table(
      new Table(std::move(options), deps, std::move(files), std::move(schema)));
  THOLOS_CO_RETURN_IF_ERROR(co_await table->Recover());
  co_return table;
}

Task<absl::Status> Table::Recover() {
  const TableFiles::Part part = co_await files_->PartOf(options_.shard);
  flushed_before_ = part.flushed_before;
  for (const LiveTable& live : part.tables) {
    auto opened = co_await OpenPart(live);
    if (opened.ok()) {
      Adopt(*std::move(opened));
    } else if (absl::IsNotFound(opened.status()) || absl::IsDataLoss(opened.status())) {
      unopened_.push_back(live.generation);
      NoteDamage(opened.status());
    } else {
      co_return opened.status();
    }
  }
  co_return absl::OkStatus();
}

void Table::NoteDamage(const absl::Status& status) {
  const std::string line =
      base::StrCat("table ", schema_->QualifiedName(), ", shard ", options_.shard,
                   " is damaged: ", base::ToStd(status.message()));
  deps_.log.Error("storage", line);
  const bool disk_error = base::IsDiskError(status);
  if (!damage_.ok() && (base::IsDiskError(damage_) || !disk_error)) return;
  damage_ = absl::DataLossError(line);
  if (disk_error) base::MarkDiskError(&damage_);
}

Task<void> Table::OpenAgain() {
  // No truncation and no restore meanwhile.
  Pause pause;
  co_await PauseCompactions(&pause);
  if (stopping_ || damage_.ok()) co_return;
  const TableFiles::Part part = co_await files_->PartOf(options_.shard);
  std::vector<Part> opened;
  for (const LiveTable& live : part.tables) {
    if (std::find(unopened_.begin(), unopened_.end(), live.generation) == unopened_.end()) continue;
    auto one = co_await OpenPart(live);
    if (!one.ok()) co_return;
    opened.push_back(*std::move(one));
  }
  if (stopping_) co_return;
  for (Part& one : opened) Adopt(std::move(one));
  unopened_.clear();
  damage_ = absl::OkStatus();
  if (cached_rows_ != nullptr) cached_rows_->Clear();
  deps_.log.Info("storage", base::StrCat("table ", schema_->QualifiedName(), ", shard ",
                                         options_.shard, " can be read again"));
}

Task<absl::StatusOr<Table::Part>> Table::OpenPart(LiveTable live) {
  auto opened = co_await sstable::SSTable::Open(deps_.fs, {.directory = files_->directory(),
                                                           .generation = live.generation,
                                                           .written_as = live.written_as,
                                                           .table = schema_->id,
                                                           .cache = &deps_.cache});
  if (!opened.ok()) co_return opened.status();
  Part part{.table = *std::move(opened), .live = std::move(live)};
  files_->Pin(part.generation());
  part.table->OnLastRelease([files = files_](uint64_t generation) { files->Unpin(generation); });

  const sstable::TableMetadata& metadata = part.table->metadata();
  const sstable::TokenInterval contents{metadata.statistics.first_key.token,
                                        metadata.statistics.last_key.token};
  part.whole = part.live.held.size() == 1 && part.live.held[0].Contains(contents);
  part.bytes = metadata.file_bytes;
  if (!part.whole) {
    double held = 0;
    for (const auto& interval : sstable::Intersection(part.live.held, contents)) {
      held += interval.width();
    }
    part.bytes =
        static_cast<uint64_t>(static_cast<double>(metadata.file_bytes) * held / contents.width());
  }
  co_return part;
}

void Table::Adopt(Part part) {
  deps_.metrics.sstables.Add(1);
  deps_.metrics.sstable_bytes.Add(static_cast<int64_t>(part.bytes));
  parts_.push_back(std::move(part));
}

// Their files go when the last readers let go.
void Table::Remove(const std::vector<uint64_t>& generations) {
  std::erase_if(parts_, [&](const Part& part) {
    if (std::find(generations.begin(), generations.end(), part.generation()) == generations.end()) {
      return false;
    }
    deps_.metrics.sstables.Add(-1);
    deps_.metrics.sstable_bytes.Add(-static_cast<int64_t>(part.bytes));
    return true;
  });
}

// Adopting from outside --------------------------------------------------------------------------

Task<void> Table::PauseCompactions(Pause* pause) {
  cancel_compactions_ = true;
  pause->compacting = co_await compacting_.Acquire(kCompactionsMax);
  cancel_compactions_ = stopping_;
}

Task<absl::Status> Table::BeginAdopt(std::vector<LiveTable> tables) {
  Pause pause;
  co_await PauseCompactions(&pause);
  if (stopping_) co_return absl::UnavailableError("storage: the table is closing");
  for (const LiveTable& table : tables) {
    LiveTable mine = table;
    mine.held = sstable::Intersection(table.held, slice_);
    if (mine.held.empty()) continue;
    auto opened = co_await OpenPart(std::move(mine));
    if (!opened.ok()) {
      incoming_.clear();
      co_return opened.status();
    }
    incoming_.push_back(*std::move(opened));
  }
  pause_ = std::move(pause);
  co_return absl::OkStatus();
}

void Table::EndAdopt(bool adopted) {
  if (!pause_.has_value()) return;
  if (adopted) {
    for (Part& part : incoming_) Adopt(std::move(part));
    if (cached_rows_ != nullptr) cached_rows_->Clear();
  }
  incoming_.clear();
  pause_.reset();
}

}  // namespace tholos::storage
