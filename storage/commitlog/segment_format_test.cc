#include "storage/commitlog/segment_format.h"

#include <memory>

#include "base/sim/test_world.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/commitlog/recovery.h"

namespace tholos::storage {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Verdict = ChainJudge::Verdict;

constexpr uint64_t kSegment = 7;

// A segment file in memory, written as the log writes it.
class Image {
 public:
  struct Options {
    uint32_t shard = 3;
    bool batch = true;
    std::string before;  // what the file held
  };
  explicit Image(uint64_t segment) : Image(segment, Options{}) {}
  Image(uint64_t segment, const Options& options) : segment_(segment), file_(options.before) {
    file_.resize(16 * kSectorBytes);
    Write(EncodeSegmentHeader({kSegmentVersion, options.shard, segment, options.batch}));
  }
  LogPosition end() const { return {segment_, end_}; }

  uint64_t Add(LogPosition synced, const std::vector<std::string>& records) {
    std::string group;
    StartGroup(&group);
    for (const auto& record : records) AppendRecord(record, &group);
    FinishGroup({segment_, end_}, synced, &group);
    const uint64_t at = end_;
    Write(group);
    return at;
  }
  uint64_t Add(const std::vector<std::string>& records) { return Add(end(), records); }

  // Of the stream.
  void FlipBit(uint64_t at) { FlipFileBit(SectorOffset(at) + at % kSectorStreamBytes); }
  void FlipFileBit(uint64_t at) { file_[at] = static_cast<char>(file_[at] ^ 0x10); }
  std::string& file() { return file_; }
  SegmentImage Read() const { return SegmentImage(file_); }

 private:
  void Write(std::string_view stream_bytes) {
    const auto [offset, sectors] = encoder_->Append(stream_bytes);
    file_.replace(offset, sectors.size(), sectors);
    end_ += stream_bytes.size();
  }
  const uint64_t segment_;
  std::string file_;
  // A copy goes on where this one is: one of them is written to.
  std::shared_ptr<SectorEncoder> encoder_ = std::make_shared<SectorEncoder>();
  uint64_t end_ = 0;
};

// Scans without the records.
SegmentScan ScanOf(const Image& image, uint64_t segment) {
  return ScanSegment(image.Read(), segment);
}

// Of a log of this segment alone.
absl::StatusOr<Verdict> Judge(const Image& image, uint64_t segment) {
  ChainJudge judge("/log", 3);
  auto verdict = judge.Next(segment, ScanOf(image, segment));
  if (absl::Status end = judge.End(); verdict.ok() && !end.ok()) return end;
  return verdict;
}

std::vector<std::string> RecordsOf(const Image& image, uint64_t segment = kSegment) {
  std::vector<std::string> all;
  const SegmentImage read = image.Read();
  for (const auto& group : ScanSegment(read, segment).groups) {
    const auto add = [&all](std::string_view record) { all.emplace_back(record); };
    EXPECT_TRUE(ForEachRecord(group.body, add).ok());
  }
  return all;
}

TEST(SegmentFormat, HeaderBytes) {
  std::string header = EncodeSegmentHeader({2, 3, 0x0102030405060708, true});
  ASSERT_EQ(header.size(), kSegmentHeaderBytes);
  EXPECT_EQ(header.substr(0, 32), std::string("THOLOSCL\x02\0\0\0\x03\0\0\0"
                                              "\x08\7\6\5\4\3\2\1\1\0\0\0\0\0\0\0",
                                              32));
  EXPECT_EQ(DecodeSegmentHeader(header)->segment, 0x0102030405060708u);
  for (size_t i = 0; i < header.size(); ++i) {
    std::string damaged = header;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    EXPECT_FALSE(DecodeSegmentHeader(damaged).has_value()) << i;
  }
  EXPECT_FALSE(DecodeSegmentHeader(header.substr(0, 39)).has_value());
}

TEST(SegmentFormat, FileNames) {
  EXPECT_EQ(SegmentFileName(42), "00000000000000000042.log");
  EXPECT_EQ(ParseSegmentFileName("00000000000000000042.log"), 42u);
  for (const char* bad : {"42.log", "00000000000000000000.log", "0000000000000000004x.log",
                          "00000000000000000042.tmp", "", "99999999999999999999.log"}) {
    EXPECT_FALSE(ParseSegmentFileName(bad).has_value()) << bad;
  }
}

TEST(SegmentFormat, ReadsWhatWasWritten) {
  for (const size_t size : {0, 300, 400, 419, 420, 421, 503, 504, 505, 1000, 3000}) {
    Image image(kSegment);
    image.Add({"one", "", std::string(size, 'x')});
    image.Add({"four"});
    EXPECT_THAT(RecordsOf(image), ElementsAre("one", "", std::string(size, 'x'), "four"));
    const SegmentScan scan = ScanOf(image, kSegment);
    EXPECT_EQ(scan.end, image.end().offset);
    EXPECT_EQ(scan.end % 8, 0u);
    EXPECT_FALSE(scan.evidence_beyond.has_value());
    EXPECT_FALSE(scan.damaged_sector.has_value());
    EXPECT_EQ(*Judge(image, kSegment), Verdict::kUsed);
  }
}

// The same stream in one piece and in many: the same file. Blocks begin at multiples of their size,
// in the file and in memory, and what is behind the last sector is zeros.
TEST(SectorEncoder, WritesBlocks) {
  constexpr size_t kBlock = base::File::kBlockBytes;
  base::RandomStream random(base::sim::SeedFromEnvironment(41));
  for (int round = 0; round < 200; ++round) {
    SectorEncoder pieces;
    std::string stream, file;
    for (uint64_t i = 0; i < 1 + random.Below(20); ++i) {
      // Now and then beyond what is kept of memory, or up to the end of a block.
      size_t bytes = 1 + random.Below(random.Chance(0.01) ? 3 << 20 : 6000);
      if (random.Chance(0.2)) bytes = 4032 - stream.size() % 4032;
      const std::string piece(bytes, static_cast<char>('a' + i));
      stream += piece;
      const auto [offset, written] = pieces.Append(piece);
      ASSERT_EQ(offset % kBlock, 0u);
      ASSERT_EQ(written.size() % kBlock, 0u);
      ASSERT_EQ(reinterpret_cast<uintptr_t>(written.data()) % kBlock, 0u);
      ASSERT_LE(offset, file.size());
      file.resize(std::max<size_t>(file.size(), offset + written.size()));
      file.replace(offset, written.size(), written);
    }
    SectorEncoder once;
    EXPECT_TRUE(once.Append(stream).bytes == file);
    const SegmentImage image(file);
    EXPECT_TRUE(image.stream.starts_with(stream));
    EXPECT_EQ(image.stream.find_first_not_of('\0', stream.size()), std::string::npos);
    for (uint64_t s = 0; s < file.size() / kSectorBytes; ++s) ASSERT_TRUE(image.IsIntact(s));
  }
}

TEST(SegmentFormat, EveryDamagedBitOfTheLastGroupIsFound) {
  for (const size_t size : {5, 440, 600, 2000}) {
    Image image(kSegment);
    image.Add({"kept"});
    const uint64_t last = image.Add({"last", std::string(size, 'x')});
    // Padding, and the free rest of its last sector with the checksum, too.
    const uint64_t file_end = SectorOffset(image.end().offset - 1) + kSectorBytes;
    for (uint64_t at = SectorOffset(last) + last % kSectorStreamBytes; at < file_end; ++at) {
      Image damaged = image;
      damaged.FlipFileBit(at);
      const bool whole = RecordsOf(damaged).size() == 3;
      const auto verdict = Judge(damaged, kSegment);
      if (whole && verdict.ok()) continue;  // the checksum of a sector whose group verifies
      ASSERT_EQ(verdict.status().code(), absl::StatusCode::kDataLoss) << at;
      EXPECT_THAT(std::string(verdict.status().message()),
                  testing::AllOf(HasSubstr("/log/00000000000000000007.log"), HasSubstr("offset"),
                                 HasSubstr("sector at byte ")));
    }
  }
}

TEST(SegmentFormat, WhereSyncsRunBesideWritesItLooksLikeATornTail) {
  Image image(kSegment, {.batch = false});
  image.Add({"kept"});
  const uint64_t last = image.Add({"last", "group"});
  for (uint64_t at = last; at < last + kGroupHeaderBytes + 11; ++at) {
    Image torn = image;
    torn.FlipBit(at);
    EXPECT_THAT(RecordsOf(torn), ElementsAre("kept")) << at;
    EXPECT_EQ(*Judge(torn, kSegment), Verdict::kUsed) << at;
  }
}

TEST(SegmentFormat, EveryDamagedBitBeforeTheLastGroupIsCorruption) {
  Image image(kSegment, {.batch = false});
  image.Add({"first"});
  const uint64_t second = image.Add({"second"});
  const uint64_t third = image.Add({"third"});
  for (uint64_t at = second; at < second + kGroupHeaderBytes + 7; ++at) {
    Image damaged = image;
    damaged.FlipBit(at);
    auto verdict = Judge(damaged, kSegment);
    ASSERT_EQ(verdict.status().code(), absl::StatusCode::kDataLoss) << at;
    EXPECT_THAT(std::string(verdict.status().message()),
                testing::AllOf(HasSubstr("/log/00000000000000000007.log"),
                               HasSubstr("offset " + std::to_string(second)),
                               HasSubstr("offset " + std::to_string(third))));
  }
  // A group whose body is torn proves by its header that what lies before it was durable.
  image.FlipBit(third + kGroupHeaderBytes + 2);
  image.FlipBit(second + 1);
  EXPECT_EQ(Judge(image, kSegment).status().code(), absl::StatusCode::kDataLoss);
}

// A crash while the last group was written keeps any of its sectors; the others are as they were.
TEST(SegmentFormat, AnySectorsOfATornGroupMayBeThere) {
  Image old_life(3);
  for (int i = 0; i < 60; ++i) old_life.Add({"an old record"});
  for (const std::string& earlier : {std::string(), old_life.file()}) {
    for (const size_t size_before : {10, 400, 430, 500}) {
      Image before(kSegment, {.before = earlier});
      before.Add({std::string(size_before, 'b')});
      Image after = before;
      after.Add({std::string(1800, 'y')});
      int whole = 0;
      for (uint32_t kept = 0; kept < 1u << 6; ++kept) {
        Image torn = before;
        for (size_t sector = 0; sector < 6; ++sector) {
          if ((kept >> sector & 1) == 0) continue;
          torn.file().replace(sector * kSectorBytes, kSectorBytes, after.file(),
                              sector * kSectorBytes, kSectorBytes);
        }
        EXPECT_EQ(*Judge(torn, kSegment), Verdict::kUsed) << kept;
        const size_t records = RecordsOf(torn).size();
        EXPECT_GE(records, 1u);
        whole += records == 2 ? 1 : 0;
      }
      EXPECT_GT(whole, 0);
      EXPECT_LT(whole, 1 << 3);
    }
  }
}

TEST(SegmentFormat, AFileThatEndsAnywhereIsATornTail) {
  Image whole(kSegment);
  whole.Add({"first"});
  const uint64_t second = whole.Add({std::string(1000, 'y')});
  const uint64_t file_end = SectorOffset(whole.end().offset - 1) + kSectorBytes;
  for (uint64_t cut = second; cut + 10 < file_end; ++cut) {
    Image torn = whole;
    torn.file().resize(cut);
    EXPECT_EQ(*Judge(torn, kSegment), Verdict::kUsed) << cut;
    EXPECT_EQ(RecordsOf(torn).front(), "first") << cut;
  }
}

TEST(SegmentFormat, LeftoversOfARecycledFileAreNotRecords) {
  Image old_life(3);
  for (int i = 0; i < 20; ++i) old_life.Add({"old record"});
  // Before the header was written, and after.
  EXPECT_EQ(*Judge(old_life, 9), Verdict::kUnused);
  Image new_life(9, {.before = old_life.file()});
  EXPECT_EQ(*Judge(new_life, 9), Verdict::kUnused);
  new_life.Add({"new record"});
  EXPECT_THAT(RecordsOf(new_life, 9), ElementsAre("new record"));
  EXPECT_EQ(*Judge(new_life, 9), Verdict::kUsed);
}

TEST(SegmentFormat, TheOnlyGroupOfASegmentIsMissedToo) {
  Image image(kSegment);
  const uint64_t only = image.Add({"only"});
  Image damaged = image;
  damaged.FlipBit(only + 3);
  EXPECT_EQ(Judge(damaged, kSegment).status().code(), absl::StatusCode::kDataLoss);
  // The header with it.
  damaged.FlipBit(5);
  EXPECT_EQ(Judge(damaged, kSegment).status().code(), absl::StatusCode::kDataLoss);
}

TEST(ChainJudge, SegmentsFollowEachOther) {
  Image one(1), two(2), unused(3), four(4);
  one.Add({"a"});
  two.Add(one.end(), {"b"});
  two.Add({"c"});
  four.Add(two.end(), {"d"});
  ChainJudge judge("/log", 3);
  EXPECT_EQ(*judge.Next(1, ScanOf(one, 1)), Verdict::kUsed);
  EXPECT_EQ(*judge.Next(2, ScanOf(two, 2)), Verdict::kUsed);
  EXPECT_EQ(*judge.Next(3, ScanOf(unused, 3)), Verdict::kUnused);
  EXPECT_EQ(*judge.Next(4, ScanOf(four, 4)), Verdict::kUsed);
  // The log may begin anywhere: older segments were flushed and discarded.
  EXPECT_EQ(*Judge(four, 4), Verdict::kUsed);
}

TEST(ChainJudge, TheTailOfAnOlderSegmentIsMeasuredByTheNext) {
  Image one(1), two(2);
  const uint64_t first = one.Add({"a"});
  const LogPosition before_last = {1, one.Add({"b"})};
  two.Add(one.end(), {"c"});
  one.FlipBit(before_last.offset + 5);
  ChainJudge judge("/log", 3);
  EXPECT_EQ(*judge.Next(1, ScanOf(one, 1)), Verdict::kUsed);
  auto verdict = judge.Next(2, ScanOf(two, 2));
  ASSERT_EQ(verdict.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(verdict.status().message()), HasSubstr("00000000000000000001.log"));
  // The same tail is fine where a restart found it torn and went on from before it.
  Image after_restart(2);
  after_restart.Add(before_last, {"c"});
  ChainJudge other("/log", 3);
  EXPECT_EQ(*other.Next(1, ScanOf(one, 1)), Verdict::kUsed);
  EXPECT_EQ(*other.Next(2, ScanOf(after_restart, 2)), Verdict::kUsed);
  // A segment of which nothing can be read is missed all the same.
  one.FlipBit(first);
  one.FlipBit(before_last.offset);
  Image zero(0);
  zero.Add({"z"});
  ChainJudge third("/log", 3);
  EXPECT_EQ(*third.Next(0, ScanOf(zero, 0)), Verdict::kUsed);
  EXPECT_EQ(*third.Next(1, ScanOf(one, 1)), Verdict::kUnused);
  EXPECT_EQ(third.Next(2, ScanOf(two, 2)).status().code(), absl::StatusCode::kDataLoss);
}

TEST(ChainJudge, DamageOfFreeSpaceIsNoMatterOnceTheLogWentOn) {
  Image one(1), two(2);
  one.Add({"a"});
  one.FlipBit(one.end().offset + 40);
  EXPECT_EQ(Judge(one, 1).status().code(), absl::StatusCode::kDataLoss);
  two.Add(one.end(), {"b"});
  ChainJudge judge("/log", 3);
  EXPECT_EQ(*judge.Next(1, ScanOf(one, 1)), Verdict::kUsed);
  EXPECT_EQ(*judge.Next(2, ScanOf(two, 2)), Verdict::kUsed);
  EXPECT_EQ(judge.End(), absl::OkStatus());
  // A prepared segment behind it says nothing.
  Image three(3);
  ChainJudge other("/log", 3);
  EXPECT_EQ(*other.Next(1, ScanOf(one, 1)), Verdict::kUsed);
  EXPECT_EQ(*other.Next(3, ScanOf(three, 3)), Verdict::kUnused);
  EXPECT_EQ(other.End().code(), absl::StatusCode::kDataLoss);
}

TEST(ChainJudge, AMissingSegmentIsNamed) {
  Image one(1), two(2), three(3);
  one.Add({"a"});
  two.Add(one.end(), {"b"});
  three.Add(two.end(), {"c"});
  ChainJudge judge("/log", 3);
  ASSERT_TRUE(judge.Next(1, ScanOf(one, 1)).ok());
  auto verdict = judge.Next(3, ScanOf(three, 3));
  ASSERT_EQ(verdict.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(verdict.status().message()),
              HasSubstr("00000000000000000002.log is missing"));
}

TEST(ChainJudge, HeadersAreChecked) {
  Image damaged(kSegment);
  damaged.Add({"a"});
  damaged.FlipBit(9);
  EXPECT_EQ(Judge(damaged, kSegment).status().code(), absl::StatusCode::kDataLoss);
  Image other_shard(kSegment, {.shard = 4});
  other_shard.Add({"a"});
  EXPECT_EQ(Judge(other_shard, kSegment).status().code(), absl::StatusCode::kDataLoss);
  Image newer(kSegment);
  const std::string header = EncodeSegmentHeader({3, 3, kSegment, true});
  newer.file().replace(0, kSegmentHeaderBytes, header);
  EXPECT_EQ(Judge(newer, kSegment).status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace tholos::storage
