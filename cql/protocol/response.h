// Responses other than RESULT and ERROR, and the frame around every one.
//
//   READY, OPTIONS' answer ...   <header> [uuid tracing id] [string list warnings] <message>
//
// A ResponseFrame appends to a buffer that may hold other frames before it:
//
//   ResponseFrame frame(version, stream, &out);
//   PutReady(...);  or whatever follows the header
//   frame.Finish(Opcode::kReady, compression);
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/uuid.h"
#include "cql/protocol/compression.h"
#include "cql/protocol/frame.h"

namespace tholos::cql::protocol {

class ResponseFrame {
 public:
  // Bodies below this are not worth compressing: the header of the other side's decoder costs more.
  static constexpr size_t kCompressBytesMin = 128;

  ResponseFrame(uint8_t version, int16_t stream, std::string* out);
  ResponseFrame(const ResponseFrame&) = delete;
  ResponseFrame& operator=(const ResponseFrame&) = delete;

  // Before the message. In this order.
  void PutTracingId(const base::Uuid& id);
  void PutWarnings(const std::vector<std::string>& warnings);

  // Completes the header; compresses the body unless `compression` is kNone or it is short.
  void Finish(Opcode opcode, Compression compression);
  // Takes back everything that was appended.
  void Abandon();

 private:
  std::string* const out_;
  const size_t start_;
  FrameHeader header_;
};

// Bodies.
void PutSupported(const std::map<std::string, std::vector<std::string>>& options, std::string* out);
void PutAuthenticate(std::string_view authenticator, std::string* out);
void PutAuthSuccess(std::string* out);

}  // namespace tholos::cql::protocol
