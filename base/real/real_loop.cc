#include "base/real/real_loop.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace tholos::base {
namespace {
thread_local RealLoop* running_loop = nullptr;
}  // namespace

RealLoop::RealLoop(std::string name, const Clock& clock, bool use_ring, const Executor* executor,
                   int shard)
    : name_(std::move(name)),
      clock_(clock),
      use_ring_(use_ring),
      executor_(executor),
      shard_(shard),
      wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      epoll_(wake_fd_) {
  THOLOS_CHECK(wake_fd_ >= 0) << "eventfd: " << strerror(errno);
}

RealLoop::~RealLoop() { close(wake_fd_); }

RealLoop* RealLoop::CurrentOrNull() { return running_loop; }

void RealLoop::Run() {
  Enter enter(this);
  running_loop = this;
  if (use_ring_) ring_ = IoRing::Open(wake_fd_);
  while (!Finished()) {
    mailbox_.TakeAll(&ready_);
    RunReadyWork();
    FireDueTimers();
    if (ring_ != nullptr) {
      ring_->Turn(*this);
    } else if (epoll_.size() > 0 && HasReadyWork()) {
      epoll_.Wait(absl::ZeroDuration());
    }
    if (!HasReadyWork()) Sleep();
  }
  ring_.reset();
  running_loop = nullptr;
}

bool RealLoop::Finished() {
  if (!stop_requested_.load(std::memory_order_acquire) || HasReadyWork()) return false;
  mailbox_.TakeAll(&ready_);
  return ready_.empty() && (ring_ == nullptr || ring_->pending() == 0);
}

void RealLoop::RequestStop() {
  stop_requested_.store(true, std::memory_order_release);
  Wake();
}

void RealLoop::Post(absl::AnyInvocable<void()> work) {
  Deliver(Work{{}, std::make_unique<absl::AnyInvocable<void()>>(std::move(work))});
}

void RealLoop::PostResume(std::coroutine_handle<> handle) { Deliver(Work{handle, {}}); }

void RealLoop::Deliver(Work work) {
  if (running_loop == this) {
    ready_.push_back(std::move(work));
  } else if (mailbox_.Put(std::move(work))) {
    Wake();
  }
}

void RealLoop::Ready(std::coroutine_handle<> handle) {
  THOLOS_CHECK(running_loop == this) << name_ << ": Ready() from another thread";
  ready_.push_back(Work{handle, {}});
}

void RealLoop::RunReadyWork() {
  for (size_t budget = kWorkPerTurn; budget > 0; --budget) {
    if (next_running_ == running_.size()) {
      running_.clear();
      next_running_ = 0;
      if (ready_.empty()) return;
      running_.swap(ready_);
    }
    Work work = std::move(running_[next_running_++]);
    work.Run();
  }
}

void RealLoop::FireDueTimers() {
  if (NextTimer() != MonotonicTime::Infinite()) FireTimers(clock_.Now());
}

void RealLoop::Sleep() {
  if (stop_requested_.load(std::memory_order_acquire) &&
      (ring_ == nullptr || ring_->pending() == 0)) {
    return;
  }
  if (!mailbox_.TryFallAsleep()) return;
  const MonotonicTime next = NextTimer();
  absl::Duration timeout = absl::InfiniteDuration();
  if (next != MonotonicTime::Infinite()) {
    timeout = std::max(absl::ZeroDuration(), next - clock_.Now());
  }
  if (ring_ != nullptr) {
    ring_->Wait(*this, timeout);
  } else {
    epoll_.Wait(timeout);
  }
  mailbox_.Awake();
}

void RealLoop::Wake() {
  const uint64_t one = 1;
  // EAGAIN means that the counter is full, hence already signalled.
  [[maybe_unused]] const ssize_t n = write(wake_fd_, &one, sizeof(one));
}

}  // namespace tholos::base
