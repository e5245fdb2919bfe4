#include "cql/analysis/context.h"

#include "cql/system_tables.h"
#include "cql/text.h"

namespace tholos::cql {

absl::Status NotSupportedAt(Position position, std::string_view feature) {
  return ErrorAt(position, feature, " is not supported yet");
}

absl::StatusOr<std::string> ResolveKeyspace(const QualifiedName& name,
                                            const AnalysisContext& context) {
  if (!name.keyspace.empty()) return name.keyspace;
  if (!context.keyspace.empty()) return context.keyspace;
  return ErrorAt(name.position, "no keyspace is set for table ", QuoteName(name.name),
                 ": USE a keyspace, or write keyspace.table");
}

absl::StatusOr<TablePtr> ResolveTable(const QualifiedName& name, const AnalysisContext& context) {
  absl::StatusOr<std::string> keyspace = ResolveKeyspace(name, context);
  if (!keyspace.ok()) return keyspace.status();
  if (TablePtr table = FindSystemTable(*keyspace, name.name)) return table;
  if (TablePtr table = context.state->schema().FindTable(*keyspace, name.name)) return table;
  if (!IsSystemKeyspace(*keyspace) && context.state->schema().FindKeyspace(*keyspace) == nullptr) {
    return ErrorAt(name.position, "keyspace ", QuoteName(*keyspace), " does not exist");
  }
  return ErrorAt(name.position, "table ", QuoteName(*keyspace), ".", QuoteName(name.name),
                 " does not exist");
}

absl::StatusOr<TablePtr> ResolveWritableTable(const QualifiedName& name,
                                              const AnalysisContext& context) {
  absl::StatusOr<TablePtr> table = ResolveTable(name, context);
  if (table.ok() && IsSystemKeyspace((*table)->keyspace)) {
    return ErrorAt(name.position, "table ", (*table)->QualifiedName(), " is read-only");
  }
  return table;
}

absl::StatusOr<const data::ColumnSchema*> ResolveColumn(const data::TableSchema& table,
                                                        const Identifier& name) {
  const data::ColumnSchema* column = table.Find(name.name);
  if (column != nullptr) return column;
  return ErrorAt(name.position, "unknown column '", Abbreviate(name.name), "' in table ",
                 table.QualifiedName());
}

}  // namespace tholos::cql
