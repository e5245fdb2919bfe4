#include "storage/commitlog/recovery.h"

#include <algorithm>

#include "base/status_macros.h"
#include "base/strings.h"

namespace tholos::storage {

std::string ChainJudge::PathOf(uint64_t segment) const {
  return base::StrCat(directory_, "/", SegmentFileName(segment));
}

absl::Status ChainJudge::CheckPredecessor(uint64_t segment, LogPosition synced) const {
  // Without an older segment the log begins here: what came before was flushed and discarded.
  if (!last_used_.has_value()) return absl::OkStatus();
  if (synced.segment != *last_used_) {
    return absl::DataLossError(base::StrCat("commit log: ", PathOf(synced.segment),
                                            " is missing, or damaged throughout (needed before ",
                                            PathOf(segment), ")"));
  }
  if (synced.offset > last_used_end_) {
    return absl::DataLossError(base::StrCat(
        "commit log: ", PathOf(*last_used_), " is damaged at offset ", last_used_end_,
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
  if (scan.groups.empty()) return Verdict::kUnused;
  if (!scan.header.has_value() || scan.header->segment != segment) {
    return absl::DataLossError(
        base::StrCat("commit log: ", PathOf(segment), " is damaged at offset 0: bad header"));
  }
  if (scan.header->shard != shard_) {
    return absl::DataLossError(base::StrCat("commit log: ", PathOf(segment), " belongs to shard ",
                                            scan.header->shard, ", not to shard ", shard_));
  }
  THOLOS_RETURN_IF_ERROR(CheckPredecessor(segment, scan.groups.front().synced));
  last_used_ = segment;
  last_used_end_ = scan.end;
  return Verdict::kUsed;
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

// Segments are synced whole before the next one is written to, so what is not known to be durable
// lies in the last one.
LogPosition ProvenBy(uint64_t segment, const ScannedGroup& last) {
  if (last.synced.segment == segment) return last.synced;
  return {segment, kSegmentHeaderBytes};
}

base::Task<absl::Status> ReplayScan(std::string path, uint64_t segment, const SegmentScan& scan,
                                    ReplaySink& sink, RecoveredLog* out) {
  out->proven = ProvenBy(segment, scan.groups.back());
  out->unproven_records.clear();
  for (const ScannedGroup& group : scan.groups) {
    const LogPosition place = {segment, group.offset};
    auto records = SplitRecords(group.body);
    if (!records.ok()) {
      co_return absl::DataLossError(base::StrCat("commit log: ", path, " at offset ", group.offset,
                                                 ": ", base::ToStd(records.status().message())));
    }
    for (std::string_view record : *records) {
      const absl::StatusOr<bool> needed = sink.Replay(place, record);
      if (!needed.ok()) co_return needed.status();
      if (*needed && place >= out->proven) out->unproven_records.emplace_back(record);
    }
    out->records += records->size();
    THOLOS_CO_RETURN_IF_ERROR(co_await sink.AfterGroup({segment, group.end}));
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
  ChainJudge judge(directory, shard);
  THOLOS_CO_ASSIGN_OR_RETURN(std::vector<uint64_t> ids, co_await ListSegments(fs, directory));
  for (uint64_t id : ids) {
    const std::string path = base::StrCat(directory, "/", SegmentFileName(id));
    THOLOS_CO_ASSIGN_OR_RETURN(std::string bytes,
                               co_await base::ReadFile(fs, path, kSegmentBytesMax));
    const SegmentScan scan = ScanSegment(bytes, id);
    THOLOS_CO_ASSIGN_OR_RETURN(ChainJudge::Verdict verdict, judge.Next(id, scan));
    out.last_segment = id;
    if (verdict == ChainJudge::Verdict::kUnused) {
      out.unused[id] = bytes.size();
      continue;
    }
    THOLOS_CO_RETURN_IF_ERROR(co_await ReplayScan(path, id, scan, sink, &out));
    out.segments[id] = bytes.size();
    if (HasResidue(bytes, scan.end)) {
      log.Info("storage", base::StrCat("commit log: ", path, " ends at offset ", scan.end,
                                       "; what follows is a torn write that was never "
                                       "acknowledged, or left over from a recycled file"));
    }
  }
  co_return out;
}

}  // namespace tholos::storage
