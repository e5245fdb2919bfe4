// The bytes of one simulated file: what is read now, and what is left of it after a power loss.
//
//   durable_   what the disk certainly holds
//   unsynced_  the changes since, in order, each with its sequence number
//   current_   durable_ with all changes applied: what is read
//
// A sync makes durable the changes up to the sequence number that was reached when the sync was
// asked for, no others: what is written while it is on its way needs another one.
//
// A power loss keeps, for every sector of 512 bytes, the content after some prefix of the changes
// to that sector, each sector on its own; the size is the one after some prefix of all changes.
// Bytes that no kept change wrote are zero.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"

namespace tholos::base::sim {

class FileContent {
 public:
  static constexpr uint64_t kSectorBytes = 512;

  uint64_t size() const { return current_.size(); }
  const std::string& current() const { return current_; }
  const std::string& durable() const { return durable_; }

  std::string Read(uint64_t offset, size_t length) const;
  // `sequence` grows with every change.
  void Write(uint64_t offset, std::string_view data, uint64_t sequence);
  void Resize(uint64_t length, uint64_t sequence);

  void Sync(uint64_t sequence_max);
  // Of the write with that number alone, unless what came before it changed the size or the same
  // sectors: then of that, too.
  void SyncWrite(uint64_t sequence);
  // A sync that fails: some of the changes reach the disk, the others never will, though they can
  // still be read until the power is lost.
  void FailSync(uint64_t sequence_max, RandomStream& random);
  void LosePower(RandomStream& random);

  // Flips a durable bit; what was overwritten since hides it. False beyond the durable end.
  bool FlipBit(uint64_t offset, int bit);

 private:
  struct Change {
    uint64_t sequence = 0;
    bool resize = false;
    uint64_t offset = 0;      // of `data`
    std::string data;         // unless resize
    uint64_t size_after = 0;  // of the file
  };
  // Whether the disk got the part of unsynced_[change] that lies in `sector`.
  using KeepSector = std::function<bool(size_t change, uint64_t sector)>;

  size_t CountUpTo(uint64_t sequence_max) const;
  // The durable bytes with the kept parts of the first `count` changes applied, and of the first
  // `size_changes` of them what they did to the size.
  std::string Replay(size_t count, const KeepSector& keep, size_t size_changes) const;
  // A random outcome for the first `count` changes.
  std::string RandomOutcome(size_t count, RandomStream& random) const;
  std::string PrefixOutcome(size_t count, RandomStream& random) const;
  std::string SectorsOutcome(size_t count, RandomStream& random) const;

  std::string current_;
  std::string durable_;
  std::vector<Change> unsynced_;
};

}  // namespace tholos::base::sim
