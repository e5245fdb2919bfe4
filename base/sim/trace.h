// The trace of a simulation: every decision is folded into one hash, so that two runs of a seed can
// be compared, and may be printed to see what a run did.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace tholos::base::sim {

class Trace {
 public:
  // Gets one line for each folded decision; costs time, so off by default.
  using Sink = std::function<void(std::string_view line)>;

  void set_sink(Sink sink) { sink_ = std::move(sink); }
  // `who` and `what` name the decision, the numbers are its operands.
  void Fold(MonotonicTime now, std::string_view who, std::string_view what, uint64_t a = 0,
            uint64_t b = 0);
  uint64_t hash() const { return hash_; }
  uint64_t entries() const { return entries_; }

 private:
  uint64_t hash_ = 0;
  uint64_t entries_ = 0;
  Sink sink_;
};

}  // namespace tholos::base::sim
