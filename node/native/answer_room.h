// Room for requests and answers: what a shard's connections hold, against the shard's share of the
// node's bytes, and how large an answer is expected to be. Confined to the shard.
//
// How large an answer is shows only when it has been read, so a request is charged for what its
// statement answered before:
//
//   waits ──room──> runs: kCopies times the expected answer ──> queued: the answer ──> sent: 0
//
// An answer that turns out larger than expected and does not fit is dropped, and OVERLOADED is said
// in its place (nothing was written: only reads, and conditional writes that were not applied, have
// large answers). So what is held is bounded by the share and the answers that are being made.
//
// The last eighth of the share is for small requests with small answers to clients that take them:
// they go on while large ones wait, or while nobody reads what fills the rest.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "absl/container/flat_hash_map.h"

namespace tholos::node::native {

// Of a request or an answer: up to here it is small.
inline constexpr int64_t kSmallBytes = 64 << 10;

class ShardBytes {
 public:
  explicit ShardBytes(int64_t bytes_max) : max_(bytes_max), large_max_(bytes_max - bytes_max / 8) {}
  ShardBytes(const ShardBytes&) = delete;

  enum class Part : uint8_t { kShared, kAll };  // without or with the last eighth
  // Whatever is larger than half of it counts as half: it has its turn too, once the other half is
  // free.
  bool Fits(int64_t bytes, Part part) const {
    const int64_t limit = part == Part::kAll ? max_ : large_max_;
    return held_ + std::min(bytes, limit / 2) <= limit;
  }
  // The same with `instead` given back first.
  bool FitsInstead(int64_t bytes, int64_t instead) const {
    return held_ - instead + std::min(bytes, large_max_ / 2) <= large_max_;
  }
  void Take(int64_t bytes) { held_ += bytes; }
  void Give(int64_t bytes) { held_ -= bytes; }

  int64_t held() const { return held_; }
  // Somebody may have to wait.
  bool crowded() const { return held_ > large_max_ / 2; }
  // What an expected answer is charged with while it is made: it lies in the message from a
  // replica, in its decoded form and in the result at once.
  int64_t ChargeOf(int64_t expected) const { return std::min(expected * kCopies, large_max_ / 2); }

 private:
  static constexpr int64_t kCopies = 3;
  const int64_t max_;
  const int64_t large_max_;
  int64_t held_ = 0;
};

// The answers of each statement: the largest of late. One that was never seen is taken for large if
// it reads, so that a crowd of them begins with a few.
class AnswerSizes {
 public:
  // Equal for texts that differ in what follows their first literal.
  static uint64_t KeyOfText(std::string_view statement);
  static uint64_t KeyOfId(std::string_view prepared_id);
  // INSERT, UPDATE, DELETE or BEGIN.
  static bool IsWrite(std::string_view statement);

  static constexpr int64_t kUnknownRead = 4 << 20;
  static constexpr int64_t kUnknownWrite = 256;
  bool Knows(uint64_t key) const { return expected_.contains(key); }
  int64_t Expected(uint64_t key, int64_t unknown) const {
    const auto found = expected_.find(key);
    return found == expected_.end() ? unknown : found->second;
  }
  // A larger answer counts at once; after smaller ones it is forgotten, an eighth each time.
  void Answered(uint64_t key, int64_t bytes);
  // An error says nothing of the size; but many of them must not hold up what follows.
  void Failed(uint64_t key, int64_t expected);

 private:
  // Forgetting is safe: it begins with a few again.
  static constexpr size_t kStatementsMax = 4096;
  int64_t& Entry(uint64_t key, int64_t first);
  absl::flat_hash_map<uint64_t, int64_t> expected_;
};

}  // namespace tholos::node::native
