// The range tombstones of one partition, merged, as the places where the deletion in effect
// changes:
//
//   range tombstones   [b-------e) 5   [e----g) 7
//   changes            b:5        e:7       g:none
//
// A range costs O(log n) and what it covers. Canonical: neighbours differ.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "data/partition.h"

namespace tholos::storage {

class RangeDeletions {
 public:
  using Changes = std::map<std::string, data::Deletion, std::less<>>;

  bool empty() const { return changes_.empty(); }
  const Changes& changes() const { return changes_; }
  // Bytes of memory, roughly.
  uint64_t bytes() const { return bytes_; }

  void Add(const data::Slice& range, const data::Deletion& deletion);
  // Drops what `covering`, the partition's tombstone, covers.
  void DropCovered(const data::Deletion& covering);

  // In effect at `clustering`, or right below it.
  data::Deletion At(std::string_view clustering) const;
  data::Deletion Below(std::string_view clustering) const;  // "": below the end of everything

 private:
  Changes::iterator Cut(const std::string& at);
  void Join(Changes::iterator first, Changes::iterator last);

  Changes changes_;  // up to the next change, or the end
  uint64_t bytes_ = 0;
};

}  // namespace tholos::storage
