// GrpcSession: one gRPC call over one HTTP/2 connection, without the socket. Bytes go in and come
// out; nothing else is touched, so tests and the fuzzer drive it alone.
//
//   bytes of the peer --> Receive() --> OnMessage() each, OnPeerEnded()
//   Call(), Send(), Finish(), Ping() --> Produce() --> bytes for the peer
//
// HTTP/2 itself (frames, header compression, flow control, settings, pings) is nghttp2's. The call
// is gRPC's: a POST to kInternodeMethod whose two directions carry messages until the dialled side
// ends it with a status in its trailers. Any gRPC peer can be on the other side.
//
// A connection carries one call, and lives as long as it: a second one is refused.
//
// Confined to one thread. Produce() and Receive() are not called from the owner's events;
// everything else may be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "rpc/frame.h"
#include "rpc/grpc_wire.h"

struct nghttp2_session;

namespace tholos::rpc {

inline constexpr char kInternodeMethod[] = "/tholos.internode.v1.Internode/Stream";

// A message of ours is at most one batch, which exceeds its target by at most one largest body.
inline constexpr size_t kGrpcMessageBytesMax = kMessageBytesMax + (size_t{4} << 20);
// What a peer may send before it hears that some of it was taken: so much is held while this side
// takes nothing. 80 MB/s on a way of 100 ms.
inline constexpr int32_t kGrpcWindowBytes = 8 << 20;

class GrpcSession {
 public:
  enum class Side : uint8_t { kDialling, kDialled };

  class Owner {
   public:
    // One whole message of the peer, valid during the call. False: no more are wanted.
    virtual bool OnMessage(std::string_view message) = 0;
    // Once: the peer sends nothing more. OK where it merely said so, else the status of its
    // trailers, or how the call broke.
    virtual void OnPeerEnded(absl::Status why) = 0;

   protected:
    ~Owner() = default;
  };

  GrpcSession(Side side, Owner& owner);
  ~GrpcSession();
  GrpcSession(const GrpcSession&) = delete;

  // The dialling side begins the call. `authority` is whom it dialled.
  void Call(const std::string& authority);
  // One at a time: until idle().
  void Send(GrpcMessage message);
  // What was to be sent has been produced.
  bool idle() const { return unsent_ == 0; }
  // The dialled side ends the call, after what is being sent.
  void Finish(const absl::Status& status);
  // That was produced, or the call is over anyway.
  bool finished() const { return finished_; }
  void Ping();

  // The peer's messages are not taken any more: it may send a window and no more.
  void Pause() { paused_ = true; }
  // Takes what came meanwhile, and on. Calls the owner, but not from its events.
  absl::Status Resume();

  // Everything below breaks the connection where it fails.
  absl::Status Receive(std::string_view bytes);
  // Appends what is to be sent, until there are `target` bytes or nothing is left; may exceed it by
  // a frame.
  absl::Status Produce(std::string* wire, size_t target);
  // Nothing will be sent or received any more.
  bool over() const;

 private:
  struct Callbacks;
  struct Headers {
    std::string method;
    std::string path;
    std::string content_type;
    std::string http_status;
    std::string grpc_status;
    std::string grpc_message;
  };

  void OnHeader(std::string_view name, std::string_view value);
  void OnHeadersEnd(bool first, bool end_of_stream);
  void OnRequest();
  bool OnData(std::string_view bytes);
  size_t Take(std::string_view bytes);
  bool CheckPrefix(std::string_view bytes, size_t* length);
  void Deliver(std::string_view message);
  void PeerEnded(absl::Status why);
  int64_t NextChunk(size_t max, uint32_t* flags);
  bool WriteChunk(const uint8_t* frame_header, size_t bytes);
  void SubmitTrailers();

  const Side side_;
  Owner& owner_;
  nghttp2_session* session_ = nullptr;
  int32_t stream_ = -1;
  Headers headers_;
  absl::Status failure_;
  bool peer_ended_ = false;
  bool stream_closed_ = false;

  // In.
  bool paused_ = false;
  bool unwanted_ = false;
  std::string held_;     // came while paused
  size_t held_at_ = 0;   // what is before was taken
  std::string partial_;  // the beginning of a message

  // Out.
  GrpcMessage out_;
  size_t unsent_ = 0;  // its last bytes
  bool finishing_ = false;
  bool finished_ = false;
  absl::Status end_status_;
  std::string* wire_ = nullptr;  // during Produce()
  size_t wire_target_ = 0;
};

}  // namespace tholos::rpc
