// DESCRIBE: the columns of Cassandra's.
//
//   KEYSPACES, TABLES, TYPES, FUNCTIONS, AGGREGATES   keyspace_name, type, name
//   everything that is described                      keyspace_name, type, name, create_statement
//   CLUSTER                                           cluster, partitioner, snitch
//
// The statements of a keyspace come in an order in which they can be run again.
#include <memory>
#include <utility>

#include "base/status_macros.h"
#include "coordinator/system_schema.h"
#include "cql/rows.h"
#include "cql/statements/statements.h"
#include "cql/system_tables.h"
#include "cql/text.h"

namespace tholos::cql {
namespace {

using Kind = DescribeStatement::Kind;

constexpr std::string_view kPartitioner = "org.apache.cassandra.dht.Murmur3Partitioner";
constexpr std::string_view kSnitch = "org.apache.cassandra.locator.GossipingPropertyFileSnitch";
constexpr std::string_view kSystemKeyspaces[] = {"system", "system_schema",
                                                 "system_virtual_schema"};

bool IsListing(Kind kind) {
  switch (kind) {
    case Kind::kKeyspaces:
    case Kind::kTables:
    case Kind::kTypes:
    case Kind::kFunctions:
    case Kind::kAggregates:
      return true;
    default:
      return false;
  }
}

// One execution.
class Description {
 public:
  Description(const DescribeStatement& statement, const std::string& keyspace,
              const data::Schema& schema, RowsResult* rows)
      : statement_(statement), keyspace_(keyspace), schema_(schema), rows_(*rows) {}

  absl::Status Run() {
    switch (statement_.kind) {
      case Kind::kCluster:
        break;
      case Kind::kKeyspaces:
        for (const std::string_view name : kSystemKeyspaces) AddName(name, "keyspace", name);
        for (const data::KeyspaceSchema* k : schema_.keyspaces()) {
          if (!coordinator::IsBuiltInKeyspace(k->name)) Add(*k);
        }
        break;
      case Kind::kTables:
        for (const auto& table : schema_.tables()) {
          if (Listed(table->keyspace) && !coordinator::IsBuiltInKeyspace(table->keyspace))
            Add(*table);
        }
        break;
      case Kind::kTypes:
        for (const data::KeyspaceSchema* k : schema_.keyspaces()) {
          if (!Listed(k->name)) continue;
          for (const auto& type : schema_.types(k->name)) Add(*type);
        }
        break;
      case Kind::kFunctions:
      case Kind::kAggregates:
        break;
      case Kind::kSchema:
        if (statement_.full) {
          for (const auto& table : SystemTables()) Add(*table);
        }
        for (const data::KeyspaceSchema* k : schema_.keyspaces()) {
          if (statement_.full || !coordinator::IsBuiltInKeyspace(k->name)) AddWhole(*k);
        }
        break;
      case Kind::kKeyspace:
        return OneKeyspace(statement_.target.name.empty() ? keyspace_ : statement_.target.name);
      case Kind::kAny:
        return Any();
      default:
        return One(statement_.kind);
    }
    return absl::OkStatus();
  }

 private:
  bool Listed(std::string_view keyspace) const {
    return keyspace_.empty() || keyspace == keyspace_;
  }

  void AddName(std::string_view keyspace, std::string_view type, std::string_view name) {
    AddRow({std::string(keyspace), std::string(type), std::string(name)}, &rows_);
  }

  void AddOne(std::string_view keyspace, std::string_view type, std::string_view name,
              std::string statement) {
    if (IsListing(statement_.kind)) return AddName(keyspace, type, name);
    AddRow({std::string(keyspace), std::string(type), std::string(name), std::move(statement)},
           &rows_);
  }

  void Add(const data::KeyspaceSchema& keyspace) {
    AddOne(keyspace.name, "keyspace", QuoteName(keyspace.name), data::DescribeKeyspace(keyspace));
  }

  void Add(const data::UserType& type) {
    AddOne(type.keyspace, "type", QuoteName(type.name), data::DescribeType(type));
  }

  void Add(const data::TableSchema& table) {
    std::string statement = data::DescribeTable(table);
    if (statement_.with_internals) {
      const size_t options = statement.find("\n) WITH ");
      const std::string id = base::StrCat("ID = ", table.id.ToString(), "\n    AND ");
      if (options != std::string::npos) statement.insert(options + 8, id);
    }
    AddOne(table.keyspace, "table", QuoteName(table.name), std::move(statement));
  }

  void AddWhole(const data::KeyspaceSchema& keyspace) {
    Add(keyspace);
    if (statement_.only) return;
    for (const auto& type : schema_.types(keyspace.name)) Add(*type);
    for (const auto& table : schema_.tables(keyspace.name)) Add(*table);
  }

  absl::Status OneKeyspace(const std::string& name) {
    if (name.empty()) {
      return ErrorAt(statement_.position, "No keyspace specified and no current keyspace");
    }
    if (const data::KeyspaceSchema* keyspace = schema_.FindKeyspace(name)) {
      AddWhole(*keyspace);
      return absl::OkStatus();
    }
    if (!IsSystemKeyspace(name)) {
      return ErrorAt(statement_.target.position, "'", name, "' not found in keyspaces");
    }
    for (const auto& table : SystemTables()) {
      if (table->keyspace == name) Add(*table);
    }
    return absl::OkStatus();
  }

  // True if there is such a table, and then it is described.
  bool TryTable(const std::string& keyspace, const std::string& name) {
    TablePtr table = FindSystemTable(keyspace, name);
    if (table == nullptr) table = schema_.FindTable(keyspace, name);
    if (table == nullptr) return false;
    Add(*table);
    return true;
  }

  absl::Status One(Kind kind) {
    const QualifiedName& target = statement_.target;
    const std::string& keyspace = target.keyspace.empty() ? keyspace_ : target.keyspace;
    if (keyspace.empty()) {
      return ErrorAt(statement_.position, "No keyspace specified and no current keyspace");
    }
    if (schema_.FindKeyspace(keyspace) == nullptr && !IsSystemKeyspace(keyspace)) {
      return ErrorAt(target.position, "'", keyspace, "' not found in keyspaces");
    }
    std::string_view what = "Table";
    switch (kind) {
      case Kind::kTable:
        if (TryTable(keyspace, target.name)) return absl::OkStatus();
        return ErrorAt(target.position, "Table '", target.name, "' not found in keyspace '",
                       keyspace, "'");
      case Kind::kType:
        if (const auto type = schema_.FindType(keyspace, target.name)) {
          Add(*type);
          return absl::OkStatus();
        }
        what = "User defined type";
        break;
      case Kind::kFunction:
        what = "User defined function";
        break;
      case Kind::kAggregate:
        what = "User defined aggregate";
        break;
      case Kind::kIndex:
        what = "Table for existing index";
        break;
      default:
        what = "Materialized view";
    }
    return ErrorAt(target.position, what, " '", target.name, "' not found in '", keyspace, "'");
  }

  // A keyspace, or a table.
  absl::Status Any() {
    const QualifiedName& target = statement_.target;
    if (target.keyspace.empty()) {
      if (schema_.FindKeyspace(target.name) != nullptr || IsSystemKeyspace(target.name)) {
        return OneKeyspace(target.name);
      }
      if (keyspace_.empty()) {
        return ErrorAt(target.position, "'", target.name, "' not found in keyspaces");
      }
    }
    const std::string& keyspace = target.keyspace.empty() ? keyspace_ : target.keyspace;
    if (schema_.FindKeyspace(keyspace) == nullptr && !IsSystemKeyspace(keyspace)) {
      return ErrorAt(target.position, "'", keyspace, "' not found in keyspaces");
    }
    if (TryTable(keyspace, target.name)) return absl::OkStatus();
    return ErrorAt(target.position, "'", target.name, "' not found in keyspace '", keyspace, "'");
  }

  const DescribeStatement& statement_;
  const std::string& keyspace_;
  const data::Schema& schema_;
  RowsResult& rows_;
};

class DescribePlan final : public Plan {
 public:
  DescribePlan(DescribeStatement statement, std::string keyspace)
      : statement_(std::move(statement)), keyspace_(std::move(keyspace)) {
    std::vector<std::string_view> names = {"keyspace_name", "type", "name"};
    if (!IsListing(statement_.kind)) names.push_back("create_statement");
    if (statement_.kind == Kind::kCluster) names = {"cluster", "partitioner", "snitch"};
    std::vector<ResultColumn> columns;
    for (const std::string_view name : names) {
      columns.push_back(
          {"system", "describe", std::string(name), data::DataType(data::TypeId::kText)});
    }
    set_result_columns(std::move(columns));
  }

  base::Task<absl::Status> Execute(Request& request) const override {
    RowsResult& rows = request.result.result.emplace<RowsResult>();
    rows.columns = shared_result_columns();
    if (statement_.kind == Kind::kCluster) {
      AddRow({request.services->cluster_name, std::string(kPartitioner), std::string(kSnitch)},
             &rows);
    }
    co_return Description(statement_, keyspace_, request.state->schema(), &rows).Run();
  }
  std::string_view kind() const override { return "describe"; }

 private:
  const DescribeStatement statement_;
  const std::string keyspace_;  // of the session
};

}  // namespace

absl::StatusOr<PlanPtr> Analyze(const DescribeStatement& statement, AnalysisContext* context) {
  return PlanPtr(std::make_shared<DescribePlan>(statement, context->keyspace));
}

}  // namespace tholos::cql
