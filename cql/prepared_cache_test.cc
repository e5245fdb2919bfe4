#include "cql/prepared_cache.h"

#include <list>
#include <map>

#include "base/random.h"
#include "gtest/gtest.h"

namespace tholos::cql {
namespace {

TEST(PreparedId, IsOfKeyspaceAndText) {
  const PreparedId id = MakePreparedId("ks", "SELECT 1");
  EXPECT_EQ(id.size(), 16u);
  EXPECT_EQ(id, MakePreparedId("ks", "SELECT 1"));
  EXPECT_NE(id, MakePreparedId("", "SELECT 1"));
  EXPECT_NE(id, MakePreparedId("k", "sSELECT 1"));
  EXPECT_NE(id, MakePreparedId("ks", "SELECT 2"));
}

TEST(LruCache, DropsWhatWasNotUsedForTheLongestTime) {
  LruCache<int> cache(10);
  cache.Put("a", 1, 4);
  cache.Put("b", 2, 4);
  ASSERT_NE(cache.Find("a"), nullptr);
  cache.Put("c", 3, 4);
  EXPECT_EQ(cache.Find("b"), nullptr);
  EXPECT_EQ(*cache.Find("a"), 1);
  EXPECT_EQ(*cache.Find("c"), 3);
  EXPECT_EQ(cache.cost(), 8u);
  cache.Put("a", 9, 1);
  EXPECT_EQ(*cache.Find("a"), 9);
  EXPECT_EQ(cache.cost(), 5u);
  cache.Put("huge", 1, 11);
  EXPECT_EQ(cache.Find("huge"), nullptr);
  EXPECT_EQ(cache.size(), 2u);
}

// Against a list that is searched from the front.
TEST(LruCache, AgreesWithAModel) {
  constexpr uint64_t kSeed = 7;
  base::RandomStream random(kSeed);
  constexpr size_t kCostMax = 50;
  LruCache<uint64_t> cache(kCostMax);
  struct Entry {
    std::string key;
    uint64_t value;
    size_t cost;
  };
  std::list<Entry> model;
  for (uint64_t step = 0; step < 20000; ++step) {
    const std::string key(1, static_cast<char>('a' + random.Below(20)));
    auto found = model.begin();
    while (found != model.end() && found->key != key) ++found;
    if (random.Chance(0.5)) {
      const size_t cost = random.Below(60);
      cache.Put(key, step, cost);
      if (found != model.end()) model.erase(found);
      if (cost <= kCostMax) model.push_front({key, step, cost});
      size_t sum = 0;
      for (const Entry& entry : model) sum += entry.cost;
      for (; sum > kCostMax; model.pop_back()) sum -= model.back().cost;
      ASSERT_EQ(cache.cost(), sum) << "seed " << kSeed << ", step " << step;
    } else {
      const uint64_t* value = cache.Find(key);
      ASSERT_EQ(value != nullptr, found != model.end()) << "seed " << kSeed << ", step " << step;
      if (found == model.end()) continue;
      ASSERT_EQ(*value, found->value);
      model.splice(model.begin(), model, found);
    }
  }
}

TEST(PreparedTexts, AreBounded) {
  PreparedTexts texts(1000);
  for (int i = 0; i < 100; ++i) {
    const std::string text = "SELECT " + std::to_string(i);
    texts.Put(MakePreparedId("ks", text), {"ks", text});
    EXPECT_LE(texts.bytes(), 1000u);
  }
  EXPECT_FALSE(texts.Find(MakePreparedId("ks", "SELECT 0")).has_value());
  const auto last = texts.Find(MakePreparedId("ks", "SELECT 99"));
  ASSERT_TRUE(last.has_value());
  EXPECT_EQ(last->text, "SELECT 99");
  EXPECT_EQ(last->keyspace, "ks");
}

}  // namespace
}  // namespace tholos::cql
