#include "cluster/membership.h"

#include <utility>

#include "absl/strings/str_join.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace tholos::cluster {
namespace {

constexpr std::string_view kPart = "cluster";
constexpr absl::Duration kSaveRetry = absl::Seconds(5);

// Values that say nothing about a later start.
bool IsOfTheMoment(gossip::StateKey key) {
  return key == gossip::StateKey::kServing || key == gossip::StateKey::kSchema;
}

// Values that make up a NodeInfo.
bool MattersToRing(gossip::StateKey key) {
  using gossip::StateKey;
  return key == StateKey::kStatus || key == StateKey::kTokens || key == StateKey::kDatacenter ||
         key == StateKey::kRack || key == StateKey::kInternode || key == StateKey::kClient ||
         key == StateKey::kNative || IsOfTheMoment(key);
}

std::string Join(const std::vector<base::Endpoint>& endpoints) {
  return absl::StrJoin(endpoints, ", ", [](std::string* out, const base::Endpoint& endpoint) {
    out->append(endpoint.ToString());
  });
}

}  // namespace

Membership::Membership(MembershipOptions options, MembershipDeps deps, LocalNode local)
    : options_(std::move(options)), deps_(deps), local_(std::move(local)) {
  deps_.gossiper.Observe([this](const gossip::PeerEvent& event) { OnEvent(event); });
}

Membership::~Membership() {
  THOLOS_CHECK(!joined_ || stopping_ || base::Loop::CurrentCrashed()) << "not stopped";
}

ring::NodeInfo Membership::Self() const {
  ring::NodeInfo node;
  node.id = local_.id;
  node.internode = options_.internode;
  node.client = options_.client;
  node.native = options_.native;
  node.datacenter = options_.datacenter;
  node.rack = options_.rack;
  node.status = ring::NodeStatus::kNormal;
  node.tokens = local_.tokens;
  return node;
}

base::Task<absl::Status> Membership::Join() {
  THOLOS_CO_ASSIGN_OR_RETURN(const Peers peers, co_await LoadPeers(deps_.fs, options_.directory));
  for (const auto& [id, values] : peers) deps_.gossiper.Remember(id, values);
  if (local_.tokens.empty()) THOLOS_CO_RETURN_IF_ERROR(co_await ChooseTokens());
  for (const auto& [key, value] : gossip::ValuesOf(Self())) deps_.gossiper.SetOwn(key, value);
  deps_.gossiper.SetOwn(gossip::StateKey::kRelease, options_.release);
  joined_ = true;
  Refresh();
  scope_.Spawn(KeepPeersSaved());
  co_return absl::OkStatus();
}

void Membership::SetServing(bool serving) {
  deps_.gossiper.SetOwn(gossip::StateKey::kServing, serving ? "1" : "0");
  Refresh();
}

base::Task<void> Membership::Stop() {
  stopping_ = true;
  peers_changed_.Set();
  co_await scope_.Stop();
}

absl::Status Membership::AddressTaken(const JoinQuestion& question) const {
  for (const ring::NodeInfo& member : question.members) {
    if (member.internode != question.self) continue;
    return absl::FailedPreconditionError(
        base::StrCat(options_.internode.ToString(), " is the address of node ",
                     member.id.ToString(), " of this cluster, and ", options_.directory,
                     " is not its data directory. Start it with that one: the data of a lost node "
                     "is not rebuilt "
                     "yet"));
  }
  return absl::InternalError("no member has this address");
}

base::Task<absl::Status> Membership::ChooseTokens() {
  const base::Clock& clock = base::Loop::Current().clock();
  const base::MonotonicTime begin = clock.Now();
  base::RandomStream random = deps_.random.Stream("tokens");
  JoinQuestion question{.cluster_name = local_.place.cluster_name,
                        .self = options_.internode,
                        .seeds = options_.seeds};
  JoinStep step = JoinStep::kWait;
  while (true) {
    question.answers = co_await deps_.gossiper.AskSeeds();
    THOLOS_CO_RETURN_IF_ERROR(question.answers.rejection);
    question.members.clear();
    for (ring::NodeInfo& node : NodesOfGossip()) {
      if (!node.tokens.empty()) question.members.push_back(std::move(node));
    }
    question.waited = clock.Now() - begin;
    step = DecideJoin(question);
    if (step == JoinStep::kAddressTaken) co_return AddressTaken(question);
    if (step != JoinStep::kWait) break;
    if (question.waited > options_.join_timeout) {
      co_return absl::UnavailableError(base::StrCat("no seed (", cluster::Join(options_.seeds),
                                                    ") told of a cluster to join within ",
                                                    absl::FormatDuration(options_.join_timeout)));
    }
    co_await base::SleepFor(options_.join_retry);
  }
  local_.tokens = TokensFor(step, question, random);
  deps_.log.Info(kPart, base::StrCat("first start as node ", local_.id.ToString(), " of cluster \"",
                                     local_.place.cluster_name, "\" with ", question.members.size(),
                                     " known nodes: ", local_.tokens.size(), " tokens chosen"));
  co_return co_await SaveLocalNode(deps_.fs, options_.directory, local_);
}

std::vector<ring::NodeInfo> Membership::NodesOfGossip() const {
  std::vector<ring::NodeInfo> nodes;
  for (const auto& [id, state] : deps_.gossiper.state().endpoints()) {
    auto node = gossip::NodeInfoOf(id, state);
    if (node.ok()) {
      nodes.push_back(*std::move(node));
    } else if (absl::IsDataLoss(node.status())) {
      deps_.log.Warning(kPart, base::StrCat("node ", id.ToString(), " is left out of the ring: ",
                                            base::ToStd(node.status().message())));
    }
  }
  return nodes;
}

void Membership::OnEvent(const gossip::PeerEvent& event) {
  if (!joined_ || event.kind != gossip::PeerEvent::Kind::kChanged) return;
  for (const gossip::StateKey key : event.keys) {
    if (!MattersToRing(key)) continue;
    Refresh();
    return;
  }
}

void Membership::Refresh() {
  deps_.publisher.SetNodes(NodesOfGossip());
  peers_changed_.Set();
}

Peers Membership::KnownPeers() const {
  Peers peers;
  for (const auto& [id, state] : deps_.gossiper.state().endpoints()) {
    if (id == local_.id || !gossip::NodeInfoOf(id, state).ok()) continue;
    for (const auto& [key, value] : state.values) {
      if (MattersToRing(key) && !IsOfTheMoment(key)) peers[id][key] = value.value;
    }
  }
  return peers;
}

// Writes peers.bin after each change; what changes while it writes goes into the next one.
base::Task<void> Membership::KeepPeersSaved() {
  Peers saved;
  while (true) {
    co_await peers_changed_.Wait();
    if (stopping_) co_return;
    peers_changed_.Reset();
    Peers peers = KnownPeers();
    if (peers == saved) continue;
    const absl::Status status = co_await SavePeers(deps_.fs, options_.directory, peers);
    if (status.ok()) {
      saved = std::move(peers);
      continue;
    }
    deps_.log.Warning(
        kPart, base::StrCat("the known peers could not be saved: ", base::ToStd(status.message())));
    co_await peers_changed_.WaitUntil(base::Loop::Current().clock().Now() + kSaveRetry);
    peers_changed_.Set();
  }
}

}  // namespace tholos::cluster
