// A gRPC server that speaks tholos.v1 as a test tells it to: for what real nodes do too seldom.
#pragma once

#include <grpcpp/server_builder.h>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "proto/tholos/v1/tholos.grpc.pb.h"

namespace tholos::client {

class ScriptedServer final : public tholos::v1::Tholos::Service {
 public:
  // The answer to one call of a session (its id is filled in); nothing: none, ever. kBreak ends the
  // stream.
  using Answer = std::optional<tholos::v1::SessionAnswer>;
  static Answer Break() {
    tholos::v1::SessionAnswer answer;
    answer.set_id(UINT64_MAX);
    return answer;
  }
  static Answer Error(tholos::v1::ErrorDetail::Kind kind, int code);
  // A result without rows.
  static Answer Void();
  // A statement with one int marker, which is its partition key.
  static Answer Prepared();
  using Script = std::function<Answer(const tholos::v1::SessionCall& call, int n)>;

  // On a free port of `host`. `script` is called with each call and how many came before it.
  ScriptedServer(const std::string& host, Script script);
  ~ScriptedServer() override { Stop(); }
  void Stop();

  const std::string& address() const { return address_; }
  // What GetTopology tells; all of them are up. By default this server alone.
  void SetNodes(std::vector<std::string> addresses);
  // The calls that came.
  std::vector<tholos::v1::SessionCall> calls() const;

 private:
  using Stream = grpc::ServerReaderWriter<tholos::v1::SessionResponse, tholos::v1::SessionRequest>;
  grpc::Status GetTopology(grpc::ServerContext* context, const tholos::v1::TopologyRequest* request,
                           tholos::v1::Topology* response) override;
  grpc::Status Session(grpc::ServerContext* context, Stream* stream) override;

  const Script script_;
  std::string address_;
  mutable std::mutex mutex_;
  std::vector<std::string> nodes_;
  std::vector<tholos::v1::SessionCall> calls_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace tholos::client
