#include "gossip/endpoint_state.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/coding.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace tholos::gossip {
namespace {

absl::StatusOr<ring::NodeStatus> ParseStatus(std::string_view name) {
  using ring::NodeStatus;
  for (const NodeStatus status :
       {NodeStatus::kJoining, NodeStatus::kNormal, NodeStatus::kLeaving}) {
    if (ring::NodeStatusName(status) == name) return status;
  }
  return absl::DataLossError(base::StrCat("unknown node status \"", name, "\""));
}

absl::StatusOr<base::Endpoint> ParseEndpoint(const EndpointState& state, StateKey key) {
  auto endpoint = base::Endpoint::Parse(state.Get(key));
  if (endpoint.ok()) return endpoint;
  return absl::DataLossError(
      base::StrCat(StateKeyName(key), ": ", base::ToStd(endpoint.status().message())));
}

}  // namespace

std::string_view StateKeyName(StateKey key) {
  switch (key) {
    case StateKey::kStatus:
      return "STATUS";
    case StateKey::kTokens:
      return "TOKENS";
    case StateKey::kDatacenter:
      return "DATACENTER";
    case StateKey::kRack:
      return "RACK";
    case StateKey::kInternode:
      return "INTERNODE";
    case StateKey::kClient:
      return "CLIENT";
    case StateKey::kLoad:
      return "LOAD";
    case StateKey::kSchema:
      return "SCHEMA";
    case StateKey::kRelease:
      return "RELEASE";
    case StateKey::kShutdown:
      return "SHUTDOWN";
    case StateKey::kNative:
      return "NATIVE";
    case StateKey::kServing:
      return "SERVING";
  }
  return "?";
}

uint64_t EndpointState::MaxVersion() const {
  uint64_t version = heartbeat;
  for (const auto& [key, value] : values) version = std::max(version, value.version);
  return version;
}

std::string_view EndpointState::Get(StateKey key) const {
  const auto it = values.find(key);
  return it == values.end() ? std::string_view() : std::string_view(it->second.value);
}

size_t EndpointState::Bytes() const {
  size_t bytes = 0;
  for (const auto& [key, value] : values) bytes += value.value.size();
  return bytes;
}

std::string EncodeTokens(const std::vector<data::Token>& tokens) {
  std::string out;
  base::PutVarint(&out, tokens.size());
  for (const data::Token token : tokens) base::PutFixed64(&out, static_cast<uint64_t>(token));
  return out;
}

absl::StatusOr<std::vector<data::Token>> DecodeTokens(std::string_view value) {
  base::Reader reader(value);
  const size_t count = reader.Count(sizeof(data::Token));
  if (count > kTokensMax) reader.Fail();
  std::vector<data::Token> tokens;
  for (size_t i = 0; reader.ok() && i < count; ++i) {
    tokens.push_back(static_cast<data::Token>(reader.Fixed64()));
  }
  if (!reader.AtEnd()) return absl::DataLossError("malformed TOKENS");
  std::sort(tokens.begin(), tokens.end());
  return tokens;
}

std::string EncodeDigest(uint64_t digest) {
  return absl::StrCat(absl::Hex(digest, absl::kZeroPad16));
}

absl::btree_map<StateKey, std::string> ValuesOf(const ring::NodeInfo& node) {
  absl::btree_map<StateKey, std::string> values = {
      {StateKey::kStatus, std::string(ring::NodeStatusName(node.status))},
      {StateKey::kTokens, EncodeTokens(node.tokens)},
      {StateKey::kDatacenter, node.datacenter},
      {StateKey::kRack, node.rack},
      {StateKey::kInternode, node.internode.ToString()},
      {StateKey::kClient, node.client.ToString()}};
  if (!node.native.host.empty()) values[StateKey::kNative] = node.native.ToString();
  return values;
}

absl::StatusOr<ring::NodeInfo> NodeInfoOf(const NodeId& id, const EndpointState& state) {
  if (state.Get(StateKey::kStatus).empty() || state.Get(StateKey::kInternode).empty()) {
    return absl::NotFoundError(
        base::StrCat("node ", id.ToString(), " has not announced its status and address"));
  }
  ring::NodeInfo node;
  node.id = id;
  node.datacenter = state.Get(StateKey::kDatacenter);
  node.rack = state.Get(StateKey::kRack);
  THOLOS_ASSIGN_OR_RETURN(node.status, ParseStatus(state.Get(StateKey::kStatus)));
  THOLOS_ASSIGN_OR_RETURN(node.internode, ParseEndpoint(state, StateKey::kInternode));
  if (!state.Get(StateKey::kClient).empty()) {
    THOLOS_ASSIGN_OR_RETURN(node.client, ParseEndpoint(state, StateKey::kClient));
  }
  if (!state.Get(StateKey::kNative).empty()) {
    THOLOS_ASSIGN_OR_RETURN(node.native, ParseEndpoint(state, StateKey::kNative));
  }
  node.serving = state.Get(StateKey::kServing) == "1";
  if (!absl::SimpleHexAtoi(base::ToAbsl(state.Get(StateKey::kSchema)), &node.schema_digest)) {
    node.schema_digest = 0;
  }
  if (!state.Get(StateKey::kTokens).empty()) {
    THOLOS_ASSIGN_OR_RETURN(node.tokens, DecodeTokens(state.Get(StateKey::kTokens)));
  }
  return node;
}

}  // namespace tholos::gossip
