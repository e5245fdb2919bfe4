#include "storage/commitlog/commit_log.h"

#include <algorithm>
#include <utility>

#include "base/async/when_all.h"
#include "base/check.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "storage/commitlog/segment_format.h"

namespace tholos::storage {

CommitLog::Instruments CommitLog::MakeInstruments(base::Metrics& metrics, uint32_t shard) {
  const base::Metrics::Labels labels = {{"shard", base::StrCat(shard)}};
  return {
      metrics.AddCounter("tholos_commitlog_syncs_total", "Syncs of the commit log", labels),
      metrics.AddCounter("tholos_commitlog_records_total", "Records made durable", labels),
      metrics.AddCounter("tholos_commitlog_written_bytes_total", "Bytes written to the commit log",
                         labels),
      metrics.AddHistogram("tholos_commitlog_group_records", "Records made durable by one sync",
                           base::Histogram::ExponentialBounds(1, 2, 14), labels),
      metrics.AddGauge("tholos_commitlog_pending_bytes", "Bytes that wait for their sync", labels),
      metrics.AddGauge("tholos_commitlog_bytes", "Bytes of all commit log segments", labels)};
}

CommitLog::CommitLog(CommitLogOptions options, CommitLogDeps deps)
    : options_(std::move(options)),
      deps_(deps),
      instruments_(MakeInstruments(deps.metrics, options_.shard)) {}

CommitLog::~CommitLog() = default;

uint64_t CommitLog::RecordBytesMax(uint64_t segment_bytes) {
  // Rounding up to 8 takes at most 7 bytes.
  return segment_bytes - kSegmentHeaderBytes - kGroupHeaderBytes - RecordBytesBound(0) - 7;
}

std::string CommitLog::PathOf(uint64_t segment) const {
  return base::StrCat(options_.directory, "/", SegmentFileName(segment));
}

void CommitLog::AddBytes(int64_t delta) {
  bytes_ += delta;
  instruments_.bytes.Set(static_cast<int64_t>(bytes_));
}

// Opening ----------------------------------------------------------------------------------------

base::Task<absl::StatusOr<std::unique_ptr<CommitLog>>> CommitLog::Open(CommitLogOptions options,
                                                                       CommitLogDeps deps,
                                                                       ReplaySink& sink) {
  THOLOS_CHECK(options.segment_bytes > 4096 && options.segment_bytes <= kSegmentBytesMax);
  THOLOS_CO_ASSIGN_OR_RETURN(
      RecoveredLog recovered,
      co_await RecoverLog(deps.fs, deps.log, options.directory, options.shard, sink));
  std::unique_ptr<CommitLog> log(new CommitLog(std::move(options), deps));
  std::vector<std::string> unproven = std::move(recovered.unproven_records);
  co_await log->AdoptRecovered(std::move(recovered));
  log->scope_.Spawn(log->Run());
  absl::Status rewritten = co_await log->RewriteUnproven(std::move(unproven));
  if (!rewritten.ok()) {
    co_await log->Stop();
    co_return rewritten;
  }
  log->scope_.Spawn(log->PrepareSpareInBackground());
  co_return log;
}

base::Task<void> CommitLog::AdoptRecovered(RecoveredLog recovered) {
  last_id_ = std::max(recovered.last_segment, options_.last_segment_known);
  synced_ = recovered.proven;
  next_ = {last_id_ + 1, 0};
  for (const auto& [id, size] : recovered.segments) {
    sealed_[id] = size;
    AddBytes(static_cast<int64_t>(size));
  }
  for (uint64_t id : recovered.unused) recycled_[id] = 0;
  // Empty files of unknown size are not worth keeping.
  co_await RemoveRecycled(0);
}

// What only the page cache may have becomes durable in a segment of this run, before anybody reads
// it.
base::Task<absl::Status> CommitLog::RewriteUnproven(std::vector<std::string> records) {
  std::vector<base::Task<absl::Status>> appends;
  for (std::string& record : records) {
    appends.push_back(Append(std::move(record), [](LogPosition) {}));
  }
  for (const absl::Status& status : co_await base::WhenAll(std::move(appends))) {
    if (status.ok()) continue;
    // A full disk must not keep the node from serving reads: the old segment still has the records.
    if (!absl::IsResourceExhausted(status) && !absl::IsUnavailable(status)) co_return status;
    deps_.log.Warning("storage", base::StrCat("commit log: the last group of the previous run "
                                              "could not be written again: ",
                                              base::ToStd(status.message())));
    break;
  }
  co_return absl::OkStatus();
}

base::Task<void> CommitLog::Stop() {
  stopping_ = true;
  work_.Set();
  co_await scope_.Stop();
  if (active_.has_value()) (void)co_await active_->file->Close();
  if (spare_.has_value()) (void)co_await spare_->file->Close();
  active_.reset();
  spare_.reset();
}

// Appending --------------------------------------------------------------------------------------

base::Task<absl::Status> CommitLog::Append(std::string record, OnDurable on_durable) {
  if (!poison_.ok()) co_return poison_;
  if (stopping_) co_return absl::UnavailableError("commit log: the node is stopping");
  if (record.size() > RecordBytesMax(options_.segment_bytes)) {
    co_return absl::InvalidArgumentError(base::StrCat("commit log: a record of ", record.size(),
                                                      " bytes does not fit a segment of ",
                                                      options_.segment_bytes, " bytes"));
  }
  const uint64_t size = record.size();
  if (pending_bytes_ + size > options_.pending_bytes_max && pending_bytes_ > 0) {
    co_return base::Overloaded(
        base::StrCat("commit log: ", pending_bytes_, " bytes are waiting for the disk"));
  }
  Pending pending{std::move(record), std::move(on_durable), absl::OkStatus(), {}};
  pending_bytes_ += size;
  instruments_.pending_bytes.Set(static_cast<int64_t>(pending_bytes_));
  queue_.push_back(&pending);
  work_.Set();
  co_await pending.done.Wait();
  co_return pending.status;
}

base::Task<void> CommitLog::Run() {
  while (true) {
    if (!queue_.empty()) {
      co_await WriteNextGroup();
      continue;
    }
    if (stopping_) break;
    work_.Reset();
    co_await work_.Wait();
  }
}

bool CommitLog::FitsActive(uint64_t group_bytes) const {
  return active_.has_value() && active_->end + group_bytes + 7 <= active_->size;
}

base::Task<void> CommitLog::WriteNextGroup() {
  if (!FitsActive(kGroupHeaderBytes + RecordBytesBound(queue_.front()->record.size()))) {
    if (absl::Status rotated = co_await Rotate(); !rotated.ok()) {
      FailPending(rotated);
      co_return;
    }
  }
  Group group = TakeGroup();
  const LogPosition place = {active_->id, active_->end};
  FinishGroup(place, synced_, &group.bytes);
  const absl::Status written = co_await WriteAndSync(group.bytes);
  if (!written.ok()) {
    poison_ = absl::FailedPreconditionError(
        base::StrCat("commit log: no writes are accepted after a failure of ",
                     active_->file->path(), ": ", base::ToStd(written.message())));
    deps_.log.Error("storage", base::ToStd(poison_.message()));
    Complete(std::move(group), absl::AbortedError(poison_.message()), place);
    FailPending(poison_);
    co_return;
  }
  active_->end += group.bytes.size();
  synced_ = next_ = {active_->id, active_->end};
  Complete(std::move(group), absl::OkStatus(), place);
}

CommitLog::Group CommitLog::TakeGroup() {
  Group group{{}, StartGroup()};
  while (!queue_.empty()) {
    Pending* next = queue_.front();
    const uint64_t bytes = group.bytes.size() + RecordBytesBound(next->record.size());
    if (!FitsActive(bytes)) break;
    if (!group.records.empty() && bytes > options_.group_bytes_max) break;
    AppendRecord(next->record, &group.bytes);
    group.records.push_back(next);
    queue_.pop_front();
  }
  THOLOS_CHECK(!group.records.empty());
  return group;
}

base::Task<absl::Status> CommitLog::WriteAndSync(std::string_view bytes) {
  THOLOS_CO_RETURN_IF_ERROR(co_await active_->file->Write(active_->end, bytes));
  if (!options_.mutant_skip_sync) THOLOS_CO_RETURN_IF_ERROR(co_await active_->file->Sync());
  instruments_.syncs.Add();
  instruments_.written_bytes.Add(bytes.size());
  co_return absl::OkStatus();
}

void CommitLog::Complete(Group group, absl::Status status, LogPosition place) {
  if (status.ok()) {
    instruments_.records.Add(group.records.size());
    instruments_.group_records.Observe(static_cast<double>(group.records.size()));
    for (Pending* pending : group.records) pending->on_durable(place);
  }
  for (Pending* pending : group.records) {
    pending_bytes_ -= pending->record.size();
    pending->status = status;
    pending->done.Set();
  }
  instruments_.pending_bytes.Set(static_cast<int64_t>(pending_bytes_));
}

void CommitLog::FailPending(const absl::Status& status) {
  Group all;
  all.records.assign(queue_.begin(), queue_.end());
  queue_.clear();
  Complete(std::move(all), status, {});
}

// Segments ---------------------------------------------------------------------------------------

base::Task<absl::Status> CommitLog::Rotate() {
  THOLOS_CO_RETURN_IF_ERROR(co_await PrepareSpare());
  if (active_.has_value()) {
    // Everything in it is synced: closing has nothing to lose.
    (void)co_await active_->file->Close();
    sealed_[active_->id] = active_->size;
  }
  active_ = std::exchange(spare_, std::nullopt);
  scope_.Spawn(PrepareSpareInBackground());
  co_return absl::OkStatus();
}

base::Task<void> CommitLog::PrepareSpareInBackground() {
  if (!stopping_) (void)co_await PrepareSpare();
}

base::Task<absl::Status> CommitLog::PrepareSpare() {
  base::Semaphore::Units lock = co_await directory_.Acquire(1);
  if (spare_.has_value()) co_return absl::OkStatus();
  const uint64_t id = ++last_id_;
  absl::StatusOr<Segment> segment = co_await MakeSegment(id);
  if (!segment.ok()) {
    deps_.log.Warning("storage", base::StrCat("commit log: no new segment: ",
                                              base::ToStd(segment.status().message())));
    if (absl::IsResourceExhausted(segment.status())) co_return segment.status();
    co_return absl::UnavailableError(
        base::StrCat("commit log: no new segment: ", base::ToStd(segment.status().message())));
  }
  spare_ = *std::move(segment);
  co_return absl::OkStatus();
}

base::Task<absl::StatusOr<CommitLog::Segment>> CommitLog::MakeSegment(uint64_t id) {
  THOLOS_CO_ASSIGN_OR_RETURN(std::unique_ptr<base::File> file, co_await OpenFileFor(id));
  absl::Status prepared = co_await PrepareFile(*file, id);
  if (!prepared.ok()) {
    (void)co_await file->Close();
    co_await DropFile(id);
    co_return prepared;
  }
  co_return Segment{id, std::move(file), options_.segment_bytes, kSegmentHeaderBytes};
}

// The file of the new segment, counted in bytes_: a recycled one under its new name, or a new one.
base::Task<absl::StatusOr<std::unique_ptr<base::File>>> CommitLog::OpenFileFor(uint64_t id) {
  if (recycled_.empty() || removal_failed_) {
    if (bytes_ + options_.segment_bytes > options_.bytes_max) {
      co_return absl::ResourceExhaustedError(
          base::StrCat("commit log: ", bytes_, " bytes are waiting to be flushed"));
    }
    auto file = co_await deps_.fs.Open(PathOf(id), base::OpenMode::kCreate);
    if (file.ok()) AddBytes(static_cast<int64_t>(options_.segment_bytes));
    co_return file;
  }
  const auto [old_id, old_size] = *recycled_.begin();
  THOLOS_CO_RETURN_IF_ERROR(co_await deps_.fs.Rename(PathOf(old_id), PathOf(id)));
  recycled_.erase(old_id);
  AddBytes(static_cast<int64_t>(options_.segment_bytes) - static_cast<int64_t>(old_size));
  // The name must be durable before the contents say so: a file never carries a younger id than its
  // name.
  absl::Status synced = co_await deps_.fs.SyncDirectory(options_.directory);
  if (!synced.ok()) {
    removal_failed_ = true;
    co_await DropFile(id);
    co_return synced;
  }
  auto file = co_await deps_.fs.Open(PathOf(id), base::OpenMode::kReadWrite);
  if (!file.ok()) co_await DropFile(id);
  co_return file;
}

// A segment that could not be prepared.
base::Task<void> CommitLog::DropFile(uint64_t id) {
  (void)co_await deps_.fs.Remove(PathOf(id));
  AddBytes(-static_cast<int64_t>(options_.segment_bytes));
}

base::Task<absl::Status> CommitLog::PrepareFile(base::File& file, uint64_t id) {
  THOLOS_CO_RETURN_IF_ERROR(co_await file.Allocate(options_.segment_bytes));
  const std::string header = EncodeSegmentHeader({kSegmentVersion, options_.shard, id});
  THOLOS_CO_RETURN_IF_ERROR(co_await file.Write(0, header));
  THOLOS_CO_RETURN_IF_ERROR(co_await file.Sync());
  co_return co_await deps_.fs.SyncDirectory(options_.directory);
}

base::Task<void> CommitLog::Discard(LogPosition position) {
  base::Semaphore::Units lock = co_await directory_.Acquire(1);
  while (!sealed_.empty() && sealed_.begin()->first < position.segment) {
    recycled_.insert(sealed_.extract(sealed_.begin()));
  }
  co_await RemoveRecycled(1);
}

// Oldest first, each removal durable before the next.
base::Task<void> CommitLog::RemoveRecycled(size_t keep) {
  while (recycled_.size() > keep && !removal_failed_) {
    const auto [id, size] = *recycled_.begin();
    absl::Status removed = co_await deps_.fs.Remove(PathOf(id));
    if (removed.ok()) {
      recycled_.erase(id);
      AddBytes(-static_cast<int64_t>(size));
      removed = co_await deps_.fs.SyncDirectory(options_.directory);
    }
    if (!removed.ok()) {
      removal_failed_ = true;
      deps_.log.Error("storage", base::StrCat("commit log: segments are no longer removed after ",
                                              base::ToStd(removed.message())));
    }
  }
}

}  // namespace tholos::storage
