// The schema, in the tables and with the columns of Cassandra 5: drivers build their metadata from
// them. What the schema does not have (views, triggers, functions, ...) has its table all the same:
// drivers read all of them.
#include <utility>

#include "base/strings.h"
#include "cql/system/row_collector.h"
#include "data/types/elements.h"
#include "data/types/type_parser.h"

namespace tholos::cql {
namespace {

using data::ColumnKind;

constexpr std::string_view kSchemaKeyspace = "system_schema";
constexpr std::string_view kVirtualKeyspace = "system_virtual_schema";
constexpr std::string_view kLocalStrategy = "org.apache.cassandra.locator.LocalStrategy";

std::string Text(std::string_view text) { return std::string(text); }
std::string Int(int64_t value) { return data::EncodeInt(static_cast<int32_t>(value)); }

// Keyspaces name their strategy with or without Cassandra's package; drivers expect it.
std::map<std::string, std::string> Replication(std::map<std::string, std::string> replication) {
  std::string& strategy = replication["class"];
  if (strategy.find('.') == std::string::npos) {
    strategy.insert(0, "org.apache.cassandra.locator.");
  }
  return replication;
}

void AddKeyspaces(const data::Schema& schema, const std::vector<SystemTablePtr>& system_tables,
                  RowCollector* out) {
  const auto add = [out](std::string_view name, bool durable,
                         const std::map<std::string, std::string>& replication) {
    out->Add({{"keyspace_name", Text(name)},
              {"durable_writes", data::EncodeBoolean(durable)},
              {"replication", RowCollector::TextMap(replication)}});
  };
  for (const SystemTablePtr& table : system_tables) {
    add(table->keyspace, true, {{"class", Text(kLocalStrategy)}});
  }
  for (const data::KeyspaceSchema* keyspace : schema.keyspaces()) {
    add(keyspace->name, keyspace->durable_writes, Replication(keyspace->replication));
  }
}

std::string Extensions(const data::OptionMap& extensions) {
  const data::DataType type = data::ParseType("frozen<map<text, blob>>").value();
  std::vector<std::pair<std::string, std::string>> values;
  for (const auto& [name, hex] : extensions) {
    values.emplace_back(name, type.arguments()[1].FromText(hex).value_or(""));
  }
  return data::EncodeMap(type, {values.begin(), values.end()});
}

// As Cassandra has it, cdc, memtable and the two of backups are null at their defaults.
void AddTable(const data::TableSchema& table, RowCollector* out) {
  const data::TableOptions& options = table.options;
  const data::TableOptions standard;
  RowCollector::Fields fields = {
      {"keyspace_name", table.keyspace},
      {"table_name", table.name},
      {"additional_write_policy", options.additional_write_policy},
      {"bloom_filter_fp_chance", data::EncodeDouble(options.bloom_filter_fp_chance)},
      {"caching", RowCollector::TextMap(options.caching)},
      {"comment", table.comment},
      {"compaction", RowCollector::TextMap(options.compaction)},
      {"compression", RowCollector::TextMap(options.compression)},
      {"crc_check_chance", data::EncodeDouble(options.crc_check_chance)},
      {"default_time_to_live", Int(table.default_ttl_seconds)},
      {"extensions", Extensions(options.extensions)},
      {"flags", RowCollector::TextSet({"compound"})},
      {"gc_grace_seconds", Int(table.gc_grace_seconds)},
      {"id", Text(table.id.AsBytes())},
      {"max_index_interval", Int(options.max_index_interval)},
      {"memtable_flush_period_in_ms", Int(options.memtable_flush_period_in_ms)},
      {"min_index_interval", Int(options.min_index_interval)},
      {"read_repair", options.read_repair},
      {"speculative_retry", options.speculative_retry}};
  if (options.cdc) fields["cdc"] = data::EncodeBoolean(true);
  if (options.memtable != standard.memtable) fields["memtable"] = options.memtable;
  if (!options.allow_auto_snapshot) fields["allow_auto_snapshot"] = data::EncodeBoolean(false);
  if (!options.incremental_backups) fields["incremental_backups"] = data::EncodeBoolean(false);
  out->Add(fields);
}

std::string_view KindName(ColumnKind kind) {
  switch (kind) {
    case ColumnKind::kPartitionKey:
      return "partition_key";
    case ColumnKind::kClustering:
      return "clustering";
    case ColumnKind::kStatic:
      return "static";
    case ColumnKind::kRegular:
      return "regular";
  }
  return "";
}

void AddColumns(const data::TableSchema& table, RowCollector* out) {
  int64_t place = 0;
  for (const data::ColumnSchema& column : table.columns) {
    const bool clustering = column.kind == ColumnKind::kClustering;
    const int64_t first = clustering ? static_cast<int64_t>(table.partition_key_size()) : 0;
    const bool in_key = clustering || column.kind == ColumnKind::kPartitionKey;
    out->Add({{"keyspace_name", table.keyspace},
              {"table_name", table.name},
              {"column_name", column.name},
              {"clustering_order", !clustering         ? "none"
                                   : column.descending ? "desc"
                                                       : "asc"},
              {"column_name_bytes", column.name},
              {"kind", Text(KindName(column.kind))},
              {"position", Int(in_key ? place - first : -1)},
              {"type", Text(column.type.name())}});
    ++place;
  }
}

void AddDroppedColumns(const data::TableSchema& table, RowCollector* out) {
  for (const data::DroppedColumn& dropped : table.dropped_columns) {
    out->Add({{"keyspace_name", table.keyspace},
              {"table_name", table.name},
              {"column_name", dropped.name},
              {"dropped_time", data::EncodeBigint(dropped.dropped_micros / 1000)},
              {"kind", Text(KindName(dropped.kind))},
              {"type", Text(dropped.type.name())}});
  }
}

void AddType(const data::UserType& type, RowCollector* out) {
  std::vector<std::string_view> names;
  std::vector<std::string_view> types;
  for (size_t i = 0; i < type.field_names.size(); ++i) {
    names.push_back(type.field_names[i]);
    types.push_back(type.field_types[i].name());
  }
  out->Add({{"keyspace_name", type.keyspace},
            {"type_name", type.name},
            {"field_names", data::EncodeList(names)},
            {"field_types", data::EncodeList(types)}});
}

}  // namespace

std::vector<SystemTablePtr> SchemaTables() {
  const SystemKeys of_keyspace{.partition = 1};
  const SystemKeys of_table{.partition = 1, .clustering = 1};
  const SystemKeys in_table{.partition = 1, .clustering = 2};
  return {
      MakeSystemTable(kSchemaKeyspace, "keyspaces", of_keyspace,
                      {{"keyspace_name", "text"},
                       {"durable_writes", "boolean"},
                       {"replication", "frozen<map<text, text>>"}}),
      MakeSystemTable(kSchemaKeyspace, "tables", of_table,
                      {{"keyspace_name", "text"},
                       {"table_name", "text"},
                       {"additional_write_policy", "text"},
                       {"allow_auto_snapshot", "boolean"},
                       {"bloom_filter_fp_chance", "double"},
                       {"caching", "frozen<map<text, text>>"},
                       {"cdc", "boolean"},
                       {"comment", "text"},
                       {"compaction", "frozen<map<text, text>>"},
                       {"compression", "frozen<map<text, text>>"},
                       {"crc_check_chance", "double"},
                       {"default_time_to_live", "int"},
                       {"extensions", "frozen<map<text, blob>>"},
                       {"flags", "frozen<set<text>>"},
                       {"gc_grace_seconds", "int"},
                       {"id", "uuid"},
                       {"incremental_backups", "boolean"},
                       {"max_index_interval", "int"},
                       {"memtable", "text"},
                       {"memtable_flush_period_in_ms", "int"},
                       {"min_index_interval", "int"},
                       {"read_repair", "text"},
                       {"speculative_retry", "text"}}),
      MakeSystemTable(kSchemaKeyspace, "columns", in_table,
                      {{"keyspace_name", "text"},
                       {"table_name", "text"},
                       {"column_name", "text"},
                       {"clustering_order", "text"},
                       {"column_name_bytes", "blob"},
                       {"kind", "text"},
                       {"position", "int"},
                       {"type", "text"}}),
      MakeSystemTable(kSchemaKeyspace, "column_masks", in_table,
                      {{"keyspace_name", "text"},
                       {"table_name", "text"},
                       {"column_name", "text"},
                       {"function_argument_nulls", "frozen<list<boolean>>"},
                       {"function_argument_types", "frozen<list<text>>"},
                       {"function_argument_values", "frozen<list<text>>"},
                       {"function_keyspace", "text"},
                       {"function_name", "text"}}),
      MakeSystemTable(kSchemaKeyspace, "dropped_columns", in_table,
                      {{"keyspace_name", "text"},
                       {"table_name", "text"},
                       {"column_name", "text"},
                       {"dropped_time", "timestamp"},
                       {"kind", "text"},
                       {"type", "text"}}),
      MakeSystemTable(kSchemaKeyspace, "triggers", in_table,
                      {{"keyspace_name", "text"},
                       {"table_name", "text"},
                       {"trigger_name", "text"},
                       {"options", "frozen<map<text, text>>"}}),
      MakeSystemTable(kSchemaKeyspace, "views", of_table,
                      {{"keyspace_name", "text"},
                       {"view_name", "text"},
                       {"additional_write_policy", "text"},
                       {"allow_auto_snapshot", "boolean"},
                       {"base_table_id", "uuid"},
                       {"base_table_name", "text"},
                       {"bloom_filter_fp_chance", "double"},
                       {"caching", "frozen<map<text, text>>"},
                       {"cdc", "boolean"},
                       {"comment", "text"},
                       {"compaction", "frozen<map<text, text>>"},
                       {"compression", "frozen<map<text, text>>"},
                       {"crc_check_chance", "double"},
                       {"default_time_to_live", "int"},
                       {"extensions", "frozen<map<text, blob>>"},
                       {"gc_grace_seconds", "int"},
                       {"id", "uuid"},
                       {"include_all_columns", "boolean"},
                       {"incremental_backups", "boolean"},
                       {"max_index_interval", "int"},
                       {"memtable", "text"},
                       {"memtable_flush_period_in_ms", "int"},
                       {"min_index_interval", "int"},
                       {"read_repair", "text"},
                       {"speculative_retry", "text"},
                       {"where_clause", "text"}}),
      MakeSystemTable(kSchemaKeyspace, "indexes", in_table,
                      {{"keyspace_name", "text"},
                       {"table_name", "text"},
                       {"index_name", "text"},
                       {"kind", "text"},
                       {"options", "frozen<map<text, text>>"}}),
      MakeSystemTable(kSchemaKeyspace, "types", of_table,
                      {{"keyspace_name", "text"},
                       {"type_name", "text"},
                       {"field_names", "frozen<list<text>>"},
                       {"field_types", "frozen<list<text>>"}}),
      MakeSystemTable(kSchemaKeyspace, "functions", in_table,
                      {{"keyspace_name", "text"},
                       {"function_name", "text"},
                       {"argument_types", "frozen<list<text>>"},
                       {"argument_names", "frozen<list<text>>"},
                       {"body", "text"},
                       {"called_on_null_input", "boolean"},
                       {"language", "text"},
                       {"return_type", "text"}}),
      MakeSystemTable(kSchemaKeyspace, "aggregates", in_table,
                      {{"keyspace_name", "text"},
                       {"aggregate_name", "text"},
                       {"argument_types", "frozen<list<text>>"},
                       {"final_func", "text"},
                       {"initcond", "text"},
                       {"return_type", "text"},
                       {"state_func", "text"},
                       {"state_type", "text"}}),
      MakeSystemTable(kVirtualKeyspace, "keyspaces", of_keyspace, {{"keyspace_name", "text"}}),
      MakeSystemTable(kVirtualKeyspace, "tables", of_table,
                      {{"keyspace_name", "text"}, {"table_name", "text"}, {"comment", "text"}}),
      MakeSystemTable(kVirtualKeyspace, "columns", in_table,
                      {{"keyspace_name", "text"},
                       {"table_name", "text"},
                       {"column_name", "text"},
                       {"clustering_order", "text"},
                       {"column_name_bytes", "blob"},
                       {"kind", "text"},
                       {"position", "int"},
                       {"type", "text"}}),
  };
}

void AddSchemaRows(const data::Schema& schema, const std::vector<SystemTablePtr>& system_tables,
                   RowCollector* out) {
  if (out->table().keyspace != kSchemaKeyspace) return;
  const std::string& name = out->table().name;
  if (name == "keyspaces") return AddKeyspaces(schema, system_tables, out);
  if (name == "types") {
    for (const data::KeyspaceSchema* keyspace : schema.keyspaces()) {
      for (const auto& type : schema.types(keyspace->name)) AddType(*type, out);
    }
    return;
  }
  if (name != "tables" && name != "columns" && name != "dropped_columns") return;
  std::vector<SystemTablePtr> tables = schema.tables();
  tables.insert(tables.end(), system_tables.begin(), system_tables.end());
  for (const SystemTablePtr& table : tables) {
    if (name == "tables") AddTable(*table, out);
    if (name == "columns") AddColumns(*table, out);
    if (name == "dropped_columns") AddDroppedColumns(*table, out);
  }
}

}  // namespace tholos::cql
