#include "sstable/filter.h"

#include <algorithm>

#include "base/checksum.h"

namespace tholos::sstable {
namespace {

constexpr size_t kBlockBytes = 64;
constexpr size_t kBitsPerKey = 10;
constexpr int kProbes = 6;  // 9 bits each of 54

size_t BlockOf(uint64_t hash, uint64_t blocks) {
  return static_cast<size_t>(((hash >> 32) * blocks) >> 32);
}

// The bits of a key in its block, 9 of the result for each probe.
uint64_t ProbeBits(uint64_t hash) {
  uint64_t bits = (hash & 0xFFFFFFFF) * 0x9E3779B97F4A7C15;
  bits ^= bits >> 32;
  return bits * 0xBF58476D1CE4E5B9;
}
size_t BitOf(uint64_t probe_bits, int probe) { return (probe_bits >> (10 + 9 * probe)) & 511; }

}  // namespace

uint64_t FilterHash(std::string_view partition_key) { return base::Checksum64(partition_key); }

std::string FilterBuilder::Finish() const {
  constexpr size_t kBlockBits = kBlockBytes * 8;
  const size_t blocks =
      std::max<size_t>(1, (hashes_.size() * kBitsPerKey + kBlockBits - 1) / kBlockBits);
  std::string section(blocks * kBlockBytes, '\0');
  for (const uint64_t hash : hashes_) {
    char* block = section.data() + BlockOf(hash, blocks) * kBlockBytes;
    const uint64_t bits = ProbeBits(hash);
    for (int i = 0; i < kProbes; ++i) {
      const size_t bit = BitOf(bits, i);
      block[bit / 8] = static_cast<char>(block[bit / 8] | (1 << (bit % 8)));
    }
  }
  section.push_back(static_cast<char>(kProbes));
  return section;
}

absl::StatusOr<Filter> Filter::Parse(std::string section) {
  const bool whole_blocks = section.size() > kBlockBytes && section.size() % kBlockBytes == 1 &&
                            section.size() / kBlockBytes <= UINT32_MAX;
  if (!whole_blocks) return absl::DataLossError("malformed filter: size");
  Filter filter;
  filter.probes_ = static_cast<uint8_t>(section.back());
  if (filter.probes_ < 1 || filter.probes_ > kProbes) {
    return absl::DataLossError("malformed filter: probes");
  }
  filter.blocks_ = static_cast<uint32_t>(section.size() / kBlockBytes);
  filter.section_ = std::move(section);
  return filter;
}

bool Filter::MayContain(uint64_t hash) const {
  if (blocks_ == 0) return true;
  const char* block = section_.data() + BlockOf(hash, blocks_) * kBlockBytes;
  const uint64_t bits = ProbeBits(hash);
  for (int i = 0; i < probes_; ++i) {
    const size_t bit = BitOf(bits, i);
    if ((block[bit / 8] & (1 << (bit % 8))) == 0) return false;
  }
  return true;
}

}  // namespace tholos::sstable
