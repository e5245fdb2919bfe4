// Trace: what happened to one request, step by step, on every node that worked on it.
//
// The coordinating node makes one (Coordinator::BeginTrace), hands it down in RequestOptions, and
// stores it at the end (EndTrace): a row of system_traces.sessions, and one of system_traces.events
// for each step, for 24 hours. A replica notes its steps while it works on a traced request and
// sends them with its answer (kTraced, below), so tracing needs nothing of it but its answer. Steps
// of answers that come after the end are stored when they come.
//
// Times are microseconds since the request began on the node that took the step. Clocks of two
// nodes are not compared: a replica's steps are placed before the moment when its answer came.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "base/clock.h"
#include "base/endpoint.h"
#include "base/uuid.h"
#include "data/read.h"
#include "rpc/transport.h"

namespace tholos::coordinator {

// What a session row says of the request.
struct TraceRequest {
  std::string request;                            // "Execute CQL3 query"
  std::string client;                             // address; empty if not known
  std::map<std::string, std::string> parameters;  // "query" -> its text, ...
};

struct TraceStep {
  int64_t elapsed_micros = 0;
  std::string activity;
  friend bool operator==(const TraceStep&, const TraceStep&) = default;
};

struct TraceEvent {
  base::Endpoint source;
  int64_t wall_micros = 0;  // on the coordinating node's clock
  TraceStep step;
};

// Confined to the shard that coordinates.
class Trace {
 public:
  static constexpr size_t kEventsMax = 1000;  // further ones are dropped
  static constexpr size_t kActivityBytesMax = 1024;

  Trace(base::Uuid session, TraceRequest request, base::Endpoint self, const base::Clock& clock);

  // A step of this node.
  void Add(std::string activity);
  // Steps of a replica, whose answer is here now.
  void AddOf(const base::Endpoint& replica, std::vector<TraceStep> steps);
  // Steps that a relay noted and collected: TakeForRelay's, which are here now.
  void AddRelayed(std::vector<TraceEvent> events);
  // The events so far, for another node's AddRelayed: wall_micros are at most zero, the time until
  // the last of them. Nothing is noted from now on.
  std::vector<TraceEvent> TakeForRelay();

  const base::Uuid& session() const { return session_; }
  const TraceRequest& request() const { return request_; }
  int64_t started_wall_micros() const { return started_wall_micros_; }
  int64_t elapsed_micros() const;

  // The events so far. Later ones go to `late` one by one.
  std::vector<TraceEvent> Finish(std::function<void(TraceEvent)> late);
  bool finished() const { return late_ != nullptr; }

 private:
  void Keep(TraceEvent event);

  const base::Uuid session_;
  const TraceRequest request_;
  const base::Endpoint self_;
  const base::Clock& clock_;
  const base::MonotonicTime started_;
  const int64_t started_wall_micros_;
  size_t count_ = 0;
  std::vector<TraceEvent> events_;
  std::function<void(TraceEvent)> late_;
};

// A replica's notes on one request. Null where nothing is traced.
class StepNotes {
 public:
  explicit StepNotes(const base::Clock& clock) : clock_(clock), started_(clock.Now()) {}
  void Add(std::string activity);
  const std::vector<TraceStep>& steps() const { return steps_; }

 private:
  const base::Clock& clock_;
  const base::MonotonicTime started_;
  std::vector<TraceStep> steps_;
};

// "read 1 partition, 3 rows, 120 bytes; more".
std::string DescribeResult(const data::ReadResult& result);

// The verb kTraced carries another one.
//
//   request   verb (2), body
//   answer    status (base/errors.h, EncodeStatus) | count (varint) | steps: microseconds (varint),
//             activity (bytes) | body
std::string EncodeTracedRequest(rpc::Verb verb, std::string_view body);
struct TracedRequest {
  rpc::Verb verb = rpc::Verb::kEcho;
  std::string body;
};
absl::StatusOr<TracedRequest> DecodeTracedRequest(std::string_view bytes);

struct TracedAnswer {
  absl::StatusOr<std::string> answer = std::string();
  std::vector<TraceStep> steps;
};
std::string EncodeTracedAnswer(const TracedAnswer& answer);
absl::StatusOr<TracedAnswer> DecodeTracedAnswer(std::string_view bytes);

}  // namespace tholos::coordinator
