// The picker of size-tiered compaction.
#include <algorithm>
#include <optional>

#include "sstable/compaction.h"

namespace tholos::sstable {
namespace {

// Tables [first, first + count) of the list sorted by size.
struct Bucket {
  size_t first = 0;
  size_t count = 0;
  uint64_t bytes = 0;
  double average() const { return static_cast<double>(bytes) / static_cast<double>(count); }
};

bool Fits(const Bucket& bucket, uint64_t bytes, const SizeTieredOptions& options) {
  const double average = bucket.average();
  const auto small = static_cast<double>(options.small_bytes);
  const auto size = static_cast<double>(bytes);
  if (size < small && average < small) return true;
  return size >= average * options.bucket_low && size <= average * options.bucket_high;
}

}  // namespace

CompactionPick PickSizeTiered(std::vector<CompactionCandidate> tables,
                              const SizeTieredOptions& options) {
  std::sort(tables.begin(), tables.end(), [](const auto& a, const auto& b) {
    return std::pair(a.bytes, a.generation) < std::pair(b.bytes, b.generation);
  });
  Bucket bucket;
  for (size_t i = 0; i < tables.size(); ++i) {
    if (bucket.count > 0 && !Fits(bucket, tables[i].bytes, options)) {
      if (bucket.count >= options.tables_min) break;  // later buckets hold larger tables
      bucket = {.first = i};
    }
    bucket.bytes += tables[i].bytes;
    ++bucket.count;
  }
  CompactionPick pick;
  if (bucket.count < std::max<size_t>(options.tables_min, 1)) return pick;
  for (size_t i = 0; i < std::min(bucket.count, options.tables_max); ++i) {
    pick.generations.push_back(tables[bucket.first + i].generation);
  }
  std::sort(pick.generations.begin(), pick.generations.end());
  return pick;
}

}  // namespace tholos::sstable
