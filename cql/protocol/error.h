// ERROR: <code: [int]><message: [string]> and what the code adds.
//
//   0x0000 server error          0x000A protocol error     0x0100 bad credentials
//   0x1000 unavailable           <consistency><required: [int]><alive: [int]>
//   0x1001 overloaded            0x1002 is bootstrapping   0x1003 truncate error
//   0x1100 write timeout         <consistency><received><required><write type: [string]>
//                                v5 and type CAS: <contentions: [short]>
//   0x1200 read timeout          <consistency><received><required><data present: [byte]>
//   0x1300 read failure          <consistency><received><required><failures><data present: [byte]>
//   0x1500 write failure         <consistency><received><required><failures><write type: [string]>
//   0x1700 CAS write unknown     <consistency><received><required>                          (v5)
//   0x2000 syntax error          0x2100 unauthorized       0x2200 invalid    0x2300 config error
//   0x2400 already exists        <keyspace: [string]><table: [string], empty: the keyspace>
//   0x2500 unprepared            <id: [short bytes]>
//
// Failures: [int] count; from version 5 on a map: [int] n, n times an address ([byte] size, bytes)
// and a [short] code. Version 3 has no failures: they go as timeouts. Before version 5 an unknown
// CAS outcome goes as a write timeout.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace tholos::cql::protocol {

enum class ErrorCode : int32_t {
  kServerError = 0x0000,
  kProtocolError = 0x000A,
  kBadCredentials = 0x0100,
  kUnavailable = 0x1000,
  kOverloaded = 0x1001,
  kIsBootstrapping = 0x1002,
  kTruncateError = 0x1003,
  kWriteTimeout = 0x1100,
  kReadTimeout = 0x1200,
  kReadFailure = 0x1300,
  kWriteFailure = 0x1500,
  kCasWriteUnknown = 0x1700,
  kSyntaxError = 0x2000,
  kUnauthorized = 0x2100,
  kInvalid = 0x2200,
  kConfigError = 0x2300,
  kAlreadyExists = 0x2400,
  kUnprepared = 0x2500,
};

// A body of a code that adds nothing.
void PutError(ErrorCode code, std::string_view message, std::string* out);
// The body for a status that is not OK: by its request error (base/errors.h); without one,
// kDataLoss is a protocol error, kUnauthenticated bad credentials, and all else a server error.
void PutErrorOf(uint8_t version, const absl::Status& status, std::string* out);

}  // namespace tholos::cql::protocol
