// ReadProgress: one round of a read over candidates in order of preference. Decides whom to ask for
// data and whom for a digest, who replaces a replica that failed or is slow, and when the round is
// over. Pure.
//
// One is asked for data and required - 1 for digests. Whoever fails is replaced by the next spare,
// asked for what is missing.
#pragma once

#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "coordinator/progress.h"

namespace tholos::coordinator {

class ReadProgress {
 public:
  struct Ask {
    size_t candidate = 0;
    bool data = true;
    friend bool operator==(const Ask&, const Ask&) = default;
  };

  struct Options {
    uint32_t required = 1;
    // Answers, with data, from an earlier round: so many fewer are needed. Then `only_data` is set.
    uint32_t already = 0;
    // Nobody is asked for digests.
    bool only_data = false;
  };
  // `candidates` are enough for what is required.
  ReadProgress(Options options, size_t candidates);

  // The first asks.
  std::vector<Ask> Start();
  void Answered(const Ask& ask);
  // The replacement, if there is a spare.
  std::optional<Ask> Failed(const Ask& ask, const absl::Status& why);
  // Somebody is slow: asks one more, if there is a spare.
  std::optional<Ask> AskOneMore();

  bool has_spare() const { return next_ < candidates_; }
  const Progress& progress() const { return progress_; }
  absl::Status Error(ConsistencyLevel level) const {
    return progress_.Error(level, {.data_present = data_answered_});
  }
  Verdict verdict() const;

 private:
  std::optional<Ask> Next(bool data);

  const Options options_;
  const size_t candidates_;
  size_t next_ = 0;
  bool data_answered_ = false;
  uint32_t data_pending_ = 0;
  uint32_t digests_ = 0;  // asked for, and not failed
  Progress progress_;
};

}  // namespace tholos::coordinator
