#include "client/channels.h"

#include <grpcpp/create_channel.h>

#include <utility>

namespace tholos::client {

namespace pb = ::tholos::v1;

namespace {

constexpr int kMessageBytesMax = 256 << 20;

}  // namespace

std::shared_ptr<pb::Tholos::Stub> Channels::Open(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMessageBytesMax);
  arguments.SetMaxSendMessageSize(kMessageBytesMax);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // Calls are tried again here, where it is known what may be.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  // How long a connection may take to be made, and how soon the next attempt comes.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 3000);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  // A node that froze, or a network that lost the way back, sends no end of the connection.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 10'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5'000);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  std::unique_ptr<Stub> stub = pb::Tholos::NewStub(
      grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments));
  {
    std::lock_guard lock(yard_->mutex);
    ++yard_->out;
  }
  return std::shared_ptr<Stub>(stub.release(), [yard = yard_](Stub* used) {
    std::lock_guard lock(yard->mutex);
    yard->back.emplace_back(used);
    --yard->out;
    yard->changed.notify_all();
  });
}

void Channels::Bury() {
  std::vector<std::unique_ptr<Stub>> back;
  {
    std::lock_guard lock(yard_->mutex);
    back.swap(yard_->back);
  }
}

void Channels::Close() {
  std::unique_lock lock(yard_->mutex);
  yard_->changed.wait(lock, [this] { return yard_->out == 0; });
  lock.unlock();
  Bury();
}

}  // namespace tholos::client
