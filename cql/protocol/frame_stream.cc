#include "cql/protocol/frame_stream.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "cql/protocol/segment.h"

namespace tholos::cql::protocol {
namespace {

FrameStream::Result Broken(std::string message) {
  FrameStream::Result result;
  result.kind = FrameStream::Kind::kBroken;
  result.message = std::move(message);
  return result;
}

}  // namespace

void FrameStream::Feed(std::string_view bytes) {
  if (buffer_.empty()) {
    input_ = bytes;
    return;
  }
  buffer_.append(bytes);
  input_ = buffer_;
}

// Keeps what was not consumed.
FrameStream::Result FrameStream::NeedMore() {
  if (input_.empty()) {
    buffer_.clear();
    // A burst's memory is not kept by an idle connection.
    if (buffer_.capacity() > kSegmentPayloadBytesMax) buffer_.shrink_to_fit();
    if (scratch_.capacity() > kSegmentPayloadBytesMax) std::string().swap(scratch_);
  } else if (input_.size() != buffer_.size()) {
    buffer_ = std::string(input_);
  }
  input_ = buffer_;
  return Result();
}

FrameStream::Result FrameStream::Next() { return segmented_ ? NextSegmented() : NextPlain(); }

bool FrameStream::CheckHeader(std::string_view bytes, Result* result) {
  const auto first = static_cast<uint8_t>(bytes[0]);
  const auto version = static_cast<uint8_t>(first & 0x7F);
  result->header.version = kVersionMax;
  // The version first: other versions have other headers.
  if (version < kVersionMin || version > kVersionMax) {
    *result = Broken(UnsupportedVersionMessage(version));
    return false;
  }
  if (bytes.size() < kFrameHeaderBytes) {
    *result = Result();
    return false;
  }
  const FrameHeader header = DecodeFrameHeader(bytes);
  std::string message;
  if (header.response != (role_ == Role::kClient)) {
    message = "a frame whose direction bit says that it came from the other side";
  } else if (version_ != 0 && version != version_) {
    message = base::StrCat("Invalid message version. Got ", int{version}, "/v", int{version},
                           " but previous messages on this connection had version ", int{version_},
                           "/v", int{version_});
  } else if (header.length >= (1u << 31)) {
    message = "a frame with a negative length";
  }
  if (!message.empty()) {
    *result = Broken(std::move(message));
    result->header = header;
    return false;
  }
  result->header = header;
  return true;
}

FrameStream::Result FrameStream::NextPlain() {
  if (skip_ > 0) {
    const auto skipped = static_cast<size_t>(std::min<uint64_t>(skip_, input_.size()));
    Take(skipped);
    skip_ -= skipped;
    if (skip_ > 0) return NeedMore();
  }
  if (input_.empty()) return NeedMore();
  Result result;
  if (!CheckHeader(input_, &result)) {
    return result.kind == Kind::kNeedMore ? NeedMore() : result;
  }
  const FrameHeader& header = result.header;
  if (header.length > frame_bytes_max_) {
    skip_ = kFrameHeaderBytes + uint64_t{header.length};
    result.kind = Kind::kTooLarge;
    result.message = base::StrCat("a frame of ", header.length, " bytes is larger than the ",
                                  frame_bytes_max_, " that are allowed");
    return result;
  }
  const size_t bytes = kFrameHeaderBytes + header.length;
  if (input_.size() < bytes) return NeedMore();
  const std::string_view body = input_.substr(kFrameHeaderBytes, header.length);
  Take(bytes);
  return Deliver(header, body);
}

FrameStream::Result FrameStream::Deliver(const FrameHeader& header, std::string_view body) {
  Result result;
  result.header = header;
  // Within segments the flag means nothing: these are compressed as a whole.
  if ((header.flags & kFlagCompressed) != 0 && !segmented_) {
    if (compression_ == Compression::kNone) {
      result = Broken("a compressed frame on a connection without compression");
      result.header = header;
      return result;
    }
    const absl::Status status = DecompressBody(compression_, body, frame_bytes_max_, &scratch_);
    if (!status.ok()) {
      result = Broken(std::string(status.message()));
      result.header = header;
      return result;
    }
    body = scratch_;
  }
  result.kind = Kind::kFrame;
  result.body = body;
  return result;
}

FrameStream::Result FrameStream::NextSegmented() {
  while (true) {
    if (large_complete_) {
      std::string().swap(large_);
      large_complete_ = false;
    }
    if (!payload_.empty()) {
      Result result;
      if (!CheckHeader(payload_, &result)) {
        if (result.kind == Kind::kBroken) return result;
        return Broken("a self-contained segment ends within a frame");
      }
      const size_t bytes = kFrameHeaderBytes + size_t{result.header.length};
      if (payload_.size() < bytes) return Broken("a self-contained segment ends within a frame");
      const std::string_view body = payload_.substr(kFrameHeaderBytes, result.header.length);
      payload_.remove_prefix(bytes);
      return Deliver(result.header, body);
    }
    auto segment = TakeSegment(input_, compression_ == Compression::kLz4, &scratch_);
    if (!segment.ok()) return Broken(std::string(segment.status().message()));
    if (!segment->has_value()) return NeedMore();
    Take((*segment)->wire_bytes);
    if ((*segment)->self_contained) {
      if (!large_.empty()) return Broken("a segment of its own between the parts of a frame");
      payload_ = (*segment)->payload;
      continue;
    }
    Result result = AppendPart((*segment)->payload);
    if (result.kind != Kind::kNeedMore) return result;
  }
}

FrameStream::Result FrameStream::AppendPart(std::string_view payload) {
  if (payload.empty()) return Broken("an empty part of a frame");
  large_.append(payload);
  Result result;
  if (!CheckHeader(large_, &result)) return result;
  if (result.header.length > frame_bytes_max_) {
    Result broken =
        Broken(base::StrCat("a frame of ", result.header.length, " bytes is larger than the ",
                            frame_bytes_max_, " that are allowed"));
    broken.header = result.header;
    return broken;
  }
  const size_t bytes = kFrameHeaderBytes + size_t{result.header.length};
  if (large_.size() < bytes) return Result();
  if (large_.size() > bytes) return Broken("the parts of a frame are longer than the frame");
  large_complete_ = true;
  return Deliver(result.header, std::string_view(large_).substr(kFrameHeaderBytes));
}

}  // namespace tholos::cql::protocol
