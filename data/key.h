// Partition keys, tokens and clustering keys.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "data/schema/schema.h"

namespace tholos::data {

using Token = int64_t;
inline constexpr Token kMinToken = std::numeric_limits<int64_t>::min();

// Murmur3Partitioner: bit-compatible with Cassandra's, so that token-aware drivers route correctly.
// The smallest 64-bit number is no token (Cassandra maps it to the largest).
Token TokenOf(std::string_view partition_key);

// The serialised partition key, as drivers hash it: the one component's bytes, or for several of
// them {length: 2 bytes big-endian, bytes, 0x00} each. kInvalid if a component is empty or longer
// than 65535 bytes.
absl::StatusOr<std::string> EncodePartitionKey(const TableSchema& table,
                                               const std::vector<std::string>& components);
absl::StatusOr<std::vector<std::string>> DecodePartitionKey(const TableSchema& table,
                                                            std::string_view key);

// A partition's place in the order of everything: by token, then by key bytes.
struct DecoratedKey {
  Token token = 0;
  std::string key;
  static DecoratedKey Of(std::string key) {
    const Token token = TokenOf(key);
    return {token, std::move(key)};
  }
  friend auto operator<=>(const DecoratedKey&, const DecoratedKey&) = default;
};
// 8 bytes big-endian token with the sign flipped, then the key: memcmp order is the order above.
std::string ComparableKey(const DecoratedKey& key);

// A clustering key, or a prefix of one: per component the byte 0x40 and the type's byte-comparable
// encoding (complemented for a DESC column); for the empty value of a type that has one beside the
// others (data_type.h) the byte 0x3F alone (0x41 for a DESC column). memcmp gives the table's
// order, and since those are < 0xFF:
//
//   every key that starts with prefix p lies in [p, p + 0xFF)
//   ck >  p  (beyond all its extensions)      starts at p + 0xFF
//   ck >= p                                   starts at p
//
// The clustering key of a static row is never encoded; a table without clustering columns has "" as
// its only one.
absl::StatusOr<std::string> EncodeClustering(const TableSchema& table,
                                             const std::vector<std::string>& components);
absl::StatusOr<std::vector<std::string>> DecodeClustering(const TableSchema& table,
                                                          std::string_view key);

inline constexpr size_t kKeyBytesMax = 65535;
// Of a bound of clustering keys: a key and 0xFF, and the 0x00 that makes it include itself.
inline constexpr size_t kBoundBytesMax = kKeyBytesMax + 2;

}  // namespace tholos::data
