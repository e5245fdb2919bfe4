#include "tests/cluster/process_cluster.h"

#include <fcntl.h>
#include <grpcpp/create_channel.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"

namespace tholos::cluster_test {
namespace {

namespace pb = ::tholos::v1;

pid_t Spawn(const std::vector<std::string>& arguments, const std::string& output,
            const std::string& directory) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const pid_t pid = fork();
  if (pid != 0) return pid;
  const int file = open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  dup2(file, STDOUT_FILENO);
  dup2(file, STDERR_FILENO);
  if (!directory.empty() && chdir(directory.c_str()) != 0) _exit(126);
  execv(argv[0], argv.data());
  _exit(127);
}

std::string ReadWhole(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

}  // namespace

bool Eventually(absl::Duration max, const std::function<bool()>& condition) {
  const absl::Time give_up = absl::Now() + max;
  while (!condition()) {
    if (absl::Now() > give_up) return false;
    // The pace of looking, not a time that something is given to happen in.
    poll(nullptr, 0, 20);
  }
  return true;
}

std::string BinaryPath(const std::string& name) {
  // This program is build/bin/tests/NAME.
  return std::filesystem::canonical("/proc/self/exe").parent_path().parent_path() / name;
}

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern =
      (std::filesystem::temp_directory_path() / "tholos-cluster-").string() + std::string(6, 'X');
  path_ = mkdtemp(pattern.data());
}
TemporaryDirectory::~TemporaryDirectory() { std::filesystem::remove_all(path_); }

ProcessResult RunProcess(const std::vector<std::string>& arguments) {
  TemporaryDirectory directory;
  const std::string output = directory.path() + "/output";
  const pid_t pid = Spawn(arguments, output, directory.path());
  int status = 0;
  waitpid(pid, &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, ReadWhole(output)};
}

ProcessCluster::ProcessCluster(int nodes) {
  // 127.A.B.n: a network of this process's own, as far as pids differ.
  const auto pid = static_cast<unsigned>(getpid());
  static int instances = 0;
  prefix_ = absl::StrCat("127.", 1 + (pid >> 8) % 250, ".", pid % 256, ".");
  const int first = 10 * ++instances;
  members_.resize(nodes);
  prefix_ += std::to_string(first).substr(0, std::to_string(first).size() - 1);
  for (int n = 0; n < nodes; ++n) {
    std::filesystem::create_directories(directory(n));
    grpc::ChannelArguments arguments;
    // A node that is killed and started again is to be found at once.
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 200);
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
    arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 50);
    arguments.SetMaxReceiveMessageSize(-1);
    arguments.SetMaxSendMessageSize(-1);
    auto channel =
        grpc::CreateCustomChannel("ipv4:" + host(n), grpc::InsecureChannelCredentials(), arguments);
    members_[n].cql = pb::Tholos::NewStub(channel);
    members_[n].admin = pb::Admin::NewStub(channel);
  }
}

ProcessCluster::~ProcessCluster() {
  for (int n = 0; n < static_cast<int>(members_.size()); ++n) {
    if (testing::Test::HasFailure())
      std::fprintf(stderr, "---- log of node %d\n%s\n", n, LogOf(n).c_str());
    Kill(n);
  }
}

std::string ProcessCluster::address(int n) const { return absl::StrCat(prefix_, n + 1); }
std::string ProcessCluster::host(int n) const { return absl::StrCat(address(n), ":9043"); }
std::string ProcessCluster::directory(int n) const {
  return absl::StrCat(directory_.path(), "/node", n);
}
std::string ProcessCluster::LogOf(int n) const { return ReadWhole(directory(n) + ".log"); }

std::vector<std::string> ProcessCluster::Arguments(int n) const {
  std::string seeds;
  for (size_t i = 0; i < members_.size(); ++i)
    absl::StrAppend(&seeds, i == 0 ? "" : ",", address(static_cast<int>(i)));
  std::vector<std::string> arguments = {
      BinaryPath("tholosd"), "--data", directory(n), "--listen", address(n), "--seeds", seeds};
  if (extra_.empty()) {
    arguments.insert(arguments.end(), {"--shards", "2"});
  } else {
    arguments.insert(arguments.end(), extra_.begin(), extra_.end());
  }
  return arguments;
}

void ProcessCluster::Start(int n) {
  ASSERT_FALSE(running(n));
  members_[n].pid = Spawn(Arguments(n), directory(n) + ".log", "");
}

void ProcessCluster::StartAll() {
  for (int n = 0; n < static_cast<int>(members_.size()); ++n) Start(n);
}

void ProcessCluster::Signal(int n, int signal_number) { kill(members_[n].pid, signal_number); }

void ProcessCluster::Kill(int n) {
  if (!running(n)) return;
  Signal(n, SIGKILL);
  waitpid(members_[n].pid, nullptr, 0);
  members_[n].pid = -1;
}

int ProcessCluster::Terminate(int n) {
  Signal(n, SIGTERM);
  int status = 0;
  waitpid(members_[n].pid, &status, 0);
  members_[n].pid = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool ProcessCluster::running(int n) {
  if (members_[n].pid <= 0) return false;
  if (waitpid(members_[n].pid, nullptr, WNOHANG) == 0) return true;
  members_[n].pid = -1;
  return false;
}

bool ProcessCluster::WaitUp(int count, absl::Duration max) {
  return Eventually(max, [&] {
    for (int n = 0; n < static_cast<int>(members_.size()); ++n) {
      if (!running(n)) continue;
      grpc::ClientContext context;
      context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(1));
      // Otherwise the call fails at once, and nothing drives the connection that is being made.
      context.set_wait_for_ready(true);
      pb::GetStatusResponse response;
      if (!admin(n).GetStatus(&context, {}, &response).ok()) return false;
      int up = 0;
      for (const auto& node : response.nodes()) up += node.up();
      if (up != count) return false;
    }
    return true;
  });
}

grpc::Status ProcessCluster::Execute(int n, const std::string& query, pb::Consistency consistency,
                                     pb::ExecuteResponse* response, absl::Duration timeout) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(timeout));
  pb::ExecuteRequest request;
  request.set_query(query);
  request.set_consistency(consistency);
  return cql(n).Execute(&context, request, response);
}

grpc::Status ProcessCluster::Execute(int n, const std::string& query, pb::Consistency consistency) {
  pb::ExecuteResponse response;
  return Execute(n, query, consistency, &response);
}

int64_t ProcessCluster::Number(int n, const std::string& query, pb::Consistency consistency) {
  pb::ExecuteResponse response;
  const grpc::Status status = Execute(n, query, consistency, &response, absl::Seconds(60));
  if (!status.ok() || response.rows().rows_size() != 1) return -1;
  return response.rows().rows(0).values(0).bigint();
}

pb::ErrorDetail DetailOf(const grpc::Status& status) {
  pb::RpcStatus details;
  pb::ErrorDetail detail;
  if (details.ParseFromString(status.error_details()) && details.details_size() == 1) {
    details.details(0).UnpackTo(&detail);
  }
  return detail;
}

}  // namespace tholos::cluster_test
