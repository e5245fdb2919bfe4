// A cache that a scan cannot sweep: S3-FIFO (Yang et al., SOSP 2023).
//
//   new --> small (10 % of the bytes) --read again meanwhile--> main --not read--> out
//              |                                         ^        |
//              not read again: out, its name to ghost    |        read: once more round
//   named by ghost when it comes back -------------------+
//   not admitted: its name to ghost
//
// Most things that are read once are not read again soon; they pass through `small` and leave what
// is in `main` alone. A read of what is there changes a counter and moves nothing. Something larger
// than the whole is not kept.
//
// Key: what is looked for, a cheap value (for a string a view of it; NameOf gives it of an entry's
// value). Confined to one thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <iterator>
#include <list>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/hash/hash.h"

namespace tholos::sstable {

template <typename Key, typename Value>
class FifoCache {
 public:
  explicit FifoCache(uint64_t bytes_max) : bytes_max_(bytes_max) {}

  // Good until the next Put, Erase or SetBytesMax. Null if it is not there.
  Value* Find(const Key& key) {
    const auto it = index_.find(key);
    if (it == index_.end()) return nullptr;
    Entry& entry = *it->second;
    entry.reads = std::min<uint8_t>(kReadsMax, static_cast<uint8_t>(entry.reads + 1));
    return &entry.value;
  }
  bool contains(const Key& key) const { return index_.contains(key); }

  // Of something that was not there and is cheaper to have if it is not put in: whether to put it
  // in. It is if there is room, or if it was asked for before of late; if not, its name is kept.
  // So what is read once does not even pass through `small`.
  bool Admits(const Key& key, uint64_t bytes) {
    if (this->bytes() + bytes <= bytes_max_) return true;
    const size_t name = absl::HashOf(key);
    if (ghost_names_.contains(name)) return true;
    Remember(name);
    return false;
  }

  // The value where it stays; null if it is too large. `key_of` gives its key, there: it may be a
  // view into the value. The key must not be there.
  template <typename KeyOf>
  Value* Put(Value value, uint64_t bytes, KeyOf key_of) {
    if (bytes > bytes_max_) return nullptr;
    MakeRoom(bytes);
    small_.push_front({std::move(value), Key(), bytes});
    Entry& entry = small_.front();
    entry.key = key_of(entry.value);
    entry.in_main = ghost_names_.erase(absl::HashOf(entry.key)) > 0;
    if (entry.in_main) main_.splice(main_.begin(), small_, small_.begin());
    BytesOf(entry) += bytes;
    index_.emplace(entry.key, entry.in_main ? main_.begin() : small_.begin());
    return &entry.value;
  }

  bool Erase(const Key& key) {
    const auto it = index_.find(key);
    if (it == index_.end()) return false;
    Drop(it->second);
    return true;
  }

  void SetBytesMax(uint64_t bytes_max) {
    bytes_max_ = bytes_max;
    MakeRoom(0);
  }

  uint64_t bytes() const { return small_bytes_ + main_bytes_; }
  size_t size() const { return index_.size(); }
  // Called with each value that leaves, before it does.
  void OnLeave(std::function<void(Value&)> leave) { leave_ = std::move(leave); }

 private:
  static constexpr uint8_t kReadsMax = 3;
  static constexpr uint64_t kSmallShare = 10;

  struct Entry {
    Value value;
    Key key;
    uint64_t bytes = 0;
    uint8_t reads = 0;  // since it came or went round
    bool in_main = false;
  };
  using Queue = std::list<Entry>;  // the newest first

  uint64_t& BytesOf(const Entry& entry) { return entry.in_main ? main_bytes_ : small_bytes_; }

  void MakeRoom(uint64_t bytes) {
    while (!index_.empty() && this->bytes() + bytes > bytes_max_) {
      if (main_.empty() || (!small_.empty() && small_bytes_ > bytes_max_ / kSmallShare)) {
        EvictFromSmall();
      } else {
        EvictFromMain();
      }
    }
  }

  void EvictFromSmall() {
    const auto oldest = std::prev(small_.end());
    if (oldest->reads > 0) {
      small_bytes_ -= oldest->bytes;
      main_bytes_ += oldest->bytes;
      oldest->reads = 0;
      oldest->in_main = true;
      main_.splice(main_.begin(), small_, oldest);
      return;
    }
    Remember(absl::HashOf(oldest->key));
    Drop(oldest);
  }

  void EvictFromMain() {
    while (main_.back().reads > 0) {
      --main_.back().reads;
      main_.splice(main_.begin(), main_, std::prev(main_.end()));
    }
    Drop(std::prev(main_.end()));
  }

  void Drop(typename Queue::iterator entry) {
    if (leave_) leave_(entry->value);
    index_.erase(entry->key);
    BytesOf(*entry) -= entry->bytes;
    (entry->in_main ? main_ : small_).erase(entry);
  }

  // Names are hashes: two of one name are mistaken for each other, which does no harm. Of one that
  // came back its old place in the queue remains, and takes a newer name out a little early.
  void Remember(size_t name) {
    ghosts_.push_back(name);
    ghost_names_[name] = true;
    while (ghosts_.size() > index_.size()) {
      ghost_names_.erase(ghosts_.front());
      ghosts_.pop_front();
    }
  }

  uint64_t bytes_max_;
  uint64_t small_bytes_ = 0;
  uint64_t main_bytes_ = 0;
  Queue small_;
  Queue main_;
  absl::flat_hash_map<Key, typename Queue::iterator> index_;
  // Names of what left `small` or was not admitted: as many as there are entries.
  std::deque<size_t> ghosts_;
  absl::flat_hash_map<size_t, bool> ghost_names_;
  std::function<void(Value&)> leave_;
};

}  // namespace tholos::sstable
