// One entry of a sorted run (block.h) where it stands, the search over the heads of restarts, and
// the walk behind it: what block.cc and block_prefix.cc share.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string_view>

#include "base/coding.h"
#include "sstable/block.h"

namespace tholos::sstable {

// Bytes that both begin with.
inline size_t CommonBytes(std::string_view a, std::string_view b) {
  const size_t size = std::min(a.size(), b.size());
  size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    const uint64_t difference = base::LoadFixed64(a.data() + i) ^ base::LoadFixed64(b.data() + i);
    if (difference != 0) return i + static_cast<size_t>(std::countr_zero(difference)) / 8;
  }
  while (i < size && a[i] == b[i]) ++i;
  return i;
}

// Of a key whose first `common` bytes all restarts have. Shorter keys as if zeros followed: the
// order of heads is that of keys, but for ties.
inline uint32_t HeadOf(std::string_view key, size_t common) {
  key.remove_prefix(std::min(key.size(), common));
  uint32_t head = 0;
  for (size_t i = 0; i < sizeof(head); ++i) {
    head = head << 8 | (i < key.size() ? static_cast<uint8_t>(key[i]) : 0u);
  }
  return head;
}

// How many of `count` ascending heads are < `head`. Any number up to `count` if they do not ascend.
inline size_t HeadsBelow(const char* heads, size_t count, uint32_t head) {
  size_t low = 0;
  while (count > 0) {
    const size_t half = count / 2;
    const bool below = base::LoadFixed32(heads + (low + half) * sizeof(head)) < head;
    low = below ? low + half + 1 : low;
    count = below ? count - half - 1 : half;
  }
  return low;
}

struct EntryInPlace {
  size_t shared;
  std::string_view rest;  // of the key
  std::string_view value;
  const char* end;
};

inline const char* TakeLength(const char* at, size_t* length) {
  *length = static_cast<uint8_t>(*at++);
  if (*length < 0x80) return at;
  *length &= 0x7F;
  for (int shift = 7;; shift += 7) {
    const auto byte = static_cast<uint8_t>(*at++);
    *length |= size_t{byte & 0x7Fu} << shift;
    if (byte < 0x80) return at;
  }
}

// Of an entry that is known to lie in its block.
inline EntryInPlace EntryAt(const char* at) {
  EntryInPlace entry;
  size_t unshared, value_size;
  at = TakeLength(at, &entry.shared);
  at = TakeLength(at, &unshared);
  at = TakeLength(at, &value_size);
  entry.rest = {at, unshared};
  entry.value = {at + unshared, value_size};
  entry.end = at + unshared + value_size;
  return entry;
}

// False if it is cut short or malformed. Most lengths take one byte, those of longer values two.
inline bool TakeCheckedLength(const char** at, const char* end, size_t* length) {
  const auto left = static_cast<size_t>(end - *at);
  const auto byte = [at](size_t i) { return static_cast<uint8_t>((*at)[i]); };
  if (left >= 2 && byte(0) >= 0x80 && byte(1) < 0x80) {
    *length = (byte(0) & 0x7Fu) | size_t{byte(1)} << 7;
    *at += 2;
    return true;
  }
  if (left >= 1 && byte(0) < 0x80) {
    *length = byte(0);
    *at += 1;
    return true;
  }
  base::Reader in(std::string_view(*at, left));
  *length = in.Varint();
  *at = end - in.remaining();
  return in.ok();
}

// Of bytes that may be anything; the key before it has `key_bytes`. False if it is no entry that
// ends at `end` or before.
inline bool TakeCheckedEntry(const char* at, const char* end, size_t key_bytes,
                             EntryInPlace* entry) {
  size_t unshared, value_size;
  if (!TakeCheckedLength(&at, end, &entry->shared) || !TakeCheckedLength(&at, end, &unshared) ||
      !TakeCheckedLength(&at, end, &value_size)) {
    return false;
  }
  const auto left = static_cast<size_t>(end - at);
  if (entry->shared > key_bytes || unshared > left || value_size > left - unshared) return false;
  entry->rest = {at, unshared};
  entry->value = {at + unshared, value_size};
  entry->end = at + unshared + value_size;
  return true;
}

// One step of the walk for `key` from a restart below it: true when the walk is at its end. Of the
// entry before it is known how many bytes its key and `key` begin with: `*match`, at first 0. An
// entry that shares more than that with its predecessor is as its predecessor is; of the others
// these bytes are those of `key`, and only the rest is compared.
inline bool TakeNeighbour(std::string_view key, const EntryInPlace& entry,
                          Block::Neighbours* neighbours, size_t* match) {
  const Block::Entry seen{true, entry.shared + entry.rest.size(), *match, entry.value};
  if (entry.shared > *match) {
    neighbours->before = seen;
    return false;
  }
  const std::string_view wanted = key.substr(entry.shared);
  const size_t common = CommonBytes(entry.rest, wanted);
  *match = entry.shared + common;
  const bool is_less = common < wanted.size() &&
                       (common == entry.rest.size() || static_cast<uint8_t>(entry.rest[common]) <
                                                           static_cast<uint8_t>(wanted[common]));
  Block::Entry& place = is_less ? neighbours->before : neighbours->after;
  place = seen;
  place.shared = *match;
  if (is_less) return false;
  neighbours->found = common == wanted.size() && common == entry.rest.size();
  return true;
}

}  // namespace tholos::sstable
