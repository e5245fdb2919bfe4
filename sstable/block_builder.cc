#include "sstable/block_builder.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/check.h"
#include "base/coding.h"

namespace tholos::sstable {
namespace {

constexpr size_t kVarintBytesMax = 10;
constexpr size_t kFirstBytes = 24 << 10;

size_t SharedBytes(std::string_view a, std::string_view b) {
  const size_t limit = std::min(a.size(), b.size());
  size_t shared = 0;
  for (; shared + 8 <= limit; shared += 8) {
    const uint64_t differ =
        base::LoadFixed64(a.data() + shared) ^ base::LoadFixed64(b.data() + shared);
    if (differ != 0) return shared + static_cast<size_t>(std::countr_zero(differ)) / 8;
  }
  while (shared < limit && a[shared] == b[shared]) ++shared;
  return shared;
}

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
  std::memcpy(to, bytes.data(), bytes.size());
  return to + bytes.size();
}

}  // namespace

char* BlockBuilder::Reserve(size_t bytes) {
  if (payload_.size() - used_ < bytes) {
    payload_.resize(std::max({kFirstBytes, 2 * payload_.size(), used_ + bytes}));
  }
  return payload_.data() + used_;
}

void BlockBuilder::Add(std::string_view key, std::string_view value, std::string_view rest) {
  size_t shared = 0;
  if (empty()) {
    first_key_ = key;
  } else {
    shared = SharedBytes(last_key_, key);
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
  used_ = static_cast<size_t>(to - payload_.data());
  ++since_restart_;
}

std::string_view BlockBuilder::Finish() {
  char* to = Reserve(4 * restarts_.size() + 4);
  const auto put = [&to](uint32_t v) {
    std::memcpy(to, &v, sizeof(v));
    to += sizeof(v);
  };
  for (const uint32_t restart : restarts_) put(restart);
  put(static_cast<uint32_t>(restarts_.size()));
  const auto bytes = static_cast<size_t>(to - payload_.data());
  restarts_.clear();
  first_key_.clear();
  last_key_.clear();
  since_restart_ = 0;
  used_ = 0;
  return std::string_view(payload_).substr(0, bytes);
}

}  // namespace tholos::sstable
