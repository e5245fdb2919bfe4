// The part of a connection before its first query: STARTUP, OPTIONS, AUTH_RESPONSE, REGISTER.
#include <utility>

#include "absl/strings/numbers.h"
#include "base/errors.h"
#include "base/strings.h"
#include "cql/protocol/response.h"
#include "cql/protocol/wire.h"
#include "node/native/connection.h"
#include "node/native/shard_server.h"

namespace tholos::node::native {

using cql::protocol::Compression;
using cql::protocol::FrameHeader;
using cql::protocol::Opcode;
using cql::protocol::ResponseFrame;

namespace {
// The CQL version whose statements are spoken here.
constexpr std::string_view kCqlVersion = "3.4.7";

// A client may ask for any version from 3 on, as with Cassandra; some ask for 4.
bool IsSpoken(std::string_view cql_version) {
  uint32_t major = 0;
  const size_t dot = cql_version.find('.');
  return dot != std::string_view::npos &&
         absl::SimpleAtoi(base::ToAbsl(cql_version.substr(0, dot)), &major) && major >= 3;
}
}  // namespace

void Connection::OnOptions(const FrameHeader& header) {
  std::map<std::string, std::vector<std::string>> options = {
      {"CQL_VERSION", {std::string(kCqlVersion)}}, {"PROTOCOL_VERSIONS", {"3/v3", "4/v4", "5/v5"}}};
  options["COMPRESSION"] = {"snappy", "lz4"};
  // For clients that want a connection to every shard: one from a local port p to the shard-aware
  // port goes to shard p modulo the number of shards; a token belongs to the shard in whose slice
  // it lies if the token space is cut into equal ones.
  if (server_options_.shard_aware_port != 0) {
    options["THOLOS_SHARD"] = {base::StrCat(server_.shard())};
    options["THOLOS_SHARD_COUNT"] = {base::StrCat(server_.shard_count())};
    options["THOLOS_SHARD_AWARE_PORT"] = {base::StrCat(server_options_.shard_aware_port)};
    options["THOLOS_SHARDING"] = {"equal-token-slices"};
  }
  ResponseFrame frame(header.version, header.stream, &frames_);
  cql::protocol::PutSupported(options, &frames_);
  frame.Finish(Opcode::kSupported, segmented_ ? Compression::kNone : compression_);
  ScheduleFlush();
}

void Connection::OnStartup(const FrameHeader& header, cql::protocol::StartupRequest request) {
  if (!request.options.contains("CQL_VERSION")) {
    return AnswerError(header.version, header.stream,
                       absl::DataLossError("Missing value CQL_VERSION in STARTUP message"));
  }
  const std::string& cql_version = request.options["CQL_VERSION"];
  if (!IsSpoken(cql_version)) {
    return AnswerError(
        header.version, header.stream,
        absl::DataLossError(base::ToAbsl(base::StrCat("CQL version ", cql_version,
                                                      " is not supported by the binary protocol "
                                                      "(supported versions are >= 3.0.0)"))));
  }
  if (const auto asked = request.options.find("COMPRESSION"); asked != request.options.end()) {
    const auto compression = cql::protocol::CompressionFromName(asked->second);
    if (!compression || (header.version >= 5 && *compression == Compression::kSnappy)) {
      return AnswerError(header.version, header.stream,
                         absl::DataLossError(base::ToAbsl(
                             base::StrCat("Unknown compression algorithm: ", asked->second))));
    }
    compression_ = *compression;
  }
  version_ = header.version;
  stream_.SetVersion(version_);
  stream_.SetCompression(compression_);
  server_.CountClient(version_);
  Welcome(header);
}

// READY, or the question who the client is. In version 5 that is the last frame outside a segment.
void Connection::Welcome(const FrameHeader& header) {
  const std::string_view authenticator = server_.deps().authenticator.class_name();
  ResponseFrame frame(header.version, header.stream, &frames_);
  if (authenticator.empty()) {
    state_ = State::kReady;
    frame.Finish(Opcode::kReady, Compression::kNone);
  } else {
    state_ = State::kAuthenticating;
    cql::protocol::PutAuthenticate(authenticator, &frames_);
    frame.Finish(Opcode::kAuthenticate, Compression::kNone);
  }
  if (version_ >= 5) {
    // Not Flush: this frame still goes as it is.
    if (tls_ != nullptr) {
      tls_->Write(frames_);
    } else {
      wire_.append(frames_);
    }
    frames_.clear();
    segmented_ = true;
    stream_.EnterSegments();
  }
  ScheduleFlush();
}

base::Task<void> Connection::Authenticate(Ticket ticket,
                                          cql::protocol::AuthResponseRequest request) {
  auto role = co_await server_.deps().authenticator.Authenticate(std::move(request.token));
  if (!closed()) {
    if (role.ok()) {
      role_ = *std::move(role);
      state_ = State::kReady;
      ResponseFrame frame(ticket.version, ticket.stream, &frames_);
      cql::protocol::PutAuthSuccess(&frames_);
      frame.Finish(Opcode::kAuthSuccess, Compression::kNone);
      ScheduleFlush();
    } else {
      server_.metrics().auth_failures->Add();
      AnswerError(ticket.version, ticket.stream, role.status());
    }
  }
  Finish(ticket);
}

void Connection::OnRegister(const FrameHeader& header, cql::protocol::RegisterRequest request) {
  uint8_t events = 0;
  for (const std::string& name : request.event_types) {
    const auto type = cql::protocol::EventTypeFromName(name);
    if (!type) {
      return AnswerError(
          header.version, header.stream,
          absl::DataLossError(base::ToAbsl(base::StrCat("Invalid value '", name, "' for Type"))));
    }
    events |= static_cast<uint8_t>(*type);
  }
  events_ |= events;
  ResponseFrame frame(header.version, header.stream, &frames_);
  frame.Finish(Opcode::kReady, Compression::kNone);
  ScheduleFlush();
}

}  // namespace tholos::node::native
