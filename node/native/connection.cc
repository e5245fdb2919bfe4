#include "node/native/connection.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/errors.h"
#include "base/real/real_loop.h"
#include "cql/protocol/error.h"
#include "cql/protocol/segment.h"
#include "node/native/shard_server.h"

namespace tholos::node::native {

using cql::protocol::Compression;
using cql::protocol::FrameHeader;
using cql::protocol::FrameStream;
using cql::protocol::Opcode;
using cql::protocol::ResponseFrame;

namespace {

// A small request takes about as much; one read never less.
constexpr size_t kBytesForSlot = 128;
constexpr size_t kReadBytesMin = 1024;

// The peer is gone, not merely at the end of what it sends.
bool IsBroken(int fd) {
  int error = 0;
  socklen_t length = sizeof(error);
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error != 0;
}

}  // namespace

Connection::Connection(ShardServer& server, uint64_t id, int fd)
    : server_(server),
      server_options_(server.options()),
      id_(id),
      fd_(fd),
      watch_(std::make_unique<base::FdWatch>(*base::RealLoop::CurrentOrNull(), fd, *this)),
      stream_(FrameStream::Role::kServer, server.options().frame_bytes_max),
      opened_(server.deps().clock.Now()),
      last_read_(opened_) {}

Connection::~Connection() {
  THOLOS_CHECK(in_flight_ == 0) << "a connection was deleted under its requests";
  Close();
}

void Connection::Close() {
  if (closed()) return;
  watch_.reset();
  close(fd_);
  fd_ = -1;
  std::string().swap(frames_);
  std::string().swap(wire_);
  wire_sent_ = 0;
  CountBytes();
  for (Waiting* waiting : waiting_) waiting->decided.Set();
  waiting_.clear();
  server_.OnClosed(*this);
}

void Connection::OnFdReady(base::FdReadiness ready) {
  if (closed()) return;
  if (ready.ended && IsBroken(fd_)) return Close();
  if (ready.writable && write_blocked_) {
    write_blocked_ = false;
    Flush();
  }
  if (ready.readable) readable_ = true;
  if (ready.ended) peer_ended_ = true;
  Read();
}

bool Connection::ReadingPaused() const {
  return draining_ || bytes_in_work_ > server_.options().connection_bytes_max || OutputIsFull() ||
         !waiting_.empty();
}

void Connection::Read() {
  while (readable_ && !closed() && !ReadingPaused()) {
    if (server_.slots().Full()) return WaitForSlot();
    std::string& buffer = server_.read_buffer();
    // Not many more than there are slots for.
    const size_t wanted = std::clamp(static_cast<size_t>(server_.slots().free()) * kBytesForSlot,
                                     kReadBytesMin, buffer.size());
    const ssize_t n = recv(fd_, buffer.data(), wanted, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      readable_ = false;
      return;
    }
    if (n < 0) return Close();
    if (n == 0) {
      // It may still want its answers.
      readable_ = false;
      return Drain();
    }
    // A short count emptied the socket; what comes later is told, but not an end that was told.
    if (static_cast<size_t>(n) < wanted && !peer_ended_) readable_ = false;
    last_read_ = server_.deps().clock.Now();
    OnBytes(std::string_view(buffer).substr(0, static_cast<size_t>(n)));
  }
}

void Connection::WaitForSlot() {
  if (waits_for_slot_) return;
  waits_for_slot_ = true;
  server_.WaitForSlot(id_);
}

void Connection::OnSlot() {
  waits_for_slot_ = false;
  Read();
}

void Connection::OnBytes(std::string_view bytes) {
  if (first_bytes_) {
    first_bytes_ = false;
    const TlsContext* context = server_.tls();
    if (context != nullptr && LooksLikeTls(bytes[0])) {
      tls_ = std::make_unique<TlsSession>(*context);
    } else if (context != nullptr && context->options().mode == TlsMode::kRequired) {
      server_.metrics().protocol_errors->Add();
      return Close();
    }
  }
  if (tls_ == nullptr) return Process(bytes);
  Decrypt(bytes);
}

void Connection::Decrypt(std::string_view bytes) {
  tls_->Feed(bytes);
  std::string& plain = server_.plain_buffer();
  int n = 0;
  while (!closed() && (n = tls_->Read(plain.data(), plain.size())) > 0) {
    Process(std::string_view(plain).substr(0, static_cast<size_t>(n)));
  }
  if (closed()) return;
  // The handshake, or an alert that says what is wrong with it.
  tls_->TakeOutput(&wire_);
  if (n < 0) {
    readable_ = false;
    Drain();
  }
  if (!wire_.empty()) ScheduleFlush();
}

void Connection::Process(std::string_view bytes) {
  stream_.Feed(bytes);
  while (!closed()) {
    FrameStream::Result next = stream_.Next();
    switch (next.kind) {
      case FrameStream::Kind::kNeedMore:
        return OnPartOfFrame();
      case FrameStream::Kind::kFrame:
        OnFrame(next.header, next.body);
        break;
      case FrameStream::Kind::kTooLarge:
        AnswerError(next.header.version, next.header.stream, base::InvalidRequest(next.message));
        break;
      case FrameStream::Kind::kBroken:
        return OnBroken(next);
    }
    if (draining_) return;
  }
}

// The rest of the frame is still to come. Nobody knows when, so it may not take what others need.
void Connection::OnPartOfFrame() {
  CountBytes();
  if (static_cast<int64_t>(stream_.unfinished_bytes()) <= kSmallBytes) return;
  if (server_.budget().Fits(0, ShardBytes::Part::kShared)) return;
  server_.metrics().overloaded->Add();
  AnswerError(version_, cql::protocol::kEventStream,
              base::Overloaded("too many bytes of requests and answers on this node"));
  readable_ = false;
  Drain();
}

// A protocol error that leaves nothing to go on with.
void Connection::OnBroken(const FrameStream::Result& result) {
  server_.metrics().protocol_errors->Add();
  AnswerError(result.header.version, result.header.stream, absl::DataLossError(result.message));
  readable_ = false;
  Drain();
}

void Connection::AnswerError(uint8_t version, int16_t stream, const absl::Status& status) {
  if (closed()) return;
  ResponseFrame frame(version, stream, &frames_);
  cql::protocol::PutErrorOf(version, status, &frames_);
  frame.Finish(Opcode::kError, segmented_ ? Compression::kNone : compression_);
  ScheduleFlush();
}

void Connection::SendEvent(const cql::protocol::Event& event) {
  if (closed() || draining_ || (events_ & static_cast<uint8_t>(event.type)) == 0) return;
  ResponseFrame frame(version_, cql::protocol::kEventStream, &frames_);
  cql::protocol::PutEvent(event, &frames_);
  frame.Finish(Opcode::kEvent, segmented_ ? Compression::kNone : compression_);
  ScheduleFlush();
}

void Connection::ScheduleFlush() {
  if (flush_scheduled_) return;
  flush_scheduled_ = true;
  server_.ScheduleFlush(id_);
}

void Connection::Flush() {
  flush_scheduled_ = false;
  if (closed()) return;
  if (!frames_.empty()) {
    if (segmented_) {
      std::string* segments = tls_ != nullptr ? &server_.segment_buffer() : &wire_;
      cql::protocol::AppendSegments(frames_, compression_ == Compression::kLz4, segments);
      frames_.clear();
      if (tls_ != nullptr) {
        tls_->Write(*segments);
        segments->clear();
      }
    } else if (tls_ != nullptr) {
      tls_->Write(frames_);
      frames_.clear();
    } else if (wire_.empty()) {
      wire_.swap(frames_);
    } else {
      wire_.append(frames_);
      frames_.clear();
    }
  }
  if (tls_ != nullptr) tls_->TakeOutput(&wire_);
  while (wire_sent_ < wire_.size() && !write_blocked_) {
    const ssize_t n = send(fd_, wire_.data() + wire_sent_, wire_.size() - wire_sent_, MSG_NOSIGNAL);
    if (n >= 0) {
      wire_sent_ += static_cast<size_t>(n);
      blocked_since_ = base::MonotonicTime::Infinite();
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return Close();
    write_blocked_ = true;
    blocked_since_ = server_.deps().clock.Now();
  }
  if (wire_sent_ == wire_.size()) {
    // A burst's memory is not kept.
    if (wire_.capacity() > (256u << 10)) {
      std::string().swap(wire_);
    } else {
      wire_.clear();
    }
    wire_sent_ = 0;
    if (draining_ && in_flight_ == 0) return Close();
  } else if (wire_sent_ > wire_.size() / 2) {
    wire_.erase(0, wire_sent_);
    wire_sent_ = 0;
  }
  CountBytes();
  if (OutputIsFull()) return;
  BeginWaiting();
  if (readable_ && !ReadingPaused()) server_.ScheduleRead(id_);
}

void Connection::Drain() {
  if (closed()) return;
  draining_ = true;
  if (in_flight_ == 0) ScheduleFlush();
}

void Connection::CheckTimeouts(base::MonotonicTime now) {
  if (closed()) return;
  const ServerOptions& options = server_.options();
  const absl::Duration timeout =
      server_.budget().crowded() ? std::min(options.stall_timeout, options.crowded_stall_timeout)
                                 : options.stall_timeout;
  const bool half_sent = stream_.unfinished_bytes() > 0 && !ReadingPaused();
  const bool stalled = (write_blocked_ && now > blocked_since_ + timeout) ||
                       (half_sent && now > last_read_ + timeout);
  const bool late = state_ != State::kReady && now > opened_ + options.handshake_timeout;
  const bool idle = in_flight_ == 0 && now > last_read_ + options.idle_timeout;
  if (!stalled && !late && !idle) return;
  server_.metrics().timeouts->Add();
  Close();
}

}  // namespace tholos::node::native
