#include "gossip/message.h"

#include "base/checksum.h"
#include "base/coding.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace tholos::gossip {
namespace {

using base::Reader;

enum class Kind : uint64_t { kSyn = 1, kAck = 2, kAck2 = 3, kEcho = 4 };

constexpr uint8_t kVersion = 2;
constexpr uint8_t kShadowFlag = 1;
constexpr size_t kIdBytes = 16;
constexpr size_t kChecksumBytes = 8;
constexpr size_t kDigestBytesMin = kIdBytes + 2;
constexpr size_t kDeltaBytesMin = kIdBytes + 4;
constexpr size_t kValueBytesMin = 3;
constexpr size_t kVarintBytesMax = 10;

std::string Begin() { return std::string(1, static_cast<char>(kVersion)); }

std::string Finish(std::string out, Kind kind) {
  base::PutFixed64(&out, base::Checksum64(out, static_cast<uint64_t>(kind)));
  return out;
}

// The body of a message whose version and checksum are right.
absl::StatusOr<std::string_view> Open(std::string_view bytes, Kind kind, std::string_view what) {
  if (bytes.size() < 1 + kChecksumBytes) {
    return absl::DataLossError(base::StrCat("malformed ", what, ": ", bytes.size(), " bytes"));
  }
  const std::string_view covered = bytes.substr(0, bytes.size() - kChecksumBytes);
  const uint64_t checksum = base::LoadFixed64(bytes.data() + covered.size());
  if (checksum != base::Checksum64(covered, static_cast<uint64_t>(kind))) {
    return absl::DataLossError(base::StrCat("malformed ", what, ": wrong checksum"));
  }
  if (static_cast<uint8_t>(covered[0]) != kVersion) {
    return absl::DataLossError(base::StrCat(what, " of version ", static_cast<int>(covered[0]),
                                            ", expected ", static_cast<int>(kVersion)));
  }
  return covered.substr(1);
}

absl::Status Close(const Reader& reader, std::string_view what) {
  if (reader.AtEnd()) return absl::OkStatus();
  return absl::DataLossError(base::StrCat("malformed ", what));
}

void PutId(std::string* out, const NodeId& id) { out->append(id.AsBytes()); }

NodeId ReadId(Reader* reader) {
  const auto id = NodeId::FromBytes(reader->Raw(kIdBytes));
  return id.ok() ? *id : NodeId();
}

int64_t ReadGeneration(Reader* reader) {
  const auto generation = static_cast<int64_t>(reader->Varint());
  if (generation < 0) reader->Fail();
  return generation;
}

void PutSender(std::string* out, const Sender& sender) {
  PutId(out, sender.id);
  base::PutVarint(out, static_cast<uint64_t>(sender.generation));
  base::PutFixed64(out, static_cast<uint64_t>(sender.wall_micros));
}

Sender ReadSender(Reader* reader) {
  Sender sender;
  sender.id = ReadId(reader);
  sender.generation = ReadGeneration(reader);
  sender.wall_micros = static_cast<int64_t>(reader->Fixed64());
  return sender;
}

std::string ReadName(Reader* reader) {
  const std::string_view name = reader->Bytes();
  if (name.size() > kNameBytesMax) reader->Fail();
  return reader->ok() ? std::string(name) : std::string();
}

void PutDigests(std::string* out, const std::vector<Digest>& digests) {
  base::PutVarint(out, digests.size());
  for (const Digest& digest : digests) {
    PutId(out, digest.id);
    base::PutVarint(out, static_cast<uint64_t>(digest.generation));
    base::PutVarint(out, digest.version);
  }
}

std::vector<Digest> ReadDigests(Reader* reader) {
  std::vector<Digest> digests;
  const size_t count = reader->Count(kDigestBytesMin);
  if (count > kEndpointsMax) reader->Fail();
  for (size_t i = 0; reader->ok() && i < count; ++i) {
    Digest digest;
    digest.id = ReadId(reader);
    digest.generation = ReadGeneration(reader);
    digest.version = reader->Varint();
    digests.push_back(digest);
  }
  return digests;
}

void PutDeltas(std::string* out, const std::vector<Delta>& deltas) {
  base::PutVarint(out, deltas.size());
  for (const Delta& delta : deltas) {
    PutId(out, delta.id);
    base::PutVarint(out, static_cast<uint64_t>(delta.generation));
    base::PutVarint(out, delta.from_version);
    base::PutVarint(out, delta.heartbeat);
    base::PutVarint(out, delta.values.size());
    for (const auto& [key, value] : delta.values) {
      base::PutU8(out, static_cast<uint8_t>(key));
      base::PutVarint(out, value.version);
      base::PutBytes(out, value.value);
    }
  }
}

void ReadValues(Reader* reader, Delta* delta) {
  const size_t count = reader->Count(kValueBytesMin);
  if (count > kValuesMax) reader->Fail();
  size_t bytes = 0;
  for (size_t i = 0; reader->ok() && i < count; ++i) {
    const auto key = static_cast<StateKey>(reader->U8());
    const uint64_t version = reader->Varint();
    const std::string_view value = reader->Bytes();
    bytes += value.size();
    if (value.size() > kValueBytesMax || bytes > kEndpointBytesMax) reader->Fail();
    delta->values.emplace_back(key, VersionedValue{version, std::string(value)});
  }
}

std::vector<Delta> ReadDeltas(Reader* reader) {
  std::vector<Delta> deltas;
  const size_t count = reader->Count(kDeltaBytesMin);
  if (count > kEndpointsMax) reader->Fail();
  for (size_t i = 0; reader->ok() && i < count; ++i) {
    Delta& delta = deltas.emplace_back();
    delta.id = ReadId(reader);
    delta.generation = ReadGeneration(reader);
    delta.from_version = reader->Varint();
    delta.heartbeat = reader->Varint();
    ReadValues(reader, &delta);
  }
  return deltas;
}

}  // namespace

size_t Delta::Bytes() const {
  size_t bytes = kIdBytes + 4 * kVarintBytesMax;
  for (const auto& [key, value] : values) bytes += 1 + 2 * kVarintBytesMax + value.value.size();
  return bytes;
}

std::string Encode(const Syn& message) {
  std::string out = Begin();
  base::PutU8(&out, message.shadow ? kShadowFlag : 0);
  base::PutBytes(&out, message.cluster_name);
  base::PutBytes(&out, message.partitioner);
  PutSender(&out, message.sender);
  PutDigests(&out, message.digests);
  return Finish(std::move(out), Kind::kSyn);
}

std::string Encode(const Ack& message) {
  std::string out = Begin();
  PutSender(&out, message.sender);
  PutDeltas(&out, message.deltas);
  PutDigests(&out, message.requests);
  return Finish(std::move(out), Kind::kAck);
}

std::string Encode(const Ack2& message) {
  std::string out = Begin();
  PutSender(&out, message.sender);
  PutDeltas(&out, message.deltas);
  return Finish(std::move(out), Kind::kAck2);
}

std::string Encode(const Echo& message) {
  std::string out = Begin();
  PutSender(&out, message.sender);
  return Finish(std::move(out), Kind::kEcho);
}

absl::StatusOr<Syn> DecodeSyn(std::string_view bytes) {
  THOLOS_ASSIGN_OR_RETURN(const std::string_view body, Open(bytes, Kind::kSyn, "gossip Syn"));
  Reader reader(body);
  Syn message;
  message.shadow = (reader.U8() & kShadowFlag) != 0;
  message.cluster_name = ReadName(&reader);
  message.partitioner = ReadName(&reader);
  message.sender = ReadSender(&reader);
  message.digests = ReadDigests(&reader);
  THOLOS_RETURN_IF_ERROR(Close(reader, "gossip Syn"));
  return message;
}

absl::StatusOr<Ack> DecodeAck(std::string_view bytes) {
  THOLOS_ASSIGN_OR_RETURN(const std::string_view body, Open(bytes, Kind::kAck, "gossip Ack"));
  Reader reader(body);
  Ack message;
  message.sender = ReadSender(&reader);
  message.deltas = ReadDeltas(&reader);
  message.requests = ReadDigests(&reader);
  THOLOS_RETURN_IF_ERROR(Close(reader, "gossip Ack"));
  return message;
}

absl::StatusOr<Ack2> DecodeAck2(std::string_view bytes) {
  THOLOS_ASSIGN_OR_RETURN(const std::string_view body, Open(bytes, Kind::kAck2, "gossip Ack2"));
  Reader reader(body);
  Ack2 message;
  message.sender = ReadSender(&reader);
  message.deltas = ReadDeltas(&reader);
  THOLOS_RETURN_IF_ERROR(Close(reader, "gossip Ack2"));
  return message;
}

absl::StatusOr<Echo> DecodeEcho(std::string_view bytes) {
  THOLOS_ASSIGN_OR_RETURN(const std::string_view body, Open(bytes, Kind::kEcho, "gossip Echo"));
  Reader reader(body);
  Echo message;
  message.sender = ReadSender(&reader);
  THOLOS_RETURN_IF_ERROR(Close(reader, "gossip Echo"));
  return message;
}

}  // namespace tholos::gossip
