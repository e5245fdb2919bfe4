// CREATE KEYSPACE, DROP KEYSPACE, USE.
#include <memory>
#include <utility>

#include "base/status_macros.h"
#include "cql/statements/options.h"
#include "cql/statements/schema_plan.h"
#include "cql/statements/statements.h"
#include "cql/system_tables.h"
#include "ring/strategy.h"

namespace tholos::cql {
namespace {

absl::Status CheckUserKeyspace(const Identifier& name) {
  if (!IsSystemKeyspace(name.name)) return absl::OkStatus();
  return ErrorAt(name.position, "keyspace ", name.name, " is not user-modifiable");
}

class UsePlan final : public Plan {
 public:
  explicit UsePlan(std::string keyspace) : keyspace_(std::move(keyspace)) {}
  base::Task<absl::StatusOr<QueryResult>> Execute(Request) const override {
    QueryResult result;
    result.result = SetKeyspaceResult{keyspace_};
    co_return result;
  }
  std::string_view kind() const override { return "use"; }

 private:
  std::string keyspace_;
};

absl::StatusOr<data::KeyspaceSchema> MakeKeyspace(const CreateKeyspaceStatement& statement) {
  data::KeyspaceSchema keyspace;
  keyspace.name = statement.keyspace.name;
  bool has_replication = false;
  for (const Option& option : statement.options) {
    if (option.name == "replication") {
      THOLOS_ASSIGN_OR_RETURN(keyspace.replication, MapOption(option));
      has_replication = true;
      const auto strategy = ring::ReplicationStrategy::Parse(keyspace.replication);
      if (!strategy.ok()) {
        return ErrorAt(option.value.position(), base::ToStd(strategy.status().message()));
      }
    } else if (option.name == "durable_writes") {
      THOLOS_ASSIGN_OR_RETURN(keyspace.durable_writes, BooleanOption(option));
    } else {
      return ErrorAt(option.position, "unknown keyspace option '", option.name, "'");
    }
  }
  if (!has_replication) {
    return ErrorAt(statement.position,
                   "option 'replication' is missing: WITH replication = "
                   "{'class': 'SimpleStrategy', 'replication_factor': 3}");
  }
  return keyspace;
}

}  // namespace

absl::StatusOr<PlanPtr> Analyze(const CreateKeyspaceStatement& statement, AnalysisContext*) {
  THOLOS_RETURN_IF_ERROR(CheckUserKeyspace(statement.keyspace));
  THOLOS_RETURN_IF_ERROR(
      CheckEntityName(statement.keyspace.name, "keyspace", statement.keyspace.position));
  THOLOS_ASSIGN_OR_RETURN(data::KeyspaceSchema keyspace, MakeKeyspace(statement));
  SchemaPlan::Spec spec;
  spec.kind = "create_keyspace";
  spec.result = {"CREATED", "KEYSPACE", keyspace.name, ""};
  if (statement.if_not_exists) {
    spec.already_done = [name = keyspace.name](const data::Schema& schema) {
      return schema.FindKeyspace(name) != nullptr;
    };
  }
  spec.change = [keyspace = std::move(keyspace)](const data::Schema& schema, int64_t now_micros) {
    return schema.WithKeyspace(keyspace, now_micros);
  };
  return PlanPtr(std::make_shared<SchemaPlan>(std::move(spec)));
}

absl::StatusOr<PlanPtr> Analyze(const DropKeyspaceStatement& statement, AnalysisContext*) {
  THOLOS_RETURN_IF_ERROR(CheckUserKeyspace(statement.keyspace));
  const std::string& name = statement.keyspace.name;
  SchemaPlan::Spec spec;
  spec.kind = "drop_keyspace";
  spec.result = {"DROPPED", "KEYSPACE", name, ""};
  if (statement.if_exists) {
    spec.already_done = [name](const data::Schema& schema) {
      return schema.FindKeyspace(name) == nullptr;
    };
  }
  const Position position = statement.keyspace.position;
  spec.change = [name, position](const data::Schema& schema,
                                 int64_t now_micros) -> absl::StatusOr<data::Schema> {
    if (schema.FindKeyspace(name) == nullptr) {
      return ErrorAt(position, "keyspace ", QuoteName(name), " does not exist");
    }
    return schema.WithoutKeyspace(name, now_micros);
  };
  return PlanPtr(std::make_shared<SchemaPlan>(std::move(spec)));
}

absl::StatusOr<PlanPtr> Analyze(const UseStatement& statement, AnalysisContext* context) {
  const std::string& name = statement.keyspace.name;
  if (!IsSystemKeyspace(name) && context->state->schema().FindKeyspace(name) == nullptr) {
    return ErrorAt(statement.keyspace.position, "keyspace ", QuoteName(name), " does not exist");
  }
  return PlanPtr(std::make_shared<UsePlan>(name));
}

}  // namespace tholos::cql
