#include "node/grpc/session_reactor.h"

#include <grpcpp/impl/codegen/proto_utils.h>

#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
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
  Session(CallContext& context, std::string client)
      : context_(context), shard_(context.NextShard()), client_(std::move(client)) {
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
    co_await Answer(call, &answer);
    Push(std::move(answer));
  }

  base::Task<void> Answer(const pb::SessionCall& call, pb::SessionAnswer* answer) {
    const auto admission = context_.Admit(static_cast<int64_t>(call.ByteSizeLong()));
    if (!admission) {
      ToError(context_.Refusal(), answer->mutable_error());
      co_return;
    }
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
      AnswerResult(std::move(result), {}, answer);
      co_return;
    }
    if (!call.has_execute()) {
      ToError(base::InvalidRequest("a call that is neither prepare, execute nor batch"),
              answer->mutable_error());
      co_return;
    }
    const pb::ExecuteRequest& request = call.execute();
    auto result = co_await RunExecute(context_, request, request.paging_state(), deadline, client_);
    AnswerResult(std::move(result), ResponseOptionsOf(context_, request), answer);
  }

  static void AnswerResult(absl::StatusOr<cql::QueryResult> result, const ResponseOptions& options,
                           pb::SessionAnswer* answer) {
    if (result.ok()) {
      ToExecuteResponse(*std::move(result), options, answer->mutable_execute());
    } else {
      ToError(result.status(), answer->mutable_error());
    }
  }

  void Push(pb::SessionAnswer answer) {
    Next next;
    {
      absl::MutexLock lock(&mutex_);
      --calls_in_work_;
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
    bool finish = false;
  };

  Next Decide() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    Next next;
    if (read_wanted_ && calls_in_work_ < context_.options().session_calls_max) {
      read_wanted_ = false;
      next.read = true;
    }
    if (broken_) ready_.Clear();
    if (!writing_ && ready_.answers_size() > 0) {
      writing_ = true;
      answers_.Clear();
      answers_.Swap(&ready_);
      next.write = true;
    }
    if (!finished_ && reads_ended_ && calls_in_work_ == 0 && !writing_) {
      finished_ = true;
      next.finish = true;
    }
    return next;
  }

  void Do(Next next) {
    if (next.read) StartRead(&request_);
    if (next.write) Write();
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

  CallContext& context_;
  base::Loop& shard_;
  const std::string client_;
  grpc::ByteBuffer request_;     // gRPC's while a read is under way
  pb::SessionResponse answers_;  // what the write under way carries
  grpc::ByteBuffer response_;    // gRPC's while a write is under way
  absl::Mutex mutex_;
  pb::SessionResponse ready_ ABSL_GUARDED_BY(mutex_);
  int calls_in_work_ ABSL_GUARDED_BY(mutex_) = 0;
  bool reads_ended_ ABSL_GUARDED_BY(mutex_) = false;
  bool read_wanted_ ABSL_GUARDED_BY(mutex_) = false;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool broken_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  grpc::Status end_;  // written before reads_ended_ is set, read once it is
};

}  // namespace

SessionReactor* StartSession(CallContext& context, std::string client) {
  return new Session(context, std::move(client));
}

}  // namespace tholos::node
