// Builds the payload of a block (block.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sstable/block.h"

namespace tholos::sstable {

// A restart costs 8 bytes and what its key would have shared with the one before. Where that is
// little, as between partitions of different tokens, a shorter walk is worth it.
inline constexpr int kRestartInterval = 16;
inline constexpr int kRestartIntervalMin = 4;
inline constexpr size_t kSharedBytesWorth = 8;

class BlockBuilder {
 public:
  // Keys in ascending order, each once. The value is `value` and then `rest`.
  void Add(std::string_view key, std::string_view value, std::string_view rest = {});
  bool empty() const { return used_ == 0; }
  // What Finish would give now.
  size_t bytes() const { return kBlockHeaderBytes + kRestartBytes * restarts_.size() + used_; }
  const std::string& first_key() const { return first_key_; }
  // The payload, in memory that the next block is built in: valid until the next Add. The builder
  // is then empty.
  std::string_view Finish();

 private:
  // Room for `bytes` more.
  char* Reserve(size_t bytes);

  std::string entries_;  // its first used_ bytes
  size_t used_ = 0;
  std::string payload_;
  std::vector<uint32_t> restarts_;
  std::string first_key_;
  std::string last_key_;
  int since_restart_ = 0;
};

}  // namespace tholos::sstable
