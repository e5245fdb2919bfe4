// The executor door: the loops of one node.
#pragma once

#include <cstdint>

#include "base/async/loop.h"
#include "base/async/task.h"

namespace tholos::base {

// A node has `shard_count` shards and at least one background loop. A shard owns a slice of the
// token space and must never block; flush, compaction and other long work over immutable inputs run
// on a background loop (co_await SwitchTo(executor.background())) and come back to install their
// result. Thread-safe; the loops live as long as the executor.
class Executor {
 public:
  virtual ~Executor() = default;
  virtual int shard_count() const = 0;
  virtual Loop& shard(int index) = 0;
  // The background loops in turn.
  virtual Loop& background() = 0;
  // The current shard's index, or -1 on a background loop or a foreign thread.
  virtual int current_shard() const = 0;
};

// The shard that owns `token`: the token space [-2^63, 2^63) in equal slices.
int ShardOfToken(int64_t token, int shard_count);

}  // namespace tholos::base
