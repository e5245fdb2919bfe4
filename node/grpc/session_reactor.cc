#include "node/grpc/session_reactor.h"

#include <grpcpp/impl/codegen/proto_utils.h>

#include <memory>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/async/event.h"
#include "base/async/scope.h"
#include "base/check.h"
#include "base/errors.h"
#include "node/grpc/convert.h"
#include "node/grpc/status.h"
#include "proto/tholos/v1/tholos.pb.h"

namespace tholos::node {
namespace {

namespace pb = ::tholos::v1;

// gRPC calls the On... methods from its own threads, the tasks answer from the session's shard; the
// mutex guards what both touch. Finish is called once: when the client has stopped sending (or
// vanished) and every call was answered.
class Session : public SessionReactor {
 public:
  Session(CallContext& context, grpc::CallbackServerContext* call)
      : context_(context), call_(call), shard_(context.NextShard()), client_(call->peer()) {
    StartSendInitialMetadata();
    StartRead(&request_);
  }

  void OnReadDone(bool ok) override {
    auto batch = std::make_shared<pb::SessionRequest>();
    const bool parsed = ok && Parse(batch.get());
    const int count = parsed ? batch->calls_size() : 0;
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
      shard_.Post([this, batch = std::move(batch)] {
        for (int i = 0; i < batch->calls_size(); ++i) base::SpawnDetached(shard_, Run(batch, i));
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

  base::Task<void> Run(std::shared_ptr<pb::SessionRequest> batch, int index) {
    const pb::SessionCall& call = batch->calls(index);
    pb::SessionAnswer answer;
    answer.set_id(call.id());
    auto admission = context_.Admit(static_cast<int64_t>(call.ByteSizeLong()));
    if (admission) {
      co_await Answer(call, &admission, &answer);
    } else {
      ToError(context_.Refusal(), answer.mutable_error());
    }
    Push(std::move(answer), admission.Release());
  }

  base::Task<void> Answer(const pb::SessionCall& call, CallContext::Admission* admission,
                          pb::SessionAnswer* answer) {
    const base::Deadline deadline =
        call.timeout_ms() == 0 ? context_.DefaultDeadline()
                               : context_.DeadlineIn(absl::Milliseconds(call.timeout_ms()));
    if (call.has_prepare()) {
      auto info =
          co_await context_.queries().Prepare(call.prepare().query(), call.prepare().keyspace());
      if (info.ok()) {
        ToPrepareResponse(*info, answer->mutable_prepare());
      } else {
        ToError(info.status(), answer->mutable_error());
      }
      co_return;
    }
    if (call.has_batch()) {
      auto result = co_await RunBatch(context_, call.batch(), deadline, client_);
      AnswerResult(std::move(result), {}, admission, answer);
      co_return;
    }
    if (!call.has_execute()) {
      ToError(base::InvalidRequest("a call that is neither prepare, execute nor batch"),
              answer->mutable_error());
      co_return;
    }
    const pb::ExecuteRequest& request = call.execute();
    auto result = co_await RunExecute(context_, request, request.paging_state(), deadline, client_);
    AnswerResult(std::move(result), ResponseOptionsOf(context_, request), admission, answer);
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
  void Push(pb::SessionAnswer answer, int64_t bytes) {
    Next next;
    {
      absl::MutexLock lock(&mutex_);
      --calls_in_work_;
      ready_bytes_ += bytes;
      *ready_.add_answers() = std::move(answer);
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
      ready_.Clear();
      context_.Give(std::exchange(ready_bytes_, 0));
    }
    if (read_wanted_ && calls_in_work_ < context_.options().session_calls_max &&
        ready_bytes_ + writing_bytes_ < context_.options().session_answer_bytes_max) {
      read_wanted_ = false;
      next.read = true;
    }
    if (!writing_ && ready_.answers_size() > 0) {
      writing_ = true;
      answers_.Clear();
      answers_.Swap(&ready_);
      writing_bytes_ = std::exchange(ready_bytes_, 0);
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
    bool own = false;
    response_.Clear();
    const grpc::Status status =
        grpc::SerializationTraits<pb::SessionResponse>::Serialize(answers_, &response_, &own);
    THOLOS_CHECK(status.ok()) << status.error_message();
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
  static constexpr absl::Duration kWatchPeriod = absl::Milliseconds(100);

  CallContext& context_;
  grpc::CallbackServerContext* const call_;
  base::Loop& shard_;
  const std::string client_;
  grpc::ByteBuffer request_;     // gRPC's while a read is under way
  pb::SessionResponse answers_;  // what the write under way carries
  grpc::ByteBuffer response_;    // gRPC's while a write is under way
  absl::Mutex mutex_;
  pb::SessionResponse ready_ ABSL_GUARDED_BY(mutex_);
  int64_t ready_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
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
