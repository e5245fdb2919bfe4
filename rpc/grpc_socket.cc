#include "rpc/grpc_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "base/check.h"
#include "base/strings.h"

namespace tholos::rpc {
namespace {

constexpr size_t kWireBytes = size_t{256} << 10;
constexpr size_t kReadBytes = size_t{128} << 10;
// What one connection may take of a turn of its loop.
constexpr size_t kReadBytesPerTurn = size_t{256} << 10;

constexpr int kTicksToPing = 2;
constexpr int kTicksToGiveUp = 4;
constexpr int kTicksToGreet = 5;
// For a peer to take the status of a call that was ended.
constexpr int kTicksToLinger = 2;

// One a thread: what is read is used before anything else is read.
char* ReadBuffer() {
  static thread_local const auto buffer = std::make_unique<char[]>(kReadBytes);
  return buffer.get();
}

absl::Status SocketError(std::string_view what, int error) {
  char buffer[128];
  return absl::UnavailableError(
      base::StrCat(what, ": ", strerror_r(error, buffer, sizeof(buffer))));
}

}  // namespace

GrpcSocket::GrpcSocket(GrpcSession::Side side, int fd, Owner& owner)
    : owner_(owner),
      loop_(*base::RealLoop::CurrentOrNull()),
      fd_(fd),
      watch_(std::make_unique<base::FdWatch>(loop_, fd, *this)),
      session_(side, *this) {
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  tick_.Start(loop_.clock().Now() + kTick, [this] { OnTick(); });
}

GrpcSocket::~GrpcSocket() { THOLOS_CHECK(fd_ < 0) << "a connection was dropped unclosed"; }

void GrpcSocket::Call(const std::string& authority) { session_.Call(authority); }

void GrpcSocket::Write(GrpcMessage message) {
  THOLOS_CHECK(!writing_);
  writing_ = true;
  session_.Send(std::move(message));
  Turn();
}

void GrpcSocket::Finish(const absl::Status& status) {
  if (std::exchange(finishing_, true)) return;
  ticks_ = 0;
  session_.Finish(status);
  Turn();
}

void GrpcSocket::Resume() {
  resume_ = true;
  Turn();
}

void GrpcSocket::Close(absl::Status why) {
  Break(std::move(why));
  Turn();
}

void GrpcSocket::Break(absl::Status why) {
  if (!std::exchange(broken_, true)) why_ = std::move(why);
}

void GrpcSocket::OnFdReady(base::FdReadiness ready) {
  if (ready.writable) write_blocked_ = false;
  if (ready.readable) readable_ = true;
  if (ready.ended) peer_ended_ = true;
  Turn();
}

bool GrpcSocket::OnMessage(std::string_view message) {
  greeted_ = true;
  return !broken_ && owner_.OnMessage(message);
}

void GrpcSocket::Turn() {
  if (busy_ || fd_ < 0) return;
  const std::shared_ptr<GrpcSocket> self = shared_from_this();
  busy_ = true;
  do {
    if (!broken_ && std::exchange(resume_, false)) {
      if (absl::Status status = session_.Resume(); !status.ok()) Break(std::move(status));
    }
    Read();
  } while (resume_ && !broken_);
  Flush();
  if (broken_) {
    tick_.Cancel();
    watch_.reset();
    close(std::exchange(fd_, -1));
    if (std::exchange(writing_, false)) owner_.OnWritten(false);
    owner_.OnClosed(why_);
  }
  busy_ = false;
}

void GrpcSocket::Read() {
  char* const buffer = ReadBuffer();
  for (size_t taken = 0; readable_ && !broken_;) {
    if (taken >= kReadBytesPerTurn) {
      loop_.Post([self = shared_from_this()] { self->Turn(); });
      return;
    }
    const ssize_t count = recv(fd_, buffer, kReadBytes, MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      readable_ = false;
      return;
    }
    if (count < 0) return Break(SocketError("receiving", errno));
    if (count == 0) return Break(absl::UnavailableError("the peer closed the connection"));
    // A short count emptied the socket; what comes later is told, but not an end that was told.
    if (static_cast<size_t>(count) < kReadBytes && !peer_ended_) readable_ = false;
    silent_ticks_ = 0;
    taken += static_cast<size_t>(count);
    absl::Status status = session_.Receive({buffer, static_cast<size_t>(count)});
    if (!status.ok()) return Break(std::move(status));
  }
}

void GrpcSocket::Flush() {
  while (!broken_) {
    if (wire_.empty()) {
      absl::Status status = session_.Produce(&wire_, kWireBytes);
      if (!status.ok()) return Break(std::move(status));
    }
    if (!wire_.empty()) {
      if (!SendWire()) return;
      continue;
    }
    // All of it is with the kernel, or waits for the peer's window.
    if (!writing_ || !session_.idle()) break;
    writing_ = false;
    owner_.OnWritten(true);
  }
  if (broken_) return;
  if (finishing_ && session_.finished() && !std::exchange(shut_, true)) {
    // Closed here with bytes unread it would be reset, and the status lost.
    shutdown(fd_, SHUT_WR);
  }
  if (!finishing_ && session_.over()) Break(absl::UnavailableError("the peer ended the session"));
}

// True if `wire_` is empty.
bool GrpcSocket::SendWire() {
  while (wire_sent_ < wire_.size()) {
    if (write_blocked_) return false;
    const ssize_t count = send(fd_, wire_.data() + wire_sent_, wire_.size() - wire_sent_,
                               MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      write_blocked_ = true;
      return false;
    }
    if (count < 0) {
      Break(SocketError("sending", errno));
      return false;
    }
    wire_sent_ += static_cast<size_t>(count);
  }
  wire_.clear();
  wire_sent_ = 0;
  return true;
}

void GrpcSocket::OnTick() {
  tick_.Start(loop_.clock().Now() + kTick, [this] { OnTick(); });
  ++ticks_;
  ++silent_ticks_;
  if (finishing_) {
    if (ticks_ > kTicksToLinger) Close(why_);
    return;
  }
  if (!greeted_ && ticks_ >= kTicksToGreet) {
    return Close(absl::UnavailableError("the peer did not greet"));
  }
  if (silent_ticks_ < kTicksToPing) return;
  if (silent_ticks_ == kTicksToPing) session_.Ping();
  // If this process was stopped meanwhile, the answer is in the socket.
  readable_ = true;
  Turn();
  if (fd_ >= 0 && silent_ticks_ >= kTicksToGiveUp) {
    Close(absl::UnavailableError("the peer gave no sign of life for 6 seconds"));
  }
}

}  // namespace tholos::rpc
