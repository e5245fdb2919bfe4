#include "storage/compaction_throttle.h"

#include <optional>

#include "base/sim/test_world.h"
#include "base/status_macros.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tholos::storage {
namespace {

constexpr uint64_t kMiB = 1 << 20;

TEST(CompactionRate, FollowsTheBacklogAndYieldsToReads) {
  const CompactionRateOptions options{
      .bytes_per_second_min = 10, .bytes_per_second_max = 1000, .drain = absl::Seconds(10)};
  const struct {
    uint64_t backlog;
    double pressure;
    uint64_t rate;
  } kCases[] = {
      {0, 0, 1000},    // nobody reads: full speed
      {0, 1, 10},      // always somebody reads, nothing is urgent
      {0, 0.5, 505},   //
      {2000, 1, 200},  // the backlog takes ten seconds
      {2000, 0.5, 600}, {50000, 1, 1000}, {50000, 0, 1000},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(CompactionRate(c.backlog, c.pressure, options), c.rate)
        << c.backlog << " " << c.pressure;
  }
}

// Seconds of virtual time that writing 64 MiB takes.
double SecondsFor64MiB(bool reading, uint64_t backlog) {
  base::sim::TestWorld world(1);
  CompactionThrottle throttle({.bytes_per_second_min = 8 * kMiB,
                               .bytes_per_second_max = 64 * kMiB,
                               .drain = absl::Seconds(10)});
  throttle.SetBacklog(0, backlog);
  throttle.SetBacklog(1, 3);
  EXPECT_EQ(throttle.backlog(), backlog + 3);
  std::optional<CompactionThrottle::Reading> read;
  if (reading) read.emplace(throttle);
  const auto fs = ThrottledFileSystem(world.files(), throttle, world.clock());
  const auto write = [](base::FileSystem& to) -> base::Task<absl::Status> {
    THOLOS_CO_ASSIGN_OR_RETURN(auto file, co_await to.Open("/f", base::OpenMode::kOpenOrCreate));
    const std::string data(16 << 10, 'x');
    for (uint64_t offset = 0; offset < 64 * kMiB; offset += data.size()) {
      THOLOS_CO_RETURN_IF_ERROR(co_await file->Write(0, data));
    }
    co_return co_await file->Close();
  };
  const base::MonotonicTime start = world.clock().Now();
  EXPECT_TRUE(world.Run(write(*fs)).ok());
  return absl::ToDoubleSeconds(world.clock().Now() - start);
}

TEST(CompactionThrottle, WritesWaitInVirtualTime) {
  EXPECT_NEAR(SecondsFor64MiB(false, 0), 1.0, 0.1);
  // It takes a moment to notice the reads.
  EXPECT_GT(SecondsFor64MiB(true, 0), 6.0);
  EXPECT_LT(SecondsFor64MiB(true, 0), 8.1);
  EXPECT_NEAR(SecondsFor64MiB(true, 10 * 64 * kMiB), 1.0, 0.1);
}

}  // namespace
}  // namespace tholos::storage
