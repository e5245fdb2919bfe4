// GivenKind: what a bound value says of itself, where it says more than bytes. A double must not
// become a bigint because both have 8 bytes.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "data/types/data_type.h"

namespace tholos::cql {

struct GivenKind {
  // kText also stands for ascii, kBigint for counter, kUuid for timeuuid, kList for set, kTuple for
  // user types, kVector for vectors of floats. Nothing: bytes or null, for any type.
  std::optional<data::TypeId> id;
  // Of a list's elements, a map's keys and values in turn (each kind once is enough), a tuple's
  // fields in their order.
  std::shared_ptr<const std::vector<GivenKind>> parts;

  friend bool operator==(const GivenKind& a, const GivenKind& b) {
    if (a.id != b.id || (a.parts == nullptr) != (b.parts == nullptr)) return false;
    return a.parts == b.parts || *a.parts == *b.parts;
  }
};

// kInvalid "a value of kind double is not of type bigint".
absl::Status CheckKind(const GivenKind& kind, const data::DataType& type);

}  // namespace tholos::cql
