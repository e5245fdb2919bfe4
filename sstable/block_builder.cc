#include "sstable/block_builder.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/coding.h"
#include "sstable/block_entry.h"

namespace tholos::sstable {
namespace {

constexpr size_t kVarintBytesMax = 10;
constexpr size_t kFirstBytes = 24 << 10;

// `a` < `b`, which have `shared` bytes in common.
bool IsBefore(std::string_view a, std::string_view b, size_t shared) {
  if (shared == a.size()) return shared < b.size();
  return shared < b.size() &&
         static_cast<unsigned char>(a[shared]) < static_cast<unsigned char>(b[shared]);
}

char* PutVarint(char* to, uint64_t v) {
  for (; v >= 0x80; v >>= 7) *to++ = static_cast<char>(v | 0x80);
  *to++ = static_cast<char>(v);
  return to;
}

char* PutRaw(char* to, std::string_view bytes) {
  // An empty view may point nowhere, which memcpy does not take.
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
  return to + bytes.size();
}

}  // namespace

char* BlockBuilder::Reserve(size_t bytes) {
  if (entries_.size() - used_ < bytes) {
    entries_.resize(std::max({kFirstBytes, 2 * entries_.size(), used_ + bytes}));
  }
  return entries_.data() + used_;
}

void BlockBuilder::Add(std::string_view key, std::string_view value, std::string_view rest) {
  size_t shared = 0;
  if (empty()) {
    first_key_ = key;
  } else {
    shared = CommonBytes(last_key_, key);
    THOLOS_CHECK(IsBefore(last_key_, key, shared)) << "entries out of order";
  }
  last_key_.resize(shared);
  last_key_.append(key.substr(shared));
  const bool cheap = shared < kSharedBytesWorth && since_restart_ >= kRestartIntervalMin;
  if (empty() || cheap || since_restart_ == kRestartInterval) {
    restarts_.push_back(static_cast<uint32_t>(used_));
    since_restart_ = 0;
    shared = 0;
  }
  char* to = Reserve(3 * kVarintBytesMax + key.size() + value.size() + rest.size());
  to = PutVarint(to, shared);
  to = PutVarint(to, key.size() - shared);
  to = PutVarint(to, value.size() + rest.size());
  to = PutRaw(to, key.substr(shared));
  to = PutRaw(to, value);
  to = PutRaw(to, rest);
  used_ = static_cast<size_t>(to - entries_.data());
  ++since_restart_;
}

std::string_view BlockBuilder::Finish() {
  const auto key_at = [this](uint32_t restart) { return EntryAt(entries_.data() + restart).rest; };
  // Keys ascend: what the first and the last one begin with, all do.
  const size_t common =
      empty() ? 0 : CommonBytes(key_at(restarts_.front()), key_at(restarts_.back()));
  payload_.clear();
  payload_.reserve(bytes());
  base::PutFixed32(&payload_, static_cast<uint32_t>(restarts_.size()));
  base::PutFixed32(&payload_, static_cast<uint32_t>(common));
  for (const uint32_t restart : restarts_) {
    base::PutFixed32(&payload_, HeadOf(key_at(restart), common));
  }
  for (const uint32_t restart : restarts_) base::PutFixed32(&payload_, restart);
  payload_.append(entries_, 0, used_);
  restarts_.clear();
  first_key_.clear();
  last_key_.clear();
  since_restart_ = 0;
  used_ = 0;
  return payload_;
}

}  // namespace tholos::sstable
