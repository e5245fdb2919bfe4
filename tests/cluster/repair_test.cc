// Hints that are lost, as an operator meets them: listed, repaired, forgotten.
#include <dirent.h>
#include <signal.h>

#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cluster/process_cluster.h"

namespace tholos::cluster_test {
namespace {

namespace pb = ::tholos::v1;
using ::testing::HasSubstr;

// Damages every hint of a node that is down; how many files there were.
int DamageHints(const std::string& directory) {
  const std::string hints = directory + "/hints";
  DIR* listing = opendir(hints.c_str());
  if (listing == nullptr) return 0;
  int files = 0;
  while (const dirent* entry = readdir(listing)) {
    const std::string name = entry->d_name;
    if (!name.ends_with(".hints")) continue;
    std::fstream file(hints + "/" + name, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(56 + 20 + 5);  // in the body of the first record
    file << "damage";
    ++files;
  }
  closedir(listing);
  return files;
}

class RepairTest : public testing::Test {
 protected:
  ProcessResult Tholos(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {BinaryPath("tholos"), "--host", cluster_.host(1)});
    return RunProcess(arguments);
  }
  // What node 2 has by itself.
  int64_t RowsOfNode2() {
    cluster_.Signal(0, SIGSTOP);
    cluster_.Signal(1, SIGSTOP);
    const int64_t rows =
        cluster_.Number(2, "SELECT count(*) FROM t.rows WHERE w = 1", pb::CONSISTENCY_ONE);
    cluster_.Signal(0, SIGCONT);
    cluster_.Signal(1, SIGCONT);
    return rows;
  }
  // 30 rows that node 2 missed, and whose hints are gone.
  void LoseHints() {
    cluster_.StartAll();
    ASSERT_TRUE(cluster_.WaitUp(3));
    ASSERT_TRUE(cluster_
                    .Execute(0,
                             "CREATE KEYSPACE t WITH replication = {'class': 'SimpleStrategy', "
                             "'replication_factor': 3}")
                    .ok());
    ASSERT_TRUE(
        cluster_.Execute(0, "CREATE TABLE t.rows (w int, n bigint, v text, PRIMARY KEY (w, n))")
            .ok());
    cluster_.Kill(2);
    ASSERT_TRUE(cluster_.WaitUp(2));
    for (int i = 0; i < 30; ++i) {
      const auto status = cluster_.Execute(
          0, absl::StrCat("INSERT INTO t.rows (w, n, v) VALUES (1, ", i, ", 'missed')"));
      ASSERT_TRUE(status.ok()) << status.error_message();
    }
    ASSERT_EQ(cluster_.Terminate(0), 0);
    ASSERT_GT(DamageHints(cluster_.directory(0)), 0);
    cluster_.Start(0);
    cluster_.Start(2);
    ASSERT_TRUE(cluster_.WaitUp(3));
    ASSERT_TRUE(Eventually(absl::Seconds(30), [&] {
      return Tholos({"repairs"}).output.find("did not verify") != std::string::npos;
    }));
  }

  ProcessCluster cluster_{3};
};

TEST_F(RepairTest, WhatIsListedIsRepairedAndForgotten) {
  ASSERT_NO_FATAL_FAILURE(LoseHints());
  const ProcessResult listed = Tholos({"repairs"});
  EXPECT_EQ(listed.exit_code, 0);
  EXPECT_THAT(listed.output, HasSubstr(cluster_.host(2))) << "who lacks writes";
  EXPECT_THAT(listed.output, HasSubstr(cluster_.host(0))) << "who has noted it";
  EXPECT_THAT(listed.output, HasSubstr("all tables"));
  EXPECT_THAT(listed.output, HasSubstr("whole ring"));
  EXPECT_LT(RowsOfNode2(), 30);
  ASSERT_TRUE(cluster_.WaitUp(3));

  // Not without all replicas: nothing is forgotten.
  cluster_.Kill(2);
  ASSERT_TRUE(cluster_.WaitUp(2));
  const ProcessResult refused = Tholos({"repair", "--all"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.output, HasSubstr("UNAVAILABLE"));
  EXPECT_THAT(Tholos({"repairs"}).output, HasSubstr("did not verify"));
  cluster_.Start(2);
  ASSERT_TRUE(cluster_.WaitUp(3));

  const ProcessResult repaired = Tholos({"repair", "--all"});
  EXPECT_EQ(repaired.exit_code, 0) << repaired.output;
  EXPECT_THAT(repaired.output,
              HasSubstr("t.rows whole ring: 1 partitions, 30 rows; 1 were mended"));
  EXPECT_THAT(Tholos({"repairs"}).output, HasSubstr("No range needs repair."));
  EXPECT_EQ(RowsOfNode2(), 30);
  ASSERT_TRUE(cluster_.WaitUp(3));

  // And after a restart, too.
  cluster_.Kill(0);
  cluster_.Start(0);
  ASSERT_TRUE(cluster_.WaitUp(3));
  EXPECT_THAT(Tholos({"repairs"}).output, HasSubstr("No range needs repair."));
}

TEST_F(RepairTest, ATableOrARangeOfItByName) {
  ASSERT_NO_FATAL_FAILURE(LoseHints());
  // The token of 1 is -4069959284402364209.
  const ProcessResult elsewhere =
      Tholos({"repair", "t.rows", "--range=0:9000000000000000000", "--rate", "0"});
  EXPECT_EQ(elsewhere.exit_code, 0) << elsewhere.output;
  EXPECT_THAT(elsewhere.output, HasSubstr("0 partitions, 0 rows; 0 were mended"));
  const ProcessResult repaired = Tholos({"repair", "t.rows"});
  EXPECT_EQ(repaired.exit_code, 0) << repaired.output;
  EXPECT_THAT(repaired.output, HasSubstr("30 rows; 1 were mended"));
  EXPECT_THAT(Tholos({"repairs"}).output, HasSubstr("all tables"))
      << "one table does not clear what is of all";

  for (const auto& [arguments, message] :
       std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"repair"}, "either KEYSPACE.TABLE or --all"},
           {{"repair", "t.rows", "--all"}, "either KEYSPACE.TABLE or --all"},
           {{"repair", "rows"}, "'rows' is not KEYSPACE.TABLE"},
           {{"repair", "t.none"}, "there is no table t.none"},
           {{"repair", "t.rows", "--range=9:2"}, "'9:2' is not START:END"}}) {
    const ProcessResult result = Tholos(arguments);
    EXPECT_EQ(result.exit_code, 1) << result.output;
    EXPECT_THAT(result.output, HasSubstr(message));
  }
}

}  // namespace
}  // namespace tholos::cluster_test
