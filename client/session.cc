#include "client/session.h"

#include <utility>
#include <vector>

#include "base/strings.h"

namespace tholos::client {

namespace pb = ::tholos::v1;

Session::Session(std::shared_ptr<pb::Tholos::Stub> stub, std::string address, Ended ended)
    : stub_(std::move(stub)), address_(std::move(address)), ended_(std::move(ended)) {}

std::shared_ptr<Session> Session::Start(std::shared_ptr<pb::Tholos::Stub> stub, std::string address,
                                        Ended ended) {
  std::shared_ptr<Session> session(
      new Session(std::move(stub), std::move(address), std::move(ended)));
  session->self_ = session;
  session->stub_->async()->Session(&session->context_, session.get());
  // Submit starts writes from any thread.
  session->AddHold();
  session->StartRead(&session->response_);
  session->StartCall();
  return session;
}

bool Session::TakeQueued() {
  if (!connected_ || writing_ || reads_ended_ || queued_.calls_size() == 0) return false;
  writing_ = true;
  request_.Clear();
  request_.Swap(&queued_);
  sent_up_to_ = request_.calls(request_.calls_size() - 1).id();
  return true;
}

// While a write is being started somewhere, the stream must not go: OnWriteDone comes back here.
bool Session::TakeHold() { return reads_ended_ && !writing_ && std::exchange(held_, false); }

void Session::Submit(pb::SessionCall call, base::MonotonicTime give_up, Done done) {
  bool write = false;
  absl::Status end;
  {
    base::MutexLock lock(&mutex_);
    end = end_;
    if (end.ok()) {
      call.set_id(next_id_++);
      open_.emplace(call.id(), Open{give_up, std::move(done)});
      open_count_.store(open_.size(), std::memory_order_relaxed);
      *queued_.add_calls() = std::move(call);
      write = TakeQueued();
    }
  }
  if (!end.ok()) done(nullptr, Failure{end, /*no_answer=*/true, /*sent=*/false});
  if (write) StartWrite(&request_);
}

void Session::Sweep(base::MonotonicTime now) {
  std::vector<Done> overdue;
  {
    base::MutexLock lock(&mutex_);
    for (auto it = open_.begin(); it != open_.end();) {
      const auto call = it++;
      if (call->second.give_up > now) continue;
      overdue.push_back(std::move(call->second.done));
      open_.erase(call);
    }
    open_count_.store(open_.size(), std::memory_order_relaxed);
  }
  for (Done& done : overdue) {
    done(nullptr, Failure{absl::DeadlineExceededError(absl::StrCat(
                      address_, " has not answered in time; a write may be applied"))});
  }
}

void Session::OnReadInitialMetadataDone(bool ok) {
  bool write = false;
  {
    base::MutexLock lock(&mutex_);
    connected_ = ok;
    write = TakeQueued();
  }
  if (write) StartWrite(&request_);
}

void Session::OnReadDone(bool ok) {
  if (!ok) {
    alive_.store(false, std::memory_order_relaxed);
    bool release = false;
    {
      base::MutexLock lock(&mutex_);
      reads_ended_ = true;
      release = TakeHold();
    }
    if (release) RemoveHold();
    return;
  }
  std::vector<std::pair<Done, pb::SessionAnswer*>> answered;
  answered.reserve(static_cast<size_t>(response_.answers_size()));
  {
    base::MutexLock lock(&mutex_);
    for (pb::SessionAnswer& answer : *response_.mutable_answers()) {
      const auto call = open_.find(answer.id());
      if (call == open_.end()) continue;  // given up
      answered.emplace_back(std::move(call->second.done), &answer);
      open_.erase(call);
    }
    open_count_.store(open_.size(), std::memory_order_relaxed);
  }
  for (auto& [done, answer] : answered) done(answer, Failure{});
  StartRead(&response_);
}

void Session::OnWriteDone(bool) {
  bool write = false;
  bool release = false;
  {
    base::MutexLock lock(&mutex_);
    writing_ = false;
    write = TakeQueued();
    release = TakeHold();
  }
  if (write) StartWrite(&request_);
  if (release) RemoveHold();
}

Failure Session::FailureOf(bool sent, const grpc::Status& status, bool connected) const {
  if (sent) {
    return {absl::AbortedError(base::StrCat("the connection to ", address_, " broke (",
                                            status.error_message(), "); a write may be applied")),
            /*no_answer=*/true, /*sent=*/true};
  }
  const std::string_view what = connected ? "the connection broke" : "cannot be reached";
  return {absl::UnavailableError(base::StrCat(address_, ": ", what, ": ", status.error_message())),
          /*no_answer=*/true, /*sent=*/false};
}

void Session::OnDone(const grpc::Status& status) {
  // Keeps this object until the end of the function.
  const std::shared_ptr<Session> self = std::move(self_);
  Calls open;
  uint64_t sent_up_to = 0;
  bool connected = false;
  absl::Status end;
  {
    base::MutexLock lock(&mutex_);
    connected = connected_;
    sent_up_to = sent_up_to_;
    end_ = FailureOf(false, status, connected).status;
    end = end_;
    open.swap(open_);
    open_count_.store(0, std::memory_order_relaxed);
  }
  for (auto& [id, call] : open) call.done(nullptr, FailureOf(id <= sent_up_to, status, connected));
  ended_(connected, end);
  std::lock_guard lock(ended_mutex_);
  has_ended_ = true;
  ended_changed_.notify_all();
}

void Session::WaitEnded() {
  std::unique_lock lock(ended_mutex_);
  ended_changed_.wait(lock, [this] { return has_ended_; });
}

}  // namespace tholos::client
