// One tholos.v1 Session stream to a node: many calls in flight, answered in any order. What is
// submitted while a message is being written goes out together as the next one.
//
//   Start ── waiting ──────► connected ─────► ended
//            calls queue up  (the node's      every open call has failed; later ones fail at once
//            here            metadata came)
//
// Nothing is written before the stream is connected, so a call of a stream that never was is known
// not to have been sent.
#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "base/mutex.h"
#include "base/time.h"
#include "client/retry.h"
#include "proto/tholos/v1/tholos.grpc.pb.h"

namespace tholos::client {

// Thread-safe. Lives, whoever lets go of it, until gRPC is done with it.
class Session
    : public grpc::ClientBidiReactor<tholos::v1::SessionRequest, tholos::v1::SessionResponse> {
 public:
  // Called once a call, on one of gRPC's threads, the timers' thread, or inside Submit: with the
  // answer, whose parts may be moved out, or else with null and the failure.
  using Done = absl::AnyInvocable<void(tholos::v1::SessionAnswer*, const Failure&)>;
  // Called once, after all calls were told: whether the stream ever was connected, and why it
  // ended.
  using Ended = absl::AnyInvocable<void(bool, const absl::Status&)>;

  // `address` is what messages name the node by.
  static std::shared_ptr<Session> Start(std::shared_ptr<tholos::v1::Tholos::Stub> stub,
                                        std::string address, Ended ended);

  void Submit(tholos::v1::SessionCall call, base::MonotonicTime give_up, Done done);
  // Fails the calls whose time to give up has come: kDeadlineExceeded.
  void Sweep(base::MonotonicTime now);
  // Ends the stream. WaitEnded returns once Ended was called.
  void Cancel() { context_.TryCancel(); }
  void WaitEnded();

  size_t open() const { return open_count_.load(std::memory_order_relaxed); }
  bool alive() const { return alive_.load(std::memory_order_relaxed); }

  // Of gRPC.
  void OnReadInitialMetadataDone(bool ok) override;
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

 private:
  struct Open {
    base::MonotonicTime give_up;
    Done done;
  };
  using Calls = absl::flat_hash_map<uint64_t, Open>;

  Session(std::shared_ptr<tholos::v1::Tholos::Stub> stub, std::string address, Ended ended);
  // Under the lock: whether the caller must start a write (of request_), or let go of the stream.
  bool TakeQueued() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool TakeHold() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Failure FailureOf(bool sent, const grpc::Status& status, bool connected) const;

  const std::shared_ptr<tholos::v1::Tholos::Stub> stub_;
  const std::string address_;
  std::shared_ptr<Session> self_;  // until OnDone
  grpc::ClientContext context_;
  tholos::v1::SessionRequest request_;    // gRPC's while a write is under way
  tholos::v1::SessionResponse response_;  // gRPC's while a read is under way
  std::atomic<size_t> open_count_{0};
  std::atomic<bool> alive_{true};
  base::Mutex mutex_;
  Calls open_ ABSL_GUARDED_BY(mutex_);
  tholos::v1::SessionRequest queued_ ABSL_GUARDED_BY(mutex_);
  uint64_t next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  uint64_t sent_up_to_ ABSL_GUARDED_BY(mutex_) = 0;  // ids that were given to gRPC
  bool connected_ ABSL_GUARDED_BY(mutex_) = false;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool reads_ended_ ABSL_GUARDED_BY(mutex_) = false;
  bool held_ ABSL_GUARDED_BY(mutex_) = true;  // gRPC keeps the stream for whoever submits
  absl::Status end_ ABSL_GUARDED_BY(mutex_);  // not OK: ended
  Ended ended_;
  std::mutex ended_mutex_;
  std::condition_variable ended_changed_;
  bool has_ended_ = false;  // under ended_mutex_
};

}  // namespace tholos::client
