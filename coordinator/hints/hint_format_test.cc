#include "coordinator/hints/hint_format.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "base/sim/simulation.h"

namespace tholos::coordinator {
namespace {

HintFileId Id(uint8_t node, uint64_t sequence) {
  HintFileId id;
  id.target.bytes.fill(node);
  id.sequence = sequence;
  return id;
}

TEST(HintFormatTest, Names) {
  const HintFileId id = Id(0xAB, 0x1F);
  EXPECT_EQ(HintFileName(id), "abababab-abab-abab-abab-abababababab-000000000000001f.hints");
  EXPECT_EQ(ParseHintFileName(HintFileName(id)), id);
  for (const char* name :
       {"", "x.hints", "abababab-abab-abab-abab-abababababab-000000000000001g.hints",
        "abababab-abab-abab-abab-abababababab-000000000000001F.hints",
        "abababab-abab-abab-abab-abababababab-000000000000001f.hintz",
        "abababab-abab-abab-abab-abababababab-000000000000001f.hints.tmp"}) {
    EXPECT_FALSE(ParseHintFileName(name).has_value()) << name;
  }
}

// The layout is a promise: these bytes stay readable.
TEST(HintFormatTest, Layout) {
  const HintFileId id = Id(1, 2);
  const std::string header = EncodeHintHeader(id, 3);
  ASSERT_EQ(header.size(), kHintHeaderBytes);
  EXPECT_EQ(header.substr(0, 8), "THLSHINT");
  EXPECT_EQ(header.substr(8, 8), std::string("\1\0\0\0\0\0\0\0", 8));
  EXPECT_EQ(header.substr(16, 16), std::string(16, '\1'));
  EXPECT_EQ(header.substr(32, 16), std::string("\2\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0", 16));
  EXPECT_EQ(*DecodeHintHeader(id, header), 3);

  std::string record;
  AppendHintRecord(id, 56, 4, "body", &record);
  EXPECT_EQ(record.substr(8), std::string("\14\0\0\0\4\0\0\0\0\0\0\0body", 16));
  const std::string followed = record + "more";
  const auto decoded = DecodeHintRecord(id, 56, followed);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->created_micros, 4);
  EXPECT_EQ(decoded->body, "body");
  EXPECT_EQ(decoded->size, record.size());
}

TEST(HintFormatTest, EveryFlippedBitIsFound) {
  const HintFileId id = Id(1, 2);
  std::string header = EncodeHintHeader(id, 3);
  for (size_t bit = 0; bit < header.size() * 8; ++bit) {
    header[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    EXPECT_FALSE(DecodeHintHeader(id, header).ok()) << "bit " << bit;
    header[bit / 8] ^= static_cast<char>(1 << (bit % 8));
  }
  std::string record;
  AppendHintRecord(id, 56, 4, "body", &record);
  for (size_t bit = 0; bit < record.size() * 8; ++bit) {
    record[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    EXPECT_FALSE(DecodeHintRecord(id, 56, record).ok()) << "bit " << bit;
    record[bit / 8] ^= static_cast<char>(1 << (bit % 8));
  }
}

TEST(HintFormatTest, BytesFromAnotherPlaceAreFound) {
  std::string record;
  AppendHintRecord(Id(1, 2), 56, 4, "body", &record);
  EXPECT_FALSE(DecodeHintRecord(Id(1, 2), 57, record).ok());
  EXPECT_FALSE(DecodeHintRecord(Id(1, 3), 56, record).ok());
  EXPECT_FALSE(DecodeHintRecord(Id(2, 2), 56, record).ok());
  EXPECT_TRUE(absl::IsDataLoss(DecodeHintHeader(Id(1, 3), EncodeHintHeader(Id(1, 2), 3)).status()));
}

TEST(HintFormatTest, RandomBytesAreNoRecords) {
  base::RandomStream random(base::sim::SeedFromEnvironment());
  for (int i = 0; i < 20000; ++i) {
    std::string bytes(random.Below(64), '\0');
    for (char& c : bytes) c = static_cast<char>(random.Below(random.Chance(0.5) ? 3 : 256));
    EXPECT_FALSE(DecodeHintRecord(Id(1, 1), 0, bytes).ok());
    EXPECT_FALSE(DecodeHintHeader(Id(1, 1), bytes).ok());
    if (const auto size = HintRecordSize(bytes)) {
      EXPECT_LE(*size, kHintRecordHeaderBytes + kHintPayloadBytesMax);
    }
  }
}

}  // namespace
}  // namespace tholos::coordinator
