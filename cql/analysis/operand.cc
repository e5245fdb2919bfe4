#include "cql/analysis/operand.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "absl/strings/numbers.h"
#include "base/check.h"
#include "base/uuid.h"
#include "cql/text.h"

namespace tholos::cql {
namespace {

using data::TypeId;

std::string_view KindName(Literal::Kind kind) {
  switch (kind) {
    case Literal::Kind::kString:
      return "string";
    case Literal::Kind::kInteger:
      return "integer";
    case Literal::Kind::kFloat:
      return "number";
    case Literal::Kind::kBoolean:
      return "boolean";
    case Literal::Kind::kUuid:
      return "uuid";
    case Literal::Kind::kBlob:
      return "blob";
    case Literal::Kind::kDuration:
      return "duration";
  }
  return "";
}

std::string Shown(const Literal& literal) {
  return base::StrCat(KindName(literal.kind), " ", Abbreviate(ToCql(Term{literal})));
}

absl::Status Mismatch(const Receiver& receiver, Position position, std::string_view found) {
  return ErrorAt(position, "expected ", receiver.type.name(), " for ", receiver.Describe(),
                 ", found ", found);
}

template <typename Int>
std::optional<Int> ParseInteger(std::string_view text) {
  Int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> ParseDouble(const Literal& literal) {
  if (literal.text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (literal.text == "Infinity") return std::numeric_limits<double>::infinity();
  if (literal.text == "-Infinity") return -std::numeric_limits<double>::infinity();
  double value = 0;
  if (!absl::SimpleAtod(literal.text, &value)) return std::nullopt;
  return value;
}

std::string Unhex(std::string_view digits) {
  const auto nibble = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes;
  bytes.reserve(digits.size() / 2);
  for (size_t i = 0; i + 1 < digits.size(); i += 2) {
    bytes.push_back(static_cast<char>(nibble(digits[i]) << 4 | nibble(digits[i + 1])));
  }
  return bytes;
}

// Whether a literal of the kind may stand for a value of the type, which reads its text.
bool FitsAsText(Literal::Kind kind, TypeId type) {
  using Kind = Literal::Kind;
  switch (type) {
    case TypeId::kAscii:
    case TypeId::kInet:
      return kind == Kind::kString;
    case TypeId::kDate:
    case TypeId::kTime:
      return kind == Kind::kString || kind == Kind::kInteger;
    case TypeId::kTinyint:
    case TypeId::kSmallint:
    case TypeId::kVarint:
      return kind == Kind::kInteger;
    case TypeId::kDecimal:
    case TypeId::kFloat:
      return kind == Kind::kInteger || kind == Kind::kFloat;
    case TypeId::kTimeuuid:
      return kind == Kind::kUuid;
    default:
      return false;
  }
}

// The bytes, or nothing if the literal's kind does not fit the type; an error if it is out of range
// or malformed.
absl::StatusOr<std::optional<std::string>> Convert(const Literal& literal,
                                                   const data::DataType& type) {
  using Kind = Literal::Kind;
  using Bytes = std::optional<std::string>;
  const Kind kind = literal.kind;
  switch (type.id()) {
    case TypeId::kText:
      if (kind == Kind::kString) return Bytes(literal.text);
      break;
    case TypeId::kBlob:
      if (kind == Kind::kBlob) return Bytes(Unhex(literal.text));
      break;
    case TypeId::kBoolean:
      if (kind == Kind::kBoolean) return Bytes(data::EncodeBoolean(literal.text == "true"));
      break;
    case TypeId::kInt:
      if (kind != Kind::kInteger) break;
      if (const auto v = ParseInteger<int32_t>(literal.text)) return Bytes(data::EncodeInt(*v));
      return absl::InvalidArgumentError("out of range");
    case TypeId::kTimestamp:
      if (kind == Kind::kString) {
        const absl::StatusOr<int64_t> millis = data::ParseTimestampMillis(literal.text);
        if (!millis.ok()) return millis.status();
        return Bytes(data::EncodeBigint(*millis));
      }
      [[fallthrough]];
    case TypeId::kBigint:
      if (kind != Kind::kInteger) break;
      if (const auto v = ParseInteger<int64_t>(literal.text)) return Bytes(data::EncodeBigint(*v));
      return absl::InvalidArgumentError("out of range");
    case TypeId::kDouble:
      if (kind != Kind::kInteger && kind != Kind::kFloat) break;
      if (const auto v = ParseDouble(literal)) return Bytes(data::EncodeDouble(*v));
      return absl::InvalidArgumentError("not a number");
    case TypeId::kUuid: {
      if (kind != Kind::kUuid) break;
      const absl::StatusOr<base::Uuid> uuid = base::Uuid::Parse(literal.text);
      if (!uuid.ok()) return uuid.status();
      return Bytes(std::string(uuid->AsBytes()));
    }
    default: {
      if (!FitsAsText(kind, type.id())) break;
      absl::StatusOr<std::string> bytes = type.FromText(literal.text);
      if (!bytes.ok()) return bytes.status();
      return Bytes(*std::move(bytes));
    }
  }
  return Bytes();
}

std::string ShownTerm(const Term& term) {
  struct Visitor {
    std::string operator()(const ListLiteral&) const { return "a list literal"; }
    std::string operator()(const SetLiteral&) const { return "a set or map literal"; }
    std::string operator()(const MapLiteral&) const { return "a map literal"; }
    std::string operator()(const TupleLiteral&) const { return "a tuple"; }
    std::string operator()(const Node&) const { return "a term"; }
  };
  return std::visit(Visitor(), term.value);
}

}  // namespace

std::string Receiver::Describe() const {
  return name.starts_with('[') ? name : base::StrCat("column '", name, "'");
}

absl::StatusOr<Operand> Operand::Analyze(const Term& term, const Receiver& receiver,
                                         AnalysisContext* context) {
  if (std::holds_alternative<NullLiteral>(term.value)) return Operand();
  if (const auto* literal = std::get_if<Literal>(&term.value)) return OfLiteral(*literal, receiver);
  if (const auto* marker = std::get_if<BindMarker>(&term.value)) {
    return OfMarker(*marker, receiver, context);
  }
  if (const auto* call = std::get_if<FunctionCall>(&term.value)) return OfCall(*call, receiver);
  return Mismatch(receiver, term.position(), ShownTerm(term));
}

absl::StatusOr<Operand> Operand::OfLiteral(const Literal& literal, const Receiver& receiver) {
  absl::StatusOr<std::optional<std::string>> bytes = Convert(literal, receiver.type);
  if (!bytes.ok()) {
    return Mismatch(receiver, literal.position,
                    base::StrCat(Shown(literal), " (", bytes.status().message(), ")"));
  }
  if (!bytes->has_value()) return Mismatch(receiver, literal.position, Shown(literal));
  if (const absl::Status valid = receiver.type.Validate(**bytes); !valid.ok()) {
    return Mismatch(receiver, literal.position,
                    base::StrCat(Shown(literal), " (", valid.message(), ")"));
  }
  Operand operand;
  operand.kind_ = Kind::kConstant;
  operand.constant_ = **std::move(bytes);
  return operand;
}

absl::StatusOr<Operand> Operand::OfMarker(const BindMarker& marker, const Receiver& receiver,
                                          AnalysisContext* context) {
  context->parameters[marker.index] =
      ResultColumn{receiver.keyspace, receiver.table,
                   marker.name.empty() ? receiver.name : marker.name, receiver.type};
  Operand operand;
  operand.kind_ = Kind::kMarker;
  operand.marker_ = static_cast<uint16_t>(marker.index);
  return operand;
}

absl::StatusOr<Operand> Operand::OfCall(const FunctionCall& call, const Receiver& receiver) {
  std::vector<std::string> arguments;
  for (const Term& argument : call.arguments) {
    const auto* inner = std::get_if<FunctionCall>(&argument.value);
    arguments.push_back(inner != nullptr && inner->arguments.empty() ? inner->function.name : "");
  }
  absl::StatusOr<ValueFunctionInfo> info = FindValueFunction(call.function, arguments);
  if (!info.ok()) return info.status();
  if (info->type != receiver.type) {
    return Mismatch(receiver, call.position,
                    base::StrCat(info->type.name(), " from ", call.function.name, "()"));
  }
  Operand operand;
  operand.kind_ =
      info->function == ValueFunction::kRandomUuid ? Kind::kRandomUuid : Kind::kCurrentTimestamp;
  return operand;
}

Argument Operand::Take(Request& request) const {
  switch (kind_) {
    case Kind::kNull:
      break;
    case Kind::kConstant:
      return {constant_};
    case Kind::kMarker: {
      BoundValue& bound = request.values[marker_];
      return {std::move(bound.value), bound.unset};
    }
    case Kind::kRandomUuid:
      return {CallValueFunction(ValueFunction::kRandomUuid, request)};
    case Kind::kCurrentTimestamp:
      return {CallValueFunction(ValueFunction::kCurrentTimestamp, request)};
  }
  return {};
}

absl::StatusOr<std::string> Operand::TakeValue(Request& request, std::string_view column) const {
  Argument argument = Take(request);
  if (argument.value.has_value()) return *std::move(argument.value);
  return base::InvalidRequest(base::StrCat("Invalid ", argument.unset ? "unset" : "null",
                                           " value in condition for column ", column));
}

absl::StatusOr<Operand> AnalyzeInteger(const Term& term, std::string_view name, TypeId type,
                                       const data::TableSchema& table, AnalysisContext* context) {
  return Operand::Analyze(
      term, Receiver{data::DataType(type), std::string(name), table.keyspace, table.name}, context);
}

absl::StatusOr<ValueFunctionInfo> FindValueFunction(const QualifiedName& name,
                                                    const std::vector<std::string>& arguments) {
  const ValueFunctionInfo kUuid{ValueFunction::kRandomUuid, data::DataType(TypeId::kUuid)};
  const ValueFunctionInfo kNow{ValueFunction::kCurrentTimestamp,
                               data::DataType(TypeId::kTimestamp)};
  const std::string& f = name.name;
  const bool builtin = name.keyspace.empty() || name.keyspace == "system";
  const bool no_arguments = arguments.empty();
  if (builtin && f == "uuid" && no_arguments) return kUuid;
  if (builtin && (f == "currenttimestamp" || f == "current_timestamp") && no_arguments) return kNow;
  if (builtin && (f == "totimestamp" || f == "to_timestamp") && arguments.size() == 1 &&
      arguments[0] == "now") {
    return kNow;
  }
  if (builtin && f == "now" && no_arguments) {
    return ErrorAt(name.position,
                   "now() is not supported yet: its type is timeuuid; toTimestamp(now()) is");
  }
  return ErrorAt(name.position, "unknown function ", Abbreviate(ToCql(name)), " with ",
                 arguments.size(), arguments.size() == 1 ? " argument" : " arguments",
                 " (known here: uuid(), currentTimestamp(), toTimestamp(now()))");
}

std::string CallValueFunction(ValueFunction function, Request& request) {
  switch (function) {
    case ValueFunction::kRandomUuid:
      return std::string(base::Uuid::Random(request.services->random).AsBytes());
    case ValueFunction::kCurrentTimestamp:
      return data::EncodeBigint(request.wall_micros / 1000);
  }
  return {};
}

}  // namespace tholos::cql
