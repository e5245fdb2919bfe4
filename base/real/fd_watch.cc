#include "base/real/fd_watch.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/check.h"
#include "base/real/io_ring.h"
#include "base/real/real_loop.h"

namespace tholos::base {
namespace {
constexpr int kEventsPerWait = 64;
}  // namespace

FdWatch::FdWatch(RealLoop& loop, int fd, FdHandler& handler)
    : loop_(loop), slot_(new FdSlot{fd, &handler}) {
  THOLOS_CHECK(RealLoop::CurrentOrNull() == &loop) << "a socket watched from another thread";
  if (loop.ring() != nullptr) {
    loop.ring()->Watch(slot_);
  } else {
    loop.epoll().Add(slot_);
  }
}

FdWatch::~FdWatch() {
  THOLOS_CHECK(RealLoop::CurrentOrNull() == &loop_) << "a socket watched from another thread";
  if (loop_.ring() != nullptr) {
    loop_.ring()->Unwatch(slot_);
  } else {
    loop_.epoll().Remove(slot_);
  }
}

EpollSet::EpollSet(int wake_fd) : wake_fd_(wake_fd), epoll_fd_(epoll_create1(EPOLL_CLOEXEC)) {
  THOLOS_CHECK(epoll_fd_ >= 0) << "epoll_create1: " << strerror(errno);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;
  THOLOS_CHECK(epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, wake_fd_, &event) == 0)
      << "epoll_ctl: " << strerror(errno);
}

EpollSet::~EpollSet() { close(epoll_fd_); }

void EpollSet::Add(FdSlot* slot) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = slot;
  THOLOS_CHECK(epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, slot->fd, &event) == 0)
      << "epoll_ctl: " << strerror(errno);
  ++size_;
}

void EpollSet::Remove(FdSlot* slot) {
  epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, slot->fd, nullptr);
  --size_;
  slot->handler = nullptr;
  std::unique_ptr<FdSlot> owned(slot);
  if (delivering_) dead_.push_back(std::move(owned));
}

void EpollSet::Wait(absl::Duration timeout) {
  epoll_event events[kEventsPerWait];
  const timespec span = absl::ToTimespec(timeout);
  const int count = epoll_pwait2(epoll_fd_, events, kEventsPerWait,
                                 timeout == absl::InfiniteDuration() ? nullptr : &span, nullptr);
  delivering_ = true;
  for (int i = 0; i < count; ++i) {
    auto* slot = static_cast<FdSlot*>(events[i].data.ptr);
    if (slot == nullptr) {
      uint64_t signals;
      [[maybe_unused]] const ssize_t n = read(wake_fd_, &signals, sizeof(signals));
      continue;
    }
    const uint32_t mask = events[i].events;
    if (slot->handler == nullptr) continue;
    slot->handler->OnFdReady({.readable = (mask & ~uint32_t{EPOLLOUT}) != 0,
                              .writable = (mask & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0,
                              .ended = (mask & (EPOLLRDHUP | EPOLLERR | EPOLLHUP)) != 0});
  }
  delivering_ = false;
  dead_.clear();
}

}  // namespace tholos::base
