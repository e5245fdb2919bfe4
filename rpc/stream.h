// The two kinds of internode streams as the rest of the transport sees them, without gRPC.
//
// A node dials one stream per peer and class: its requests go out on it, their answers come back on
// it. What a peer asks arrives on the stream that the peer dialled.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "base/endpoint.h"
#include "base/mutex.h"
#include "rpc/byte_budget.h"

namespace tholos::rpc {

// The writing half of a stream: sealed batches (frame.h) wait here while a message is being
// written; when that is done, all that waits goes as one message (of at most kFrameBytesTarget, or
// else one batch). Thread-safe. What waits when the stream closes is dropped.
//
// Credit. Who was dialled says in its hello how many bytes of requests it takes in hand: the
// window. Who dialled sends a batch only while less than a window is in hand, that is sent and not
// known to be done with; the rest waits here, in the budget of the queue. So a slow receiver holds
// at most a window and a batch, its sender at most a queue, and neither any memory of the streams
// between other nodes. What the receiver is done with travels with its answers; without any, in a
// frame of its own once it is a quarter of the window.
//
//   0                         credit                      sent
//   |------- done with -------|------- in hand -----------|     next batch if in hand < window
class Stream {
 public:
  static constexpr size_t kFrameBytesTarget = size_t{1} << 20;

  struct Section {
    std::string batch;
    ByteBudget::Hold hold;  // given back when it was written or dropped
  };

  explicit Stream(int shard_count) : stages(static_cast<size_t>(shard_count)) {}
  virtual ~Stream() = default;

  void Push(Section section) ABSL_LOCKS_EXCLUDED(mutex_);
  // The peer is done with `total` bytes since the stream began: what waited for that is sent.
  // kDataLoss: it never got so many.
  absl::Status OnCredit(uint64_t total) ABSL_LOCKS_EXCLUDED(mutex_);
  // This side is done with so many more bytes of the peer's requests.
  void Finished(size_t bytes) ABSL_LOCKS_EXCLUDED(mutex_);
  // Ends the stream; again is harmless.
  void Close() ABSL_LOCKS_EXCLUDED(mutex_);
  bool closed() const ABSL_LOCKS_EXCLUDED(mutex_);

  // Where a shard's port keeps its unsealed batch for this stream, and how large the last one was:
  // the next will be much like it. Element i is shard i's alone.
  struct Stage {
    int slot = -1;
    uint32_t last_bytes = 0;
  };
  std::vector<Stage> stages;

 protected:
  // The derived class is writing its hello: from now on WriteDone() is awaited. False if closed.
  [[nodiscard]] bool BeginWriting() ABSL_LOCKS_EXCLUDED(mutex_);
  // Before any batch is sent or received: what the peer takes in hand, and what this side does.
  void SetWindows(uint64_t peer, uint64_t own) ABSL_LOCKS_EXCLUDED(mutex_);
  // Every write that was started ends here.
  void WriteDone(bool ok) ABSL_LOCKS_EXCLUDED(mutex_);

  // Starts to write one message of `frame`, which may be empty, and `credit`; WriteDone() must
  // follow. One at a time, never after EndWriting().
  virtual void StartWriting(std::string frame, uint64_t credit) = 0;
  // Called once: the stream is closed and no write is running.
  virtual void EndWriting() = 0;

 private:
  // Something waits, and less than a window is in hand. The size of what waits does not matter:
  // then a receiver that is done with all that it got has always told so (it tells a quarter).
  bool MayTake() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // No write is running, MayTake(), and the stream is open.
  std::string TakeFrame() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakeSection(std::string* frame) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // What to say in the message that is to be written now.
  uint64_t TakeCredit() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool OwesCredit() const;

  mutable base::Mutex mutex_;
  std::deque<Section> waiting_ ABSL_GUARDED_BY(mutex_);
  std::vector<ByteBudget::Hold> being_written_ ABSL_GUARDED_BY(mutex_);
  bool began_ ABSL_GUARDED_BY(mutex_) = false;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t window_ ABSL_GUARDED_BY(mutex_) = std::numeric_limits<uint64_t>::max();
  uint64_t sent_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t credit_ ABSL_GUARDED_BY(mutex_) = 0;  // of the peer's giving
  // Of this side's giving.
  std::atomic<uint64_t> own_window_ = std::numeric_limits<uint64_t>::max();
  std::atomic<uint64_t> finished_ = 0;
  std::atomic<uint64_t> told_ = 0;
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
