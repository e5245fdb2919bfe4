// How the families of functions, one file each, are put together. Internal to cql/functions.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "cql/functions/function.h"
#include "cql/functions/registry.h"

namespace tholos::cql {

// One parameter of a rule.
struct Parameter {
  enum class Kind : uint8_t {
    kAny,    // any type; `from_receiver`: that of the result, if the argument has none
    kFixed,  // one of `types`, the first if the argument does not say
    kSameAsFirst,
    kCollection,
    kMap,
    kSetOrList,
    kNumericSetOrList,
    kFloatVector,  // all of one dimension
  };
  Kind kind = Kind::kAny;
  std::vector<data::DataType> types;
  bool optional = false;
  bool from_receiver = false;

  std::string Describe() const;
};

// A function for whatever types of a kind.
struct Rule {
  std::string name;
  std::vector<Parameter> parameters;
  // `types` of the arguments given.
  std::function<absl::StatusOr<Function>(const std::vector<data::DataType>& types,
                                         const std::optional<data::DataType>& receiver)>
      make;

  std::string Describe() const;  // "system.mask_replace(any, same type as first)"
};

class FunctionSet {
 public:
  void Add(Function function);
  // Under another name too: the spellings before Cassandra 5.
  void AddAlias(std::string_view alias, std::string_view name);
  void Add(Rule rule);

  const std::vector<FunctionPtr>* Overloads(std::string_view name) const;
  const Rule* FindRule(std::string_view name) const;

 private:
  std::map<std::string, std::vector<FunctionPtr>, std::less<>> overloads_;
  std::map<std::string, Rule, std::less<>> rules_;
};

// Null if any argument is null.
Function::Call NullIfAnyNull(
    std::function<absl::StatusOr<data::Value>(std::span<const data::Value>)> call);
// The same for functions of one argument.
Function::Call OfOne(std::function<absl::StatusOr<data::Value>(std::string_view)> call);

void AddTimeFunctions(FunctionSet* set);
void AddBlobFunctions(FunctionSet* set);
void AddMathFunctions(FunctionSet* set);
void AddArithmetic(FunctionSet* set);
void AddCasts(FunctionSet* set);
void AddAggregates(FunctionSet* set);
void AddCollectionFunctions(FunctionSet* set);
void AddVectorFunctions(FunctionSet* set);
void AddMaskFunctions(FunctionSet* set);
void AddJsonFunctions(FunctionSet* set);

}  // namespace tholos::cql
