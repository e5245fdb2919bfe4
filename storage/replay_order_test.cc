#include "storage/replay_order.h"

#include <algorithm>

#include "base/random.h"
#include "base/sim/test_world.h"
#include "base/strings.h"
#include "data/codec.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tholos::storage {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string Mutation(std::string key, std::string clustering) {
  data::Mutation m;
  m.update.key = data::DecoratedKey::Of(std::move(key));
  m.update.rows.push_back(
      {.clustering = std::move(clustering), .cells = {data::Cell::Value(0, 1, "v")}});
  return data::EncodeMutation(m);
}

std::vector<uint32_t> Order(const std::vector<std::string>& mutations) {
  std::vector<ReplayRecord> records;
  for (const std::string& each : mutations) records.push_back({{1, records.size()}, each});
  return OrderForReplay(records);
}

TEST(ReplayOrder, ByTokenAndInAPartitionByClustering) {
  base::RandomStream random(base::sim::SeedFromEnvironment(7));
  for (const size_t count : {1u, 2u, 3u, 50u, 2'000u}) {
    std::vector<std::string> mutations;
    std::vector<std::tuple<data::Token, std::string, uint32_t>> expected;
    for (size_t i = 0; i < count; ++i) {
      const std::string key = base::StrCat("key ", random.Below(count / 2 + 1));
      const std::string clustering = base::StrCat("c", random.Below(9));
      mutations.push_back(Mutation(key, clustering));
      expected.emplace_back(data::TokenOf(key), clustering, i);
    }
    std::sort(expected.begin(), expected.end());
    std::vector<uint32_t> order;
    for (const auto& each : expected) order.push_back(std::get<2>(each));
    EXPECT_EQ(Order(mutations), order);
  }
}

TEST(ReplayOrder, OfNothingOnePartitionAndGarbage) {
  EXPECT_THAT(Order({}), IsEmpty());
  EXPECT_THAT(Order({Mutation("k", "b"), Mutation("k", "a"), Mutation("k", "b")}),
              ElementsAre(1, 0, 2));
  const std::string whole = Mutation("k", "b");
  std::vector<std::string> cut;
  for (size_t bytes = 0; bytes <= whole.size(); ++bytes) cut.push_back(whole.substr(0, bytes));
  std::vector<uint32_t> order = Order(cut);
  std::sort(order.begin(), order.end());
  for (uint32_t i = 0; i < order.size(); ++i) EXPECT_EQ(order[i], i);
}

}  // namespace
}  // namespace tholos::storage
