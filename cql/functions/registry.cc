#include "cql/functions/registry.h"

#include <algorithm>

#include "base/check.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "cql/functions/function_set.h"
#include "cql/functions/token.h"

namespace tholos::cql {
namespace {

using data::DataType;
using data::TypeId;

// Immutable once made.
const FunctionSet& AllFunctions() {
  static const FunctionSet* const all = [] {
    auto* set = new FunctionSet;
    AddTimeFunctions(set);
    AddBlobFunctions(set);
    AddMathFunctions(set);
    AddArithmetic(set);
    AddCasts(set);
    AddAggregates(set);
    AddCollectionFunctions(set);
    AddVectorFunctions(set);
    AddMaskFunctions(set);
    AddJsonFunctions(set);
    return set;
  }();
  return *all;
}

template <typename... Pieces>
absl::Status Invalid(const Pieces&... pieces) {
  return absl::InvalidArgumentError(base::StrCat(pieces...));
}

// ---- plain overloads ----

Match MatchAll(const Function& function, const CallSite& site) {
  if (function.arguments.size() != site.arguments.size()) return Match::kNone;
  Match result = Match::kExact;
  for (size_t i = 0; i < site.arguments.size(); ++i) {
    result = std::min(result, site.arguments[i].MatchWith(function.arguments[i]));
  }
  return result;
}

absl::Status CheckOnly(const Function& function, const CallSite& site) {
  if (function.arguments.size() != site.arguments.size()) {
    return Invalid("Invalid number of arguments in call to function system.", function.name, ": ",
                   function.arguments.size(), " required but ", site.arguments.size(), " provided");
  }
  for (size_t i = 0; i < site.arguments.size(); ++i) {
    if (site.arguments[i].MatchWith(function.arguments[i]) != Match::kNone) continue;
    return Invalid("Type error: ", site.arguments[i].text, " cannot be passed as argument ", i,
                   " of function system.", function.name, " of type ",
                   function.arguments[i].name());
  }
  return absl::OkStatus();
}

std::string Signatures(const std::vector<FunctionPtr>& functions) {
  std::string all;
  for (const FunctionPtr& function : functions) {
    base::StrAppend(&all, all.empty() ? "" : ", ", Signature(*function));
  }
  return all;
}

absl::Status NoneMatches(const CallSite& site, const std::vector<FunctionPtr>& candidates) {
  const char symbol = OperatorOf(site.name);
  if (symbol != 0 && site.arguments.size() == 2) {
    return Invalid("the '", std::string(1, symbol), "' operation is not supported between ",
                   site.arguments[0].text, " and ", site.arguments[1].text);
  }
  return Invalid(
      "Invalid call to function ", site.name,
      ", none of its type signatures match (known type signatures: ", Signatures(candidates), ")");
}

// Several overloads fit: an operator takes the one whose operands are all of the receiver's type,
// or of what literals prefer to be.
absl::StatusOr<FunctionPtr> ChooseAmong(const CallSite& site,
                                        const std::vector<FunctionPtr>& compatible) {
  const char symbol = OperatorOf(site.name);
  if (symbol != 0 && site.receiver) {
    for (const FunctionPtr& function : compatible) {
      const bool all = std::all_of(function->arguments.begin(), function->arguments.end(),
                                   [&](const DataType& type) { return type == *site.receiver; });
      if (all) return function;
    }
  }
  for (const FunctionPtr& function : compatible) {
    bool all = true;
    for (size_t i = 0; i < site.arguments.size(); ++i) {
      const ArgumentProbe& argument = site.arguments[i];
      const std::optional<DataType>& known = argument.type ? argument.type : argument.preferred;
      all = all && known && *known == function->arguments[i];
    }
    if (all) return function;
  }
  if (site.name == kNegate) return Invalid("Ambiguous negation: use type casts to disambiguate");
  if (symbol != 0) {
    return Invalid("Ambiguous '", std::string(1, symbol), "' operation with args ",
                   site.arguments[0].text, " and ", site.arguments[1].text,
                   ": use type casts to disambiguate");
  }
  return Invalid("Ambiguous call to function ", site.name,
                 " (can be matched by following signatures: ", Signatures(compatible),
                 "): use type casts to disambiguate");
}

absl::StatusOr<FunctionPtr> ChooseOverload(const CallSite& site,
                                           const std::vector<FunctionPtr>& candidates) {
  if (candidates.size() == 1) {
    const absl::Status fits = CheckOnly(*candidates[0], site);
    if (!fits.ok()) return fits;
    return candidates[0];
  }
  std::vector<FunctionPtr> compatible;
  for (const FunctionPtr& candidate : candidates) {
    const bool returns =
        !site.receiver || MatchTypes(candidate->result, *site.receiver) != Match::kNone;
    if (!returns) continue;
    const Match match = MatchAll(*candidate, site);
    if (match == Match::kExact) return candidate;
    if (match == Match::kWeak) compatible.push_back(candidate);
  }
  if (compatible.empty()) return NoneMatches(site, candidates);
  if (compatible.size() == 1) return compatible[0];
  return ChooseAmong(site, compatible);
}

// ---- rules ----

bool IsNumericType(const DataType& type) {
  switch (type.id()) {
    case TypeId::kTinyint:
    case TypeId::kSmallint:
    case TypeId::kInt:
    case TypeId::kBigint:
    case TypeId::kFloat:
    case TypeId::kDouble:
    case TypeId::kVarint:
    case TypeId::kDecimal:
      return true;
    default:
      return false;
  }
}

bool IsSetOrList(const DataType& type) {
  return type.id() == TypeId::kSet || type.id() == TypeId::kList;
}

bool Accepts(const Parameter& parameter, const DataType& type,
             const std::vector<DataType>& before) {
  switch (parameter.kind) {
    case Parameter::Kind::kAny:
      return true;
    case Parameter::Kind::kFixed:
      return std::any_of(
          parameter.types.begin(), parameter.types.end(),
          [&](const DataType& fixed) { return MatchTypes(type, fixed) != Match::kNone; });
    case Parameter::Kind::kSameAsFirst:
      return MatchTypes(type, before[0]) != Match::kNone;
    case Parameter::Kind::kCollection:
      return type.is_collection();
    case Parameter::Kind::kMap:
      return type.id() == TypeId::kMap;
    case Parameter::Kind::kSetOrList:
      return IsSetOrList(type);
    case Parameter::Kind::kNumericSetOrList:
      return IsSetOrList(type) && IsNumericType(type.arguments()[0]);
    case Parameter::Kind::kFloatVector:
      return type.id() == TypeId::kVector && type.arguments()[0].id() == TypeId::kFloat;
  }
  return false;
}

// What an argument without a type of its own is taken for.
std::optional<DataType> Inferred(const Parameter& parameter, const ArgumentProbe& argument,
                                 const std::vector<DataType>& before, const CallSite& site) {
  const auto fits = [&](const DataType& type) { return argument.MatchWith(type) != Match::kNone; };
  if (parameter.kind == Parameter::Kind::kFixed) {
    for (const DataType& type : parameter.types) {
      if (fits(type)) return type;
    }
    return parameter.types[0];
  }
  if (parameter.kind == Parameter::Kind::kSameAsFirst) return before[0];
  if (parameter.kind == Parameter::Kind::kFloatVector) {
    // The other vector's dimension, else that of a literal: its own, or the other's for a marker.
    size_t dimension = argument.list_elements;
    for (const ArgumentProbe& other : site.arguments) {
      if (other.type && Accepts(parameter, *other.type, before)) return other.type;
      if (dimension == 0) dimension = other.list_elements;
    }
    if (dimension > 0) {
      return DataType::Vector(DataType(TypeId::kFloat), static_cast<uint32_t>(dimension));
    }
  }
  if (parameter.from_receiver && site.receiver && fits(*site.receiver)) return site.receiver;
  return argument.preferred;
}

absl::StatusOr<FunctionPtr> ApplyRule(const CallSite& site, const Rule& rule) {
  const auto mandatory = static_cast<size_t>(
      std::count_if(rule.parameters.begin(), rule.parameters.end(),
                    [](const Parameter& parameter) { return !parameter.optional; }));
  if (site.arguments.size() < mandatory || site.arguments.size() > rule.parameters.size()) {
    return Invalid("Invalid number of arguments for function ", rule.Describe());
  }
  std::vector<DataType> types;
  for (size_t i = 0; i < site.arguments.size(); ++i) {
    const Parameter& parameter = rule.parameters[i];
    const ArgumentProbe& argument = site.arguments[i];
    std::optional<DataType> type = argument.type;
    if (!type) type = Inferred(parameter, argument, types, site);
    if (!type) {
      return Invalid("Cannot infer type of argument ", argument.text, " in call to function ",
                     rule.Describe(), ": use type casts to disambiguate");
    }
    const bool accepted = Accepts(parameter, *type, types) &&
                          (argument.type || argument.MatchWith(*type) != Match::kNone);
    if (!accepted) {
      return Invalid("Function system.", rule.name, " requires ", parameter.Describe(),
                     " argument, but found argument ", argument.text,
                     argument.type ? base::StrCat(" of type ", type->name()) : "");
    }
    types.push_back(*std::move(type));
  }
  absl::StatusOr<Function> made = rule.make(types, site.receiver);
  if (!made.ok()) return made.status();
  made->name = rule.name;
  if (made->arguments.empty()) made->arguments = std::move(types);
  return std::make_shared<const Function>(*std::move(made));
}

}  // namespace

// ---- types ----

Match MatchTypes(const DataType& from, const DataType& to) {
  if (from == to || from.Frozen() == to.Frozen()) return Match::kExact;
  const auto either = [&](TypeId wanted, std::initializer_list<TypeId> given) {
    return to.id() == wanted && std::ranges::find(given, from.id()) != given.end();
  };
  const bool weak = to.id() == TypeId::kBlob || either(TypeId::kText, {TypeId::kAscii}) ||
                    either(TypeId::kVarint, {TypeId::kInt, TypeId::kBigint}) ||
                    either(TypeId::kBigint, {TypeId::kTimestamp, TypeId::kCounter}) ||
                    either(TypeId::kTimestamp, {TypeId::kBigint}) ||
                    either(TypeId::kTime, {TypeId::kBigint}) ||
                    either(TypeId::kUuid, {TypeId::kTimeuuid});
  if (weak) return Match::kWeak;
  const bool same_kind = from.id() == to.id() && !from.is_simple() && !to.is_simple() &&
                         from.id() != TypeId::kUdt &&
                         from.arguments().size() == to.arguments().size() &&
                         (from.id() != TypeId::kVector || from.dimension() == to.dimension());
  if (!same_kind) return Match::kNone;
  Match result = Match::kWeak;
  for (size_t i = 0; i < from.arguments().size(); ++i) {
    result = std::min(result, MatchTypes(from.arguments()[i], to.arguments()[i]));
  }
  return result;
}

// ---- names ----

std::string_view OperatorFunction(char symbol) {
  switch (symbol) {
    case '+':
      return "_add";
    case '-':
      return "_subtract";
    case '*':
      return "_multiply";
    case '/':
      return "_divide";
    default:
      return "_modulo";
  }
}

char OperatorOf(std::string_view function) {
  if (function == kNegate) return '-';
  for (const char symbol : {'+', '-', '*', '/', '%'}) {
    if (OperatorFunction(symbol) == function) return symbol;
  }
  return 0;
}

std::string Signature(const Function& function) {
  std::string text = base::StrCat("system.", function.name, " : (");
  for (size_t i = 0; i < function.arguments.size(); ++i) {
    base::StrAppend(&text, i == 0 ? "" : ", ", function.arguments[i].name());
  }
  return base::StrCat(text, ") -> ", function.result.name());
}

// ---- the choice ----

absl::StatusOr<FunctionPtr> ResolveFunction(const CallSite& site) {
  const FunctionSet& all = AllFunctions();
  const auto unknown = [&] {
    return Invalid("Unknown function '", site.keyspace, site.keyspace.empty() ? "" : ".", site.name,
                   "'");
  };
  if (!site.keyspace.empty() && site.keyspace != "system") return unknown();
  if (site.name == "token") return ResolveToken(site);
  if (const Rule* rule = all.FindRule(site.name)) return ApplyRule(site, *rule);
  const std::vector<FunctionPtr>* candidates = all.Overloads(site.name);
  if (candidates == nullptr) return unknown();
  return ChooseOverload(site, *candidates);
}

absl::StatusOr<FunctionPtr> ResolveCast(const ArgumentProbe& argument, const DataType& to) {
  const std::vector<FunctionPtr>* casts =
      AllFunctions().Overloads(base::StrCat(kCastPrefix, to.name()));
  const std::optional<DataType>& from = argument.type ? argument.type : argument.preferred;
  if (casts != nullptr && from) {
    for (const FunctionPtr& cast : *casts) {
      if (cast->arguments[0] == *from) return cast;
    }
  }
  return Invalid(argument.text, " cannot be cast to ", to.name());
}

// ---- the set ----

void FunctionSet::Add(Function function) {
  std::vector<FunctionPtr>& overloads = overloads_[function.name];
  overloads.push_back(std::make_shared<const Function>(std::move(function)));
}

void FunctionSet::AddAlias(std::string_view alias, std::string_view name) {
  if (const auto rule = rules_.find(name); rule != rules_.end()) {
    Rule copy = rule->second;
    copy.name = alias;
    Add(std::move(copy));
    return;
  }
  const auto found = overloads_.find(name);
  THOLOS_CHECK(found != overloads_.end());
  const std::vector<FunctionPtr> overloads = found->second;
  for (const FunctionPtr& overload : overloads) {
    Function copy = *overload;
    copy.name = alias;
    Add(std::move(copy));
  }
}

void FunctionSet::Add(Rule rule) {
  std::string name = rule.name;
  rules_.emplace(std::move(name), std::move(rule));
}

const std::vector<FunctionPtr>* FunctionSet::Overloads(std::string_view name) const {
  const auto found = overloads_.find(name);
  return found == overloads_.end() ? nullptr : &found->second;
}

const Rule* FunctionSet::FindRule(std::string_view name) const {
  const auto found = rules_.find(name);
  return found == rules_.end() ? nullptr : &found->second;
}

std::string Parameter::Describe() const {
  switch (kind) {
    case Kind::kAny:
      return "any";
    case Kind::kFixed: {
      std::string names;
      for (const DataType& type : types) {
        base::StrAppend(&names, names.empty() ? "" : "|", type.name());
      }
      return names;
    }
    case Kind::kSameAsFirst:
      return "same type as first";
    case Kind::kCollection:
      return "collection";
    case Kind::kMap:
      return "map";
    case Kind::kSetOrList:
      return "set or list";
    case Kind::kNumericSetOrList:
      return "numeric set or list";
    case Kind::kFloatVector:
      return "vector<float, n>";
  }
  return "";
}

std::string Rule::Describe() const {
  std::string text = base::StrCat("system.", name, "(");
  for (const Parameter& parameter : parameters) {
    const std::string described = parameter.Describe();
    base::StrAppend(&text, text.ends_with('(') ? "" : ", ", parameter.optional ? "[" : "",
                    described, parameter.optional ? "]" : "");
  }
  return text + ")";
}

Function::Call NullIfAnyNull(
    std::function<absl::StatusOr<data::Value>(std::span<const data::Value>)> call) {
  return
      [call = std::move(call)](
          FunctionContext&, std::span<const data::Value> arguments) -> absl::StatusOr<data::Value> {
        for (const data::Value& argument : arguments) {
          if (!argument) return data::Value();
        }
        return call(arguments);
      };
}

Function::Call OfOne(std::function<absl::StatusOr<data::Value>(std::string_view)> call) {
  return
      [call = std::move(call)](
          FunctionContext&, std::span<const data::Value> arguments) -> absl::StatusOr<data::Value> {
        if (!arguments[0]) return data::Value();
        return call(*arguments[0]);
      };
}

}  // namespace tholos::cql
