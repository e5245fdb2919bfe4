#include "cql/protocol/error.h"

#include <algorithm>

#include "base/coding.h"
#include "base/errors.h"
#include "base/strings.h"
#include "coordinator/consistency.h"
#include "cql/protocol/wire.h"

namespace tholos::cql::protocol {
namespace {

using base::RequestError;
using base::RequestErrorKind;

class Writer {
 public:
  Writer(uint8_t version, std::string_view message, std::string* out)
      : version_(version), message_(message), out_(out) {}

  void Write(const RequestError& error) {
    switch (error.kind) {
      case RequestErrorKind::kUnavailable:
        Begin(ErrorCode::kUnavailable, error);
        Count(error.required);
        return Count(error.alive);
      case RequestErrorKind::kTimeout:
        return error.write ? WriteTimeout(error) : ReadTimeout(error);
      case RequestErrorKind::kFailure:
        return Failure(error);
      case RequestErrorKind::kUncertain:
        return Uncertain(error);
      case RequestErrorKind::kOverloaded:
        return Plain(ErrorCode::kOverloaded);
      case RequestErrorKind::kInvalid:
        return Plain(ErrorCode::kInvalid);
      case RequestErrorKind::kUnauthorized:
        return Plain(ErrorCode::kUnauthorized);
      case RequestErrorKind::kSyntax:
        return Plain(ErrorCode::kSyntaxError);
      case RequestErrorKind::kConfig:
        return Plain(ErrorCode::kConfigError);
      case RequestErrorKind::kTruncate:
        return Plain(ErrorCode::kTruncateError);
      case RequestErrorKind::kAlreadyExists:
        Plain(ErrorCode::kAlreadyExists);
        PutString(out_, error.keyspace);
        return PutString(out_, error.name);
      case RequestErrorKind::kUnprepared:
        Plain(ErrorCode::kUnprepared);
        return PutShortBytes(out_, error.name);
    }
    Plain(ErrorCode::kServerError);
  }

 private:
  void Plain(ErrorCode code) { PutError(code, message_, out_); }
  void Count(uint32_t count) {
    PutInt(out_, static_cast<int32_t>(std::min<uint32_t>(count, INT32_MAX)));
  }
  void WriteType(const RequestError& error) {
    PutString(out_, error.write_type.empty() ? "SIMPLE" : error.write_type);
  }
  // The code, the message and the level.
  void Begin(ErrorCode code, const RequestError& error) {
    Plain(code);
    const auto level = coordinator::ConsistencyFromName(error.consistency);
    PutShort(out_, static_cast<uint16_t>(level.value_or(coordinator::ConsistencyLevel::kOne)));
  }

  void WriteTimeout(const RequestError& error) {
    Begin(ErrorCode::kWriteTimeout, error);
    Count(error.received);
    Count(error.required);
    WriteType(error);
    if (version_ >= 5 && error.write_type == "CAS") {
      PutShort(out_, static_cast<uint16_t>(std::min<uint32_t>(error.contentions, UINT16_MAX)));
    }
  }

  void ReadTimeout(const RequestError& error) {
    Begin(ErrorCode::kReadTimeout, error);
    Count(error.received);
    Count(error.required);
    base::PutU8(out_, error.data_present ? 1 : 0);
  }

  void Failure(const RequestError& error) {
    if (version_ < 4) return error.write ? WriteTimeout(error) : ReadTimeout(error);
    Begin(error.write ? ErrorCode::kWriteFailure : ErrorCode::kReadFailure, error);
    Count(error.received);
    Count(error.required);
    if (version_ < 5) {
      Count(error.failures);
    } else {
      Count(static_cast<uint32_t>(error.reasons.size()));
      for (const base::ReplicaFailure& reason : error.reasons) {
        PutInetAddress(out_, reason.host);
        PutShort(out_, static_cast<uint16_t>(reason.code));
      }
    }
    if (error.write) {
      WriteType(error);
    } else {
      base::PutU8(out_, error.data_present ? 1 : 0);
    }
  }

  void Uncertain(const RequestError& error) {
    if (version_ < 5) return WriteTimeout(error);
    Begin(ErrorCode::kCasWriteUnknown, error);
    Count(error.received);
    Count(error.required);
  }

  const uint8_t version_;
  const std::string_view message_;
  std::string* const out_;
};

}  // namespace

void PutError(ErrorCode code, std::string_view message, std::string* out) {
  PutInt(out, static_cast<int32_t>(code));
  PutString(out, message);
}

void PutErrorOf(uint8_t version, const absl::Status& status, std::string* out) {
  const std::string_view message = base::ToStd(status.message());
  if (const auto error = base::GetRequestError(status)) {
    return Writer(version, message, out).Write(*error);
  }
  switch (status.code()) {
    case absl::StatusCode::kDataLoss:
      return PutError(ErrorCode::kProtocolError, message, out);
    case absl::StatusCode::kUnauthenticated:
      return PutError(ErrorCode::kBadCredentials, message, out);
    default:
      return PutError(ErrorCode::kServerError, message, out);
  }
}

}  // namespace tholos::cql::protocol
