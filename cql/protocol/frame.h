// Frames of the CQL native protocol, versions 3 to 5: what is common to all messages.
//
//    0         8        16        24        32         40
//    +---------+---------+---------+---------+---------+
//    | version |  flags  |      stream       | opcode  |   all numbers big-endian; the top bit of
//    +---------+---------+---------+---------+---------+   `version` is set in responses
//    |                length                 |
//    +---------+---------+---------+---------+
//    |  body: `length` bytes                 |
//    +---------+---------+---------+---------+
//
// A client picks the stream and gets it back with the response; events have stream -1. From version
// 5 on frames travel inside segments (segment.h) once the handshake is over.
//
// Nothing under cql/protocol/ knows sockets: bytes in, values out, and the other way round.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tholos::cql::protocol {

inline constexpr uint8_t kVersionMin = 3;
inline constexpr uint8_t kVersionMax = 5;
inline constexpr uint8_t kResponseBit = 0x80;
inline constexpr size_t kFrameHeaderBytes = 9;
inline constexpr int16_t kEventStream = -1;

enum class Opcode : uint8_t {
  kError = 0x00,
  kStartup = 0x01,
  kReady = 0x02,
  kAuthenticate = 0x03,
  kOptions = 0x05,
  kSupported = 0x06,
  kQuery = 0x07,
  kResult = 0x08,
  kPrepare = 0x09,
  kExecute = 0x0A,
  kRegister = 0x0B,
  kEvent = 0x0C,
  kBatch = 0x0D,
  kAuthChallenge = 0x0E,
  kAuthResponse = 0x0F,
  kAuthSuccess = 0x10,
};

// Bits of FrameHeader::flags.
inline constexpr uint8_t kFlagCompressed = 0x01;
inline constexpr uint8_t kFlagTracing = 0x02;
inline constexpr uint8_t kFlagCustomPayload = 0x04;
inline constexpr uint8_t kFlagWarning = 0x08;
inline constexpr uint8_t kFlagBeta = 0x10;

struct FrameHeader {
  uint8_t version = kVersionMax;  // without the response bit
  bool response = false;
  uint8_t flags = 0;
  int16_t stream = 0;
  Opcode opcode = Opcode::kError;  // any byte: not yet checked
  uint32_t length = 0;             // of the body
};

// Exactly kFrameHeaderBytes.
FrameHeader DecodeFrameHeader(std::string_view bytes);
void EncodeFrameHeader(const FrameHeader& header, char* out);

// What is said to a client of a version that is not spoken here: drivers read the versions in it.
std::string UnsupportedVersionMessage(uint8_t version);

}  // namespace tholos::cql::protocol
