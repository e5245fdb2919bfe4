// Typed request errors: what a client needs to know beyond a code and a sentence. They travel as a
// payload of absl::Status, survive the internode wire, and are turned into gRPC details (and later
// native-protocol error bodies) at the edge.
//
//   kind            absl code           meaning
//   kUnavailable    kUnavailable        not enough replicas alive: nothing was applied anywhere
//   kTimeout        kDeadlineExceeded   the outcome is unknown: a write may be applied
//   kFailure        kAborted            too many replicas answered with an error; a write may be
//                                       applied
//   kOverloaded     kResourceExhausted  refused at the door, nothing was applied
//   kInvalid        kInvalidArgument    the request is wrong; the message names what and where
//   kUnauthorized   kPermissionDenied   the role may not do this
//   kAlreadyExists  kAlreadyExists      a keyspace, table or type of that name exists
//   kUnprepared     kNotFound           the prepared statement is not known here: prepare it again
//   kSyntax         kInvalidArgument    the text is no CQL statement
//   kConfig         kInvalidArgument    a setting in the statement is wrong or not allowed
//   kTruncate       kAborted            a table was not truncated on all its replicas
//   kUncertain      kAborted            whether a conditional write was applied is not known
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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
  kSyntax = 9,
  kConfig = 10,
  kTruncate = 11,
  kUncertain = 12,
};

std::string_view RequestErrorKindName(RequestErrorKind kind);

// Why one replica failed: the codes of the CQL native protocol.
enum class ReplicaFailureCode : uint16_t {
  kUnknown = 0,
  kTooManyTombstones = 1,
  kUnknownTable = 3,
};

struct ReplicaFailure {
  std::string host;  // of its internode address
  ReplicaFailureCode code = ReplicaFailureCode::kUnknown;
  friend bool operator==(const ReplicaFailure&, const ReplicaFailure&) = default;
};

struct RequestError {
  RequestErrorKind kind = RequestErrorKind::kInvalid;
  bool write = false;       // kTimeout, kFailure: a write or a read
  std::string consistency;  // of all that name counts: the level asked for, e.g. "QUORUM"
  uint32_t required = 0;    // answers that the level needs
  uint32_t received = 0;    // kTimeout, kFailure, kUncertain: answers that came in time
  uint32_t alive = 0;       // kUnavailable: replicas believed alive
  uint32_t failures = 0;    // kFailure: replicas that answered with an error
  // Writes that ended with kTimeout or kFailure: "SIMPLE", "BATCH", "BATCH_LOG", "UNLOGGED_BATCH",
  // "COUNTER", "CAS". Empty: SIMPLE.
  std::string write_type = {};
  bool data_present = false;                 // reads: whether the data itself (no digest) came
  std::vector<ReplicaFailure> reasons = {};  // kFailure; at most kReplicaFailuresMax are kept
  uint32_t contentions = 0;                  // kTimeout of a CAS write: ballots that lost
  // kAlreadyExists: the keyspace and the table (empty: the keyspace itself). kUnprepared: the id.
  std::string keyspace = {};
  std::string name = {};
  friend bool operator==(const RequestError&, const RequestError&) = default;
};

inline constexpr size_t kReplicaFailuresMax = 64;

// The status with `error` as its payload; the code follows from the kind (table above).
absl::Status MakeRequestError(const RequestError& error, std::string_view message);

// kInvalid, kSyntax, kConfig without further detail.
absl::Status InvalidRequest(std::string_view message);
absl::Status SyntaxError(std::string_view message);
absl::Status ConfigError(std::string_view message);
absl::Status Overloaded(std::string_view message);

// The payload, if `status` carries one.
std::optional<RequestError> GetRequestError(const absl::Status& status);

// Whole statuses on the wire: code, message and payload, bounded at 64 KiB.
void EncodeStatus(const absl::Status& status, std::string* out);
// Consumes one status from the front of `*in`; the decoded status lands in `*status`. Returns an
// error if the bytes are malformed.
absl::Status DecodeStatus(std::string_view* in, absl::Status* status);

}  // namespace tholos::base
