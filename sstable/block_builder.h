// Builds the payload of a block (block.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tholos::sstable {

inline constexpr int kRestartInterval = 16;

class BlockBuilder {
 public:
  // Keys in ascending order, each once.
  void Add(std::string_view key, std::string_view value);
  bool empty() const { return payload_.empty(); }
  // What Finish would give now.
  size_t bytes() const { return payload_.size() + 4 * restarts_.size() + 4; }
  const std::string& first_key() const { return first_key_; }
  const std::string& last_key() const { return last_key_; }
  // The payload; the builder is then empty.
  std::string Finish();

 private:
  std::string payload_;
  std::vector<uint32_t> restarts_;
  std::string first_key_;
  std::string last_key_;
  int since_restart_ = 0;
};

}  // namespace tholos::sstable
