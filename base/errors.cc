#include "base/errors.h"

#include <algorithm>

#include "absl/strings/cord.h"
#include "base/coding.h"
#include "base/strings.h"

namespace tholos::base {
namespace {

constexpr char kPayloadUrl[] = "tholos.RequestError";
constexpr size_t kTextBytesMax = 64;  // of levels, write types, hosts, names, ids
constexpr RequestErrorKind kLastKind = RequestErrorKind::kUncertain;
// Together with the code, the lengths and the payload (at most 64 reasons of 70 bytes) a status
// stays below 64 KiB.
constexpr size_t kMessageBytesMax = 56 * 1024;

absl::StatusCode CodeOf(RequestErrorKind kind) {
  switch (kind) {
    case RequestErrorKind::kUnavailable:
      return absl::StatusCode::kUnavailable;
    case RequestErrorKind::kTimeout:
      return absl::StatusCode::kDeadlineExceeded;
    case RequestErrorKind::kFailure:
      return absl::StatusCode::kAborted;
    case RequestErrorKind::kOverloaded:
      return absl::StatusCode::kResourceExhausted;
    case RequestErrorKind::kInvalid:
      return absl::StatusCode::kInvalidArgument;
    case RequestErrorKind::kUnauthorized:
      return absl::StatusCode::kPermissionDenied;
    case RequestErrorKind::kAlreadyExists:
      return absl::StatusCode::kAlreadyExists;
    case RequestErrorKind::kUnprepared:
      return absl::StatusCode::kNotFound;
    case RequestErrorKind::kSyntax:
    case RequestErrorKind::kConfig:
      return absl::StatusCode::kInvalidArgument;
    case RequestErrorKind::kTruncate:
    case RequestErrorKind::kUncertain:
      return absl::StatusCode::kAborted;
  }
  return absl::StatusCode::kUnknown;
}

void PutText(std::string* out, std::string_view text) {
  PutBytes(out, text.substr(0, kTextBytesMax));
}

std::string ReadText(Reader& in) {
  const std::string_view text = in.Bytes();
  if (text.size() > kTextBytesMax) in.Fail();
  return in.ok() ? std::string(text) : std::string();
}

// kind (1) | write (1) | consistency (varint length, bytes) | required, received, alive, failures
// (varints) | write type | data present (1) | contentions (varint) | keyspace | name | count of
// reasons (varint), each: host, code (varint)
std::string EncodePayload(const RequestError& error) {
  std::string out;
  PutU8(&out, static_cast<uint8_t>(error.kind));
  PutU8(&out, error.write ? 1 : 0);
  PutText(&out, error.consistency);
  PutVarint(&out, error.required);
  PutVarint(&out, error.received);
  PutVarint(&out, error.alive);
  PutVarint(&out, error.failures);
  PutText(&out, error.write_type);
  PutU8(&out, error.data_present ? 1 : 0);
  PutVarint(&out, error.contentions);
  PutText(&out, error.keyspace);
  PutText(&out, error.name);
  const size_t reasons = std::min(error.reasons.size(), kReplicaFailuresMax);
  PutVarint(&out, reasons);
  for (size_t i = 0; i < reasons; ++i) {
    PutText(&out, error.reasons[i].host);
    PutVarint(&out, static_cast<uint64_t>(error.reasons[i].code));
  }
  return out;
}

uint32_t ReadCount(Reader& in) {
  const uint64_t count = in.Varint();
  if (count > UINT32_MAX) in.Fail();
  return static_cast<uint32_t>(count);
}

std::optional<RequestError> DecodePayload(std::string_view bytes) {
  Reader in(bytes);
  RequestError error;
  const uint8_t kind = in.U8();
  if (kind < 1 || kind > static_cast<uint8_t>(kLastKind)) in.Fail();
  error.kind = static_cast<RequestErrorKind>(kind);
  error.write = in.U8() != 0;
  error.consistency = ReadText(in);
  error.required = ReadCount(in);
  error.received = ReadCount(in);
  error.alive = ReadCount(in);
  error.failures = ReadCount(in);
  error.write_type = ReadText(in);
  error.data_present = in.U8() != 0;
  error.contentions = ReadCount(in);
  error.keyspace = ReadText(in);
  error.name = ReadText(in);
  const size_t reasons = in.Count(2);
  if (reasons > kReplicaFailuresMax) in.Fail();
  for (size_t i = 0; i < reasons && in.ok(); ++i) {
    ReplicaFailure& reason = error.reasons.emplace_back();
    reason.host = ReadText(in);
    reason.code = static_cast<ReplicaFailureCode>(in.Varint());
  }
  if (!in.AtEnd()) return std::nullopt;
  return error;
}

}  // namespace

std::string_view RequestErrorKindName(RequestErrorKind kind) {
  switch (kind) {
    case RequestErrorKind::kUnavailable:
      return "unavailable";
    case RequestErrorKind::kTimeout:
      return "timeout";
    case RequestErrorKind::kFailure:
      return "failure";
    case RequestErrorKind::kOverloaded:
      return "overloaded";
    case RequestErrorKind::kInvalid:
      return "invalid";
    case RequestErrorKind::kUnauthorized:
      return "unauthorized";
    case RequestErrorKind::kAlreadyExists:
      return "already exists";
    case RequestErrorKind::kUnprepared:
      return "unprepared";
    case RequestErrorKind::kSyntax:
      return "syntax";
    case RequestErrorKind::kConfig:
      return "config";
    case RequestErrorKind::kTruncate:
      return "truncate";
    case RequestErrorKind::kUncertain:
      return "uncertain";
  }
  return "unknown";
}

absl::Status MakeRequestError(const RequestError& error, std::string_view message) {
  absl::Status status(CodeOf(error.kind), ToAbsl(message));
  status.SetPayload(kPayloadUrl, absl::Cord(ToAbsl(EncodePayload(error))));
  return status;
}

absl::Status InvalidRequest(std::string_view message) {
  return MakeRequestError({.kind = RequestErrorKind::kInvalid}, message);
}

absl::Status SyntaxError(std::string_view message) {
  return MakeRequestError({.kind = RequestErrorKind::kSyntax}, message);
}

absl::Status ConfigError(std::string_view message) {
  return MakeRequestError({.kind = RequestErrorKind::kConfig}, message);
}

absl::Status Overloaded(std::string_view message) {
  return MakeRequestError({.kind = RequestErrorKind::kOverloaded}, message);
}

std::optional<RequestError> GetRequestError(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kPayloadUrl);
  if (!payload.has_value()) return std::nullopt;
  return DecodePayload(std::string(*payload));
}

// code (varint) | message (varint length, bytes) | payload (varint length, bytes; 0 = none)
void EncodeStatus(const absl::Status& status, std::string* out) {
  PutVarint(out, static_cast<uint64_t>(status.raw_code()));
  PutBytes(out, ToStd(status.message()).substr(0, kMessageBytesMax));
  const absl::optional<absl::Cord> payload = status.GetPayload(kPayloadUrl);
  PutBytes(out, payload.has_value() ? std::string(*payload) : std::string());
}

absl::Status DecodeStatus(std::string_view* in, absl::Status* status) {
  Reader reader(*in);
  const uint64_t code = reader.Varint();
  if (code > static_cast<uint64_t>(absl::StatusCode::kUnauthenticated)) reader.Fail();
  const std::string_view message = reader.Bytes();
  if (message.size() > kMessageBytesMax) reader.Fail();
  const std::string_view payload = reader.Bytes();
  if (!payload.empty() && !DecodePayload(payload).has_value()) reader.Fail();
  if (!reader.ok()) return reader.status("status");
  *status = absl::Status(static_cast<absl::StatusCode>(code), ToAbsl(message));
  if (!payload.empty()) status->SetPayload(kPayloadUrl, absl::Cord(ToAbsl(payload)));
  *in = reader.rest();
  return absl::OkStatus();
}

}  // namespace tholos::base
