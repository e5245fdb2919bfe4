#include "coordinator/replica_client.h"

#include <utility>

#include "base/status_macros.h"
#include "base/strings.h"
#include "coordinator/digest.h"
#include "coordinator/read/resolve.h"

namespace tholos::coordinator {

std::shared_ptr<const ReadMessage> ReadMessage::Of(data::ReadCommand command) {
  auto message = std::make_shared<ReadMessage>();
  message->body = data::EncodeReadCommand(command);
  message->command = std::move(command);
  return message;
}

base::Task<absl::Status> ReplicaClient::Apply(ring::NodeId to, rpc::Verb verb,
                                              std::shared_ptr<const WriteMessage> message,
                                              base::Deadline deadline) const {
  if (to == self_)
    co_return co_await deps_.engine.Apply(std::string(message->mutation()), deadline);
  auto answer = co_await Call(to, verb, message->token, message->body, deadline);
  co_return answer.status();
}

base::Task<absl::StatusOr<data::ReadResult>> ReplicaClient::ReadData(
    ring::NodeId from, std::shared_ptr<const ReadMessage> message, base::Deadline deadline) const {
  if (from == self_) co_return co_await deps_.engine.Read(message->command, deadline);
  const int64_t token = message->command.RoutingToken();
  THOLOS_CO_ASSIGN_OR_RETURN(
      std::string bytes, co_await Call(from, rpc::Verb::kReadData, token, message->body, deadline));
  THOLOS_CO_ASSIGN_OR_RETURN(data::ReadResult result, data::DecodeReadResult(bytes));
  THOLOS_CO_RETURN_IF_ERROR(CheckAnswer(message->command, result));
  co_return result;
}

base::Task<absl::StatusOr<base::Hash128>> ReplicaClient::ReadDigest(
    ring::NodeId from, std::shared_ptr<const ReadMessage> message, base::Deadline deadline) const {
  if (from == self_) {
    THOLOS_CO_ASSIGN_OR_RETURN(data::ReadResult result,
                               co_await deps_.engine.Read(message->command, deadline));
    co_return DigestOf(result);
  }
  const int64_t token = message->command.RoutingToken();
  THOLOS_CO_ASSIGN_OR_RETURN(std::string bytes, co_await Call(from, rpc::Verb::kReadDigest, token,
                                                              message->body, deadline));
  co_return DecodeDigest(bytes);
}

base::Hash128 ReplicaClient::DigestOf(const data::ReadResult& result) const {
  return AnswerDigest(result, mutant_digest_ignores_column_);
}

base::Task<absl::StatusOr<std::string>> ReplicaClient::Call(ring::NodeId to, rpc::Verb verb,
                                                            int64_t token, std::string body,
                                                            base::Deadline deadline) const {
  const ring::ClusterState::Ptr state = deps_.cluster.Get();
  const ring::NodeInfo* node = state->Find(to);
  if (node == nullptr) {
    co_return absl::UnavailableError(absl::StrCat("node ", to.ToString(), " has left the cluster"));
  }
  rpc::Outgoing message{
      .to = node->internode, .verb = verb, .token = token, .body = std::move(body)};
  auto answer = co_await deps_.transport.Call(std::move(message), deadline);
  if (absl::IsUnavailable(answer.status())) deps_.liveness.Suspect(to);
  co_return answer;
}

}  // namespace tholos::coordinator
