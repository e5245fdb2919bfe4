// The two kinds of internode streams as the rest of the transport sees them, without gRPC.
//
// A node dials one stream per peer and class: its requests go out on it, their answers come back on
// it. What a peer asks arrives on the stream that the peer dialled.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "base/endpoint.h"
#include "base/mutex.h"
#include "rpc/byte_budget.h"

namespace tholos::rpc {

// The writing half of a stream: sealed batches (frame.h) wait here while a message is being
// written; when that is done, all that waits goes as one message (of at most kFrameBytesTarget, or
// else one batch). Thread-safe. What waits when the stream closes is dropped.
class Stream {
 public:
  static constexpr size_t kFrameBytesTarget = size_t{1} << 20;

  struct Section {
    std::string batch;
    ByteBudget::Hold hold;  // given back when it was written or dropped
  };

  explicit Stream(int shard_count) : stage_slots(static_cast<size_t>(shard_count), -1) {}
  virtual ~Stream() = default;

  void Push(Section section) ABSL_LOCKS_EXCLUDED(mutex_);
  // Ends the stream; again is harmless.
  void Close() ABSL_LOCKS_EXCLUDED(mutex_);
  bool closed() const ABSL_LOCKS_EXCLUDED(mutex_);

  // Where a shard's port keeps its unsealed batch for this stream; element i is shard i's alone.
  std::vector<int> stage_slots;

 protected:
  // The derived class is writing its hello: from now on WriteDone() is awaited. False if closed.
  [[nodiscard]] bool BeginWriting() ABSL_LOCKS_EXCLUDED(mutex_);
  // Every write that was started ends here.
  void WriteDone(bool ok) ABSL_LOCKS_EXCLUDED(mutex_);

  // Starts to write one message; WriteDone() must follow. One at a time, never after EndWriting().
  virtual void StartWriting(std::string frame) = 0;
  // Called once: the stream is closed and no write is running.
  virtual void EndWriting() = 0;

 private:
  // No write is running, something waits, and the stream is open.
  std::string TakeFrame() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable base::Mutex mutex_;
  std::deque<Section> waiting_ ABSL_GUARDED_BY(mutex_);
  std::vector<ByteBudget::Hold> being_written_ ABSL_GUARDED_BY(mutex_);
  bool began_ ABSL_GUARDED_BY(mutex_) = false;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

// A stream that a peer dialled.
class InboundStream : public Stream {
 public:
  using Stream::Stream;
  // The peer's listening address, as it says.
  virtual const base::Endpoint& from() const = 0;
  // Its requests that are being handled and its answers that wait; beyond the maximum nothing is
  // read.
  virtual const std::shared_ptr<ByteBudget>& budget() const = 0;
};

// A stream that this node dialled.
class OutboundStream : public Stream {
 public:
  using Stream::Stream;
  // Breaks it. Its `done` follows.
  virtual void Cancel() = 0;
};

}  // namespace tholos::rpc
