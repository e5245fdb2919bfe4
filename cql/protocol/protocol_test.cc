// Round trips of every message, and the bodies of errors byte by byte.
#include "base/errors.h"
#include "base/random.h"
#include "cql/protocol/error.h"
#include "cql/protocol/event.h"
#include "cql/protocol/frame_stream.h"
#include "cql/protocol/request.h"
#include "cql/protocol/response.h"
#include "cql/protocol/result.h"
#include "cql/protocol/segment.h"
#include "cql/protocol/testing.h"
#include "cql/protocol/wire.h"
#include "gtest/gtest.h"

namespace tholos::cql::protocol {
namespace {

using base::RequestErrorKind;
using Kind = FrameStream::Kind;
using Role = FrameStream::Role;

constexpr size_t kFrameMax = 1 << 20;

TEST(ProtocolFrame, HeadersRoundTrip) {
  const FrameHeader header{.version = 4,
                           .response = true,
                           .flags = kFlagTracing,
                           .stream = -1,
                           .opcode = Opcode::kEvent,
                           .length = 0x01020304};
  char bytes[kFrameHeaderBytes];
  EncodeFrameHeader(header, bytes);
  EXPECT_EQ(std::string_view(bytes, sizeof(bytes)),
            std::string_view("\x84\x02\xFF\xFF\x0C\x01\x02\x03\x04", 9));
  const FrameHeader back = DecodeFrameHeader({bytes, sizeof(bytes)});
  EXPECT_EQ(back.stream, -1);
  EXPECT_TRUE(back.response);
  EXPECT_EQ(back.length, header.length);
}

TEST(ProtocolSegment, ChecksumsAreThoseOfTheSpecification) {
  // As computed by an unmodified driver.
  EXPECT_EQ(SegmentCrc24(std::string_view("\x05\x00\x02", 3)), 0x9a9919u);
  EXPECT_EQ(SegmentCrc32("hello"), 0xb60e8074u);
  EXPECT_EQ(SegmentCrc32(""), 0x44777ed3u);
}

// Every message, every version, in any pieces, plain, compressed and in segments.
TEST(ProtocolRequest, RoundTripsThroughAnyStream) {
  base::RandomStream random(7);
  for (int round = 0; round < 3000; ++round) {
    const auto version = static_cast<uint8_t>(3 + random.Below(3));
    const bool segments = version == 5 && random.Below(2) == 0;
    const auto compression = static_cast<Compression>(random.Below(segments ? 2 : 3));
    std::string frames;
    std::vector<std::string> expected;
    for (uint64_t n = 1 + random.Below(4); n > 0; --n) {
      std::string frame;
      EncodeRequest(version, static_cast<int16_t>(n), 0, RandomRequest(random, version), &frame);
      expected.push_back(frame);
      if (compression != Compression::kNone && !segments) {
        std::string body;
        CompressBody(compression, std::string_view(frame).substr(kFrameHeaderBytes), &body);
        FrameHeader header = DecodeFrameHeader(frame);
        header.flags = kFlagCompressed;
        header.length = static_cast<uint32_t>(body.size());
        frame.resize(kFrameHeaderBytes);
        EncodeFrameHeader(header, frame.data());
        frame += body;
      }
      frames += frame;
    }
    std::string wire;
    if (segments) {
      AppendSegments(frames, compression == Compression::kLz4, &wire);
    } else {
      wire = frames;
    }
    FrameStream stream(Role::kServer, kFrameMax);
    stream.SetVersion(version);
    stream.SetCompression(compression);
    if (segments) stream.EnterSegments();
    size_t got = 0;
    for (std::string_view rest = wire; !rest.empty();) {
      const size_t take = 1 + random.Below(rest.size());
      const std::string piece(rest.substr(0, take));
      rest.remove_prefix(take);
      stream.Feed(piece);
      for (auto next = stream.Next(); next.kind != Kind::kNeedMore; next = stream.Next()) {
        ASSERT_EQ(next.kind, Kind::kFrame) << next.message;
        ASSERT_LT(got, expected.size());
        const auto request = DecodeRequest(next.header, next.body);
        ASSERT_TRUE(request.ok()) << request.status();
        std::string again;
        EncodeRequest(version, next.header.stream, 0, *request, &again);
        ASSERT_EQ(again, expected[got]) << "round " << round;
        ++got;
      }
    }
    ASSERT_EQ(got, expected.size());
    EXPECT_LE(stream.buffered_bytes(), 2 * kSegmentPayloadBytesMax);
  }
}

TEST(ProtocolSegment, LargeFramesSpanSegments) {
  for (const bool lz4 : {false, true}) {
    std::string frames;
    for (const size_t size : {10u, 300'000u, 0u, 131'071u - 9u - 13u, 131'072u}) {
      QueryRequest query{std::string(size, 'q'), {}};
      EncodeRequest(5, 1, 0, query, &frames);
    }
    std::string wire;
    AppendSegments(frames, lz4, &wire);
    FrameStream stream(Role::kServer, kFrameMax);
    if (lz4) stream.SetCompression(Compression::kLz4);
    stream.EnterSegments();
    stream.Feed(wire);
    std::vector<size_t> sizes;
    for (auto next = stream.Next(); next.kind == Kind::kFrame; next = stream.Next()) {
      sizes.push_back(std::get<QueryRequest>(*DecodeRequest(next.header, next.body)).query.size());
    }
    EXPECT_EQ(sizes, (std::vector<size_t>{10, 300'000, 0, 131'071 - 9 - 13, 131'072}));
  }
}

FrameStream::Result FirstOf(std::string_view wire, Compression compression = Compression::kNone,
                            bool segments = false) {
  FrameStream stream(Role::kServer, 1000);
  stream.SetCompression(compression);
  if (segments) stream.EnterSegments();
  stream.Feed(wire);
  return stream.Next();
}

std::string Frame(uint8_t version, uint8_t flags, Opcode opcode, std::string_view body) {
  std::string frame(kFrameHeaderBytes, '\0');
  EncodeFrameHeader({.version = version,
                     .flags = flags,
                     .opcode = opcode,
                     .length = static_cast<uint32_t>(body.size())},
                    frame.data());
  return frame.append(body);
}

TEST(ProtocolFrameStream, RefusesWhatIsBroken) {
  auto result = FirstOf(Frame(6, kFlagBeta, Opcode::kOptions, ""));
  EXPECT_EQ(result.kind, Kind::kBroken);
  EXPECT_EQ(result.message,
            "Invalid or unsupported protocol version (6); supported versions are (3/v3, 4/v4, "
            "5/v5)");
  EXPECT_EQ(result.header.version, 5);
  // The first byte says it already: version 1 has a shorter header.
  EXPECT_EQ(FirstOf("\x01").kind, Kind::kBroken);
  EXPECT_EQ(FirstOf("GET / HTTP/1.1\r\n").kind, Kind::kBroken);
  EXPECT_EQ(FirstOf(Frame(4 | kResponseBit, 0, Opcode::kOptions, "")).kind, Kind::kBroken);
  EXPECT_EQ(FirstOf(Frame(4, kFlagCompressed, Opcode::kOptions, "xxxxx")).kind, Kind::kBroken);
  // A bomb: four gigabytes, or more than a frame may have, of a few bytes.
  for (const uint32_t length : {0xFFFFFFFFu, 0x7FFFFFFFu, 1001u, 999u}) {
    std::string body;
    base::PutBigEndian32(&body, length);
    body += "\x11\x22";
    EXPECT_EQ(FirstOf(Frame(4, kFlagCompressed, Opcode::kOptions, body), Compression::kLz4).kind,
              Kind::kBroken);
  }
  EXPECT_EQ(FirstOf(Frame(4, kFlagCompressed, Opcode::kOptions, "\xFF\xFF\xFF\xFF\x0F zzz"),
                    Compression::kSnappy)
                .kind,
            Kind::kBroken);
  std::string segment;
  AppendSegments(Frame(5, 0, Opcode::kOptions, ""), false, &segment);
  EXPECT_EQ(FirstOf(segment, Compression::kNone, true).kind, Kind::kFrame);
  for (size_t i = 0; i < segment.size(); ++i) {
    std::string damaged = segment;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    EXPECT_NE(FirstOf(damaged, Compression::kNone, true).kind, Kind::kFrame) << i;
  }
}

TEST(ProtocolFrameStream, FramesThatAreTooLargeAreSkipped) {
  std::string wire = Frame(4, 0, Opcode::kQuery, std::string(5000, 'x'));
  wire += Frame(4, 0, Opcode::kOptions, "");
  FrameStream stream(Role::kServer, 1000);
  std::vector<Kind> kinds;
  for (size_t at = 0; at < wire.size(); at += 700) {
    const std::string piece = wire.substr(at, 700);
    stream.Feed(piece);
    for (auto next = stream.Next(); next.kind != Kind::kNeedMore; next = stream.Next()) {
      kinds.push_back(next.kind);
    }
    EXPECT_LT(stream.buffered_bytes(), 100u);
  }
  EXPECT_EQ(kinds, (std::vector<Kind>{Kind::kTooLarge, Kind::kFrame}));
}

TEST(ProtocolFrameStream, AVersionIsForTheWholeConnection) {
  FrameStream stream(Role::kServer, 1000);
  stream.SetVersion(4);
  const std::string frame = Frame(3, 0, Opcode::kOptions, "");
  stream.Feed(frame);
  const auto result = stream.Next();
  EXPECT_EQ(result.kind, Kind::kBroken);
  EXPECT_EQ(
      result.message,
      "Invalid message version. Got 3/v3 but previous messages on this connection had version "
      "4/v4");
}

TEST(ProtocolRequest, CustomPayloadsAreSkipped) {
  std::string body;
  PutShort(&body, 1);
  PutString(&body, "key");
  PutBytesValue(&body, "value");
  PutLongString(&body, "SELECT 1");
  const FrameHeader header{.version = 4, .flags = kFlagCustomPayload, .opcode = Opcode::kPrepare};
  EXPECT_EQ(std::get<PrepareRequest>(*DecodeRequest(header, body)).query, "SELECT 1");
}

TEST(ProtocolRequest, NotSetIsNullBeforeVersion4AndLongerNegativesAreErrors) {
  for (const uint8_t version : {3, 4, 5}) {
    for (const int32_t length : {-1, -2, -3}) {
      std::string bytes;
      PutInt(&bytes, length);
      base::Reader in(bytes);
      const BoundValue value = ReadValue(version, in);
      EXPECT_FALSE(value.value.has_value());
      EXPECT_EQ(value.unset, version >= 4 && length == -2);
      EXPECT_EQ(in.ok(), version < 4 || length > -3);
    }
  }
}

std::string ErrorBody(uint8_t version, const base::RequestError& error) {
  std::string body;
  PutErrorOf(version, base::MakeRequestError(error, "m"), &body);
  return body;
}

std::string Bytes(std::initializer_list<int> bytes) {
  std::string out;
  for (const int byte : bytes) out.push_back(static_cast<char>(byte));
  return out;
}

TEST(ProtocolError, BodiesAreThoseOfTheSpecification) {
  base::RequestError error{
      .kind = RequestErrorKind::kUnavailable, .consistency = "QUORUM", .required = 2, .alive = 1};
  EXPECT_EQ(ErrorBody(4, error), Bytes({0, 0, 0x10, 0, 0, 1, 'm', 0, 4, 0, 0, 0, 2, 0, 0, 0, 1}));
  error = {.kind = RequestErrorKind::kTimeout,
           .write = true,
           .consistency = "ONE",
           .required = 1,
           .write_type = "CAS",
           .contentions = 7};
  const std::string cas =
      Bytes({0, 0, 0x11, 0, 0, 1, 'm', 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 3, 'C', 'A', 'S'});
  EXPECT_EQ(ErrorBody(4, error), cas);
  EXPECT_EQ(ErrorBody(5, error), cas + Bytes({0, 7}));
  error = {.kind = RequestErrorKind::kFailure,
           .consistency = "ALL",
           .required = 3,
           .received = 1,
           .failures = 2,
           .data_present = true,
           .reasons = {{"10.1.2.3", base::ReplicaFailureCode::kTooManyTombstones}}};
  EXPECT_EQ(ErrorBody(3, error),
            Bytes({0, 0, 0x12, 0, 0, 1, 'm', 0, 5, 0, 0, 0, 1, 0, 0, 0, 3, 1}));
  EXPECT_EQ(ErrorBody(4, error),
            Bytes({0, 0, 0x13, 0, 0, 1, 'm', 0, 5, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 2, 1}));
  EXPECT_EQ(ErrorBody(5, error), Bytes({0, 0, 0x13, 0, 0, 1, 'm', 0,  5, 0, 0, 0, 1, 0, 0,
                                        0, 3, 0,    0, 0, 1, 4,   10, 1, 2, 3, 0, 1, 1}));
  error = {.kind = RequestErrorKind::kAlreadyExists, .keyspace = "k", .name = "t"};
  EXPECT_EQ(ErrorBody(4, error), Bytes({0, 0, 0x24, 0, 0, 1, 'm', 0, 1, 'k', 0, 1, 't'}));
  error = {.kind = RequestErrorKind::kUnprepared, .name = "id"};
  EXPECT_EQ(ErrorBody(4, error), Bytes({0, 0, 0x25, 0, 0, 1, 'm', 0, 2, 'i', 'd'}));
  const std::pair<RequestErrorKind, int> plain[] = {
      {RequestErrorKind::kOverloaded, 0x1001}, {RequestErrorKind::kTruncate, 0x1003},
      {RequestErrorKind::kSyntax, 0x2000},     {RequestErrorKind::kUnauthorized, 0x2100},
      {RequestErrorKind::kInvalid, 0x2200},    {RequestErrorKind::kConfig, 0x2300}};
  for (const auto& [kind, code] : plain) {
    EXPECT_EQ(ErrorBody(4, {.kind = kind}), Bytes({0, 0, code >> 8, code & 0xFF, 0, 1, 'm'}));
  }
  std::string body;
  PutErrorOf(4, absl::DataLossError("m"), &body);
  EXPECT_EQ(body, Bytes({0, 0, 0, 0x0A, 0, 1, 'm'}));
  body.clear();
  PutErrorOf(4, absl::UnauthenticatedError("m"), &body);
  EXPECT_EQ(body, Bytes({0, 0, 1, 0, 0, 1, 'm'}));
}

TEST(ProtocolEvent, Bodies) {
  std::string body;
  PutEvent({.type = EventType::kStatusChange, .change = "UP", .node = {"127.0.0.2", 9042}}, &body);
  EXPECT_EQ(body, Bytes({0, 13}) + "STATUS_CHANGE" + Bytes({0, 2}) + "UP" +
                      Bytes({4, 127, 0, 0, 2, 0, 0, 0x23, 0x52}));
  body.clear();
  PutSchemaChange({"CREATED", "KEYSPACE", "k", ""}, &body);
  EXPECT_EQ(body, Bytes({0, 7}) + "CREATED" + Bytes({0, 8}) + "KEYSPACE" + Bytes({0, 1}) + "k");
}

TEST(ProtocolResult, MetadataForms) {
  const std::vector<ResultColumn> columns = {{"k", "t", "a", data::DataType(data::TypeId::kInt)},
                                             {"k", "t", "b", data::DataType(data::TypeId::kText)}};
  RowsResult rows;
  rows.columns = std::make_shared<const std::vector<ResultColumn>>(columns);
  rows.row_count = 1;
  rows.rows = Bytes({0, 0, 0, 4, 0, 0, 0, 7, 0xFF, 0xFF, 0xFF, 0xFF});
  ColumnSpecs specs = EncodeColumnSpecs(4, columns);
  const std::string column_bytes = Bytes({0, 1, 'k', 0, 1, 't', 0, 1, 'a', 0, 9, 0, 1, 'b', 0, 13});
  EXPECT_EQ(specs.bytes, column_bytes);
  std::string body;
  PutRows(rows, specs, MetadataForm::kFull, &body);
  EXPECT_EQ(body, Bytes({0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2}) + column_bytes + Bytes({0, 0, 0, 1}) +
                      rows.rows);
  body.clear();
  rows.paging_state = "p";
  PutRows(rows, specs, MetadataForm::kNone, &body);
  EXPECT_EQ(body,
            Bytes({0, 0, 0, 2, 0, 0, 0, 6, 0, 0, 0, 2, 0, 0, 0, 1, 'p', 0, 0, 0, 1}) + rows.rows);
  body.clear();
  specs.id = "id";
  PutRows(rows, specs, MetadataForm::kChanged, &body);
  EXPECT_EQ(body, Bytes({0, 0, 0, 2, 0, 0, 0, 11, 0, 0, 0, 2, 0, 0, 0, 1, 'p', 0, 2, 'i', 'd'}) +
                      column_bytes + Bytes({0, 0, 0, 1}) + rows.rows);
}

}  // namespace
}  // namespace tholos::cql::protocol
