// When the tombstones and expiring values of a table may go: how many of them have which local
// time, in at most 64 buckets of equal width. The width, a power of two seconds, is the smallest
// that fits, so it depends on what was added and not on the order.
//
//   encoded  u8 log2 of the width | varint buckets | each: signed varint index - previous index
//   (the
//            first: index), varint count;  index = local_seconds >> log2 of the width
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/coding.h"

namespace tholos::sstable {

class DropTimes {
 public:
  static constexpr size_t kBucketsMax = 64;

  void Add(int64_t local_seconds);
  uint64_t total() const { return total_; }
  // Of those added, at least this many have local_seconds < `seconds`: a bucket counts if all of it
  // is below.
  uint64_t Before(int64_t seconds) const;

  void EncodeTo(std::string* out) const;
  // Fails `in` if malformed.
  static DropTimes TakeFrom(base::Reader* in);

  friend bool operator==(const DropTimes&, const DropTimes&) = default;

 private:
  void Widen();

  int width_log2_ = 0;
  uint64_t total_ = 0;
  std::map<int64_t, uint64_t> counts_;  // by index
};

}  // namespace tholos::sstable
