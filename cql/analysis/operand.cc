#include "cql/analysis/operand.h"

#include <utility>

#include "base/status_macros.h"
#include "base/uuid.h"
#include "cql/analysis/expression.h"
#include "cql/analysis/literal.h"
#include "cql/text.h"

namespace tholos::cql {
namespace {

using data::TypeId;

absl::Status Mismatch(const Receiver& receiver, Position position, std::string_view found) {
  return ErrorAt(position, "expected ", receiver.type.name(), " for ", receiver.Describe(),
                 ", found ", found);
}

std::string_view KindOf(const Term& term) {
  struct Visitor {
    std::string_view operator()(const ListLiteral&) const { return "a list literal"; }
    std::string_view operator()(const SetLiteral&) const { return "a set or map literal"; }
    std::string_view operator()(const MapLiteral&) const { return "a map literal"; }
    std::string_view operator()(const TupleLiteral&) const { return "a tuple"; }
    std::string_view operator()(const UdtLiteral&) const { return "a user-defined type literal"; }
    std::string_view operator()(const Node&) const { return "a term"; }
  };
  return std::visit(Visitor(), term.value);
}

// The part of a collection: "value(l)", as Cassandra calls a marker there.
Receiver PartOf(const Receiver& receiver, std::string_view part, const data::DataType& type) {
  Receiver result = receiver;
  result.type = type;
  result.name = base::StrCat(part, "(", receiver.name, ")");
  result.shown = base::StrCat("a ", part, " of ", receiver.Describe());
  return result;
}

}  // namespace

std::string Receiver::Describe() const {
  if (!shown.empty()) return shown;
  return name.starts_with('[') ? name : base::StrCat("column '", name, "'");
}

// Literals of more than one token.
class CompositeAnalysis {
 public:
  CompositeAnalysis(const Receiver& receiver, AnalysisContext* context)
      : receiver_(receiver), context_(context) {}

  absl::StatusOr<Operand> OfList(const ListLiteral& list) {
    const bool vector = receiver_.type.id() == TypeId::kVector;
    if (vector && list.elements.size() != receiver_.type.dimension()) {
      return ErrorAt(list.position, "Invalid vector literal for ", receiver_.Describe(),
                     " of type ", receiver_.type.name(), ": expected ", receiver_.type.dimension(),
                     " elements, but given ", list.elements.size());
    }
    THOLOS_RETURN_IF_ERROR(AddElements(list.elements));
    return Finish(vector ? Expression::Kind::kVector : Expression::Kind::kList);
  }

  absl::StatusOr<Operand> OfSet(const SetLiteral& set) {
    if (receiver_.type.id() == TypeId::kMap) return Finish(Expression::Kind::kMap);  // {}
    THOLOS_RETURN_IF_ERROR(AddElements(set.elements));
    return Finish(Expression::Kind::kSet);
  }

  absl::StatusOr<Operand> OfMap(const MapLiteral& map) {
    const Receiver key = PartOf(receiver_, "key", receiver_.type.arguments()[0]);
    const Receiver value = PartOf(receiver_, "value", receiver_.type.arguments()[1]);
    for (const MapEntry& entry : map.entries) {
      THOLOS_RETURN_IF_ERROR(AddPart(entry.key, key));
      THOLOS_RETURN_IF_ERROR(AddPart(entry.value, value));
    }
    return Finish(Expression::Kind::kMap);
  }

  absl::StatusOr<Operand> OfTuple(const TupleLiteral& tuple) {
    const std::vector<data::DataType>& types = receiver_.type.arguments();
    if (tuple.elements.size() > types.size()) {
      return ErrorAt(tuple.position, "Invalid tuple literal for ", receiver_.Describe(),
                     ": too many elements. Type ", receiver_.type.name(), " expects ", types.size(),
                     " but got ", tuple.elements.size());
    }
    for (size_t i = 0; i < tuple.elements.size(); ++i) {
      THOLOS_RETURN_IF_ERROR(AddField(tuple.elements[i], PartOf(receiver_, "component", types[i])));
    }
    return Finish(Expression::Kind::kTuple);
  }

  absl::StatusOr<Operand> OfUdt(const UdtLiteral& literal) {
    const data::UserType& type = receiver_.type.user_type();
    parts_.resize(type.field_names.size());
    std::vector<bool> given(parts_.size(), false);
    for (const FieldEntry& entry : literal.fields) {
      const std::optional<size_t> field = type.FindField(entry.field.name);
      if (!field) {
        return ErrorAt(entry.field.position, "Unknown field '", Abbreviate(entry.field.name),
                       "' in value of user defined type ", type.name);
      }
      if (given[*field]) {
        return ErrorAt(entry.field.position, "field '", entry.field.name, "' is given twice");
      }
      given[*field] = true;
      const Receiver part = PartOf(receiver_, "field", type.field_types[*field]);
      THOLOS_ASSIGN_OR_RETURN(parts_[*field], Operand::Analyze(entry.value, part, context_));
    }
    return Finish(Expression::Kind::kTuple);
  }

 private:
  absl::Status AddElements(const std::vector<Term>& elements) {
    const Receiver element = PartOf(receiver_, "value", receiver_.type.arguments()[0]);
    for (const Term& term : elements) THOLOS_RETURN_IF_ERROR(AddPart(term, element));
    return absl::OkStatus();
  }

  absl::Status AddPart(const Term& term, const Receiver& part) {
    if (std::holds_alternative<NullLiteral>(term.value)) {
      return ErrorAt(term.position(), "null is not supported inside collections");
    }
    return AddField(term, part);
  }

  absl::Status AddField(const Term& term, const Receiver& part) {
    THOLOS_ASSIGN_OR_RETURN(Operand operand, Operand::Analyze(term, part, context_));
    parts_.push_back(std::move(operand));
    return absl::OkStatus();
  }

  // One constant, if all parts are.
  absl::StatusOr<Operand> Finish(Expression::Kind kind) {
    Expression expression{kind, receiver_.type, nullptr, std::move(parts_)};
    std::vector<data::Value> values;
    for (const Operand& part : expression.parts) {
      if (!part.is_constant()) return Operand::Of(std::move(expression));
      values.push_back(part.constant_value());
    }
    return Operand::Constant(Compose(expression, values));
  }

  const Receiver& receiver_;
  AnalysisContext* context_;
  std::vector<Operand> parts_;
};

absl::StatusOr<Operand> Operand::Analyze(const Term& term, const Receiver& receiver,
                                         AnalysisContext* context) {
  if (const auto* literal = std::get_if<Literal>(&term.value)) return OfLiteral(*literal, receiver);
  if (const auto* marker = std::get_if<BindMarker>(&term.value)) {
    return OfMarker(*marker, receiver, context);
  }
  if (std::holds_alternative<NullLiteral>(term.value)) return Operand();
  const TypeId id = receiver.type.id();
  CompositeAnalysis composite(receiver, context);
  if (const auto* list = std::get_if<ListLiteral>(&term.value)) {
    if (id == TypeId::kList || id == TypeId::kVector) return composite.OfList(*list);
  } else if (const auto* set = std::get_if<SetLiteral>(&term.value)) {
    if (id == TypeId::kSet || (id == TypeId::kMap && set->elements.empty())) {
      return composite.OfSet(*set);
    }
  } else if (const auto* map = std::get_if<MapLiteral>(&term.value)) {
    if (id == TypeId::kMap) return composite.OfMap(*map);
  } else if (const auto* udt = std::get_if<UdtLiteral>(&term.value)) {
    if (id == TypeId::kUdt) return composite.OfUdt(*udt);
  } else if (const auto* tuple = std::get_if<TupleLiteral>(&term.value)) {
    if (id == TypeId::kTuple) return composite.OfTuple(*tuple);
    if (tuple->elements.size() == 1) return Analyze(tuple->elements[0], receiver, context);
  } else if (HasOwnType(term)) {
    THOLOS_ASSIGN_OR_RETURN(TypedOperand typed, AnalyzeTyped(term, receiver, context));
    if (MatchTypes(typed.type, receiver.type) == Match::kNone) {
      return ErrorAt(term.position(), "Type error: cannot assign result of ", typed.description,
                     " (type ", typed.type.name(), ") to ", receiver.Describe(), " (type ",
                     receiver.type.name(), ")");
    }
    return std::move(typed.operand);
  }
  return Mismatch(receiver, term.position(), KindOf(term));
}

absl::StatusOr<Operand> Operand::OfLiteral(const Literal& literal, const Receiver& receiver) {
  absl::StatusOr<std::optional<std::string>> bytes = ConvertLiteral(literal, receiver.type);
  if (!bytes.ok()) {
    return Mismatch(receiver, literal.position,
                    base::StrCat(ShowLiteral(literal), " (", bytes.status().message(), ")"));
  }
  if (!bytes->has_value()) return Mismatch(receiver, literal.position, ShowLiteral(literal));
  if (const absl::Status valid = receiver.type.Validate(**bytes); !valid.ok()) {
    return Mismatch(receiver, literal.position,
                    base::StrCat(ShowLiteral(literal), " (", valid.message(), ")"));
  }
  return Constant(**std::move(bytes));
}

absl::StatusOr<Operand> Operand::OfMarker(const BindMarker& marker, const Receiver& receiver,
                                          AnalysisContext* context) {
  context->parameters[marker.index] =
      ResultColumn{receiver.keyspace, receiver.table,
                   marker.name.empty() ? receiver.name : marker.name, receiver.type};
  Operand operand;
  operand.kind_ = Kind::kMarker;
  operand.index_ = static_cast<uint16_t>(marker.index);
  return operand;
}

Operand Operand::Constant(data::Value value) {
  Operand operand;
  if (!value) return operand;
  operand.kind_ = Kind::kConstant;
  operand.constant_ = *std::move(value);
  return operand;
}

Operand Operand::OfJson(uint16_t place) {
  Operand operand;
  operand.kind_ = Kind::kJson;
  operand.index_ = place;
  return operand;
}

Operand Operand::Of(Expression expression) {
  Operand operand;
  operand.kind_ = Kind::kExpression;
  operand.expression_ = std::make_shared<const Expression>(std::move(expression));
  return operand;
}

absl::StatusOr<Argument> Operand::Take(Request& request) const {
  Argument argument;
  THOLOS_RETURN_IF_ERROR(Take(request, &argument));
  return argument;
}

absl::Status Operand::TakeMade(Request& request, Argument* out) const {
  switch (kind_) {
    case Kind::kNull:
    case Kind::kMarker:
      break;
    case Kind::kConstant:
      out->value = constant_;
      break;
    case Kind::kJson: {
      BoundValue& member = request.json_values[index_];
      out->value = std::move(member.value);
      out->unset = member.unset;
      break;
    }
    case Kind::kExpression: {
      THOLOS_ASSIGN_OR_RETURN(out->value, Evaluate(*expression_, request));
      break;
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> Operand::TakeValue(Request& request, std::string_view column) const {
  std::string value;
  THOLOS_RETURN_IF_ERROR(TakeValue(request, column, &value));
  return value;
}

absl::Status Operand::TakeValue(Request& request, std::string_view column, std::string* out) const {
  Argument argument;
  THOLOS_RETURN_IF_ERROR(Take(request, &argument));
  if (!argument.value.has_value()) {
    return base::InvalidRequest(base::StrCat("Invalid ", argument.unset ? "unset" : "null",
                                             " value in condition for column ", column));
  }
  *out = *std::move(argument.value);
  return absl::OkStatus();
}

absl::StatusOr<Operand> AnalyzeInteger(const Term& term, std::string_view name, TypeId type,
                                       const data::TableSchema& table, AnalysisContext* context) {
  return Operand::Analyze(
      term, Receiver{data::DataType(type), std::string(name), table.keyspace, table.name}, context);
}

}  // namespace tholos::cql
