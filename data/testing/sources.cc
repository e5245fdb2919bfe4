#include "data/testing/sources.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/async/loop.h"

namespace tholos::data {
namespace {

template <typename T>
using Answer = absl::StatusOr<T>;

class Hesitating : public PartitionSource {
 public:
  Hesitating(std::unique_ptr<PartitionSource> source, uint64_t seed)
      : source_(std::move(source)), random_(seed) {}
  base::Task<Answer<bool>> NextPartition() override {
    return random_.Chance(0.5) ? source_->NextPartition() : Later(source_->NextPartition());
  }
  const PartitionHeader& partition() const override { return source_->partition(); }
  base::Task<Answer<Item>> NextItem() override {
    return random_.Chance(0.5) ? source_->NextItem() : Later(source_->NextItem());
  }
  Row& row() override { return source_->row(); }
  const DeletionChange& change() const override { return source_->change(); }

 private:
  template <typename T>
  static base::Task<Answer<T>> Later(base::Task<Answer<T>> answer) {
    co_await base::Yield();
    co_return co_await std::move(answer);
  }
  std::unique_ptr<PartitionSource> source_;
  base::RandomStream random_;
};

class Failing : public PartitionSource {
 public:
  Failing(std::unique_ptr<PartitionSource> source, int good_answers, absl::Status error)
      : source_(std::move(source)), left_(good_answers), error_(std::move(error)) {}
  base::Task<Answer<bool>> NextPartition() override {
    return left_-- > 0 ? source_->NextPartition() : base::Task<Answer<bool>>::Ready(error_);
  }
  const PartitionHeader& partition() const override { return source_->partition(); }
  base::Task<Answer<Item>> NextItem() override {
    return left_-- > 0 ? source_->NextItem() : base::Task<Answer<Item>>::Ready(error_);
  }
  Row& row() override { return source_->row(); }
  const DeletionChange& change() const override { return source_->change(); }

 private:
  std::unique_ptr<PartitionSource> source_;
  int left_;
  absl::Status error_;
};

std::string Clustering(uint64_t i) { return std::string(1 + i % 3, static_cast<char>('a' + i)); }

}  // namespace

std::unique_ptr<PartitionSource> HesitatingSource(std::unique_ptr<PartitionSource> source,
                                                  uint64_t seed) {
  return std::make_unique<Hesitating>(std::move(source), seed);
}

std::unique_ptr<PartitionSource> FailingSource(std::unique_ptr<PartitionSource> source,
                                               int good_answers, absl::Status error) {
  return std::make_unique<Failing>(std::move(source), good_answers, std::move(error));
}

DecoratedKey RandomWorldKey(base::RandomStream& random, const WorldShape& shape) {
  return DecoratedKey::Of("p" + std::to_string(random.Below(shape.partitions)));
}

std::string RandomWorldClustering(base::RandomStream& random, const WorldShape& shape) {
  return Clustering(random.Below(shape.rows));
}

std::vector<Partition> RandomPartitions(base::RandomStream& random, const WorldShape& shape) {
  std::vector<Partition> partitions;
  for (uint64_t p = 0; p < shape.partitions; ++p) {
    if (random.Chance(0.5)) continue;
    PartitionShape header = shape.partition;
    header.rows_max = 0;
    Partition partition = RandomPartition(random, "p" + std::to_string(p), header);
    partition.rows.clear();
    partition.range_tombstones = RandomRanges(
        random,
        [&] {
          std::string key = RandomWorldClustering(random, shape);
          if (random.Chance(0.3)) key += '\xFF';
          return key;
        },
        shape.partition);
    for (uint64_t r = 0; r < shape.rows; ++r) {
      if (random.Chance(0.5)) {
        partition.rows.push_back(RandomRow(random, Clustering(r), shape.partition));
      }
    }
    ApplyDeletions(&partition);
    partitions.push_back(std::move(partition));
  }
  std::sort(partitions.begin(), partitions.end(),
            [](const Partition& a, const Partition& b) { return a.key < b.key; });
  return partitions;
}

Selection RandomSelection(base::RandomStream& random, const WorldShape& shape) {
  Selection selection;
  const auto bound = [&] {
    std::string key = RandomWorldClustering(random, shape);
    if (random.Chance(0.3)) key += '\xFF';
    return key;
  };
  if (random.Chance(0.4)) {
    selection.key = RandomWorldKey(random, shape);
  } else if (random.Chance(0.6)) {
    Token a = RandomWorldKey(random, shape).token;
    Token b = RandomWorldKey(random, shape).token;
    if (a > b) std::swap(a, b);
    selection.range = {random.Chance(0.2) ? kMinToken : a, random.Chance(0.2) ? kMinToken : b};
  }
  std::set<std::string> bounds;
  for (uint64_t i = random.Below(4) * 2; i > 0; --i) bounds.insert(bound());
  for (auto it = bounds.begin(); it != bounds.end(); ++it) {
    Slice slice{.lower = *it};
    if (++it == bounds.end()) {
      selection.slices.push_back(slice);
      break;
    }
    slice.upper = *it;
    selection.slices.push_back(slice);
  }
  if (!selection.slices.empty() && random.Chance(0.2)) selection.slices.front().lower.clear();
  selection.reversed = random.Chance(0.5);
  if (random.Chance(0.4)) {
    selection.after = {RandomWorldKey(random, shape)};
    if (random.Chance(0.7)) selection.after->clustering = bound();
  }
  return selection;
}

}  // namespace tholos::data
