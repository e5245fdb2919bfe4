#include "base/sim/sim_log.h"

#include "base/sim/simulation.h"

namespace tholos::base::sim {

void SimLog::Write(Severity severity, std::string_view part, std::string_view line) {
  static constexpr std::string_view kLetters[] = {"I", "W", "E"};
  lines_.push_back(StrCat(kLetters[static_cast<int>(severity)], " ", part, ": ", line));
  if (lines_.size() > kLinesMax) lines_.pop_front();
  simulation_.trace().Fold(simulation_.now(), node_, lines_.back());
}

}  // namespace tholos::base::sim
