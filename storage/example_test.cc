// The example is built and does what it says.
#include <stdlib.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <string>

#include "gtest/gtest.h"

namespace tholos::storage {
namespace {

std::string OutputOf(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  std::string output;
  std::array<char, 256> buffer;
  while (fgets(buffer.data(), buffer.size(), pipe) != nullptr) output += buffer.data();
  EXPECT_EQ(pclose(pipe), 0) << command;
  return output;
}

TEST(Example, KeepsWhatItIsGiven) {
  std::string directory = testing::TempDir() + "/tholos-example-XXXXXX";
  ASSERT_NE(mkdtemp(directory.data()), nullptr);
  const std::string example = std::string(STORAGE_EXAMPLE) + " " + directory;
  EXPECT_EQ(OutputOf(example + " 'first line' 'second line'"), "first line\nsecond line\n");
  EXPECT_EQ(OutputOf(example + " third"), "first line\nsecond line\nthird\n");
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace tholos::storage
