#include "coordinator/repair/range_repair.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/coding.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "coordinator/read/range_plan.h"
#include "coordinator/requests.h"

namespace tholos::coordinator {
namespace {

constexpr uint32_t kPageRows = 1000;
// What a replica lacks of a page is written to it at once.
constexpr uint64_t kPageBytes = 256 << 10;
constexpr uint64_t kStepBytes = 1 << 20;

bool IsReplica(const ring::RangeReplicas& piece, const ring::NodeId& node) {
  return std::find(piece.replicas.begin(), piece.replicas.end(), node) != piece.replicas.end();
}

// The parts of the range that are to be read, from the cursor on.
absl::StatusOr<std::vector<ring::RangeReplicas>> PiecesOf(const ring::ClusterState& state,
                                                          const RangeRepair& repair,
                                                          const RepairCursor& cursor) {
  THOLOS_ASSIGN_OR_RETURN(const std::string keyspace, KeyspaceOf(state, repair.table));
  THOLOS_ASSIGN_OR_RETURN(const auto ranges, state.Ranges(keyspace));
  data::TokenRange left = repair.range;
  if (left.start == left.end) left = {};
  left.start = std::max(left.start, cursor.start);
  std::vector<ring::RangeReplicas> pieces = RangePieces(ranges, left, cursor.after);
  if (repair.node.has_value() && state.Find(*repair.node) != nullptr) {
    std::erase_if(pieces, [&](const auto& piece) { return !IsReplica(piece, *repair.node); });
  }
  return pieces;
}

void Count(const ReadPage& page, RangeRepairStep* step) {
  step->partitions += page.partitions.size();
  step->repaired += page.repaired;
  for (const data::Partition& partition : page.partitions) {
    step->rows += partition.rows.size();
    step->bytes += data::ApproximateBytes(partition);
  }
}

}  // namespace

std::string EncodeRepairCursor(const RepairCursor& cursor) {
  std::string out;
  base::PutFixed64(&out, static_cast<uint64_t>(cursor.start));
  if (!cursor.after.has_value()) return out;
  base::PutBytes(&out, cursor.after->key.key);
  if (cursor.after->clustering.has_value()) base::PutBytes(&out, *cursor.after->clustering);
  return out;
}

absl::StatusOr<RepairCursor> DecodeRepairCursor(std::string_view bytes) {
  RepairCursor cursor;
  if (bytes.empty()) return cursor;
  base::Reader in(bytes);
  cursor.start = static_cast<data::Token>(in.Fixed64());
  if (in.ok() && !in.AtEnd()) {
    cursor.after = data::Position{data::DecoratedKey::Of(std::string(in.Bytes())), std::nullopt};
    if (in.ok() && !in.AtEnd()) cursor.after->clustering = std::string(in.Bytes());
  }
  if (!in.AtEnd()) return base::InvalidRequest("the cursor of the repair is malformed");
  return cursor;
}

base::Task<absl::StatusOr<RangeRepairStep>> RepairSome(Coordinator& coordinator,
                                                       ring::ClusterState::Ptr state,
                                                       const base::Clock& clock, RangeRepair repair,
                                                       base::Deadline deadline) {
  THOLOS_CO_ASSIGN_OR_RETURN(RepairCursor cursor, DecodeRepairCursor(repair.cursor));
  THOLOS_CO_ASSIGN_OR_RETURN(const std::vector<ring::RangeReplicas> pieces,
                             PiecesOf(*state, repair, cursor));
  const base::MonotonicTime start = clock.Now();
  const base::MonotonicTime half = start + (deadline - start) / 2;
  RangeRepairStep step;
  for (const ring::RangeReplicas& piece : pieces) {
    data::ReadCommand command{.table = repair.table, .range = piece.range};
    command.row_limit = kPageRows;
    command.bytes_limit = kPageBytes;
    if (cursor.after.has_value() && piece.range.Contains(cursor.after->key.token))
      command.after = std::move(cursor.after);
    cursor = {piece.range.start, std::nullopt};
    bool more = true;
    while (more) {
      THOLOS_CO_ASSIGN_OR_RETURN(
          ReadPage page, co_await coordinator.Read(command, {.consistency = ConsistencyLevel::kAll,
                                                             .deadline = deadline,
                                                             .background = true,
                                                             .repair = true}));
      Count(page, &step);
      more = page.next.has_value();
      if (more) {
        command.after = std::move(page.next);
        cursor.after = command.after;
        if (IsStartOfToken(*command.after)) {
          command.range.start = command.after->key.token - 1;
          command.after.reset();
          cursor = {command.range.start, std::nullopt};
        }
      } else {
        cursor = {piece.range.end, std::nullopt};
      }
      const bool last = !more && &piece == &pieces.back();
      if (!last && (step.bytes >= kStepBytes || clock.Now() >= half)) {
        step.cursor = EncodeRepairCursor(cursor);
        co_return step;
      }
    }
  }
  co_return step;
}

}  // namespace tholos::coordinator
