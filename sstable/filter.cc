#include "sstable/filter.h"

#include <algorithm>
#include <bit>
#include <utility>

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

namespace {

size_t BlocksFor(uint64_t keys) {
  constexpr size_t kBlockBits = kBlockBytes * 8;
  return std::max<size_t>(1, (keys * kBitsPerKey + kBlockBits - 1) / kBlockBits);
}

void AddTo(std::string* filter, uint64_t hash) {
  char* block = filter->data() + BlockOf(hash, filter->size() / kBlockBytes) * kBlockBytes;
  const uint64_t bits = ProbeBits(hash);
  for (int i = 0; i < kProbes; ++i) {
    const size_t bit = BitOf(bits, i);
    block[bit / 8] = static_cast<char>(block[bit / 8] | (1 << (bit % 8)));
  }
}

// BlockOf gives half of what it gave for twice the blocks.
std::string Folded(const std::string& filter) {
  std::string half(filter.size() / 2, '\0');
  for (size_t i = 0; i < filter.size(); ++i) {
    char& to = half[i / (2 * kBlockBytes) * kBlockBytes + i % kBlockBytes];
    to = static_cast<char>(to | filter[i]);
  }
  return half;
}

}  // namespace

FilterBuilder::FilterBuilder(uint64_t keys_max) {
  if (keys_max == 0) return;
  // Divisible by two a few times, for an eighth more at most.
  const size_t blocks = BlocksFor(keys_max);
  const size_t step = std::max<size_t>(1, std::bit_floor(blocks) / 8);
  filter_.assign((blocks + step - 1) / step * step * kBlockBytes, '\0');
}

void FilterBuilder::Add(uint64_t hash) {
  ++keys_;
  if (filter_.empty()) {
    hashes_.push_back(hash);
    return;
  }
  __builtin_prefetch(filter_.data() + BlockOf(hash, filter_.size() / kBlockBytes) * kBlockBytes, 1);
  pending_[pending_count_++] = hash;
  if (pending_count_ == pending_.size()) AddPending();
}

void FilterBuilder::AddPending() {
  for (size_t i = 0; i < pending_count_; ++i) AddTo(&filter_, pending_[i]);
  pending_count_ = 0;
}

std::string FilterBuilder::Finish() {
  AddPending();
  if (filter_.empty()) {
    filter_.assign(BlocksFor(keys_) * kBlockBytes, '\0');
    for (const uint64_t hash : hashes_) AddTo(&filter_, hash);
  }
  while (filter_.size() / kBlockBytes % 2 == 0 &&
         filter_.size() / kBlockBytes / 2 >= BlocksFor(keys_)) {
    filter_ = Folded(filter_);
  }
  std::string section = std::exchange(filter_, {});
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

void Filter::Prefetch(uint64_t hash) const {
  if (blocks_ != 0) __builtin_prefetch(section_.data() + BlockOf(hash, blocks_) * kBlockBytes);
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
