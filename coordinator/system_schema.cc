#include "coordinator/system_schema.h"

#include "base/check.h"

namespace tholos::coordinator {
namespace {

using data::ColumnKind;
using data::DataType;
using data::TypeId;

// Older than any change that somebody makes.
constexpr int64_t kChangedMicros = 1;

data::TableSchema Table(std::string_view id, std::string keyspace, std::string name,
                        std::vector<data::ColumnSchema> columns) {
  const auto table_id = base::Uuid::Parse(id);
  THOLOS_CHECK(table_id.ok()) << table_id.status();
  data::TableSchema table{
      .id = *table_id, .keyspace = std::move(keyspace), .name = std::move(name)};
  for (data::ColumnSchema& column : columns) {
    if (column.kind == ColumnKind::kRegular) column.id = table.next_column_id++;
  }
  table.columns = std::move(columns);
  return table;
}

data::TableSchema MakeSessions() {
  return Table("7ab0dfa5-2e35-4a7e-9b07-5d8d0a1f0001", kTracesKeyspace, "sessions",
               {{"session_id", DataType(TypeId::kUuid), ColumnKind::kPartitionKey},
                {"client", DataType(TypeId::kInet)},
                {"command", DataType(TypeId::kText)},
                {"coordinator", DataType(TypeId::kInet)},
                {"coordinator_port", DataType(TypeId::kInt)},
                {"duration", DataType(TypeId::kInt)},
                {"parameters", DataType::Map(DataType(TypeId::kText), DataType(TypeId::kText),
                                             /*frozen=*/true)},
                {"request", DataType(TypeId::kText)},
                {"started_at", DataType(TypeId::kTimestamp)}});
}

data::TableSchema MakeEvents() {
  return Table("7ab0dfa5-2e35-4a7e-9b07-5d8d0a1f0002", kTracesKeyspace, "events",
               {{"session_id", DataType(TypeId::kUuid), ColumnKind::kPartitionKey},
                {"event_id", DataType(TypeId::kTimeuuid), ColumnKind::kClustering},
                {"activity", DataType(TypeId::kText)},
                {"source", DataType(TypeId::kInet)},
                {"source_elapsed", DataType(TypeId::kInt)},
                {"source_port", DataType(TypeId::kInt)},
                {"thread", DataType(TypeId::kText)}});
}

data::TableSchema MakeBatches() {
  data::TableSchema table = Table("7ab0dfa5-2e35-4a7e-9b07-5d8d0a1f0003", kLocalKeyspace, "batches",
                                  {{"id", DataType(TypeId::kUuid), ColumnKind::kPartitionKey},
                                   {"mutations", DataType(TypeId::kBlob)}});
  // Nobody else has a copy that a tombstone would have to outlive.
  table.gc_grace_seconds = 0;
  return table;
}

data::TableSchema MakeTruncations() {
  return Table("7ab0dfa5-2e35-4a7e-9b07-5d8d0a1f0004", kLocalKeyspace, "truncations",
               {{"table_id", DataType(TypeId::kUuid), ColumnKind::kPartitionKey},
                {"truncated_at", DataType(TypeId::kBigint)}});
}

data::TableSchema MakeClock() {
  return Table("7ab0dfa5-2e35-4a7e-9b07-5d8d0a1f0005", kLocalKeyspace, "clock",
               {{"name", DataType(TypeId::kText), ColumnKind::kPartitionKey},
                {"micros", DataType(TypeId::kBigint)}});
}

data::TableSchema MakeRepairNeeded() {
  return Table("7ab0dfa5-2e35-4a7e-9b07-5d8d0a1f0006", kLocalKeyspace, "repair_needed",
               {{"key", DataType(TypeId::kBlob), ColumnKind::kPartitionKey},
                {"ranges", DataType(TypeId::kBlob)}});
}

data::Schema Must(absl::StatusOr<data::Schema> schema) {
  THOLOS_CHECK(schema.ok()) << schema.status();
  return *std::move(schema);
}

}  // namespace

const data::TableSchema& SessionsTable() {
  static const data::TableSchema& table = *new data::TableSchema(MakeSessions());
  return table;
}

const data::TableSchema& EventsTable() {
  static const data::TableSchema& table = *new data::TableSchema(MakeEvents());
  return table;
}

const data::TableSchema& BatchesTable() {
  static const data::TableSchema& table = *new data::TableSchema(MakeBatches());
  return table;
}

const data::TableSchema& TruncationsTable() {
  static const data::TableSchema& table = *new data::TableSchema(MakeTruncations());
  return table;
}

const data::TableSchema& ClockTable() {
  static const data::TableSchema& table = *new data::TableSchema(MakeClock());
  return table;
}

const data::TableSchema& RepairNeededTable() {
  static const data::TableSchema& table = *new data::TableSchema(MakeRepairNeeded());
  return table;
}

data::Schema WithSystemTables(const data::Schema& schema) {
  data::Schema builtin;
  builtin = Must(builtin.WithKeyspace(
      {.name = kTracesKeyspace,
       .replication = {{"class", "SimpleStrategy"}, {"replication_factor", "2"}}},
      kChangedMicros));
  builtin = Must(builtin.WithKeyspace(
      {.name = kLocalKeyspace, .replication = {{"class", "LocalStrategy"}}}, kChangedMicros));
  for (const data::TableSchema* table :
       {&SessionsTable(), &EventsTable(), &BatchesTable(), &TruncationsTable(), &ClockTable(),
        &RepairNeededTable()}) {
    builtin = Must(builtin.WithTable(*table, kChangedMicros));
  }
  return schema.Merge(builtin);
}

}  // namespace tholos::coordinator
