#include "client/call.h"

#include <algorithm>
#include <utility>

#include "absl/hash/hash.h"
#include "base/errors.h"
#include "base/strings.h"
#include "client/messages.h"

namespace tholos::client {

namespace pb = ::tholos::v1;

namespace {

// Beyond a call's deadline: for the server's own answer, which knows more, to arrive.
constexpr absl::Duration kGrace = absl::Milliseconds(50);
// A node that forgets a statement as often as it is told has too little room for it.
constexpr int kPreparedAgainMax = 4;

}  // namespace

Call::Call(CallContext& context, CallRequest request, Done done)
    : context_(context),
      request_(std::move(request)),
      done_(std::move(done)),
      parts_(request_.statements.size()) {}

bool Call::Uses(size_t part) const {
  const Statement& statement = request_.statements[part];
  return request_.prepare_only || !statement.values.empty() || !statement.named.empty();
}

void Call::Start(CallContext& context, CallRequest request, Done done) {
  std::shared_ptr<Call> call(new Call(context, std::move(request), std::move(done)));
  context.budget.Earn();
  for (size_t i = 0; i < call->parts_.size(); ++i) {
    if (!call->Uses(i)) continue;
    call->parts_[i].prepared =
        context.prepared.Find(call->request_.keyspace, call->request_.statements[i].text);
    if (call->parts_[i].prepared == nullptr) call->to_prepare_.push_back(i);
  }
  call->Step();
}

void Call::Step() {
  if (context_.timers.Now() >= request_.deadline) {
    return Fail(!last_.ok() ? last_
                            : absl::DeadlineExceededError("the deadline passed before anything was "
                                                          "sent"));
  }
  if (to_prepare_.empty() && !bound_ && !BindOrPrepare()) return;
  if (pinned_.has_value()) return Send(*pinned_);
  const Part& first = parts_[0];
  const std::string_view keyspace =
      bound_ && first.prepared != nullptr ? std::string_view(first.prepared->keyspace) : "";
  const std::optional<data::Token> token = bound_ ? first.bound.token : std::nullopt;
  auto target = context_.cluster.Pick(keyspace, token, tried_);
  if (!target.has_value() && !tried_.empty()) {
    // The same ones once more, but not at once.
    tried_.clear();
    if (!paused_) return Later();
    target = context_.cluster.Pick(keyspace, token, tried_);
  }
  if (target.has_value()) return Send(*std::move(target));
  if (++tries_ >= context_.tries_max) return Fail(context_.cluster.NobodyLeft());
  Later();
}

// True: bound, or there is something to prepare. False: the call has ended. A value that does not
// fit what was prepared some time ago may fit the table that has taken its place.
bool Call::BindOrPrepare() {
  if (request_.prepare_only) {
    Finish(Result());
    return false;
  }
  absl::Status status = Bind();
  if (status.ok()) return true;
  if (!fresh_) PrepareAll();
  if (!to_prepare_.empty()) return true;
  Finish(std::move(status));
  return false;
}

absl::Status Call::Bind() {
  for (size_t i = 0; i < parts_.size(); ++i) {
    if (parts_[i].prepared == nullptr) continue;
    auto bound = BindValues(*parts_[i].prepared, request_.statements[i]);
    if (!bound.ok()) {
      if (!request_.batch.has_value()) return bound.status();
      return base::InvalidRequest(
          base::StrCat("statement ", i + 1, ": ", base::ToStd(bound.status().message())));
    }
    parts_[i].bound = *std::move(bound);
  }
  bound_ = true;
  return absl::OkStatus();
}

void Call::Send(Cluster::Target target) {
  pb::SessionCall call = !to_prepare_.empty() ? MakePrepare(request_.statements[to_prepare_.back()])
                         : request_.batch.has_value() ? MakeBatch()
                                                      : MakeExecute();
  const absl::Duration left = request_.deadline - context_.timers.Now();
  call.set_timeout_ms(
      static_cast<uint32_t>(std::clamp<int64_t>(absl::ToInt64Milliseconds(left), 1, UINT32_MAX)));
  if (to_prepare_.empty()) {
    ++tries_;
    context_.tries.fetch_add(1, std::memory_order_relaxed);
    if (target.replica) context_.to_replica.fetch_add(1, std::memory_order_relaxed);
  } else {
    context_.prepares.fetch_add(1, std::memory_order_relaxed);
  }
  paused_ = false;
  target_ = std::move(target);
  // The session may be another's by the time it calls back.
  const std::shared_ptr<Session> session = target_->session;
  session->Submit(std::move(call), request_.deadline + kGrace,
                  [self = shared_from_this()](pb::SessionAnswer* answer, const Failure& failure) {
                    self->OnAnswer(answer, failure);
                  });
}

pb::SessionCall Call::MakePrepare(const Statement& statement) const {
  pb::SessionCall call;
  call.mutable_prepare()->set_query(statement.text);
  call.mutable_prepare()->set_keyspace(request_.keyspace);
  return call;
}

pb::SessionCall Call::MakeExecute() const {
  const Statement& statement = request_.statements[0];
  const Part& part = parts_[0];
  pb::SessionCall call;
  pb::ExecuteRequest& execute = *call.mutable_execute();
  if (part.prepared != nullptr) {
    execute.set_prepared_id(part.prepared->id);
    execute.set_raw_values(part.bound.raw_values);
    execute.set_result_id(part.prepared->result_id);
  } else {
    execute.set_query(statement.text);
  }
  execute.set_keyspace(request_.keyspace);
  execute.set_consistency(ToMessage(request_.consistency));
  execute.set_page_size(statement.page_size);
  execute.set_paging_state(statement.paging_state);
  if (request_.timestamp.has_value()) execute.set_timestamp(*request_.timestamp);
  execute.set_row_format(pb::ROW_FORMAT_RAW);
  execute.set_tracing(request_.tracing);
  return call;
}

pb::SessionCall Call::MakeBatch() const {
  pb::SessionCall call;
  pb::BatchRequest& batch = *call.mutable_batch();
  batch.set_kind(ToMessage(*request_.batch));
  batch.set_keyspace(request_.keyspace);
  batch.set_consistency(ToMessage(request_.consistency));
  if (request_.timestamp.has_value()) batch.set_timestamp(*request_.timestamp);
  batch.set_tracing(request_.tracing);
  for (size_t i = 0; i < parts_.size(); ++i) {
    pb::BatchStatement* statement = batch.add_statements();
    if (parts_[i].prepared != nullptr) {
      statement->set_prepared_id(parts_[i].prepared->id);
      statement->set_raw_values(parts_[i].bound.raw_values);
    } else {
      statement->set_query(request_.statements[i].text);
    }
  }
  return call;
}

void Call::OnAnswer(pb::SessionAnswer* answer, const Failure& failure) {
  if (answer == nullptr) return OnFailure(failure);
  if (answer->has_error()) return OnFailure({StatusFrom(answer->error())});
  if (!to_prepare_.empty() && answer->has_prepare()) return OnPrepared(*answer->mutable_prepare());
  if (to_prepare_.empty() && answer->has_execute()) return OnResult(answer->mutable_execute());
  OnFailure({absl::DataLossError("the node's answer is of another kind than the call")});
}

void Call::OnPrepared(pb::PrepareResponse& response) {
  auto prepared = PreparedFrom(response);
  if (!prepared.ok()) return Finish(prepared.status());
  // The same text may stand in a batch many times.
  const std::string& text = request_.statements[to_prepare_.back()].text;
  context_.prepared.Put(request_.keyspace, text, *prepared);
  for (size_t i = 0; i < parts_.size(); ++i) {
    if (Uses(i) && request_.statements[i].text == text) parts_[i].prepared = *prepared;
  }
  std::erase_if(to_prepare_, [&](size_t i) { return request_.statements[i].text == text; });
  bound_ = false;
  fresh_ = true;
  Step();
}

void Call::OnResult(pb::ExecuteResponse* response) {
  Part& part = parts_[0];
  std::shared_ptr<const Prepared> prepared = part.prepared;
  auto result = ResultFrom(response, &prepared);
  if (!result.ok()) return Finish(result.status());
  if (prepared != part.prepared)
    context_.prepared.Put(request_.keyspace, request_.statements[0].text, std::move(prepared));
  if (result->schema_change.has_value()) context_.cluster.LookSoon();
  result->node = target_->connection->address();
  Finish(std::move(result));
}

void Call::OnFailure(const Failure& failure) {
  // What is only being prepared may be prepared again.
  const bool preparing = !to_prepare_.empty();
  last_ = failure.status;
  const Decision decision = Decide(failure, request_.idempotent || preparing);
  if (!preparing && Decide(failure, false).next == Next::kFail) uncertain_ = failure.status;
  if (decision.next == Next::kPrepare) return PrepareAgain(failure.status);
  if (decision.next == Next::kFail || tries_ >= context_.tries_max ||
      (decision.charged && !context_.budget.Spend()))
    return Fail(failure.status);
  // Nodes that were not reached are no tries: they leave themselves out.
  if (preparing && failure.sent) ++tries_;
  tried_.push_back(target_->connection);
  pinned_.reset();
  decision.next == Next::kOtherLater ? Later() : Step();
}

void Call::PrepareAgain(const absl::Status& status) {
  if (++prepared_again_ > kPreparedAgainMax) return Finish(status);
  const auto error = base::GetRequestError(status);
  const auto is_it = [&](size_t i) {
    return parts_[i].prepared != nullptr && parts_[i].prepared->id == error->name;
  };
  for (size_t i = 0; i < parts_.size(); ++i) {
    if (is_it(i)) to_prepare_.push_back(i);
  }
  // The server does not say which.
  if (to_prepare_.empty()) PrepareAll();
  if (to_prepare_.empty()) return Finish(status);
  --tries_;  // nothing was done
  pinned_ = target_;
  Step();
}

void Call::PrepareAll() {
  for (size_t i = 0; i < parts_.size(); ++i) {
    if (parts_[i].prepared != nullptr) to_prepare_.push_back(i);
  }
}

void Call::Later() {
  const auto chance = static_cast<double>(absl::HashOf(this, tries_) % 1024) / 1024;
  context_.timers.At(context_.timers.Now() + PauseBefore(tries_, chance),
                     [self = shared_from_this()] {
                       self->paused_ = true;
                       self->Step();
                     });
}

void Call::Fail(absl::Status status) {
  const bool nothing_applied = absl::IsUnavailable(status) || absl::IsResourceExhausted(status);
  Finish(nothing_applied && !uncertain_.ok() ? uncertain_ : status);
}

void Call::Finish(absl::StatusOr<Result> result) {
  std::exchange(done_, nullptr)(std::move(result));
}

}  // namespace tholos::client
