#include "base/checksum.h"

#include <xxhash.h>

#include <bit>

#include "base/coding.h"

namespace tholos::base {

uint64_t Checksum64(std::string_view data, uint64_t seed) {
  return XXH3_64bits_withSeed(data.data(), data.size(), seed);
}

Hash128 ContentHash128(std::string_view data) {
  const XXH128_hash_t hash = XXH3_128bits(data.data(), data.size());
  return {.high = hash.high64, .low = hash.low64};
}

namespace {

constexpr uint64_t kC1 = 0x87c37b91114253d5;
constexpr uint64_t kC2 = 0x4cf5ad432745937f;

uint64_t MixK1(uint64_t k) { return std::rotl(k * kC1, 31) * kC2; }
uint64_t MixK2(uint64_t k) { return std::rotl(k * kC2, 33) * kC1; }

uint64_t FinalMix(uint64_t k) {
  k ^= k >> 33;
  k *= 0xff51afd7ed558ccd;
  k ^= k >> 33;
  k *= 0xc4ceb9fe1a85ec53;
  return k ^ (k >> 33);
}

// The last bytes as a little-endian number. A byte is signed as in Java: one of 0x80 and above also
// inverts every bit to its left.
uint64_t SignedTail(std::string_view bytes) {
  uint64_t k = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    k ^= static_cast<uint64_t>(static_cast<int64_t>(static_cast<signed char>(bytes[i]))) << (8 * i);
  }
  return k;
}

}  // namespace

int64_t CassandraMurmur3(std::string_view data) {
  uint64_t h1 = 0;
  uint64_t h2 = 0;
  std::string_view rest = data;
  for (; rest.size() >= 16; rest.remove_prefix(16)) {
    h1 ^= MixK1(LoadFixed64(rest.data()));
    h1 = (std::rotl(h1, 27) + h2) * 5 + 0x52dce729;
    h2 ^= MixK2(LoadFixed64(rest.data() + 8));
    h2 = (std::rotl(h2, 31) + h1) * 5 + 0x38495ab5;
  }
  if (rest.size() > 8) h2 ^= MixK2(SignedTail(rest.substr(8)));
  if (!rest.empty()) h1 ^= MixK1(SignedTail(rest.substr(0, 8)));
  h1 ^= data.size();
  h2 ^= data.size();
  h1 += h2;
  h2 += h1;
  return static_cast<int64_t>(FinalMix(h1) + FinalMix(h2));
}

}  // namespace tholos::base
