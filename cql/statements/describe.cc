// DESCRIBE: the columns of Cassandra 4's.
//
//   KEYSPACES, TABLES               keyspace_name, type, name
//   SCHEMA, KEYSPACE ks, TABLE t    keyspace_name, type, name, create_statement
//   CLUSTER                         cluster, partitioner
#include <memory>
#include <utility>

#include "base/status_macros.h"
#include "cql/rows.h"
#include "cql/statements/statements.h"
#include "cql/system_tables.h"
#include "cql/text.h"

namespace tholos::cql {
namespace {

using Kind = DescribeStatement::Kind;

class DescribePlan final : public Plan {
 public:
  DescribePlan(Kind kind, std::string keyspace, std::string table, Position position)
      : kind_(kind), keyspace_(std::move(keyspace)), table_(std::move(table)), position_(position) {
    if (kind_ == Kind::kCluster) {
      AddColumns({"cluster", "partitioner"});
    } else {
      AddColumns({"keyspace_name", "type", "name"});
      if (describes()) AddColumns({"create_statement"});
    }
  }

  base::Task<absl::StatusOr<QueryResult>> Execute(Request request) const override {
    QueryResult result;
    RowsResult& rows = result.result.emplace<RowsResult>();
    rows.columns = shared_result_columns();
    THOLOS_CO_RETURN_IF_ERROR(AddRows(request, &rows));
    co_return result;
  }
  std::string_view kind() const override { return "describe"; }

 private:
  bool describes() const { return kind_ != Kind::kKeyspaces && kind_ != Kind::kTables; }

  void AddColumns(std::initializer_list<std::string_view> names) {
    std::vector<ResultColumn> columns = result_columns();
    for (const std::string_view name : names) {
      columns.push_back(
          {"system", "describe", std::string(name), data::DataType(data::TypeId::kText)});
    }
    set_result_columns(std::move(columns));
  }

  void AddKeyspace(const data::KeyspaceSchema& keyspace, RowsResult* out) const {
    std::vector<data::Value> row = {keyspace.name, "keyspace", keyspace.name};
    if (describes()) row.emplace_back(data::DescribeKeyspace(keyspace));
    AddRow(row, out);
  }

  void AddTable(const data::TableSchema& table, RowsResult* out) const {
    std::vector<data::Value> row = {table.keyspace, "table", table.name};
    if (describes()) row.emplace_back(data::DescribeTable(table));
    AddRow(row, out);
  }

  absl::Status AddRows(const Request& request, RowsResult* out) const {
    const data::Schema& schema = request.state->schema();
    switch (kind_) {
      case Kind::kCluster:
        AddRow({request.services->cluster_name, "org.apache.cassandra.dht.Murmur3Partitioner"},
               out);
        break;
      case Kind::kKeyspaces:
        for (const data::KeyspaceSchema* k : schema.keyspaces()) AddKeyspace(*k, out);
        break;
      case Kind::kTables:
        for (const auto& table : schema.tables()) {
          if (keyspace_.empty() || table->keyspace == keyspace_) AddTable(*table, out);
        }
        break;
      case Kind::kSchema:
        for (const data::KeyspaceSchema* k : schema.keyspaces())
          AddKeyspaceAndTables(*k, schema, out);
        break;
      case Kind::kKeyspace:
        return DescribeKeyspace(schema, out);
      case Kind::kTable:
        return DescribeTable(schema, out);
      default:
        break;
    }
    return absl::OkStatus();
  }

  void AddKeyspaceAndTables(const data::KeyspaceSchema& keyspace, const data::Schema& schema,
                            RowsResult* out) const {
    AddKeyspace(keyspace, out);
    for (const auto& table : schema.tables(keyspace.name)) AddTable(*table, out);
  }

  absl::Status DescribeKeyspace(const data::Schema& schema, RowsResult* out) const {
    const data::KeyspaceSchema* keyspace = schema.FindKeyspace(keyspace_);
    if (keyspace == nullptr) {
      return ErrorAt(position_, "keyspace ", QuoteName(keyspace_), " does not exist");
    }
    AddKeyspaceAndTables(*keyspace, schema, out);
    return absl::OkStatus();
  }

  absl::Status DescribeTable(const data::Schema& schema, RowsResult* out) const {
    TablePtr table = FindSystemTable(keyspace_, table_);
    if (table == nullptr) table = schema.FindTable(keyspace_, table_);
    if (table == nullptr) {
      return ErrorAt(position_, "table ", QuoteName(keyspace_), ".", QuoteName(table_),
                     " does not exist");
    }
    AddTable(*table, out);
    return absl::OkStatus();
  }

  const Kind kind_;
  const std::string keyspace_;
  const std::string table_;
  const Position position_;
};

}  // namespace

absl::StatusOr<PlanPtr> Analyze(const DescribeStatement& statement, AnalysisContext* context) {
  if (statement.full || statement.only || statement.with_internals ||
      (statement.kind == Kind::kKeyspace && statement.target.name.empty())) {
    return NotSupportedAt(statement.position, "this form of DESCRIBE");
  }
  switch (statement.kind) {
    case Kind::kCluster:
    case Kind::kSchema:
    case Kind::kKeyspaces:
    case Kind::kKeyspace:
    case Kind::kTables:
    case Kind::kTable:
      break;
    default:
      return NotSupportedAt(statement.position, "this form of DESCRIBE");
  }
  std::string keyspace;
  std::string table;
  if (statement.kind == Kind::kTable) {
    THOLOS_ASSIGN_OR_RETURN(keyspace, ResolveKeyspace(statement.target, *context));
    table = statement.target.name;
  }
  if (statement.kind == Kind::kKeyspace) keyspace = statement.target.name;
  if (statement.kind == Kind::kTables) keyspace = context->keyspace;
  return PlanPtr(std::make_shared<DescribePlan>(statement.kind, std::move(keyspace),
                                                std::move(table), statement.target.position));
}

}  // namespace tholos::cql
