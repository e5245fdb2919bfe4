#include "node/grpc/client_service.h"

#include <utility>

#include "base/async/scope.h"
#include "base/errors.h"
#include "node/grpc/call_context.h"
#include "node/grpc/convert.h"
#include "node/grpc/query_reactor.h"
#include "node/grpc/session_reactor.h"
#include "node/grpc/status.h"
#include "proto/tholos/v1/tholos.grpc.pb.h"

namespace tholos::node {
namespace {

namespace pb = ::tholos::v1;

class ClientServiceImpl final : public ClientService, public pb::Tholos::CallbackService {
 public:
  ClientServiceImpl(ClientServiceOptions options, ClientServiceDeps deps)
      : context_(options, deps) {}

  grpc::Service& service() override { return *this; }
  bool Drain(absl::Duration max) override { return context_.Drain(max); }

  grpc::ServerUnaryReactor* Prepare(grpc::CallbackServerContext* call,
                                    const pb::PrepareRequest* request,
                                    pb::PrepareResponse* response) override {
    auto* reactor = call->DefaultReactor();
    base::SpawnDetached(context_.NextShard(), RunPrepare(reactor, *request, *response));
    return reactor;
  }

  grpc::ServerUnaryReactor* Execute(grpc::CallbackServerContext* call,
                                    const pb::ExecuteRequest* request,
                                    pb::ExecuteResponse* response) override {
    auto* reactor = call->DefaultReactor();
    const base::Deadline deadline = context_.FromGrpc(call->deadline());
    base::SpawnDetached(context_.NextShard(), RunUnary(reactor, *request, *response, deadline));
    return reactor;
  }

  grpc::ServerUnaryReactor* Batch(grpc::CallbackServerContext* call,
                                  const pb::BatchRequest* request,
                                  pb::ExecuteResponse* response) override {
    auto* reactor = call->DefaultReactor();
    const base::Deadline deadline = context_.FromGrpc(call->deadline());
    base::SpawnDetached(context_.NextShard(),
                        RunUnaryBatch(reactor, *request, *response, deadline));
    return reactor;
  }

  grpc::ServerWriteReactor<pb::ExecuteResponse>* Query(grpc::CallbackServerContext* call,
                                                       const pb::ExecuteRequest* request) override {
    return StartQuery(context_, *request, context_.FromGrpc(call->deadline()));
  }

  grpc::ServerBidiReactor<pb::SessionRequest, pb::SessionResponse>* Session(
      grpc::CallbackServerContext*) override {
    return StartSession(context_);
  }

 private:
  // The messages live until the reactor is finished, which is the last thing these do.
  base::Task<void> RunPrepare(grpc::ServerUnaryReactor* reactor, const pb::PrepareRequest& request,
                              pb::PrepareResponse& response) {
    auto info = co_await context_.queries().Prepare(request.query(), request.keyspace());
    if (info.ok()) ToPrepareResponse(*info, &response);
    reactor->Finish(ToGrpcStatus(info.status()));
  }

  base::Task<void> RunUnary(grpc::ServerUnaryReactor* reactor, const pb::ExecuteRequest& request,
                            pb::ExecuteResponse& response, base::Deadline deadline) {
    absl::Status status;
    {
      const auto admission = context_.Admit(static_cast<int64_t>(request.ByteSizeLong()));
      if (admission) {
        auto result = co_await RunExecute(context_, request, request.paging_state(), deadline);
        status = result.status();
        if (result.ok()) {
          ToExecuteResponse(*std::move(result), request.row_format(), request.skip_columns(),
                            &response);
        }
      } else {
        status = context_.Refusal();
      }
    }
    reactor->Finish(ToGrpcStatus(status));
  }

  base::Task<void> RunUnaryBatch(grpc::ServerUnaryReactor* reactor, const pb::BatchRequest& request,
                                 pb::ExecuteResponse& response, base::Deadline deadline) {
    absl::Status status;
    {
      const auto admission = context_.Admit(static_cast<int64_t>(request.ByteSizeLong()));
      if (admission) {
        auto result = co_await RunBatch(context_, request, deadline);
        status = result.status();
        if (result.ok())
          ToExecuteResponse(*std::move(result), pb::ROW_FORMAT_TYPED, false, &response);
      } else {
        status = context_.Refusal();
      }
    }
    reactor->Finish(ToGrpcStatus(status));
  }

  CallContext context_;
};

}  // namespace

base::Task<absl::StatusOr<cql::QueryResult>> RunExecute(CallContext& context,
                                                        const pb::ExecuteRequest& request,
                                                        std::string paging_state,
                                                        base::Deadline deadline) {
  auto options = ToQueryOptions(request);
  if (!options.ok()) co_return options.status();
  options->deadline = deadline;
  options->paging_state = std::move(paging_state);
  if (request.has_prepared_id()) {
    co_return co_await context.queries().ExecutePrepared(request.prepared_id(),
                                                         *std::move(options));
  }
  if (!request.has_query()) co_return base::InvalidRequest("neither a query nor a prepared_id");
  co_return co_await context.queries().Execute(request.query(), *std::move(options));
}

base::Task<absl::StatusOr<cql::QueryResult>> RunBatch(CallContext& context,
                                                      const pb::BatchRequest& request,
                                                      base::Deadline deadline) {
  auto batch = ToBatch(request);
  if (!batch.ok()) co_return batch.status();
  batch->options.deadline = deadline;
  co_return co_await context.queries().ExecuteBatch(batch->type, std::move(batch->items),
                                                    std::move(batch->options));
}

std::unique_ptr<ClientService> ClientService::Make(ClientServiceOptions options,
                                                   ClientServiceDeps deps) {
  return std::make_unique<ClientServiceImpl>(options, deps);
}

}  // namespace tholos::node
