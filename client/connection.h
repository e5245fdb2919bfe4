// One node as a client reaches it: its channel, the stream that is open, and how long it is left
// out after it could not be reached.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "base/mutex.h"
#include "base/real/real_clock.h"
#include "client/session.h"

namespace tholos::client {

// Thread-safe; held by a shared_ptr, which its streams' ends do not extend.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  // `lost` is called on a thread of gRPC's when a stream has ended that was not cancelled.
  Connection(std::string address, std::shared_ptr<tholos::v1::Tholos::Stub> stub,
             absl::AnyInvocable<void()> lost);
  // Cancels the stream.
  ~Connection();

  const std::string& address() const { return address_; }
  const std::shared_ptr<tholos::v1::Tholos::Stub>& stub() const { return stub_; }
  // Calls under way.
  size_t open() const;
  // Whether UseSession would give a stream.
  bool available(base::MonotonicTime now) const;
  // The stream that is open, or a new one; null while the node is left out.
  std::shared_ptr<Session> UseSession(base::MonotonicTime now);
  void Sweep(base::MonotonicTime now);
  // Why the last stream ended; OK if it did not.
  absl::Status last_end() const;
  // No stream is open when it returns, and none is opened any more.
  void Close();

 private:
  void OnEnded(bool connected, const absl::Status& why);

  const std::string address_;
  const std::shared_ptr<tholos::v1::Tholos::Stub> stub_;
  absl::AnyInvocable<void()> lost_;
  const base::RealClock clock_;
  mutable base::Mutex mutex_;
  std::shared_ptr<Session> session_ ABSL_GUARDED_BY(mutex_);  // until it has ended
  int failures_ ABSL_GUARDED_BY(mutex_) = 0;                  // in a row
  base::MonotonicTime back_at_ ABSL_GUARDED_BY(mutex_);
  absl::Status last_end_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace tholos::client
