// CallTable: what is under way, found by a number that its answer brings back. Confined to a loop.
//
//   | 20 bits  slot | 28 bits  the lower bits of the call's sequence number |   48 bits in all
//
// A slot that was given back is the first to be used again: a thousand calls at a time touch a
// thousand slots, however many there once were (a hash table that a crowd has grown stays cold).
// The sequence number in the id tells an answer that comes too late from that of the slot's next
// call; to be taken for it, exactly a multiple of 2^28 calls must have begun between the two.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "base/check.h"

namespace tholos::rpc {

// Call: default-constructed for a free slot; holds nothing once it was moved from.
template <typename Call>
class CallTable {
 public:
  static constexpr int kSlotBits = 20;
  static constexpr int kSequenceBits = 28;
  static constexpr size_t kCallsMax = size_t{1} << kSlotBits;

  bool full() const { return size_ == kCallsMax; }
  size_t size() const { return size_; }
  // What a look at all of them costs: the most that there were since the table was last empty.
  size_t slots() const { return slots_.size(); }

  // The id. Not for a full table.
  uint64_t Add(Call call) {
    THOLOS_CHECK(!full());
    if (free_ == kNone) {
      free_ = static_cast<uint32_t>(slots_.size());
      slots_.emplace_back();
    }
    const uint32_t index = free_;
    Slot& slot = slots_[index];
    free_ = slot.next;
    slot.sequence = ++last_sequence_;
    slot.call = std::move(call);
    ++size_;
    return IdOf(index, slot.sequence);
  }

  // Removes a call; nothing if it is not there (any longer).
  std::optional<Call> Take(uint64_t id) {
    const uint64_t index = id >> kSequenceBits;
    if (index >= slots_.size()) return std::nullopt;
    Slot& slot = slots_[index];
    if (slot.sequence == 0 || IdOf(index, slot.sequence) != id) return std::nullopt;
    std::optional<Call> taken(std::move(slot.call));
    slot.sequence = 0;
    slot.next = free_;
    free_ = static_cast<uint32_t>(index);
    if (--size_ == 0 && slots_.size() > kKeptSlots) Clear();
    return taken;
  }

  // Of all calls for which `wanted(call)` holds, in the order in which they began.
  template <typename Wanted>
  std::vector<uint64_t> Select(Wanted wanted) const {
    std::vector<std::pair<uint64_t, uint64_t>> found;  // sequence, id
    for (size_t index = 0; index < slots_.size(); ++index) {
      const Slot& slot = slots_[index];
      if (slot.sequence != 0 && wanted(slot.call))
        found.emplace_back(slot.sequence, IdOf(index, slot.sequence));
    }
    std::sort(found.begin(), found.end());
    std::vector<uint64_t> ids;
    ids.reserve(found.size());
    for (const auto& [sequence, id] : found) ids.push_back(id);
    return ids;
  }

 private:
  static constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();
  static constexpr size_t kKeptSlots = 1024;

  struct Slot {
    uint64_t sequence = 0;  // 0: free
    uint32_t next = kNone;  // of a free slot
    Call call;
  };
  static uint64_t IdOf(uint64_t index, uint64_t sequence) {
    return (index << kSequenceBits) | (sequence & ((uint64_t{1} << kSequenceBits) - 1));
  }
  void Clear() {
    slots_ = {};
    free_ = kNone;
  }

  std::vector<Slot> slots_;
  uint32_t free_ = kNone;
  size_t size_ = 0;
  uint64_t last_sequence_ = 0;
};

}  // namespace tholos::rpc
