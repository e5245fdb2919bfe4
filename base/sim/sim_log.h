// The simulated log: part of the trace; the last lines are kept for tests to look at.
#pragma once

#include <deque>
#include <string>

#include "base/log.h"
#include "base/strings.h"

namespace tholos::base::sim {

class Simulation;

class SimLog final : public Log {
 public:
  static constexpr size_t kLinesMax = 1000;
  SimLog(Simulation& simulation, std::string node)
      : simulation_(simulation), node_(std::move(node)) {}

  void Write(Severity severity, std::string_view part, std::string_view line) override;

  // "W storage: ...", oldest first, of all processes of the node.
  const std::deque<std::string>& lines() const { return lines_; }

 private:
  Simulation& simulation_;
  const std::string node_;
  std::deque<std::string> lines_;
};

}  // namespace tholos::base::sim
