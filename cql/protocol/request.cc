#include "cql/protocol/request.h"

#include <utility>

#include "base/coding.h"
#include "base/strings.h"
#include "cql/protocol/wire.h"

namespace tholos::cql::protocol {
namespace {

constexpr uint32_t kPrepareKeyspace = 0x01;

PrepareRequest ReadPrepare(uint8_t version, base::Reader& in) {
  PrepareRequest prepare;
  prepare.query = ReadLongString(in);
  if (version >= 5) {
    const auto flags = static_cast<uint32_t>(ReadInt(in));
    if ((flags & kPrepareKeyspace) != 0) prepare.keyspace = ReadString(in);
  }
  return prepare;
}

QueryRequest ReadQuery(uint8_t version, base::Reader& in) {
  QueryRequest query;
  query.query = ReadLongString(in);
  query.parameters = ReadQueryParameters(version, in);
  return query;
}

ExecuteRequest ReadExecute(uint8_t version, base::Reader& in) {
  ExecuteRequest execute;
  execute.id = ReadShortBytes(in);
  if (version >= 5) execute.result_metadata_id = ReadShortBytes(in);
  execute.parameters = ReadQueryParameters(version, in);
  return execute;
}

void SkipCustomPayload(base::Reader& in) {
  const size_t count = ReadShort(in);
  for (size_t i = 0; i < count && in.ok(); ++i) {
    ReadString(in);
    ReadBytes(in);
  }
}

struct Encoder {
  uint8_t version;
  std::string* out;

  Opcode operator()(const StartupRequest& request) const {
    PutShort(out, static_cast<uint16_t>(request.options.size()));
    for (const auto& [key, value] : request.options) {
      PutString(out, key);
      PutString(out, value);
    }
    return Opcode::kStartup;
  }
  Opcode operator()(const OptionsRequest&) const { return Opcode::kOptions; }
  Opcode operator()(const AuthResponseRequest& request) const {
    PutBytesValue(out, request.token);
    return Opcode::kAuthResponse;
  }
  Opcode operator()(const RegisterRequest& request) const {
    PutStringList(out, request.event_types);
    return Opcode::kRegister;
  }
  Opcode operator()(const PrepareRequest& request) const {
    PutLongString(out, request.query);
    if (version >= 5) {
      base::PutBigEndian32(out, request.keyspace.empty() ? 0 : kPrepareKeyspace);
      if (!request.keyspace.empty()) PutString(out, request.keyspace);
    }
    return Opcode::kPrepare;
  }
  Opcode operator()(const QueryRequest& request) const {
    PutLongString(out, request.query);
    PutQueryParameters(version, request.parameters, out);
    return Opcode::kQuery;
  }
  Opcode operator()(const ExecuteRequest& request) const {
    PutShortBytes(out, request.id);
    if (version >= 5) PutShortBytes(out, request.result_metadata_id);
    PutQueryParameters(version, request.parameters, out);
    return Opcode::kExecute;
  }
  Opcode operator()(const BatchRequest& request) const {
    EncodeBatch(version, request, out);
    return Opcode::kBatch;
  }
};

}  // namespace

absl::StatusOr<Request> DecodeRequest(const FrameHeader& header, std::string_view body) {
  base::Reader in(body);
  if ((header.flags & kFlagCustomPayload) != 0 && header.version >= 4) SkipCustomPayload(in);
  Request request;
  switch (header.opcode) {
    case Opcode::kStartup:
      request = StartupRequest{ReadStringMap(in)};
      break;
    case Opcode::kOptions:
      request = OptionsRequest{};
      break;
    case Opcode::kAuthResponse:
      request = AuthResponseRequest{std::string(ReadBytes(in).value_or(std::string_view()))};
      break;
    case Opcode::kRegister:
      request = RegisterRequest{ReadStringList(in)};
      break;
    case Opcode::kPrepare:
      request = ReadPrepare(header.version, in);
      break;
    case Opcode::kQuery:
      request = ReadQuery(header.version, in);
      break;
    case Opcode::kExecute:
      request = ReadExecute(header.version, in);
      break;
    case Opcode::kBatch: {
      if (!in.ok()) return in.status("custom payload");
      auto batch = DecodeBatch(header.version, in.rest());
      if (!batch.ok()) return batch.status();
      return Request(*std::move(batch));
    }
    default:
      return absl::DataLossError(base::ToAbsl(
          base::StrCat("Unknown opcode ", static_cast<int>(header.opcode), " in a request")));
  }
  if (!in.ok()) return in.status("request");
  return request;
}

void EncodeRequest(uint8_t version, int16_t stream, uint8_t flags, const Request& request,
                   std::string* out) {
  const size_t start = out->size();
  out->resize(start + kFrameHeaderBytes);
  FrameHeader header;
  header.version = version;
  header.flags = flags;
  header.stream = stream;
  header.opcode = std::visit(Encoder{version, out}, request);
  header.length = static_cast<uint32_t>(out->size() - start - kFrameHeaderBytes);
  EncodeFrameHeader(header, out->data() + start);
}

}  // namespace tholos::cql::protocol
