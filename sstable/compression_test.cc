#include "sstable/compression.h"

#include "base/sim/test_world.h"
#include "base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sstable/json_dump.h"
#include "sstable/scrub.h"
#include "sstable/testing/tables.h"
#include "sstable/verifier.h"

namespace tholos::sstable {
namespace {

using testing::HasSubstr;

std::string Text(base::RandomStream& random, size_t words) {
  std::string text;
  for (size_t i = 0; i < words; ++i) base::StrAppend(&text, "word", random.Below(300), " ");
  return text;
}

TEST(Compression, WhatIsCompressedComesBack) {
  base::RandomStream random(1);
  std::vector<std::string> samples;
  for (int i = 0; i < 200; ++i) samples.push_back(Text(random, 100));
  const std::string dictionary = TrainDictionary(samples, 4096);
  ASSERT_FALSE(dictionary.empty());
  size_t plain_bytes = 0;
  size_t dictionary_bytes = 0;
  for (const auto algorithm : {Compression::kNone, Compression::kLz4, Compression::kZstd}) {
    for (const bool use_dictionary : {false, true}) {
      if (use_dictionary && algorithm != Compression::kZstd) continue;
      BlockCompressor compressor(algorithm, 3);
      if (use_dictionary) compressor.SetDictionary(dictionary);
      BlockDecompressor decompressor(use_dictionary ? dictionary : "");
      for (const size_t words : {0, 1, 10, 100, 5000}) {
        const std::string payload = Text(random, words);
        std::string stored;
        const Compression done = compressor.Append(payload, &stored);
        EXPECT_LE(stored.size(), payload.size());
        const auto back =
            decompressor.Decompress(done, stored, static_cast<uint32_t>(payload.size()));
        ASSERT_TRUE(back.ok()) << back.status();
        EXPECT_EQ(*back, payload);
        if (algorithm == Compression::kZstd && words == 100) {
          (use_dictionary ? dictionary_bytes : plain_bytes) = stored.size();
        }
        if (done == Compression::kNone) continue;
        const auto size = static_cast<uint32_t>(payload.size());
        EXPECT_FALSE(decompressor.Decompress(done, stored, size + 1).ok());
        EXPECT_FALSE(decompressor.Decompress(done, stored.substr(1), size).ok());
        if (use_dictionary) EXPECT_FALSE(BlockDecompressor().Decompress(done, stored, size).ok());
      }
    }
  }
  EXPECT_LT(dictionary_bytes, plain_bytes);
  EXPECT_EQ(TrainDictionary({"a", "b"}, 4096), "");
}

TEST(Compression, OptionsAreAsCqlHasThem) {
  using Map = std::map<std::string, std::string>;
  EXPECT_EQ(*ParseCompression({}), CompressionOptions());
  EXPECT_EQ(*ParseCompression({{"class", "org.apache.cassandra.io.compress.ZstdCompressor"},
                               {"compression_level", "9"},
                               {"chunk_length_in_kb", "64"}}),
            (CompressionOptions{Compression::kZstd, 9, 64 << 10}));
  EXPECT_EQ(ParseCompression({{"sstable_compression", ""}})->algorithm, Compression::kNone);
  EXPECT_EQ(ParseCompression({{"class", "LZ4Compressor"}, {"enabled", "false"}})->algorithm,
            Compression::kNone);
  for (const auto& wrong : {Map{{"class", "Best"}}, Map{{"compression_level", "99"}},
                            Map{{"chunk_length_in_kb", "0"}}, Map{{"colour", "blue"}}}) {
    const absl::Status status = ParseCompression(wrong).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr(wrong.begin()->first));
  }
}

std::vector<data::Partition> Similar(int partitions) {
  base::RandomStream random(5);
  std::map<data::DecoratedKey, data::Partition> sorted;
  for (int i = 0; i < partitions; ++i) {
    data::Partition partition{.key = data::DecoratedKey::Of(base::StrCat("key", i))};
    data::Row row{.clustering = "c"};
    row.cells.push_back(data::Cell::Value(0, 7, Text(random, 20)));
    partition.rows.push_back(std::move(row));
    sorted[partition.key] = std::move(partition);
  }
  std::vector<data::Partition> all;
  for (auto& [key, partition] : sorted) all.push_back(std::move(partition));
  return all;
}

TEST(Compression, TablesWithADictionaryAreSmallerAndWhole) {
  base::sim::TestWorld world(1);
  const std::vector<data::Partition> partitions = Similar(2000);
  std::map<uint64_t, uint64_t> bytes;
  for (const uint64_t generation : {1, 2, 3, 4}) {
    WriterOptions options = TestWriterOptions(generation);
    options.block_bytes = 1024;
    options.compression = generation == 1 ? Compression::kLz4 : Compression::kZstd;
    // 2: none; 3: learnt on the way; 4: there is not enough to learn from before the end.
    options.dictionary_bytes = generation == 2 ? 0 : generation == 3 ? 2048 : 64 << 10;
    const auto written = world.Run(WriteTable(world.files(), options, partitions));
    ASSERT_TRUE(written.ok()) << written.status();
    bytes[generation] = written->file_bytes;
    EXPECT_EQ(*world.Run(OpenAndRead(world.files(), TestOpenOptions(generation))), partitions);
    const auto report =
        world.Run(VerifyTable(world.files(), kTestDirectory, generation, TestTable()));
    ASSERT_TRUE(report.ok());
    EXPECT_TRUE(report->ok()) << report->ToString();
  }
  EXPECT_LT(bytes[2], bytes[1]);
  EXPECT_LT(bytes[3], bytes[2]);
}

TEST(Scrub, SavesWhatIsReadableAndSaysWhatIsNot) {
  base::sim::TestWorld world(1);
  const std::vector<data::Partition> partitions = Similar(500);
  WriterOptions options = TestWriterOptions(1);
  options.block_bytes = 1024;
  ASSERT_TRUE(world.Run(WriteTable(world.files(), options, partitions)).ok());
  const std::string path = base::StrCat(kTestDirectory, "/", FileName(1));
  const auto dump = [&](std::string of) {
    std::vector<std::string> lines;
    const auto table = world.Run(OpenFile(world.files(), std::move(of)));
    EXPECT_TRUE(table.ok()) << table.status();
    EXPECT_TRUE(
        world.Run(DumpJson(*table, [&lines](const std::string& line) { lines.push_back(line); }))
            .ok());
    return lines;
  };
  const std::vector<std::string> whole = dump(path);
  EXPECT_EQ(whole.size(), 1001u);
  EXPECT_THAT(whole[0], HasSubstr("\"partitions\":500,\"rows\":500,\"cells\":500"));
  EXPECT_THAT(whole[1], HasSubstr("{\"partition\":{\"token\":-"));
  EXPECT_THAT(whole[2],
              HasSubstr("\"clustering\":\"63\"},\"cells\":[{\"column\":0,\"timestamp\":7"));

  WriterOptions output{.directory = kTestDirectory, .generation = 2, .file_id = 99};
  auto scrubbed = world.Run(ScrubFile(world.files(), path, output));
  ASSERT_TRUE(scrubbed.ok()) << scrubbed.status();
  EXPECT_TRUE(scrubbed->ok()) << scrubbed->ToString();
  EXPECT_EQ(*world.Run(OpenAndRead(world.files(), TestOpenOptions(2))), partitions);

  // The second data block, more or less.
  ASSERT_TRUE(world.files().FlipBit(path, 900, 3));
  EXPECT_FALSE(world.Run(VerifyFile(world.files(), path))->ok());
  output.generation = 3;
  scrubbed = world.Run(ScrubFile(world.files(), path, output));
  ASSERT_TRUE(scrubbed.ok()) << scrubbed.status();
  EXPECT_EQ(scrubbed->blocks_lost, 1u);
  ASSERT_EQ(scrubbed->lost.size(), 1u);
  EXPECT_EQ(scrubbed->lost[0].section, "data block");
  EXPECT_EQ(scrubbed->lost[0].what, "checksum mismatch");
  const auto saved = *world.Run(OpenAndRead(world.files(), TestOpenOptions(3)));
  EXPECT_GT(saved.size(), 480u);
  EXPECT_LT(saved.size(), 500u);
  EXPECT_TRUE(
      world.Run(VerifyFile(world.files(), base::StrCat(kTestDirectory, "/", FileName(3))))->ok());
}

}  // namespace
}  // namespace tholos::sstable
