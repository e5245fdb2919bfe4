#include "sstable/drop_times.h"

#include <utility>

namespace tholos::sstable {

void DropTimes::Add(int64_t local_seconds) {
  ++total_;
  ++counts_[local_seconds >> width_log2_];
  while (counts_.size() > kBucketsMax) Widen();
}

void DropTimes::Widen() {
  ++width_log2_;
  for (const auto& [index, count] : std::exchange(counts_, {})) counts_[index >> 1] += count;
}

uint64_t DropTimes::Before(int64_t seconds) const {
  uint64_t below = 0;
  for (const auto& [index, count] : counts_) {
    if (index >= seconds >> width_log2_) break;
    below += count;
  }
  return below;
}

void DropTimes::EncodeTo(std::string* out) const {
  base::PutU8(out, static_cast<uint8_t>(width_log2_));
  base::PutVarint(out, counts_.size());
  uint64_t previous = 0;
  for (const auto& [index, count] : counts_) {
    base::PutSignedVarint(out, static_cast<int64_t>(static_cast<uint64_t>(index) - previous));
    base::PutVarint(out, count);
    previous = static_cast<uint64_t>(index);
  }
}

DropTimes DropTimes::TakeFrom(base::Reader* in) {
  DropTimes times;
  times.width_log2_ = in->U8();
  const size_t buckets = in->Count(2);
  if (times.width_log2_ > 63 || buckets > kBucketsMax) in->Fail();
  uint64_t index = 0;
  for (size_t i = 0; i < buckets && in->ok(); ++i) {
    index += static_cast<uint64_t>(in->SignedVarint());
    const uint64_t count = in->Varint();
    const auto signed_index = static_cast<int64_t>(index);
    if (!times.counts_.empty() && signed_index <= times.counts_.rbegin()->first) in->Fail();
    times.counts_[signed_index] = count;
    times.total_ += count;
  }
  return times;
}

}  // namespace tholos::sstable
