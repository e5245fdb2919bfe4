// Load on a cluster, through the client library: rows written once each, and read again.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "cli/latency.h"
#include "client/client.h"

namespace tholos::cluster_test {

// Keeps `in_flight` requests open from one thread until Stop: four writes of new rows to one read
// of a row whose write was acknowledged before the read began, all at QUORUM. What an application
// sees is counted: the client goes to another node where that is safe, as any driver does.
class Load {
 public:
  struct Options {
    std::vector<std::string> contact_points;
    int in_flight = 64;
    absl::Duration timeout = absl::Seconds(5);  // of one request
    uint64_t rows_max = 20'000'000;
  };
  struct Outcome {
    uint64_t done = 0;
    uint64_t failed = 0;
    uint64_t unseen = 0;  // reads that did not find what had been acknowledged
    std::string first_failure;
  };

  // Makes the table. Ends the program if the cluster cannot be reached.
  explicit Load(Options options);
  ~Load() { Stop(); }

  void Start();
  // Waits for what is open.
  void Stop();

  Outcome outcome() const;
  cli::LatencyHistogram& latencies() { return latencies_; }
  uint64_t acknowledged() const;
  // Reads every partition at QUORUM: how many acknowledged rows are not there.
  uint64_t CountLost();

 private:
  void Run();
  void Write(uint64_t n);
  void Read(uint64_t n);
  bool Open();
  void Ended(absl::Time begun, const absl::Status& status);
  void AwaitNone();

  const Options options_;
  std::unique_ptr<client::Client> client_;
  cli::LatencyHistogram latencies_;
  std::mt19937_64 random_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
  uint64_t next_row_ = 0;  // the thread's; others after Stop
  std::vector<std::atomic<uint8_t>> acknowledged_;
  mutable absl::Mutex mutex_;
  int open_ ABSL_GUARDED_BY(mutex_) = 0;
  Outcome outcome_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tholos::cluster_test
