// A schema change, as a plan: a pure step from one schema to the next, for the schema service.
#pragma once

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "cql/plan.h"
#include "cql/position.h"
#include "data/schema/schema.h"

namespace tholos::cql {

class SchemaPlan final : public Plan {
 public:
  struct Spec {
    std::string_view kind;
    SchemaChangeResult result;
    // The next schema. The change may run more than once, on any thread.
    std::function<absl::StatusOr<data::Schema>(const data::Schema&, int64_t now_micros)> change;
    // Whether there is nothing to do: IF [NOT] EXISTS. The answer is then a VoidResult.
    std::function<bool(const data::Schema&)> already_done;
  };
  explicit SchemaPlan(Spec spec) : spec_(std::move(spec)) {}

  base::Task<absl::Status> Execute(Request& request) const override;
  std::string_view kind() const override { return spec_.kind; }

 private:
  Spec spec_;
};

// "line 1:17 expected at most 48 letters, digits and underscores as the name of a table, found
// 'a-b'".
absl::Status CheckEntityName(const std::string& name, std::string_view what, Position position);

}  // namespace tholos::cql
