#include "cql/protocol/response.h"

#include "cql/protocol/wire.h"

namespace tholos::cql::protocol {

ResponseFrame::ResponseFrame(uint8_t version, int16_t stream, std::string* out)
    : out_(out), start_(out->size()) {
  header_.version = version;
  header_.response = true;
  header_.stream = stream;
  out_->resize(start_ + kFrameHeaderBytes);
}

void ResponseFrame::PutTracingId(const base::Uuid& id) {
  header_.flags |= kFlagTracing;
  out_->append(id.AsBytes());
}

void ResponseFrame::PutWarnings(const std::vector<std::string>& warnings) {
  // Version 3 has no warnings.
  if (warnings.empty() || header_.version < 4) return;
  header_.flags |= kFlagWarning;
  PutStringList(out_, warnings);
}

void ResponseFrame::Finish(Opcode opcode, Compression compression) {
  const size_t body = start_ + kFrameHeaderBytes;
  if (compression != Compression::kNone && out_->size() - body >= kCompressBytesMin) {
    std::string compressed;
    CompressBody(compression, std::string_view(*out_).substr(body), &compressed);
    if (compressed.size() < out_->size() - body) {
      header_.flags |= kFlagCompressed;
      out_->replace(body, std::string::npos, compressed);
    }
  }
  header_.opcode = opcode;
  header_.length = static_cast<uint32_t>(out_->size() - body);
  EncodeFrameHeader(header_, out_->data() + start_);
}

void ResponseFrame::Abandon() { out_->resize(start_); }

void PutSupported(const std::map<std::string, std::vector<std::string>>& options,
                  std::string* out) {
  PutShort(out, static_cast<uint16_t>(options.size()));
  for (const auto& [name, values] : options) {
    PutString(out, name);
    PutStringList(out, values);
  }
}

void PutAuthenticate(std::string_view authenticator, std::string* out) {
  PutString(out, authenticator);
}

void PutAuthSuccess(std::string* out) { PutInt(out, -1); }

}  // namespace tholos::cql::protocol
