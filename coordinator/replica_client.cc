#include "coordinator/replica_client.h"

#include <utility>

#include "base/status_macros.h"
#include "base/strings.h"
#include "coordinator/digest.h"
#include "coordinator/read/resolve.h"
#include "coordinator/trace.h"

namespace tholos::coordinator {

namespace {

absl::Status HasLeft(const ring::NodeId& node) {
  return absl::UnavailableError(absl::StrCat("node ", node.ToString(), " has left the cluster"));
}

}  // namespace

std::shared_ptr<const ReadMessage> ReadMessage::Of(data::ReadCommand command, bool background) {
  auto message = std::make_shared<ReadMessage>();
  message->body = data::EncodeReadCommand(command);
  message->command = std::move(command);
  message->background = background;
  return message;
}

rpc::Verb ReadMessage::verb(bool data) const {
  if (background) return data ? rpc::Verb::kRepairRead : rpc::Verb::kRepairDigest;
  return data ? rpc::Verb::kReadData : rpc::Verb::kReadDigest;
}

// Not a coroutine, as Call: every write goes through here, and each frame costs.
base::Task<absl::Status> ReplicaClient::Apply(ring::NodeId to, rpc::Verb verb,
                                              std::shared_ptr<const WriteMessage> message,
                                              base::Deadline deadline, TraceHandle trace) const {
  if (to != self_)
    return Ask(to, {verb, message->token, message->body}, deadline, std::move(trace));
  auto applied = deps_.engine.Apply(std::string(message->mutation()), deadline);
  return trace == nullptr ? std::move(applied) : Traced(std::move(applied), std::move(trace));
}

base::Task<absl::Status> ReplicaClient::Traced(base::Task<absl::Status> applying,
                                               TraceHandle trace) {
  absl::Status applied = co_await std::move(applying);
  trace->Add(applied.ok() ? "mutation applied here" : "mutation failed here");
  co_return applied;
}

base::Task<absl::StatusOr<data::ReadResult>> ReplicaClient::ReadData(
    ring::NodeId from, std::shared_ptr<const ReadMessage> message, base::Deadline deadline,
    TraceHandle trace) const {
  if (from == self_) {
    auto result = co_await deps_.engine.Read(message->command, deadline);
    if (trace != nullptr && result.ok()) trace->Add(DescribeResult(*result));
    co_return result;
  }
  const int64_t token = message->command.RoutingToken();
  const auto bytes =
      co_await Call(from, {message->verb(true), token, message->body}, deadline, std::move(trace));
  Note(from, bytes.status());
  THOLOS_CO_RETURN_IF_ERROR(bytes.status());
  co_return DecodeData(message->command, *bytes);
}

absl::StatusOr<data::ReadResult> ReplicaClient::DecodeData(const data::ReadCommand& command,
                                                           std::string_view bytes) {
  THOLOS_ASSIGN_OR_RETURN(data::ReadResult result, data::DecodeReadResult(bytes));
  THOLOS_RETURN_IF_ERROR(CheckAnswer(command, result));
  return result;
}

base::Task<absl::StatusOr<base::Hash128>> ReplicaClient::ReadDigest(
    ring::NodeId from, std::shared_ptr<const ReadMessage> message, base::Deadline deadline,
    TraceHandle trace) const {
  if (from == self_) {
    THOLOS_CO_ASSIGN_OR_RETURN(data::ReadResult result,
                               co_await deps_.engine.Read(message->command, deadline));
    if (trace != nullptr) trace->Add(DescribeResult(result));
    co_return DigestOf(result);
  }
  const int64_t token = message->command.RoutingToken();
  const auto bytes =
      co_await Call(from, {message->verb(false), token, message->body}, deadline, std::move(trace));
  Note(from, bytes.status());
  THOLOS_CO_RETURN_IF_ERROR(bytes.status());
  co_return DecodeDigest(*bytes);
}

base::Hash128 ReplicaClient::DigestOf(const data::ReadResult& result) const {
  return AnswerDigest(result, faults_);
}

base::Task<absl::Status> ReplicaClient::Ask(ring::NodeId to, Message message,
                                            base::Deadline deadline, TraceHandle trace) const {
  const auto answer = co_await Call(to, std::move(message), deadline, std::move(trace));
  Note(to, answer.status());
  co_return answer.status();
}

base::Task<absl::StatusOr<std::string>> ReplicaClient::CallTraced(ring::NodeId to, Message message,
                                                                  base::Deadline deadline,
                                                                  TraceHandle trace) const {
  const std::string what(rpc::VerbName(message.verb));
  const ring::NodeInfo* node = deps_.cluster.Get()->Find(to);
  const base::Endpoint replica = node == nullptr ? base::Endpoint{} : node->internode;
  trace->Add(base::StrCat("sending ", what, " to ", replica.ToString()));
  message.body = EncodeTracedRequest(message.verb, message.body);
  message.verb = rpc::Verb::kTraced;
  auto bytes = co_await Call(to, std::move(message), deadline, nullptr);
  Note(to, bytes.status());
  absl::StatusOr<TracedAnswer> traced =
      bytes.ok() ? DecodeTracedAnswer(*bytes) : absl::StatusOr<TracedAnswer>(bytes.status());
  const absl::Status outcome = traced.ok() ? traced->answer.status() : traced.status();
  if (traced.ok()) trace->AddOf(replica, std::move(traced->steps));
  trace->Add(base::StrCat(outcome.ok() ? "answer to " : "failure of ", what, " from ",
                          replica.ToString(), outcome.ok() ? "" : ": ",
                          base::ToStd(outcome.message())));
  if (!traced.ok()) co_return traced.status();
  co_return std::move(traced->answer);
}

base::Task<absl::StatusOr<std::string>> ReplicaClient::Call(ring::NodeId to, Message message,
                                                            base::Deadline deadline,
                                                            TraceHandle trace) const {
  if (trace != nullptr) return CallTraced(to, std::move(message), deadline, std::move(trace));
  const ring::ClusterState::Ptr state = deps_.cluster.Get();
  const ring::NodeInfo* node = state->Find(to);
  if (node == nullptr) {
    return base::Task<absl::StatusOr<std::string>>::Ready(HasLeft(to));
  }
  return deps_.transport.Call({.to = node->internode,
                               .verb = message.verb,
                               .token = message.token,
                               .body = std::move(message.body)},
                              deadline);
}

void ReplicaClient::Ask(const ring::ClusterState& state, ring::NodeId to, rpc::Verb verb,
                        int64_t token, std::string_view body, base::Deadline deadline,
                        std::shared_ptr<rpc::AnswerSink> sink, uint32_t which) const {
  const ring::NodeInfo* node = state.Find(to);
  if (node == nullptr) return sink->OnAnswer(which, HasLeft(to));
  deps_.transport.Ask(node->internode, verb, token, body, deadline, std::move(sink), which);
}

void ReplicaClient::Note(ring::NodeId node, const absl::Status& answer) const {
  if (absl::IsUnavailable(answer)) deps_.liveness.Suspect(node);
}

}  // namespace tholos::coordinator
