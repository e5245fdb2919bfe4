// A sorted run of entries: the payload of data blocks, index pages and the root (format.h).
//
//   entry    varint shared      bytes of the key that equal the start of the previous entry's key
//            varint unshared    bytes of the key that follow
//            varint value_size
//            key bytes, value bytes
//   ...
//   restart  u32 each           offsets of entries with shared = 0: the first and then every 16th
//   count    u32                of restarts
//
// A search is a binary search over restarts (whose keys are whole) and a walk over at most 16
// entries.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace tholos::sstable {

// Immutable. Parse has checked that every entry and restart is well formed, so cursors cannot fail.
class Block {
 public:
  // kDataLoss says what is wrong. Does not check the order of the keys.
  static absl::StatusOr<std::shared_ptr<const Block>> Parse(std::string payload);

  // Bytes of memory.
  size_t bytes() const { return sizeof(Block) + payload_.size(); }
  size_t payload_bytes() const { return payload_.size(); }
  bool empty() const { return entries_end_ == 0; }

 private:
  friend class BlockCursor;
  explicit Block(std::string payload) : payload_(std::move(payload)) {}
  absl::Status Validate();
  uint32_t Restart(size_t i) const;

  std::string payload_;
  size_t entries_end_ = 0;
  size_t restarts_ = 0;
};

// A place in a block: before the first entry, on an entry, or behind the last. Keeps the block
// alive.
class BlockCursor {
 public:
  BlockCursor() = default;
  explicit BlockCursor(std::shared_ptr<const Block> block) : block_(std::move(block)) {}

  const std::shared_ptr<const Block>& block() const { return block_; }
  bool valid() const { return place_ == Place::kEntry; }
  // Of the entry; the key until the cursor moves, the value as long as the block lives.
  std::string_view key() const { return key_; }
  std::string_view value() const { return value_; }

  void ToBeforeFirst();
  void ToBehindLast();
  // The first entry whose key is >= `key`, or behind the last.
  void SeekAtOrAfter(std::string_view key);
  // The last entry whose key is < `key`, or before the first.
  void SeekBefore(std::string_view key);
  // The last entry whose key is <= `key`, or before the first.
  void SeekAtOrBefore(std::string_view key);
  // Each gives valid().
  bool Next();
  bool Previous();

 private:
  enum class Place : uint8_t { kBeforeFirst, kEntry, kBehindLast };

  void Decode(size_t offset);  // the entry at `offset`; key_ holds its predecessor's key
  bool ToRestart(size_t i);
  std::string_view RestartKey(size_t i) const;
  size_t FirstRestartAtOrAfter(std::string_view key) const;
  size_t RestartBelow(size_t offset) const;

  std::shared_ptr<const Block> block_;
  Place place_ = Place::kBeforeFirst;
  size_t offset_ = 0;  // of the entry
  size_t next_ = 0;    // of the one behind it
  std::string key_;
  std::string_view value_;
};

}  // namespace tholos::sstable
