// A progress line on a terminal; nothing in a log.
#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"

namespace tholos::cli {

// One thread uses it.
class ProgressBar {
 public:
  explicit ProgressBar(uint64_t total_bytes);
  // Redraws at most ten times a second: "[=====>     ]  42%  31,234 rows  51,003 rows/s  ETA 3 s".
  void Update(uint64_t bytes, uint64_t rows);
  // Clears the line, so that a message can be printed.
  void Clear();

 private:
  const bool terminal_;
  const uint64_t total_bytes_;
  const absl::Time started_;
  absl::Time drawn_;
};

}  // namespace tholos::cli
