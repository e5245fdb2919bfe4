#include "node/grpc/session_reactor.h"

#include <google/protobuf/arena.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include <memory>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/async/event.h"
#include "base/async/run_now.h"
#include "base/async/scope.h"
#include "base/check.h"
#include "base/coding.h"
#include "base/errors.h"
#include "node/grpc/convert.h"
#include "node/grpc/status.h"
#include "proto/tholos/v1/tholos.pb.h"

namespace tholos::node {
namespace {

namespace pb = ::tholos::v1;

// The calls of one message, parsed into memory that goes with the last of them.
struct Calls {
  google::protobuf::Arena arena;
  pb::SessionRequest& request = *google::protobuf::Arena::CreateMessage<pb::SessionRequest>(&arena);
};

// Answers as the fields of a SessionResponse, one after the other: its encoding.
struct Answers {
  std::string encoded;
  int count = 0;
  int64_t bytes = 0;  // admitted, to be given back when gRPC has taken them

  void Add(const pb::SessionAnswer& answer) {
    constexpr uint64_t kTag = pb::SessionResponse::kAnswersFieldNumber << 3 | 2;
    base::PutVarint(&encoded, kTag);
    const size_t size = answer.ByteSizeLong();
    base::PutVarint(&encoded, size);
    const size_t start = encoded.size();
    encoded.resize(start + size);
    answer.SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(encoded.data() + start));
    ++count;
  }
  void Append(Answers more) {
    count += more.count;
    bytes += more.bytes;
    if (encoded.empty()) {
      encoded = std::move(more.encoded);
    } else {
      encoded += more.encoded;
    }
  }
};

// A message of these bytes, which are not copied.
grpc::ByteBuffer MessageOf(std::string encoded) {
  auto* const kept = new std::string(std::move(encoded));
  const grpc::Slice slice(
      kept->data(), kept->size(), [](void* bytes) { delete static_cast<std::string*>(bytes); },
      kept);
  return {&slice, 1};
}

// gRPC calls the On... methods from its own threads, the tasks answer from the session's shard; the
// mutex guards what both touch. What is answered in one turn of the shard goes to gRPC together.
// Finish is called once: when the client has stopped sending (or vanished) and every call was
// answered.
class Session : public SessionReactor {
 public:
  Session(CallContext& context, grpc::CallbackServerContext* call)
      : context_(context), call_(call), shard_(context.NextShard()), client_(call->peer()) {
    StartSendInitialMetadata();
    StartRead(&request_);
  }

  void OnReadDone(bool ok) override {
    auto calls = std::make_shared<Calls>();
    const bool parsed = ok && Parse(&calls->request);
    const int count = parsed ? calls->request.calls_size() : 0;
    Next next;
    {
      absl::MutexLock lock(&mutex_);
      calls_in_work_ += count;
      read_wanted_ = parsed;
      reads_ended_ = !parsed;
      if (ok && !parsed) end_ = grpc::Status(grpc::INVALID_ARGUMENT, "malformed SessionRequest");
      next = Decide();
    }
    if (count > 0) {
      shard_.Post([this, calls = std::move(calls)] {
        for (int i = 0; i < calls->request.calls_size(); ++i) Run(running_.Enter(), calls, i);
      });
    }
    Do(next);
  }

  void OnWriteDone(bool ok) override {
    Next next;
    {
      absl::MutexLock lock(&mutex_);
      writing_ = false;
      context_.Give(std::exchange(writing_bytes_, 0));
      if (!ok) broken_ = true;
      next = Decide();
    }
    Do(next);
  }

  void OnDone() override { delete this; }

 private:
  // Consumes what was read.
  bool Parse(pb::SessionRequest* batch) {
    return grpc::SerializationTraits<pb::SessionRequest>::Deserialize(&request_, batch).ok();
  }

  base::RunningNow Run(base::Gate::Holder, std::shared_ptr<Calls> calls, int index) {
    const pb::SessionCall& call = calls->request.calls(index);
    CallContext::Admission admission = context_.Admit(static_cast<int64_t>(call.ByteSizeLong()));
    if (!admission) {
      ToError(context_.Refusal(), NewAnswer(call)->mutable_error());
    } else if (call.has_prepare()) {
      const auto info =
          co_await context_.queries().Prepare(call.prepare().query(), call.prepare().keyspace());
      if (info.ok()) {
        ToPrepareResponse(*info, NewAnswer(call)->mutable_prepare());
      } else {
        ToError(info.status(), NewAnswer(call)->mutable_error());
      }
    } else if (call.has_batch()) {
      auto result = co_await RunBatch(context_, call.batch(), DeadlineOf(call), client_);
      AnswerResult(std::move(result), {}, &admission, NewAnswer(call));
    } else if (call.has_execute()) {
      const pb::ExecuteRequest& request = call.execute();
      auto result =
          co_await RunExecute(context_, request, request.paging_state(), DeadlineOf(call), client_);
      AnswerResult(std::move(result), ResponseOptionsOf(context_, request), &admission,
                   NewAnswer(call));
    } else {
      ToError(base::InvalidRequest("a call that is neither prepare, execute nor batch"),
              NewAnswer(call)->mutable_error());
    }
    Stage(admission.Release());
  }

  base::Deadline DeadlineOf(const pb::SessionCall& call) const {
    return call.timeout_ms() == 0 ? context_.DefaultDeadline()
                                  : context_.DeadlineIn(absl::Milliseconds(call.timeout_ms()));
  }

  // The one answer that is being made; it is made without waiting, and staged.
  pb::SessionAnswer* NewAnswer(const pb::SessionCall& call) {
    answer_.Clear();
    answer_.set_id(call.id());
    return &answer_;
  }

  static void AnswerResult(absl::StatusOr<cql::QueryResult> result, const ResponseOptions& options,
                           CallContext::Admission* admission, pb::SessionAnswer* answer) {
    const absl::Status status = result.ok() ? admission->AddAnswer(*result) : result.status();
    if (status.ok()) {
      ToExecuteResponse(*std::move(result), options, answer->mutable_execute());
    } else {
      ToError(status, answer->mutable_error());
    }
  }

  // `bytes`: to be given back when gRPC has taken the answer.
  void Stage(int64_t bytes) {
    const size_t before = staged_.encoded.size();
    staged_.Add(answer_);
    staged_.bytes += bytes;
    // A large answer's memory is not kept for the next one.
    if (staged_.encoded.size() - before > kKeptAnswerBytes) answer_ = pb::SessionAnswer();
    if (staged_.count > 1) return;
    shard_.Post([this] { Flush(); });
  }

  void Flush() {
    Next next;
    {
      absl::MutexLock lock(&mutex_);
      calls_in_work_ -= staged_.count;
      ready_.Append(std::exchange(staged_, {}));
      next = Decide();
    }
    Do(next);
  }

  // What to start now. Decided under the lock, done outside of it: gRPC may call back at once, and
  // after Finish the session may be gone.
  struct Next {
    bool read = false;
    bool write = false;
    bool watch = false;
    bool finish = false;
  };

  Next Decide() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    Next next;
    if (broken_) {
      context_.Give(ready_.bytes);
      ready_ = {};
    }
    if (read_wanted_ && calls_in_work_ < context_.options().session_calls_max &&
        ready_.bytes + writing_bytes_ < context_.options().session_answer_bytes_max) {
      read_wanted_ = false;
      next.read = true;
    }
    if (!writing_ && ready_.count > 0) {
      writing_ = true;
      to_write_ = std::move(ready_.encoded);
      writing_bytes_ = ready_.bytes;
      ready_ = {};
      next.write = true;
      // Small ones are not worth it: they fit into gRPC's window, or others come behind them.
      next.watch = writing_bytes_ > kWatchedBytes && !watched_;
      if (next.watch) watched_ = true;
      write_began_ = context_.Now();
    }
    if (!finished_ && reads_ended_ && calls_in_work_ == 0 && !writing_ && !watched_) {
      finished_ = true;
      next.finish = true;
    }
    return next;
  }

  void Do(Next next) {
    if (next.read) StartRead(&request_);
    if (next.write) Write();
    if (next.watch) shard_.Post([this] { base::SpawnDetached(shard_, Watch()); });
    if (next.finish) Finish(end_);
  }

  // By whoever set writing_, and nobody else until the write is done.
  void Write() {
    response_ = MessageOf(std::exchange(to_write_, {}));
    StartWrite(&response_);
  }

  // Cancels the stream if the client does not take the answers that are being written. Ends soon
  // after they are written, and the session not before.
  base::Task<void> Watch() {
    std::optional<Next> next;
    while (!next.has_value()) {
      co_await never_.WaitUntil(context_.DeadlineIn(kWatchPeriod));
      bool stalled = false;
      {
        absl::MutexLock lock(&mutex_);
        if (writing_) {
          stalled = context_.Now() > write_began_ + context_.options().stall_timeout;
        } else {
          watched_ = false;
          next = Decide();
        }
      }
      if (stalled) call_->TryCancel();
    }
    Do(*next);
  }

  static constexpr int64_t kWatchedBytes = 64 << 10;
  static constexpr size_t kKeptAnswerBytes = 64 << 10;
  static constexpr absl::Duration kWatchPeriod = absl::Milliseconds(100);

  CallContext& context_;
  grpc::CallbackServerContext* const call_;
  base::Loop& shard_;
  const std::string client_;
  grpc::ByteBuffer request_;   // gRPC's while a read is under way
  std::string to_write_;       // of whoever set writing_
  grpc::ByteBuffer response_;  // gRPC's while a write is under way
  // Of the shard.
  base::Gate running_;
  pb::SessionAnswer answer_;
  Answers staged_;
  absl::Mutex mutex_;
  Answers ready_ ABSL_GUARDED_BY(mutex_);
  int64_t writing_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool watched_ ABSL_GUARDED_BY(mutex_) = false;
  base::MonotonicTime write_began_ ABSL_GUARDED_BY(mutex_);
  base::Event never_;  // lets Watch sleep
  int calls_in_work_ ABSL_GUARDED_BY(mutex_) = 0;
  bool reads_ended_ ABSL_GUARDED_BY(mutex_) = false;
  bool read_wanted_ ABSL_GUARDED_BY(mutex_) = false;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool broken_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  grpc::Status end_;  // written before reads_ended_ is set, read once it is
};

}  // namespace

SessionReactor* StartSession(CallContext& context, grpc::CallbackServerContext* call) {
  return new Session(context, call);
}

}  // namespace tholos::node
