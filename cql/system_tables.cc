#include "cql/system_tables.h"

#include <utility>

#include "base/status_macros.h"
#include "coordinator/system_schema.h"
#include "cql/system/row_collector.h"
#include "data/vector_source.h"

namespace tholos::cql {
namespace {

std::vector<data::Partition> RowsOf(const data::TableSchema& table, const Request& request) {
  RowCollector rows(table);
  if (table.keyspace == "system") {
    AddClusterRows(request, &rows);
  } else {
    AddSchemaRows(request.state->schema(), SystemTables(), &rows);
  }
  return rows.Take();
}

}  // namespace

bool IsSystemKeyspace(std::string_view keyspace) {
  return keyspace == "system" || keyspace == "system_schema" || keyspace == "system_virtual_schema";
}

bool IsProtectedKeyspace(std::string_view keyspace) {
  return IsSystemKeyspace(keyspace) || coordinator::IsBuiltInKeyspace(keyspace);
}

const std::vector<std::shared_ptr<const data::TableSchema>>& SystemTables() {
  static const auto* tables = [] {
    auto* all = new std::vector<SystemTablePtr>(ClusterTables());
    for (SystemTablePtr& table : SchemaTables()) all->push_back(std::move(table));
    return all;
  }();
  return *tables;
}

std::shared_ptr<const data::TableSchema> FindSystemTable(std::string_view keyspace,
                                                         std::string_view table) {
  if (!IsSystemKeyspace(keyspace)) return nullptr;
  for (const auto& candidate : SystemTables()) {
    if (candidate->keyspace == keyspace && candidate->name == table) return candidate;
  }
  return nullptr;
}

base::Task<absl::StatusOr<coordinator::ReadPage>> ReadSystemTable(const data::TableSchema& table,
                                                                  const Request& request,
                                                                  data::ReadCommand command) {
  auto source = data::VectorSource(RowsOf(table, request), data::Selection::Of(command));
  THOLOS_CO_ASSIGN_OR_RETURN(data::ReadResult result,
                             co_await data::Collect(std::move(source), std::move(command)));
  coordinator::ReadPage page;
  if (result.more) page.next = data::LastPosition(result);
  page.needed = result.needed;
  page.partitions = std::move(result.partitions);
  co_return page;
}

}  // namespace tholos::cql
