#include "base/executor.h"

#include "base/check.h"

namespace tholos::base {

int ShardOfToken(int64_t token, int shard_count) {
  THOLOS_CHECK(shard_count > 0);
  // The token as a fraction of the whole space, in 64 bits, times the number of slices.
  const uint64_t fraction = static_cast<uint64_t>(token) ^ (uint64_t{1} << 63);
  return static_cast<int>((static_cast<unsigned __int128>(fraction) * shard_count) >> 64);
}

}  // namespace tholos::base
