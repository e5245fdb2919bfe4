// WriteProgress: Progress of a write, in which at ANY a durable hint is as good as an answer. Pure.
#pragma once

#include "coordinator/progress.h"
#include "coordinator/write_type.h"

namespace tholos::coordinator {

class WriteProgress {
 public:
  // `sent` replicas were sent the write; hints for `hinting` dead ones are on their way to disk.
  WriteProgress(ConsistencyLevel level, uint32_t required, uint32_t sent, uint32_t hinting)
      : level_(level), answers_(required, sent), hints_pending_(hinting) {}

  void Acknowledged() { answers_.Answered(); }
  // The hint for this replica is on its way to disk.
  void Failed(const absl::Status& why) {
    answers_.Failed(why);
    ++hints_pending_;
  }
  void Hinted(bool durable) {
    --hints_pending_;
    hint_durable_ |= durable;
  }

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
