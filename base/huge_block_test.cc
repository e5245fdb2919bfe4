#include "base/huge_block.h"

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace tholos::base {
namespace {

TEST(HugeBlock, IsAlignedZeroedAndMayBeMoved) {
  std::vector<HugeBlock> blocks;
  for (const size_t pages : {1u, 3u, 1u, 2u}) {
    const size_t bytes = pages * HugeBlock::kPageBytes;
    const HugeBlock& block = blocks.emplace_back(bytes);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block.data()) % HugeBlock::kPageBytes, 0u);
    EXPECT_EQ(block.data()[0], 0);
    EXPECT_EQ(block.data()[bytes - 1], 0);
    std::memset(block.data(), static_cast<int>(blocks.size()), bytes);
  }
  for (size_t i = 0; i < blocks.size(); ++i) EXPECT_EQ(blocks[i].data()[4097], char(i + 1));
}

TEST(HugeBlock, AdviceChangesNothingThatIsRead) {
  for (const size_t bytes : {0u, 100u, 5u << 20, 33u << 20}) {
    std::string text;
    text.reserve(bytes);
    AdviseHugePages(text.data(), bytes);
    text.resize(bytes, 'x');
    EXPECT_EQ(text.find_first_not_of('x'), text.npos);
  }
}

}  // namespace
}  // namespace tholos::base
