// WriteProgress: Progress of a write, in which at ANY a durable hint is as good as an answer. Pure.
#pragma once

#include "coordinator/progress.h"
#include "coordinator/replica_plan.h"
#include "coordinator/write_type.h"

namespace tholos::coordinator {

class WriteProgress {
 public:
  // All targets of `plan` are sent the write; hints for its dead are on their way to disk.
  WriteProgress(ConsistencyLevel level, const ReplicaPlan& plan)
      : level_(level),
        answers_(plan.needs),
        hints_pending_(static_cast<uint32_t>(plan.dead.size())) {
    for (const ReplicaPlan::Target& target : plan.targets) answers_.Asked(target.group);
  }

  void Acknowledged(int group = 0) { answers_.Answered(group); }
  // The hint for this replica is on its way to disk.
  void Failed(const absl::Status& why, int group = 0) {
    answers_.Failed(why, group);
    ++hints_pending_;
  }
  void Hinted(bool durable) {
    --hints_pending_;
    hint_durable_ |= durable;
  }

  // Never true: Faults::hints_count.
  void HintCounts() { answers_.Already(0); }

  Verdict verdict() const {
    if (level_ != ConsistencyLevel::kAny) return answers_.verdict();
    if (hint_durable_ || answers_.verdict() == Verdict::kEnough) return Verdict::kEnough;
    return answers_.pending() + hints_pending_ > 0 ? Verdict::kPending : Verdict::kImpossible;
  }
  absl::Status Error(WriteType type) const {
    return answers_.Error(level_, {.write = true, .write_type = std::string(WriteTypeName(type))});
  }
  const Progress& answers() const { return answers_; }

 private:
  const ConsistencyLevel level_;
  Progress answers_;
  uint32_t hints_pending_;
  bool hint_durable_ = false;
};

}  // namespace tholos::coordinator
