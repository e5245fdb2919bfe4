#include "sstable/block_prefix.h"

#include <algorithm>

#include "base/coding.h"
#include "sstable/block_entry.h"

namespace tholos::sstable {
namespace {

// Mostly enough for the header and the first entry.
constexpr uint32_t kFirstBytes = 768;
// Restarts of equal heads that are walked through.
constexpr size_t kTiesMax = 4;

}  // namespace

bool BlockPrefix::ReadTo(uint64_t bytes) {
  if (bytes <= bytes_read_) return true;
  if (bytes > sealed_.raw_size) return false;
  const auto wanted = static_cast<uint32_t>(bytes);
  if (!decompressor_
           .DecompressStart(sealed_.compression, sealed_.data, sealed_.raw_size, wanted, memory_)
           .ok()) {
    return false;
  }
  bytes_read_ = sealed_.compression == Compression::kLz4 ? wanted : sealed_.raw_size;
  return true;
}

bool BlockPrefix::ReadHeader() {
  if (restarts_ > 0) return true;
  if (!ReadTo(std::min(kFirstBytes, sealed_.raw_size)) || bytes_read_ < kBlockHeaderBytes) {
    return false;
  }
  const uint64_t restarts = base::LoadFixed32(memory_);
  const uint64_t entries_at = kBlockHeaderBytes + restarts * kRestartBytes;
  if (restarts == 0 || entries_at >= sealed_.raw_size || !ReadTo(entries_at)) return false;
  restarts_ = static_cast<uint32_t>(restarts);
  common_bytes_ = base::LoadFixed32(memory_ + sizeof(uint32_t));
  entries_at_ = static_cast<uint32_t>(entries_at);
  return true;
}

uint32_t BlockPrefix::Restart(size_t i) const {
  return base::LoadFixed32(memory_ + kBlockHeaderBytes + (restarts_ + i) * sizeof(uint32_t));
}

std::optional<std::string_view> BlockPrefix::FirstKey() {
  if (!ReadHeader()) return std::nullopt;
  EntryInPlace entry;
  if (!TakeCheckedEntry(entries(), memory_ + bytes_read_, 0, &entry)) return std::nullopt;
  return entry.rest;
}

std::optional<BlockPrefix::Interval> BlockPrefix::IntervalOf(std::string_view key) {
  const std::optional<std::string_view> first = FirstKey();
  if (!first.has_value() || first->size() < common_bytes_) return std::nullopt;
  const int order = key.substr(0, common_bytes_).compare(first->substr(0, common_bytes_));
  if (order < 0) return std::nullopt;
  const char* const heads = memory_ + kBlockHeaderBytes;
  const uint32_t head = HeadOf(key, common_bytes_);
  const size_t below = order > 0 ? restarts_ : HeadsBelow(heads, restarts_, head);
  size_t behind = below;
  while (behind < restarts_ && base::LoadFixed32(heads + behind * sizeof(head)) == head) ++behind;
  if (behind - below > kTiesMax) return std::nullopt;
  const uint32_t entry_bytes = sealed_.raw_size - entries_at_;
  const Interval interval{below == 0 ? 0 : Restart(below - 1),
                          behind == restarts_ ? entry_bytes : Restart(behind)};
  if (interval.begin >= interval.end || interval.end > entry_bytes) return std::nullopt;
  return interval;
}

std::optional<Block::Neighbours> BlockPrefix::Around(std::string_view key) {
  const std::optional<Interval> interval = IntervalOf(key);
  if (!interval.has_value() || !ReadTo(uint64_t{entries_at_} + interval->end)) return std::nullopt;
  Block::Neighbours neighbours;
  EntryInPlace entry;
  const char* const end = entries() + interval->end;
  size_t key_bytes = 0;
  size_t match = 0;
  for (const char* at = entries() + interval->begin; at != end; at = entry.end) {
    if (!TakeCheckedEntry(at, end, key_bytes, &entry)) return std::nullopt;
    key_bytes = entry.shared + entry.rest.size();
    if (TakeNeighbour(key, entry, &neighbours, &match)) break;
  }
  return neighbours;
}

}  // namespace tholos::sstable
