#include "rpc/dialer.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/strings.h"
#include "rpc/class_limits.h"

namespace tholos::rpc {
namespace {

constexpr absl::Duration kDialTimeout = absl::Seconds(3);
constexpr absl::Duration kPauseMin = absl::Milliseconds(50);
constexpr absl::Duration kPauseMax = absl::Seconds(2);
// A stream that held for this long was no failure.
constexpr absl::Duration kHeldSpan = absl::Seconds(5);
// A peer that nobody asked for during this span is no longer dialled.
constexpr absl::Duration kWantedSpan = absl::Seconds(30);

std::string Describe(const PeerKey& key) {
  return base::StrCat(key.endpoint.ToString(), " (", ClassName(key.stream_class), ")");
}

}  // namespace

Dialer::Dialer(Deps deps, const std::vector<std::unique_ptr<ShardPort>>& ports,
               size_t queue_bytes_max)
    : deps_(std::move(deps)), ports_(ports), queue_bytes_max_(queue_bytes_max) {}

void Dialer::SetSelf(std::string cluster_name, Endpoint self) {
  cluster_name_ = std::move(cluster_name);
  self_ = std::move(self);
}

std::shared_ptr<ByteBudget> Dialer::QueueBudget(const PeerKey& peer) {
  base::MutexLock lock(&budgets_mutex_);
  std::shared_ptr<ByteBudget>& budget = budgets_[peer];
  if (budget == nullptr) {
    base::Gauge& depth = deps_.metrics.AddGauge(
        "tholos_internode_queue_bytes", "Bytes that wait to be sent to a peer, or are being sent.",
        {{"peer", peer.endpoint.ToString()}, {"class", std::string(ClassName(peer.stream_class))}});
    const ClassLimits limits =
        LimitsOf(peer.stream_class, {queue_bytes_max_, std::numeric_limits<size_t>::max()});
    budget = std::make_shared<ByteBudget>(limits.queue_bytes_max, &depth);
  }
  return budget;
}

void Dialer::Want(const PeerKey& peer) {
  deps_.executor.shard(0).Post([this, peer] { OnWanted(peer); });
}

void Dialer::Reachable(const Endpoint& endpoint) {
  deps_.executor.shard(0).Post([this, endpoint] {
    for (size_t i = 0; i < kVerbClassCount; ++i) {
      const auto it = peers_.find({endpoint, static_cast<VerbClass>(i)});
      if (it != peers_.end()) it->second->wake.Pulse();
    }
  });
}

void Dialer::OnWanted(const PeerKey& key) {
  if (stopping_) return;
  auto [it, added] = peers_.try_emplace(key, nullptr);
  if (added) {
    it->second = std::make_unique<Peer>();
    it->second->key = key;
  }
  Peer& peer = *it->second;
  // An idle peer is woken; the pause after a failure is not cut short by mere wishes.
  const base::MonotonicTime now = deps_.clock.Now();
  const bool idle = !added && now - peer.wanted_at > kWantedSpan;
  peer.wanted_at = now;
  if (added) {
    scope_.Spawn(Run(peer));
  } else if (idle) {
    peer.wake.Pulse();
  }
}

base::Task<void> Dialer::Run(Peer& peer) {
  int failures = 0;
  while (!stopping_) {
    if (deps_.clock.Now() - peer.wanted_at > kWantedSpan) {
      co_await peer.wake.Wait();
      continue;
    }
    const bool held = co_await RunStream(peer);
    failures = held ? 0 : failures + 1;
    if (!stopping_) co_await peer.wake.WaitUntil(deps_.clock.Now() + Pause(failures));
  }
}

base::Task<bool> Dialer::RunStream(Peer& peer) {
  Dial(peer);
  const base::MonotonicTime started = deps_.clock.Now();
  while (!peer.up && !peer.done) {
    if (!co_await peer.changed.WaitUntil(started + kDialTimeout)) {
      peer.status = absl::UnavailableError("no answer to the greeting");
      break;
    }
  }
  const bool was_up = peer.up && !peer.done;
  const base::MonotonicTime up_at = deps_.clock.Now();
  if (was_up) {
    // A connected peer counts as wanted until the connection breaks.
    for (size_t i = 0; i < ports_.size(); ++i) {
      deps_.executor.shard(static_cast<int>(i))
          .Post([port = ports_[i].get(), key = peer.key, stream = peer.stream] {
            port->OnPeerUp(key, stream);
          });
    }
    LogOutcome(peer, true);
  } else {
    peer.stream->Cancel();
  }
  while (!peer.done) co_await peer.changed.Wait();
  const base::MonotonicTime now = deps_.clock.Now();
  if (was_up) peer.wanted_at = now;
  const absl::Status why(
      absl::StatusCode::kUnavailable,
      base::StrCat(was_up ? "the connection to " : "cannot connect to ", Describe(peer.key),
                   was_up ? " broke: " : ": ", base::ToStd(peer.status.message())));
  Publish(peer, why);
  peer.status = why;
  LogOutcome(peer, false);
  const bool held = was_up && now - up_at >= kHeldSpan;
  peer.stream = nullptr;
  co_return held;
}

void Dialer::Dial(Peer& peer) {
  peer.up = false;
  peer.done = false;
  peer.status = absl::OkStatus();
  base::Loop& loop = deps_.executor.shard(0);
  OutboundEvents events;
  // `peer` lives until Stop() returned, and that waits for `done`, the last event.
  events.up = [&loop, &peer] {
    loop.Post([&peer] {
      peer.up = true;
      peer.changed.Pulse();
    });
  };
  events.done = [&loop, &peer](absl::Status status, const std::shared_ptr<OutboundStream>&) {
    loop.Post([&peer, status = std::move(status)] {
      peer.done = true;
      if (peer.status.ok()) peer.status = status;
      peer.changed.Pulse();
    });
  };
  events.received = deps_.on_answers;
  peer.stream = DialStream(deps_.executor, peer.key.endpoint,
                           {cluster_name_, self_, peer.key.stream_class}, std::move(events));
  // Stop() may have come between two attempts.
  if (stopping_) peer.stream->Cancel();
}

void Dialer::Publish(const Peer& peer, const absl::Status& why) {
  // Shards that never saw the stream are told that there is none. Each has a status of its own to
  // hand out: the users of a shared one would be counted by all of them.
  std::shared_ptr<Stream> stream = peer.up ? peer.stream : nullptr;
  for (size_t i = 0; i < ports_.size(); ++i) {
    deps_.executor.shard(static_cast<int>(i))
        .Post([port = ports_[i].get(), key = peer.key, stream,
               why = absl::Status(why.code(), why.message())] {
          port->OnPeerDown(key, stream, why);
        });
  }
}

void Dialer::LogOutcome(Peer& peer, bool was_up) {
  if (was_up) {
    peer.failure_logged = false;
    deps_.log.Info("rpc", base::StrCat("connected to ", Describe(peer.key)));
    return;
  }
  // Once for a row of failures.
  if (stopping_ || std::exchange(peer.failure_logged, true)) return;
  deps_.log.Warning("rpc", base::ToStd(peer.status.message()));
}

absl::Duration Dialer::Pause(int failures) {
  if (failures == 0) return absl::ZeroDuration();
  const absl::Duration full =
      std::min(kPauseMax, kPauseMin * static_cast<double>(1 << std::min(failures - 1, 10)));
  return full * (0.5 + 0.5 * deps_.random.Unit());
}

base::Task<void> Dialer::Stop() {
  stopping_ = true;
  for (auto& [key, peer] : peers_) {
    if (peer->stream != nullptr) peer->stream->Cancel();
    peer->wake.Pulse();
  }
  co_await scope_.Stop();
}

}  // namespace tholos::rpc
