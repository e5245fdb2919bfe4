// Which bytes are values of which type, and the form in which they are kept.
#include "base/status_macros.h"
#include "base/strings.h"
#include "data/types/data_type.h"
#include "data/types/date.h"
#include "data/types/decimal.h"
#include "data/types/duration.h"
#include "data/types/elements.h"
#include "data/types/type_info.h"
#include "data/types/varint.h"

namespace tholos::data {
namespace {

absl::Status Invalid(std::string_view type, std::string_view what) {
  return absl::InvalidArgumentError(base::StrCat(type, " ", what));
}

absl::Status CheckSize(const SimpleType& info, size_t size) {
  if (info.bytes == 0 || size == info.bytes || (size == 0 && info.has_empty_value)) {
    return absl::OkStatus();
  }
  return Invalid(info.name, base::StrCat("takes ", info.bytes, info.bytes == 1 ? " byte" : " bytes",
                                         ", not ", size));
}

bool IsAscii(std::string_view bytes) {
  for (const char c : bytes) {
    if ((c & 0x80) != 0) return false;
  }
  return true;
}

// Beyond the size.
absl::Status CheckSimple(TypeId id, std::string_view bytes) {
  switch (id) {
    case TypeId::kText:
      return IsValidUtf8(bytes) ? absl::OkStatus() : Invalid("text", "is not valid UTF-8");
    case TypeId::kAscii:
      return IsAscii(bytes) ? absl::OkStatus() : Invalid("ascii", "takes characters below 0x80");
    case TypeId::kBoolean:
      if (bytes.empty() || static_cast<uint8_t>(bytes[0]) <= 1) return absl::OkStatus();
      return Invalid("boolean", base::StrCat("takes the byte 0 or 1, not ",
                                             int{static_cast<uint8_t>(bytes[0])}));
    case TypeId::kTimeuuid:
      if (bytes.empty() || (bytes[6] & 0xF0) == 0x10) return absl::OkStatus();
      return Invalid("timeuuid", base::StrCat("takes version 1, not ",
                                              int{static_cast<uint8_t>(bytes[6])} >> 4));
    case TypeId::kInet:
      if (bytes.empty() || bytes.size() == 4 || bytes.size() == 16) return absl::OkStatus();
      return Invalid("inet", base::StrCat("takes 4 or 16 bytes, not ", bytes.size()));
    case TypeId::kTime:
      if (static_cast<uint64_t>(DecodeBigint(bytes)) < uint64_t{kNanosPerDay}) {
        return absl::OkStatus();
      }
      return Invalid("time", base::StrCat("takes 0 to ", kNanosPerDay - 1, " nanoseconds, not ",
                                          DecodeBigint(bytes)));
    case TypeId::kVarint:
      if (bytes.size() <= kVarintBytesMax) return absl::OkStatus();
      return Invalid("varint",
                     base::StrCat("takes ", kVarintBytesMax, " bytes at most, not ", bytes.size()));
    case TypeId::kDecimal:
      return ValidateDecimal(bytes);
    case TypeId::kDuration:
      return DecodeDuration(bytes).status();
    default:
      return absl::OkStatus();
  }
}

std::string_view PartName(const DataType& type) {
  return type.id() == TypeId::kTuple || type.id() == TypeId::kUdt ? "field" : "element";
}

absl::Status InPart(const DataType& type, size_t index, const absl::Status& status) {
  return absl::InvalidArgumentError(base::StrCat(type.name(), ": ", PartName(type), " ", index,
                                                 ": ", base::ToStd(status.message())));
}

absl::Status MalformedParts(const DataType& type, size_t read) {
  return absl::InvalidArgumentError(
      base::StrCat(type.name(), ": after ", read, read == 1 ? " part" : " parts",
                   ": the bytes are cut short, too many, or a null where there may be none"));
}

absl::Status CheckPart(const DataType& type, const ElementReader& in, size_t index) {
  if (!in.part().has_value()) return absl::OkStatus();
  const absl::Status valid = in.type().Validate(*in.part());
  return valid.ok() ? valid : InPart(type, index, valid);
}

// The parts of `type`, each in its normal form.
absl::StatusOr<std::vector<Value>> NormalParts(const DataType& type, std::string_view bytes) {
  std::vector<Value> parts;
  ElementReader in(type, bytes);
  while (in.Next()) {
    if (!in.part().has_value()) {
      parts.emplace_back();
      continue;
    }
    absl::StatusOr<std::string> part = in.type().Normalize(std::string(*in.part()));
    if (!part.ok()) return InPart(type, parts.size(), part.status());
    parts.push_back(*std::move(part));
  }
  if (!in.ok()) return MalformedParts(type, parts.size());
  return parts;
}

std::vector<std::string_view> Views(const std::vector<Value>& parts) {
  std::vector<std::string_view> views;
  views.reserve(parts.size());
  for (const Value& part : parts) views.push_back(*part);
  return views;
}

}  // namespace

absl::Status DataType::Validate(std::string_view bytes) const {
  if (is_simple()) {
    THOLOS_RETURN_IF_ERROR(CheckSize(*FindSimple(id_), bytes.size()));
    return CheckSimple(id_, bytes);
  }
  const bool sorted = id_ == TypeId::kSet || id_ == TypeId::kMap;
  ElementReader in(*this, bytes);
  std::optional<std::string_view> previous;
  size_t index = 0;
  for (; !in.OnlyNullsLeft() && in.Next(); ++index) {
    THOLOS_RETURN_IF_ERROR(CheckPart(*this, in, index));
    if (!sorted || index % arguments().size() != 0) continue;
    if (previous.has_value() && in.type().Compare(*previous, *in.part()) >= 0) {
      return absl::InvalidArgumentError(base::StrCat(
          name(), ": element ", index / arguments().size(), " is not above the one before it"));
    }
    previous = in.part();
  }
  if (!in.ok()) return MalformedParts(*this, index);
  return absl::OkStatus();
}

absl::StatusOr<std::string> DataType::Normalize(std::string bytes) const {
  if (is_simple()) {
    THOLOS_RETURN_IF_ERROR(Validate(bytes));
    return bytes;
  }
  // What needs no work is the rule.
  if (!References(TypeId::kSet) && !References(TypeId::kMap)) {
    THOLOS_RETURN_IF_ERROR(Validate(bytes));
    return bytes;
  }
  THOLOS_ASSIGN_OR_RETURN(std::vector<Value> parts, NormalParts(*this, bytes));
  switch (id_) {
    case TypeId::kList:
      return EncodeList(Views(parts));
    case TypeId::kSet:
      return EncodeSet(*this, Views(parts));
    case TypeId::kMap: {
      std::vector<std::pair<std::string_view, std::string_view>> entries;
      entries.reserve(parts.size() / 2);
      for (size_t i = 0; i + 1 < parts.size(); i += 2)
        entries.emplace_back(*parts[i], *parts[i + 1]);
      return EncodeMap(*this, std::move(entries));
    }
    case TypeId::kVector:
      return EncodeVector(*this, Views(parts));
    default:
      return EncodeTuple(parts);
  }
}

}  // namespace tholos::data
