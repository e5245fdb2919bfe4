// TraceStore: writes traces to system_traces, as rows that expire.
#pragma once

#include <vector>

#include "base/endpoint.h"
#include "base/random.h"
#include "coordinator/shard_context.h"
#include "coordinator/trace.h"
#include "coordinator/write/write.h"

namespace tholos::coordinator {

inline constexpr int32_t kTraceTtlSeconds = 24 * 3600;

// A version-1 UUID of a moment, made unique by `random`.
// `tenth`: of the microsecond, 0 to 9.
base::Uuid TimeUuid(int64_t wall_micros, base::RandomStream& random, int tenth = 0);

// The rows of a session and of its events.
data::Mutation SessionMutation(const Trace& trace, const base::Endpoint& coordinator,
                               data::Timestamp timestamp, int64_t now_seconds);
data::Mutation EventsMutation(const base::Uuid& session, const std::vector<TraceEvent>& events,
                              base::RandomStream& random, data::Timestamp timestamp,
                              int64_t now_seconds);

// Confined to its shard.
class TraceStore {
 public:
  TraceStore(ShardContext& shard, Writer& writer, base::Endpoint self, base::RandomStream random)
      : shard_(shard), writer_(writer), self_(std::move(self)), random_(random) {}

  TraceHandle Begin(TraceRequest request);
  // Stores it in the background, at ONE. What cannot be stored is counted and lost.
  void End(TraceHandle trace);

 private:
  base::Task<void> Store(data::Mutation mutation);

  ShardContext& shard_;
  Writer& writer_;
  const base::Endpoint self_;
  base::RandomStream random_;
};

}  // namespace tholos::coordinator
