#include "node/grpc/query_reactor.h"

#include <utility>

#include "base/async/event.h"
#include "base/async/scope.h"
#include "base/errors.h"
#include "node/grpc/status.h"

namespace tholos::node {
namespace {

namespace pb = ::tholos::v1;

// The task writes a page, waits until gRPC took it, and only then reads the next: a slow client
// holds one page.
class Query : public QueryReactor {
 public:
  Query(CallContext& context, const pb::ExecuteRequest& request, base::Deadline deadline,
        grpc::CallbackServerContext* call)
      : context_(context),
        call_(call),
        shard_(context.NextShard()),
        request_(request),
        deadline_(deadline),
        client_(call->peer()) {
    base::SpawnDetached(shard_, Run());
  }

  void OnWriteDone(bool ok) override {
    shard_.Post([this, ok] {
      client_there_ = ok;
      written_.Set();
    });
  }

  void OnDone() override { delete this; }

 private:
  base::Task<void> Run() {
    const absl::Status status = co_await WritePages();
    Finish(ToGrpcStatus(status));
  }

  base::Task<absl::Status> WritePages() {
    auto admission = context_.Admit(static_cast<int64_t>(request_.ByteSizeLong()));
    if (!admission) co_return context_.Refusal();
    std::string paging_state = request_.paging_state();
    bool first = true;
    do {
      auto result = co_await RunExecute(context_, request_, paging_state, deadline_, client_);
      if (!result.ok()) co_return result.status();
      if (const absl::Status status = admission.AddAnswer(*result); !status.ok()) co_return status;
      response_.Clear();
      ResponseOptions options = ResponseOptionsOf(context_, request_);
      if (!first) options.skip_columns = true;
      ToExecuteResponse(*std::move(result), options, &response_);
      paging_state = response_.rows().paging_state();
      first = false;
      written_.Reset();
      StartWrite(&response_);
      if (!co_await written_.WaitUntil(context_.DeadlineIn(context_.options().stall_timeout))) {
        call_->TryCancel();
        co_await written_.Wait();
      }
      admission.DropAnswer();
    } while (!paging_state.empty() && client_there_);
    co_return absl::OkStatus();
  }

  CallContext& context_;
  grpc::CallbackServerContext* const call_;
  base::Loop& shard_;
  const pb::ExecuteRequest& request_;
  const base::Deadline deadline_;
  const std::string client_;
  pb::ExecuteResponse response_;
  base::Event written_;
  bool client_there_ = true;
};

}  // namespace

QueryReactor* StartQuery(CallContext& context, const pb::ExecuteRequest& request,
                         base::Deadline deadline, grpc::CallbackServerContext* call) {
  return new Query(context, request, deadline, call);
}

}  // namespace tholos::node
