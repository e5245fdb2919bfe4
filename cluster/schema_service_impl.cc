#include "cluster/schema_service_impl.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/async/when_all.h"
#include "base/check.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "cluster/schema_store.h"

namespace tholos::cluster {
namespace {

using gossip::EncodeDigest;
using gossip::StateKey;

constexpr std::string_view kPart = "cluster";
// A peer that was just asked has nothing new to say.
constexpr absl::Duration kPullAgain = absl::Seconds(1);

absl::Status Stopping() { return absl::UnavailableError("the node is stopping"); }

}  // namespace

SchemaServiceImpl::SchemaServiceImpl(SchemaServiceOptions options, SchemaServiceDeps deps,
                                     data::Schema::Ptr schema, Install install)
    : options_(std::move(options)),
      deps_(deps),
      install_(std::move(install)),
      schema_(std::move(schema)),
      own_digest_(EncodeDigest(schema_->digest())) {
  deps_.gossiper.SetOwn(StateKey::kSchema, own_digest_);
  deps_.gossiper.Observe([this](const gossip::PeerEvent& event) { OnEvent(event); });
}

SchemaServiceImpl::~SchemaServiceImpl() {
  THOLOS_CHECK(!started_ || stopping_ || base::Loop::CurrentCrashed()) << "not stopped";
}

void SchemaServiceImpl::RegisterHandlers() {
  deps_.transport.Handle(rpc::Verb::kSchemaPush,
                         [this](rpc::Incoming in) { return HandlePush(std::move(in)); });
  deps_.transport.Handle(rpc::Verb::kSchemaPull,
                         [this](rpc::Incoming in) { return HandlePull(std::move(in)); });
}

void SchemaServiceImpl::Start() {
  started_ = true;
  scope_.Spawn(CheckPeers());
}

base::Task<void> SchemaServiceImpl::Stop() {
  stopping_ = true;
  stop_.Set();
  co_await gate_.Close();
  co_await scope_.Stop();
}

base::Task<absl::Status> SchemaServiceImpl::Apply(Change change, base::Deadline deadline) {
  co_return co_await base::RunOn(deps_.executor.shard(0), ApplyHere(std::move(change), deadline));
}

base::Task<absl::Status> SchemaServiceImpl::ApplyHere(Change change, base::Deadline deadline) {
  const base::Gate::Holder holder = gate_.Enter();
  if (!holder) co_return Stopping();
  THOLOS_CO_RETURN_IF_ERROR(co_await ChangeHere(std::move(change)));
  THOLOS_CO_RETURN_IF_ERROR(co_await PushToAll(deadline));
  co_await deps_.gossiper.SpreadNow();
  co_return absl::OkStatus();
}

// Steps 1 to 4 of the header.
base::Task<absl::Status> SchemaServiceImpl::ChangeHere(Change change) {
  const base::Semaphore::Units units = co_await one_change_.Acquire(1);
  auto next = change(*schema_, deps_.clock.WallMicros());
  if (!next.ok()) co_return next.status();
  co_return co_await Adopt(*std::move(next));
}

base::Task<absl::Status> SchemaServiceImpl::Merge(data::Schema other) {
  const base::Semaphore::Units units = co_await one_change_.Acquire(1);
  co_return co_await Adopt(schema_->Merge(other));
}

// Requires the semaphore's unit. After an error the old schema stays in force; if it was installing
// that failed, the new one is durable and comes into force with the next attempt or start.
base::Task<absl::Status> SchemaServiceImpl::Adopt(data::Schema next) {
  if (next.digest() == schema_->digest()) co_return absl::OkStatus();
  const auto schema = std::make_shared<const data::Schema>(std::move(next));
  THOLOS_CO_RETURN_IF_ERROR(co_await SaveSchema(deps_.fs, options_.directory, schema));
  if (const absl::Status installed = co_await install_(schema); !installed.ok()) {
    deps_.log.Error(
        kPart, base::StrCat("a schema could not be installed: ", base::ToStd(installed.message())));
    co_return installed;
  }
  schema_ = schema;
  own_digest_ = EncodeDigest(schema->digest());
  deps_.publisher.SetSchema(schema);
  deps_.gossiper.SetOwn(StateKey::kSchema, own_digest_);
  co_return absl::OkStatus();
}

base::Task<absl::Status> SchemaServiceImpl::PushToAll(base::Deadline deadline) {
  const std::string encoded = schema_->Encode();
  std::vector<base::Task<absl::Status>> pushes;
  for (const auto& [id, state] : deps_.gossiper.state().endpoints()) {
    if (id == deps_.gossiper.state().self() || !deps_.gossiper.IsAlive(id)) continue;
    pushes.push_back(PushTo(id, encoded, deadline));
  }
  const std::vector<absl::Status> results = co_await base::WhenAll(std::move(pushes));
  const auto acknowledged = std::count_if(results.begin(), results.end(),
                                          [](const absl::Status& status) { return status.ok(); });
  if (static_cast<size_t>(acknowledged) == results.size()) co_return absl::OkStatus();
  base::RequestError error;
  error.kind = base::RequestErrorKind::kTimeout;
  error.write = true;
  error.consistency = "ALL";
  error.required = static_cast<uint32_t>(results.size()) + 1;
  error.received = static_cast<uint32_t>(acknowledged) + 1;
  co_return base::MakeRequestError(
      error, base::StrCat("the schema change is in force here and at ", acknowledged, " of ",
                          results.size(), " other live nodes; it goes on spreading"));
}

// Until it is acknowledged, the deadline passes, or the peer is found dead: then gossip will bring
// it.
base::Task<absl::Status> SchemaServiceImpl::PushTo(ring::NodeId id, std::string encoded,
                                                   base::Deadline deadline) {
  absl::Status last = absl::OkStatus();
  while (deps_.gossiper.IsAlive(id)) {
    const auto to = deps_.gossiper.AddressOf(id);
    if (!to.has_value()) co_return absl::OkStatus();
    const auto answer = co_await deps_.transport.Call(
        {.to = *to, .verb = rpc::Verb::kSchemaPush, .body = encoded},
        std::min(deadline, base::Loop::Current().clock().Now() + options_.push_timeout));
    if (answer.ok()) co_return absl::OkStatus();
    last = answer.status();
    const base::MonotonicTime again = base::Loop::Current().clock().Now() + options_.push_retry;
    if (again >= deadline || stopping_) co_return last;
    co_await stop_.WaitUntil(again);
  }
  co_return absl::OkStatus();
}

base::Task<absl::StatusOr<std::string>> SchemaServiceImpl::HandlePush(rpc::Incoming incoming) {
  const base::Gate::Holder holder = gate_.Enter();
  if (!holder) co_return Stopping();
  THOLOS_CO_ASSIGN_OR_RETURN(data::Schema pushed, data::Schema::Decode(incoming.body));
  THOLOS_CO_RETURN_IF_ERROR(co_await Merge(std::move(pushed)));
  co_return std::string();
}

base::Task<absl::StatusOr<std::string>> SchemaServiceImpl::HandlePull(rpc::Incoming) {
  co_return schema_->Encode();
}

base::Task<absl::Status> SchemaServiceImpl::EnsureTable(data::TableId table, base::Endpoint peer,
                                                        base::Deadline deadline) {
  co_return co_await base::RunOn(deps_.executor.shard(0),
                                 EnsureTableHere(table, std::move(peer), deadline));
}

base::Task<absl::Status> SchemaServiceImpl::EnsureTableHere(data::TableId table,
                                                            base::Endpoint peer,
                                                            base::Deadline deadline) {
  const base::Gate::Holder holder = gate_.Enter();
  if (!holder) co_return Stopping();
  if (schema_->FindTable(table) != nullptr) co_return absl::OkStatus();
  const std::shared_ptr<Pull> pull = StartPull(peer);
  if (!co_await pull->done.WaitUntil(deadline)) {
    co_return absl::DeadlineExceededError("the schema did not arrive in time");
  }
  if (schema_->FindTable(table) != nullptr) co_return absl::OkStatus();
  if (!pull->status.ok()) co_return pull->status;
  co_return absl::NotFoundError(
      base::StrCat("no table ", table.ToString(), ", here or at ", peer.ToString()));
}

void SchemaServiceImpl::OnEvent(const gossip::PeerEvent& event) {
  using Kind = gossip::PeerEvent::Kind;
  if (!started_ || stopping_) return;
  const bool schema_changed =
      event.kind == Kind::kChanged &&
      std::find(event.keys.begin(), event.keys.end(), StateKey::kSchema) != event.keys.end();
  if (schema_changed || event.kind == Kind::kAlive) PullIfDifferent(event.id);
}

void SchemaServiceImpl::PullIfDifferent(const ring::NodeId& id) {
  const gossip::EndpointState* state = deps_.gossiper.state().Find(id);
  if (state == nullptr || id == deps_.gossiper.state().self()) return;
  const std::string_view digest = state->Get(StateKey::kSchema);
  if (digest.empty() || digest == own_digest_ || !deps_.gossiper.IsAlive(id)) return;
  if (const auto peer = deps_.gossiper.AddressOf(id); peer.has_value()) StartPull(*peer);
}

// Catches what a lost pull or an older digest left behind.
base::Task<void> SchemaServiceImpl::CheckPeers() {
  while (!stopping_) {
    std::vector<ring::NodeId> peers;
    for (const auto& [id, state] : deps_.gossiper.state().endpoints()) peers.push_back(id);
    for (const ring::NodeId& id : peers) PullIfDifferent(id);
    co_await stop_.WaitUntil(base::Loop::Current().clock().Now() + options_.check_interval);
  }
}

std::shared_ptr<SchemaServiceImpl::Pull> SchemaServiceImpl::StartPull(base::Endpoint peer) {
  std::shared_ptr<Pull>& pull = pulls_[peer];
  const base::MonotonicTime now = base::Loop::Current().clock().Now();
  const bool fresh = pull != nullptr && (!pull->done.is_set() ||
                                         (pull->status.ok() && now - pull->ended < kPullAgain));
  if (fresh) return pull;
  pull = std::make_shared<Pull>();
  if (!scope_.Spawn(RunPull(std::move(peer), pull))) {
    pull->status = Stopping();
    pull->done.Set();
  }
  return pull;
}

base::Task<void> SchemaServiceImpl::RunPull(base::Endpoint peer, std::shared_ptr<Pull> pull) {
  const base::Clock& clock = base::Loop::Current().clock();
  const auto answer = co_await deps_.transport.Call({.to = peer, .verb = rpc::Verb::kSchemaPull},
                                                    clock.Now() + options_.pull_timeout);
  pull->status = answer.status();
  if (answer.ok()) {
    auto schema = data::Schema::Decode(*answer);
    pull->status = schema.status();
    if (schema.ok()) pull->status = co_await Merge(*std::move(schema));
    if (!pull->status.ok()) {
      deps_.log.Warning(kPart, base::StrCat("the schema of ", peer.ToString(), " was not taken: ",
                                            base::ToStd(pull->status.message())));
    }
  }
  pull->ended = clock.Now();
  pull->done.Set();
}

}  // namespace tholos::cluster
