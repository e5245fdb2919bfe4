#include "base/errors.h"

#include "base/coding.h"
#include "base/random.h"
#include "gtest/gtest.h"

namespace tholos::base {
namespace {

absl::Status RoundTrip(const absl::Status& status) {
  std::string bytes;
  EncodeStatus(status, &bytes);
  bytes += "tail";
  std::string_view in = bytes;
  absl::Status out;
  EXPECT_TRUE(DecodeStatus(&in, &out).ok());
  EXPECT_EQ(in, "tail");
  return out;
}

TEST(Errors, CodesFollowTheKinds) {
  const struct {
    RequestErrorKind kind;
    absl::StatusCode code;
  } cases[] = {
      {RequestErrorKind::kUnavailable, absl::StatusCode::kUnavailable},
      {RequestErrorKind::kTimeout, absl::StatusCode::kDeadlineExceeded},
      {RequestErrorKind::kFailure, absl::StatusCode::kAborted},
      {RequestErrorKind::kOverloaded, absl::StatusCode::kResourceExhausted},
      {RequestErrorKind::kInvalid, absl::StatusCode::kInvalidArgument},
      {RequestErrorKind::kUnauthorized, absl::StatusCode::kPermissionDenied},
      {RequestErrorKind::kAlreadyExists, absl::StatusCode::kAlreadyExists},
      {RequestErrorKind::kUnprepared, absl::StatusCode::kNotFound},
      {RequestErrorKind::kSyntax, absl::StatusCode::kInvalidArgument},
      {RequestErrorKind::kConfig, absl::StatusCode::kInvalidArgument},
      {RequestErrorKind::kTruncate, absl::StatusCode::kAborted},
      {RequestErrorKind::kUncertain, absl::StatusCode::kAborted},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(MakeRequestError({.kind = c.kind}, "m").code(), c.code)
        << RequestErrorKindName(c.kind);
  }
  EXPECT_EQ(GetRequestError(InvalidRequest("m"))->kind, RequestErrorKind::kInvalid);
  EXPECT_EQ(GetRequestError(Overloaded("m"))->kind, RequestErrorKind::kOverloaded);
  EXPECT_FALSE(GetRequestError(absl::OkStatus()).has_value());
  EXPECT_FALSE(GetRequestError(absl::UnavailableError("m")).has_value());
}

TEST(Errors, StatusesRoundTrip) {
  const RequestError error{.kind = RequestErrorKind::kTimeout,
                           .write = true,
                           .consistency = "LOCAL_QUORUM",
                           .required = 2,
                           .received = 1,
                           .alive = 3,
                           .failures = 4'000'000'000,
                           .write_type = "UNLOGGED_BATCH",
                           .data_present = true,
                           .reasons = {{"10.0.0.1", ReplicaFailureCode::kTooManyTombstones},
                                       {"::1", ReplicaFailureCode::kUnknown}},
                           .contentions = 3,
                           .keyspace = "ks",
                           .name = "t"};
  const absl::Status status = MakeRequestError(error, "2 of 3 answered");
  EXPECT_EQ(RoundTrip(status), status);
  EXPECT_EQ(GetRequestError(RoundTrip(status)), error);
  EXPECT_EQ(RoundTrip(absl::OkStatus()), absl::OkStatus());
  EXPECT_EQ(RoundTrip(absl::DataLossError("x")), absl::DataLossError("x"));
  const absl::Status large = RoundTrip(absl::InternalError(std::string(1 << 20, 'm')));
  EXPECT_EQ(large.code(), absl::StatusCode::kInternal);
  EXPECT_LT(large.message().size(), 64u * 1024);
}

TEST(Errors, MalformedStatusesAreRefused) {
  std::string bytes;
  EncodeStatus(MakeRequestError({.kind = RequestErrorKind::kFailure, .consistency = "ALL"}, "m"),
               &bytes);
  absl::Status out;
  for (size_t length = 0; length < bytes.size(); ++length) {
    std::string_view cut = std::string_view(bytes).substr(0, length);
    EXPECT_EQ(DecodeStatus(&cut, &out).code(), absl::StatusCode::kDataLoss) << length;
    EXPECT_EQ(cut.size(), length);
  }
  std::string unknown_code;
  PutVarint(&unknown_code, 99);
  PutBytes(&unknown_code, "m");
  PutBytes(&unknown_code, "");
  std::string_view in = unknown_code;
  EXPECT_FALSE(DecodeStatus(&in, &out).ok());
  // Random damage: decoded or refused, never a crash.
  RandomStream random(11);
  for (int i = 0; i < 5000; ++i) {
    std::string damaged = bytes;
    damaged[random.Below(damaged.size())] = static_cast<char>(random.Next());
    in = damaged;
    DecodeStatus(&in, &out).IgnoreError();
  }
}

}  // namespace
}  // namespace tholos::base
