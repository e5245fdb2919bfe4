#include "storage/memtable/prefix_tree.h"

#include <map>
#include <string>

#include "base/coding.h"
#include "base/random.h"
#include "base/sim/test_world.h"
#include "gtest/gtest.h"

namespace tholos::storage {
namespace {

struct Item {
  std::string text;
  std::string_view key() const { return text; }
};
using Tree = PrefixTree<Item>;

TreeKey KeyOf(std::string_view text) {
  char bytes[8] = {};
  std::copy_n(text.data(), std::min<size_t>(8, text.size()), bytes);
  return {base::LoadBigEndian64(bytes), text};
}

// The tree beside a std::map.
class Pair {
 public:
  void Insert(const std::string& text) {
    auto [it, inserted] = map_.try_emplace(text);
    EXPECT_EQ(tree_.Find(KeyOf(text)).at_end(), inserted);
    if (!inserted) {
      const auto found = tree_.FindOrInsert(arena_, KeyOf(text), [] { return nullptr; });
      EXPECT_FALSE(found.inserted);
      EXPECT_EQ(found.place.item(), it->second.get());
      return;
    }
    it->second = std::make_unique<Item>(Item{text});
    const auto make = [&] { return it->second.get(); };
    EXPECT_TRUE(tree_.FindOrInsert(arena_, KeyOf(text), make).inserted);
  }
  void Erase(const std::string& text) {
    const Tree::Place place = tree_.Find(KeyOf(text));
    ASSERT_EQ(place.at_end(), !map_.contains(text));
    if (place.at_end()) return;
    const auto next = map_.upper_bound(text);
    const Tree::Place behind = tree_.Erase(place);
    ASSERT_EQ(behind.at_end(), next == map_.end());
    if (!behind.at_end()) EXPECT_EQ(behind.item()->text, next->first);
    map_.erase(text);
  }
  void CheckAround(const std::string& text) const {
    const auto check = [&](Tree::Place place, auto it) {
      ASSERT_EQ(place.at_end(), it == map_.end()) << text;
      if (!place.at_end()) EXPECT_EQ(place.item(), it->second.get());
    };
    check(tree_.LowerBound(KeyOf(text)), map_.lower_bound(text));
    check(tree_.UpperBound(KeyOf(text)), map_.upper_bound(text));
    check(tree_.Find(KeyOf(text)), map_.find(text));
    Tree::Descent descent(tree_, KeyOf(text));
    while (descent.Step()) {
    }
    check(descent.place(), map_.find(text));
  }
  void CheckAll() const {
    ASSERT_EQ(tree_.size(), map_.size());
    Tree::Place place = tree_.First();
    for (const auto& [text, item] : map_) {
      ASSERT_FALSE(place.at_end());
      ASSERT_EQ(place.item(), item.get());
      place = tree_.Next(place);
    }
    EXPECT_TRUE(place.at_end());
    for (auto it = map_.rbegin(); it != map_.rend(); ++it) {
      place = tree_.Previous(place);
      ASSERT_FALSE(place.at_end());
      ASSERT_EQ(place.item(), it->second.get());
    }
    EXPECT_TRUE(map_.empty() || tree_.Previous(place).at_end());
  }
  const Arena& arena() const { return arena_; }

 private:
  Arena arena_;
  Tree tree_;
  std::map<std::string, std::unique_ptr<Item>> map_;
};

TEST(PrefixTree, AgreesWithAMap) {
  base::RandomStream random(base::sim::SeedFromEnvironment(21));
  for (int round = 0; round < 40; ++round) {
    Pair pair;
    // Few prefixes, many ties; or many prefixes.
    const uint64_t kinds = 1 + random.Below(3);
    const auto text = [&] {
      std::string text(random.Below(3) * 4, 'p');
      for (uint64_t i = 1 + random.Below(kinds * 3); i > 0; --i) {
        text += static_cast<char>(random.Below(1 + 100 * kinds));
      }
      return text;
    };
    const uint64_t steps = 1 + random.Below(6000);
    for (uint64_t i = 0; i < steps; ++i) {
      random.Chance(0.75) ? pair.Insert(text()) : pair.Erase(text());
      if (random.Chance(0.1)) pair.CheckAround(text());
    }
    pair.CheckAll();
  }
}

TEST(PrefixTree, TakesKeysInOrderBackwardsAndEmptiesItself) {
  for (const bool ascending : {true, false}) {
    Pair pair;
    const auto text = [&](int i) {
      char text[8];
      std::snprintf(text, sizeof(text), "%07d", ascending ? i : 99999 - i);
      return std::string(text, 7);
    };
    for (int i = 0; i < 20000; ++i) pair.Insert(text(i));
    pair.CheckAll();
    // Keys in order fill their leaves: 16 bytes each, and little more.
    if (ascending) EXPECT_LT(pair.arena().bytes(), 20000 * 19);
    for (int i = 0; i < 20000; ++i) pair.Erase(text(i));
    pair.CheckAll();
    for (int i = 0; i < 2000; i += 3) pair.Insert(text(i));
    pair.CheckAll();
  }
}

TEST(Arena, ManyMebibytes) {
  Arena arena;
  constexpr size_t kPieceBytes = 1000;
  constexpr size_t kPieces = 24'000;
  std::vector<char*> pieces;
  for (size_t i = 0; i < kPieces; ++i) {
    pieces.push_back(arena.Allocate(kPieceBytes));
    std::memset(pieces[i], static_cast<int>(i % 101), kPieceBytes);
  }
  EXPECT_GE(arena.bytes(), kPieces * kPieceBytes);
  EXPECT_LT(arena.bytes(), kPieces * kPieceBytes * 101 / 100);
  for (size_t i = 0; i < kPieces; ++i) {
    ASSERT_EQ(pieces[i][0], static_cast<char>(i % 101));
    ASSERT_EQ(pieces[i][kPieceBytes - 1], static_cast<char>(i % 101));
  }
}

TEST(Arena, KeepsPiecesApartAndUsesThemAgain) {
  Arena arena;
  base::RandomStream random(base::sim::SeedFromEnvironment(22));
  struct Piece {
    char* at;
    size_t bytes;
    char fill;
  };
  std::vector<Piece> pieces;
  const auto check = [](const Piece& piece) {
    return std::all_of(piece.at, piece.at + piece.bytes, [&](char c) { return c == piece.fill; });
  };
  for (int i = 0; i < 20000; ++i) {
    if (!pieces.empty() && random.Chance(0.5)) {
      std::swap(pieces[random.Below(pieces.size())], pieces.back());
      ASSERT_TRUE(check(pieces.back()));
      arena.Free(pieces.back().at, pieces.back().bytes);
      pieces.pop_back();
      continue;
    }
    const size_t bytes = 1 + random.Below(random.Chance(0.02) ? 100'000 : 3'000);
    char* at = arena.Allocate(bytes);
    ASSERT_EQ(reinterpret_cast<uintptr_t>(at) % Arena::kAlignment, 0u);
    pieces.push_back({at, bytes, static_cast<char>(i)});
    std::fill_n(at, bytes, static_cast<char>(i));
  }
  for (const Piece& piece : pieces) ASSERT_TRUE(check(piece));
  // One size, over and over, takes the memory of one piece.
  const uint64_t before = arena.bytes();
  for (int i = 0; i < 1000; ++i) arena.Free(arena.Allocate(4321), 4321);
  EXPECT_LE(arena.bytes(), before + (1 << 20));
}

}  // namespace
}  // namespace tholos::storage
