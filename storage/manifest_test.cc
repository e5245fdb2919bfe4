#include "storage/manifest.h"

#include "gtest/gtest.h"

namespace tholos::storage {
namespace {

Manifest Sample() {
  Manifest manifest{.name = "ks.t", .layout = 3, .next_generation = 12};
  manifest.table.bytes[3] = 7;
  manifest.flushed_before = {{1, 2}, {3, 4}};
  manifest.tables = {
      {4, 4, {sstable::TokenInterval::All()}}, {9, 2, {{-10, 5}, {7, 7}}}, {11, 11, {{0, 100}}}};
  return manifest;
}

TEST(Manifest, SurvivesEncoding) {
  for (const Manifest& manifest : {Sample(), Manifest()}) {
    const auto decoded = DecodeManifest(EncodeManifest(manifest));
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    EXPECT_EQ(*decoded, manifest);
  }
}

TEST(Manifest, EveryBitAndEveryLengthIsChecked) {
  const std::string good = EncodeManifest(Sample());
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(DecodeManifest(good.substr(0, size)).ok()) << size;
  }
  EXPECT_FALSE(DecodeManifest(good + "x").ok());
  for (size_t bit = 0; bit < 8 * good.size(); ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ 1 << bit % 8);
    EXPECT_FALSE(DecodeManifest(bad).ok()) << bit;
  }
}

TEST(Manifest, FindsByGeneration) {
  const Manifest manifest = Sample();
  EXPECT_EQ(manifest.Find(9)->written_as, 2u);
  EXPECT_EQ(manifest.Find(10), nullptr);
  EXPECT_EQ(manifest.Find(12), nullptr);
}

TEST(Manifest, RefusesWhatIsOutOfOrder) {
  Manifest swapped = Sample();
  std::swap(swapped.tables[0], swapped.tables[1]);
  EXPECT_TRUE(absl::IsDataLoss(DecodeManifest(EncodeManifest(swapped)).status()));
  Manifest overlapping = Sample();
  overlapping.tables[1].held = {{0, 5}, {5, 6}};
  EXPECT_TRUE(absl::IsDataLoss(DecodeManifest(EncodeManifest(overlapping)).status()));
  Manifest nothing_held = Sample();
  nothing_held.tables[1].held.clear();
  EXPECT_TRUE(absl::IsDataLoss(DecodeManifest(EncodeManifest(nothing_held)).status()));
}

}  // namespace
}  // namespace tholos::storage
