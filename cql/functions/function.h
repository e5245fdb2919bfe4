// The functions of CQL: what one is, and what it may use while it runs.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/random.h"
#include "cql/time_uuid.h"
#include "data/types/data_type.h"

namespace tholos::cql {

// Of one execution of a statement. Confined to its shard.
struct FunctionContext {
  int64_t wall_micros = 0;  // the same moment for the whole statement
  base::RandomStream& random;
  TimeUuidSource& time_uuids;
};

// Takes the values of the rows (or of the elements of a collection) one by one.
class Accumulator {
 public:
  virtual ~Accumulator() = default;
  virtual absl::Status Add(std::span<const data::Value> arguments) = 0;
  virtual absl::StatusOr<data::Value> Finish() = 0;
};

// One overload. Immutable.
struct Function {
  using Call =
      std::function<absl::StatusOr<data::Value>(FunctionContext&, std::span<const data::Value>)>;

  std::string name;  // of the keyspace system
  std::vector<data::DataType> arguments;
  data::DataType result;
  // Arguments are valid values of their types, or null. Errors are kInvalidArgument. None for
  // aggregates.
  Call call;
  std::function<std::unique_ptr<Accumulator>()> accumulate;  // of aggregates
  bool pure = true;  // equal arguments give equal results: not for now() and the like

  bool is_aggregate() const { return accumulate != nullptr; }
};

using FunctionPtr = std::shared_ptr<const Function>;

// "system.min(v)", "a + b", "-a", "cast(a as text)", "count": how a result column is called, of the
// names of the arguments.
std::string ResultName(const Function& function, const std::vector<std::string>& arguments);

}  // namespace tholos::cql
