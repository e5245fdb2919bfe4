#include "base/real/io_ring.h"

#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

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

IoRing::~IoRing() { THOLOS_CHECK(pending() == 0) << "a ring was closed under running operations"; }

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
  io_uring_sqe_set_data(sqe, nullptr);
  wake_armed_ = true;
}

void IoRing::Turn(Loop& loop) {
  FillSubmissions();
  if (io_uring_sq_ready(&ring_->ring) > 0) {
    CheckEntered("io_uring_submit", io_uring_submit(&ring_->ring));
  }
  if (in_flight_ > 0) Reap(loop);
}

void IoRing::Wait(Loop& loop, absl::Duration timeout) {
  FillSubmissions();
  ArmWake();
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
    auto* op = static_cast<IoOperation*>(io_uring_cqe_get_data(cqe));
    const int result = cqe->res;
    io_uring_cqe_seen(&ring_->ring, cqe);
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
                               uint64_t offset) {
  IoOperation op(ring, Kind::kWrite, fd);
  op.buffer_ = const_cast<void*>(buffer);
  op.length_ = length;
  op.offset_ = offset;
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
