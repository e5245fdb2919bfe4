// The paging state: where the next page of a SELECT starts. Opaque to clients, which send it back
// as it is.
//
//   offset
//   0  version (1 byte): 1
//   1  flags (1 byte): bit 0: a partition follows; bit 1: a clustering key follows it; bit 2: rows
//      remain limited; bit 3: instead of a partition a token, before all of whose partitions it is
//   2  varint: index of the partition among those of the IN lists
//      varint: rows of that partition already given
//      varint: rows that LIMIT still allows          (bit 2)
//      varint length, bytes: partition key           (bit 0)
//      varint length, bytes: encoded clustering key  (bit 1)
//      fixed 64: token                               (bit 3)
//      fixed 64: XXH3 of all before it, seeded with the hash of the statement
//
// The checksum finds damage and a state sent with another statement. It is no signature: a client
// that forges one reads other rows of the table that it may read anyway.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "data/read.h"

namespace tholos::cql {

struct PagingState {
  uint32_t key_index = 0;
  uint32_t partition_rows = 0;
  std::optional<uint64_t> remaining;
  std::optional<data::Position> after;
  friend bool operator==(const PagingState&, const PagingState&) = default;
};

// Two keys of 64 KiB and the rest.
inline constexpr size_t kPagingStateBytesMax = 2 * 65536 + 64;

std::string EncodePagingState(const PagingState& state, uint64_t statement_hash);
// kInvalid "the paging state is damaged or belongs to another statement".
absl::StatusOr<PagingState> DecodePagingState(std::string_view bytes, uint64_t statement_hash);

}  // namespace tholos::cql
