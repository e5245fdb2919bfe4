// The messages of an internode stream as they are on the wire: protobuf Frames
// (proto/internode.proto) with gRPC's prefix, put together and taken apart without copying the
// batch.
//
//   message   offset  size  field
//             0       1     1 if compressed, which nobody asks for; 0
//             1       4     length of the Frame in bytes, big-endian
//             5             the Frame
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace tholos::rpc {

inline constexpr size_t kGrpcPrefixBytes = 5;

// One message: its three parts in a row.
struct GrpcMessage {
  std::string head;
  std::string body;
  std::string tail;
  size_t bytes() const { return head.size() + body.size() + tail.size(); }
};

// A Frame of a batch, which may be empty: then it has none, and `credit`. Takes the batch over.
GrpcMessage MakeGrpcMessage(std::string batch, uint64_t credit);
// A Frame that was serialised before.
GrpcMessage MakeGrpcMessage(std::string frame);

// Views into the message.
struct FrameView {
  std::optional<std::string_view> hello;  // a serialised Hello
  std::string_view batch;
  uint64_t credit = 0;
};

// Takes a Frame apart, without the prefix. kDataLoss: it is none.
absl::StatusOr<FrameView> ParseGrpcFrame(std::string_view frame);

}  // namespace tholos::rpc
