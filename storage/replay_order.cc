#include "storage/replay_order.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <tuple>
#include <utility>

#include "base/check.h"
#include "data/mutation_view.h"
#include "storage/memtable/memtable.h"

namespace tholos::storage {
namespace {

constexpr size_t kPlacesPerBucket = 4;

// Numbers that are ordered as tokens and clustering keys are.
struct Place {
  uint64_t token = 0;
  uint64_t clustering = 0;
  uint32_t index = 0;
  friend bool operator<(const Place& a, const Place& b) {
    return std::tie(a.token, a.clustering, a.index) < std::tie(b.token, b.clustering, b.index);
  }
};

// Which of the buckets a token is in: equal parts of the tokens that there are.
class Buckets {
 public:
  explicit Buckets(std::span<const Place> places) {
    uint64_t last = 0;
    first_ = std::numeric_limits<uint64_t>::max();
    for (const Place& place : places) {
      first_ = std::min(first_, place.token);
      last = std::max(last, place.token);
    }
    const int span_bits = std::bit_width(last - first_);
    const int bucket_bits = std::bit_width(places.size() / kPlacesPerBucket);
    shift_ = std::clamp(span_bits - bucket_bits, 0, 63);
    count_ = ((last - first_) >> shift_) + 1;
  }
  size_t count() const { return count_; }
  size_t Of(const Place& place) const { return (place.token - first_) >> shift_; }

 private:
  uint64_t first_;
  int shift_;
  size_t count_;
};

}  // namespace

std::vector<uint32_t> OrderForReplay(std::span<const ReplayRecord> records) {
  THOLOS_CHECK(records.size() <= std::numeric_limits<uint32_t>::max());
  if (records.empty()) return {};
  std::vector<Place> places;
  places.reserve(records.size());
  for (const ReplayRecord& record : records) {
    const data::MutationPlace at = data::PeekPlace(record.bytes);
    places.push_back({Memtable::KeyOf(at.token, "").prefix, Memtable::KeyOf(at.clustering).prefix,
                      static_cast<uint32_t>(places.size())});
  }

  const Buckets buckets(places);
  std::vector<uint32_t> ends(buckets.count());  // first the counts
  for (const Place& place : places) ++ends[buckets.Of(place)];
  uint32_t before = 0;
  for (uint32_t& end : ends) before += std::exchange(end, before);
  std::vector<Place> sorted(places.size());
  for (const Place& place : places) sorted[ends[buckets.Of(place)]++] = place;

  std::vector<uint32_t> order;
  order.reserve(records.size());
  auto begin = sorted.begin();
  for (const uint32_t end_at : ends) {
    const auto end = sorted.begin() + end_at;
    std::sort(begin, end);
    begin = end;
  }
  for (const Place& place : sorted) order.push_back(place.index);
  return order;
}

}  // namespace tholos::storage
