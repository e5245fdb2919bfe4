#include "storage/memtable/lookahead.h"

#include <memory>
#include <string>
#include <vector>

#include "base/sim/test_world.h"
#include "data/codec.h"
#include "data/testing/sources.h"
#include "data/vector_source.h"
#include "gtest/gtest.h"

namespace tholos::storage {
namespace {

using base::sim::TestWorld;
using data::Partition;

std::vector<Partition> ReadAll(TestWorld& world, std::shared_ptr<const Memtable> memtable) {
  auto all =
      world.Run(data::ReadAll(MemtableSource(std::move(memtable), data::Selection()), false));
  EXPECT_TRUE(all.ok()) << all.status();
  return *std::move(all);
}

// Groups of writes into one of two memtables each, with and without a look ahead.
TEST(Lookahead, ChangesNothingButTime) {
  TestWorld world;
  base::RandomStream random(base::sim::SeedFromEnvironment(31));
  for (int round = 0; round < 40; ++round) {
    std::shared_ptr<Memtable> plain[] = {std::make_shared<Memtable>(),
                                         std::make_shared<Memtable>()};
    std::shared_ptr<Memtable> ahead[] = {std::make_shared<Memtable>(),
                                         std::make_shared<Memtable>()};
    // Of few partitions with many rows, and of many: trees of several levels.
    const data::WorldShape shape{.partitions = random.Chance(0.5) ? 3u : 3000u,
                                 .rows = random.Chance(0.5) ? 2u : 20u};
    uint64_t position = 0;
    for (int group = 0; group < 4; ++group) {
      std::vector<std::string> bytes;
      for (Partition& update : data::RandomPartitions(random, shape)) {
        bytes.push_back(data::EncodeMutation({.update = std::move(update)}));
      }
      // Some of them twice: the first write changes what the second one has looked at.
      for (size_t i = 0; i < bytes.size(); i += 7) bytes.push_back(bytes[i]);
      std::vector<data::MutationView> views;
      for (const std::string& each : bytes) views.push_back(*data::MutationView::Parse(each));
      for (size_t done = 0; done < views.size();) {
        const size_t next = std::min<size_t>(views.size() - done, 1 + random.Below(20));
        std::vector<Lookahead> looks;
        for (size_t i = done; i < done + next; ++i) looks.emplace_back(*ahead[i % 2], views[i]);
        LookAhead(looks);
        for (size_t i = done; i < done + next; ++i) {
          const LogPosition at{1, ++position};
          ahead[i % 2]->Apply(views[i], at, &looks[i - done].hint());
          plain[i % 2]->Apply(views[i], at);
        }
        done += next;
      }
    }
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(ahead[i]->bytes(), plain[i]->bytes());
      EXPECT_EQ(ahead[i]->changes(), plain[i]->changes());
      EXPECT_EQ(ahead[i]->first_position(), plain[i]->first_position());
      EXPECT_EQ(ahead[i]->partitions().size(), plain[i]->partitions().size());
      EXPECT_EQ(ReadAll(world, ahead[i]), ReadAll(world, plain[i]));
    }
  }
}

TEST(Lookahead, FindsAPartitionThatIsThereAndNoOther) {
  Memtable memtable;
  const auto encoded = [](const std::string& key) {
    Partition update{.key = data::DecoratedKey::Of(key)};
    update.rows.push_back({.cells = {data::Cell::Value(0, 1, "v")}});
    return data::EncodeMutation({.update = std::move(update)});
  };
  for (int i = 0; i < 10'000; i += 2) {
    const std::string bytes = encoded(std::to_string(i));
    memtable.Apply(*data::MutationView::Parse(bytes), {1, 40});
  }
  for (int i = 0; i < 10'000; ++i) {
    const std::string bytes = encoded(std::to_string(i));
    const auto view = *data::MutationView::Parse(bytes);
    Lookahead look(memtable, view);
    LookAhead({&look, 1});
    ASSERT_EQ(look.hint().place.at_end(), i % 2 == 1) << i;
    if (i % 2 == 0) EXPECT_EQ(look.hint().place.item()->key(), view.key());
  }
}

}  // namespace
}  // namespace tholos::storage
