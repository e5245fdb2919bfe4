// Prepared statements. Two levels:
//
//   PreparedTexts   one a node, behind a mutex: id -> keyspace and text, of all clients
//   PreparedPlans   one a shard, without locks: id -> the plan this shard made of the text
//
// An execution finds its plan on its own shard; a shard that sees an id for the first time, or
// whose schema has changed, makes the plan anew from the text. Both are bounded in bytes and forget
// what was not used for the longest time. A plan outlives its text until its shard forgets it too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "base/coding.h"
#include "cql/plan.h"
#include "data/schema/schema.h"

namespace tholos::cql {

// 128-bit content hash, 16 bytes: equal on every node.
PreparedId MakePreparedId(std::string_view keyspace, std::string_view text);

// Bounded by a sum of costs. Confined to one thread.
template <typename Value>
class LruCache {
 public:
  explicit LruCache(size_t cost_max) : cost_max_(cost_max) {}

  // nullptr if unknown; else it is the most recently used. Valid until the next Put.
  Value* Find(std::string_view key) {
    const auto found = index_.find(key);
    if (found == index_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return &entries_.front().value;
  }

  // Replaces; drops what was not used for the longest time. What alone costs too much is not kept.
  void Put(std::string key, Value value, size_t cost) {
    Erase(key);
    if (cost > cost_max_) return;
    while (cost_ + cost > cost_max_) Erase(entries_.back().key);
    entries_.push_front({std::move(key), std::move(value), cost});
    index_.emplace(entries_.front().key, entries_.begin());
    cost_ += cost;
  }

  size_t cost() const { return cost_; }
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string key;
    Value value;
    size_t cost = 0;
  };
  // Keys are content hashes: any 8 bytes of one will do.
  struct Hash {
    size_t operator()(std::string_view key) const {
      if (key.size() < sizeof(uint64_t)) return std::hash<std::string_view>()(key);
      return base::LoadBigEndian64(key.data());
    }
  };

  // `key` may be that of the entry.
  void Erase(std::string_view key) {
    const auto found = index_.find(key);
    if (found == index_.end()) return;
    const auto entry = found->second;
    cost_ -= entry->cost;
    index_.erase(found);
    entries_.erase(entry);
  }

  const size_t cost_max_;
  size_t cost_ = 0;
  std::list<Entry> entries_;  // most recently used first
  // Keys refer to the entries.
  absl::flat_hash_map<std::string_view, typename std::list<Entry>::iterator, Hash,
                      std::equal_to<std::string_view>>
      index_;
};

struct PreparedText {
  std::string keyspace;
  std::string text;
  // Of the parameters that whoever prepared the statement was told (ParametersDigest): while they
  // are others, because a table was altered or made anew, the statement is to be prepared again.
  uint64_t parameters = 0;
};

// Thread-safe.
class PreparedTexts {
 public:
  explicit PreparedTexts(size_t bytes_max) : texts_(bytes_max) {}
  void Put(const PreparedId& id, PreparedText text);
  std::optional<PreparedText> Find(const PreparedId& id);
  size_t bytes() const;

 private:
  mutable absl::Mutex mutex_;
  LruCache<PreparedText> texts_ ABSL_GUARDED_BY(mutex_);
};

struct PreparedPlan {
  PlanPtr plan;
  // What the plan was made for; kept, so that no other schema can have its address.
  data::Schema::Ptr schema;
};

// The cost of a plan is that of its text: see PlanCost.
using PreparedPlans = LruCache<PreparedPlan>;
// Plans are a few times larger than texts; this covers the plan of any statement without long IN
// lists.
inline size_t PlanCost(size_t text_bytes) { return 1024 + 16 * text_bytes; }

}  // namespace tholos::cql
