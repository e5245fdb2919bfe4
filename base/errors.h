// Typed request errors: what a client needs to know beyond a code and a sentence. They travel as a
// payload of absl::Status, survive the internode wire, and are turned into gRPC details (and later
// native-protocol error bodies) at the edge.
//
//   kind          absl code           meaning
//   kUnavailable  kUnavailable        not enough replicas alive: nothing was applied anywhere
//   kTimeout      kDeadlineExceeded   the outcome is unknown: a write may be applied
//   kFailure      kAborted            too many replicas answered with an error; a write may be
//   applied kOverloaded   kResourceExhausted  refused at the door, nothing was applied kInvalid
//   kInvalidArgument    the request is wrong; the message names what and where kUnauthorized
//   kPermissionDenied kAlreadyExists kAlreadyExists     a keyspace or table of that name exists
//   kUnprepared   kNotFound           the prepared statement is not known here: prepare it again
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace tholos::base {

enum class RequestErrorKind : uint8_t {
  kUnavailable = 1,
  kTimeout = 2,
  kFailure = 3,
  kOverloaded = 4,
  kInvalid = 5,
  kUnauthorized = 6,
  kAlreadyExists = 7,
  kUnprepared = 8,
};

std::string_view RequestErrorKindName(RequestErrorKind kind);

struct RequestError {
  RequestErrorKind kind = RequestErrorKind::kInvalid;
  bool write = false;       // kTimeout, kFailure: a write or a read
  std::string consistency;  // kUnavailable, kTimeout, kFailure: the level asked for, e.g. "QUORUM"
  uint32_t required = 0;    // answers that the level needs
  uint32_t received = 0;    // kTimeout, kFailure: answers that came in time
  uint32_t alive = 0;       // kUnavailable: replicas believed alive
  uint32_t failures = 0;    // kFailure: replicas that answered with an error
  friend bool operator==(const RequestError&, const RequestError&) = default;
};

// The status with `error` as its payload; the code follows from the kind (table above).
absl::Status MakeRequestError(const RequestError& error, std::string_view message);

// kInvalid without further detail.
absl::Status InvalidRequest(std::string_view message);
absl::Status Overloaded(std::string_view message);

// The payload, if `status` carries one.
std::optional<RequestError> GetRequestError(const absl::Status& status);

// Whole statuses on the wire: code, message and payload, bounded at 64 KiB.
void EncodeStatus(const absl::Status& status, std::string* out);
// Consumes one status from the front of `*in`; the decoded status lands in `*status`. Returns an
// error if the bytes are malformed.
absl::Status DecodeStatus(std::string_view* in, absl::Status* status);

}  // namespace tholos::base
