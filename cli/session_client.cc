#include "cli/session_client.h"

#include <grpcpp/create_channel.h>

#include <utility>
#include <vector>

namespace tholos::cli {

namespace pb = ::tholos::v1;

bool IsRetriable(uint32_t code) {
  const auto c = static_cast<absl::StatusCode>(code);
  return c == absl::StatusCode::kUnavailable || c == absl::StatusCode::kDeadlineExceeded ||
         c == absl::StatusCode::kAborted || c == absl::StatusCode::kResourceExhausted;
}

// gRPC calls the On... methods from its threads. Decided under the lock, started outside of it.
class SessionClient::Stream
    : public grpc::ClientBidiReactor<pb::SessionRequest, pb::SessionResponse> {
 public:
  explicit Stream(pb::Tholos::Stub* stub) {
    stub->async()->Session(&context_, this);
    // Keeps the stream open while no operation is under way (Submit may come from any thread).
    AddHold();
    StartRead(&response_);
    StartCall();
  }

  void Submit(pb::SessionCall call, Callback done) {
    bool write = false;
    bool broken = false;
    {
      absl::MutexLock lock(&mutex_);
      broken = broken_;
      if (!broken) {
        call.set_id(next_id_++);
        open_.emplace(call.id(), std::move(done));
        *queued_.add_calls() = std::move(call);
        write = TakeQueued();
      }
    }
    if (broken) done(BrokenAnswer(0));
    if (write) StartWrite(&request_);
  }

  void WaitBelow(int limit) {
    auto below = [this, limit]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return static_cast<int>(open_.size()) < limit;
    };
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(&below));
  }

  // No further Submit may come. Returns when gRPC has let go of this object.
  void End() {
    StartWritesDone();
    RemoveHold();
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(&done_));
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      Break();
      return;
    }
    std::vector<std::pair<Callback, const pb::SessionAnswer*>> calls;
    {
      absl::MutexLock lock(&mutex_);
      for (const pb::SessionAnswer& answer : response_.answers()) {
        auto it = open_.find(answer.id());
        if (it == open_.end()) continue;
        calls.emplace_back(std::move(it->second), &answer);
        open_.erase(it);
      }
    }
    for (auto& [done, answer] : calls) done(*answer);
    StartRead(&response_);
  }

  void OnWriteDone(bool ok) override {
    bool write = false;
    {
      absl::MutexLock lock(&mutex_);
      writing_ = false;
      if (ok) write = TakeQueued();
    }
    if (write) StartWrite(&request_);
  }

  void OnReadInitialMetadataDone(bool ok) override {
    if (!ok) Break();
  }

  void OnDone(const grpc::Status&) override {
    absl::MutexLock lock(&mutex_);
    done_ = true;
  }

 private:
  bool TakeQueued() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (writing_ || queued_.calls_size() == 0) return false;
    writing_ = true;
    request_.Clear();
    request_.Swap(&queued_);
    return true;
  }

  // Fails what is open; later calls fail at once.
  void Break() {
    absl::flat_hash_map<uint64_t, Callback> open;
    {
      absl::MutexLock lock(&mutex_);
      broken_ = true;
      open.swap(open_);
    }
    for (auto& [id, done] : open) done(BrokenAnswer(id));
  }

  static pb::SessionAnswer BrokenAnswer(uint64_t id) {
    pb::SessionAnswer answer;
    answer.set_id(id);
    answer.mutable_error()->set_code(static_cast<uint32_t>(absl::StatusCode::kUnavailable));
    answer.mutable_error()->set_message("the node cannot be reached, or the connection broke");
    return answer;
  }

  grpc::ClientContext context_;
  pb::SessionRequest request_;    // gRPC's while a write is under way
  pb::SessionResponse response_;  // gRPC's while a read is under way
  absl::Mutex mutex_;
  absl::flat_hash_map<uint64_t, Callback> open_ ABSL_GUARDED_BY(mutex_);
  pb::SessionRequest queued_ ABSL_GUARDED_BY(mutex_);
  uint64_t next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool broken_ ABSL_GUARDED_BY(mutex_) = false;
  bool done_ ABSL_GUARDED_BY(mutex_) = false;
};

SessionClient::SessionClient(const GlobalOptions& options, const std::string& target)
    : timeout_ms_(static_cast<uint32_t>(absl::ToInt64Milliseconds(options.timeout()))) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetMaxSendMessageSize(-1);
  stub_ = pb::Tholos::NewStub(
      grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments));
  stream_ = std::make_unique<Stream>(stub_.get());
}

SessionClient::~SessionClient() {
  stream_->WaitBelow(1);
  stream_->End();
}

void SessionClient::Submit(pb::SessionCall call, Callback done) {
  if (call.timeout_ms() == 0) call.set_timeout_ms(timeout_ms_);
  stream_->Submit(std::move(call), std::move(done));
}

void SessionClient::WaitBelow(int limit) { stream_->WaitBelow(limit); }

}  // namespace tholos::cli
