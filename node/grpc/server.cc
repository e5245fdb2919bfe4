#include "node/grpc/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/server_builder.h>

#include <chrono>

#include "base/strings.h"

namespace tholos::node {
namespace {

constexpr int kRequestBytesMax = 64 << 20;
constexpr absl::Duration kDrain = absl::Seconds(5);
// For answers on their way out. A client that does not read would hold the server up for longer.
constexpr std::chrono::milliseconds kLastAnswers{100};

// Where TLS will come in.
std::shared_ptr<grpc::ServerCredentials> Credentials() { return grpc::InsecureServerCredentials(); }

}  // namespace

class ClientServer::Impl {
 public:
  Impl(ClientServiceOptions options, ClientServiceDeps client, AdminServiceDeps admin)
      : client_(ClientService::Make(options, client)), admin_(MakeAdminService(admin)) {}

  absl::Status Start(const base::Endpoint& listen) {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort(listen.ToString(), Credentials(), &port);
    // Two servers on one port would each get some of the connections.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5000);
    builder.SetMaxReceiveMessageSize(kRequestBytesMax);
    builder.RegisterService(&client_->service());
    builder.RegisterService(admin_.get());
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port == 0) {
      return absl::FailedPreconditionError(
          base::StrCat("cannot listen for clients on ", listen.ToString(),
                       ": the address is in use or not this machine's"));
    }
    return absl::OkStatus();
  }

  ~Impl() {
    if (server_ == nullptr) return;
    server_->GetHealthCheckService()->SetServingStatus(false);
    client_->Drain(kDrain);
    server_->Shutdown(std::chrono::system_clock::now() + kLastAnswers);
    server_->Wait();
  }

 private:
  std::unique_ptr<ClientService> client_;
  std::unique_ptr<grpc::Service> admin_;
  std::unique_ptr<grpc::Server> server_;
};

absl::StatusOr<std::unique_ptr<ClientServer>> ClientServer::Start(Options options,
                                                                  ClientServiceDeps client,
                                                                  AdminServiceDeps admin) {
  auto impl = std::make_unique<Impl>(options.client, client, admin);
  const absl::Status status = impl->Start(options.listen);
  if (!status.ok()) return status;
  return std::unique_ptr<ClientServer>(new ClientServer(std::move(impl)));
}

ClientServer::ClientServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ClientServer::~ClientServer() = default;

}  // namespace tholos::node
