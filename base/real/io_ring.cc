#include "base/real/io_ring.h"

#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>

#include "base/async/loop.h"
#include "base/check.h"

namespace tholos::base {

struct IoRing::Ring {
  io_uring ring;
  bool open = false;
  bool Open(unsigned entries, unsigned flags) {
    open = io_uring_queue_init(entries, &ring, flags) == 0;
    return open;
  }
  ~Ring() {
    if (open) io_uring_queue_exit(&ring);
  }
};

namespace {
// The submission queue has room for every operation in flight and the poll of the wake-up
// descriptor.
constexpr unsigned kEntries = 1024;
static_assert(IoRing::kInFlightMax < kEntries);

// Completions run when the loop asks for them, not by interrupting it (Linux 6.1); plain otherwise.
constexpr unsigned kPreferredFlags =
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG;

// What a completion belongs to: an operation's address; with the lowest bit set, a slot's; or one
// of these.
constexpr uint64_t kWakeData = 0;
constexpr uint64_t kCancelData = 2;
constexpr uint64_t kSlotBit = 1;

uint64_t SlotData(const FdSlot* slot) { return reinterpret_cast<uint64_t>(slot) | kSlotBit; }

// Timed out, interrupted or short of memory: what was not submitted goes with the next turn.
void CheckEntered(const char* call, int result) {
  THOLOS_CHECK(result >= 0 || result == -ETIME || result == -EINTR || result == -EAGAIN ||
               result == -EBUSY)
      << call << ": " << strerror(-result);
}
}  // namespace

std::unique_ptr<IoRing> IoRing::Open(int wake_fd) {
  auto ring = std::make_unique<Ring>();
  if (!ring->Open(kEntries, kPreferredFlags) && !ring->Open(kEntries, 0)) return nullptr;
  return std::unique_ptr<IoRing>(new IoRing(std::move(ring), wake_fd));
}

IoRing::IoRing(std::unique_ptr<Ring> ring, int wake_fd)
    : ring_(std::move(ring)), wake_fd_(wake_fd) {}

IoRing::~IoRing() {
  THOLOS_CHECK(pending() == 0) << "a ring was closed under running operations";
  THOLOS_CHECK(watched_ == to_cancel_.size() + cancelling_.size())
      << "a ring was closed under watched sockets";
  ring_.reset();  // ends the polls
  for (FdSlot* slot : to_cancel_) delete slot;
  for (FdSlot* slot : cancelling_) delete slot;
}

void IoRing::Watch(FdSlot* slot) {
  ++watched_;
  to_poll_.push_back(slot);
}

void IoRing::Unwatch(FdSlot* slot) {
  slot->handler = nullptr;
  // One that the kernel does not have (yet, or any more) is gone at once.
  if (const auto found = std::find(to_poll_.begin(), to_poll_.end(), slot);
      found != to_poll_.end()) {
    to_poll_.erase(found);
    --watched_;
    delete slot;
    return;
  }
  to_cancel_.push_back(slot);
}

bool IoRing::SubmitPolls() {
  while (!to_poll_.empty()) {
    io_uring_sqe* sqe = io_uring_get_sqe(&ring_->ring);
    if (sqe == nullptr) return false;
    FdSlot* slot = to_poll_.back();
    to_poll_.pop_back();
    io_uring_prep_poll_multishot(sqe, slot->fd, POLLIN | POLLOUT | POLLRDHUP);
    io_uring_sqe_set_data64(sqe, SlotData(slot));
  }
  while (!to_cancel_.empty()) {
    io_uring_sqe* sqe = io_uring_get_sqe(&ring_->ring);
    if (sqe == nullptr) return false;
    FdSlot* slot = to_cancel_.back();
    to_cancel_.pop_back();
    cancelling_.insert(slot);
    // Not a poll_remove: that fails with EALREADY where an event is on its way, and the poll stays.
    io_uring_prep_cancel64(sqe, SlotData(slot), 0);
    io_uring_sqe_set_data64(sqe, kCancelData);
  }
  return true;
}

void IoRing::OnPoll(FdSlot* slot, int result, bool more) {
  if (slot->handler != nullptr && result > 0) {
    const auto mask = static_cast<uint32_t>(result);
    slot->handler->OnFdReady({.readable = (mask & ~uint32_t{POLLOUT}) != 0,
                              .writable = (mask & (POLLOUT | POLLERR | POLLHUP)) != 0,
                              .ended = (mask & (POLLRDHUP | POLLERR | POLLHUP)) != 0});
  }
  if (more) return;
  if (slot->handler != nullptr) {
    to_poll_.push_back(slot);
    return;
  }
  // The last that is heard of it.
  std::erase(to_cancel_, slot);
  cancelling_.erase(slot);
  --watched_;
  delete slot;
}

void IoRing::Queue(IoOperation* operation) {
  ++waiting_;
  (last_ != nullptr ? last_->next_ : first_) = operation;
  last_ = operation;
}

void IoRing::FillSubmissions() {
  while (first_ != nullptr && in_flight_ < kInFlightMax) {
    io_uring_sqe* sqe = io_uring_get_sqe(&ring_->ring);
    if (sqe == nullptr) return;
    IoOperation* op = first_;
    first_ = op->next_;
    if (first_ == nullptr) last_ = nullptr;
    --waiting_;
    ++in_flight_;
    switch (op->kind_) {
      case IoOperation::Kind::kRead:
        io_uring_prep_read(sqe, op->fd_, op->buffer_, op->length_, op->offset_);
        break;
      case IoOperation::Kind::kWrite:
        io_uring_prep_write(sqe, op->fd_, op->buffer_, op->length_, op->offset_);
        sqe->rw_flags = op->flags_;
        break;
      case IoOperation::Kind::kDataSync:
        io_uring_prep_fsync(sqe, op->fd_, IORING_FSYNC_DATASYNC);
        break;
      case IoOperation::Kind::kAllocate:
        io_uring_prep_fallocate(sqe, op->fd_, 0, 0, op->length_);
        break;
    }
    io_uring_sqe_set_data(sqe, op);
  }
}

void IoRing::ArmWake() {
  if (wake_armed_) return;
  io_uring_sqe* sqe = io_uring_get_sqe(&ring_->ring);
  if (sqe == nullptr) return;
  io_uring_prep_poll_add(sqe, wake_fd_, POLLIN);
  io_uring_sqe_set_data64(sqe, kWakeData);
  wake_armed_ = true;
}

void IoRing::Turn(Loop& loop) {
  FillSubmissions();
  SubmitPolls();
  if (io_uring_sq_ready(&ring_->ring) > 0) {
    CheckEntered("io_uring_submit", io_uring_submit(&ring_->ring));
  }
  if (in_flight_ > 0 || watched_ > 0) Reap(loop);
}

void IoRing::Wait(Loop& loop, absl::Duration timeout) {
  FillSubmissions();
  ArmWake();
  // A full submission queue: what is left must not sleep.
  if (!SubmitPolls()) timeout = absl::ZeroDuration();
  const timespec span = absl::ToTimespec(timeout);
  __kernel_timespec kernel_span{span.tv_sec, span.tv_nsec};
  const bool forever = timeout == absl::InfiniteDuration();
  io_uring_cqe* cqe = nullptr;
  CheckEntered("io_uring_submit_and_wait_timeout",
               io_uring_submit_and_wait_timeout(&ring_->ring, &cqe, 1,
                                                forever ? nullptr : &kernel_span, nullptr));
  Reap(loop);
}

void IoRing::Reap(Loop& loop) {
  io_uring_cqe* cqe = nullptr;
  while (io_uring_peek_cqe(&ring_->ring, &cqe) == 0 && cqe != nullptr) {
    const uint64_t data = io_uring_cqe_get_data64(cqe);
    const int result = cqe->res;
    const bool more = (cqe->flags & IORING_CQE_F_MORE) != 0;
    io_uring_cqe_seen(&ring_->ring, cqe);
    if (data == kCancelData) continue;
    if ((data & kSlotBit) != 0) {
      OnPoll(reinterpret_cast<FdSlot*>(data & ~kSlotBit), result, more);
      continue;
    }
    auto* op = reinterpret_cast<IoOperation*>(data);
    if (op == nullptr) {
      wake_armed_ = false;
      uint64_t count;
      [[maybe_unused]] ssize_t n = read(wake_fd_, &count, sizeof(count));
      continue;
    }
    --in_flight_;
    op->result_ = result;
    loop.Ready(op->handle_);
  }
}

IoOperation IoOperation::Read(IoRing& ring, int fd, void* buffer, uint32_t length,
                              uint64_t offset) {
  IoOperation op(ring, Kind::kRead, fd);
  op.buffer_ = buffer;
  op.length_ = length;
  op.offset_ = offset;
  return op;
}

IoOperation IoOperation::Write(IoRing& ring, int fd, const void* buffer, uint32_t length,
                               uint64_t offset, int flags) {
  IoOperation op(ring, Kind::kWrite, fd);
  op.buffer_ = const_cast<void*>(buffer);
  op.length_ = length;
  op.offset_ = offset;
  op.flags_ = flags;
  return op;
}

IoOperation IoOperation::DataSync(IoRing& ring, int fd) {
  return IoOperation(ring, Kind::kDataSync, fd);
}

IoOperation IoOperation::Allocate(IoRing& ring, int fd, uint64_t length) {
  IoOperation op(ring, Kind::kAllocate, fd);
  op.length_ = length;
  return op;
}

void IoOperation::await_suspend(std::coroutine_handle<> handle) {
  handle_ = handle;
  ring_.Queue(this);
}

}  // namespace tholos::base
