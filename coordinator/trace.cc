#include "coordinator/trace.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/coding.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace tholos::coordinator {
namespace {

int64_t MicrosSince(const base::Clock& clock, base::MonotonicTime start) {
  return absl::ToInt64Microseconds(clock.Now() - start);
}

std::string Bounded(std::string activity) {
  if (activity.size() > Trace::kActivityBytesMax) activity.resize(Trace::kActivityBytesMax);
  return activity;
}

}  // namespace

Trace::Trace(base::Uuid session, TraceRequest request, base::Endpoint self,
             const base::Clock& clock)
    : session_(session),
      request_(std::move(request)),
      self_(std::move(self)),
      clock_(clock),
      started_(clock.Now()),
      started_wall_micros_(clock.WallMicros()) {}

int64_t Trace::elapsed_micros() const { return MicrosSince(clock_, started_); }

void Trace::Add(std::string activity) {
  Keep({self_, clock_.WallMicros(), {elapsed_micros(), Bounded(std::move(activity))}});
}

void Trace::AddOf(const base::Endpoint& replica, std::vector<TraceStep> steps) {
  const int64_t last = steps.empty() ? 0 : steps.back().elapsed_micros;
  const int64_t now = clock_.WallMicros() - 1;  // before the step that it came
  for (TraceStep& step : steps) {
    const int64_t before_answer = last - step.elapsed_micros;
    Keep({replica, now - before_answer, std::move(step)});
  }
}

void Trace::AddRelayed(std::vector<TraceEvent> events) {
  const int64_t now = clock_.WallMicros() - 1;
  for (TraceEvent& event : events) {
    event.wall_micros += now;
    Keep(std::move(event));
  }
}

std::vector<TraceEvent> Trace::TakeForRelay() {
  std::vector<TraceEvent> events = Finish([](TraceEvent) {});
  int64_t last = std::numeric_limits<int64_t>::min();
  for (const TraceEvent& event : events) last = std::max(last, event.wall_micros);
  for (TraceEvent& event : events) event.wall_micros -= last;
  return events;
}

std::vector<TraceEvent> Trace::Finish(std::function<void(TraceEvent)> late) {
  late_ = std::move(late);
  return std::exchange(events_, {});
}

void Trace::Keep(TraceEvent event) {
  if (count_++ >= kEventsMax) return;
  if (late_ != nullptr) {
    late_(std::move(event));
  } else {
    events_.push_back(std::move(event));
  }
}

void StepNotes::Add(std::string activity) {
  if (steps_.size() >= Trace::kEventsMax) return;
  steps_.push_back({MicrosSince(clock_, started_), Bounded(std::move(activity))});
}

std::string DescribeResult(const data::ReadResult& result) {
  size_t rows = 0;
  size_t tombstones = 0;
  for (const data::Partition& partition : result.partitions) {
    rows += partition.rows.size();
    if (!partition.deletion.live()) ++tombstones;
    for (const data::Row& row : partition.rows) {
      if (!row.deletion.live()) ++tombstones;
      for (const data::Cell& cell : row.cells) tombstones += cell.tombstone ? 1 : 0;
    }
  }
  return base::StrCat("read ", result.partitions.size(), " partitions, ", rows, " rows, ",
                      tombstones, " tombstones", result.more ? "; there are more" : "");
}

std::string EncodeTracedRequest(rpc::Verb verb, std::string_view body) {
  std::string out;
  out.reserve(2 + body.size());
  base::PutFixed16(&out, static_cast<uint16_t>(verb));
  out.append(body);
  return out;
}

absl::StatusOr<TracedRequest> DecodeTracedRequest(std::string_view bytes) {
  base::Reader in(bytes);
  TracedRequest request;
  request.verb = static_cast<rpc::Verb>(in.Fixed16());
  if (!in.ok()) return in.status("traced request");
  request.body = std::string(in.rest());
  return request;
}

std::string EncodeTracedAnswer(const TracedAnswer& answer) {
  std::string out;
  base::EncodeStatus(answer.answer.status(), &out);
  base::PutVarint(&out, answer.steps.size());
  for (const TraceStep& step : answer.steps) {
    base::PutVarint(&out, static_cast<uint64_t>(step.elapsed_micros));
    base::PutBytes(&out, step.activity);
  }
  if (answer.answer.ok()) out.append(*answer.answer);
  return out;
}

absl::StatusOr<TracedAnswer> DecodeTracedAnswer(std::string_view bytes) {
  absl::Status status;
  THOLOS_RETURN_IF_ERROR(base::DecodeStatus(&bytes, &status));
  base::Reader in(bytes);
  TracedAnswer answer;
  const uint64_t count = in.Varint();
  if (count > Trace::kEventsMax) in.Fail();
  for (uint64_t i = 0; i < count && in.ok(); ++i) {
    TraceStep step;
    step.elapsed_micros = static_cast<int64_t>(in.Varint());
    step.activity = Bounded(std::string(in.Bytes()));
    answer.steps.push_back(std::move(step));
  }
  if (!in.ok()) return in.status("traced answer");
  if (status.ok()) {
    answer.answer = std::string(in.rest());
  } else {
    answer.answer = std::move(status);
  }
  return answer;
}

}  // namespace tholos::coordinator
