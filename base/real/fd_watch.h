// FdWatch: tells its owner when a socket can be read from or written to. For the thin adapters in
// node/ that bring their own sockets; they live on a loop without blocking it.
//
//   class Connection : public FdHandler { void OnFdReady(FdReadiness ready) override; ... };
//   FdWatch watch(*RealLoop::CurrentOrNull(), fd, connection);
//
// Edge-triggered: after a call the owner reads until a short count or EAGAIN (or remembers that it
// did not; once `ended` was told, to the end), and writes until EAGAIN; the next call comes when
// something has changed since. Calls come on the loop's thread, between pieces of work, and may be
// spurious. The socket is non-blocking and stays open while it is watched.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/time/time.h"

namespace tholos::base {

class RealLoop;

struct FdReadiness {
  bool readable = false;  // or at its end, or broken: a read will tell
  bool writable = false;
  // The peer has sent its last: read on to the end. A short count may have the end behind it, of
  // which nothing more will be told.
  bool ended = false;
};

class FdHandler {
 public:
  virtual void OnFdReady(FdReadiness ready) = 0;

 protected:
  ~FdHandler() = default;
};

// What the ring or the epoll set holds on to: outlives the FdWatch until the kernel is done with
// it.
struct FdSlot {
  int fd = -1;
  FdHandler* handler = nullptr;  // null: nobody listens any more
};

// On the loop's thread from construction to destruction. Must be gone before the loop stops.
class FdWatch {
 public:
  FdWatch(RealLoop& loop, int fd, FdHandler& handler);
  ~FdWatch();
  FdWatch(const FdWatch&) = delete;
  FdWatch& operator=(const FdWatch&) = delete;

 private:
  RealLoop& loop_;
  FdSlot* const slot_;
};

// Where io_uring is missing: epoll, and the loop's wake-up descriptor in it.
class EpollSet {
 public:
  explicit EpollSet(int wake_fd);
  ~EpollSet();
  void Add(FdSlot* slot);
  void Remove(FdSlot* slot);
  // Waits until a socket is ready, the wake-up descriptor was signalled or `timeout` has passed.
  void Wait(absl::Duration timeout);
  size_t size() const { return size_; }

 private:
  const int wake_fd_;
  const int epoll_fd_;
  size_t size_ = 0;
  bool delivering_ = false;
  std::vector<std::unique_ptr<FdSlot>>
      dead_;  // removed while a batch that may name them is delivered
};

}  // namespace tholos::base
