#include "node/grpc/client_service.h"

#include <optional>
#include <utility>

#include "base/async/scope.h"
#include "base/errors.h"
#include "node/grpc/call_context.h"
#include "node/grpc/convert.h"
#include "node/grpc/query_reactor.h"
#include "node/grpc/session_reactor.h"
#include "node/grpc/status.h"
#include "node/grpc/topology.h"
#include "proto/tholos/v1/tholos.grpc.pb.h"

namespace tholos::node {
namespace {

namespace pb = ::tholos::v1;

// Session's messages are taken as bytes: gRPC would not tell one that does not parse from the end
// of the stream.
using Service = pb::Tholos::WithCallbackMethod_Prepare<
    pb::Tholos::WithCallbackMethod_Execute<pb::Tholos::WithCallbackMethod_Batch<
        pb::Tholos::WithCallbackMethod_Query<pb::Tholos::WithRawCallbackMethod_Session<
            pb::Tholos::WithCallbackMethod_GetTopology<pb::Tholos::Service>>>>>>;

// An Execute call. What it holds is held until the client has the answer.
struct Execution final : grpc::ServerUnaryReactor {
  void OnDone() override { delete this; }
  std::optional<CallContext::Admission> admission;
};

class ClientServiceImpl final : public ClientService, public Service {
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
    auto* reactor = new Execution;
    const base::Deadline deadline = context_.FromGrpc(call->deadline());
    base::SpawnDetached(context_.NextShard(),
                        RunUnary(reactor, *request, *response, deadline, call->peer()));
    return reactor;
  }

  grpc::ServerUnaryReactor* Batch(grpc::CallbackServerContext* call,
                                  const pb::BatchRequest* request,
                                  pb::ExecuteResponse* response) override {
    auto* reactor = call->DefaultReactor();
    const base::Deadline deadline = context_.FromGrpc(call->deadline());
    base::SpawnDetached(context_.NextShard(),
                        RunUnaryBatch(reactor, *request, *response, deadline, call->peer()));
    return reactor;
  }

  grpc::ServerWriteReactor<pb::ExecuteResponse>* Query(grpc::CallbackServerContext* call,
                                                       const pb::ExecuteRequest* request) override {
    return StartQuery(context_, *request, context_.FromGrpc(call->deadline()), call);
  }

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Session(
      grpc::CallbackServerContext* call) override {
    return StartSession(context_, call);
  }

  // On shard 0, where what the node knows of its peers is.
  grpc::ServerUnaryReactor* GetTopology(grpc::CallbackServerContext* call,
                                        const pb::TopologyRequest* request,
                                        pb::Topology* response) override {
    auto* reactor = call->DefaultReactor();
    base::SpawnDetached(context_.shard(0), RunTopology(reactor, *request, *response));
    return reactor;
  }

 private:
  // The messages live until the reactor is finished, which is the last thing these do.
  base::Task<void> RunPrepare(grpc::ServerUnaryReactor* reactor, const pb::PrepareRequest& request,
                              pb::PrepareResponse& response) {
    absl::Status status;
    {
      const auto admission = context_.Admit(static_cast<int64_t>(request.ByteSizeLong()));
      if (admission) {
        auto info = co_await context_.queries().Prepare(request.query(), request.keyspace());
        status = info.status();
        if (info.ok()) ToPrepareResponse(*info, &response);
      } else {
        status = context_.Refusal();
      }
    }
    reactor->Finish(ToGrpcStatus(status));
  }

  base::Task<void> RunTopology(grpc::ServerUnaryReactor* reactor,
                               const pb::TopologyRequest& request, pb::Topology& response) {
    FillTopology(context_.node(), request, &response);
    reactor->Finish(grpc::Status::OK);
    co_return;
  }

  base::Task<void> RunUnary(Execution* reactor, const pb::ExecuteRequest& request,
                            pb::ExecuteResponse& response, base::Deadline deadline,
                            std::string client) {
    absl::Status status;
    auto& admission =
        reactor->admission.emplace(context_.Admit(static_cast<int64_t>(request.ByteSizeLong())));
    if (admission) {
      auto result =
          co_await RunExecute(context_, request, request.paging_state(), deadline, client);
      status = result.ok() ? admission.AddAnswer(*result) : result.status();
      if (status.ok()) {
        ToExecuteResponse(*std::move(result), ResponseOptionsOf(context_, request), &response);
      }
    } else {
      status = context_.Refusal();
    }
    reactor->Finish(ToGrpcStatus(status));
  }

  base::Task<void> RunUnaryBatch(grpc::ServerUnaryReactor* reactor, const pb::BatchRequest& request,
                                 pb::ExecuteResponse& response, base::Deadline deadline,
                                 std::string client) {
    absl::Status status;
    {
      const auto admission = context_.Admit(static_cast<int64_t>(request.ByteSizeLong()));
      if (admission) {
        auto result = co_await RunBatch(context_, request, deadline, client);
        status = result.status();
        if (result.ok()) ToExecuteResponse(*std::move(result), {}, &response);
      } else {
        status = context_.Refusal();
      }
    }
    reactor->Finish(ToGrpcStatus(status));
  }

  CallContext context_;
};

// The address of a client that gRPC names "ipv4:10.0.0.1:4711" or "ipv6:%5B2001:db8::1%5D:4711".
std::string HostOf(std::string_view peer) {
  if (peer.starts_with("ipv4:") || peer.starts_with("ipv6:")) peer.remove_prefix(5);
  peer = peer.substr(0, peer.rfind(':'));
  if (peer.starts_with("%5B") && peer.ends_with("%5D")) peer = peer.substr(3, peer.size() - 6);
  return std::string(peer);
}

}  // namespace

base::Task<absl::StatusOr<cql::QueryResult>> RunExecute(CallContext& context,
                                                        const pb::ExecuteRequest& request,
                                                        std::string paging_state,
                                                        base::Deadline deadline,
                                                        const std::string& client) {
  auto options = ToQueryOptions(request);
  if (!options.ok()) co_return options.status();
  options->deadline = deadline;
  if (options->tracing) options->client = HostOf(client);
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
                                                      base::Deadline deadline,
                                                      const std::string& client) {
  auto batch = ToBatch(request);
  if (!batch.ok()) co_return batch.status();
  batch->options.deadline = deadline;
  if (batch->options.tracing) batch->options.client = HostOf(client);
  co_return co_await context.queries().ExecuteBatch(batch->type, std::move(batch->items),
                                                    std::move(batch->options));
}

ResponseOptions ResponseOptionsOf(CallContext& context, const pb::ExecuteRequest& request) {
  return {request.row_format(), request.skip_columns(), request.result_id(), &context.result_ids()};
}

std::unique_ptr<ClientService> ClientService::Make(ClientServiceOptions options,
                                                   ClientServiceDeps deps) {
  return std::make_unique<ClientServiceImpl>(options, deps);
}

}  // namespace tholos::node
