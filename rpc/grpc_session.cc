#include "rpc/grpc_session.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "base/check.h"
#include "base/strings.h"

namespace tholos::rpc {
namespace {

constexpr char kContentType[] = "application/grpc";
// Of one DATA frame of ours, and of one of the peer's.
constexpr size_t kDataFrameBytesMax = size_t{256} << 10;
constexpr uint32_t kPeerFrameBytesMax = 1 << 20;
constexpr uint32_t kHeaderBytesMax = 16 << 10;
// What is kept of one header.
constexpr size_t kHeaderValueBytesMax = 4096;
// A message of unknown honesty: memory comes as its bytes do.
constexpr size_t kReserveBytesMax = size_t{1} << 20;
constexpr size_t kKeptBytesMax = size_t{64} << 10;

nghttp2_nv Header(std::string_view name, std::string_view value) {
  const auto bytes = [](std::string_view text) {
    return const_cast<uint8_t*>(reinterpret_cast<const uint8_t*>(text.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

absl::Status Broken(int64_t error) {
  return absl::UnavailableError(
      base::StrCat("HTTP/2: ", nghttp2_strerror(static_cast<int>(error))));
}

// gRPC's encoding of a message in a header: what is not printable as %XX.
std::string PercentEncode(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte >= 0x20 && byte < 0x7f && c != '%') {
      out.push_back(c);
    } else {
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

std::string PercentDecode(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && HexDigit(text[i + 1]) >= 0 &&
        HexDigit(text[i + 2]) >= 0) {
      out.push_back(static_cast<char>(HexDigit(text[i + 1]) * 16 + HexDigit(text[i + 2])));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

}  // namespace

// What nghttp2 calls.
struct GrpcSession::Callbacks {
  static GrpcSession& Of(void* user) { return *static_cast<GrpcSession*>(user); }

  static int BeginHeaders(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    GrpcSession& self = Of(user);
    if (self.side_ == Side::kDialled && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
      if (self.stream_ >= 0) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
      self.stream_ = frame->hd.stream_id;
    }
    if (frame->hd.stream_id == self.stream_) self.headers_ = {};
    return 0;
  }

  static int OnHeader(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                      size_t name_length, const uint8_t* value, size_t value_length, uint8_t,
                      void* user) {
    GrpcSession& self = Of(user);
    if (frame->hd.stream_id == self.stream_) {
      self.OnHeader({reinterpret_cast<const char*>(name), name_length},
                    {reinterpret_cast<const char*>(value), value_length});
    }
    return 0;
  }

  static int OnFrame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    GrpcSession& self = Of(user);
    if (frame->hd.stream_id != self.stream_) return 0;
    const bool end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (frame->hd.type == NGHTTP2_HEADERS) {
      self.OnHeadersEnd(frame->headers.cat != NGHTTP2_HCAT_HEADERS, end);
    } else if (frame->hd.type == NGHTTP2_DATA && end) {
      self.PeerEnded(self.side_ == Side::kDialled
                         ? absl::OkStatus()
                         : absl::UnavailableError("the peer ended the call without a status"));
    }
    return 0;
  }

  static int OnDataChunk(nghttp2_session*, uint8_t, int32_t stream, const uint8_t* data,
                         size_t length, void* user) {
    GrpcSession& self = Of(user);
    if (stream != self.stream_) {
      nghttp2_session_consume(self.session_, stream, length);
      return 0;
    }
    return self.OnData({reinterpret_cast<const char*>(data), length})
               ? 0
               : NGHTTP2_ERR_CALLBACK_FAILURE;
  }

  static int OnStreamClose(nghttp2_session*, int32_t stream, uint32_t error, void* user) {
    GrpcSession& self = Of(user);
    if (stream != self.stream_) return 0;
    self.stream_closed_ = true;
    self.finished_ = true;
    self.unsent_ = 0;
    self.PeerEnded(absl::UnavailableError(
        base::StrCat("the call was reset (", nghttp2_http2_strerror(error), ")")));
    return 0;
  }

  static ssize_t ChunkLength(nghttp2_session*, uint8_t, int32_t, int32_t connection_window,
                             int32_t stream_window, uint32_t frame_bytes_max, void*) {
    return static_cast<ssize_t>(
        std::min({static_cast<size_t>(std::max(connection_window, 1)),
                  static_cast<size_t>(std::max(stream_window, 1)),
                  static_cast<size_t>(frame_bytes_max), kDataFrameBytesMax}));
  }

  static ssize_t NextChunk(nghttp2_session*, int32_t, uint8_t*, size_t length, uint32_t* flags,
                           nghttp2_data_source*, void* user) {
    return static_cast<ssize_t>(Of(user).NextChunk(length, flags));
  }

  static int WriteChunk(nghttp2_session*, nghttp2_frame*, const uint8_t* frame_header,
                        size_t length, nghttp2_data_source*, void* user) {
    return Of(user).WriteChunk(frame_header, length) ? 0 : NGHTTP2_ERR_WOULDBLOCK;
  }
};

GrpcSession::GrpcSession(Side side, Owner& owner) : side_(side), owner_(owner) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_option* options = nullptr;
  THOLOS_CHECK(nghttp2_session_callbacks_new(&callbacks) == 0);
  THOLOS_CHECK(nghttp2_option_new(&options) == 0);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, Callbacks::BeginHeaders);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Callbacks::OnHeader);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Callbacks::OnFrame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Callbacks::OnDataChunk);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Callbacks::OnStreamClose);
  nghttp2_session_callbacks_set_data_source_read_length_callback(callbacks, Callbacks::ChunkLength);
  nghttp2_session_callbacks_set_send_data_callback(callbacks, Callbacks::WriteChunk);
  // The window opens when messages are taken, not when bytes arrive.
  nghttp2_option_set_no_auto_window_update(options, 1);
  const int error = side == Side::kDialling
                        ? nghttp2_session_client_new2(&session_, callbacks, this, options)
                        : nghttp2_session_server_new2(&session_, callbacks, this, options);
  nghttp2_session_callbacks_del(callbacks);
  nghttp2_option_del(options);
  THOLOS_CHECK(error == 0) << nghttp2_strerror(error);

  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kGrpcWindowBytes},
      {NGHTTP2_SETTINGS_MAX_FRAME_SIZE, kPeerFrameBytesMax},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, kHeaderBytesMax},
      side == Side::kDialling ? nghttp2_settings_entry{NGHTTP2_SETTINGS_ENABLE_PUSH, 0}
                              : nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1}};
  THOLOS_CHECK(
      nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings)) == 0);
  THOLOS_CHECK(
      nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kGrpcWindowBytes) == 0);
}

GrpcSession::~GrpcSession() { nghttp2_session_del(session_); }

void GrpcSession::Call(const std::string& authority) {
  const nghttp2_nv headers[] = {
      Header(":method", "POST"),         Header(":scheme", "http"),
      Header(":path", kInternodeMethod), Header(":authority", authority),
      Header("te", "trailers"),          Header("content-type", kContentType),
      Header("user-agent", "tholos"),
  };
  nghttp2_data_provider provider{};
  provider.read_callback = Callbacks::NextChunk;
  stream_ =
      nghttp2_submit_request(session_, nullptr, headers, std::size(headers), &provider, nullptr);
  THOLOS_CHECK(stream_ > 0) << nghttp2_strerror(stream_);
}

void GrpcSession::Send(GrpcMessage message) {
  THOLOS_CHECK(idle());
  if (stream_closed_ || finishing_) return;
  out_ = std::move(message);
  unsent_ = out_.bytes();
  // Fails where it is not deferred, or gone: both are well.
  nghttp2_session_resume_data(session_, stream_);
}

void GrpcSession::Finish(const absl::Status& status) {
  if (finishing_ || finished_) return;
  finishing_ = true;
  end_status_ = status;
  if (stream_ < 0 || stream_closed_) {
    finished_ = true;
    return;
  }
  nghttp2_session_resume_data(session_, stream_);
}

void GrpcSession::Ping() { nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr); }

bool GrpcSession::over() const {
  return nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0;
}

absl::Status GrpcSession::Receive(std::string_view bytes) {
  const ssize_t taken = nghttp2_session_mem_recv(
      session_, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  if (!failure_.ok()) return failure_;
  return taken < 0 ? Broken(taken) : absl::OkStatus();
}

absl::Status GrpcSession::Produce(std::string* wire, size_t target) {
  wire_ = wire;
  wire_target_ = target;
  ssize_t count = 0;
  while (wire->size() < target) {
    const uint8_t* bytes = nullptr;
    count = nghttp2_session_mem_send(session_, &bytes);
    if (count <= 0) break;
    wire->append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(count));
  }
  wire_ = nullptr;
  return count < 0 ? Broken(count) : absl::OkStatus();
}

int64_t GrpcSession::NextChunk(size_t max, uint32_t* flags) {
  if (unsent_ > 0) {
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    return static_cast<int64_t>(std::min(max, unsent_));
  }
  if (!finishing_) return NGHTTP2_ERR_DEFERRED;
  SubmitTrailers();
  *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
  return 0;
}

void GrpcSession::SubmitTrailers() {
  finished_ = true;
  const std::string code = std::to_string(static_cast<int>(end_status_.code()));
  const std::string message = PercentEncode(base::ToStd(end_status_.message()));
  const nghttp2_nv trailers[] = {Header("grpc-status", code), Header("grpc-message", message)};
  nghttp2_submit_trailer(session_, stream_, trailers, message.empty() ? 1 : 2);
}

bool GrpcSession::WriteChunk(const uint8_t* frame_header, size_t bytes) {
  constexpr size_t kFrameHeaderBytes = 9;
  if (wire_->size() >= wire_target_) return false;
  wire_->append(reinterpret_cast<const char*>(frame_header), kFrameHeaderBytes);
  size_t at = out_.bytes() - unsent_;
  unsent_ -= bytes;
  for (const std::string* part : {&out_.head, &out_.body, &out_.tail}) {
    if (at >= part->size()) {
      at -= part->size();
      continue;
    }
    const size_t count = std::min(bytes, part->size() - at);
    wire_->append(*part, at, count);
    bytes -= count;
    at = 0;
  }
  if (unsent_ == 0) out_ = {};
  return true;
}

void GrpcSession::OnHeader(std::string_view name, std::string_view value) {
  std::string* to = nullptr;
  if (name == ":method") to = &headers_.method;
  if (name == ":path") to = &headers_.path;
  if (name == "content-type") to = &headers_.content_type;
  if (name == ":status") to = &headers_.http_status;
  if (name == "grpc-status") to = &headers_.grpc_status;
  if (name == "grpc-message") to = &headers_.grpc_message;
  if (to != nullptr) *to = value.substr(0, kHeaderValueBytesMax);
}

void GrpcSession::OnHeadersEnd(bool first, bool end_of_stream) {
  if (side_ == Side::kDialled) {
    if (first) OnRequest();
    if (end_of_stream) PeerEnded(absl::OkStatus());
    return;
  }
  if (first && headers_.http_status != "200") {
    PeerEnded(absl::UnavailableError(
        base::StrCat("the peer speaks no gRPC: HTTP status ", headers_.http_status)));
    return;
  }
  if (!end_of_stream) return;
  int code = 0;
  if (!absl::SimpleAtoi(headers_.grpc_status, &code) || code < 0 || code > 16) {
    PeerEnded(absl::UnavailableError("the peer ended the call without a status"));
    return;
  }
  PeerEnded(
      absl::Status(static_cast<absl::StatusCode>(code), PercentDecode(headers_.grpc_message)));
}

// gRPC's rules for what is not understood.
void GrpcSession::OnRequest() {
  if (headers_.method != "POST" || !headers_.content_type.starts_with(kContentType)) {
    const nghttp2_nv refusal[] = {Header(":status", "415")};
    nghttp2_submit_response(session_, stream_, refusal, std::size(refusal), nullptr);
    PeerEnded(absl::InvalidArgumentError("a request that is not gRPC's"));
    return;
  }
  if (headers_.path != kInternodeMethod) {
    const nghttp2_nv refusal[] = {Header(":status", "200"), Header("content-type", kContentType),
                                  Header("grpc-status", "12"),
                                  Header("grpc-message", "nodes know Internode/Stream only")};
    nghttp2_submit_response(session_, stream_, refusal, std::size(refusal), nullptr);
    PeerEnded(absl::UnimplementedError("a call of an unknown method"));
    return;
  }
  const nghttp2_nv headers[] = {Header(":status", "200"), Header("content-type", kContentType)};
  nghttp2_data_provider provider{};
  provider.read_callback = Callbacks::NextChunk;
  nghttp2_submit_response(session_, stream_, headers, std::size(headers), &provider);
}

bool GrpcSession::OnData(std::string_view bytes) {
  const size_t taken = Take(bytes);
  nghttp2_session_consume(session_, stream_, taken);
  held_.append(bytes.substr(taken));
  return failure_.ok();
}

absl::Status GrpcSession::Resume() {
  paused_ = false;
  const size_t taken = Take(std::string_view(held_).substr(held_at_));
  nghttp2_session_consume(session_, stream_, taken);
  held_at_ += taken;
  // What was taken goes in large pieces: the rest is moved for it.
  if (held_at_ == held_.size()) {
    held_ = {};
    held_at_ = 0;
  } else if (held_at_ >= held_.size() / 2) {
    held_.erase(0, held_at_);
    held_at_ = 0;
  }
  return failure_;
}

// Of `bytes`, as many as messages are taken.
size_t GrpcSession::Take(std::string_view bytes) {
  const size_t all = bytes.size();
  while (!bytes.empty() && !paused_) {
    if (unwanted_ || !failure_.ok()) return all;
    size_t length = 0;
    if (partial_.empty() && bytes.size() >= kGrpcPrefixBytes) {
      if (!CheckPrefix(bytes, &length)) return all;
      if (bytes.size() - kGrpcPrefixBytes >= length) {
        Deliver(bytes.substr(kGrpcPrefixBytes, length));
        bytes.remove_prefix(kGrpcPrefixBytes + length);
        continue;
      }
    }
    size_t wanted = kGrpcPrefixBytes - std::min(kGrpcPrefixBytes, partial_.size());
    if (wanted == 0) {
      CheckPrefix(partial_, &length);
      wanted = kGrpcPrefixBytes + length - partial_.size();
    }
    const size_t count = std::min(wanted, bytes.size());
    partial_.append(bytes.substr(0, count));
    bytes.remove_prefix(count);
    if (partial_.size() < kGrpcPrefixBytes) continue;
    if (!CheckPrefix(partial_, &length)) return all;
    if (partial_.size() < kGrpcPrefixBytes + length) {
      partial_.reserve(std::min(kGrpcPrefixBytes + length, kReserveBytesMax));
      continue;
    }
    std::string whole = std::exchange(partial_, {});
    Deliver(std::string_view(whole).substr(kGrpcPrefixBytes));
    if (whole.capacity() <= kKeptBytesMax) {
      whole.clear();
      partial_ = std::move(whole);
    }
  }
  return all - bytes.size();
}

bool GrpcSession::CheckPrefix(std::string_view bytes, size_t* length) {
  *length = 0;
  for (size_t i = 1; i < kGrpcPrefixBytes; ++i) {
    *length = (*length << 8) | static_cast<uint8_t>(bytes[i]);
  }
  if (bytes[0] != 0) {
    failure_ = absl::DataLossError("a peer sent a compressed message");
  } else if (*length > kGrpcMessageBytesMax) {
    failure_ = absl::DataLossError(base::StrCat("a peer sent a message of ", *length,
                                                " bytes, at most ", kGrpcMessageBytesMax, " are"));
  }
  return failure_.ok();
}

void GrpcSession::Deliver(std::string_view message) {
  if (!owner_.OnMessage(message)) unwanted_ = true;
}

void GrpcSession::PeerEnded(absl::Status why) {
  unwanted_ = true;
  if (!std::exchange(peer_ended_, true)) owner_.OnPeerEnded(std::move(why));
}

}  // namespace tholos::rpc
