// Real tholosd processes on loopback addresses and directories of their own, so that runs do not
// collide.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "proto/tholos/v1/admin.grpc.pb.h"
#include "proto/tholos/v1/tholos.grpc.pb.h"

namespace tholos::cluster_test {

// Waits for a condition, looking at it every few milliseconds; false if it did not hold within
// `max`.
bool Eventually(absl::Duration max, const std::function<bool()>& condition);

struct ProcessResult {
  int exit_code = -1;  // -1: ended by a signal
  std::string output;  // standard output and error
};
// Runs a program to its end.
ProcessResult RunProcess(const std::vector<std::string>& arguments);
// The path of a program of this build: "tholosd", "tholos".
std::string BinaryPath(const std::string& name);

// A directory that is removed with what is in it.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// One node; n counts from 0.
class ProcessCluster {
 public:
  explicit ProcessCluster(int nodes);
  // kill -9 for what still runs.
  ~ProcessCluster();

  // Of every start, instead of `--shards 2`.
  void set_extra_arguments(std::vector<std::string> arguments) { extra_ = std::move(arguments); }
  void Start(int n);
  void StartAll();
  void Signal(int n, int signal_number);
  // kill -9, and waits until the process is gone.
  void Kill(int n);
  // SIGTERM; the exit code.
  int Terminate(int n);
  bool running(int n);
  pid_t pid(int n) const { return members_[n].pid; }
  // All nodes that run see exactly `count` nodes up.
  bool WaitUp(int count, absl::Duration max = absl::Seconds(60));

  std::string address(int n) const;  // "127.1.2.3"
  std::string host(int n) const;     // "127.1.2.3:9043"
  std::string directory(int n) const;
  std::string LogOf(int n) const;
  const std::string& root() const { return directory_.path(); }
  std::vector<std::string> Arguments(int n) const;

  // One statement through node n.
  grpc::Status Execute(int n, const std::string& query, tholos::v1::Consistency consistency,
                       tholos::v1::ExecuteResponse* response,
                       absl::Duration timeout = absl::Seconds(10));
  grpc::Status Execute(int n, const std::string& query,
                       tholos::v1::Consistency consistency = tholos::v1::CONSISTENCY_QUORUM);
  // The single number that a query gives; -1 if it fails.
  int64_t Number(int n, const std::string& query, tholos::v1::Consistency consistency);
  tholos::v1::Tholos::Stub& cql(int n) { return *members_[n].cql; }
  tholos::v1::Admin::Stub& admin(int n) { return *members_[n].admin; }

 private:
  struct Member {
    pid_t pid = -1;
    std::unique_ptr<tholos::v1::Tholos::Stub> cql;
    std::unique_ptr<tholos::v1::Admin::Stub> admin;
  };
  TemporaryDirectory directory_;
  std::string prefix_;  // of the addresses
  std::vector<std::string> extra_;
  std::vector<Member> members_;
};

// The typed detail of an error.
tholos::v1::ErrorDetail DetailOf(const grpc::Status& status);

}  // namespace tholos::cluster_test
