// How the read-only tables of system_tables.h are declared and filled.
#pragma once

#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cql/plan.h"
#include "data/partition.h"
#include "data/schema/schema.h"

namespace tholos::cql {

using SystemTablePtr = std::shared_ptr<const data::TableSchema>;

struct SystemColumn {
  std::string_view name;
  std::string_view type;  // as CQL writes it; collections are frozen: a value is one cell
};

// `keys`: how many of the first columns are partition key, and how many of the next clustering. The
// id is a hash of the name: the same on every node and in every run.
struct SystemKeys {
  size_t partition = 1;
  size_t clustering = 0;
};
SystemTablePtr MakeSystemTable(std::string_view keyspace, std::string_view name, SystemKeys keys,
                               std::initializer_list<SystemColumn> columns);

// Rows of one table, in the order of a real one.
class RowCollector {
 public:
  // By column; what is not there is null.
  using Fields = std::map<std::string_view, std::string>;
  explicit RowCollector(const data::TableSchema& table) : table_(table) {}

  void Add(const Fields& fields);
  std::vector<data::Partition> Take();
  const data::TableSchema& table() const { return table_; }

  // Values of columns that are collections of texts.
  static std::string TextSet(const std::vector<std::string>& elements);
  static std::string TextList(const std::vector<std::string>& elements);
  static std::string TextMap(const std::map<std::string, std::string>& entries);

 private:
  const data::TableSchema& table_;
  std::map<data::DecoratedKey, std::map<std::string, data::Row>> rows_;
};

// The tables of the cluster's members: system.local, .peers, .peers_v2, .size_estimates.
std::vector<SystemTablePtr> ClusterTables();
void AddClusterRows(const Request& request, RowCollector* out);

// The tables of the schema: system_schema.*, and system_virtual_schema.*. `system_tables` are
// described like all others.
std::vector<SystemTablePtr> SchemaTables();
void AddSchemaRows(const data::Schema& schema, const std::vector<SystemTablePtr>& system_tables,
                   RowCollector* out);

}  // namespace tholos::cql
