// Files whose checksums are right but whose contents are not: what a bug of a writer would leave.
// Damage by the disk is in corruption_test.cc.
#include "sstable/verifier.h"

#include <utility>
#include <vector>

#include "base/checksum.h"
#include "base/coding.h"
#include "base/sim/test_world.h"
#include "data/codec.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sstable/block_entry.h"
#include "sstable/entry.h"
#include "sstable/filter.h"
#include "sstable/testing/tables.h"

namespace tholos::sstable {
namespace {

using base::sim::TestWorld;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr uint64_t kFileId = 5;

struct Entry {
  std::string key;
  std::string value;
};

data::DecoratedKey KeyOf(int64_t token) { return {token, "k" + std::to_string(token)}; }

Entry HeaderEntry(int64_t token) {
  Entry entry;
  HeaderEntryKey(PartitionPrefix(KeyOf(token)), &entry.key);
  EncodeHeader({KeyOf(token), {}, std::nullopt}, &entry.value);
  return entry;
}

Entry RowEntry(int64_t token, std::string_view clustering) {
  Entry entry;
  RowEntryKey(PartitionPrefix(KeyOf(token)), clustering, &entry.key);
  data::EncodeRowBody({.liveness = {.timestamp = 1}}, &entry.value);
  return entry;
}

// An SSTable put together by hand, as right or wrong as its parts; one index page.
struct HandMade {
  struct DataBlock {
    std::vector<Entry> entries;
    std::string index_key;  // empty: the first entry's
    std::string header;     // what the index repeats of the partition it begins inside of
  };
  std::vector<DataBlock> blocks;
  std::string root_key;  // empty: the first block's
  std::vector<std::string> filter_keys;
  TableStatistics statistics;
  size_t gap_bytes = 0;  // before the second block

  std::string Build() const;
};

// Like BlockBuilder, but in any order.
std::string Payload(const std::vector<Entry>& entries) {
  std::string heads, restarts, payload;
  for (const Entry& entry : entries) {
    base::PutFixed32(&heads, HeadOf(entry.key, 0));
    base::PutFixed32(&restarts, static_cast<uint32_t>(payload.size()));
    base::PutVarint(&payload, 0);
    base::PutVarint(&payload, entry.key.size());
    base::PutVarint(&payload, entry.value.size());
    payload += entry.key + entry.value;
  }
  std::string header;
  base::PutFixed32(&header, static_cast<uint32_t>(entries.size()));
  base::PutFixed32(&header, 0);
  return header + heads + restarts + payload;
}

std::string HandMade::Build() const {
  std::string file;
  const auto seal = [&](const std::string& payload) {
    return SealBlock(payload, Compression::kNone, kFileId, file.size(), &file);
  };
  const auto seal_indexed = [&](const std::string& payload, std::string key,
                                const std::string& header = "") {
    Entry entry{.key = std::move(key)};
    EncodeIndexEntry({seal(payload), header}, &entry.value);
    return entry;
  };
  std::vector<Entry> page;
  for (const DataBlock& block : blocks) {
    if (page.size() == 1) file.append(gap_bytes, 'x');
    page.push_back(seal_indexed(
        Payload(block.entries),
        block.index_key.empty() ? block.entries.front().key : block.index_key, block.header));
  }
  const Entry root = seal_indexed(Payload(page), root_key.empty() ? page.front().key : root_key);
  Footer footer;
  footer.file_id = kFileId;
  footer.generation = 1;
  footer.table = TestTable();
  footer.body_bytes = file.size();
  FilterBuilder filter;
  for (const std::string& key : filter_keys) filter.Add(FilterHash(key));
  footer.filter = seal(filter.Finish());
  footer.statistics = seal(EncodeStatistics(statistics));
  footer.root = seal(Payload({root}));
  footer.digest = base::Checksum64(file);
  return file + EncodeFooter(footer, file.size());
}

// Two partitions of two rows each in two blocks: nothing wrong with it.
HandMade Good() {
  HandMade table;
  table.blocks = {
      {.entries = {HeaderEntry(1), RowEntry(1, "a"), RowEntry(1, "b"), HeaderEntry(2)}},
      {.entries = {RowEntry(2, "a"), RowEntry(2, "b")}, .header = HeaderEntry(2).value}};
  table.filter_keys = {"k1", "k2"};
  const data::Row row{.liveness = {.timestamp = 1}};
  for (const int64_t token : {1, 2}) {
    table.statistics.Add(data::PartitionHeader{KeyOf(token), {}, std::nullopt});
    table.statistics.Add(row);
    table.statistics.Add(row);
  }
  for (const auto& block : table.blocks) {
    table.statistics.raw_data_bytes += Payload(block.entries).size();
  }
  return table;
}

std::vector<std::string> Findings(const HandMade& table) {
  TestWorld world;
  EXPECT_TRUE(world.Run(MakeTestDirectory(world.files())).ok());
  const std::string path = std::string(kTestDirectory) + "/" + FileName(1);
  EXPECT_TRUE(world.Run(WriteWholeFile(world.files(), path, table.Build())).ok());
  const auto report = world.Run(VerifyTable(world.files(), kTestDirectory, 1, TestTable()));
  EXPECT_TRUE(report.ok()) << report.status();
  std::vector<std::string> findings;
  for (const VerifyFinding& finding : report->findings) {
    findings.push_back(finding.section + ": " + finding.what);
  }
  // A reader may give anything but must end, without harm.
  (void)world.Run(OpenAndRead(world.files(), TestOpenOptions(1)));
  return findings;
}

TEST(VerifyTable, NothingWrong) { EXPECT_THAT(Findings(Good()), testing::IsEmpty()); }

TEST(VerifyTable, RowsOutOfOrder) {
  HandMade table = Good();
  std::swap(table.blocks[0].entries[1], table.blocks[0].entries[2]);
  EXPECT_THAT(Findings(table), testing::Contains(HasSubstr("entries out of order")));
}

TEST(VerifyTable, BlocksOutOfOrder) {
  HandMade table = Good();
  std::swap(table.blocks[0], table.blocks[1]);
  EXPECT_THAT(Findings(table), testing::Contains(HasSubstr("entries out of order")));
}

TEST(VerifyTable, ARowWithoutItsPartition) {
  HandMade table = Good();
  table.blocks[0].entries.pop_back();
  EXPECT_THAT(Findings(table),
              testing::Contains("data block: a row without its partition's header"));
}

TEST(VerifyTable, AnIndexKeyThatIsNotTheBlocksFirst) {
  HandMade table = Good();
  table.blocks[1].index_key = RowEntry(2, "A").key;
  EXPECT_THAT(Findings(table), ElementsAre("data block: its first key is not the index's"));
}

TEST(VerifyTable, AnIndexThatKnowsAnotherHeader) {
  HandMade table = Good();
  table.blocks[1].header.clear();
  EXPECT_THAT(Findings(table),
              ElementsAre("data block: the index has another header of its partition"));
}

TEST(VerifyTable, ABlockThatDoesNotSayWhatIsInEffect) {
  HandMade table = Good();
  std::string& last = table.blocks[0].entries.emplace_back(RowEntry(2, "")).value;
  std::string change;
  EncodeChange({5, 5}, &change);
  last.insert(0, change);
  table.statistics.AddRange({5, 5});
  table.statistics.Add(data::Row{.liveness = {.timestamp = 1}});
  table.statistics.raw_data_bytes = 0;
  for (const auto& block : table.blocks) {
    table.statistics.raw_data_bytes += Payload(block.entries).size();
  }
  EXPECT_THAT(Findings(table),
              ElementsAre("data block: does not say which range tombstone it begins in"));
}

TEST(VerifyTable, ARootKeyThatIsNotThePagesFirst) {
  HandMade table = Good();
  table.root_key = HeaderEntry(0).key;
  EXPECT_THAT(Findings(table), ElementsAre("index page: its first key is not the root's"));
}

TEST(VerifyTable, APartitionUnknownToTheFilter) {
  HandMade table = Good();
  table.filter_keys = {"k1"};
  EXPECT_THAT(Findings(table),
              ElementsAre("data block: a partition that the filter does not know"));
}

TEST(VerifyTable, WrongStatistics) {
  HandMade table = Good();
  ++table.statistics.rows;
  EXPECT_THAT(Findings(table), ElementsAre("statistics: not what the contents give"));
}

TEST(VerifyTable, BytesThatBelongToNoBlock) {
  HandMade table = Good();
  table.gap_bytes = 3;
  EXPECT_THAT(Findings(table),
              ElementsAre(HasSubstr("data block: does not follow the block before it")));
}

TEST(VerifyTable, MalformedValues) {
  HandMade table = Good();
  table.blocks[0].entries[0].value += "x";
  table.blocks[1].entries[1].value = "\xFF";
  EXPECT_THAT(Findings(table), testing::IsSupersetOf({HasSubstr("malformed partition header"),
                                                      HasSubstr("malformed change")}));
}

TEST(VerifyTable, MalformedKeys) {
  HandMade table = Good();
  table.blocks[0].entries[1].key = HeaderEntry(1).key + "more";
  EXPECT_THAT(Findings(table), testing::Contains(HasSubstr("an entry of unknown kind")));
}

TEST(VerifyTable, NoSuchFile) {
  TestWorld world;
  EXPECT_EQ(world.Run(VerifyTable(world.files(), kTestDirectory, 1, TestTable())).status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace tholos::sstable
