#include "storage/commitlog/recovery.h"

#include <algorithm>

#include "base/status_macros.h"
#include "base/strings.h"

namespace tholos::storage {

std::string ChainJudge::PathOf(uint64_t segment) const {
  return base::StrCat(directory_, "/", SegmentFileName(segment));
}

absl::Status ChainJudge::CheckPredecessor(uint64_t segment, LogPosition synced) const {
  // What is older than the oldest segment was flushed and discarded.
  if (used_ends_.empty() || synced.segment < used_ends_.begin()->first) return absl::OkStatus();
  const auto named = used_ends_.find(synced.segment);
  if (named == used_ends_.end()) {
    return absl::DataLossError(base::StrCat("commit log: ", PathOf(synced.segment),
                                            " is missing, or damaged throughout (needed before ",
                                            PathOf(segment), ")"));
  }
  if (synced.offset > named->second) {
    return absl::DataLossError(base::StrCat(
        "commit log: ", PathOf(named->first), " is damaged at offset ", named->second,
        ": it was durable up to offset ", synced.offset, " according to ", PathOf(segment)));
  }
  return absl::OkStatus();
}

absl::StatusOr<ChainJudge::Verdict> ChainJudge::Next(uint64_t segment, const SegmentScan& scan) {
  if (scan.header.has_value() && scan.header->version != kSegmentVersion) {
    return absl::FailedPreconditionError(
        base::StrCat("commit log: ", PathOf(segment), " has format version ", scan.header->version,
                     "; this build reads version ", kSegmentVersion));
  }
  if (scan.evidence_beyond.has_value()) {
    return absl::DataLossError(
        base::StrCat("commit log: ", PathOf(segment), " is damaged at offset ", scan.end,
                     ": a valid group follows at offset ", *scan.evidence_beyond));
  }
  const auto note_damaged_end = [&] {
    if (scan.damaged_sector.has_value() && !damaged_end_.has_value()) {
      damaged_end_ = {segment, scan.end, *scan.damaged_sector};
    }
  };
  if (scan.groups.empty()) {
    note_damaged_end();
    return Verdict::kUnused;
  }
  if (!scan.header.has_value() || scan.header->segment != segment) {
    return absl::DataLossError(
        base::StrCat("commit log: ", PathOf(segment), " is damaged at offset 0: bad header"));
  }
  if (scan.header->shard != shard_) {
    return absl::DataLossError(base::StrCat("commit log: ", PathOf(segment), " belongs to shard ",
                                            scan.header->shard, ", not to shard ", shard_));
  }
  THOLOS_RETURN_IF_ERROR(CheckPredecessor(segment, scan.groups.front().synced));
  used_ends_[segment] = scan.end;
  // What was damaged before this segment is free space: its first group knows of nothing there.
  damaged_end_.reset();
  note_damaged_end();
  return Verdict::kUsed;
}

absl::Status ChainJudge::End() const {
  if (!damaged_end_.has_value()) return absl::OkStatus();
  return absl::DataLossError(
      base::StrCat("commit log: ", PathOf(damaged_end_->segment), " is damaged at offset ",
                   damaged_end_->end, ": the sector at byte ", damaged_end_->sector,
                   " of the file does not verify; what was acknowledged last may have been there"));
}

namespace {

base::Task<absl::StatusOr<std::vector<uint64_t>>> ListSegments(base::FileSystem& fs,
                                                               std::string directory) {
  THOLOS_CO_ASSIGN_OR_RETURN(auto entries, co_await fs.List(directory));
  std::vector<uint64_t> ids;
  for (const base::DirectoryEntry& entry : entries) {
    if (auto id = ParseSegmentFileName(entry.name); id.has_value()) ids.push_back(*id);
  }
  std::sort(ids.begin(), ids.end());
  co_return ids;
}

struct Unproven {
  std::vector<std::pair<LogPosition, std::string>> records;
};

// Each has at least the overhead of a mutation; one with less is refused by who reads it.
constexpr size_t kBatchRecordsMax = 256 << 10;

base::Task<absl::Status> ReplayBatch(std::span<ReplayRecord> records, LogPosition end,
                                     ReplaySink& sink, Unproven* unproven, RecoveredLog* out) {
  THOLOS_CO_RETURN_IF_ERROR(sink.Replay(records));
  for (const ReplayRecord& record : records) {
    if (record.needed && record.position >= out->proven) {
      unproven->records.emplace_back(record.position, record.bytes);
    }
  }
  out->records += records.size();
  co_return co_await sink.AfterBatch(end);
}

base::Task<absl::Status> ReplayScan(std::string path, uint64_t segment, const SegmentScan& scan,
                                    ReplaySink& sink, Unproven* unproven, RecoveredLog* out) {
  // Of older segments too: a run that ended while it wrote them again may have got half way.
  out->proven = scan.groups.back().synced;
  std::erase_if(unproven->records,
                [out](const auto& record) { return record.first < out->proven; });
  std::vector<ReplayRecord> batch;
  uint64_t bytes = 0;
  for (const ScannedGroup& group : scan.groups) {
    const auto add = [&](std::string_view record) {
      batch.push_back({{segment, group.offset}, record});
    };
    if (absl::Status split = ForEachRecord(group.body, add); !split.ok()) {
      co_return absl::DataLossError(base::StrCat("commit log: ", path, " at offset ", group.offset,
                                                 ": ", base::ToStd(split.message())));
    }
    bytes += group.body.size();
    const bool last = &group == &scan.groups.back();
    if (bytes < sink.batch_bytes() && batch.size() < kBatchRecordsMax && !last) continue;
    THOLOS_CO_RETURN_IF_ERROR(
        co_await ReplayBatch(batch, {segment, group.end}, sink, unproven, out));
    batch.clear();
    bytes = 0;
  }
  co_return absl::OkStatus();
}

bool HasResidue(std::string_view bytes, uint64_t end) {
  const std::string_view rest = bytes.substr(std::min<uint64_t>(end, bytes.size()));
  return std::any_of(rest.begin(), rest.end(), [](char c) { return c != 0; });
}

}  // namespace

base::Task<absl::StatusOr<RecoveredLog>> RecoverLog(base::FileSystem& fs, base::Log& log,
                                                    std::string directory, uint32_t shard,
                                                    ReplaySink& sink) {
  RecoveredLog out;
  Unproven unproven;
  ChainJudge judge(directory, shard);
  THOLOS_CO_ASSIGN_OR_RETURN(std::vector<uint64_t> ids, co_await ListSegments(fs, directory));
  for (uint64_t id : ids) {
    const std::string path = base::StrCat(directory, "/", SegmentFileName(id));
    THOLOS_CO_ASSIGN_OR_RETURN(std::string bytes,
                               co_await base::ReadFile(fs, path, kSegmentBytesMax));
    const uint64_t file_bytes = bytes.size();
    const SegmentImage image(std::move(bytes));
    const SegmentScan scan = ScanSegment(image, id);
    THOLOS_CO_ASSIGN_OR_RETURN(ChainJudge::Verdict verdict, judge.Next(id, scan));
    out.last_segment = id;
    if (verdict == ChainJudge::Verdict::kUnused) {
      out.unused[id] = file_bytes;
      continue;
    }
    THOLOS_CO_RETURN_IF_ERROR(co_await ReplayScan(path, id, scan, sink, &unproven, &out));
    out.segments[id] = file_bytes;
    if (HasResidue(image.stream, scan.end)) {
      log.Info("storage", base::StrCat("commit log: ", path, " ends at offset ", scan.end,
                                       "; what follows is a torn write that was never "
                                       "acknowledged, or left over from a recycled file"));
    }
  }
  THOLOS_CO_RETURN_IF_ERROR(judge.End());
  for (auto& [place, record] : unproven.records) {
    out.unproven_records.push_back(std::move(record));
  }
  co_return out;
}

}  // namespace tholos::storage
