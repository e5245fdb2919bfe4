// What every call of the client service needs: shard choice, deadlines, admission by bytes.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/errors.h"
#include "base/strings.h"
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

  base::MonotonicTime Now() const { return deps_.clock.Now(); }
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

  // Bytes admitted: of a request that is worked on, and of its answer until gRPC has taken it; given
  // back by the destructor.
  class Admission {
   public:
    Admission() = default;
    Admission(Admission&& other) noexcept
        : owner_(std::exchange(other.owner_, nullptr)),
          bytes_(other.bytes_),
          answer_bytes_(other.answer_bytes_) {}
    Admission& operator=(Admission&&) = delete;
    ~Admission() {
      if (owner_ != nullptr) owner_->bytes_in_work_.fetch_sub(bytes_, std::memory_order_relaxed);
    }
    explicit operator bool() const { return owner_ != nullptr; }
    // Whoever has the answer now gives its bytes back with Give.
    int64_t Release() {
      owner_ = nullptr;
      return std::exchange(bytes_, 0);
    }
    // Adds the rows of an answer. kOverloaded: there is no room, and the answer is to be dropped;
    // nothing was written then, for only reads have large answers. Of admitted requests.
    absl::Status AddAnswer(const cql::QueryResult& result) {
      const auto* rows = std::get_if<cql::RowsResult>(&result.result);
      const int64_t more = rows == nullptr ? 0 : static_cast<int64_t>(rows->rows.size());
      const int64_t before = owner_->bytes_in_work_.fetch_add(more, std::memory_order_relaxed);
      // Small ones go on: their requests are counted, and bounded.
      const bool alone = before == bytes_;
      if (more > kSmallBytes && !alone && before + more > owner_->options_.answer_bytes_max()) {
        owner_->bytes_in_work_.fetch_sub(more, std::memory_order_relaxed);
        return base::Overloaded(
            base::StrCat("no room on this node for an answer of ", more, " bytes"));
      }
      bytes_ += more;
      answer_bytes_ += more;
      return absl::OkStatus();
    }
    // The answer has been taken; there may be others.
    void DropAnswer() {
      owner_->Give(answer_bytes_);
      bytes_ -= std::exchange(answer_bytes_, 0);
    }

   private:
    static constexpr int64_t kSmallBytes = 64 << 10;
    friend class CallContext;
    Admission(CallContext* owner, int64_t bytes) : owner_(owner), bytes_(bytes) {}
    CallContext* owner_ = nullptr;
    int64_t bytes_ = 0;
    int64_t answer_bytes_ = 0;  // of bytes_
  };
  // Of what was given up by Admission::Release.
  void Give(int64_t bytes) { bytes_in_work_.fetch_sub(bytes, std::memory_order_relaxed); }
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
                                : "too many bytes of requests and answers in work");
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
