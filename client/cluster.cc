#include "client/cluster.h"

#include <grpcpp/client_context.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <tuple>
#include <utility>

#include "base/status_macros.h"
#include "base/strings.h"

namespace tholos::client {

namespace pb = ::tholos::v1;

namespace {

constexpr absl::Duration kLookTimeout = absl::Seconds(2);
// After a node was lost or the schema has changed: for what belongs together to have happened.
constexpr absl::Duration kLookSoon = absl::Milliseconds(50);

void SetDeadline(absl::Duration timeout, grpc::ClientContext* context) {
  context->set_deadline(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(timeout));
}

std::string Explain(const std::string& address, const grpc::Status& status) {
  if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED)
    return base::StrCat(address, ": answers gRPC, but is no node of Tholos (or an older one)");
  if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED)
    return base::StrCat(address, ": no answer in time");
  return base::StrCat(address, ": ", status.error_message());
}

// All contact points are asked at the same time; the first good answer counts.
class FirstLook {
 public:
  explicit FirstLook(Channels& channels) : channels_(channels) {}

  absl::StatusOr<Topology> Run(const std::vector<std::string>& contact_points,
                               absl::Duration timeout) {
    std::unique_lock lock(mutex_);
    open_ = contact_points.size();
    for (const std::string& address : contact_points) Ask(address, timeout);
    changed_.wait(lock, [this] { return open_ == 0 || found_.has_value(); });
    for (Question& question : questions_) question.context.TryCancel();
    // gRPC writes into the questions until the last one is answered.
    changed_.wait(lock, [this] { return open_ == 0; });
    if (found_.has_value()) return *std::move(found_);
    return absl::UnavailableError(base::StrCat("no contact point answered: ", reasons_));
  }

 private:
  struct Question {
    std::string address;
    std::shared_ptr<pb::Tholos::Stub> stub;
    grpc::ClientContext context;
    pb::TopologyRequest request;
    pb::Topology response;
  };

  void Ask(const std::string& address, absl::Duration timeout) {
    Question& question = questions_.emplace_back();
    question.address = address;
    question.stub = channels_.Open(address);
    SetDeadline(timeout, &question.context);
    question.stub->async()->GetTopology(
        &question.context, &question.request, &question.response,
        [this, &question](grpc::Status status) { Answer(question, status); });
  }

  void Answer(const Question& question, const grpc::Status& status) {
    std::lock_guard lock(mutex_);
    --open_;
    changed_.notify_all();
    if (found_.has_value()) return;
    std::string reason;
    if (status.ok()) {
      auto topology = Topology::From(question.response);
      if (topology.ok()) {
        found_ = *std::move(topology);
        return;
      }
      reason = base::StrCat(question.address, ": ", base::ToStd(topology.status().message()));
    } else {
      reason = Explain(question.address, status);
    }
    base::StrAppend(&reasons_, reasons_.empty() ? "" : "; ", reason);
  }

  Channels& channels_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Question> questions_;
  size_t open_ = 0;
  std::optional<Topology> found_;
  std::string reasons_;
};

}  // namespace

std::optional<size_t> Choose(const std::vector<Candidate>& candidates, uint64_t turn) {
  std::optional<size_t> best;
  const auto rank = [&](size_t i) {
    const Candidate& c = candidates[i];
    return std::tuple(!c.up, !c.local, !c.replica, c.replica ? c.open : 0);
  };
  for (size_t n = 0; n < candidates.size(); ++n) {
    const size_t i = (turn + n) % candidates.size();
    if (candidates[i].usable && (!best.has_value() || rank(i) < rank(*best))) best = i;
  }
  return best;
}

struct Cluster::Look {
  std::shared_ptr<Connection> connection;
  grpc::ClientContext context;
  pb::TopologyRequest request;
  pb::Topology response;
};

absl::StatusOr<std::shared_ptr<Cluster>> Cluster::Connect(Options options, Timers& timers,
                                                          Channels& channels) {
  THOLOS_ASSIGN_OR_RETURN(Topology topology,
                          FirstLook(channels).Run(options.contact_points, options.connect_timeout));
  const auto known = [&](const Node& node) { return node.datacenter == options.datacenter; };
  if (options.datacenter.empty()) {
    options.datacenter = topology.datacenter();
  } else if (std::none_of(topology.nodes().begin(), topology.nodes().end(), known)) {
    return absl::InvalidArgumentError(
        base::StrCat("the cluster has no datacenter ", options.datacenter));
  }
  std::shared_ptr<Cluster> cluster(new Cluster(std::move(options), timers, channels));
  cluster->Install(std::move(topology));
  cluster->ScheduleLook(cluster->options_.topology_interval);
  return cluster;
}

std::shared_ptr<const View> Cluster::view() const {
  base::MutexLock lock(&mutex_);
  return view_;
}

void Cluster::Install(Topology topology) {
  const std::shared_ptr<const View> old = view();
  auto next = std::make_shared<View>();
  for (const Node& node : topology.nodes()) {
    std::shared_ptr<Connection> connection;
    for (size_t i = 0; old != nullptr && i < old->connections.size(); ++i) {
      if (old->connections[i]->address() == node.address) connection = old->connections[i];
    }
    if (connection == nullptr) {
      connection = std::make_shared<Connection>(node.address, channels_.Open(node.address),
                                                [weak = weak_from_this()] {
                                                  if (const auto self = weak.lock())
                                                    self->LookSoon();
                                                });
    }
    next->connections.push_back(std::move(connection));
  }
  next->topology = std::move(topology);
  base::MutexLock lock(&mutex_);
  std::erase_if(retired_, [](const auto& connection) { return connection->open() == 0; });
  for (size_t i = 0; old != nullptr && i < old->connections.size(); ++i) {
    const auto& connection = old->connections[i];
    if (std::find(next->connections.begin(), next->connections.end(), connection) ==
        next->connections.end())
      retired_.push_back(connection);
  }
  view_ = std::move(next);
}

std::vector<std::shared_ptr<Connection>> Cluster::AllConnections() const {
  base::MutexLock lock(&mutex_);
  std::vector<std::shared_ptr<Connection>> all = view_->connections;
  all.insert(all.end(), retired_.begin(), retired_.end());
  return all;
}

std::optional<Cluster::Target> Cluster::Pick(
    std::string_view keyspace, std::optional<data::Token> token,
    const std::vector<std::shared_ptr<Connection>>& tried) {
  const std::shared_ptr<const View> view = this->view();
  const base::MonotonicTime now = timers_.Now();
  std::vector<Candidate> candidates(view->connections.size());
  for (size_t i = 0; i < candidates.size(); ++i) {
    const Node& node = view->topology.nodes()[i];
    const auto& connection = view->connections[i];
    candidates[i] = {.usable = connection->available(now) &&
                               std::find(tried.begin(), tried.end(), connection) == tried.end(),
                     .up = node.up,
                     .local = node.datacenter == options_.datacenter,
                     .open = connection->open()};
  }
  if (token.has_value()) {
    for (const uint32_t i : view->topology.ReplicasOf(keyspace, *token))
      candidates[i].replica = true;
  }
  const uint64_t turn = turn_.fetch_add(1, std::memory_order_relaxed);
  while (const auto chosen = Choose(candidates, turn)) {
    auto session = view->connections[*chosen]->UseSession(now);
    if (session != nullptr)
      return Target{view->connections[*chosen], std::move(session), candidates[*chosen].replica};
    candidates[*chosen].usable = false;
  }
  return std::nullopt;
}

absl::Status Cluster::NobodyLeft() const {
  const std::shared_ptr<const View> view = this->view();
  std::string reasons;
  for (const auto& connection : view->connections) {
    const absl::Status why = connection->last_end();
    base::StrAppend(
        &reasons, reasons.empty() ? "" : "; ",
        why.ok() ? base::StrCat(connection->address(), ": in use") : std::string(why.message()));
  }
  return absl::UnavailableError(base::StrCat("no node can be reached: ", reasons));
}

void Cluster::Sweep(base::MonotonicTime now) {
  for (const auto& connection : AllConnections()) connection->Sweep(now);
}

void Cluster::LookSoon() {
  {
    base::MutexLock lock(&mutex_);
    if (std::exchange(soon_, true)) return;
  }
  timers_.At(timers_.Now() + kLookSoon, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->StartLook();
  });
}

void Cluster::ScheduleLook(absl::Duration in) {
  timers_.At(timers_.Now() + in, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self == nullptr) return;
    self->StartLook();
    self->ScheduleLook(self->options_.topology_interval);
  });
}

void Cluster::StartLook() {
  {
    base::MutexLock lock(&mutex_);
    soon_ = false;
  }
  auto target = Pick({}, std::nullopt, {});
  if (!target.has_value()) return;
  std::lock_guard lock(looks_mutex_);
  if (closed_ || look_ != nullptr) return;
  auto* look = new Look;
  look_ = look;
  look->connection = std::move(target->connection);
  SetDeadline(kLookTimeout, &look->context);
  look->request.set_known_version(view()->topology.version());
  look->connection->stub()->async()->GetTopology(
      &look->context, &look->request, &look->response,
      [self = shared_from_this(), look](grpc::Status status) { self->EndLook(look, status); });
}

void Cluster::EndLook(Look* look, const grpc::Status& status) {
  if (status.ok() && look->response.version() != look->request.known_version()) {
    auto topology = Topology::From(look->response);
    if (topology.ok()) Install(*std::move(topology));
  }
  {
    std::lock_guard lock(looks_mutex_);
    look_ = nullptr;
    looks_changed_.notify_all();
  }
  delete look;
}

void Cluster::Close() {
  {
    std::unique_lock lock(looks_mutex_);
    closed_ = true;
    if (look_ != nullptr) look_->context.TryCancel();
    looks_changed_.wait(lock, [this] { return look_ == nullptr; });
  }
  for (const auto& connection : AllConnections()) connection->Close();
  base::MutexLock lock(&mutex_);
  view_ = std::make_shared<const View>();
  retired_.clear();
}

}  // namespace tholos::client
