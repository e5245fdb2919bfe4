#include "node/grpc/values.h"

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "data/types/date.h"
#include "data/types/duration.h"
#include "data/types/elements.h"

namespace tholos::node {
namespace {

namespace pb = ::tholos::v1;
using data::TypeId;

absl::StatusOr<data::Value> Encode(const pb::Value& value, int depth);

absl::StatusOr<std::string> Sized(const std::string& bytes, size_t a, size_t b,
                                  std::string_view kind) {
  if (bytes.size() == a || bytes.size() == b) return bytes;
  return base::InvalidRequest(
      base::StrCat("a value of kind ", kind, " does not have ", bytes.size(), " bytes"));
}

absl::StatusOr<int64_t> InRange(int64_t v, int64_t lowest, int64_t highest, std::string_view kind) {
  if (v >= lowest && v <= highest) return v;
  return base::InvalidRequest(base::StrCat(v, " is out of range for kind ", kind));
}

// A big integer's bytes: absent ones are no number.
absl::StatusOr<std::string> EncodeVarint(const std::string& bytes, std::string_view kind) {
  if (!bytes.empty()) return bytes;
  return base::InvalidRequest(base::StrCat("a value of kind ", kind, " has at least 1 byte"));
}

absl::StatusOr<std::string> EncodeDecimal(const pb::Decimal& v) {
  THOLOS_ASSIGN_OR_RETURN(const std::string unscaled, EncodeVarint(v.unscaled(), "decimal"));
  return data::EncodeInt(v.scale()) + unscaled;
}

absl::StatusOr<std::string> EncodeValues(const pb::Values& values, bool nulls, int depth) {
  std::vector<data::Value> parts;
  parts.reserve(values.values_size());
  for (const pb::Value& part : values.values()) {
    THOLOS_ASSIGN_OR_RETURN(data::Value bytes, Encode(part, depth + 1));
    if (!bytes.has_value() && !nulls)
      return base::InvalidRequest("null is not allowed inside collections");
    parts.push_back(std::move(bytes));
  }
  std::string fields = data::EncodeTuple(parts);
  return nulls ? fields : data::EncodeInt(values.values_size()) + fields;
}

absl::StatusOr<std::string> EncodeEntries(const pb::Entries& map, int depth) {
  std::vector<data::Value> parts;
  parts.reserve(2 * static_cast<size_t>(map.entries_size()));
  for (const pb::Entry& entry : map.entries()) {
    for (const pb::Value* part : {&entry.key(), &entry.value()}) {
      THOLOS_ASSIGN_OR_RETURN(data::Value bytes, Encode(*part, depth + 1));
      if (!bytes.has_value()) return base::InvalidRequest("null is not allowed inside collections");
      parts.push_back(std::move(bytes));
    }
  }
  return data::EncodeInt(map.entries_size()) + data::EncodeTuple(parts);
}

absl::StatusOr<std::string> EncodeKind(const pb::Value& value, int depth) {
  switch (value.kind_case()) {
    case pb::Value::kCql:
      return value.cql();
    case pb::Value::kText:
      return value.text();
    case pb::Value::kInt:
      return data::EncodeInt(value.int_());
    case pb::Value::kBigint:
      return data::EncodeBigint(value.bigint());
    case pb::Value::kBoolean:
      return data::EncodeBoolean(value.boolean());
    case pb::Value::kDouble:
      return data::EncodeDouble(value.double_());
    case pb::Value::kBlob:
      return value.blob();
    case pb::Value::kUuid:
      return Sized(value.uuid(), 16, 16, "uuid");
    case pb::Value::kTimestamp:
      return data::EncodeBigint(value.timestamp());
    case pb::Value::kFloat:
      return data::EncodeFloat(value.float_());
    case pb::Value::kSmallint: {
      using Limits = std::numeric_limits<int16_t>;
      THOLOS_ASSIGN_OR_RETURN(const int64_t v,
                              InRange(value.smallint(), Limits::min(), Limits::max(), "smallint"));
      return data::EncodeSmallint(static_cast<int16_t>(v));
    }
    case pb::Value::kTinyint: {
      using Limits = std::numeric_limits<int8_t>;
      THOLOS_ASSIGN_OR_RETURN(const int64_t v,
                              InRange(value.tinyint(), Limits::min(), Limits::max(), "tinyint"));
      return data::EncodeTinyint(static_cast<int8_t>(v));
    }
    case pb::Value::kVarint:
      return EncodeVarint(value.varint(), "varint");
    case pb::Value::kDecimal:
      return EncodeDecimal(value.decimal());
    case pb::Value::kDate: {
      using Limits = std::numeric_limits<int32_t>;
      THOLOS_ASSIGN_OR_RETURN(const int64_t v,
                              InRange(value.date(), Limits::min(), Limits::max(), "date"));
      return data::EncodeDate(static_cast<uint32_t>(v + data::kEpochDay));
    }
    case pb::Value::kTime:
      return data::EncodeBigint(value.time());
    case pb::Value::kDuration:
      return data::EncodeDuration(
          {value.duration().months(), value.duration().days(), value.duration().nanoseconds()});
    case pb::Value::kInet:
      return Sized(value.inet(), 4, 16, "inet");
    case pb::Value::kList:
      return EncodeValues(value.list(), false, depth);
    case pb::Value::kMap:
      return EncodeEntries(value.map(), depth);
    case pb::Value::kTuple:
      return EncodeValues(value.tuple(), true, depth);
    case pb::Value::kFloatVector: {
      std::string bytes;
      for (const float v : value.float_vector().values()) bytes += data::EncodeFloat(v);
      return bytes;
    }
    case pb::Value::kUnset:
      return base::InvalidRequest("unset is not allowed inside a value");
    case pb::Value::KIND_NOT_SET:
      break;
  }
  return base::InvalidRequest("a value of a kind this server does not know");
}

absl::StatusOr<data::Value> Encode(const pb::Value& value, int depth) {
  if (value.kind_case() == pb::Value::KIND_NOT_SET) return data::Value();
  if (depth > kValueDepthMax)
    return base::InvalidRequest(base::StrCat("values nest deeper than ", kValueDepthMax));
  THOLOS_ASSIGN_OR_RETURN(std::string bytes, EncodeKind(value, depth));
  return data::Value(std::move(bytes));
}

void ToPart(const data::DataType& type, std::optional<std::string_view> bytes, pb::Value* out) {
  if (bytes.has_value()) ToTypedValue(type, *bytes, out);
}

void ToParts(const data::DataType& type, std::string_view bytes, pb::Values* out) {
  for (data::ElementReader in(type, bytes); in.Next();)
    ToPart(in.type(), in.part(), out->add_values());
}

void ToEntries(const data::DataType& type, std::string_view bytes, pb::Entries* out) {
  data::ElementReader in(type, bytes);
  while (in.Next()) {
    pb::Entry* entry = out->add_entries();
    ToPart(in.type(), in.part(), entry->mutable_key());
    if (!in.Next()) return;
    ToPart(in.type(), in.part(), entry->mutable_value());
  }
}

void ToDuration(std::string_view bytes, pb::Duration* out) {
  const auto v = data::DecodeDuration(bytes);
  if (!v.ok()) return;
  out->set_months(v->months);
  out->set_days(v->days);
  out->set_nanoseconds(v->nanos);
}

void ToVector(const data::DataType& type, std::string_view bytes, pb::Value* out) {
  if (type.arguments()[0].id() != TypeId::kFloat) {
    out->set_cql(std::string(bytes));
    return;
  }
  for (const std::string_view part : data::ElementsOf(type, bytes))
    out->mutable_float_vector()->add_values(data::DecodeFloat(part));
}

}  // namespace

absl::StatusOr<data::Value> ToBytes(const pb::Value& value) { return Encode(value, 0); }

namespace {

std::optional<TypeId> IdOfKind(pb::Value::KindCase kind) {
  switch (kind) {
    case pb::Value::kText:
      return TypeId::kText;
    case pb::Value::kInt:
      return TypeId::kInt;
    case pb::Value::kBigint:
      return TypeId::kBigint;
    case pb::Value::kBoolean:
      return TypeId::kBoolean;
    case pb::Value::kDouble:
      return TypeId::kDouble;
    case pb::Value::kBlob:
      return TypeId::kBlob;
    case pb::Value::kUuid:
      return TypeId::kUuid;
    case pb::Value::kTimestamp:
      return TypeId::kTimestamp;
    case pb::Value::kFloat:
      return TypeId::kFloat;
    case pb::Value::kSmallint:
      return TypeId::kSmallint;
    case pb::Value::kTinyint:
      return TypeId::kTinyint;
    case pb::Value::kVarint:
      return TypeId::kVarint;
    case pb::Value::kDecimal:
      return TypeId::kDecimal;
    case pb::Value::kDate:
      return TypeId::kDate;
    case pb::Value::kTime:
      return TypeId::kTime;
    case pb::Value::kDuration:
      return TypeId::kDuration;
    case pb::Value::kInet:
      return TypeId::kInet;
    case pb::Value::kList:
      return TypeId::kList;
    case pb::Value::kMap:
      return TypeId::kMap;
    case pb::Value::kTuple:
      return TypeId::kTuple;
    case pb::Value::kFloatVector:
      return TypeId::kVector;
    case pb::Value::kCql:
    case pb::Value::kUnset:
    case pb::Value::KIND_NOT_SET:
      break;
  }
  return std::nullopt;
}

// Unless those before are of the same kinds.
void AddKinds(std::initializer_list<const pb::Value*> values, std::vector<cql::GivenKind>* parts) {
  std::vector<cql::GivenKind> kinds;
  for (const pb::Value* value : values) kinds.push_back(ToKind(*value));
  if (parts->size() >= kinds.size() &&
      std::equal(kinds.begin(), kinds.end(),
                 parts->end() - static_cast<std::ptrdiff_t>(kinds.size())))
    return;
  for (cql::GivenKind& kind : kinds) parts->push_back(std::move(kind));
}

}  // namespace

cql::GivenKind ToKind(const pb::Value& value) {
  cql::GivenKind kind{.id = IdOfKind(value.kind_case()), .parts = nullptr};
  std::vector<cql::GivenKind> parts;
  for (const pb::Value& element : value.list().values()) AddKinds({&element}, &parts);
  for (const pb::Entry& entry : value.map().entries())
    AddKinds({&entry.key(), &entry.value()}, &parts);
  for (const pb::Value& field : value.tuple().values()) parts.push_back(ToKind(field));
  if (!parts.empty())
    kind.parts = std::make_shared<const std::vector<cql::GivenKind>>(std::move(parts));
  return kind;
}

void ToTypedValue(const data::DataType& type, std::string_view bytes, pb::Value* out) {
  if (bytes.empty() && type.has_empty_value()) return out->set_cql("");
  switch (type.id()) {
    case TypeId::kAscii:
    case TypeId::kText:
      return out->set_text(std::string(bytes));
    case TypeId::kInt:
      return out->set_int_(data::DecodeInt(bytes));
    case TypeId::kBigint:
    case TypeId::kCounter:
      return out->set_bigint(data::DecodeBigint(bytes));
    case TypeId::kTimestamp:
      return out->set_timestamp(data::DecodeBigint(bytes));
    case TypeId::kBoolean:
      return out->set_boolean(data::DecodeBoolean(bytes));
    case TypeId::kDouble:
      return out->set_double_(data::DecodeDouble(bytes));
    case TypeId::kFloat:
      return out->set_float_(data::DecodeFloat(bytes));
    case TypeId::kBlob:
      return out->set_blob(std::string(bytes));
    case TypeId::kUuid:
    case TypeId::kTimeuuid:
      return out->set_uuid(std::string(bytes));
    case TypeId::kSmallint:
      return out->set_smallint(data::DecodeSmallint(bytes));
    case TypeId::kTinyint:
      return out->set_tinyint(data::DecodeTinyint(bytes));
    case TypeId::kVarint:
      return out->set_varint(std::string(bytes));
    case TypeId::kDecimal:
      out->mutable_decimal()->set_scale(data::DecodeInt(bytes.substr(0, 4)));
      return out->mutable_decimal()->set_unscaled(std::string(bytes.substr(4)));
    case TypeId::kDate:
      return out->set_date(int64_t{data::DecodeDate(bytes)} - int64_t{data::kEpochDay});
    case TypeId::kTime:
      return out->set_time(data::DecodeBigint(bytes));
    case TypeId::kDuration:
      return ToDuration(bytes, out->mutable_duration());
    case TypeId::kInet:
      return out->set_inet(std::string(bytes));
    case TypeId::kList:
    case TypeId::kSet:
      return ToParts(type, bytes, out->mutable_list());
    case TypeId::kMap:
      return ToEntries(type, bytes, out->mutable_map());
    case TypeId::kTuple:
    case TypeId::kUdt:
      return ToParts(type, bytes, out->mutable_tuple());
    case TypeId::kVector:
      return ToVector(type, bytes, out);
  }
}

void ToType(const data::DataType& type, pb::Type* out) {
  out->set_id(static_cast<uint32_t>(type.id()));
  out->set_frozen(type.frozen());
  for (const data::DataType& argument : type.arguments()) ToType(argument, out->add_arguments());
  if (type.id() == TypeId::kVector) out->set_dimension(type.dimension());
  if (type.id() != TypeId::kUdt) return;
  out->set_keyspace(type.user_type().keyspace);
  out->set_name(type.user_type().name);
  for (const std::string& field : type.user_type().field_names) out->add_field_names(field);
}

}  // namespace tholos::node
