#include "cql/analysis/expression.h"

#include <utility>

#include "base/status_macros.h"
#include "cql/analysis/literal_match.h"
#include "cql/text.h"
#include "data/types/elements.h"

namespace tholos::cql {
namespace {

absl::StatusOr<data::Value> CallFunction(const Function& function, std::vector<data::Value> values,
                                         Request& request) {
  FunctionContext context{request.wall_micros, request.services->random,
                          request.services->time_uuids};
  absl::StatusOr<data::Value> result = function.call(context, values);
  if (!result.ok()) return base::InvalidRequest(base::ToStd(result.status().message()));
  return result;
}

// An argument of a call: a term, or what was made of one already.
struct Piece {
  const Term* term = nullptr;
  std::optional<TypedOperand> typed;
};

class TypedAnalysis {
 public:
  TypedAnalysis(const Receiver& receiver, AnalysisContext* context)
      : receiver_(receiver), context_(context) {}

  absl::StatusOr<TypedOperand> Run(const Term& term) {
    if (const auto* call = std::get_if<FunctionCall>(&term.value)) {
      std::vector<Piece> pieces;
      for (const Term& argument : call->arguments) pieces.push_back({&argument, std::nullopt});
      return Call(call->function.keyspace, call->function.name, std::move(pieces), call->position);
    }
    if (const auto* cast = std::get_if<Cast>(&term.value)) return OfCast(*cast);
    if (const auto* hint = std::get_if<TypeHint>(&term.value)) return OfHint(*hint);
    if (const auto* arithmetic = std::get_if<Arithmetic>(&term.value)) {
      return OfArithmetic(*arithmetic);
    }
    if (const auto* negation = std::get_if<Negation>(&term.value)) {
      std::vector<Piece> pieces;
      pieces.push_back({&negation->operand.front(), std::nullopt});
      return Call("", kNegate, std::move(pieces), negation->position);
    }
    const auto& parentheses = std::get<TupleLiteral>(term.value);
    return Run(parentheses.elements.front());
  }

 private:
  absl::StatusOr<TypedOperand> OfHint(const TypeHint& hint) {
    THOLOS_ASSIGN_OR_RETURN(data::DataType type, Resolve(hint.type));
    Receiver place = receiver_;
    place.type = type;
    THOLOS_ASSIGN_OR_RETURN(Operand operand,
                            Operand::Analyze(hint.operand.front(), place, context_));
    return TypedOperand{std::move(operand), std::move(type), "a type hint"};
  }

  absl::StatusOr<TypedOperand> OfCast(const Cast& cast) {
    THOLOS_ASSIGN_OR_RETURN(const data::DataType to, Resolve(cast.type));
    Piece piece{&cast.operand.front(), std::nullopt};
    THOLOS_ASSIGN_OR_RETURN(const ArgumentProbe probe, Probe(&piece));
    absl::StatusOr<FunctionPtr> function = ResolveCast(probe, to);
    if (!function.ok()) return ErrorAt(cast.position, function.status().message());
    std::vector<Piece> pieces;
    pieces.push_back(std::move(piece));
    return Made(*std::move(function), std::move(pieces), "a cast");
  }

  absl::StatusOr<TypedOperand> OfArithmetic(const Arithmetic& chain) {
    Piece left{&chain.operands.front(), std::nullopt};
    for (size_t i = 0; i < chain.operators.size(); ++i) {
      std::vector<Piece> pieces;
      pieces.push_back(std::move(left));
      pieces.push_back({&chain.operands[i + 1], std::nullopt});
      left = Piece();
      THOLOS_ASSIGN_OR_RETURN(
          left.typed, Call("", OperatorFunction(ToString(chain.operators[i])[0]), std::move(pieces),
                           chain.position));
    }
    return *std::move(left.typed);
  }

  absl::StatusOr<data::DataType> Resolve(const TypeName& type) {
    return ResolveType(type, receiver_.keyspace.empty() ? context_->keyspace : receiver_.keyspace,
                       *context_);
  }

  // Analyses a term that has a type.
  absl::StatusOr<ArgumentProbe> Probe(Piece* piece) {
    ArgumentProbe probe;
    if (!piece->typed && HasOwnType(*piece->term)) {
      THOLOS_ASSIGN_OR_RETURN(piece->typed, Run(*piece->term));
    }
    if (piece->typed) {
      probe.type = piece->typed->type;
      probe.text = piece->term != nullptr ? ToCql(*piece->term) : piece->typed->description;
      return probe;
    }
    probe.text = ToCql(*piece->term);
    probe.matches = [term = piece->term](const data::DataType& type) {
      return MatchTerm(*term, type);
    };
    probe.preferred = PreferredType(*piece->term);
    probe.list_elements = ListElements(*piece->term);
    return probe;
  }

  absl::StatusOr<TypedOperand> Call(std::string_view keyspace, std::string_view name,
                                    std::vector<Piece> pieces, Position position) {
    CallSite site;
    site.keyspace = keyspace;
    site.name = name;
    site.receiver = receiver_.type;
    for (Piece& piece : pieces) {
      THOLOS_ASSIGN_OR_RETURN(ArgumentProbe probe, Probe(&piece));
      site.arguments.push_back(std::move(probe));
    }
    absl::StatusOr<FunctionPtr> function = ResolveFunction(site);
    if (!function.ok()) return ErrorAt(position, function.status().message());
    if ((*function)->is_aggregate()) {
      return ErrorAt(position, "aggregation function ", name, " is not allowed here");
    }
    const char symbol = OperatorOf((*function)->name);
    std::string description = symbol != 0 ? base::StrCat("operator ", std::string_view(&symbol, 1))
                                          : base::StrCat("function system.", (*function)->name);
    return Made(*std::move(function), std::move(pieces), std::move(description));
  }

  absl::StatusOr<TypedOperand> Made(FunctionPtr function, std::vector<Piece> pieces,
                                    std::string description) {
    Expression expression;
    expression.type = function->result;
    for (size_t i = 0; i < pieces.size(); ++i) {
      if (pieces[i].typed) {
        expression.parts.push_back(std::move(pieces[i].typed->operand));
        continue;
      }
      Receiver place = receiver_;
      place.type = function->arguments[i];
      place.name = base::StrCat("arg", i, "(", function->name, ")");
      place.shown = base::StrCat("argument ", i + 1, " of ", description);
      THOLOS_ASSIGN_OR_RETURN(Operand operand, Operand::Analyze(*pieces[i].term, place, context_));
      expression.parts.push_back(std::move(operand));
    }
    expression.function = std::move(function);
    data::DataType type = expression.type;
    return TypedOperand{Operand::Of(std::move(expression)), std::move(type),
                        std::move(description)};
  }

  const Receiver& receiver_;
  AnalysisContext* context_;
};

}  // namespace

bool HasOwnType(const Term& term) {
  if (const auto* tuple = std::get_if<TupleLiteral>(&term.value)) {
    return tuple->elements.size() == 1 && HasOwnType(tuple->elements.front());
  }
  return std::holds_alternative<FunctionCall>(term.value) ||
         std::holds_alternative<Cast>(term.value) || std::holds_alternative<TypeHint>(term.value) ||
         std::holds_alternative<Arithmetic>(term.value) ||
         std::holds_alternative<Negation>(term.value);
}

absl::StatusOr<TypedOperand> AnalyzeTyped(const Term& term, const Receiver& receiver,
                                          AnalysisContext* context) {
  return TypedAnalysis(receiver, context).Run(term);
}

std::string Compose(const Expression& expression, const std::vector<data::Value>& parts) {
  if (expression.kind == Expression::Kind::kTuple) return data::EncodeTuple(parts);
  std::vector<std::string_view> elements;
  elements.reserve(parts.size());
  for (const data::Value& part : parts) elements.push_back(*part);
  switch (expression.kind) {
    case Expression::Kind::kSet:
      return data::EncodeSet(expression.type, std::move(elements));
    case Expression::Kind::kMap: {
      std::vector<std::pair<std::string_view, std::string_view>> entries;
      for (size_t i = 0; i + 1 < elements.size(); i += 2) {
        entries.emplace_back(elements[i], elements[i + 1]);
      }
      return data::EncodeMap(expression.type, std::move(entries));
    }
    case Expression::Kind::kVector:
      return data::EncodeVector(expression.type, elements);
    default:
      return data::EncodeList(elements);
  }
}

absl::StatusOr<data::Value> Evaluate(const Expression& expression, Request& request) {
  const bool function = expression.kind == Expression::Kind::kFunction;
  const bool tuple = expression.kind == Expression::Kind::kTuple;
  std::vector<data::Value> values;
  values.reserve(expression.parts.size());
  for (const Operand& part : expression.parts) {
    THOLOS_ASSIGN_OR_RETURN(Argument argument, part.Take(request));
    if (argument.unset) {
      return base::InvalidRequest(
          function ? base::StrCat("Invalid unset value for an argument in call to function ",
                                  expression.function->name)
          : tuple  ? "Invalid unset value for a field of a tuple or user defined type"
                   : "unset value is not supported inside collections");
    }
    if (!argument.value && !function && !tuple) {
      return base::InvalidRequest("null is not supported inside collections");
    }
    values.push_back(std::move(argument.value));
  }
  if (function) return CallFunction(*expression.function, std::move(values), request);
  return data::Value(Compose(expression, values));
}

}  // namespace tholos::cql
