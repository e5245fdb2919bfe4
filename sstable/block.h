// A sorted run of entries: the payload of data blocks, index pages and the root (format.h).
//
//   entry    varint shared      bytes of the key that equal the start of the previous entry's key
//            varint unshared    bytes of the key that follow
//            varint value_size
//            key bytes, value bytes
//   ...
//   restart  u32 each           offsets of entries with shared = 0: the first and then every 4th to
//                               16th (block_builder.h)
//   count    u32                of restarts
//
// A search is a binary search over restarts (whose keys are whole) and a walk over at most 16
// entries. The binary search stays within one array, made when the block is parsed: for each
// restart the 8 bytes of its key behind what the keys of all restarts begin with.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace tholos::sstable {

// Immutable. Parse has checked that every entry and restart is well formed, so cursors cannot fail.
class Block {
 public:
  // kDataLoss says what is wrong. Does not check the order of the keys.
  static absl::StatusOr<std::shared_ptr<const Block>> Parse(std::string payload);

  // Bytes of memory.
  size_t bytes() const {
    return sizeof(Block) + payload_.size() + restart_heads_.size() * sizeof(uint64_t);
  }
  size_t payload_bytes() const { return payload_.size(); }
  bool empty() const { return entries_end_ == 0; }
  // Empty if the block is.
  std::string_view first_key() const { return empty() ? std::string_view() : RestartKey(0); }

  // An entry as Around() sees it. Good as long as the block lives.
  struct Entry {
    bool there = false;
    size_t key_bytes = 0;
    size_t shared = 0;  // bytes that its key and the one that was looked for begin with
    std::string_view value;
  };
  struct Neighbours {
    Entry before;        // the last entry whose key is < the key
    Entry after;         // the first one whose key is >= it
    bool found = false;  // `after` has the very key
    // The last entry whose key is <= the key.
    const Entry& at_or_before() const { return found ? after : before; }
  };
  // What stands around `key`, without putting any key together.
  Neighbours Around(std::string_view key) const;

 private:
  friend class BlockCursor;
  explicit Block(std::string payload) : payload_(std::move(payload)) {}
  absl::Status Validate();
  void NoteRestarts();
  uint32_t Restart(size_t i) const;
  std::string_view RestartKey(size_t i) const;
  // The number of restarts whose keys are < `key`.
  size_t RestartsBelow(std::string_view key) const;
  uint64_t HeadOf(std::string_view key) const;

  std::string payload_;
  size_t entries_end_ = 0;
  size_t restarts_ = 0;
  size_t common_bytes_ = 0;  // that the keys of all restarts begin with
  std::vector<uint64_t> restart_heads_;
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
  size_t RestartBelow(size_t offset) const;

  std::shared_ptr<const Block> block_;
  Place place_ = Place::kBeforeFirst;
  size_t offset_ = 0;  // of the entry
  size_t next_ = 0;    // of the one behind it
  std::string key_;
  std::string_view value_;
};

}  // namespace tholos::sstable
