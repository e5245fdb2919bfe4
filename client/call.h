// One call of a client, from the statement to its result: prepared where that is needed, bound,
// sent, and tried again as client/client.h says.
//
//   Start ─► prepare what is not known ─► bind ─► execute ─► result
//              ▲      │ failed                      │ failed
//              │      ▼                             ▼
//              └── on another node ◄──── Decide ────┴──► UNPREPARED: prepare on that node
//
// Whatever happens next happens after the previous step has called back, so there is nothing to
// lock.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "base/time.h"
#include "client/cluster.h"
#include "client/prepared.h"
#include "client/result.h"
#include "client/retry.h"
#include "client/statement.h"

namespace tholos::client {

// What all calls of a client share; outlives them.
struct CallContext {
  Timers& timers;
  Cluster& cluster;
  PreparedCache& prepared;
  RetryBudget& budget;
  const int tries_max;
  std::atomic<uint64_t> tries{0};
  std::atomic<uint64_t> prepares{0};
  std::atomic<uint64_t> to_replica{0};
};

// With the client's defaults filled in.
struct CallRequest {
  std::vector<Statement> statements;
  std::optional<Batch::Kind> batch;  // not given: the one statement
  std::string keyspace;
  Consistency consistency = Consistency::kQuorum;
  base::Deadline deadline;
  bool idempotent = false;
  std::optional<int64_t> timestamp;
  bool tracing = false;
  bool prepare_only = false;  // ends when the statement is prepared, with an empty result
};

class Call : public std::enable_shared_from_this<Call> {
 public:
  using Done = absl::AnyInvocable<void(absl::StatusOr<Result>)>;
  // `done` is called once, on any thread, perhaps before this returns.
  static void Start(CallContext& context, CallRequest request, Done done);

 private:
  struct Part {
    std::shared_ptr<const Prepared> prepared;  // null: sent as text
    BoundStatement bound;
  };

  Call(CallContext& context, CallRequest request, Done done);
  bool Uses(size_t part) const;  // values, so it is prepared
  void Step();
  bool BindOrPrepare();
  absl::Status Bind();
  void Send(Cluster::Target target);
  tholos::v1::SessionCall MakePrepare(const Statement& statement) const;
  tholos::v1::SessionCall MakeExecute() const;
  tholos::v1::SessionCall MakeBatch() const;
  void OnAnswer(tholos::v1::SessionAnswer* answer, const Failure& failure);
  void OnPrepared(tholos::v1::PrepareResponse& response);
  void OnResult(tholos::v1::ExecuteResponse* response);
  void OnFailure(const Failure& failure);
  void PrepareAgain(const absl::Status& status);
  void PrepareAll();
  void Later();
  // UNAVAILABLE and OVERLOADED say that nothing was applied: not after a try that may have been.
  void Fail(absl::Status status);
  void Finish(absl::StatusOr<Result> result);

  CallContext& context_;
  CallRequest request_;
  Done done_;
  std::vector<Part> parts_;         // one a statement
  std::vector<size_t> to_prepare_;  // indexes of statements
  bool bound_ = false;
  bool fresh_ = false;                     // what is prepared was so by this call
  bool paused_ = false;                    // since the last try
  std::optional<Cluster::Target> pinned_;  // where to prepare, and execute then
  std::optional<Cluster::Target> target_;  // of the step under way
  std::vector<std::shared_ptr<Connection>> tried_;
  absl::Status last_;       // how the last try failed
  absl::Status uncertain_;  // how the last try failed that may have been applied
  int tries_ = 0;
  int prepared_again_ = 0;
};

}  // namespace tholos::client
