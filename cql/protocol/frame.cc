#include "cql/protocol/frame.h"

#include "base/coding.h"
#include "base/strings.h"

namespace tholos::cql::protocol {

FrameHeader DecodeFrameHeader(std::string_view bytes) {
  const auto* p = reinterpret_cast<const uint8_t*>(bytes.data());
  FrameHeader header;
  header.version = p[0] & 0x7F;
  header.response = (p[0] & kResponseBit) != 0;
  header.flags = p[1];
  header.stream = static_cast<int16_t>(p[2] << 8 | p[3]);
  header.opcode = static_cast<Opcode>(p[4]);
  header.length = base::LoadBigEndian32(bytes.data() + 5);
  return header;
}

void EncodeFrameHeader(const FrameHeader& header, char* out) {
  const auto stream = static_cast<uint16_t>(header.stream);
  out[0] = static_cast<char>(header.version | (header.response ? kResponseBit : 0));
  out[1] = static_cast<char>(header.flags);
  out[2] = static_cast<char>(stream >> 8);
  out[3] = static_cast<char>(stream);
  out[4] = static_cast<char>(header.opcode);
  out[5] = static_cast<char>(header.length >> 24);
  out[6] = static_cast<char>(header.length >> 16);
  out[7] = static_cast<char>(header.length >> 8);
  out[8] = static_cast<char>(header.length);
}

std::string UnsupportedVersionMessage(uint8_t version) {
  return base::StrCat("Invalid or unsupported protocol version (", int{version},
                      "); supported versions are (3/v3, 4/v4, 5/v5)");
}

}  // namespace tholos::cql::protocol
