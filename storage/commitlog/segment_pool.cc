#include "storage/commitlog/segment_pool.h"

#include <utility>

#include "base/check.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "storage/directories.h"

namespace tholos::storage {
namespace {

base::Metrics::Labels LabelsOf(uint32_t shard) { return {{"shard", base::StrCat(shard)}}; }

}  // namespace

SegmentPool::SegmentPool(SegmentPoolOptions options, base::FileSystem& fs, base::Log& log,
                         base::Metrics& metrics)
    : options_(std::move(options)),
      fs_(fs),
      log_(log),
      bytes_gauge_(metrics.AddGauge("tholos_commitlog_bytes", "Bytes of all commit log segments",
                                    LabelsOf(options_.shard))),
      recycled_total_(metrics.AddCounter("tholos_commitlog_recycled_total",
                                         "Segments made of files that were in use before",
                                         LabelsOf(options_.shard))),
      archived_total_(metrics.AddCounter("tholos_commitlog_archived_total",
                                         "Segments linked or copied into the archive",
                                         LabelsOf(options_.shard))),
      archive_failures_(metrics.AddCounter("tholos_commitlog_archive_failures_total",
                                           "Segments that could not be archived",
                                           LabelsOf(options_.shard))) {}

std::string SegmentPool::PathOf(uint64_t segment) const {
  return base::StrCat(options_.directory, "/", SegmentFileName(segment));
}

void SegmentPool::AddBytes(int64_t delta) {
  bytes_ += static_cast<uint64_t>(delta);
  bytes_gauge_.Set(static_cast<int64_t>(bytes_));
}

base::Task<void> SegmentPool::Adopt(std::map<uint64_t, uint64_t> sealed,
                                    std::map<uint64_t, uint64_t> unused, uint64_t last_id) {
  auto lock = co_await directory_.Acquire(1);
  last_id_ = last_id;
  for (const auto& [id, size] : sealed) {
    AddBytes(static_cast<int64_t>(size));
    AddUsed(static_cast<int64_t>(size));
    sealed_[id] = {.size = size};
  }
  for (const auto& [id, size] : unused) {
    AddBytes(static_cast<int64_t>(size));
    recycled_[id] = size;
  }
  // A crash may have come between the seal and the link.
  if (archives()) {
    for (const auto& [id, size] : sealed) co_await Archive(id);
  }
  // What is not of this size is not worth keeping.
  co_await RemoveBeyond(0);
}

// Preparing --------------------------------------------------------------------------------------

base::Task<absl::Status> SegmentPool::Prepare() {
  auto lock = co_await directory_.Acquire(1);
  if (spare_.has_value()) co_return absl::OkStatus();
  if (stopped_) co_return absl::UnavailableError("commit log: the node is stopping");
  absl::StatusOr<Segment> segment = co_await Make(++last_id_);
  if (!segment.ok()) {
    const std::string line =
        base::StrCat("commit log: no new segment: ", base::ToStd(segment.status().message()));
    log_.Warning("storage", line);
    if (absl::IsResourceExhausted(segment.status())) co_return segment.status();
    co_return absl::UnavailableError(line);
  }
  spare_ = *std::move(segment);
  co_return absl::OkStatus();
}

Segment SegmentPool::Next() {
  THOLOS_CHECK(spare_.has_value());
  AddUsed(static_cast<int64_t>(spare_->size));
  return *std::exchange(spare_, std::nullopt);
}

base::Task<absl::StatusOr<Segment>> SegmentPool::Make(uint64_t id) {
  THOLOS_CO_ASSIGN_OR_RETURN(std::unique_ptr<base::File> file, co_await OpenFileFor(id));
  const std::string header =
      EncodeSegmentHeader({kSegmentVersion, options_.shard, id, options_.batch});
  SectorEncoder sectors;
  absl::Status prepared = co_await PrepareFile(*file, sectors.Append(header).bytes);
  if (!prepared.ok()) {
    (void)co_await file->Close();
    co_await DropFile(id);
    co_return prepared;
  }
  co_return Segment{id, std::move(file), options_.segment_bytes, kSegmentHeaderBytes,
                    std::move(sectors)};
}

// The file of the new segment, counted in bytes_: a recycled one under its new name, or a new one.
base::Task<absl::StatusOr<std::unique_ptr<base::File>>> SegmentPool::OpenFileFor(uint64_t id) {
  if (!recycled_.empty() && !removal_failed_) co_return co_await OpenRecycled(id);
  if (bytes_ + options_.segment_bytes > options_.bytes_max) {
    co_return absl::ResourceExhaustedError(
        base::StrCat("commit log: ", bytes_, " bytes are waiting to be flushed"));
  }
  auto file = co_await fs_.Open(PathOf(id), base::OpenMode::kCreate);
  if (file.ok()) AddBytes(static_cast<int64_t>(options_.segment_bytes));
  co_return file;
}

base::Task<absl::StatusOr<std::unique_ptr<base::File>>> SegmentPool::OpenRecycled(uint64_t id) {
  const auto [old_id, old_size] = *recycled_.begin();
  THOLOS_CO_RETURN_IF_ERROR(co_await fs_.Rename(PathOf(old_id), PathOf(id)));
  recycled_.erase(old_id);
  recycled_total_.Add();
  AddBytes(static_cast<int64_t>(options_.segment_bytes) - static_cast<int64_t>(old_size));
  // The name must be durable before the contents say so.
  absl::Status synced = co_await fs_.SyncDirectory(options_.directory);
  if (!synced.ok()) {
    removal_failed_ = true;
    co_await DropFile(id);
    co_return synced;
  }
  auto file = co_await fs_.Open(PathOf(id), base::OpenMode::kReadWrite);
  if (!file.ok()) co_await DropFile(id);
  co_return file;
}

// A segment that could not be prepared.
base::Task<void> SegmentPool::DropFile(uint64_t id) {
  (void)co_await fs_.Remove(PathOf(id));
  AddBytes(-static_cast<int64_t>(options_.segment_bytes));
}

base::Task<absl::Status> SegmentPool::PrepareFile(base::File& file, std::string_view header) {
  THOLOS_CO_RETURN_IF_ERROR(co_await file.Allocate(options_.segment_bytes));
  THOLOS_CO_RETURN_IF_ERROR(co_await file.Write(0, header));
  THOLOS_CO_RETURN_IF_ERROR(co_await file.Sync());
  co_return co_await fs_.SyncDirectory(options_.directory);
}

// Ending -----------------------------------------------------------------------------------------

base::Task<void> SegmentPool::Seal(Segment segment) {
  auto lock = co_await directory_.Acquire(1);
  // Everything in it is synced: closing has nothing to lose.
  (void)co_await segment.file->Close();
  sealed_[segment.id] = {.size = segment.size};
  if (archives()) co_await Archive(segment.id);
}

base::Task<void> SegmentPool::Discard(uint64_t segment) {
  auto lock = co_await directory_.Acquire(1);
  while (!sealed_.empty() && sealed_.begin()->first < segment) {
    const auto [id, sealed] = *sealed_.begin();
    if (archives() && !sealed.archived) co_await Archive(id);
    sealed_.erase(id);
    AddUsed(-static_cast<int64_t>(sealed.size));
    recycled_[id] = sealed.size;
  }
  // The archive may have the same blocks.
  co_await RemoveBeyond(archives() ? 0 : options_.recycled_max);
}

base::Task<absl::Status> SegmentPool::RemoveDurably(uint64_t id, uint64_t size) {
  THOLOS_CO_RETURN_IF_ERROR(co_await fs_.Remove(PathOf(id)));
  recycled_.erase(id);
  AddBytes(-static_cast<int64_t>(size));
  co_return co_await fs_.SyncDirectory(options_.directory);
}

// Oldest first, each removal durable before the next.
base::Task<void> SegmentPool::RemoveBeyond(size_t keep) {
  while (recycled_.size() > keep && !removal_failed_) {
    const auto [id, size] = *recycled_.begin();
    const absl::Status removed = co_await RemoveDurably(id, size);
    if (removed.ok()) continue;
    removal_failed_ = true;
    log_.Error("storage", base::StrCat("commit log: segments are no longer removed after ",
                                       base::ToStd(removed.message())));
  }
}

base::Task<void> SegmentPool::Archive(uint64_t id) {
  const std::string to = base::StrCat(options_.archive_directory, "/", SegmentFileName(id));
  absl::Status archived = co_await LinkOrCopy(PathOf(id), to);
  if (archived.ok()) {
    sealed_[id].archived = true;
    archived_total_.Add();
    co_return;
  }
  archive_failures_.Add();
  log_.Error("storage", base::StrCat("commit log: ", PathOf(id),
                                     " was not archived: ", base::ToStd(archived.message())));
}

base::Task<absl::Status> SegmentPool::LinkOrCopy(std::string from, std::string to) {
  THOLOS_CO_RETURN_IF_ERROR(co_await MakeDirectoriesDurably(fs_, options_.archive_directory));
  THOLOS_CO_ASSIGN_OR_RETURN(const bool exists, co_await fs_.Exists(to));
  if (exists) co_return absl::OkStatus();
  const absl::Status linked = co_await fs_.Link(from, to);
  if (linked.ok()) co_return co_await fs_.SyncDirectory(options_.archive_directory);
  THOLOS_CO_ASSIGN_OR_RETURN(std::string bytes,
                             co_await base::ReadFile(fs_, from, kSegmentBytesMax));
  co_return co_await base::WriteFileAtomically(fs_, to, std::move(bytes));
}

base::Task<void> SegmentPool::Stop() {
  auto lock = co_await directory_.Acquire(1);
  stopped_ = true;
  if (spare_.has_value()) (void)co_await spare_->file->Close();
  spare_.reset();
}

}  // namespace tholos::storage
