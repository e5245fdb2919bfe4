// Checksums and hashes by the xxHash library. XXH3 with a seed: the seed binds a checksum to its
// place (file id and offset), so that a block that was written to, or read from, the wrong place is
// found.
#pragma once

#include <cstdint>
#include <string_view>

namespace tholos::base {

uint64_t Checksum64(std::string_view data, uint64_t seed = 0);

struct Hash128 {
  uint64_t high = 0;
  uint64_t low = 0;
  friend bool operator==(const Hash128&, const Hash128&) = default;
};
Hash128 ContentHash128(std::string_view data);

// MurmurHash3 x64 128 with Cassandra's sign-extension of tail bytes, first 64 bits: partition
// tokens.
int64_t CassandraMurmur3(std::string_view data);

}  // namespace tholos::base
