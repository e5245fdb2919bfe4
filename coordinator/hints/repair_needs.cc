#include "coordinator/hints/repair_needs.h"

#include <algorithm>
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

data::DecoratedKey KeyOf(const ring::NodeId& node, const data::TableId& table, data::Token end) {
  std::string key(node.AsBytes());
  key.append(table.AsBytes());
  base::PutFixed64(&key, static_cast<uint64_t>(end));
  return data::DecoratedKey::Of(std::move(key));
}

data::Token LastOf(data::Token end) { return end == data::kMinToken ? kLastToken : end; }

}  // namespace

RepairNeeds::RepairNeeds(Deps deps)
    : deps_(deps),
      gauge_(deps.metrics.AddGauge("tholos_repair_needed_ranges",
                                   "Ranges of nodes for which hints were dropped")) {}

base::Task<absl::Status> RepairNeeds::Load() {
  last_noted_ = static_cast<uint64_t>(deps_.clock.WallMicros());
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
        Mark mark{.start = static_cast<data::Token>(in.Fixed64()), .noted = last_noted_};
        const auto end = static_cast<data::Token>(in.Fixed64());
        if (!in.ok()) continue;
        mark.why = std::string(in.rest());
        mark.since_micros = cell->timestamp;
        last_micros_ = std::max(last_micros_, mark.since_micros);
        Add(*node, table, LastOf(end), std::move(mark));
      }
    }
    if (!page.more) co_return absl::OkStatus();
    command.after = data::LastPosition(page);
  }
}

RepairNeeds::Mark* RepairNeeds::Find(const ring::NodeId& node, const data::TableId& table,
                                     data::Token token) {
  for (const data::TableId& either : {data::TableId(), table}) {
    const auto ranges = known_.find({node, either});
    if (ranges == known_.end()) continue;
    const auto range = ranges->second.lower_bound(token);
    if (range != ranges->second.end() && range->second.start < token) return &range->second;
  }
  return nullptr;
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
  if (Mark* mark = Find(node, table, token)) {
    mark->noted = ++last_noted_;
    return;
  }
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

bool RepairNeeds::Add(const ring::NodeId& node, const data::TableId& table, data::Token end,
                      Mark mark) {
  const auto [it, added] = known_[{node, table}].try_emplace(end, std::move(mark));
  if (added) {
    gauge_.Set(static_cast<int64_t>(++count_));
  } else {
    it->second.noted = ++last_noted_;
  }
  return added;
}

void RepairNeeds::Note(const ring::NodeId& node, const data::TableId& table,
                       const data::TokenRange& range, std::string_view why) {
  // Above what was cleared, also if the clock stands still.
  last_micros_ = std::max(last_micros_ + 1, deps_.clock.WallMicros());
  const Mark mark{range.start, last_micros_, std::string(why), ++last_noted_};
  if (Add(node, table, LastOf(range.end), mark)) scope_.Spawn(Store(node, table, range, mark));
}

std::vector<RepairNeed> RepairNeeds::List() const {
  std::vector<RepairNeed> needs;
  for (const auto& [key, ranges] : known_) {
    for (const auto& [end, mark] : ranges) {
      needs.push_back({.node = key.first,
                       .table = key.second,
                       .range = {mark.start, end == kLastToken ? data::kMinToken : end},
                       .since_micros = mark.since_micros,
                       .why = mark.why,
                       .noted = mark.noted});
    }
  }
  return needs;
}

base::Task<absl::Status> RepairNeeds::Clear(RepairNeed need) {
  const auto ranges = known_.find({need.node, need.table});
  const data::Token end = LastOf(need.range.end);
  const auto found = ranges == known_.end() ? Ranges::iterator() : ranges->second.find(end);
  if (ranges == known_.end() || found == ranges->second.end() ||
      found->second.start != need.range.start) {
    co_return absl::NotFoundError("no such range needs repair");
  }
  if (found->second.noted > need.noted)
    co_return absl::AbortedError("more writes of the range were dropped since it was listed");
  // Noted meanwhile, it is a new one.
  Mark mark = std::move(found->second);
  ranges->second.erase(found);
  gauge_.Set(static_cast<int64_t>(--count_));
  data::Mutation mutation{.table = RepairNeededTable().id,
                          .update = {.key = KeyOf(need.node, need.table, need.range.end)}};
  mutation.update.deletion = {mark.since_micros, deps_.clock.WallSeconds()};
  const absl::Status cleared =
      co_await deps_.engine.Apply(data::EncodeMutation(mutation), base::Deadline::Infinite());
  if (!cleared.ok()) Add(need.node, need.table, end, std::move(mark));
  co_return cleared;
}

base::Task<void> RepairNeeds::Store(ring::NodeId node, data::TableId table, data::TokenRange range,
                                    Mark mark) {
  const auto schema = deps_.cluster.Get()->schema().FindTable(table);
  deps_.log.Warning(
      "hints", base::StrCat("node ", node.ToString(), " needs repair of ",
                            schema == nullptr ? "all tables" : schema->QualifiedName(), " in (",
                            range.start, ", ", range.end, "]: ", mark.why));
  std::string value(table.AsBytes());
  base::PutFixed64(&value, static_cast<uint64_t>(range.start));
  base::PutFixed64(&value, static_cast<uint64_t>(range.end));
  value.append(mark.why);
  data::Mutation mutation{.table = RepairNeededTable().id,
                          .update = {.key = KeyOf(node, table, range.end)}};
  const data::Timestamp since = mark.since_micros;
  data::Row row{.clustering = "", .liveness = data::Liveness::At(since)};
  row.cells.push_back(
      data::Cell::Value(RepairNeededTable().Find("ranges")->id, since, std::move(value)));
  mutation.update.rows.push_back(std::move(row));
  const absl::Status stored =
      co_await deps_.engine.Apply(data::EncodeMutation(mutation), base::Deadline::Infinite());
  if (!stored.ok()) {
    deps_.log.Error("hints", base::StrCat("the need of repair is not on disk: ",
                                          base::ToStd(stored.message())));
  }
}

}  // namespace tholos::coordinator
