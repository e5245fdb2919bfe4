// Write load from several threads, remembering what was acknowledged.
#pragma once

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "tests/cluster/process_cluster.h"

namespace tholos::cluster_test {

// Inserts rows (writer, n) into `table (w int, n bigint, v text, PRIMARY KEY (w, n))` at QUORUM,
// each writer through the nodes in turn, until Stop.
class Writers {
 public:
  Writers(ProcessCluster& cluster, std::vector<int> nodes, std::string table, int count);
  ~Writers() { Stop(); }
  void Stop();

  uint64_t acknowledged() const { return acknowledged_.load(); }
  uint64_t failed() const { return failed_.load(); }
  std::set<std::pair<int, int64_t>> rows() const;

 private:
  void Run(int writer);
  ProcessCluster& cluster_;
  const std::vector<int> nodes_;
  const std::string table_;
  std::atomic<bool> stop_{false};
  std::atomic<uint64_t> acknowledged_{0};
  std::atomic<uint64_t> failed_{0};
  mutable absl::Mutex mutex_;
  std::set<std::pair<int, int64_t>> rows_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
};

// The rows that a node answers with, at a level.
std::set<std::pair<int, int64_t>> ReadRows(ProcessCluster& cluster, int n, const std::string& table,
                                           tholos::v1::Consistency consistency);

}  // namespace tholos::cluster_test
