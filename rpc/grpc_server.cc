#include "rpc/grpc_server.h"

#include <unistd.h>

#include <atomic>
#include <limits>
#include <utility>

#include "absl/container/btree_map.h"
#include "base/async/scope.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "proto/internode.pb.h"
#include "rpc/class_limits.h"
#include "rpc/grpc_address.h"
#include "rpc/grpc_socket.h"
#include "rpc/handshake.h"

namespace tholos::rpc {
namespace {

using internode::v1::Frame;
using internode::v1::Hello;

class GrpcInboundStream;

// What one shard has of the server. Confined to it.
struct ShardStreams {
  bool stopped = false;
  uint64_t next_id = 0;
  absl::btree_map<uint64_t, std::shared_ptr<GrpcInboundStream>> streams;
};

struct ServerShared {
  base::Executor& executor;
  ListenOptions options;
  InboundEvents events;
  Endpoint endpoint;
  std::vector<ShardStreams> shards;
  std::atomic<int> connections = 0;
};

// Confined to its shard, but for what Stream and InboundStream allow everybody.
class GrpcInboundStream final : public InboundStream,
                                public GrpcSocket::Owner,
                                public std::enable_shared_from_this<GrpcInboundStream> {
 public:
  GrpcInboundStream(ServerShared& shared, ShardStreams& home, base::Loop& loop, uint64_t id)
      : InboundStream(shared.executor.shard_count()),
        shared_(shared),
        home_(home),
        loop_(loop),
        id_(id) {}

  void Start(int fd) {
    socket_ = std::make_shared<GrpcSocket>(GrpcSession::Side::kDialled, fd, *this);
  }
  void Break(absl::Status why) { socket_->Close(std::move(why)); }

  const Endpoint& from() const override { return from_; }
  const std::shared_ptr<ByteBudget>& budget() const override { return budget_; }

 private:
  void StartWriting(std::string frame, uint64_t credit) override {
    if (base::Loop::CurrentOrNull() == &loop_) return Write(std::move(frame), credit);
    loop_.Post([self = shared_from_this(), frame = std::move(frame), credit]() mutable {
      self->Write(std::move(frame), credit);
    });
  }
  void Write(std::string frame, uint64_t credit) {
    if (closed_) return WriteDone(false);
    socket_->Write(MakeGrpcMessage(std::move(frame), credit));
  }
  // On the shard: nobody else closes the stream.
  void EndWriting() override {
    if (!closed_) socket_->Finish(end_status_);
  }

  void OnWritten(bool ok) override { WriteDone(ok); }

  bool OnMessage(std::string_view message) override {
    absl::Status status = OnFrame(message);
    if (!status.ok()) {
      end_status_ = std::move(status);
      Close();
      return false;
    }
    if (!budget_->HasRoom()) Pause();
    return true;
  }

  // Until fewer requests are in hand. Who finds `paused_` set lets go of it.
  void Pause() {
    socket_->Pause();
    paused_ = true;
    if (budget_->HasRoom() && paused_.exchange(false)) socket_->Resume();
  }
  void OnRoom() {
    if (!paused_.exchange(false)) return;
    loop_.Post([self = shared_from_this()] {
      if (!self->closed_) self->socket_->Resume();
    });
  }

  absl::Status OnFrame(std::string_view message) {
    THOLOS_ASSIGN_OR_RETURN(const FrameView frame, ParseGrpcFrame(message));
    return greeted_ ? shared_.events.received(shared_from_this(), frame.batch) : OnHello(frame);
  }

  absl::Status OnHello(const FrameView& frame) {
    Hello hello;
    if (!frame.hello.has_value() ||
        !hello.ParseFromArray(frame.hello->data(), static_cast<int>(frame.hello->size()))) {
      return absl::InvalidArgumentError("the first frame is no greeting");
    }
    THOLOS_ASSIGN_OR_RETURN(
        const uint32_t version,
        Agree({shared_.endpoint.ToString(), shared_.options.cluster_name, kVersions},
              {hello.endpoint(),
               hello.cluster_name(),
               {hello.oldest_version(), hello.protocol_version()}}));
    absl::StatusOr<Endpoint> from = Endpoint::Parse(hello.endpoint());
    if (!from.ok()) return from.status();
    if (hello.stream_class() >= kVerbClassCount) {
      return absl::InvalidArgumentError(
          base::StrCat("there is no class ", hello.stream_class(), " of streams"));
    }
    from_ = *std::move(from);
    greeted_ = true;
    const uint64_t window = MakeBudget(static_cast<VerbClass>(hello.stream_class()));
    SetWindows(std::numeric_limits<uint64_t>::max(), window);
    if (BeginWriting()) {
      Frame answer_frame;
      Hello& answer = *answer_frame.mutable_hello();
      answer.set_protocol_version(version);
      answer.set_oldest_version(kVersions.oldest);
      answer.set_window(window);
      answer.set_cluster_name(shared_.options.cluster_name);
      answer.set_endpoint(shared_.endpoint.ToString());
      answer.set_stream_class(hello.stream_class());
      socket_->Write(MakeGrpcMessage(answer_frame.SerializeAsString()));
    }
    shared_.events.greeted(from_);
    return absl::OkStatus();
  }

  // What this stream may have in hand.
  uint64_t MakeBudget(VerbClass stream_class) {
    const ClassLimits limits = LimitsOf(
        stream_class, {std::numeric_limits<size_t>::max(), shared_.options.inbound_bytes_max});
    budget_ =
        std::make_shared<ByteBudget>(limits.inbound_bytes_max, nullptr, [weak = weak_from_this()] {
          if (auto stream = weak.lock()) stream->OnRoom();
        });
    return limits.inbound_bytes_max;
  }

  void OnPeerEnded(absl::Status) override { Close(); }

  void OnClosed(absl::Status) override {
    closed_ = true;
    Close();
    shared_.connections.fetch_sub(1, std::memory_order_relaxed);
    home_.streams.erase(id_);
  }

  ServerShared& shared_;
  ShardStreams& home_;
  base::Loop& loop_;
  const uint64_t id_;
  std::shared_ptr<GrpcSocket> socket_;
  std::shared_ptr<ByteBudget> budget_;  // since the hello
  Endpoint from_;
  bool greeted_ = false;
  bool closed_ = false;
  absl::Status end_status_;
  std::atomic<bool> paused_ = false;
};

// On shard `index`.
void TakeConnection(ServerShared& shared, int index, int fd) {
  ShardStreams& home = shared.shards[static_cast<size_t>(index)];
  if (home.stopped) {
    close(fd);
    shared.connections.fetch_sub(1, std::memory_order_relaxed);
    return;
  }
  const uint64_t id = home.next_id++;
  auto stream = std::make_shared<GrpcInboundStream>(shared, home, shared.executor.shard(index), id);
  home.streams.emplace(id, stream);
  stream->Start(fd);
}

base::Task<void> BreakStreams(ShardStreams* home) {
  home->stopped = true;
  // Not inside an event of one of them.
  co_await base::Yield();
  while (!home->streams.empty()) {
    const std::shared_ptr<GrpcInboundStream> stream = home->streams.begin()->second;
    stream->Break(absl::UnavailableError("the transport was stopped"));
  }
}

}  // namespace

struct InternodeServer::Impl {
  ServerShared shared;
  std::vector<int> fds;  // until they are watched
  // Shard 0's.
  std::vector<std::unique_ptr<Listener>> listeners;
  int next_shard = 0;

  void Accept(int fd) {
    if (shared.connections.fetch_add(1, std::memory_order_relaxed) >=
        shared.options.connections_max) {
      shared.connections.fetch_sub(1, std::memory_order_relaxed);
      close(fd);
      return;
    }
    const int shard = next_shard;
    next_shard = (next_shard + 1) % shared.executor.shard_count();
    if (shard == 0) return TakeConnection(shared, 0, fd);
    shared.executor.shard(shard).Post([this, shard, fd] { TakeConnection(shared, shard, fd); });
  }

  base::Task<void> StopListening() {
    listeners.clear();
    co_return;
  }
};

absl::StatusOr<std::unique_ptr<InternodeServer>> InternodeServer::Listen(base::Executor& executor,
                                                                         ListenOptions options,
                                                                         InboundEvents events) {
  THOLOS_ASSIGN_OR_RETURN(Listening listening, ListenOn(options.listen));
  auto impl = std::unique_ptr<Impl>(
      new Impl{{executor, std::move(options), std::move(events), {}, {}, 0}, {}, {}, 0});
  impl->shared.shards.resize(static_cast<size_t>(executor.shard_count()));
  impl->shared.endpoint = {impl->shared.options.listen.host, listening.port};
  impl->fds = std::move(listening.fds);
  return std::unique_ptr<InternodeServer>(new InternodeServer(std::move(impl)));
}

InternodeServer::InternodeServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
InternodeServer::~InternodeServer() {
  for (const int fd : impl_->fds) close(fd);
}

const Endpoint& InternodeServer::endpoint() const { return impl_->shared.endpoint; }

void InternodeServer::Start() {
  impl_->shared.executor.shard(0).Post([impl = impl_.get(), fds = std::exchange(impl_->fds, {})] {
    for (const int fd : fds) {
      impl->listeners.push_back(
          std::make_unique<Listener>(fd, [impl](int connection) { impl->Accept(connection); }));
    }
  });
}

base::Task<void> InternodeServer::Stop() {
  base::Executor& executor = impl_->shared.executor;
  co_await base::RunOn(executor.shard(0), impl_->StopListening());
  for (int i = 0; i < executor.shard_count(); ++i) {
    co_await base::RunOn(executor.shard(i),
                         BreakStreams(&impl_->shared.shards[static_cast<size_t>(i)]));
  }
}

}  // namespace tholos::rpc
