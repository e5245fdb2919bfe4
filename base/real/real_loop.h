// RealLoop: one thread's event loop. Used through Executor; its file operations by RealFileSystem.
//
// One turn:  mailbox -> up to kWorkPerTurn pieces of ready work -> due timers -> file operations
//            (submitted and reaped in one go) -> next turn, or sleep until mail, a completion or a
//            timer.
//
// Sockets that are watched (fd_watch.h) are polled by the ring with the file operations.
//
// It sleeps in the ring (the eventfd of the mailbox is polled through it) or, without a ring, in an
// epoll set that holds that eventfd. It never spins.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/async/loop.h"
#include "base/clock.h"
#include "base/real/fd_watch.h"
#include "base/real/io_ring.h"
#include "base/real/mailbox.h"

namespace tholos::base {

class Executor;

class RealLoop final : public Loop {
 public:
  // How long timers, mail and file operations can wait behind ready work: 256 pieces of a few
  // microseconds each.
  static constexpr size_t kWorkPerTurn = 256;

  // `clock` must be the kernel's. `executor` and `shard` say where the loop belongs; a background
  // loop's shard is -1.
  RealLoop(std::string name, const Clock& clock, bool use_ring, const Executor* executor,
           int shard);
  ~RealLoop() override;

  // The body of the loop's thread. Returns after RequestStop(), once no work, mail or file
  // operation is left. Mail that comes later is dropped.
  void Run();
  // From any thread.
  void RequestStop();

  void Post(absl::AnyInvocable<void()> work) override;
  void PostResume(std::coroutine_handle<> handle) override;
  void Ready(std::coroutine_handle<> handle) override;
  const Clock& clock() const override { return clock_; }

  // The loop that runs on this thread, or null.
  static RealLoop* CurrentOrNull();

  // Null without io_uring. On the loop's thread.
  IoRing* ring() const { return ring_.get(); }
  // What watches sockets where there is no ring. On the loop's thread.
  EpollSet& epoll() { return epoll_; }
  const std::string& name() const { return name_; }
  const Executor* executor() const { return executor_; }
  int shard() const { return shard_; }
  // How much was posted and not yet taken. From any thread.
  size_t mailbox_depth() const { return mailbox_.depth(); }

 private:
  void Deliver(Work work);
  void RunReadyWork();
  void FireDueTimers();
  bool HasReadyWork() const { return next_running_ < running_.size() || !ready_.empty(); }
  bool Finished();
  void Sleep();
  void Wake();

  const std::string name_;
  const Clock& clock_;
  const bool use_ring_;
  const Executor* const executor_;
  const int shard_;
  const int wake_fd_;
  Mailbox mailbox_;
  std::atomic<bool> stop_requested_ = false;

  // The loop's thread only. Work runs in the order in which it became ready: first the rest of
  // `running_`, then `ready_`, which takes its place.
  std::vector<Work> running_;
  size_t next_running_ = 0;
  std::vector<Work> ready_;
  std::unique_ptr<IoRing> ring_;
  EpollSet epoll_;
};

}  // namespace tholos::base
