#include "cql/given_kind.h"

#include <string>

#include "base/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace tholos::cql {
namespace {

using data::TypeId;

bool StandsFor(TypeId kind, TypeId type) {
  switch (type) {
    case TypeId::kAscii:
      return kind == TypeId::kText;
    case TypeId::kCounter:
      return kind == TypeId::kBigint;
    case TypeId::kTimeuuid:
      return kind == TypeId::kUuid;
    case TypeId::kSet:
      return kind == TypeId::kList;
    case TypeId::kUdt:
      return kind == TypeId::kTuple;
    default:
      return kind == type;
  }
}

std::string NameOf(TypeId kind) {
  switch (kind) {
    case TypeId::kList:
      return "list";
    case TypeId::kMap:
      return "map";
    case TypeId::kTuple:
      return "tuple";
    case TypeId::kVector:
      return "float_vector";
    default:
      return std::string(data::DataType(kind).name());
  }
}

absl::Status CheckParts(const std::vector<GivenKind>& parts, const data::DataType& type) {
  const auto& arguments = type.arguments();
  const bool by_place = type.id() == TypeId::kTuple || type.id() == TypeId::kUdt;
  for (size_t i = 0; i < parts.size(); ++i) {
    // One field too many is for the bytes to say.
    if (by_place && i >= arguments.size()) break;
    THOLOS_RETURN_IF_ERROR(CheckKind(parts[i], arguments[by_place ? i : i % arguments.size()]));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckKind(const GivenKind& kind, const data::DataType& type) {
  if (!kind.id.has_value()) return absl::OkStatus();
  const bool of_floats = type.id() != TypeId::kVector || type.arguments()[0].id() == TypeId::kFloat;
  if (!StandsFor(*kind.id, type.id()) || !of_floats) {
    return base::InvalidRequest(
        base::StrCat("a value of kind ", NameOf(*kind.id), " is not of type ", type.name()));
  }
  return kind.parts == nullptr ? absl::OkStatus() : CheckParts(*kind.parts, type);
}

}  // namespace tholos::cql
