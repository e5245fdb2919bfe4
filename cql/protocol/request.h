// Requests: what clients send, decoded. Text and values are copies: a request outlives its frame.
//
//   STARTUP        [string map] of options
//   OPTIONS        nothing
//   AUTH_RESPONSE  [bytes] token
//   REGISTER       [string list] of event types
//   PREPARE        [long string] query, v5: [int] flags, keyspace
//   QUERY          [long string] query, parameters (query_parameters.h)
//   EXECUTE        [short bytes] id, v5: [short bytes] result metadata id, parameters
//   BATCH          see request_batch.cc
//
// A custom payload (flag 0x04) comes before any of them and is passed over. What follows the known
// fields of a body is ignored, as the specification asks.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "cql/protocol/frame.h"
#include "cql/protocol/query_parameters.h"

namespace tholos::cql::protocol {

struct StartupRequest {
  std::map<std::string, std::string> options;
};
struct OptionsRequest {};
struct AuthResponseRequest {
  std::string token;
};
struct RegisterRequest {
  std::vector<std::string> event_types;
};
struct PrepareRequest {
  std::string query;
  std::string keyspace;  // v5; empty: the session's
};
struct QueryRequest {
  std::string query;
  QueryParameters parameters;
};
struct ExecuteRequest {
  std::string id;
  std::string result_metadata_id;  // v5: of the metadata that the client has
  QueryParameters parameters;
};
struct BatchRequest {
  struct Item {
    bool prepared = false;
    std::string statement;  // text, or the id
    std::vector<BoundValue> values;
  };
  uint8_t type = 0;  // 0 logged, 1 unlogged, 2 counter
  std::vector<Item> items;
  QueryParameters parameters;  // without values, paging and skip_metadata
};

using Request = std::variant<StartupRequest, OptionsRequest, AuthResponseRequest, RegisterRequest,
                             PrepareRequest, QueryRequest, ExecuteRequest, BatchRequest>;

// An error without a request-error payload (base/errors.h) is a protocol error: the message says
// what is malformed.
absl::StatusOr<Request> DecodeRequest(const FrameHeader& header, std::string_view body);

// The other direction, for clients and tests: appends a whole frame.
void EncodeRequest(uint8_t version, int16_t stream, uint8_t flags, const Request& request,
                   std::string* out);

// One message family each; used by DecodeRequest and EncodeRequest.
absl::StatusOr<BatchRequest> DecodeBatch(uint8_t version, std::string_view body);
void EncodeBatch(uint8_t version, const BatchRequest& batch, std::string* out);

}  // namespace tholos::cql::protocol
