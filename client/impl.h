// What is behind a Client: the parts that its calls share, and the count of open calls.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "client/call.h"
#include "client/channels.h"
#include "client/client.h"
#include "client/cluster.h"
#include "client/prepared.h"
#include "client/timers.h"

namespace tholos::client {

class Client::Impl : public std::enable_shared_from_this<Client::Impl> {
 public:
  static absl::StatusOr<std::shared_ptr<Impl>> Connect(Options options);
  ~Impl() { Close(); }

  Future<absl::StatusOr<Result>> Execute(Statement statement);
  Future<absl::StatusOr<Result>> Execute(Batch batch);
  Future<absl::Status> Prepare(std::string text);
  void Close();
  Stats stats() const;

 private:
  explicit Impl(Options options);
  // OK: one more call is open.
  absl::Status Enter();
  void Leave();
  CallRequest WithDefaults(const CallOptions& call) const;
  void Start(CallRequest request, Call::Done done);
  // Fails the calls whose time has come, as long as calls are open.
  void ScheduleSweep();

  const Options options_;
  Channels channels_;
  Timers timers_;
  std::shared_ptr<Cluster> cluster_;
  PreparedCache prepared_;
  RetryBudget budget_;
  std::unique_ptr<CallContext> calls_;
  std::atomic<uint64_t> count_{0};
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  size_t open_ = 0;        // under mutex_, as everything below
  bool sweeping_ = false;  // a sweep is scheduled
  bool closed_ = false;
};

}  // namespace tholos::client
