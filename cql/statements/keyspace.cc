// CREATE KEYSPACE, ALTER KEYSPACE, DROP KEYSPACE, USE.
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "cql/statements/options.h"
#include "cql/statements/schema_plan.h"
#include "cql/statements/statements.h"
#include "cql/system_tables.h"
#include "ring/strategy.h"

namespace tholos::cql {
namespace {

absl::Status CheckUserKeyspace(const Identifier& name) {
  if (!IsProtectedKeyspace(name.name)) return absl::OkStatus();
  return ErrorAt(name.position, "keyspace ", name.name, " is not user-modifiable");
}

class UsePlan final : public Plan {
 public:
  explicit UsePlan(std::string keyspace) : keyspace_(std::move(keyspace)) {}
  base::Task<absl::Status> Execute(Request& request) const override {
    request.result.result = SetKeyspaceResult{keyspace_};
    return base::Task<absl::Status>::Ready(absl::OkStatus());
  }
  std::string_view kind() const override { return "use"; }

 private:
  std::string keyspace_;
};

// What the options change of a keyspace; those that are not given stay.
struct KeyspaceChange {
  std::optional<std::map<std::string, std::string>> replication;
  std::optional<bool> durable_writes;

  static absl::StatusOr<KeyspaceChange> Of(const std::vector<Option>& options,
                                           const AnalysisContext& context) {
    KeyspaceChange change;
    for (const Option& option : options) {
      if (option.name == "replication") {
        THOLOS_ASSIGN_OR_RETURN(auto given, MapOption(option));
        auto expanded = ring::ExpandReplication(std::move(given), context.state->datacenters());
        if (!expanded.ok()) {
          return ErrorOfAt(option.value.position(), expanded.status());
        }
        change.replication = *std::move(expanded);
      } else if (option.name == "durable_writes") {
        THOLOS_ASSIGN_OR_RETURN(change.durable_writes, BooleanOption(option));
      } else {
        return ErrorOfAt(option.position, base::SyntaxError(base::StrCat(
                                              "unknown keyspace option '", option.name, "'")));
      }
    }
    return change;
  }

  void Apply(data::KeyspaceSchema* keyspace) const {
    if (replication) keyspace->replication = *replication;
    if (durable_writes) keyspace->durable_writes = *durable_writes;
  }
};

absl::StatusOr<data::KeyspaceSchema> MakeKeyspace(const CreateKeyspaceStatement& statement,
                                                  const AnalysisContext& context) {
  data::KeyspaceSchema keyspace;
  keyspace.name = statement.keyspace.name;
  THOLOS_ASSIGN_OR_RETURN(const KeyspaceChange change,
                          KeyspaceChange::Of(statement.options, context));
  if (!change.replication) {
    return ErrorAt(statement.position,
                   "option 'replication' is missing: WITH replication = "
                   "{'class': 'SimpleStrategy', 'replication_factor': 3}");
  }
  change.Apply(&keyspace);
  return keyspace;
}

}  // namespace

absl::StatusOr<PlanPtr> Analyze(const CreateKeyspaceStatement& statement,
                                AnalysisContext* context) {
  THOLOS_RETURN_IF_ERROR(CheckUserKeyspace(statement.keyspace));
  THOLOS_RETURN_IF_ERROR(
      CheckEntityName(statement.keyspace.name, "keyspace", statement.keyspace.position));
  THOLOS_ASSIGN_OR_RETURN(data::KeyspaceSchema keyspace, MakeKeyspace(statement, *context));
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

absl::StatusOr<PlanPtr> Analyze(const AlterKeyspaceStatement& statement, AnalysisContext* context) {
  THOLOS_RETURN_IF_ERROR(CheckUserKeyspace(statement.keyspace));
  const std::string& name = statement.keyspace.name;
  THOLOS_ASSIGN_OR_RETURN(KeyspaceChange change, KeyspaceChange::Of(statement.options, *context));
  SchemaPlan::Spec spec;
  spec.kind = "alter_keyspace";
  spec.result = {"UPDATED", "KEYSPACE", name, ""};
  if (statement.if_exists) {
    spec.already_done = [name](const data::Schema& schema) {
      return schema.FindKeyspace(name) == nullptr;
    };
  }
  const Position position = statement.keyspace.position;
  spec.change = [name, position, change = std::move(change)](
                    const data::Schema& schema,
                    int64_t now_micros) -> absl::StatusOr<data::Schema> {
    const data::KeyspaceSchema* keyspace = schema.FindKeyspace(name);
    if (keyspace == nullptr) {
      return ErrorAt(position, "keyspace ", QuoteName(name), " does not exist");
    }
    data::KeyspaceSchema altered = *keyspace;
    change.Apply(&altered);
    return schema.WithAlteredKeyspace(std::move(altered), now_micros);
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
