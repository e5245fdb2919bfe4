// Options of hinted handoff.
#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"

namespace tholos::coordinator {

struct HintOptions {
  std::string directory;
  // Hints on disk for one node. Beyond it new ones are dropped.
  uint64_t target_bytes_max = 512 << 20;
  // Hints on their way to disk, for all nodes. Beyond it new ones are dropped.
  uint64_t pending_bytes_max = 32 << 20;
  // Older hints are dropped: a node that was away longer needs repair.
  absl::Duration age_max = absl::Hours(3);
  // A file is closed when it has this size or this age.
  uint64_t file_bytes = 8 << 20;
  absl::Duration file_time = absl::Minutes(10);
  // A node that the cluster has not known for so long has left: its hints are dropped.
  absl::Duration unknown_time_max = absl::Minutes(5);
  // How often nodes that have come back are looked for.
  absl::Duration replay_interval = absl::Seconds(1);
  // To one node.
  uint64_t replay_bytes_per_second = 8 << 20;
  // To all nodes together.
  uint64_t replay_bytes_per_second_total = 32 << 20;
  // While the node is busy with requests, a batch of hints waits for so long at most.
  absl::Duration replay_yield_max = absl::Seconds(1);
  // How long a node may take for a hint; after a failure it is left alone for as long.
  absl::Duration delivery_time_max = absl::Seconds(5);
};

}  // namespace tholos::coordinator
