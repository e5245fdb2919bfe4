#include "data/types/data_type.h"

#include <bit>

#include "absl/strings/match.h"
#include "base/check.h"
#include "base/coding.h"
#include "base/strings.h"
#include "data/types/shown.h"

namespace tholos::data {
namespace {

struct TypeInfo {
  TypeId id;
  std::string_view name;
  size_t bytes;  // 0: any number
};

constexpr TypeInfo kTypes[] = {
    {TypeId::kBigint, "bigint", 8},   {TypeId::kBlob, "blob", 0},
    {TypeId::kBoolean, "boolean", 1}, {TypeId::kDouble, "double", 8},
    {TypeId::kInt, "int", 4},         {TypeId::kTimestamp, "timestamp", 8},
    {TypeId::kUuid, "uuid", 16},      {TypeId::kText, "text", 0},
};

const TypeInfo& InfoOf(TypeId id) {
  for (const TypeInfo& info : kTypes) {
    if (info.id == id) return info;
  }
  THOLOS_CHECK(false) << "type id " << static_cast<int>(id);
  __builtin_unreachable();
}

}  // namespace

absl::StatusOr<DataType> DataType::FromName(std::string_view name) {
  if (absl::EqualsIgnoreCase(base::ToAbsl(name), "varchar")) return DataType(TypeId::kText);
  for (const TypeInfo& info : kTypes) {
    if (absl::EqualsIgnoreCase(base::ToAbsl(name), base::ToAbsl(info.name))) {
      return DataType(info.id);
    }
  }
  return absl::InvalidArgumentError(
      base::StrCat("unknown type ", Shown(name),
                   " (known: text, int, bigint, boolean, double, blob, uuid, timestamp)"));
}

absl::StatusOr<DataType> DataType::FromId(uint16_t id) {
  for (const TypeInfo& info : kTypes) {
    if (static_cast<uint16_t>(info.id) == id) return DataType(info.id);
  }
  return absl::InvalidArgumentError(base::StrCat("unknown type id ", id));
}

std::string_view DataType::name() const { return InfoOf(id_).name; }

absl::Status DataType::Validate(std::string_view bytes) const {
  const TypeInfo& info = InfoOf(id_);
  if (info.bytes != 0 && bytes.size() != info.bytes) {
    return absl::InvalidArgumentError(base::StrCat(info.name, " takes ", info.bytes,
                                                   info.bytes == 1 ? " byte, not " : " bytes, not ",
                                                   bytes.size()));
  }
  if (id_ == TypeId::kText && !IsValidUtf8(bytes)) {
    return absl::InvalidArgumentError("text is not valid UTF-8");
  }
  if (id_ == TypeId::kBoolean && static_cast<uint8_t>(bytes[0]) > 1) {
    return absl::InvalidArgumentError(base::StrCat(
        "boolean takes the byte 0 or 1, not ", static_cast<int>(static_cast<uint8_t>(bytes[0]))));
  }
  return absl::OkStatus();
}

std::string EncodeInt(int32_t v) {
  std::string out;
  base::PutBigEndian32(&out, static_cast<uint32_t>(v));
  return out;
}

std::string EncodeBigint(int64_t v) {
  std::string out;
  base::PutBigEndian64(&out, static_cast<uint64_t>(v));
  return out;
}

std::string EncodeBoolean(bool v) { return std::string(1, v ? '\1' : '\0'); }

std::string EncodeDouble(double v) { return EncodeBigint(std::bit_cast<int64_t>(v)); }

int32_t DecodeInt(std::string_view bytes) {
  THOLOS_CHECK(bytes.size() == 4) << bytes.size();
  return static_cast<int32_t>(base::LoadBigEndian32(bytes.data()));
}

int64_t DecodeBigint(std::string_view bytes) {
  THOLOS_CHECK(bytes.size() == 8) << bytes.size();
  return static_cast<int64_t>(base::LoadBigEndian64(bytes.data()));
}

bool DecodeBoolean(std::string_view bytes) {
  THOLOS_CHECK(bytes.size() == 1) << bytes.size();
  return bytes[0] != 0;
}

double DecodeDouble(std::string_view bytes) { return std::bit_cast<double>(DecodeBigint(bytes)); }

}  // namespace tholos::data
