// Makes range tombstones of the changes that a PartitionSource gives.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "data/range_tombstones.h"
#include "data/source.h"

namespace tholos::data {

class RangeCollector {
 public:
  explicit RangeCollector(bool reversed) : reversed_(reversed) {}
  // Changes of one partition, in the order of its source.
  void Add(DeletionChange change);
  bool open() const { return !open_.deletion.live(); }
  // Range tombstones that are complete.
  const RangeTombstones& closed() const { return closed_; }
  // All of them, in ascending order, if the partition ends here. With `last` instead, if nothing is
  // known behind that key (below it, if reversed); no change behind it was added. Then the
  // collector is empty.
  RangeTombstones Finish(std::optional<std::string_view> last = std::nullopt);

 private:
  void Close(std::string at);

  const bool reversed_;
  DeletionChange open_;
  RangeTombstones closed_;  // in the order of the source
};

}  // namespace tholos::data
