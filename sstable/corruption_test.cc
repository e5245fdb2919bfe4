// Damaged files: everything is found, nothing is answered wrongly.
#include <utility>

#include "base/checksum.h"
#include "base/coding.h"
#include "base/sim/test_world.h"
#include "base/status_macros.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sstable/testing/tables.h"
#include "sstable/verifier.h"

namespace tholos::sstable {
namespace {

using base::Task;
using base::sim::TestWorld;
using data::Partition;

class Corruption : public testing::Test {
 protected:
  Corruption() : random_(1) {
    const data::WorldShape shape{.partitions = 40, .rows = 20};
    partitions_ = RandomTable(random_, shape);
    WriterOptions options = TestWriterOptions(1);
    options.block_bytes = 150;
    options.index_page_bytes = 100;
    const auto written = world_.Run(WriteTable(world_.files(), options, partitions_));
    EXPECT_TRUE(written.ok()) << written.status();
    contents_ = *world_.files().Peek(path_);
  }

  void Replace(std::string contents) {
    ASSERT_TRUE(world_.Run(WriteWholeFile(world_.files(), path_, std::move(contents))).ok());
  }
  absl::StatusOr<std::vector<Partition>> Read() {
    return world_.Run(OpenAndRead(world_.files(), TestOpenOptions(1)));
  }
  VerifyReport Verify() {
    auto report = world_.Run(VerifyTable(world_.files(), kTestDirectory, 1, TestTable()));
    EXPECT_TRUE(report.ok()) << report.status();
    return *std::move(report);
  }

  TestWorld world_;
  base::RandomStream random_;
  std::vector<Partition> partitions_;
  const std::string path_ = std::string(kTestDirectory) + "/" + FileName(1);
  std::string contents_;
};

TEST_F(Corruption, AWholeFileIsFine) {
  EXPECT_EQ(*Read(), partitions_);
  const VerifyReport report = Verify();
  EXPECT_TRUE(report.ok()) << report.ToString();
  EXPECT_EQ(report.partitions, partitions_.size());
  EXPECT_GT(report.blocks, 20u);
}

TEST_F(Corruption, EveryFlippedBitIsFound) {
  for (int i = 0; i < 3000; ++i) {
    const uint64_t offset = random_.Below(contents_.size());
    const int bit = static_cast<int>(random_.Below(8));
    ASSERT_TRUE(world_.files().FlipBit(path_, offset, bit));
    SCOPED_TRACE(testing::Message() << "bit " << bit << " at " << offset);
    const auto read = Read();
    ASSERT_FALSE(read.ok());
    ASSERT_THAT(std::string(read.status().message()), testing::StartsWith(path_ + ": "));
    ASSERT_FALSE(Verify().ok());
    ASSERT_TRUE(world_.files().FlipBit(path_, offset, bit));
  }
  EXPECT_EQ(*Read(), partitions_);
}

TEST_F(Corruption, ABadBlockIsNamedAndTheOthersStayReadable) {
  const uint64_t offset = contents_.size() / 3;
  ASSERT_TRUE(world_.files().FlipBit(path_, offset, 3));
  auto table = *world_.Run(SSTable::Open(world_.files(), TestOpenOptions(1)));
  size_t good = 0;
  size_t bad = 0;
  for (const Partition& partition : partitions_) {
    const auto read = world_.Run(ReadTable(table, {.key = partition.key}));
    if (read.ok()) {
      ASSERT_EQ(*read, std::vector<Partition>{partition});
      ++good;
    } else {
      ASSERT_EQ(read.status().code(), absl::StatusCode::kDataLoss);
      ASSERT_THAT(
          std::string(read.status().message()),
          testing::MatchesRegex(path_ + ": (data block|index page) at [0-9]+: checksum mismatch"));
      ++bad;
    }
  }
  EXPECT_GT(good, bad);
  EXPECT_GT(bad, 0u);
  const VerifyReport report = Verify();
  ASSERT_EQ(report.findings_total, 1u) << report.ToString();
  EXPECT_LE(report.findings[0].offset, offset);
}

TEST_F(Corruption, TruncatedFiles) {
  for (size_t length = 0; length < contents_.size(); length += 1 + length / 50) {
    Replace(contents_.substr(0, length));
    ASSERT_EQ(Read().status().code(), absl::StatusCode::kDataLoss) << length;
    ASSERT_FALSE(Verify().ok()) << length;
  }
  Replace(contents_ + "x");
  EXPECT_FALSE(Read().ok());
}

TEST_F(Corruption, BytesFromElsewhere) {
  // A piece of the file in the place of another: intact as such, but not where it belongs.
  for (int i = 0; i < 300; ++i) {
    const size_t length = 1 + random_.Below(contents_.size() / 4);
    const size_t from = random_.Below(contents_.size() - length);
    const size_t to = random_.Below(contents_.size() - length);
    std::string mixed = contents_;
    mixed.replace(to, length, contents_, from, length);
    if (mixed == contents_) continue;
    Replace(std::move(mixed));
    ASSERT_FALSE(Read().ok());
    ASSERT_FALSE(Verify().ok());
  }
}

TEST_F(Corruption, AFileUnderAnothersName) {
  ASSERT_TRUE(
      world_.Run(WriteTable(world_.files(), TestWriterOptions(2), RandomTable(random_))).ok());
  Replace(*world_.files().Peek(std::string(kTestDirectory) + "/" + FileName(2)));
  const absl::Status status = Read().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("generation 2"));
  EXPECT_FALSE(Verify().ok());
}

TEST_F(Corruption, AnotherTablesFile) {
  OpenOptions options = TestOpenOptions(1);
  options.table.bytes.fill(8);
  EXPECT_EQ(world_.Run(OpenAndRead(world_.files(), options)).status().code(),
            absl::StatusCode::kDataLoss);
}

TEST_F(Corruption, ABlockOfAnotherFileAtTheSamePlace) {
  // The same contents, so the same offsets, but another file.
  WriterOptions options = TestWriterOptions(1);
  options.block_bytes = 150;
  options.index_page_bytes = 100;
  options.file_id = 99;
  ASSERT_TRUE(world_.Run(WriteTable(world_.files(), options, partitions_)).ok());
  const std::string other = *world_.files().Peek(path_);
  ASSERT_EQ(other.size(), contents_.size());
  std::string mixed = contents_;
  mixed.replace(0, mixed.size() / 2, other, 0, mixed.size() / 2);
  Replace(mixed);
  EXPECT_EQ(Read().status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(Corruption, AnotherVersion) {
  std::string other = contents_;
  const size_t footer = other.size() - kFooterBytes;
  other[footer + 96] = 3;
  Replace(other);
  EXPECT_EQ(Read().status().code(), absl::StatusCode::kDataLoss);
  // It is another version, and not a flipped bit, where the checksum says so.
  std::string checksum;
  base::PutFixed64(&checksum,
                   base::Checksum64(std::string_view(other).substr(footer, 100), footer));
  other.replace(footer + 100, 8, checksum);
  Replace(other);
  const absl::Status status = Read().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("format version 3"));
}

TEST_F(Corruption, AnErrorOfTheDiskIsNotData) {
  auto table = *world_.Run(SSTable::Open(world_.files(), TestOpenOptions(1)));
  world_.files().FailNext({.op = base::sim::DiskOp::kRead, .skip = 3});
  EXPECT_FALSE(world_.Run(ReadTable(table)).ok());
  EXPECT_EQ(*world_.Run(ReadTable(table)), partitions_);
}

TEST_F(Corruption, DumpShowsEveryRow) {
  std::string text;
  ASSERT_TRUE(world_.Run(DumpTo(world_.files(), kTestDirectory, 1, TestTable(), &text)).ok());
  size_t lines = 0;
  for (size_t at = text.find("\n  row "); at != std::string::npos;
       at = text.find("\n  row ", at + 1)) {
    ++lines;
  }
  size_t rows = 0;
  for (const Partition& partition : partitions_) rows += partition.rows.size();
  EXPECT_EQ(lines, rows);
}

}  // namespace
}  // namespace tholos::sstable
