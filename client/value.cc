#include "client/value.h"

#include <cmath>

#include "base/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "data/types/calendar.h"
#include "data/types/date.h"
#include "data/types/elements.h"

namespace tholos::client {

using data::DataType;
using data::TypeId;

namespace {

absl::Status NoValueOf(std::string_view what, const DataType& type) {
  return base::InvalidRequest(base::StrCat(what, " is no value of type ", type.name()));
}

bool IsText(const DataType& type) {
  return type.id() == TypeId::kText || type.id() == TypeId::kAscii;
}

absl::StatusOr<std::string> EncodeInteger(int64_t v, const DataType& type) {
  const auto checked = [&](auto narrow, auto encode) -> absl::StatusOr<std::string> {
    using Narrow = decltype(narrow);
    if (!std::in_range<Narrow>(v)) return internal::DoesNotFit(v, type.name());
    return encode(static_cast<Narrow>(v));
  };
  switch (type.id()) {
    case TypeId::kTinyint:
      return checked(int8_t{}, data::EncodeTinyint);
    case TypeId::kSmallint:
      return checked(int16_t{}, data::EncodeSmallint);
    case TypeId::kInt:
      return checked(int32_t{}, data::EncodeInt);
    case TypeId::kBigint:
    case TypeId::kCounter:
    case TypeId::kTimestamp:
    case TypeId::kTime:
      return data::EncodeBigint(v);
    case TypeId::kFloat:
      return data::EncodeFloat(static_cast<float>(v));
    case TypeId::kDouble:
      return data::EncodeDouble(static_cast<double>(v));
    case TypeId::kVarint:
    case TypeId::kDecimal:
      return type.FromText(base::StrCat(v));
    default:
      return NoValueOf("an integer", type);
  }
}

absl::StatusOr<std::string> EncodeTime(absl::Time v, const DataType& type) {
  const int64_t millis = absl::ToUnixMillis(v);
  if (type.id() == TypeId::kTimestamp) return data::EncodeBigint(millis);
  if (type.id() != TypeId::kDate) return NoValueOf("a time", type);
  constexpr int64_t kMillisPerDay = 86'400'000;
  const int64_t day = millis / kMillisPerDay - (millis % kMillisPerDay < 0 ? 1 : 0);
  if (!std::in_range<int32_t>(day)) return internal::DoesNotFit(day, type.name());
  return data::EncodeDate(static_cast<uint32_t>(day + data::kEpochDay));
}

// Count (4), then each as length (4) and bytes.
std::string Counted(size_t count, const std::vector<data::Value>& parts) {
  return data::EncodeInt(static_cast<int32_t>(count)) + data::EncodeTuple(parts);
}

}  // namespace

Value Value::Map(std::vector<std::pair<Value, Value>> entries) {
  Entries kind;
  kind.keys_and_values.reserve(2 * entries.size());
  for (auto& [key, value] : entries) {
    kind.keys_and_values.push_back(std::move(key));
    kind.keys_and_values.push_back(std::move(value));
  }
  return Value(Kind(std::move(kind)));
}

struct Value::Encoder {
  const DataType& type;
  using Result = absl::StatusOr<data::Value>;

  static Result Of(absl::StatusOr<std::string> bytes) {
    if (!bytes.ok()) return bytes.status();
    return data::Value(*std::move(bytes));
  }
  static absl::StatusOr<data::Value> Element(const Value& value, const DataType& type) {
    THOLOS_ASSIGN_OR_RETURN(data::Value bytes, value.Encode(type));
    if (!bytes.has_value()) return base::InvalidRequest("null is not allowed inside collections");
    return bytes;
  }

  Result operator()(std::monostate) const { return data::Value(); }
  Result operator()(UnsetKind) const {
    return base::InvalidRequest("unset is not allowed inside a value");
  }
  Result operator()(const RawKind& v) const { return data::Value(v.bytes); }
  Result operator()(bool v) const {
    if (type.id() == TypeId::kBoolean) return data::Value(data::EncodeBoolean(v));
    return NoValueOf("a bool", type);
  }
  Result operator()(int64_t v) const { return Of(EncodeInteger(v, type)); }
  Result operator()(double v) const {
    if (type.id() == TypeId::kDouble) return data::Value(data::EncodeDouble(v));
    if (type.id() == TypeId::kFloat) return data::Value(data::EncodeFloat(static_cast<float>(v)));
    return NoValueOf("a double", type);
  }
  Result operator()(const Text& v) const {
    if (IsText(type)) return data::Value(v.text);
    if (type.id() == TypeId::kBlob) return NoValueOf("a text", type);
    auto bytes = type.FromText(v.text);
    if (!bytes.ok())
      return base::InvalidRequest(base::StrCat("'", v.text.substr(0, 64), "' is no ", type.name(),
                                               ": ", base::ToStd(bytes.status().message())));
    return data::Value(*std::move(bytes));
  }
  Result operator()(const BlobKind& v) const {
    if (type.id() == TypeId::kBlob) return data::Value(v.bytes);
    return NoValueOf("a blob", type);
  }
  Result operator()(const base::Uuid& v) const {
    if (type.id() == TypeId::kUuid || type.id() == TypeId::kTimeuuid)
      return data::Value(std::string(v.AsBytes()));
    return NoValueOf("a uuid", type);
  }
  Result operator()(absl::Time v) const { return Of(EncodeTime(v, type)); }

  Result operator()(const Parts& v) const {
    switch (type.id()) {
      case TypeId::kTuple:
      case TypeId::kUdt:
        return Fields(v.values);
      case TypeId::kList:
      case TypeId::kSet:
      case TypeId::kVector:
        if (!v.tuple) return Elements(v.values);
        break;
      default:
        break;
    }
    return NoValueOf(v.tuple ? "a tuple" : "a list", type);
  }

  Result Elements(const std::vector<Value>& values) const {
    std::vector<data::Value> parts;
    for (const Value& value : values) {
      THOLOS_ASSIGN_OR_RETURN(data::Value part, Element(value, type.arguments()[0]));
      parts.push_back(std::move(part));
    }
    if (type.id() != TypeId::kVector) return data::Value(Counted(parts.size(), parts));
    if (parts.size() != type.dimension())
      return NoValueOf(base::StrCat("a list of ", parts.size()), type);
    std::vector<std::string_view> views;
    for (const data::Value& part : parts) views.push_back(*part);
    return data::Value(data::EncodeVector(type, views));
  }

  Result Fields(const std::vector<Value>& values) const {
    const std::vector<DataType>& types = type.arguments();
    if (values.size() > types.size())
      return NoValueOf(base::StrCat("a tuple of ", values.size()), type);
    std::vector<data::Value> parts;
    for (size_t i = 0; i < values.size(); ++i) {
      THOLOS_ASSIGN_OR_RETURN(data::Value part, values[i].Encode(types[i]));
      parts.push_back(std::move(part));
    }
    return data::Value(data::EncodeTuple(parts));
  }

  Result operator()(const Entries& v) const {
    if (type.id() == TypeId::kUdt) return NamedFields(v.keys_and_values);
    if (type.id() != TypeId::kMap) return NoValueOf("a map", type);
    std::vector<data::Value> parts;
    for (size_t i = 0; i < v.keys_and_values.size(); ++i) {
      THOLOS_ASSIGN_OR_RETURN(data::Value part,
                              Element(v.keys_and_values[i], type.arguments()[i % 2]));
      parts.push_back(std::move(part));
    }
    return data::Value(Counted(parts.size() / 2, parts));
  }

  Result NamedFields(const std::vector<Value>& keys_and_values) const {
    std::vector<Value> fields(type.arguments().size());
    for (size_t i = 0; i < keys_and_values.size(); i += 2) {
      const auto* name = std::get_if<Text>(&keys_and_values[i].kind_);
      const auto field = name == nullptr ? std::nullopt : type.user_type().FindField(name->text);
      if (!field.has_value())
        return base::InvalidRequest(
            base::StrCat(type.name(), " has no field '", name == nullptr ? "" : name->text, "'"));
      fields[*field] = keys_and_values[i + 1];
    }
    return Fields(fields);
  }
};

absl::StatusOr<data::Value> Value::Encode(const DataType& type) const {
  return std::visit(Encoder{type}, kind_);
}

namespace internal {

absl::Status DoesNotFit(int64_t number, std::string_view where) {
  return base::InvalidRequest(base::StrCat(number, " does not fit, or is out of range of ", where));
}

absl::Status IsNull() { return base::InvalidRequest("the value is null"); }

absl::StatusOr<std::vector<std::string_view>> Parts(const DataType& type, std::string_view bytes,
                                                    bool pairs) {
  const bool fits = pairs ? type.id() == TypeId::kMap
                          : type.id() == TypeId::kList || type.id() == TypeId::kSet ||
                                type.id() == TypeId::kVector;
  if (!fits) {
    return base::InvalidRequest(
        base::StrCat("a ", type.name(), " does not become a ", pairs ? "std::map" : "std::vector"));
  }
  THOLOS_RETURN_IF_ERROR(type.Validate(bytes));
  std::vector<std::string_view> parts;
  for (data::ElementReader in(type, bytes); in.Next();) parts.push_back(*in.part());
  return parts;
}

const DataType& PartType(const DataType& type, size_t index) { return type.arguments()[index]; }

}  // namespace internal

namespace {

absl::Status CannotBecome(const DataType& type, std::string_view what) {
  return base::InvalidRequest(base::StrCat("a ", type.name(), " does not become ", what));
}

}  // namespace

absl::Status Decode(const DataType& type, std::string_view bytes, bool* out) {
  if (type.id() != TypeId::kBoolean) return CannotBecome(type, "a bool");
  THOLOS_RETURN_IF_ERROR(type.Validate(bytes));
  *out = data::DecodeBoolean(bytes);
  return absl::OkStatus();
}

absl::Status Decode(const DataType& type, std::string_view bytes, int64_t* out) {
  THOLOS_RETURN_IF_ERROR(type.Validate(bytes));
  switch (type.id()) {
    case TypeId::kTinyint:
      *out = data::DecodeTinyint(bytes);
      return absl::OkStatus();
    case TypeId::kSmallint:
      *out = data::DecodeSmallint(bytes);
      return absl::OkStatus();
    case TypeId::kInt:
      *out = data::DecodeInt(bytes);
      return absl::OkStatus();
    case TypeId::kBigint:
    case TypeId::kCounter:
    case TypeId::kTimestamp:
    case TypeId::kTime:
      *out = data::DecodeBigint(bytes);
      return absl::OkStatus();
    case TypeId::kVarint: {
      const std::string text = type.ToDisplay(bytes);
      if (absl::SimpleAtoi(text, out)) return absl::OkStatus();
      return base::InvalidRequest(base::StrCat("the varint ", text, " does not fit 64 bits"));
    }
    default:
      return CannotBecome(type, "an integer");
  }
}

absl::Status Decode(const DataType& type, std::string_view bytes, double* out) {
  THOLOS_RETURN_IF_ERROR(type.Validate(bytes));
  if (type.id() == TypeId::kDouble) {
    *out = data::DecodeDouble(bytes);
  } else if (type.id() == TypeId::kFloat) {
    *out = data::DecodeFloat(bytes);
  } else {
    return CannotBecome(type, "a double");
  }
  return absl::OkStatus();
}

absl::Status Decode(const DataType& type, std::string_view bytes, std::string* out) {
  THOLOS_RETURN_IF_ERROR(type.Validate(bytes));
  const bool as_they_are = IsText(type) || type.id() == TypeId::kBlob;
  *out = as_they_are ? std::string(bytes) : type.ToDisplay(bytes);
  return absl::OkStatus();
}

absl::Status Decode(const DataType& type, std::string_view bytes, base::Uuid* out) {
  if (type.id() != TypeId::kUuid && type.id() != TypeId::kTimeuuid)
    return CannotBecome(type, "a uuid");
  THOLOS_ASSIGN_OR_RETURN(*out, base::Uuid::FromBytes(bytes));
  return absl::OkStatus();
}

absl::Status Decode(const DataType& type, std::string_view bytes, absl::Time* out) {
  THOLOS_RETURN_IF_ERROR(type.Validate(bytes));
  if (type.id() == TypeId::kTimestamp) {
    *out = absl::FromUnixMillis(data::DecodeBigint(bytes));
  } else if (type.id() == TypeId::kDate) {
    *out = absl::UnixEpoch() +
           (int64_t{data::DecodeDate(bytes)} - int64_t{data::kEpochDay}) * absl::Hours(24);
  } else {
    return CannotBecome(type, "a time");
  }
  return absl::OkStatus();
}

}  // namespace tholos::client
