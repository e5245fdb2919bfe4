// Bytes of a peer to either side of a session, cut anywhere, and Frames.
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "rpc/grpc_session.h"
#include "rpc/grpc_wire.h"

namespace tholos::rpc {
namespace {

class End final : public GrpcSession::Owner {
 public:
  explicit End(GrpcSession::Side side) : session(side, *this) {}
  bool OnMessage(std::string_view message) override {
    THOLOS_CHECK(!ended_);
    const auto frame = ParseGrpcFrame(message);
    if (!frame.ok()) return false;
    THOLOS_CHECK(frame->batch.size() <= message.size());
    if (++messages_ == 2) session.Pause();
    return true;
  }
  void OnPeerEnded(absl::Status) override { THOLOS_CHECK(!std::exchange(ended_, true)); }

  std::string Take() {
    std::string wire;
    session.Produce(&wire, size_t{1} << 20).IgnoreError();
    return wire;
  }

  GrpcSession session;

 private:
  int messages_ = 0;
  bool ended_ = false;
};

// The first byte says whose side this is and how the bytes are cut.
void Converse(std::string_view bytes) {
  const auto choice = static_cast<uint8_t>(bytes[0]);
  bytes.remove_prefix(1);
  const bool dialling = (choice & 1) != 0;
  End end(dialling ? GrpcSession::Side::kDialling : GrpcSession::Side::kDialled);
  if (dialling) end.session.Call("127.0.0.1:7000");
  const size_t at_once = (choice & 2) != 0 ? 1 : 4096;
  while (!bytes.empty()) {
    if (!end.session.Receive(bytes.substr(0, at_once)).ok()) return;
    if (end.session.idle()) end.session.Send(MakeGrpcMessage("a batch", 1));
    end.Take();
    bytes.remove_prefix(std::min(at_once, bytes.size()));
  }
  if (!end.session.Resume().ok()) return;
  if (!dialling) end.session.Finish(absl::DataLossError("over"));
  end.Take();
}

}  // namespace
}  // namespace tholos::rpc

std::vector<std::string> FuzzSeeds() {
  using namespace tholos::rpc;
  End client(GrpcSession::Side::kDialling), server(GrpcSession::Side::kDialled);
  client.session.Call("127.0.0.1:7000");
  client.session.Send(MakeGrpcMessage("one", 0));
  std::string there = client.Take();
  THOLOS_CHECK(server.session.Receive(there).ok());
  server.session.Send(MakeGrpcMessage("two", 7));
  std::string back = server.Take();
  server.session.Finish(absl::DataLossError("100 %"));
  back += server.Take();
  return {'\0' + there, '\2' + there, '\1' + back, '\3' + back};
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tholos::rpc;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (bytes.empty()) return 0;
  Converse(bytes);
  ParseGrpcFrame(bytes).IgnoreError();
  return 0;
}
