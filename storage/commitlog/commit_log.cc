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
namespace {

// Memory of a group that is kept for the next one.
constexpr size_t kUnusedBytesMax = 2 << 20;

SegmentPoolOptions PoolOptions(const CommitLogOptions& options) {
  return {.directory = options.directory,
          .archive_directory = options.archive_directory,
          .shard = options.shard,
          .segment_bytes = options.segment_bytes,
          .batch = options.sync == CommitLogSync::kBatch,
          .bytes_max = options.bytes_max};
}

}  // namespace

CommitLog::Instruments CommitLog::MakeInstruments(base::Metrics& metrics, uint32_t shard) {
  const base::Metrics::Labels labels = {{"shard", base::StrCat(shard)}};
  return {metrics.AddCounter("tholos_commitlog_syncs_total", "Syncs of the commit log", labels),
          metrics.AddCounter("tholos_commitlog_records_total", "Records acknowledged", labels),
          metrics.AddCounter("tholos_commitlog_written_bytes_total",
                             "Bytes written to the commit log", labels),
          metrics.AddHistogram("tholos_commitlog_group_records", "Records written at once",
                               base::Histogram::ExponentialBounds(1, 2, 14), labels),
          metrics.AddGauge("tholos_commitlog_pending_bytes",
                           "Bytes that wait for their write or sync", labels),
          metrics.AddGauge("tholos_commitlog_unsynced_bytes",
                           "Bytes acknowledged and not yet synced (mode periodic)", labels)};
}

CommitLog::CommitLog(CommitLogOptions options, CommitLogDeps deps)
    : options_(std::move(options)),
      deps_(deps),
      group_bytes_max_(
          std::min(options_.group_bytes_max, RecordBytesMax(options_.segment_bytes) / 2)),
      instruments_(MakeInstruments(deps.metrics, options_.shard)),
      pool_(PoolOptions(options_), deps.fs, deps.log, deps.metrics) {}

CommitLog::~CommitLog() = default;

uint64_t CommitLog::RecordBytesMax(uint64_t segment_bytes) {
  // Rounding up to 8 takes at most 7 bytes.
  return StreamBytes(segment_bytes) - kSegmentHeaderBytes - kGroupHeaderBytes -
         RecordBytesBound(0) - 7;
}

// Opening ----------------------------------------------------------------------------------------

base::Task<absl::StatusOr<std::unique_ptr<CommitLog>>> CommitLog::Open(CommitLogOptions options,
                                                                       CommitLogDeps deps,
                                                                       ReplaySink& sink) {
  THOLOS_CHECK(options.segment_bytes > 4096 && options.segment_bytes <= kSegmentBytesMax);
  THOLOS_CHECK(options.segment_bytes % base::File::kBlockBytes == 0);
  THOLOS_CO_ASSIGN_OR_RETURN(
      RecoveredLog recovered,
      co_await RecoverLog(deps.fs, deps.log, options.directory, options.shard, sink));
  std::unique_ptr<CommitLog> log(new CommitLog(std::move(options), deps));
  const uint64_t last_id = std::max(recovered.last_segment, log->options_.last_segment_known);
  log->synced_ = recovered.proven;
  log->next_ = {last_id + 1, 0};
  co_await log->pool_.Adopt(std::move(recovered.segments), std::move(recovered.unused), last_id);
  log->scope_.Spawn(log->Run());
  if (log->periodic()) log->scope_.Spawn(log->SyncPeriodically());
  absl::Status rewritten = co_await log->RewriteUnproven(std::move(recovered.unproven_records));
  if (!rewritten.ok()) {
    co_await log->Stop();
    co_return rewritten;
  }
  log->scope_.Spawn(log->PrepareSpare());
  co_return log;
}

// What only the page cache may have becomes durable in a segment of this run, before anybody reads
// it.
base::Task<absl::Status> CommitLog::RewriteUnproven(std::vector<std::string> records) {
  if (records.empty()) co_return absl::OkStatus();
  std::vector<base::Task<absl::Status>> appends;
  for (std::string& record : records) appends.push_back(AppendUnproven(std::move(record)));
  for (const absl::Status& status : co_await base::WhenAll(std::move(appends))) {
    if (status.ok()) continue;
    // A full disk must not keep the node from serving reads: the old segment still has the records.
    if (!absl::IsResourceExhausted(status) && !absl::IsUnavailable(status)) co_return status;
    deps_.log.Warning("storage", base::StrCat("commit log: the last groups of the previous run "
                                              "could not be written again: ",
                                              base::ToStd(status.message())));
    co_return absl::OkStatus();
  }
  co_return periodic() ? co_await SyncActive() : absl::OkStatus();
}

base::Task<absl::Status> CommitLog::AppendUnproven(std::string record) {
  const auto nothing = [](LogPosition, std::string_view) {};
  co_return co_await Append(record, nothing);
}

base::Task<void> CommitLog::Stop() {
  stopping_ = true;
  work_.Set();
  unsynced_.Set();
  sync_now_.Set();
  co_await scope_.Stop();
  if (active_.has_value()) {
    if (periodic() && poison_.ok()) (void)co_await SyncActive();
    (void)co_await active_->file->Close();
  }
  active_.reset();
  co_await pool_.Stop();
}

// Appending --------------------------------------------------------------------------------------

absl::Status CommitLog::CheckAppend(size_t record_bytes) const {
  if (!poison_.ok()) return poison_;
  if (stopping_) return absl::UnavailableError("commit log: the node is stopping");
  if (record_bytes > RecordBytesMax(options_.segment_bytes)) {
    return absl::InvalidArgumentError(base::StrCat("commit log: a record of ", record_bytes,
                                                   " bytes does not fit a segment of ",
                                                   options_.segment_bytes, " bytes"));
  }
  if (pending_bytes_ + record_bytes > options_.pending_bytes_max && pending_bytes_ > 0) {
    return base::Overloaded(
        base::StrCat("commit log: ", pending_bytes_, " bytes are waiting for the disk"));
  }
  return absl::OkStatus();
}

void CommitLog::Enqueue(Appender* appender) {
  const std::string_view record = appender->record_;
  if (queue_.empty() ||
      queue_.back().bytes.size() + RecordBytesBound(record.size()) > group_bytes_max_) {
    queue_.push_back(NewGroup());
  }
  Group& group = queue_.back();
  AppendRecord(record, &group.bytes);
  appender->offset_ = group.bytes.size() - record.size();
  group.records.push_back(appender);
  pending_bytes_ += record.size();
  if (!work_.is_set()) work_.Set();
}

CommitLog::Group CommitLog::NewGroup() {
  Group group = std::exchange(unused_, Group());
  StartGroup(&group.bytes);
  group.records.clear();
  return group;
}

base::Task<void> CommitLog::Run() {
  while (true) {
    if (!queue_.empty()) {
      instruments_.pending_bytes.Set(static_cast<int64_t>(pending_bytes_));
      co_await WriteNextGroup();
      continue;
    }
    if (stopping_) break;
    work_.Reset();
    co_await work_.Wait();
  }
}

bool CommitLog::FitsActive(uint64_t group_bytes) const {
  return active_.has_value() && active_->end + group_bytes + 7 <= StreamBytes(active_->size);
}

base::Task<void> CommitLog::WriteNextGroup() {
  Group group = std::move(queue_.front());
  queue_.pop_front();
  if (!FitsActive(group.bytes.size())) {
    if (absl::Status rotated = co_await Rotate(); !rotated.ok()) {
      Complete(std::move(group), rotated, {});
      FailPending(rotated);
      co_return;
    }
  }
  const LogPosition place = {active_->id, active_->end};
  FinishGroup(place, synced_, &group.bytes);
  const SectorEncoder::Blocks blocks = active_->sectors.Append(group.bytes);
  absl::Status written;
  if (periodic() || options_.mutant_skip_sync) {
    written = co_await active_->file->Write(blocks.offset, blocks.bytes);
  } else {
    written = co_await active_->file->WriteDurably(blocks.offset, blocks.bytes);
    instruments_.syncs.Add();
  }
  // In mode periodic a sync beside this write may have failed.
  if (written.ok()) written = poison_;
  if (!written.ok()) {
    Poison(written);
    Complete(std::move(group), absl::AbortedError(poison_.message()), place);
    FailPending(poison_);
    co_return;
  }
  instruments_.written_bytes.Add(blocks.bytes.size());
  active_->end += group.bytes.size();
  next_ = {active_->id, active_->end};
  if (periodic()) {
    SetUnsynced(unsynced_bytes_ + group.bytes.size());
  } else {
    synced_ = next_;
  }
  Complete(std::move(group), absl::OkStatus(), place);
}

void CommitLog::Poison(const absl::Status& why) {
  if (!poison_.ok()) return;
  poison_ = absl::FailedPreconditionError(
      base::StrCat("commit log: no writes are accepted after a failure of ", active_->file->path(),
                   ": ", base::ToStd(why.message())));
  deps_.log.Error("storage", base::ToStd(poison_.message()));
}

void CommitLog::Complete(Group group, const absl::Status& status, LogPosition place) {
  if (status.ok()) {
    instruments_.records.Add(group.records.size());
    instruments_.group_records.Observe(static_cast<double>(group.records.size()));
    for (Appender* appender : group.records) {
      const auto record =
          std::string_view(group.bytes).substr(appender->offset_, appender->record_.size());
      appender->on_durable_(place, record);
    }
    if (group_ended_ != nullptr) group_ended_(place);
  }
  base::Loop& loop = base::Loop::Current();
  for (Appender* appender : group.records) {
    pending_bytes_ -= appender->record_.size();
    appender->status_ = status;
    loop.Ready(appender->writer_);
  }
  if (group.bytes.capacity() <= kUnusedBytesMax) unused_ = std::move(group);
  if (queue_.empty()) instruments_.pending_bytes.Set(static_cast<int64_t>(pending_bytes_));
}

void CommitLog::FailPending(const absl::Status& status) {
  for (Group& group : std::exchange(queue_, {})) Complete(std::move(group), status, {});
}

// The next segment. What is in the old one is durable before anything is written to the new one.
base::Task<absl::Status> CommitLog::Rotate() {
  THOLOS_CO_RETURN_IF_ERROR(co_await pool_.Prepare());
  if (active_.has_value()) {
    if (periodic()) {
      if (absl::Status synced = co_await SyncActive(); !synced.ok()) co_return synced;
    }
    auto lock = co_await syncing_.Acquire(1);
    Segment full = *std::exchange(active_, std::nullopt);
    co_await pool_.Seal(std::move(full));
  }
  // Sealing takes a while; whoever prepared the spare has not taken it.
  active_ = pool_.Next();
  scope_.Spawn(PrepareSpare());
  co_return absl::OkStatus();
}

base::Task<void> CommitLog::PrepareSpare() {
  if (!stopping_) (void)co_await pool_.Prepare();
}

// Syncs beside writes ----------------------------------------------------------------------------

void CommitLog::SetUnsynced(uint64_t bytes) {
  unsynced_bytes_ = bytes;
  instruments_.unsynced_bytes.Set(static_cast<int64_t>(bytes));
  if (bytes > 0) unsynced_.Set();
  if (bytes >= options_.unsynced_bytes_max) sync_now_.Set();
}

base::Task<absl::Status> CommitLog::SyncActive() {
  auto lock = co_await syncing_.Acquire(1);
  if (!poison_.ok()) co_return poison_;
  if (!active_.has_value()) co_return absl::OkStatus();
  const LogPosition place = {active_->id, active_->end};
  if (place <= synced_) co_return absl::OkStatus();
  const uint64_t covered = unsynced_bytes_;
  absl::Status synced =
      options_.mutant_skip_sync ? absl::OkStatus() : co_await active_->file->Sync();
  instruments_.syncs.Add();
  if (!synced.ok()) {
    Poison(synced);
    co_return poison_;
  }
  synced_ = place;
  SetUnsynced(unsynced_bytes_ - covered);
  co_return absl::OkStatus();
}

base::Task<void> CommitLog::SyncPeriodically() {
  while (!stopping_ && poison_.ok()) {
    if (unsynced_bytes_ == 0) {
      unsynced_.Reset();
      co_await unsynced_.Wait();
      continue;
    }
    sync_now_.Reset();
    if (unsynced_bytes_ < options_.unsynced_bytes_max) {
      (void)co_await sync_now_.WaitUntil(deps_.clock.Now() + options_.sync_period);
    }
    if (!stopping_) (void)co_await SyncActive();
  }
}

}  // namespace tholos::storage
