#include <algorithm>

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

// "CLUSTERING ORDER BY (a DESC, b ASC)", or nothing if all ascend.
std::string ClusteringOrder(const TableSchema& table) {
  std::vector<std::string> parts;
  bool descending = false;
  for (const ColumnSchema& column : table.columns) {
    if (column.kind != ColumnKind::kClustering) continue;
    parts.push_back(base::StrCat(QuoteName(column.name), column.descending ? " DESC" : " ASC"));
    descending |= column.descending;
  }
  if (!descending) return "";
  return base::StrCat("CLUSTERING ORDER BY (", absl::StrJoin(parts, ", "), ")");
}

std::vector<std::string> TableOptions(const TableSchema& table) {
  const TableSchema defaults;
  std::vector<std::string> options;
  if (std::string order = ClusteringOrder(table); !order.empty())
    options.push_back(std::move(order));
  if (!table.comment.empty()) {
    options.push_back(base::StrCat("comment = ", QuoteString(table.comment)));
  }
  if (table.default_ttl_seconds != defaults.default_ttl_seconds) {
    options.push_back(base::StrCat("default_time_to_live = ", table.default_ttl_seconds));
  }
  if (table.gc_grace_seconds != defaults.gc_grace_seconds) {
    options.push_back(base::StrCat("gc_grace_seconds = ", table.gc_grace_seconds));
  }
  for (const auto& [name, value] : table.other_options) {
    options.push_back(base::StrCat(QuoteName(name), " = ", value));
  }
  return options;
}

}  // namespace

std::string DescribeKeyspace(const KeyspaceSchema& keyspace) {
  std::vector<std::string> options;
  for (const auto& [name, value] : keyspace.replication) {
    std::string option = base::StrCat(QuoteString(name), ": ", QuoteString(value));
    // The class comes first, whatever the names of datacenters.
    options.insert(name == "class" ? options.begin() : options.end(), std::move(option));
  }
  return base::StrCat("CREATE KEYSPACE ", QuoteName(keyspace.name), " WITH replication = {",
                      absl::StrJoin(options, ", "), "}",
                      keyspace.durable_writes ? "" : " AND durable_writes = false", ";");
}

std::string DescribeTable(const TableSchema& table) {
  std::string out =
      base::StrCat("CREATE TABLE ", QuoteName(table.keyspace), ".", QuoteName(table.name), " (\n");
  for (const ColumnSchema& column : table.columns) {
    base::StrAppend(&out, "    ", QuoteName(column.name), " ", column.type.name(),
                    column.kind == ColumnKind::kStatic ? " static" : "", ",\n");
  }
  base::StrAppend(&out, "    ", PrimaryKey(table), "\n)");
  const std::vector<std::string> options = TableOptions(table);
  if (!options.empty()) base::StrAppend(&out, " WITH ", absl::StrJoin(options, "\n    AND "));
  out += ";";
  return out;
}

}  // namespace tholos::data
