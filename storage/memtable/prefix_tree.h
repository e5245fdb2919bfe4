// PrefixTree: a B+tree of items in the order of their byte-comparable keys, of which it has the
// first 8 bytes (as a number) beside the pointer to the item. So a search mostly compares numbers
// within a few cache lines of a node, and looks at an item only where prefixes tie.
//
//   inner   separators [p0 p1 ...], children [c0 c1 c2 ...]    keys in c1 are >= p0 and < p1
//   leaf    prefixes [ ... ], items [ ... ], previous <-> next
//
// - The partitions of a memtable: prefix = token, items partitions; ties are almost unknown.
// - The rows of a partition: prefix = start of the clustering key.
//
// One leaf is the whole of a small tree; it grows from 4 to 64 slots in place. A leaf that is full
// is split in halves, or, if the new item goes behind everything in the tree, left full: rows that
// come in order fill their leaves. Erasing never joins leaves; empty ones are passed over and
// filled again.
//
// A search in a tree larger than the processor's caches waits for memory four or five times, one
// after the other. A Descent is a search in steps, which asks for memory in one step and looks at
// it in the next: of several searches, step by step in turn, the waits overlap (group prefetching,
// Chen, Ailamaki, Gibbons and Mowry, "Improving hash join performance through prefetching", 2004).
//
// A Place is good until the next insertion or Erase. Item needs `std::string_view key() const`, the
// whole of the key behind the prefix or including it, as long as all calls do the same. Items may
// be replaced by others of the same key (Place::Replace): separators have copies of keys.
//
// Memory is the arena's. Confined to one thread, or never changed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "storage/memtable/arena.h"

namespace tholos::storage {

// Asks for the memory at `first`, without waiting for it.
inline void Prefetch(const void* first, size_t bytes) {
  constexpr size_t kCacheLineBytes = 64;
  const char* at = static_cast<const char*>(first);
  for (size_t i = 0; i < bytes; i += kCacheLineBytes) __builtin_prefetch(at + i);
  __builtin_prefetch(at + bytes - 1);
}

struct TreeKey {
  uint64_t prefix = 0;
  std::string_view rest;
};

template <typename Item>
class PrefixTree {
  struct Leaf;

 public:
  PrefixTree() = default;
  PrefixTree(const PrefixTree&) = delete;
  PrefixTree& operator=(const PrefixTree&) = delete;

  // On an item, or at the end.
  class Place {
   public:
    bool at_end() const { return leaf_ == nullptr; }
    Item* item() const { return leaf_->items()[slot_]; }
    uint64_t prefix() const { return leaf_->prefixes()[slot_]; }
    void Replace(Item* item) { leaf_->items()[slot_] = item; }
    friend bool operator==(const Place&, const Place&) = default;

   private:
    friend class PrefixTree;
    Leaf* leaf_ = nullptr;
    uint32_t slot_ = 0;
  };

  bool empty() const { return size_ == 0; }
  uint64_t size() const { return size_; }

  Place First() const { return Settle({first_, 0}); }
  Place LowerBound(const TreeKey& key) const {
    Leaf* leaf = FindLeaf(key);
    return leaf == nullptr ? Place() : Settle({leaf, SlotAtOrAfter(*leaf, key)});
  }
  Place UpperBound(const TreeKey& key) const {
    Place place = LowerBound(key);
    if (!place.at_end() && IsAt(place, key)) place = Next(place);
    return place;
  }
  // The item of that key, or the end.
  Place Find(const TreeKey& key) const {
    const Place place = LowerBound(key);
    return place.at_end() || !IsAt(place, key) ? Place() : place;
  }
  // Find() in steps. The tree does not change from its beginning to its end.
  class Descent {
   public:
    Descent() = default;
    Descent(const PrefixTree& tree, const TreeKey& key)
        : key_(key), node_(tree.root_), level_(tree.depth_) {
      if (node_ == nullptr) next_ = Next::kNothing;
    }
    // False: nothing is left to do.
    bool Step() {
      switch (next_) {
        case Next::kNode:
          if (level_ > 0) {
            SearchInner();
          } else {
            SearchLeaf();
          }
          return next_ != Next::kNothing;
        case Next::kChild:
          --level_;
          node_ = static_cast<Inner*>(node_)->children[slot_];
          // The front of both kinds of nodes: what a search by prefix looks at.
          Prefetch(node_, sizeof(Leaf) + kFanout * sizeof(uint64_t));
          next_ = Next::kNode;
          return true;
        case Next::kSlot:
          Prefetch(leaf().items()[slot_], kItemBytesExpected);
          next_ = Next::kItem;
          return true;
        case Next::kItem:
          slot_ = SlotAtOrAfter(leaf(), key_);
          if (slot_ < leaf().count && IsAt(MakePlace({&leaf(), slot_}), key_)) {
            place_ = MakePlace({&leaf(), slot_});
          }
          next_ = Next::kNothing;
          return false;
        case Next::kNothing:
          return false;
      }
      return false;
    }
    // After the last step: the item of that key, or the end.
    Place place() const { return place_; }

   private:
    enum class Next : uint8_t { kNode, kChild, kSlot, kItem, kNothing };
    static constexpr size_t kItemBytesExpected = 64;

    Leaf& leaf() const { return *static_cast<Leaf*>(node_); }
    void SearchInner() {
      auto* inner = static_cast<Inner*>(node_);
      slot_ = ChildOf(*inner, key_);
      __builtin_prefetch(&inner->children[slot_]);
      next_ = Next::kChild;
    }
    void SearchLeaf() {
      Leaf& leaf = this->leaf();
      slot_ = FirstAtOrAfter(leaf.prefixes(), leaf.count, key_.prefix);
      const bool may_be_there = slot_ < leaf.count && leaf.prefixes()[slot_] == key_.prefix;
      if (may_be_there) {
        __builtin_prefetch(&leaf.items()[slot_]);
        next_ = Next::kSlot;
      } else {
        // What an insertion will move.
        Prefetch(leaf.items() + slot_, (leaf.count - slot_ + 1) * sizeof(Item*));
        next_ = Next::kNothing;
      }
    }

    TreeKey key_;
    void* node_ = nullptr;
    uint32_t level_ = 0;
    uint32_t slot_ = 0;
    Next next_ = Next::kNode;
    Place place_;
  };

  Place Next(Place place) const { return Settle({place.leaf_, place.slot_ + 1}); }
  // The item some places behind (at most 64), to have its memory on the way early in a walk over
  // all. Null near the end, and sometimes elsewhere.
  Item* Ahead(const Place& place, uint32_t places) const {
    Leaf* leaf = place.leaf_;
    uint32_t slot = place.slot_ + places;
    if (slot >= leaf->count) {
      slot -= leaf->count;
      leaf = leaf->next;
      if (leaf == nullptr || slot >= leaf->count) return nullptr;
    }
    return leaf->items()[slot];
  }
  // Of the end: the last one. Of the first one: the end.
  Place Previous(Place place) const {
    Raw raw{place.leaf_, place.slot_};
    if (raw.leaf == nullptr) raw = {last_, last_ == nullptr ? 0 : last_->count};
    while (raw.leaf != nullptr && raw.slot == 0) {
      raw.leaf = raw.leaf->previous;
      raw.slot = raw.leaf == nullptr ? 0 : raw.leaf->count;
    }
    if (raw.leaf == nullptr) return Place();
    --raw.slot;
    return MakePlace(raw);
  }

  struct Found {
    Place place;
    bool inserted = false;
  };
  // The item of that key; if there is none, what `make()` gives is put there.
  template <typename Make>
  Found FindOrInsert(Arena& arena, const TreeKey& key, Make make) {
    if (root_ == nullptr) {
      Leaf* leaf = NewLeaf(arena, kSmallestLeaf);
      first_ = last_ = leaf;
      root_ = leaf;
      return Inserted({leaf, 0}, key, make());
    }
    Inner* path[kDepthMax];
    uint32_t steps[kDepthMax];
    void* node = root_;
    for (uint32_t level = depth_; level > 0; --level) {
      auto* inner = static_cast<Inner*>(node);
      path[level] = inner;
      steps[level] = ChildOf(*inner, key);
      node = inner->children[steps[level]];
    }
    auto* leaf = static_cast<Leaf*>(node);
    uint32_t slot = SlotAtOrAfter(*leaf, key);
    // Keys of the next leaf are greater: it is here or nowhere.
    if (slot < leaf->count && IsAt(MakePlace({leaf, slot}), key)) {
      return {MakePlace({leaf, slot})};
    }
    if (leaf->count == leaf->capacity) {
      if (leaf->capacity < kFanout) {
        leaf = GrowRoot(arena, leaf);
      } else {
        Leaf* right = SplitLeaf(arena, leaf, slot);
        if (right->count == 0) {
          InsertUpwards(arena, path, steps, MakeSeparator(arena, key), right);
          return Inserted({right, 0}, key, make());
        }
        const TreeKey first{right->prefixes()[0], right->items()[0]->key()};
        InsertUpwards(arena, path, steps, MakeSeparator(arena, first), right);
        if (slot > leaf->count) {
          slot -= leaf->count;
          leaf = right;
        }
      }
    }
    return Inserted({leaf, slot}, key, make());
  }

  // The place behind it. Everything else that referred to the tree's places is invalid.
  Place Erase(Place place) {
    Leaf& leaf = *place.leaf_;
    const uint32_t behind = leaf.count - place.slot_ - 1;
    std::memmove(leaf.prefixes() + place.slot_, leaf.prefixes() + place.slot_ + 1,
                 behind * sizeof(uint64_t));
    std::memmove(leaf.items() + place.slot_, leaf.items() + place.slot_ + 1,
                 behind * sizeof(Item*));
    --leaf.count;
    --size_;
    return Settle({place.leaf_, place.slot_});
  }

 private:
  static constexpr uint32_t kFanout = 64;
  static constexpr uint32_t kSmallestLeaf = 4;
  // Inner nodes are at least half full: 32^12 leaves.
  static constexpr uint32_t kDepthMax = 13;

  // With room for `capacity` prefixes and then as many items behind it.
  struct Leaf {
    uint32_t count;
    uint32_t capacity;
    Leaf* previous;
    Leaf* next;
    uint64_t* prefixes() { return reinterpret_cast<uint64_t*>(this + 1); }
    Item** items() { return reinterpret_cast<Item**>(prefixes() + capacity); }
  };
  struct SeparatorKey {
    uint32_t size;
    char bytes[];
  };
  struct Separator {
    uint64_t prefix;
    SeparatorKey* rest;
  };
  struct Inner {
    uint32_t count;  // of separators; one child more
    uint64_t prefixes[kFanout];
    SeparatorKey* rests[kFanout];
    void* children[kFanout + 1];
  };
  struct Raw {
    Leaf* leaf;
    uint32_t slot;
  };

  static Place MakePlace(Raw raw) {
    Place place;
    place.leaf_ = raw.leaf;
    place.slot_ = raw.slot;
    return place;
  }
  // Passes over the ends of leaves.
  static Place Settle(Raw raw) {
    while (raw.leaf != nullptr && raw.slot >= raw.leaf->count) raw = {raw.leaf->next, 0};
    return raw.leaf == nullptr ? Place() : MakePlace(raw);
  }
  static bool IsAt(const Place& place, const TreeKey& key) {
    return place.prefix() == key.prefix && place.item()->key() == key.rest;
  }

  // The first of `count` ascending numbers that is >= `prefix`, without branches to mispredict.
  static uint32_t FirstAtOrAfter(const uint64_t* prefixes, uint32_t count, uint64_t prefix) {
    const uint64_t* base = prefixes;
    while (count > 1) {
      const uint32_t half = count / 2;
      base += base[half - 1] < prefix ? half : 0;
      count -= half;
    }
    return static_cast<uint32_t>(base - prefixes) + (count == 1 && *base < prefix ? 1 : 0);
  }

  static uint32_t SlotAtOrAfter(Leaf& leaf, const TreeKey& key) {
    uint32_t slot = FirstAtOrAfter(leaf.prefixes(), leaf.count, key.prefix);
    while (slot < leaf.count && leaf.prefixes()[slot] == key.prefix &&
           leaf.items()[slot]->key() < key.rest) {
      ++slot;
    }
    return slot;
  }

  // The child whose keys are >= the separator before it.
  static uint32_t ChildOf(const Inner& inner, const TreeKey& key) {
    uint32_t at = FirstAtOrAfter(inner.prefixes, inner.count, key.prefix);
    while (at < inner.count && inner.prefixes[at] == key.prefix &&
           Rest(inner.rests[at]) <= key.rest)
      ++at;
    return at;
  }
  static std::string_view Rest(const SeparatorKey* key) { return {key->bytes, key->size}; }

  Leaf* FindLeaf(const TreeKey& key) const {
    void* node = root_;
    for (uint32_t level = depth_; level > 0; --level) {
      auto* inner = static_cast<Inner*>(node);
      node = inner->children[ChildOf(*inner, key)];
    }
    return static_cast<Leaf*>(node);
  }

  static size_t LeafBytes(uint32_t capacity) {
    return sizeof(Leaf) + capacity * (sizeof(uint64_t) + sizeof(Item*));
  }
  static Leaf* NewLeaf(Arena& arena, uint32_t capacity) {
    return new (arena.Allocate(LeafBytes(capacity))) Leaf{0, capacity, nullptr, nullptr};
  }
  Found Inserted(Raw at, const TreeKey& key, Item* item) {
    Put(*at.leaf, at.slot, key.prefix, item);
    ++size_;
    return {MakePlace(at), true};
  }
  static void Put(Leaf& leaf, uint32_t slot, uint64_t prefix, Item* item) {
    const uint32_t behind = leaf.count - slot;
    std::memmove(leaf.prefixes() + slot + 1, leaf.prefixes() + slot, behind * sizeof(uint64_t));
    std::memmove(leaf.items() + slot + 1, leaf.items() + slot, behind * sizeof(Item*));
    leaf.prefixes()[slot] = prefix;
    leaf.items()[slot] = item;
    ++leaf.count;
  }
  static void Copy(Leaf& from, uint32_t begin, uint32_t end, Leaf& to) {
    std::memcpy(to.prefixes(), from.prefixes() + begin, (end - begin) * sizeof(uint64_t));
    std::memcpy(to.items(), from.items() + begin, (end - begin) * sizeof(Item*));
    to.count = end - begin;
  }

  Leaf* GrowRoot(Arena& arena, Leaf* leaf) {
    Leaf* larger = NewLeaf(arena, 2 * leaf->capacity);
    Copy(*leaf, 0, leaf->count, *larger);
    arena.Free(reinterpret_cast<char*>(leaf), LeafBytes(leaf->capacity));
    first_ = last_ = larger;
    root_ = larger;
    return larger;
  }

  // The new right neighbour: with the upper half, or empty if `slot` is behind everything.
  Leaf* SplitLeaf(Arena& arena, Leaf* leaf, uint32_t slot) {
    Leaf* right = NewLeaf(arena, kFanout);
    const bool append = leaf == last_ && slot == leaf->count;
    if (!append) {
      const uint32_t half = leaf->count / 2;
      Copy(*leaf, half, leaf->count, *right);
      leaf->count = half;
    }
    right->previous = leaf;
    right->next = leaf->next;
    (right->next == nullptr ? last_ : right->next->previous) = right;
    leaf->next = right;
    return right;
  }

  static Separator MakeSeparator(Arena& arena, const TreeKey& key) {
    auto* rest =
        reinterpret_cast<SeparatorKey*>(arena.Allocate(sizeof(SeparatorKey) + key.rest.size()));
    rest->size = static_cast<uint32_t>(key.rest.size());
    std::memcpy(rest->bytes, key.rest.data(), key.rest.size());
    return {key.prefix, rest};
  }

  static void PutChild(Inner& inner, uint32_t at, const Separator& separator, void* child) {
    const uint32_t behind = inner.count - at;
    std::memmove(inner.prefixes + at + 1, inner.prefixes + at, behind * sizeof(uint64_t));
    std::memmove(inner.rests + at + 1, inner.rests + at, behind * sizeof(SeparatorKey*));
    std::memmove(inner.children + at + 2, inner.children + at + 1, behind * sizeof(void*));
    inner.prefixes[at] = separator.prefix;
    inner.rests[at] = separator.rest;
    inner.children[at + 1] = child;
    ++inner.count;
  }

  // `child` is right of where `path` leads, behind `separator`.
  void InsertUpwards(Arena& arena, Inner** path, const uint32_t* steps, Separator separator,
                     void* child) {
    for (uint32_t level = 1; level <= depth_; ++level) {
      Inner* inner = path[level];
      uint32_t at = steps[level];
      if (inner->count < kFanout) return PutChild(*inner, at, separator, child);
      // The middle separator moves up; what is right of it goes into a new node.
      auto* right = NewInner(arena);
      constexpr uint32_t kMiddle = kFanout / 2;
      const Separator middle{inner->prefixes[kMiddle], inner->rests[kMiddle]};
      right->count = kFanout - kMiddle - 1;
      std::memcpy(right->prefixes, inner->prefixes + kMiddle + 1, right->count * sizeof(uint64_t));
      std::memcpy(right->rests, inner->rests + kMiddle + 1, right->count * sizeof(SeparatorKey*));
      std::memcpy(right->children, inner->children + kMiddle + 1,
                  (right->count + 1) * sizeof(void*));
      inner->count = kMiddle;
      if (at > kMiddle) {
        inner = right;
        at -= kMiddle + 1;
      }
      PutChild(*inner, at, separator, child);
      separator = middle;
      child = right;
    }
    Inner* root = NewInner(arena);
    root->count = 1;
    root->prefixes[0] = separator.prefix;
    root->rests[0] = separator.rest;
    root->children[0] = root_;
    root->children[1] = child;
    root_ = root;
    ++depth_;
  }
  static Inner* NewInner(Arena& arena) {
    auto* inner = reinterpret_cast<Inner*>(arena.Allocate(sizeof(Inner)));
    inner->count = 0;
    return inner;
  }

  void* root_ = nullptr;  // a leaf if depth_ is 0
  uint32_t depth_ = 0;    // levels of inner nodes
  Leaf* first_ = nullptr;
  Leaf* last_ = nullptr;
  uint64_t size_ = 0;
};

}  // namespace tholos::storage
