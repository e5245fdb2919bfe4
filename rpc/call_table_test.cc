#include "rpc/call_table.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <vector>

namespace tholos::rpc {
namespace {

using Table = CallTable<std::shared_ptr<int>>;

std::shared_ptr<int> Call(int n) { return std::make_shared<int>(n); }
bool Any(const std::shared_ptr<int>&) { return true; }

TEST(CallTable, GivesWhatWasAddedOnce) {
  Table table;
  const uint64_t one = table.Add(Call(1));
  const uint64_t two = table.Add(Call(2));
  EXPECT_NE(one, two);
  EXPECT_EQ(table.size(), 2);
  EXPECT_EQ(**table.Take(two), 2);
  EXPECT_FALSE(table.Take(two).has_value());
  EXPECT_EQ(**table.Take(one), 1);
  EXPECT_EQ(table.size(), 0);
}

TEST(CallTable, ALateAnswerIsNotThatOfTheSlotsNextCall) {
  Table table;
  const uint64_t first = table.Add(Call(1));
  table.Take(first);
  const uint64_t second = table.Add(Call(2));
  EXPECT_EQ(first >> Table::kSequenceBits, second >> Table::kSequenceBits);
  EXPECT_FALSE(table.Take(first).has_value());
  EXPECT_EQ(**table.Take(second), 2);
}

TEST(CallTable, IdsThatWereNeverGivenAreNotThere) {
  Table table;
  const uint64_t id = table.Add(Call(1));
  for (const uint64_t other : {uint64_t{0}, id + 1, id ^ (uint64_t{1} << 47), ~uint64_t{0}})
    EXPECT_FALSE(table.Take(other).has_value()) << other;
  EXPECT_TRUE(table.Take(id).has_value());
  EXPECT_FALSE(table.Take(0).has_value());
}

TEST(CallTable, WhatIsTakenIsReleased) {
  Table table;
  const std::shared_ptr<int> call = Call(1);
  const uint64_t id = table.Add(call);
  table.Take(id);
  EXPECT_EQ(call.use_count(), 1);
}

TEST(CallTable, SelectsInTheOrderOfTheirStart) {
  Table table;
  std::vector<uint64_t> ids;
  for (int n = 0; n < 4; ++n) ids.push_back(table.Add(Call(n)));
  table.Take(ids[0]);
  table.Take(ids[2]);
  ids = {ids[1], ids[3], table.Add(Call(4)), table.Add(Call(5))};
  EXPECT_EQ(table.Select(Any), ids);
  EXPECT_EQ(table.Select([](const std::shared_ptr<int>& call) { return *call == 4; }),
            std::vector<uint64_t>{ids[2]});
}

TEST(CallTable, IsSmallAgainWhenACrowdIsGone) {
  Table table;
  std::vector<uint64_t> ids;
  for (int n = 0; n < 100'000; ++n) ids.push_back(table.Add(Call(n)));
  EXPECT_EQ(table.slots(), 100'000);
  for (const uint64_t id : ids) EXPECT_TRUE(table.Take(id).has_value());
  EXPECT_EQ(table.slots(), 0);
  EXPECT_FALSE(table.Take(ids.front()).has_value());
  const uint64_t again = table.Add(Call(1));
  EXPECT_EQ(table.slots(), 1);
  EXPECT_FALSE(table.Take(ids.front()).has_value());
  EXPECT_TRUE(table.Take(again).has_value());
}

TEST(CallTable, IsFullAtItsLimit) {
  Table table;
  std::vector<uint64_t> ids;
  while (!table.full()) ids.push_back(table.Add(nullptr));
  EXPECT_EQ(ids.size(), Table::kCallsMax);
  table.Take(ids[7]);
  EXPECT_FALSE(table.full());
  EXPECT_EQ(table.Add(nullptr) >> Table::kSequenceBits, 7);
}

TEST(CallTable, AgreesWithAMap) {
  std::mt19937_64 random(1);
  Table table;
  std::map<uint64_t, int> model;
  for (int n = 0; n < 200'000; ++n) {
    // Waves, so that it grows and is empty again.
    if (random() % 4096 < (n / 20'000 % 2 == 0 ? 2200u : 1900u)) {
      const uint64_t id = table.Add(Call(n));
      EXPECT_LT(id, uint64_t{1} << 48);
      EXPECT_TRUE(model.emplace(id, n).second);
    } else if (!model.empty()) {
      auto it = model.lower_bound(random() % (model.rbegin()->first + 1));
      EXPECT_EQ(**table.Take(it->first), it->second);
      model.erase(it);
    }
    EXPECT_EQ(table.size(), model.size());
  }
  EXPECT_EQ(table.Select(Any).size(), model.size());
}

}  // namespace
}  // namespace tholos::rpc
