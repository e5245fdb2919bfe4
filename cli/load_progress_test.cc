#include "cli/load_progress.h"

#include <cstdlib>
#include <fstream>

#include "gtest/gtest.h"

namespace tholos::cli {
namespace {

TEST(SettledRecords, KnowsThePrefix) {
  SettledRecords settled(3);
  settled.Add(5);
  settled.Add(4);
  EXPECT_EQ(settled.prefix(), 3u);
  settled.Add(3);
  EXPECT_EQ(settled.prefix(), 6u);
}

TEST(LoadProgress, IsReadAsItWasWritten) {
  std::string directory = "/tmp/tholos-progress-XXXXXX";
  ASSERT_NE(mkdtemp(directory.data()), nullptr);
  const std::string path = directory + "/p";
  EXPECT_EQ(LoadProgress::Read(path).records, 0u);
  const LoadProgress progress{"some-id", 7, 100, 42, false};
  progress.Write(path);
  const LoadProgress read = LoadProgress::Read(path);
  EXPECT_TRUE(read.IsOf(progress));
  EXPECT_EQ(read.records, 42u);
  EXPECT_FALSE(read.IsOf({"some-id", 8, 100}));
  std::ofstream(path) << "tholos-load-2 some-id 7";
  EXPECT_FALSE(LoadProgress::Read(path).IsOf(progress));
  std::remove(path.c_str());
  std::remove(directory.c_str());
}

}  // namespace
}  // namespace tholos::cli
