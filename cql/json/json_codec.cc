#include "cql/json/json_codec.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "cql/json/java_text.h"
#include "data/types/elements.h"

namespace tholos::cql {
namespace {

using data::DataType;
using data::TypeId;
using data::Value;

// ---- to JSON ----

template <typename Float>
std::string FloatToJson(Float v) {
  return std::isfinite(v) ? JavaText(v) : "null";
}

std::string SimpleToJson(TypeId type, std::string_view bytes) {
  switch (type) {
    case TypeId::kBoolean:
    case TypeId::kTinyint:
    case TypeId::kSmallint:
    case TypeId::kInt:
    case TypeId::kBigint:
    case TypeId::kCounter:
    case TypeId::kVarint:
    case TypeId::kDecimal:
      return DataType(type).ToDisplay(bytes);
    case TypeId::kFloat:
      return FloatToJson(data::DecodeFloat(bytes));
    case TypeId::kDouble:
      return FloatToJson(data::DecodeDouble(bytes));
    case TypeId::kTimestamp: {
      std::string text = DataType(type).ToDisplay(bytes);
      if (text.ends_with("+0000")) text.replace(text.size() - 5, 5, "Z");
      return QuoteJson(text);
    }
    default:
      return QuoteJson(DataType(type).ToDisplay(bytes));
  }
}

std::string MapToJson(const DataType& type, std::string_view bytes) {
  std::string out = "{";
  const std::vector<std::string_view> parts = data::ElementsOf(type, bytes);
  for (size_t i = 0; i + 1 < parts.size(); i += 2) {
    const std::string key = ToJson(type.arguments()[0], std::string(parts[i]));
    base::StrAppend(&out, i == 0 ? "" : ", ", key.starts_with('"') ? key : QuoteJson(key), ": ",
                    ToJson(type.arguments()[1], std::string(parts[i + 1])));
  }
  return out + "}";
}

std::string PartsToJson(const DataType& type, std::string_view bytes) {
  const bool named = type.id() == TypeId::kUdt;
  std::string out = named ? "{" : "[";
  data::ElementReader in(type, bytes);
  for (size_t i = 0; in.Next(); ++i) {
    if (i > 0) out += ", ";
    if (named) {
      base::StrAppend(&out, QuoteJson(JsonName(type.user_type().field_names[i])), ": ");
    }
    out += ToJson(in.type(), in.part() ? Value(std::string(*in.part())) : Value());
  }
  return out + (named ? "}" : "]");
}

// ---- from JSON ----

std::string_view KindOf(const JsonValue& json) {
  struct Visitor {
    std::string_view operator()(JsonNull) const { return "null"; }
    std::string_view operator()(bool) const { return "boolean"; }
    std::string_view operator()(const JsonNumber&) const { return "number"; }
    std::string_view operator()(const std::string&) const { return "string"; }
    std::string_view operator()(const JsonArray&) const { return "list"; }
    std::string_view operator()(const JsonObject&) const { return "map"; }
  };
  return std::visit(Visitor(), json.value);
}

std::string ShownJson(const JsonValue& json) {
  if (const auto* text = std::get_if<std::string>(&json.value))
    return base::StrCat(": ", QuoteJson(*text));
  if (const auto* number = std::get_if<JsonNumber>(&json.value))
    return base::StrCat(": ", number->text);
  if (const auto* boolean = std::get_if<bool>(&json.value)) return *boolean ? ": true" : ": false";
  return "";
}

absl::Status Expected(std::string_view what, const JsonValue& json) {
  const bool vowel = std::string_view("aeiou").find(what[0]) != std::string_view::npos;
  return absl::InvalidArgumentError(base::StrCat("Expected ", vowel ? "an " : "a ", what,
                                                 " value, but got a ", KindOf(json),
                                                 ShownJson(json)));
}

// The text that a simple type is parsed from; nothing if the JSON is of the wrong kind.
std::optional<std::string> TextFor(TypeId type, const JsonValue& json) {
  const auto* text = std::get_if<std::string>(&json.value);
  const auto* number = std::get_if<JsonNumber>(&json.value);
  const auto* boolean = std::get_if<bool>(&json.value);
  switch (type) {
    case TypeId::kBoolean:
      if (boolean != nullptr) return *boolean ? "true" : "false";
      break;
    case TypeId::kTinyint:
    case TypeId::kSmallint:
    case TypeId::kInt:
    case TypeId::kBigint:
    case TypeId::kCounter:
    case TypeId::kVarint:
    case TypeId::kTimestamp:
      if (number != nullptr && number->is_integer()) return number->text;
      break;
    case TypeId::kFloat:
    case TypeId::kDouble:
    case TypeId::kDecimal:
      if (number != nullptr) return number->text;
      break;
    default:
      break;
  }
  return text == nullptr ? std::nullopt : std::optional<std::string>(*text);
}

absl::StatusOr<Value> SimpleFromJson(const DataType& type, const JsonValue& json) {
  const std::optional<std::string> text = TextFor(type.id(), json);
  if (!text) return Expected(type.name(), json);
  absl::StatusOr<std::string> bytes = type.FromText(*text);
  if (!bytes.ok()) {
    return absl::InvalidArgumentError(base::StrCat("Unable to make ", type.name(), " from ",
                                                   QuoteJson(*text), ": ",
                                                   bytes.status().message()));
  }
  return Value(*std::move(bytes));
}

std::vector<std::string_view> Views(const std::vector<std::string>& owned) {
  return {owned.begin(), owned.end()};
}

absl::StatusOr<std::string> ElementFromJson(const DataType& type, const JsonValue& json,
                                            std::string_view where) {
  THOLOS_ASSIGN_OR_RETURN(Value value, FromJson(type, json));
  if (value) return *std::move(value);
  return absl::InvalidArgumentError(base::StrCat("Invalid null element in ", where));
}

absl::StatusOr<Value> SequenceFromJson(const DataType& type, const JsonValue& json) {
  const std::string_view what = type.id() == TypeId::kList  ? "list"
                                : type.id() == TypeId::kSet ? "set"
                                                            : "vector";
  const auto* array = std::get_if<JsonArray>(&json.value);
  if (array == nullptr) {
    return absl::InvalidArgumentError(
        base::StrCat("Expected a list, but got a ", KindOf(json), ShownJson(json)));
  }
  std::vector<std::string> elements;
  for (const JsonValue& element : *array) {
    THOLOS_ASSIGN_OR_RETURN(elements.emplace_back(),
                            ElementFromJson(type.arguments()[0], element, what));
  }
  if (type.id() == TypeId::kSet) return Value(data::EncodeSet(type, Views(elements)));
  if (type.id() == TypeId::kList) return Value(data::EncodeList(Views(elements)));
  if (elements.size() != type.dimension()) {
    return absl::InvalidArgumentError(base::StrCat(
        "Expected ", type.dimension(), " elements of a vector, but got ", elements.size()));
  }
  return Value(data::EncodeVector(type, Views(elements)));
}

absl::StatusOr<Value> MapFromJson(const DataType& type, const JsonValue& json) {
  const auto* object = std::get_if<JsonObject>(&json.value);
  if (object == nullptr) {
    return absl::InvalidArgumentError(
        base::StrCat("Expected a map, but got a ", KindOf(json), ShownJson(json)));
  }
  std::vector<std::pair<std::string, std::string>> entries;
  for (const auto& [name, member] : *object) {
    auto& [key, value] = entries.emplace_back();
    // Keys are strings in JSON: one that stands for an array or an object holds its text.
    const DataType& key_type = type.arguments()[0];
    JsonValue key_json{name};
    if (!key_type.is_simple()) {
      THOLOS_ASSIGN_OR_RETURN(key_json, ParseJson(name));
    }
    THOLOS_ASSIGN_OR_RETURN(key, ElementFromJson(key_type, key_json, "map"));
    THOLOS_ASSIGN_OR_RETURN(value, ElementFromJson(type.arguments()[1], member, "map"));
  }
  return Value(data::EncodeMap(type, {entries.begin(), entries.end()}));
}

absl::StatusOr<Value> TupleFromJson(const DataType& type, const JsonValue& json) {
  const auto* array = std::get_if<JsonArray>(&json.value);
  if (array == nullptr) {
    return absl::InvalidArgumentError(base::StrCat(
        "Expected a list representation of a tuple, but got a ", KindOf(json), ShownJson(json)));
  }
  if (array->size() > type.arguments().size()) {
    return absl::InvalidArgumentError(
        base::StrCat("Tuple contains extra items (expected ", type.arguments().size(), ")"));
  }
  if (array->size() < type.arguments().size()) {
    return absl::InvalidArgumentError(
        base::StrCat("Tuple is missing items (expected ", type.arguments().size(), ")"));
  }
  std::vector<Value> fields;
  for (size_t i = 0; i < array->size(); ++i) {
    THOLOS_ASSIGN_OR_RETURN(fields.emplace_back(), FromJson(type.arguments()[i], (*array)[i]));
  }
  return Value(data::EncodeTuple(fields));
}

absl::StatusOr<Value> UdtFromJson(const DataType& type, const JsonValue& json) {
  const auto* object = std::get_if<JsonObject>(&json.value);
  if (object == nullptr) {
    return absl::InvalidArgumentError(
        base::StrCat("Expected a map, but got a ", KindOf(json), ShownJson(json)));
  }
  const data::UserType& definition = type.user_type();
  std::vector<Value> fields(definition.field_names.size());
  for (const auto& [name, member] : *object) {
    const std::optional<size_t> field = definition.FindField(NameOfJson(name));
    if (!field) {
      return absl::InvalidArgumentError(
          base::StrCat("Found extraneous field in user type ", definition.name, ": ", name));
    }
    THOLOS_ASSIGN_OR_RETURN(fields[*field], FromJson(type.arguments()[*field], member));
  }
  return Value(data::EncodeTuple(fields));
}

}  // namespace

std::string ToJson(const DataType& type, const Value& value) {
  if (!value) return "null";
  if (type.is_simple()) {
    const bool text = type.id() == TypeId::kText || type.id() == TypeId::kAscii;
    if (value->empty() && !text) return type.id() == TypeId::kBlob ? "\"0x\"" : "\"\"";
    return SimpleToJson(type.id(), *value);
  }
  return type.id() == TypeId::kMap ? MapToJson(type, *value) : PartsToJson(type, *value);
}

absl::StatusOr<Value> FromJson(const DataType& type, const JsonValue& json) {
  if (json.is_null()) return Value();
  switch (type.id()) {
    case TypeId::kList:
    case TypeId::kSet:
    case TypeId::kVector:
      return SequenceFromJson(type, json);
    case TypeId::kMap:
      return MapFromJson(type, json);
    case TypeId::kTuple:
      return TupleFromJson(type, json);
    case TypeId::kUdt:
      return UdtFromJson(type, json);
    default:
      return SimpleFromJson(type, json);
  }
}

std::string JsonName(std::string_view name) {
  const bool plain =
      std::none_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  return plain ? std::string(name) : base::StrCat("\"", name, "\"");
}

std::string NameOfJson(std::string_view key) {
  if (key.size() > 1 && key.starts_with('"') && key.ends_with('"')) {
    return std::string(key.substr(1, key.size() - 2));
  }
  std::string lower(key);
  absl::AsciiStrToLower(&lower);
  return lower;
}

}  // namespace tholos::cql
