#include "data/vector_source.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"

namespace tholos::data {
namespace {

class VectorPartitionSource : public PartitionSource {
 public:
  explicit VectorPartitionSource(std::vector<Partition> partitions)
      : partitions_(std::move(partitions)) {}

  base::Task<absl::StatusOr<bool>> NextPartition() override {
    if (next_partition_ == partitions_.size())
      return base::Task<absl::StatusOr<bool>>::Ready(false);
    Partition& partition = partitions_[next_partition_++];
    header_ = {partition.key, partition.deletion, std::move(partition.static_row)};
    rows_ = std::move(partition.rows);
    next_row_ = 0;
    return base::Task<absl::StatusOr<bool>>::Ready(true);
  }
  const PartitionHeader& partition() const override { return header_; }

  base::Task<absl::StatusOr<bool>> NextRow() override {
    if (next_row_ == rows_.size()) return base::Task<absl::StatusOr<bool>>::Ready(false);
    ++next_row_;
    return base::Task<absl::StatusOr<bool>>::Ready(true);
  }
  Row& row() override { return rows_[next_row_ - 1]; }

 private:
  std::vector<Partition> partitions_;
  size_t next_partition_ = 0;
  PartitionHeader header_;
  std::vector<Row> rows_;
  size_t next_row_ = 0;
};

}  // namespace

std::unique_ptr<PartitionSource> VectorSource(std::vector<Partition> partitions,
                                              Selection selection) {
  std::erase_if(partitions, [&](const Partition& p) { return !selection.Selects(p.key); });
  for (Partition& partition : partitions) {
    std::erase_if(partition.rows, [&](const Row& row) {
      return !selection.Selects(partition.key, row.clustering);
    });
    if (selection.reversed) std::reverse(partition.rows.begin(), partition.rows.end());
  }
  return std::make_unique<VectorPartitionSource>(std::move(partitions));
}

base::Task<absl::StatusOr<std::vector<Partition>>> ReadAll(
    std::unique_ptr<PartitionSource> source) {
  std::vector<Partition> partitions;
  while (true) {
    THOLOS_CO_ASSIGN_OR_RETURN(const bool more, co_await source->NextPartition());
    if (!more) break;
    const PartitionHeader& header = source->partition();
    partitions.push_back({header.key, header.deletion, header.static_row, {}});
    while (true) {
      THOLOS_CO_ASSIGN_OR_RETURN(const bool row, co_await source->NextRow());
      if (!row) break;
      partitions.back().rows.push_back(std::move(source->row()));
    }
  }
  co_return partitions;
}

}  // namespace tholos::data
