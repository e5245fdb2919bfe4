#include "cli/connection.h"

#include <grpcpp/create_channel.h>

#include <chrono>

#include "absl/strings/str_cat.h"

namespace tholos::cli {
namespace {

constexpr int kMessageBytesMax = 256 << 20;
constexpr char kPortDefault[] = ":9043";

}  // namespace

std::string CompleteTarget(const std::string& host) {
  const bool has_port = host.rfind(':') != std::string::npos && host.back() != ']';
  const auto endpoint = base::Endpoint::Parse(has_port ? host : host + kPortDefault);
  if (!endpoint.ok()) Fail(absl::StrCat("--host: ", endpoint.status().message()));
  return endpoint->ToString();
}

Connection::Connection(const GlobalOptions& options)
    : timeout_(options.timeout()), target_(CompleteTarget(options.host)) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMessageBytesMax);
  arguments.SetMaxSendMessageSize(kMessageBytesMax);
  // Each connection its own: several of them load several threads of the server.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  auto channel = grpc::CreateCustomChannel(target_, grpc::InsecureChannelCredentials(), arguments);
  cql_ = tholos::v1::Tholos::NewStub(channel);
  admin_ = tholos::v1::Admin::NewStub(channel);
}

void Connection::SetDeadline(grpc::ClientContext* context) const {
  context->set_deadline(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(timeout_));
}

std::string CodeName(int grpc_code) {
  return absl::StatusCodeToString(static_cast<absl::StatusCode>(grpc_code));
}

std::string Connection::Explain(const grpc::Status& status) const {
  // The server's own refusals carry details; without them UNAVAILABLE means there was no server.
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE && status.error_details().empty()) {
    return absl::StrCat("cannot reach ", target_, ": ", status.error_message());
  }
  if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED &&
      status.error_details().empty()) {
    return absl::StrCat("DEADLINE_EXCEEDED: ", target_, " did not answer within ",
                        absl::FormatDuration(timeout_));
  }
  return absl::StrCat(CodeName(status.error_code()), ": ", status.error_message());
}

}  // namespace tholos::cli
