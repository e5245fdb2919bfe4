// A sorted run of entries: the payload of data blocks, index pages and the root (format.h).
//
//   count    u32                of restarts
//   common   u32                bytes that the keys of all restarts begin with
//   head     u32 each           of each restart's key the 4 bytes behind these, as a number of the
//                               same order; zeros where the key ends
//   restart  u32 each           where, from the first entry on, entries with shared = 0 stand: the
//                               first and then every 4th to 16th (block_builder.h)
//   entry    varint shared      bytes of the key that equal the start of the previous entry's key
//            varint unshared    bytes of the key that follow
//            varint value_size
//            key bytes, value bytes
//   ...
//
// A search is a binary search over the heads, which are a few cache lines (16 KiB of rows of 100
// bytes have 55 restarts), and a walk over at most 16 entries. What a search needs stands before
// what it may skip, so it can be made in the first part of a payload (block_prefix.h).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tholos::sstable {

inline constexpr size_t kBlockHeaderBytes = 8;  // before the heads
inline constexpr size_t kRestartBytes = 8;      // a head and a restart

// Immutable. Parse has checked that every entry, restart and head is well formed, so cursors cannot
// fail. The payload stands right behind the object, in the same piece of memory.
class Block {
 public:
  // kDataLoss says what is wrong. Does not check the order of the keys.
  static absl::StatusOr<std::shared_ptr<const Block>> Parse(std::string_view payload);
  // The same of a payload that `fill` writes in place; its error is the result.
  static absl::StatusOr<std::shared_ptr<const Block>> Parse(
      size_t payload_bytes, absl::FunctionRef<absl::Status(char* payload)> fill);
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  // Bytes of memory, with those of the shared pointer.
  size_t bytes() const { return sizeof(Block) + kPointerBytes + payload_bytes_; }
  size_t payload_bytes() const { return payload_bytes_; }
  bool empty() const { return restarts_ == 0; }
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
  static constexpr size_t kPointerBytes = 32;

  explicit Block(size_t payload_bytes) : payload_bytes_(payload_bytes) {}
  const char* payload() const { return reinterpret_cast<const char*>(this + 1); }
  absl::Status Validate();
  absl::Status ValidateEntries() const;
  bool IsHeadOf(size_t restart, std::string_view key) const;
  const char* heads() const { return payload() + kBlockHeaderBytes; }
  const char* entries() const { return payload() + entries_at_; }
  size_t entries_end() const { return payload_bytes_ - entries_at_; }
  uint32_t Restart(size_t i) const;
  std::string_view RestartKey(size_t i) const;
  // The number of restarts whose keys are < `key`.
  size_t RestartsBelow(std::string_view key) const;

  const size_t payload_bytes_;
  size_t entries_at_ = 0;
  uint32_t restarts_ = 0;
  uint32_t common_bytes_ = 0;
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
  size_t offset_ = 0;  // of the entry, from the first on
  size_t next_ = 0;    // of the one behind it
  std::string key_;
  std::string_view value_;
};

}  // namespace tholos::sstable
