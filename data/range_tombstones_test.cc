#include "data/range_tombstones.h"

#include <map>

#include "data/range_collector.h"
#include "data/testing/random_data.h"
#include "gmock/gmock.h"

namespace tholos::data {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

RangeTombstone Range(std::string lower, std::string upper, Timestamp timestamp) {
  return {{std::move(lower), std::move(upper)}, {timestamp, timestamp}};
}

RangeTombstones RandomList(base::RandomStream& random) {
  return RandomRanges(random,
                      [&] { return std::string(1, static_cast<char>('a' + random.Below(8))); },
                      {.ranges_max = 4});
}

// Every key that can tell lists of RandomList apart.
std::vector<std::string> Keys() {
  std::vector<std::string> keys = {""};
  for (char c = 'A'; c <= 'j'; ++c) {
    keys.push_back(std::string(1, c));
    keys.push_back(Behind(keys.back()));
  }
  return keys;
}

Deletion At(const RangeTombstones& list, const std::string& key) {
  for (const RangeTombstone& each : list) {
    if (each.range.Contains(key)) return each.deletion;
  }
  return {};
}

bool IsCanonical(const RangeTombstones& list) {
  for (size_t i = 1; i < list.size(); ++i) {
    if (list[i - 1].range.upper == list[i].range.lower &&
        list[i - 1].deletion == list[i].deletion) {
      return false;
    }
  }
  return InOrder(list);
}

TEST(Slice, BehindAndIntersection) {
  EXPECT_EQ(Behind("a"), std::string("a\0", 2));
  EXPECT_EQ(Intersection({"a", "c"}, {"b", ""}), (Slice{"b", "c"}));
  EXPECT_EQ(Intersection({"", ""}, {"", "b"}), (Slice{"", "b"}));
  EXPECT_TRUE(Intersection({"a", "b"}, {"b", "c"}).IsEmpty());
  EXPECT_THAT(SlicesBehind({}, "b", false), ElementsAre(Slice{Behind("b"), ""}));
  EXPECT_THAT(SlicesBehind({}, "b", true), ElementsAre(Slice{"", "b"}));
  EXPECT_THAT(SlicesBehind({}, "", true), IsEmpty());
  EXPECT_THAT(SlicesBehind({{"a", "b"}, {"c", "e"}, {"f", ""}}, "c", false),
              ElementsAre(Slice{Behind("c"), "e"}, Slice{"f", ""}));
  EXPECT_THAT(SlicesBehind({{"a", "b"}, {"c", "e"}, {"f", ""}}, "d", true),
              ElementsAre(Slice{"a", "b"}, Slice{"c", "d"}));
}

TEST(RangeTombstones, MergeCutsAndJoins) {
  EXPECT_THAT(MergeRanges({Range("a", "e", 5)}, {Range("c", "g", 7)}),
              ElementsAre(Range("a", "c", 5), Range("c", "g", 7)));
  EXPECT_THAT(MergeRanges({Range("a", "", 5)}, {Range("c", "g", 7)}),
              ElementsAre(Range("a", "c", 5), Range("c", "g", 7), Range("g", "", 5)));
  EXPECT_THAT(MergeRanges({Range("a", "c", 5)}, {Range("c", "", 5)}),
              ElementsAre(Range("a", "", 5)));
  EXPECT_THAT(UncoveredRanges({Range("a", "c", 5), Range("c", "d", 6)}, {5, 9}),
              ElementsAre(Range("c", "d", 6)));
  EXPECT_THAT(RangesNotIn({Range("a", "", 7)}, {Range("b", "c", 7), Range("d", "e", 5)}),
              ElementsAre(Range("a", "b", 7), Range("c", "", 7)));
}

TEST(RangeTombstones, InOrderRefusesOverlapsAndNothing) {
  EXPECT_TRUE(InOrder({Range("a", "b", 1), Range("b", "", 2)}));
  EXPECT_FALSE(InOrder({Range("a", "b", 1), Range("a", "c", 2)}));
  EXPECT_FALSE(InOrder({Range("a", "", 1), Range("b", "c", 2)}));
  EXPECT_FALSE(InOrder({Range("b", "b", 1)}));
  EXPECT_FALSE(InOrder({{{"a", "b"}, {}}}));
}

// Each operation is what it says at every key.
TEST(RangeTombstones, AgreeWithTheModelAtEveryKey) {
  const uint64_t seed = 1;
  SCOPED_TRACE(seed);
  base::RandomStream random(seed);
  for (int i = 0; i < 3000; ++i) {
    const RangeTombstones a = RandomList(random), b = RandomList(random);
    ASSERT_TRUE(InOrder(a));
    const Deletion covering{random.Between(-1, 5), 1};
    std::vector<Slice> slices;
    if (random.Chance(0.5)) slices.push_back({"", random.Chance(0.5) ? "c" : "b"});
    slices.push_back({"c", random.Chance(0.5) ? "" : "e"});
    const RangeTombstones merged = MergeRanges(a, b), lacking = RangesNotIn(a, b),
                          uncovered = UncoveredRanges(a, covering), clipped = ClipRanges(a, slices);
    for (const auto* list : {&merged, &lacking, &uncovered, &clipped})
      ASSERT_TRUE(IsCanonical(*list));
    RangeLookup lookup(a);
    for (const std::string& key : Keys()) {
      const Deletion in_a = At(a, key), in_b = At(b, key);
      ASSERT_EQ(lookup.At(key), in_a);
      ASSERT_EQ(At(merged, key), Reconcile(in_a, in_b));
      ASSERT_EQ(At(lacking, key), in_a == in_b ? Deletion() : in_a);
      ASSERT_EQ(At(uncovered, key), covering.Covers(in_a.timestamp) ? Deletion() : in_a);
      const bool in_slices = std::any_of(slices.begin(), slices.end(),
                                         [&](const Slice& s) { return s.Contains(key); });
      ASSERT_EQ(At(clipped, key), in_slices ? in_a : Deletion());
    }
    ASSERT_EQ(MergeRanges(b, a), merged);
    ASSERT_EQ(MergeRanges(merged, a), merged);
    ASSERT_EQ(MergeRanges(b, RangesNotIn(merged, b)), merged);
  }
}

TEST(RangeCollector, EndsWhereTheReadEnds) {
  RangeCollector forward(false);
  forward.Add({"b", {5, 5}});
  forward.Add({"e", {7, 7}});
  EXPECT_TRUE(forward.open());
  EXPECT_THAT(forward.Finish("f"), ElementsAre(Range("b", "e", 5), Range("e", Behind("f"), 7)));
  forward.Add({"b", {5, 5}});
  EXPECT_THAT(forward.Finish(), ElementsAre(Range("b", "", 5)));
  RangeCollector reversed(true);
  reversed.Add({"", {7, 7}});
  reversed.Add({"e", {5, 5}});
  EXPECT_THAT(reversed.Finish("b"), ElementsAre(Range("b", "e", 5), Range("e", "", 7)));
  reversed.Add({"e", {5, 5}});
  EXPECT_THAT(reversed.Finish(), ElementsAre(Range("", "e", 5)));
  EXPECT_THAT(reversed.Finish(), IsEmpty());
}

}  // namespace
}  // namespace tholos::data
