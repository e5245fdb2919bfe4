// The coordinator: takes a mutation or a read to the replicas and keeps the consistency level's
// word.
//
// Errors of both (typed, base/errors.h): kUnavailable - too few replicas alive, nothing was sent;
// kTimeout - fewer answers than required came in time, a write may still be applied; kFailure - too
// many replicas answered with an error; kOverloaded; kInvalid. One coordinator serves all shards of
// its node: state that changes per request is confined to the calling shard.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/errors.h"
#include "base/time.h"
#include "coordinator/consistency.h"
#include "data/read.h"

namespace tholos::coordinator {

class Trace;
// Null: the request is not traced, which is the rule and costs nothing.
using TraceHandle = std::shared_ptr<Trace>;

struct TraceRequest;  // trace.h

struct RequestOptions {
  ConsistencyLevel consistency = ConsistencyLevel::kQuorum;
  base::Deadline deadline;
  TraceHandle trace = nullptr;
  // The beginning of the statement's text on one line, for the slow-request log; valid until the
  // answer. It has bind markers, never the values bound to them.
  std::string_view statement = {};
  // Nobody waits for it: a write that was answered long ago, a read that mends. At its replicas it
  // yields to what somebody waits for.
  bool background = false;
  // Of a read: who lacks something gets it, whatever the table's read_repair is.
  bool repair = false;
  // Of a read: one of several that a request has side by side. It does not wait for memory: its
  // command's bytes_max, this one's share, holds, and a first row that is larger is not read
  // (ReadPage::needed).
  bool ahead = false;
};

// One page: live rows only, reconciled over the replicas that the level asked for.
struct ReadPage {
  std::vector<data::Partition> partitions;
  // Where the next page starts (ReadCommand::after); nothing when the read is complete. Of a range it
  // may lie between partitions: its key's bytes are empty, and it is before all with its token.
  std::optional<data::Position> next;
  // Rows, cells and ranges that were read for it and are dead: what deletions cost.
  uint64_t tombstones = 0;
  // Partitions that were brought up to date for it, at each replica that lacked something.
  uint64_t repaired = 0;
  // Only of reads `ahead`: nothing was read, for the first row takes so many bytes. No partition, no
  // `next`, and yet not the end.
  uint64_t needed = 0;
  // The most that was read for it at a time from one replica of each piece, tombstones included:
  // what the next one will need.
  uint64_t answer_bytes = 0;
  // What it is charged, until the last copy of it is gone. On the shard that read it.
  std::shared_ptr<const void> room = nullptr;
};

class Coordinator {
 public:
  virtual ~Coordinator() = default;

  // A timestamp for a new mutation, microseconds: never behind one that this node gave or saw,
  // strictly increasing. kOverloaded: as CheckClock.
  virtual absl::StatusOr<data::Timestamp> NextTimestamp() = 0;

  // Before this node's wall clock decides something else of a write: when a TTL ends. kOverloaded if
  // it is further from the cluster's than it may be (gossip/skew_view.h). By default it never is.
  virtual absl::Status CheckClock();

  // OK: at least the level's number of replicas have it durably (ANY: or a hint is durable).
  // Replicas that did not answer get a hint. Atomic and isolated within the partition.
  virtual base::Task<absl::Status> Write(data::Mutation mutation, RequestOptions options) = 0;

  // Several mutations, of any tables and partitions. OK: each is as Write leaves it. `logged`:
  // eventually all of them are applied or none, whatever the answer; none after kUnavailable, and
  // all after kTimeout or kFailure of the write type BATCH. Not logged: after an error any of them
  // may have been. Mutations of one partition are merged to one, which is atomic in either case.
  virtual base::Task<absl::Status> WriteBatch(std::vector<data::Mutation> mutations, bool logged,
                                              RequestOptions options) = 0;

  // Empties a table on all nodes. kUnavailable unless all are alive; kTruncate if one failed:
  // others may have done it.
  virtual base::Task<absl::Status> Truncate(data::TableId table, RequestOptions options) = 0;

  // Begins to trace a request: the handle goes into its RequestOptions, on this shard, and to
  // EndTrace when it was answered, which stores it (trace.h). The session's id is the handle's.
  // Null: tracing is not possible here.
  virtual TraceHandle BeginTrace(TraceRequest request);
  virtual void EndTrace(TraceHandle trace);

  // One partition or a token range (its ranges in token order). `command.now_seconds` is set here
  // if zero. A page may have fewer rows than asked for, even none, and still have a `next`.
  // kOverloaded also: no memory for its result (read/read_memory.h).
  virtual base::Task<absl::StatusOr<ReadPage>> Read(data::ReadCommand command,
                                                    RequestOptions options) = 0;
};

}  // namespace tholos::coordinator
