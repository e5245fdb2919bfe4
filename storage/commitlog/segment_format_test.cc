#include "storage/commitlog/segment_format.h"

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
  explicit Image(uint64_t segment, size_t size = 8192, uint32_t shard = 3) : segment_(segment) {
    bytes_ = EncodeSegmentHeader({kSegmentVersion, shard, segment});
    bytes_.resize(size, '\0');
  }
  LogPosition end() const { return {segment_, end_}; }

  uint64_t Add(LogPosition synced, const std::vector<std::string>& records) {
    std::string group;
    StartGroup(&group);
    for (const auto& record : records) AppendRecord(record, &group);
    FinishGroup({segment_, end_}, synced, &group);
    bytes_.replace(end_, group.size(), group);
    const uint64_t at = end_;
    end_ += group.size();
    return at;
  }
  uint64_t Add(const std::vector<std::string>& records) { return Add(end(), records); }

  void FlipBit(size_t at) { bytes_[at] = static_cast<char>(bytes_[at] ^ 0x10); }
  void Zero(size_t from, size_t to) { std::fill(bytes_.begin() + from, bytes_.begin() + to, 0); }
  std::string& bytes() { return bytes_; }
  SegmentScan Scan() const { return ScanSegment(bytes_, segment_); }

 private:
  const uint64_t segment_;
  std::string bytes_;
  uint64_t end_ = kSegmentHeaderBytes;
};

absl::StatusOr<Verdict> Judge(const Image& image, uint64_t segment) {
  return ChainJudge("/log", 3).Next(segment, image.Scan());
}

std::vector<std::string> RecordsOf(const SegmentScan& scan) {
  std::vector<std::string> all;
  for (const auto& group : scan.groups) {
    auto records = SplitRecords(group.body);
    EXPECT_TRUE(records.ok());
    all.insert(all.end(), records->begin(), records->end());
  }
  return all;
}

TEST(SegmentFormat, HeaderBytes) {
  std::string header = EncodeSegmentHeader({1, 3, 0x0102030405060708});
  ASSERT_EQ(header.size(), kSegmentHeaderBytes);
  EXPECT_EQ(header.substr(0, 24),
            std::string("THOLOSCL\x01\0\0\0\x03\0\0\0\x08\7\6\5\4\3\2\1", 24));
  EXPECT_EQ(DecodeSegmentHeader(header)->segment, 0x0102030405060708u);
  for (size_t i = 0; i < header.size(); ++i) {
    std::string damaged = header;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    EXPECT_FALSE(DecodeSegmentHeader(damaged).has_value()) << i;
  }
  EXPECT_FALSE(DecodeSegmentHeader(header.substr(0, 31)).has_value());
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
  Image image(kSegment);
  image.Add({"one", "", std::string(300, 'x')});
  image.Add({"four"});
  const SegmentScan scan = image.Scan();
  EXPECT_THAT(RecordsOf(scan), ElementsAre("one", "", std::string(300, 'x'), "four"));
  EXPECT_EQ(scan.end, image.end().offset);
  EXPECT_EQ(scan.end % 8, 0u);
  EXPECT_FALSE(scan.evidence_beyond.has_value());
  EXPECT_EQ(*Judge(image, kSegment), Verdict::kUsed);
}

TEST(SegmentFormat, EveryDamagedBitOfTheLastGroupIsATornTail) {
  Image image(kSegment);
  image.Add({"kept"});
  const uint64_t last = image.Add({"last", "group"});
  // The padding behind the body is covered by nothing and carries nothing.
  for (uint64_t at = last; at < last + kGroupHeaderBytes + 11; ++at) {
    Image torn = image;
    torn.FlipBit(at);
    EXPECT_THAT(RecordsOf(torn.Scan()), ElementsAre("kept")) << at;
    EXPECT_EQ(*Judge(torn, kSegment), Verdict::kUsed) << at;
  }
}

TEST(SegmentFormat, EveryDamagedBitBeforeTheLastGroupIsCorruption) {
  Image image(kSegment);
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

TEST(SegmentFormat, ATornTailAtEveryLength) {
  Image whole(kSegment, 600);
  whole.Add({"first"});
  const uint64_t second = whole.Add({std::string(100, 'y')});
  for (uint64_t cut = second; cut < whole.end().offset - 8; ++cut) {
    Image torn = whole;
    torn.Zero(cut, 600);
    EXPECT_THAT(RecordsOf(torn.Scan()), ElementsAre("first")) << cut;
    EXPECT_EQ(*Judge(torn, kSegment), Verdict::kUsed) << cut;
    torn.bytes().resize(cut);
    EXPECT_THAT(RecordsOf(torn.Scan()), ElementsAre("first")) << cut;
  }
}

TEST(SegmentFormat, LeftoversOfARecycledFileAreNotRecords) {
  Image old_life(3);
  for (int i = 0; i < 20; ++i) old_life.Add({"old record"});
  std::string bytes = old_life.bytes();
  // Before the header was written, and after.
  EXPECT_EQ(*ChainJudge("/log", 3).Next(9, ScanSegment(bytes, 9)), Verdict::kUnused);
  Image new_life(9);
  new_life.Add({"new record"});
  bytes.replace(0, new_life.end().offset, new_life.bytes().substr(0, new_life.end().offset));
  const SegmentScan scan = ScanSegment(bytes, 9);
  EXPECT_THAT(RecordsOf(scan), ElementsAre("new record"));
  EXPECT_EQ(*ChainJudge("/log", 3).Next(9, scan), Verdict::kUsed);
}

TEST(ChainJudge, SegmentsFollowEachOther) {
  Image one(1), two(2), unused(3), four(4);
  one.Add({"a"});
  two.Add(one.end(), {"b"});
  two.Add({"c"});
  four.Add(two.end(), {"d"});
  ChainJudge judge("/log", 3);
  EXPECT_EQ(*judge.Next(1, one.Scan()), Verdict::kUsed);
  EXPECT_EQ(*judge.Next(2, two.Scan()), Verdict::kUsed);
  EXPECT_EQ(*judge.Next(3, unused.Scan()), Verdict::kUnused);
  EXPECT_EQ(*judge.Next(4, four.Scan()), Verdict::kUsed);
  // The log may begin anywhere: older segments were flushed and discarded.
  EXPECT_EQ(*ChainJudge("/log", 3).Next(4, four.Scan()), Verdict::kUsed);
}

TEST(ChainJudge, TheTailOfAnOlderSegmentIsMeasuredByTheNext) {
  Image one(1), two(2);
  const uint64_t first = one.Add({"a"});
  const LogPosition before_last = {1, one.Add({"b"})};
  two.Add(one.end(), {"c"});
  one.FlipBit(before_last.offset + 5);
  ChainJudge judge("/log", 3);
  EXPECT_EQ(*judge.Next(1, one.Scan()), Verdict::kUsed);
  auto verdict = judge.Next(2, two.Scan());
  ASSERT_EQ(verdict.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(verdict.status().message()), HasSubstr("00000000000000000001.log"));
  // The same tail is fine where a restart found it torn and went on from before it.
  Image after_restart(2);
  after_restart.Add(before_last, {"c"});
  ChainJudge other("/log", 3);
  EXPECT_EQ(*other.Next(1, one.Scan()), Verdict::kUsed);
  EXPECT_EQ(*other.Next(2, after_restart.Scan()), Verdict::kUsed);
  // A segment of which nothing can be read is missed all the same.
  one.FlipBit(first);
  one.FlipBit(before_last.offset);
  Image zero(0);
  zero.Add({"z"});
  ChainJudge third("/log", 3);
  EXPECT_EQ(*third.Next(0, zero.Scan()), Verdict::kUsed);
  EXPECT_EQ(*third.Next(1, one.Scan()), Verdict::kUnused);
  EXPECT_EQ(third.Next(2, two.Scan()).status().code(), absl::StatusCode::kDataLoss);
}

TEST(ChainJudge, AMissingSegmentIsNamed) {
  Image one(1), two(2), three(3);
  one.Add({"a"});
  two.Add(one.end(), {"b"});
  three.Add(two.end(), {"c"});
  ChainJudge judge("/log", 3);
  ASSERT_TRUE(judge.Next(1, one.Scan()).ok());
  auto verdict = judge.Next(3, three.Scan());
  ASSERT_EQ(verdict.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(verdict.status().message()),
              HasSubstr("00000000000000000002.log is missing"));
}

TEST(ChainJudge, HeadersAreChecked) {
  Image damaged(kSegment);
  damaged.Add({"a"});
  damaged.FlipBit(9);
  EXPECT_EQ(Judge(damaged, kSegment).status().code(), absl::StatusCode::kDataLoss);
  Image other_shard(kSegment, 8192, 4);
  other_shard.Add({"a"});
  EXPECT_EQ(Judge(other_shard, kSegment).status().code(), absl::StatusCode::kDataLoss);
  Image newer(kSegment);
  newer.bytes().replace(0, kSegmentHeaderBytes, EncodeSegmentHeader({2, 3, kSegment}));
  EXPECT_EQ(Judge(newer, kSegment).status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace tholos::storage
