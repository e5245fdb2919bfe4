#include "cql/protocol/type.h"

#include "absl/strings/escaping.h"
#include "base/strings.h"
#include "cql/protocol/wire.h"

namespace tholos::cql::protocol {
namespace {

using data::DataType;
using data::TypeId;

constexpr uint16_t kCustom = 0x0000;

std::string_view SimpleClass(TypeId id) {
  switch (id) {
    case TypeId::kAscii:
      return "AsciiType";
    case TypeId::kBigint:
      return "LongType";
    case TypeId::kBlob:
      return "BytesType";
    case TypeId::kBoolean:
      return "BooleanType";
    case TypeId::kCounter:
      return "CounterColumnType";
    case TypeId::kDecimal:
      return "DecimalType";
    case TypeId::kDouble:
      return "DoubleType";
    case TypeId::kFloat:
      return "FloatType";
    case TypeId::kInt:
      return "Int32Type";
    case TypeId::kTimestamp:
      return "TimestampType";
    case TypeId::kUuid:
      return "UUIDType";
    case TypeId::kText:
      return "UTF8Type";
    case TypeId::kVarint:
      return "IntegerType";
    case TypeId::kTimeuuid:
      return "TimeUUIDType";
    case TypeId::kInet:
      return "InetAddressType";
    case TypeId::kDate:
      return "SimpleDateType";
    case TypeId::kTime:
      return "TimeType";
    case TypeId::kSmallint:
      return "ShortType";
    case TypeId::kTinyint:
      return "ByteType";
    case TypeId::kDuration:
      return "DurationType";
    case TypeId::kList:
      return "ListType";
    case TypeId::kMap:
      return "MapType";
    case TypeId::kSet:
      return "SetType";
    case TypeId::kTuple:
      return "TupleType";
    case TypeId::kUdt:
      return "UserType";
    case TypeId::kVector:
      return "VectorType";
  }
  return "BytesType";
}

std::string Hex(std::string_view text) { return absl::BytesToHexString(base::ToAbsl(text)); }

// UserType(<keyspace>,<name in hexadecimal>,<field in hexadecimal>:<type>,...)
std::string UserTypeArguments(const data::UserType& type) {
  std::string out = base::StrCat(type.keyspace, ",", Hex(type.name));
  for (size_t i = 0; i < type.field_names.size(); ++i) {
    base::StrAppend(&out, ",", Hex(type.field_names[i]), ":", TypeClassName(type.field_types[i]));
  }
  return out;
}

// Whether `version` has an option id for the type.
bool Knows(uint8_t version, TypeId id) {
  switch (id) {
    case TypeId::kVector:
      return false;
    case TypeId::kDuration:
      return version >= 5;
    case TypeId::kDate:
    case TypeId::kTime:
    case TypeId::kSmallint:
    case TypeId::kTinyint:
      return version >= 4;
    default:
      return true;
  }
}

}  // namespace

std::string TypeClassName(const DataType& type) {
  std::string out = base::StrCat("org.apache.cassandra.db.marshal.", SimpleClass(type.id()));
  if (type.is_simple()) return out;
  out += "(";
  if (type.id() == TypeId::kVector) {
    base::StrAppend(&out, TypeClassName(type.arguments()[0]), " , ", type.dimension());
  } else if (type.id() == TypeId::kUdt) {
    out += UserTypeArguments(type.user_type());
  } else {
    bool first = true;
    for (const DataType& argument : type.arguments()) {
      base::StrAppend(&out, first ? "" : ",", TypeClassName(argument));
      first = false;
    }
  }
  out += ")";
  if (type.frozen() && type.id() != TypeId::kTuple) {
    return base::StrCat("org.apache.cassandra.db.marshal.FrozenType(", out, ")");
  }
  return out;
}

void PutType(uint8_t version, const DataType& type, std::string* out) {
  if (!Knows(version, type.id())) {
    PutShort(out, kCustom);
    return PutString(out, TypeClassName(type));
  }
  PutShort(out, static_cast<uint16_t>(type.id()));
  if (type.id() == TypeId::kUdt) {
    const data::UserType& definition = type.user_type();
    PutString(out, definition.keyspace);
    PutString(out, definition.name);
    PutShort(out, static_cast<uint16_t>(definition.field_names.size()));
    for (size_t i = 0; i < definition.field_names.size(); ++i) {
      PutString(out, definition.field_names[i]);
      PutType(version, definition.field_types[i], out);
    }
    return;
  }
  if (type.id() == TypeId::kTuple) {
    PutShort(out, static_cast<uint16_t>(type.arguments().size()));
  }
  if (type.is_simple()) return;
  for (const DataType& argument : type.arguments()) PutType(version, argument, out);
}

}  // namespace tholos::cql::protocol
