// GrpcSocket: a connected socket on a shard's loop with one gRPC call (grpc_session.h) over it.
//
// One system call sends what a turn has to say, one receives what has come; nobody else's thread is
// involved. Reads and writes never wait. Where the socket is full the rest waits in a buffer of
// kWireBytes, and messages behind it with their sender.
//
// A silent peer: every kTick without a byte from it is counted. At the second one it is pinged, at
// the fourth the connection is given up, 6 to 8 seconds after the last sign of life. A peer whose
// greeting does not come is given up as well.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "base/async/loop.h"
#include "base/real/fd_watch.h"
#include "base/real/real_loop.h"
#include "rpc/grpc_session.h"

namespace tholos::rpc {

// Confined to the loop it was made on, from the constructor to Close(); destroyed anywhere.
class GrpcSocket final : public base::FdHandler,
                         private GrpcSession::Owner,
                         public std::enable_shared_from_this<GrpcSocket> {
 public:
  static constexpr absl::Duration kTick = absl::Seconds(2);

  // All on the loop, none inside another; nothing after OnClosed.
  class Owner {
   public:
    virtual bool OnMessage(std::string_view message) = 0;
    virtual void OnPeerEnded(absl::Status why) = 0;
    // What Write() took is with the kernel, or (false) will never be.
    virtual void OnWritten(bool ok) = 0;
    // Once: the connection is gone.
    virtual void OnClosed(absl::Status why) = 0;

   protected:
    ~Owner() = default;
  };

  // Takes `fd`, which is connected and non-blocking. `owner` lives until OnClosed.
  GrpcSocket(GrpcSession::Side side, int fd, Owner& owner);
  ~GrpcSocket();

  // The dialling side, first: begins the call.
  void Call(const std::string& authority);
  // One at a time; OnWritten() follows, perhaps at once.
  void Write(GrpcMessage message);
  // The dialled side: ends the call with `status` after what is being written, and closes when the
  // peer has it.
  void Finish(const absl::Status& status);
  // No more messages are taken after the one that OnMessage has. And on again.
  void Pause() { session_.Pause(); }
  void Resume();
  // At once. OnClosed follows: before this returns, or if inside an event, after it.
  void Close(absl::Status why);

  void OnFdReady(base::FdReadiness ready) override;

 private:
  bool OnMessage(std::string_view message) override;
  void OnPeerEnded(absl::Status why) override { owner_.OnPeerEnded(std::move(why)); }

  // Does all that can be done now.
  void Turn();
  void Read();
  void Flush();
  bool SendWire();
  void OnTick();
  void Break(absl::Status why);

  Owner& owner_;
  base::RealLoop& loop_;
  int fd_;
  std::unique_ptr<base::FdWatch> watch_;
  GrpcSession session_;
  base::Timer tick_;
  int silent_ticks_ = 0;
  int ticks_ = 0;
  bool greeted_ = false;  // a message has come

  bool busy_ = false;    // in Turn()
  bool broken_ = false;  // to be closed when Turn() ends
  absl::Status why_;
  bool readable_ = true;     // the socket may have more
  bool peer_ended_ = false;  // its end is in the socket
  bool resume_ = false;
  bool writing_ = false;
  bool write_blocked_ = false;
  bool finishing_ = false;
  bool shut_ = false;  // all was sent that ever will be
  std::string wire_;
  size_t wire_sent_ = 0;
};

}  // namespace tholos::rpc
