#include "coordinator/hints/repair_needs.h"

#include <limits>

#include "base/coding.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "coordinator/system_schema.h"
#include "data/codec.h"

namespace tholos::coordinator {
namespace {

constexpr uint32_t kPageRows = 1000;
constexpr size_t kIdBytes = 16;
constexpr data::Token kLastToken = std::numeric_limits<data::Token>::max();

// The clustering key's order is of no interest: table | end.
std::string RowKey(const data::TableId& table, data::Token end) {
  std::string key(table.AsBytes());
  base::PutFixed64(&key, static_cast<uint64_t>(end));
  return key;
}

}  // namespace

RepairNeeds::RepairNeeds(Deps deps)
    : deps_(deps),
      gauge_(deps.metrics.AddGauge("tholos_repair_needed_ranges",
                                   "Ranges of nodes for which hints were dropped")) {}

base::Task<absl::Status> RepairNeeds::Load() {
  const data::ColumnId column = RepairNeededTable().Find("ranges")->id;
  data::ReadCommand command{.table = RepairNeededTable().id};
  command.row_limit = kPageRows;
  while (true) {
    THOLOS_CO_ASSIGN_OR_RETURN(const data::ReadResult page,
                               co_await deps_.engine.Read(command, base::Deadline::Infinite()));
    for (const data::Partition& partition : page.partitions) {
      const auto node = base::Uuid::FromBytes(partition.key.key.substr(0, kIdBytes));
      for (const data::Row& row : partition.rows) {
        const data::Cell* cell = row.Find(column);
        if (!node.ok() || cell == nullptr) continue;
        base::Reader in(cell->value);
        base::Uuid table;
        for (uint8_t& byte : table.bytes) byte = in.U8();
        const auto start = static_cast<data::Token>(in.Fixed64());
        const auto end = static_cast<data::Token>(in.Fixed64());
        if (in.AtEnd()) Add(*node, table, {start, end});
      }
    }
    if (!page.more) co_return absl::OkStatus();
    command.after = data::LastPosition(page);
  }
}

bool RepairNeeds::Covers(const ring::NodeId& node, const data::TableId& table,
                         data::Token token) const {
  for (const data::TableId& either : {data::TableId(), table}) {
    const auto ranges = known_.find({node, either});
    if (ranges == known_.end()) continue;
    const auto range = ranges->second.lower_bound(token);
    if (range != ranges->second.end() && range->second < token) return true;
  }
  return false;
}

void RepairNeeds::NoteWrite(const ring::NodeId& node, std::string_view mutation,
                            std::string_view why) {
  const auto header = data::PeekMutation(mutation);
  if (!header.ok()) return;
  if (deps_.executor.current_shard() == 0)
    return NoteToken(node, header->table, header->key.token, why);
  deps_.executor.shard(0).Post([this, node, table = header->table, token = header->key.token,
                                why = std::string(why)] { NoteToken(node, table, token, why); });
}

void RepairNeeds::NoteAll(const ring::NodeId& node, std::string_view why) {
  if (deps_.executor.current_shard() == 0)
    return Note(node, data::TableId(), data::TokenRange(), why);
  deps_.executor.shard(0).Post([this, node, why = std::string(why)] {
    Note(node, data::TableId(), data::TokenRange(), why);
  });
}

void RepairNeeds::NoteToken(const ring::NodeId& node, const data::TableId& table, data::Token token,
                            std::string_view why) {
  if (Covers(node, table, token)) return;
  if (count_ >= kRangesMax) return NoteAll(node, why);
  Note(node, table, RangeOf(table, token), why);
}

// The range between two tokens of the ring that it lies in; all of it if the table is gone.
data::TokenRange RepairNeeds::RangeOf(const data::TableId& table, data::Token token) const {
  const ring::ClusterState::Ptr state = deps_.cluster.Get();
  const auto schema = state->schema().FindTable(table);
  if (schema == nullptr) return {};
  const auto ranges = state->Ranges(schema->keyspace);
  if (!ranges.ok()) return {};
  for (const ring::RangeReplicas& each : *ranges) {
    if (each.range.Contains(token)) return each.range;
  }
  return {};
}

bool RepairNeeds::Add(const ring::NodeId& node, const data::TableId& table,
                      const data::TokenRange& range) {
  const data::Token end = range.end == data::kMinToken ? kLastToken : range.end;
  if (!known_[{node, table}].try_emplace(end, range.start).second) return false;
  gauge_.Set(static_cast<int64_t>(++count_));
  return true;
}

void RepairNeeds::Note(const ring::NodeId& node, const data::TableId& table,
                       const data::TokenRange& range, std::string_view why) {
  if (Add(node, table, range)) scope_.Spawn(Store(node, table, range, std::string(why)));
}

base::Task<void> RepairNeeds::Store(ring::NodeId node, data::TableId table, data::TokenRange range,
                                    std::string why) {
  const auto schema = deps_.cluster.Get()->schema().FindTable(table);
  deps_.log.Warning(
      "hints", base::StrCat("node ", node.ToString(), " needs repair of ",
                            schema == nullptr ? "all tables" : schema->QualifiedName(), " in (",
                            range.start, ", ", range.end, "]: ", why));
  const data::Timestamp now = deps_.clock.WallMicros();
  std::string value(table.AsBytes());
  base::PutFixed64(&value, static_cast<uint64_t>(range.start));
  base::PutFixed64(&value, static_cast<uint64_t>(range.end));
  std::string key(node.AsBytes());
  key.append(RowKey(table, range.end));
  data::Mutation mutation{.table = RepairNeededTable().id,
                          .update = {.key = data::DecoratedKey::Of(std::move(key))}};
  data::Row row{.clustering = "", .liveness = data::Liveness::At(now)};
  row.cells.push_back(
      data::Cell::Value(RepairNeededTable().Find("ranges")->id, now, std::move(value)));
  mutation.update.rows.push_back(std::move(row));
  const absl::Status stored =
      co_await deps_.engine.Apply(data::EncodeMutation(mutation), base::Deadline::Infinite());
  if (!stored.ok()) {
    deps_.log.Error("hints", base::StrCat("the need of repair is not on disk: ",
                                          base::ToStd(stored.message())));
  }
}

}  // namespace tholos::coordinator
