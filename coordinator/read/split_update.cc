#include "coordinator/read/split_update.h"

#include <optional>
#include <utility>

namespace tholos::coordinator {
namespace {

using data::ApproximateBytes;
using data::Partition;
using data::Row;

class Splitter {
 public:
  Splitter(Partition update, uint64_t bytes_max)
      : update_(std::move(update)), bytes_max_(bytes_max), part_{.key = update_.key} {
    part_.deletion = update_.deletion;
    bytes_ = ApproximateBytes(part_);
  }

  std::vector<Partition> Split() && {
    for (data::RangeTombstone& range : update_.range_tombstones) {
      MakeRoom(ApproximateBytes(range));
      part_.range_tombstones.push_back(std::move(range));
    }
    if (update_.static_row.has_value()) Add(*std::move(update_.static_row), /*is_static=*/true);
    for (Row& row : update_.rows) Add(std::move(row), /*is_static=*/false);
    Flush();
    return std::move(parts_);
  }

 private:
  // In this part, or else in the next one.
  void MakeRoom(uint64_t bytes) {
    if (bytes_ + bytes > bytes_max_) Flush();
    bytes_ += bytes;
  }

  void Flush() {
    if (!part_.IsEmpty()) parts_.push_back(std::exchange(part_, Partition{.key = update_.key}));
    bytes_ = ApproximateBytes(part_);
  }

  void Place(Row row, bool is_static) {
    if (is_static) {
      part_.static_row = std::move(row);
    } else {
      part_.rows.push_back(std::move(row));
    }
  }

  void Add(Row row, bool is_static) {
    const uint64_t bytes = ApproximateBytes(row);
    MakeRoom(bytes);
    if (bytes_ <= bytes_max_) return Place(std::move(row), is_static);
    // Alone in a part, and too large for one.
    bytes_ -= bytes;
    std::vector<data::Cell> cells = std::exchange(row.cells, {});
    const std::string clustering = row.clustering;
    bytes_ += ApproximateBytes(row);
    for (data::Cell& cell : cells) {
      const uint64_t more = sizeof(data::Cell) + cell.path.size() + cell.value.size();
      if (bytes_ + more > bytes_max_ && !row.IsEmpty()) {
        Place(std::exchange(row, Row{.clustering = clustering}), is_static);
        Flush();
        bytes_ += ApproximateBytes(row);
      }
      row.cells.push_back(std::move(cell));
      bytes_ += more;
    }
    Place(std::move(row), is_static);
  }

  Partition update_;
  const uint64_t bytes_max_;
  Partition part_;
  uint64_t bytes_ = 0;  // of part_
  std::vector<Partition> parts_;
};

}  // namespace

std::vector<Partition> SplitUpdate(Partition update, uint64_t bytes_max) {
  std::vector<Partition> parts;
  if (ApproximateBytes(update) > bytes_max) return Splitter(std::move(update), bytes_max).Split();
  parts.push_back(std::move(update));
  return parts;
}

}  // namespace tholos::coordinator
