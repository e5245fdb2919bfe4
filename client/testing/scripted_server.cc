#include "client/testing/scripted_server.h"

#include <chrono>

#include "base/check.h"

namespace tholos::client {

namespace pb = ::tholos::v1;

ScriptedServer::Answer ScriptedServer::Error(pb::ErrorDetail::Kind kind, int code) {
  pb::SessionAnswer answer;
  answer.mutable_error()->set_code(static_cast<uint32_t>(code));
  answer.mutable_error()->set_message("as scripted");
  answer.mutable_error()->mutable_detail()->set_kind(kind);
  return answer;
}

ScriptedServer::Answer ScriptedServer::Void() {
  pb::SessionAnswer answer;
  answer.mutable_execute();
  return answer;
}

ScriptedServer::Answer ScriptedServer::Prepared() {
  pb::SessionAnswer answer;
  pb::PrepareResponse& prepare = *answer.mutable_prepare();
  prepare.set_id("id");
  prepare.add_parameters()->set_name("k");
  prepare.mutable_parameters(0)->set_keyspace("ks");
  prepare.mutable_parameters(0)->set_type(9);
  prepare.add_partition_key_indexes(0);
  return answer;
}

ScriptedServer::ScriptedServer(const std::string& host, Script script)
    : script_(std::move(script)) {
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(host + ":0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
  THOLOS_CHECK(server_ != nullptr && port != 0);
  address_ = host + ":" + std::to_string(port);
  nodes_ = {address_};
}

void ScriptedServer::Stop() {
  if (server_ == nullptr) return;
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
  server_.reset();
}

void ScriptedServer::SetNodes(std::vector<std::string> addresses) {
  std::lock_guard lock(mutex_);
  nodes_ = std::move(addresses);
}

std::vector<pb::SessionCall> ScriptedServer::calls() const {
  std::lock_guard lock(mutex_);
  return calls_;
}

grpc::Status ScriptedServer::GetTopology(grpc::ServerContext*, const pb::TopologyRequest*,
                                         pb::Topology* response) {
  std::lock_guard lock(mutex_);
  for (const std::string& address : nodes_) {
    response->set_version(response->version() + address + ",");
    pb::TopologyNode* node = response->add_nodes();
    node->set_host_id(address);
    node->set_address(address);
    node->set_datacenter("dc1");
    node->set_up(true);
  }
  response->set_host_id(address_);
  return grpc::Status::OK;
}

grpc::Status ScriptedServer::Session(grpc::ServerContext*, Stream* stream) {
  stream->SendInitialMetadata();
  pb::SessionRequest request;
  while (stream->Read(&request)) {
    pb::SessionResponse response;
    for (const pb::SessionCall& call : request.calls()) {
      int n = 0;
      {
        std::lock_guard lock(mutex_);
        n = static_cast<int>(calls_.size());
        calls_.push_back(call);
      }
      Answer answer = script_(call, n);
      if (!answer.has_value()) continue;
      if (answer->id() == UINT64_MAX) return grpc::Status(grpc::StatusCode::UNAVAILABLE, "broken");
      answer->set_id(call.id());
      *response.add_answers() = *std::move(answer);
    }
    if (response.answers_size() > 0) stream->Write(response);
  }
  return grpc::Status::OK;
}

}  // namespace tholos::client
