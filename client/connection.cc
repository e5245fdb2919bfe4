#include "client/connection.h"

#include <algorithm>
#include <utility>

namespace tholos::client {

namespace {

constexpr absl::Duration kFirstPause = absl::Milliseconds(100);
constexpr absl::Duration kLongestPause = absl::Seconds(5);

}  // namespace

Connection::Connection(std::string address, std::shared_ptr<tholos::v1::Tholos::Stub> stub,
                       absl::AnyInvocable<void()> lost)
    : address_(std::move(address)), stub_(std::move(stub)), lost_(std::move(lost)) {}

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
