// What every call of the client service needs: shard choice, deadlines, admission by bytes.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/errors.h"
#include "node/grpc/client_service.h"
#include "node/grpc/convert.h"
#include "node/grpc/result_ids.h"
#include "proto/tholos/v1/tholos.pb.h"

namespace tholos::node {

// Thread-safe.
class CallContext {
 public:
  CallContext(ClientServiceOptions options, ClientServiceDeps deps)
      : options_(options),
        deps_(deps),
        result_ids_(static_cast<size_t>(deps.executor.shard_count())) {}

  const ClientServiceOptions& options() const { return options_; }
  cql::QueryProcessor& queries() const { return deps_.queries; }

  // Of the current shard.
  ResultIds& result_ids() {
    return result_ids_[static_cast<size_t>(deps_.executor.current_shard())];
  }
  const Node& node() const { return deps_.node; }
  base::Loop& shard(int index) { return deps_.executor.shard(index); }

  base::Loop& NextShard() {
    const uint32_t turn = next_shard_.fetch_add(1, std::memory_order_relaxed);
    return deps_.executor.shard(static_cast<int>(turn % deps_.executor.shard_count()));
  }

  base::Deadline DeadlineIn(absl::Duration timeout) const {
    return deps_.clock.Now() + std::min(timeout, options_.timeout_max);
  }
  base::Deadline DefaultDeadline() const { return deps_.clock.Now() + options_.timeout_default; }
  // gRPC gives a wall-clock time; without a deadline it lies in the far future.
  base::Deadline FromGrpc(std::chrono::system_clock::time_point deadline) const {
    const absl::Duration remaining = absl::FromChrono(deadline) - absl::Now();
    if (remaining > absl::Hours(24)) return DefaultDeadline();
    return DeadlineIn(remaining);
  }

  // Bytes admitted to be worked on; given back by the destructor.
  class Admission {
   public:
    Admission() = default;
    Admission(Admission&& other) noexcept
        : owner_(std::exchange(other.owner_, nullptr)), bytes_(other.bytes_) {}
    Admission& operator=(Admission&&) = delete;
    ~Admission() {
      if (owner_ != nullptr) owner_->bytes_in_work_.fetch_sub(bytes_, std::memory_order_relaxed);
    }
    explicit operator bool() const { return owner_ != nullptr; }

   private:
    friend class CallContext;
    Admission(CallContext* owner, int64_t bytes) : owner_(owner), bytes_(bytes) {}
    CallContext* owner_ = nullptr;
    int64_t bytes_ = 0;
  };
  Admission Admit(int64_t bytes) {
    if (draining_.load(std::memory_order_relaxed)) return Admission();
    bytes = std::max<int64_t>(bytes, 1);
    const int64_t before = bytes_in_work_.fetch_add(bytes, std::memory_order_relaxed);
    if (before + bytes <= options_.request_bytes_max || before == 0) return Admission(this, bytes);
    bytes_in_work_.fetch_sub(bytes, std::memory_order_relaxed);
    return Admission();
  }

  // Why Admit refused.
  absl::Status Refusal() const {
    return base::Overloaded(draining_.load(std::memory_order_relaxed)
                                ? "the node is stopping"
                                : "too many bytes of requests in work");
  }

  // See ClientService::Drain.
  bool Drain(absl::Duration max) {
    draining_ = true;
    const absl::Time give_up = absl::Now() + max;
    while (bytes_in_work_.load() > 0) {
      if (absl::Now() > give_up) return false;
      absl::SleepFor(absl::Milliseconds(5));
    }
    return true;
  }

 private:
  const ClientServiceOptions options_;
  const ClientServiceDeps deps_;
  std::vector<ResultIds> result_ids_;  // one a shard
  std::atomic<uint32_t> next_shard_{0};
  std::atomic<int64_t> bytes_in_work_{0};
  std::atomic<bool> draining_{false};
};

// Run one request through the query processor. `client` is the caller as gRPC names it.
base::Task<absl::StatusOr<cql::QueryResult>> RunExecute(CallContext& context,
                                                        const tholos::v1::ExecuteRequest& request,
                                                        std::string paging_state,
                                                        base::Deadline deadline,
                                                        const std::string& client);

base::Task<absl::StatusOr<cql::QueryResult>> RunBatch(CallContext& context,
                                                      const tholos::v1::BatchRequest& request,
                                                      base::Deadline deadline,
                                                      const std::string& client);

// How the answer to `request` is to look. On the shard that makes it.
ResponseOptions ResponseOptionsOf(CallContext& context, const tholos::v1::ExecuteRequest& request);

}  // namespace tholos::node
