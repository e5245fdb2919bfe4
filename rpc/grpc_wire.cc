#include "rpc/grpc_wire.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <limits>
#include <utility>

namespace tholos::rpc {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

// Field and wire type, as in proto/internode.proto.
constexpr uint32_t kHelloTag = (1 << 3) | WireFormatLite::WIRETYPE_LENGTH_DELIMITED;
constexpr uint32_t kBatchTag = (2 << 3) | WireFormatLite::WIRETYPE_LENGTH_DELIMITED;
constexpr uint32_t kCreditTag = (3 << 3) | WireFormatLite::WIRETYPE_VARINT;

void AppendVarint(uint64_t value, std::string* out) {
  for (; value >= 0x80; value >>= 7) out->push_back(static_cast<char>(value | 0x80));
  out->push_back(static_cast<char>(value));
}

void AppendPrefix(size_t length, std::string* out) {
  out->push_back(0);
  for (int shift = 24; shift >= 0; shift -= 8) out->push_back(static_cast<char>(length >> shift));
}

absl::Status Malformed() { return absl::DataLossError("malformed internode frame: no Frame"); }

}  // namespace

GrpcMessage MakeGrpcMessage(std::string batch, uint64_t credit) {
  GrpcMessage message;
  std::string field;
  if (!batch.empty()) {
    field.push_back(static_cast<char>(kBatchTag));
    AppendVarint(batch.size(), &field);
  }
  if (credit != 0) {
    message.tail.push_back(static_cast<char>(kCreditTag));
    AppendVarint(credit, &message.tail);
  }
  AppendPrefix(field.size() + batch.size() + message.tail.size(), &message.head);
  message.head += field;
  message.body = std::move(batch);
  return message;
}

GrpcMessage MakeGrpcMessage(std::string frame) {
  GrpcMessage message;
  AppendPrefix(frame.size(), &message.head);
  message.body = std::move(frame);
  return message;
}

absl::StatusOr<FrameView> ParseGrpcFrame(std::string_view frame) {
  if (frame.size() > size_t{std::numeric_limits<int32_t>::max()}) return Malformed();
  CodedInputStream in(reinterpret_cast<const uint8_t*>(frame.data()),
                      static_cast<int>(frame.size()));
  const auto read_bytes = [&](std::string_view* bytes) {
    uint32_t length = 0;
    if (!in.ReadVarint32(&length)) return false;
    const auto at = static_cast<size_t>(in.CurrentPosition());
    if (length > frame.size() - at) return false;
    *bytes = frame.substr(at, length);
    return in.Skip(static_cast<int>(length));
  };
  FrameView view;
  while (const uint32_t tag = in.ReadTag()) {
    bool good = false;
    std::string_view hello;
    switch (tag) {
      // The two are a oneof: the last one counts.
      case kHelloTag:
        good = read_bytes(&hello);
        view.hello = hello;
        view.batch = {};
        break;
      case kBatchTag:
        good = read_bytes(&view.batch);
        view.hello.reset();
        break;
      case kCreditTag:
        good = in.ReadVarint64(&view.credit);
        break;
      default:
        good = WireFormatLite::SkipField(&in, tag);
    }
    if (!good) return Malformed();
  }
  if (!in.ConsumedEntireMessage()) return Malformed();
  return view;
}

}  // namespace tholos::rpc
