// IoRing: the io_uring of one loop. Confined to the loop's thread.
//
//   int result = co_await IoOperation::Read(ring, fd, buffer, length, offset);   // bytes or -errno
//
// Operations are queued and handed to the kernel once a turn of the loop. At most kInFlightMax are
// with the kernel at a time, so the completion queue (twice as long) cannot overflow; the rest wait
// in a list threaded through the operations themselves, first come first served.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "base/real/fd_watch.h"
#include "base/time.h"

namespace tholos::base {

class IoRing;
class Loop;

// One operation; lives in the frame of the coroutine that awaits it.
class IoOperation {
 public:
  static IoOperation Read(IoRing& ring, int fd, void* buffer, uint32_t length, uint64_t offset);
  // `flags` are those of pwritev2.
  static IoOperation Write(IoRing& ring, int fd, const void* buffer, uint32_t length,
                           uint64_t offset, int flags = 0);
  static IoOperation DataSync(IoRing& ring, int fd);
  static IoOperation Allocate(IoRing& ring, int fd, uint64_t length);

  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> handle);
  // What the system call would return, or -errno.
  int await_resume() const { return result_; }

 private:
  friend class IoRing;
  enum class Kind : uint8_t { kRead, kWrite, kDataSync, kAllocate };
  IoOperation(IoRing& ring, Kind kind, int fd) : ring_(ring), kind_(kind), fd_(fd) {}

  IoRing& ring_;
  Kind kind_;
  int fd_;
  void* buffer_ = nullptr;
  uint64_t length_ = 0;
  uint64_t offset_ = 0;
  int flags_ = 0;
  int result_ = 0;
  std::coroutine_handle<> handle_;
  IoOperation* next_ = nullptr;
};

class IoRing {
 public:
  static constexpr size_t kInFlightMax = 512;

  // Null where the kernel refuses io_uring (containers, old kernels). On the thread that will use
  // it. `wake_fd` is an eventfd that ends Wait().
  static std::unique_ptr<IoRing> Open(int wake_fd);
  ~IoRing();

  // Hands queued operations to the kernel and makes the tasks of finished ones ready. Does not
  // block.
  void Turn(Loop& loop);
  // The same, but first blocks until something finished, `wake_fd` was signalled or `timeout`
  // passed.
  void Wait(Loop& loop, absl::Duration timeout);
  // Operations that have not finished.
  size_t pending() const { return in_flight_ + waiting_; }

  // Polls slot->fd until Unwatch, which gives the slot away: the ring deletes it when the kernel
  // has let go of it (fd_watch.h).
  void Watch(FdSlot* slot);
  void Unwatch(FdSlot* slot);

 private:
  friend class IoOperation;
  struct Ring;
  IoRing(std::unique_ptr<Ring> ring, int wake_fd);
  void Queue(IoOperation* operation);
  void FillSubmissions();
  void ArmWake();
  void Reap(Loop& loop);
  // False if the submission queue is full: the rest goes with the next turn.
  bool SubmitPolls();
  void OnPoll(FdSlot* slot, int result, bool more);

  std::unique_ptr<Ring> ring_;
  const int wake_fd_;
  bool wake_armed_ = false;
  size_t in_flight_ = 0;
  size_t waiting_ = 0;
  IoOperation* first_ = nullptr;
  IoOperation* last_ = nullptr;
  size_t watched_ = 0;                       // slots that the ring knows
  std::vector<FdSlot*> to_poll_;             // whose poll is to be submitted, first or again
  std::vector<FdSlot*> to_cancel_;           // whose poll is to be cancelled
  absl::flat_hash_set<FdSlot*> cancelling_;  // whose cancelled poll has not completed
};

}  // namespace tholos::base
