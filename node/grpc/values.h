// Between the typed values of tholos.v1 and the bytes of the CQL native protocol.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "cql/given_kind.h"
#include "data/types/data_type.h"
#include "proto/tholos/v1/tholos.pb.h"

namespace tholos::node {

// The kinds nest at most so deep (as CQL types do).
inline constexpr int kValueDepthMax = 32;

// The bytes of a value of any kind but unset, or null. The kind alone decides; whether it fits the
// marker's type is for the query processor to say (which also sorts sets and maps). kInvalid names
// the kind.
absl::StatusOr<data::Value> ToBytes(const tholos::v1::Value& value);
// The kind of what ToBytes has accepted.
cql::GivenKind ToKind(const tholos::v1::Value& value);

// One value of a result as the kind of its type. `bytes` are valid.
void ToTypedValue(const data::DataType& type, std::string_view bytes, tholos::v1::Value* out);

void ToType(const data::DataType& type, tholos::v1::Type* out);

}  // namespace tholos::node
