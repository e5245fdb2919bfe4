// Bad input and bad surroundings: a clear error, and nothing lost.
#include <arpa/inet.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cluster/process_cluster.h"

namespace tholos::cluster_test {
namespace {

namespace pb = ::tholos::v1;
using ::testing::HasSubstr;

// Files below `directory` whose names end so.
std::vector<std::string> FilesBelow(const std::string& directory, const std::string& ending) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    const std::string path = entry.path();
    if (entry.is_regular_file() && path.ends_with(ending)) files.push_back(path);
  }
  return files;
}

// Sends bytes to a TCP port and waits until the server has closed the connection (or a moment has
// passed).
void SendRaw(const std::string& address, uint16_t port, const std::string& bytes) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  inet_pton(AF_INET, address.c_str(), &to.sin_addr);
  timeval limit{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  ASSERT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof(to)), 0);
  (void)send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  char answer[4096];
  while (recv(fd, answer, sizeof(answer), 0) > 0) {
  }
  close(fd);
}

class BadInput : public testing::Test {
 protected:
  void StartWithTable(ProcessCluster& cluster, int nodes) {
    cluster.StartAll();
    ASSERT_TRUE(cluster.WaitUp(nodes));
    const auto keyspace =
        cluster.Execute(0, absl::StrCat("CREATE KEYSPACE t WITH replication = {'class': "
                                        "'SimpleStrategy', 'replication_factor': ",
                                        nodes, "}"));
    ASSERT_TRUE(keyspace.ok()) << keyspace.error_message();
    const auto table = cluster.Execute(
        0, "CREATE TABLE t.rows (w int, n bigint, v text, b blob, PRIMARY KEY (w, n))");
    ASSERT_TRUE(table.ok()) << table.error_message();
  }
};

TEST_F(BadInput, StatementsAreRefusedWithThePlace) {
  ProcessCluster cluster(1);
  StartWithTable(cluster, 1);
  const struct {
    const char* statement;
    const char* message;
  } kCases[] = {
      {"SELEC * FROM t.rows", "line 1:1"},
      {"SELECT nope FROM t.rows", "nope"},
      {"INSERT INTO t.rows (w, n, wrong) VALUES (1, 1, 'x')", "wrong"},
      {"INSERT INTO t.rows (w, n, v) VALUES (1, 'text', 'x')", "bigint"},
      {"INSERT INTO t.rows (w, v) VALUES (1, 'x')", "n"},
      {"SELECT * FROM t.nothing", "nothing"},
      {"SELECT * FROM nowhere.rows", "nowhere"},
      {"SELECT * FROM t.rows WHERE v = 'x'", "ALLOW FILTERING"},
      {"CREATE TABLE t.rows (w int PRIMARY KEY)", "exist"},
  };
  for (const auto& c : kCases) {
    const auto status = cluster.Execute(0, c.statement);
    EXPECT_FALSE(status.ok()) << c.statement;
    EXPECT_THAT(status.error_message(), HasSubstr(c.message)) << c.statement;
    EXPECT_NE(status.error_code(), grpc::StatusCode::INTERNAL) << c.statement;
  }
  EXPECT_EQ(cluster.Number(0, "SELECT count(*) FROM t.rows", pb::CONSISTENCY_ONE), 0);
}

TEST_F(BadInput, OversizeValuesAreRefused) {
  ProcessCluster cluster(1);
  StartWithTable(cluster, 1);
  grpc::ClientContext context;
  pb::ExecuteRequest request;
  request.set_query("INSERT INTO t.rows (w, n, b) VALUES (1, 1, ?)");
  request.add_values()->set_blob(std::string(20 << 20, 'x'));
  pb::ExecuteResponse response;
  auto status = cluster.cql(0).Execute(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << status.error_message();
  grpc::ClientContext next;
  request.mutable_values(0)->set_blob(std::string(1 << 20, 'x'));
  status = cluster.cql(0).Execute(&next, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
}

TEST_F(BadInput, GarbageOnThePortsHarmsNobody) {
  ProcessCluster cluster(1);
  StartWithTable(cluster, 1);
  std::mt19937_64 random(1);
  for (int i = 0; i < 20; ++i) {
    std::string bytes = i % 2 == 0 ? "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" : "";
    for (int k = 0; k < 2000; ++k) bytes.push_back(static_cast<char>(random()));
    SendRaw(cluster.address(0), i % 3 == 0 ? 9043 : 7000, bytes);
  }
  ASSERT_TRUE(cluster.running(0));
  EXPECT_TRUE(cluster.Execute(0, "INSERT INTO t.rows (w, n, v) VALUES (1, 1, 'x')").ok());
}

TEST_F(BadInput, CorruptSstableIsFoundNamedAndAnsweredFromOtherReplicas) {
  ProcessCluster cluster(3);
  StartWithTable(cluster, 3);
  for (int i = 0; i < 300; ++i) {
    ASSERT_TRUE(cluster
                    .Execute(i % 3,
                             absl::StrCat("INSERT INTO t.rows (w, n, v) VALUES (", i % 10, ", ", i,
                                          ", '", std::string(200, 'a' + i % 26), "')"),
                             pb::CONSISTENCY_ALL)
                    .ok());
  }
  grpc::ClientContext context;
  pb::FlushResponse flushed;
  ASSERT_TRUE(cluster.admin(0).Flush(&context, {}, &flushed).ok());
  cluster.Kill(0);
  const auto tables = FilesBelow(cluster.directory(0), ".sst");
  ASSERT_FALSE(tables.empty());
  for (const std::string& path : tables) {
    // Not the tables that a node keeps for itself alone: nobody else could answer for them, so it
    // would refuse to start.
    if (path.find("/t.rows-") == std::string::npos) continue;
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(100);
    file.write("\xDE\xAD\xBE\xEF", 4);
  }
  cluster.Start(0);
  ASSERT_TRUE(cluster.WaitUp(3));
  for (int w = 0; w < 10; ++w) {
    EXPECT_EQ(cluster.Number(0, absl::StrCat("SELECT count(*) FROM t.rows WHERE w = ", w),
                             pb::CONSISTENCY_QUORUM),
              30);
  }
  EXPECT_THAT(cluster.LogOf(0), HasSubstr(".sst"));
}

// Segments that hold groups, and where the last byte of each that is not zero stands.
std::vector<std::pair<std::string, size_t>> UsedSegments(const std::string& directory) {
  std::vector<std::pair<std::string, size_t>> used;
  for (const std::string& path : FilesBelow(directory, ".log")) {
    std::ifstream in(path, std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(in)), {});
    const size_t end = bytes.find_last_not_of('\0');
    if (end != std::string::npos && end >= 512) used.emplace_back(path, end);
  }
  return used;
}

TEST_F(BadInput, TornLogTailIsForgottenAndNothingElse) {
  ProcessCluster cluster(1);
  StartWithTable(cluster, 1);
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(
        cluster.Execute(0, absl::StrCat("INSERT INTO t.rows (w, n, v) VALUES (1, ", i, ", 'x')"))
            .ok());
  }
  cluster.Kill(0);
  // A write that the crash cut short: its first sector is not there, a later one is.
  int torn = 0;
  for (const auto& [path, end] : UsedSegments(cluster.directory(0))) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>((end / 512 + 2) * 512));
    file.write("torn torn torn torn", 19);
    ++torn;
  }
  ASSERT_GT(torn, 0);
  cluster.Start(0);
  ASSERT_TRUE(cluster.WaitUp(1));
  EXPECT_EQ(cluster.Number(0, "SELECT count(*) FROM t.rows", pb::CONSISTENCY_ONE), 100);
}

TEST_F(BadInput, DamageToTheLastAcknowledgedWriteStopsTheStart) {
  ProcessCluster cluster(1);
  StartWithTable(cluster, 1);
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(
        cluster.Execute(0, absl::StrCat("INSERT INTO t.rows (w, n, v) VALUES (1, ", i, ", 'x')"))
            .ok());
  }
  cluster.Kill(0);
  const auto segments = UsedSegments(cluster.directory(0));
  ASSERT_FALSE(segments.empty());
  const auto& [path, end] = segments.back();
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  // The checksum of the last sector: whatever follows the group there cannot be trusted.
  const auto at = static_cast<std::streamoff>(end / 512 * 512 + 505);
  file.seekg(at);
  const char byte = static_cast<char>(file.get() ^ 4);
  file.seekp(at);
  file.put(byte);
  file.close();
  const ProcessResult result = RunProcess(
      {BinaryPath("tholosd"), "--data", cluster.directory(0), "--listen", cluster.address(0)});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, HasSubstr(path));
  EXPECT_THAT(result.output, HasSubstr(absl::StrCat("the sector at byte ", end / 512 * 512)));
}

TEST_F(BadInput, FullDiskRefusesWritesAndRecovers) {
  ProcessCluster cluster(1);
  if (mount("tmpfs", cluster.directory(0).c_str(), "tmpfs", 0, "size=160m") != 0) {
    GTEST_SKIP() << "cannot mount a small file system here; the simulated disk has this test too";
  }
  StartWithTable(cluster, 1);
  const std::string ballast = cluster.directory(0) + "/ballast";
  {
    std::ofstream out(ballast, std::ios::binary);
    const std::string block(1 << 20, 'x');
    while (out.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }
  const std::string value(100'000, 'v');
  grpc::Status refused;
  int acknowledged = 0;
  for (int i = 0; i < 3000 && refused.ok(); ++i) {
    refused = cluster.Execute(
        0, absl::StrCat("INSERT INTO t.rows (w, n, v) VALUES (1, ", i, ", '", value, "')"));
    acknowledged += refused.ok();
  }
  EXPECT_FALSE(refused.ok());
  EXPECT_THAT(refused.error_message(), HasSubstr("space"));
  ASSERT_TRUE(cluster.running(0));
  EXPECT_EQ(cluster.Number(0, "SELECT count(*) FROM t.rows", pb::CONSISTENCY_ONE), acknowledged);
  // A start on the full disk, too.
  cluster.Kill(0);
  cluster.Start(0);
  ASSERT_TRUE(cluster.WaitUp(1));
  EXPECT_EQ(cluster.Number(0, "SELECT count(*) FROM t.rows", pb::CONSISTENCY_ONE), acknowledged);
  std::filesystem::remove(ballast);
  EXPECT_TRUE(Eventually(absl::Seconds(30), [&] {
    return cluster.Execute(0, "INSERT INTO t.rows (w, n, v) VALUES (2, 1, 'x')").ok();
  }));
  EXPECT_EQ(cluster.Number(0, "SELECT count(*) FROM t.rows WHERE w = 1", pb::CONSISTENCY_ONE),
            acknowledged);
  cluster.Kill(0);
  // The kernel may still be taking down what the process had open.
  umount2(cluster.directory(0).c_str(), MNT_DETACH);
}

TEST_F(BadInput, ALostDirectoryIsNotReplacedByAnEmptyOne) {
  ProcessCluster cluster(2);
  cluster.StartAll();
  ASSERT_TRUE(cluster.WaitUp(2));
  cluster.Kill(1);
  TemporaryDirectory empty;
  const ProcessResult result =
      RunProcess({BinaryPath("tholosd"), "--data", empty.path(), "--listen", cluster.address(1),
                  "--seeds", absl::StrCat(cluster.address(0), ",", cluster.address(1))});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, HasSubstr(cluster.address(1) + ":7000 is the address of node"));
  cluster.Start(1);
  EXPECT_TRUE(cluster.WaitUp(2));
}

TEST_F(BadInput, StartFailuresNameTheirCause) {
  ProcessCluster cluster(1);
  cluster.StartAll();
  ASSERT_TRUE(cluster.WaitUp(1));

  // The same directory.
  ProcessResult result =
      RunProcess({BinaryPath("tholosd"), "--data", cluster.directory(0), "--listen", "127.0.0.99"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, HasSubstr(cluster.directory(0)));

  // The same address.
  TemporaryDirectory other;
  result =
      RunProcess({BinaryPath("tholosd"), "--data", other.path(), "--listen", cluster.address(0)});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, HasSubstr(cluster.address(0) + ":7000"));

  // Settings.
  const std::string file = other.path() + "/tholos.yaml";
  std::ofstream(file) << "cluster_name: x\nseedz: [a]\n";
  result = RunProcess({BinaryPath("tholosd"), "--config", file});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.output, HasSubstr(file + ":2: unknown key 'seedz' (did you mean 'seeds'?)"));
  result = RunProcess({BinaryPath("tholosd"), "--listen", "0.0.0.0"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.output, HasSubstr("open_network"));

  // A stop while it waits for seeds that are not there.
  result =
      RunProcess({"/usr/bin/timeout", "--preserve-status", "5", BinaryPath("tholosd"), "--data",
                  other.path() + "/waits", "--listen", "127.0.0.99", "--seeds", "127.0.0.98"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.output, HasSubstr("stopped before it was up"));

  // Another cluster's data.
  ASSERT_EQ(cluster.Terminate(0), 0);
  result = RunProcess({BinaryPath("tholosd"), "--data", cluster.directory(0), "--listen",
                       cluster.address(0), "--cluster-name", "other"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, HasSubstr("other"));
}

}  // namespace
}  // namespace tholos::cluster_test
