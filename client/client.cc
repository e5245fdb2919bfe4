#include "client/client.h"

#include <strings.h>

#include <utility>

#include "absl/strings/ascii.h"
#include "base/endpoint.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "client/impl.h"

namespace tholos::client {

namespace {

constexpr char kPortDefault[] = ":9043";
// How late a deadline may be noticed.
constexpr absl::Duration kSweepInterval = absl::Milliseconds(10);

absl::StatusOr<std::string> CompleteAddress(const std::string& host) {
  const bool has_port = host.rfind(':') != std::string::npos && host.back() != ']';
  auto endpoint = base::Endpoint::Parse(has_port ? host : host + kPortDefault);
  if (endpoint.ok()) return endpoint->ToString();
  return absl::InvalidArgumentError(
      base::StrCat("contact point '", host, "': ", base::ToStd(endpoint.status().message())));
}

absl::Status Check(const Options& options) {
  if (options.contact_points.empty())
    return absl::InvalidArgumentError("there is no contact point");
  if (options.timeout <= absl::ZeroDuration() || options.connect_timeout <= absl::ZeroDuration() ||
      options.topology_interval <= absl::ZeroDuration())
    return absl::InvalidArgumentError("timeouts and intervals are positive");
  if (options.tries_max < 1 || options.calls_max < 1 || options.prepared_max < 1)
    return absl::InvalidArgumentError("tries_max, calls_max and prepared_max are at least 1");
  return absl::OkStatus();
}

// Text that reads: it may be run twice.
bool BeginsWithSelect(std::string_view text) {
  while (!text.empty() && absl::ascii_isspace(static_cast<unsigned char>(text[0])))
    text.remove_prefix(1);
  constexpr std::string_view kSelect = "select";
  return text.size() > kSelect.size() &&
         strncasecmp(text.data(), kSelect.data(), kSelect.size()) == 0;
}

}  // namespace

Client::Impl::Impl(Options options)
    : options_(std::move(options)), prepared_(options_.prepared_max) {}

absl::StatusOr<std::shared_ptr<Client::Impl>> Client::Impl::Connect(Options options) {
  THOLOS_RETURN_IF_ERROR(Check(options));
  for (std::string& contact_point : options.contact_points) {
    THOLOS_ASSIGN_OR_RETURN(contact_point, CompleteAddress(contact_point));
  }
  std::shared_ptr<Impl> impl(new Impl(std::move(options)));
  THOLOS_ASSIGN_OR_RETURN(impl->cluster_,
                          Cluster::Connect({.contact_points = impl->options_.contact_points,
                                            .datacenter = impl->options_.datacenter,
                                            .connect_timeout = impl->options_.connect_timeout,
                                            .topology_interval = impl->options_.topology_interval},
                                           impl->timers_, impl->channels_));
  impl->calls_.reset(new CallContext{impl->timers_, *impl->cluster_, impl->prepared_, impl->budget_,
                                     impl->options_.tries_max});
  return impl;
}

absl::Status Client::Impl::Enter() {
  std::lock_guard lock(mutex_);
  if (closed_) return absl::CancelledError("the client is closed");
  if (open_ >= options_.calls_max) {
    return absl::ResourceExhaustedError(
        base::StrCat(options_.calls_max, " calls are open (Options::calls_max)"));
  }
  ++open_;
  if (!sweeping_) ScheduleSweep();
  return absl::OkStatus();
}

void Client::Impl::Leave() {
  std::lock_guard lock(mutex_);
  if (--open_ == 0) changed_.notify_all();
}

void Client::Impl::ScheduleSweep() {
  sweeping_ = true;
  timers_.At(timers_.Now() + kSweepInterval, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self == nullptr) return;
    self->cluster_->Sweep(self->timers_.Now());
    self->channels_.Bury();
    std::lock_guard lock(self->mutex_);
    self->sweeping_ = false;
    if (self->open_ > 0) self->ScheduleSweep();
  });
}

CallRequest Client::Impl::WithDefaults(const CallOptions& call) const {
  CallRequest request;
  request.keyspace = call.keyspace.value_or(options_.keyspace);
  request.consistency = call.consistency.value_or(options_.consistency);
  request.deadline = timers_.Now() + call.timeout.value_or(options_.timeout);
  request.idempotent = call.idempotent.value_or(false);
  request.timestamp = call.timestamp;
  request.tracing = call.tracing;
  return request;
}

void Client::Impl::Start(CallRequest request, Call::Done done) {
  if (absl::Status status = Enter(); !status.ok()) return done(std::move(status));
  count_.fetch_add(1, std::memory_order_relaxed);
  Call::Start(*calls_, std::move(request),
              [this, done = std::move(done)](absl::StatusOr<Result> result) mutable {
                done(std::move(result));
                // The last thing: Close waits for it.
                Leave();
              });
}

Future<absl::StatusOr<Result>> Client::Impl::Execute(Statement statement) {
  Promise<absl::StatusOr<Result>> promise;
  CallRequest request = WithDefaults(statement);
  request.idempotent = statement.idempotent.value_or(BeginsWithSelect(statement.text));
  request.statements.push_back(std::move(statement));
  Start(std::move(request),
        [promise](absl::StatusOr<Result> result) { promise.Set(std::move(result)); });
  return promise.future();
}

Future<absl::StatusOr<Result>> Client::Impl::Execute(Batch batch) {
  if (batch.statements.empty())
    return Future<absl::StatusOr<Result>>::Ready(
        absl::InvalidArgumentError("the batch has no statement"));
  Promise<absl::StatusOr<Result>> promise;
  CallRequest request = WithDefaults(batch);
  request.batch = batch.kind;
  request.statements = std::move(batch.statements);
  Start(std::move(request),
        [promise](absl::StatusOr<Result> result) { promise.Set(std::move(result)); });
  return promise.future();
}

Future<absl::Status> Client::Impl::Prepare(std::string text) {
  Promise<absl::Status> promise;
  CallRequest request = WithDefaults({});
  request.prepare_only = true;
  request.statements.emplace_back(std::move(text));
  Start(std::move(request),
        [promise](absl::StatusOr<Result> result) { promise.Set(result.status()); });
  return promise.future();
}

void Client::Impl::Close() {
  {
    std::unique_lock lock(mutex_);
    closed_ = true;
    changed_.wait(lock, [this] { return open_ == 0; });
  }
  timers_.Stop();
  if (cluster_ != nullptr) cluster_->Close();
  channels_.Close();
}

Stats Client::Impl::stats() const {
  Stats stats;
  stats.calls = count_.load();
  stats.tries = calls_->tries.load();
  stats.prepared = calls_->prepares.load();
  stats.to_replica = calls_->to_replica.load();
  const auto view = cluster_->view();
  stats.nodes = view->topology.nodes().size();
  for (const Node& node : view->topology.nodes()) stats.nodes_up += node.up ? 1 : 0;
  std::lock_guard lock(mutex_);
  stats.open = open_;
  return stats;
}

Client::Client(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::~Client() { Close(); }

absl::StatusOr<std::unique_ptr<Client>> Client::Connect(Options options) {
  THOLOS_ASSIGN_OR_RETURN(std::shared_ptr<Impl> impl, Impl::Connect(std::move(options)));
  return std::unique_ptr<Client>(new Client(std::move(impl)));
}

Future<absl::StatusOr<Result>> Client::Execute(Statement statement) {
  return impl_->Execute(std::move(statement));
}
Future<absl::StatusOr<Result>> Client::Execute(Batch batch) {
  return impl_->Execute(std::move(batch));
}
Rows Client::Query(Statement statement) { return Rows(impl_, std::move(statement)); }
Future<absl::Status> Client::Prepare(std::string text) { return impl_->Prepare(std::move(text)); }
void Client::Close() { impl_->Close(); }
Stats Client::stats() const { return impl_->stats(); }

}  // namespace tholos::client
