#include "client/connection.h"

#include <grpcpp/create_channel.h>

#include <algorithm>
#include <utility>

namespace tholos::client {

namespace pb = ::tholos::v1;

namespace {

constexpr absl::Duration kFirstPause = absl::Milliseconds(100);
constexpr absl::Duration kLongestPause = absl::Seconds(5);
constexpr int kMessageBytesMax = 256 << 20;

}  // namespace

std::shared_ptr<pb::Tholos::Stub> MakeStub(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMessageBytesMax);
  arguments.SetMaxSendMessageSize(kMessageBytesMax);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // How long a connection may take to be made, and how soon the next attempt comes.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 3000);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  // A node that froze, or a network that lost the way back, sends no end of the connection.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 10'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5'000);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  return pb::Tholos::NewStub(
      grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments));
}

Connection::Connection(std::string address, absl::AnyInvocable<void()> lost)
    : address_(std::move(address)), stub_(MakeStub(address_)), lost_(std::move(lost)) {}

Connection::~Connection() {
  base::MutexLock lock(&mutex_);
  if (session_ != nullptr) session_->Cancel();
}

size_t Connection::open() const {
  base::MutexLock lock(&mutex_);
  return session_ == nullptr ? 0 : session_->open();
}

bool Connection::available(base::MonotonicTime now) const {
  base::MutexLock lock(&mutex_);
  return !closed_ && (session_ != nullptr ? session_->alive() : now >= back_at_);
}

std::shared_ptr<Session> Connection::UseSession(base::MonotonicTime now) {
  base::MutexLock lock(&mutex_);
  if (session_ != nullptr) return session_->alive() ? session_ : nullptr;
  if (closed_ || now < back_at_) return nullptr;
  session_ = Session::Start(stub_, address_,
                            [weak = weak_from_this()](bool connected, const absl::Status& why) {
                              if (const auto self = weak.lock()) self->OnEnded(connected, why);
                            });
  return session_;
}

void Connection::OnEnded(bool connected, const absl::Status& why) {
  {
    base::MutexLock lock(&mutex_);
    session_.reset();
    if (closed_) return;
    failures_ = connected ? 1 : failures_ + 1;
    const absl::Duration pause =
        std::min(kFirstPause * (1 << std::min(failures_ - 1, 6)), kLongestPause);
    back_at_ = clock_.Now() + pause;
    last_end_ = why;
  }
  lost_();
}

void Connection::Sweep(base::MonotonicTime now) {
  std::shared_ptr<Session> session;
  {
    base::MutexLock lock(&mutex_);
    session = session_;
  }
  if (session != nullptr) session->Sweep(now);
}

absl::Status Connection::last_end() const {
  base::MutexLock lock(&mutex_);
  return last_end_;
}

void Connection::Close() {
  std::shared_ptr<Session> session;
  {
    base::MutexLock lock(&mutex_);
    closed_ = true;
    session = session_;
  }
  if (session == nullptr) return;
  session->Cancel();
  session->WaitEnded();
}

}  // namespace tholos::client
