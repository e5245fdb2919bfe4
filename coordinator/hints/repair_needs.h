// RepairNeeds: which ranges of which node lack writes that nobody will bring them any more, because
// a hint was dropped: it was too old, a bound was reached, the disk failed, its node has left. Only
// a repair (or reads) can make those replicas equal again.
//
// Rows of the table system_local.repair_needed, one for each range: durable a moment after the hint
// was dropped, and found again at a restart, until somebody who repaired the range clears it. The
// gauge tholos_repair_needed_ranges counts them.
//
//   key     node (16) | table (16; zero: all tables) | end of the range (8)
//   ranges  table (16) | start (8) | end (8) | why
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "base/async/scope.h"
#include "base/async/task.h"
#include "base/clock.h"
#include "base/executor.h"
#include "base/log.h"
#include "base/metrics.h"
#include "data/read.h"
#include "ring/cluster_state.h"
#include "storage/engine.h"

namespace tholos::coordinator {

struct RepairNeed {
  ring::NodeId node;    // that lacks writes
  data::TableId table;  // nil: of all tables
  data::TokenRange range;
  int64_t since_micros = 0;  // wall time
  std::string why;           // the first time
  uint64_t noted = 0;        // greater each time that it is noted anew
};

// Confined to shard 0, but for NoteWrite and NoteAll, which are for all shards.
class RepairNeeds {
 public:
  // Beyond so many the whole ring of a node stands for its ranges.
  static constexpr size_t kRangesMax = 10'000;

  struct Deps {
    const base::Clock& clock;
    base::Executor& executor;
    base::Log& log;
    storage::Engine& engine;
    const ring::ClusterStateHolder& cluster;
    base::Metrics& metrics;
  };
  explicit RepairNeeds(Deps deps);

  // Before anything else.
  base::Task<absl::Status> Load();
  // Before the engine stops, and after those who note. What other shards have noted is stored.
  base::Task<void> Stop() { return scope_.Stop(); }

  // `node` lacks a write to the partition of this encoded mutation. Cheap if the range is known.
  void NoteWrite(const ring::NodeId& node, std::string_view mutation, std::string_view why);
  // It lacks any number of writes, of any tables and ranges.
  void NoteAll(const ring::NodeId& node, std::string_view why);

  size_t ranges() const { return count_; }

  std::vector<RepairNeed> List() const;
  // What List showed was repaired since. OK: it is forgotten, also on disk. kNotFound: there is no
  // such need; kAborted: writes of it were dropped since (it was `noted` again), so that it stays.
  // Other errors are the engine's: it stays.
  base::Task<absl::Status> Clear(RepairNeed need);

 private:
  struct Mark {
    data::Token start = data::kMinToken;
    int64_t since_micros = 0;
    std::string why;
    uint64_t noted = 0;
  };
  // By table (the nil id: all tables), ranges by their ends; kLastToken for kMinToken.
  using Ranges = absl::btree_map<data::Token, Mark>;

  // Null: no range of the node covers it.
  Mark* Find(const ring::NodeId& node, const data::TableId& table, data::Token token);
  bool Add(const ring::NodeId& node, const data::TableId& table, data::Token end, Mark mark);
  void NoteToken(const ring::NodeId& node, const data::TableId& table, data::Token token,
                 std::string_view why);
  void Note(const ring::NodeId& node, const data::TableId& table, const data::TokenRange& range,
            std::string_view why);
  base::Task<void> Store(ring::NodeId node, data::TableId table, data::TokenRange range, Mark mark);
  data::TokenRange RangeOf(const data::TableId& table, data::Token token) const;

  const Deps deps_;
  absl::btree_map<std::pair<ring::NodeId, data::TableId>, Ranges> known_;
  size_t count_ = 0;
  // Of the newest mark. It begins with the wall time: what was listed before a restart, which forgets
  // when ranges were last noted, is older than all.
  uint64_t last_noted_ = 0;
  int64_t last_micros_ = 0;
  base::Gauge& gauge_;
  base::Scope scope_;
};

}  // namespace tholos::coordinator
