// Schema changes: applied here, made durable, spread to the cluster. In this version the schema
// spreads by push and by gossip of its digest (a peer with another digest pulls and merges,
// data/schema/schema.h); the interface is that of a replicated log.
#pragma once

#include <functional>

#include "absl/status/status.h"
#include "base/async/task.h"
#include "base/time.h"
#include "data/schema/schema.h"

namespace tholos::cluster {

class SchemaService {
 public:
  virtual ~SchemaService() = default;

  // A pure step from the current schema to the next; may run more than once. Its errors are
  // returned as they are.
  using Change =
      std::function<absl::StatusOr<data::Schema>(const data::Schema&, int64_t now_micros)>;

  // Returns when the new schema is durable here, in force on every shard and merged by every live
  // node (or the deadline passed: then kTimeout - it is in force here and spreads by gossip). From
  // any shard.
  virtual base::Task<absl::Status> Apply(Change change, base::Deadline deadline) = 0;
};

}  // namespace tholos::cluster
