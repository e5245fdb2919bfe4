#include <charconv>

#include "absl/strings/str_join.h"
#include "base/strings.h"
#include "data/schema/schema.h"

namespace tholos::data {
namespace {

std::string PrimaryKey(const TableSchema& table) {
  std::vector<std::string> partition;
  std::vector<std::string> key;
  for (const ColumnSchema& column : table.columns) {
    if (column.kind == ColumnKind::kPartitionKey) partition.push_back(QuoteName(column.name));
    if (column.kind == ColumnKind::kClustering) key.push_back(QuoteName(column.name));
  }
  std::string first = absl::StrJoin(partition, ", ");
  if (partition.size() > 1) first = base::StrCat("(", first, ")");
  key.insert(key.begin(), std::move(first));
  return base::StrCat("PRIMARY KEY (", absl::StrJoin(key, ", "), ")");
}

// "CLUSTERING ORDER BY (a DESC, b ASC)", or nothing without clustering columns.
std::string ClusteringOrder(const TableSchema& table) {
  std::vector<std::string> parts;
  for (const ColumnSchema& column : table.columns) {
    if (column.kind != ColumnKind::kClustering) continue;
    parts.push_back(base::StrCat(QuoteName(column.name), column.descending ? " DESC" : " ASC"));
  }
  if (parts.empty()) return "";
  return base::StrCat("CLUSTERING ORDER BY (", absl::StrJoin(parts, ", "), ")");
}

// The class comes first where it does in Cassandra: in replication, not in table options.
std::string MapText(const OptionMap& map, bool class_first, bool quote_values = true) {
  std::vector<std::string> entries;
  for (const auto& [name, value] : map) {
    std::string entry =
        base::StrCat(QuoteString(name), ": ", quote_values ? QuoteString(value) : value);
    entries.insert(class_first && name == "class" ? entries.begin() : entries.end(),
                   std::move(entry));
  }
  return base::StrCat("{", absl::StrJoin(entries, ", "), "}");
}

std::string_view BoolText(bool v) { return v ? "true" : "false"; }

// 0.01, 1.0
std::string DoubleText(double v) {
  char buffer[64];
  const auto [end, error] =
      std::to_chars(buffer, buffer + sizeof(buffer), v, std::chars_format::fixed);
  std::string text(buffer, error == std::errc() ? end : buffer);
  return text.find('.') == std::string::npos ? text + ".0" : text;
}

// In the order of their names, but for memtable.
std::vector<std::string> OptionsOf(const TableSchema& table) {
  const TableOptions& o = table.options;
  std::vector<std::string> options;
  const auto add = [&options](std::string_view name, const auto& value) {
    options.push_back(base::StrCat(name, " = ", value));
  };
  if (std::string order = ClusteringOrder(table); !order.empty()) {
    options.push_back(std::move(order));
  }
  add("additional_write_policy", QuoteString(o.additional_write_policy));
  add("allow_auto_snapshot", BoolText(o.allow_auto_snapshot));
  add("bloom_filter_fp_chance", DoubleText(o.bloom_filter_fp_chance));
  add("caching", MapText(o.caching, false));
  add("cdc", BoolText(o.cdc));
  add("comment", QuoteString(table.comment));
  add("compaction", MapText(o.compaction, false));
  add("compression", MapText(o.compression, false));
  add("memtable", QuoteString(o.memtable));
  add("crc_check_chance", DoubleText(o.crc_check_chance));
  add("default_time_to_live", table.default_ttl_seconds);
  add("extensions", MapText(o.extensions, false, /*quote_values=*/false));
  add("gc_grace_seconds", table.gc_grace_seconds);
  add("incremental_backups", BoolText(o.incremental_backups));
  add("max_index_interval", o.max_index_interval);
  add("memtable_flush_period_in_ms", o.memtable_flush_period_in_ms);
  add("min_index_interval", o.min_index_interval);
  add("read_repair", QuoteString(o.read_repair));
  add("speculative_retry", QuoteString(o.speculative_retry));
  return options;
}

}  // namespace

std::string DescribeKeyspace(const KeyspaceSchema& keyspace) {
  return base::StrCat("CREATE KEYSPACE ", QuoteName(keyspace.name),
                      " WITH replication = ", MapText(keyspace.replication, true),
                      "  AND durable_writes = ", BoolText(keyspace.durable_writes), ";");
}

std::string DescribeType(const UserType& type) {
  std::vector<std::string> fields;
  for (size_t i = 0; i < type.field_names.size(); ++i) {
    fields.push_back(
        base::StrCat("    ", QuoteName(type.field_names[i]), " ", type.field_types[i].name()));
  }
  return base::StrCat("CREATE TYPE ", QuoteName(type.keyspace), ".", QuoteName(type.name), " (\n",
                      absl::StrJoin(fields, ",\n"), "\n);");
}

std::string DescribeTable(const TableSchema& table) {
  const bool simple_key = table.partition_key_size() == 1 && table.clustering_size() == 0;
  std::vector<std::string> lines;
  for (const ColumnSchema& column : table.columns) {
    lines.push_back(
        base::StrCat("    ", QuoteName(column.name), " ", column.type.name(),
                     column.kind == ColumnKind::kStatic ? " static" : "",
                     simple_key && column.kind == ColumnKind::kPartitionKey ? " PRIMARY KEY" : ""));
  }
  if (!simple_key) lines.push_back(base::StrCat("    ", PrimaryKey(table)));
  return base::StrCat("CREATE TABLE ", QuoteName(table.keyspace), ".", QuoteName(table.name),
                      " (\n", absl::StrJoin(lines, ",\n"), "\n) WITH ",
                      absl::StrJoin(OptionsOf(table), "\n    AND "), ";");
}

}  // namespace tholos::data
