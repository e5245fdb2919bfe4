// What the README promises, with real processes and the Debian package index: real data, a node
// killed, hints, everything killed under load.
#include <signal.h>

#include <fstream>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cluster/process_cluster.h"
#include "tests/cluster/writer.h"

namespace tholos::cluster_test {
namespace {

namespace pb = ::tholos::v1;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

std::string SourcePath(const std::string& relative) {
  return absl::StrCat(THOLOS_SOURCE_DIR, "/", relative);
}

// A part of the index is enough here and keeps the test short: every tenth package.
int64_t WritePackages(const std::string& path) {
  const ProcessResult result =
      RunProcess({"/bin/sh", "-c",
                  SourcePath("deploy/debian-packages-csv") + " 2>/dev/null > " + path + ".all"});
  EXPECT_EQ(result.exit_code, 0) << result.output;
  const ProcessResult sampled = RunProcess(
      {"/bin/sh", "-c",
       "awk 'NR == 1 || NR % 10 == 0' " + path + ".all > " + path + " && wc -l < " + path});
  return std::stoll(sampled.output) - 1;
}

class Promise : public testing::Test {
 protected:
  void StartWithTable() {
    cluster_.StartAll();
    ASSERT_TRUE(cluster_.WaitUp(3));
    const auto created = cluster_.Execute(0,
                                          "CREATE KEYSPACE t WITH replication = {'class': "
                                          "'SimpleStrategy', 'replication_factor': 3}");
    ASSERT_TRUE(created.ok()) << created.error_message();
    const auto table =
        cluster_.Execute(1, "CREATE TABLE t.rows (w int, n bigint, v text, PRIMARY KEY (w, n))");
    ASSERT_TRUE(table.ok()) << table.error_message();
  }

  ProcessResult Tholos(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {BinaryPath("tholos"), "--host", cluster_.host(0)});
    return RunProcess(arguments);
  }

  ProcessCluster cluster_{3};
};

TEST_F(Promise, LoadsRealDataAndCountsIt) {
  cluster_.StartAll();
  const ProcessResult status = Tholos({"status", "--wait-up", "3"});
  ASSERT_EQ(status.exit_code, 0) << status.output;
  for (int n = 0; n < 3; ++n)
    EXPECT_THAT(status.output, HasSubstr(absl::StrCat("UN  ", cluster_.host(n))));

  const std::string csv = cluster_.root() + "/packages.csv";
  const int64_t packages = WritePackages(csv);
  ASSERT_GT(packages, 1000);
  ProcessResult result = Tholos({"cql", "-f", SourcePath("deploy/debian-packages.cql")});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  result = Tholos({"load", "--table", "debian.packages", csv});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  EXPECT_EQ(cluster_.Number(1, "SELECT count(*) FROM debian.packages", pb::CONSISTENCY_QUORUM),
            packages);
  // Loading again does nothing.
  result = Tholos({"load", "--table", "debian.packages", csv});
  EXPECT_THAT(result.output, HasSubstr("already"));

  // A line that cannot be loaded is named; the others are.
  std::ofstream(cluster_.root() + "/bad.csv")
      << "section,name,version,size\nx,a,1,10\nx,b,1,many\nx,c,1,30\n";
  result = Tholos({"load", "--table", "debian.packages", cluster_.root() + "/bad.csv"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, HasSubstr("line 3: column size"));
  EXPECT_EQ(cluster_.Number(2, "SELECT count(*) FROM debian.packages WHERE section = 'x'",
                            pb::CONSISTENCY_QUORUM),
            2);
}

TEST_F(Promise, OneNodeKilledAndBack) {
  StartWithTable();
  {
    Writers writers(cluster_, {0, 1}, "t.rows", 2);
    ASSERT_TRUE(Eventually(absl::Seconds(20), [&] { return writers.acknowledged() > 200; }));
  }
  cluster_.Kill(2);

  // QUORUM goes on, at the latest when the others have noticed.
  ASSERT_TRUE(cluster_.WaitUp(2));
  for (int i = 0; i < 50; ++i) {
    const auto status = cluster_.Execute(
        i % 2, absl::StrCat("INSERT INTO t.rows (w, n, v) VALUES (77, ", i, ", 'meanwhile')"));
    ASSERT_TRUE(status.ok()) << status.error_message();
  }
  EXPECT_EQ(cluster_.Number(1, "SELECT count(*) FROM t.rows WHERE w = 77", pb::CONSISTENCY_QUORUM),
            50);

  // ALL fails at once, and says why.
  const absl::Time start = absl::Now();
  for (const char* statement :
       {"INSERT INTO t.rows (w, n, v) VALUES (78, 1, 'x')", "SELECT * FROM t.rows WHERE w = 77"}) {
    const auto status = cluster_.Execute(0, statement, pb::CONSISTENCY_ALL);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE) << status.error_message();
    EXPECT_EQ(DetailOf(status).required(), 3u);
    EXPECT_EQ(DetailOf(status).alive(), 2u);
    EXPECT_EQ(DetailOf(status).consistency(), "ALL");
  }
  EXPECT_LT(absl::Now() - start, absl::Seconds(1));
  EXPECT_EQ(cluster_.Number(0, "SELECT count(*) FROM t.rows WHERE w = 78", pb::CONSISTENCY_QUORUM),
            0);

  // Back: its hints arrive. The others are frozen, so that it answers alone.
  cluster_.Start(2);
  ASSERT_TRUE(cluster_.WaitUp(3));
  const bool hinted = Eventually(absl::Seconds(60), [&] {
    cluster_.Signal(0, SIGSTOP);
    cluster_.Signal(1, SIGSTOP);
    const int64_t rows =
        cluster_.Number(2, "SELECT count(*) FROM t.rows WHERE w = 77", pb::CONSISTENCY_ONE);
    cluster_.Signal(0, SIGCONT);
    cluster_.Signal(1, SIGCONT);
    return rows == 50;
  });
  EXPECT_TRUE(hinted);
}

TEST_F(Promise, EverythingKilledUnderWriteLoad) {
  StartWithTable();
  Writers writers(cluster_, {0, 1, 2}, "t.rows", 4);
  ASSERT_TRUE(Eventually(absl::Seconds(30), [&] { return writers.acknowledged() > 1000; }));
  for (int n = 0; n < 3; ++n) cluster_.Signal(n, SIGKILL);
  for (int n = 0; n < 3; ++n) cluster_.Kill(n);
  writers.Stop();
  cluster_.StartAll();
  ASSERT_TRUE(cluster_.WaitUp(3));
  const auto found = ReadRows(cluster_, 1, "t.rows", pb::CONSISTENCY_QUORUM);
  const auto acknowledged = writers.rows();
  size_t lost = 0;
  for (const auto& row : acknowledged) lost += !found.contains(row);
  EXPECT_EQ(lost, 0u) << "of " << acknowledged.size();
}

TEST_F(Promise, StopsAndStartsInOrder) {
  StartWithTable();
  ASSERT_TRUE(cluster_.Execute(0, "INSERT INTO t.rows (w, n, v) VALUES (1, 1, 'x')").ok());
  for (int n = 0; n < 3; ++n) EXPECT_EQ(cluster_.Terminate(n), 0);
  cluster_.StartAll();
  ASSERT_TRUE(cluster_.WaitUp(3));
  EXPECT_EQ(cluster_.Number(2, "SELECT count(*) FROM t.rows", pb::CONSISTENCY_ALL), 1);
}

}  // namespace
}  // namespace tholos::cluster_test
