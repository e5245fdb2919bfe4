// ReadProgress: one round of a read over candidates in order of preference. Decides whom to ask for
// data and whom for a digest, who replaces a replica that failed or is slow, and when the round is
// over. Pure.
//
// One is asked for data and the others that are needed for digests. Whoever fails is replaced by
// the next spare of its group, asked for what is missing.
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
    Progress::Needs needs = {1};  // answers, for each group
    // The groups of answers, with data, from an earlier round. Then `only_data` is set.
    std::vector<int> already = {};
    // Nobody is asked for digests.
    bool only_data = false;
    // This many are asked at first beyond those that are needed.
    uint32_t extra = 0;
  };
  // `groups`: of the candidates in their order. They are enough for what is required.
  ReadProgress(Options options, std::vector<int> groups);

  // The first asks.
  std::vector<Ask> Start();
  void Answered(const Ask& ask);
  // The replacement, if there is a spare.
  std::optional<Ask> Failed(const Ask& ask, const absl::Status& why);
  // Somebody is slow: asks one more, if there is a spare.
  std::optional<Ask> AskOneMore();

  bool has_spare() const;
  const Progress& progress() const { return progress_; }
  absl::Status Error(ConsistencyLevel level) const {
    return progress_.Error(level, {.data_present = data_answered_});
  }
  Verdict verdict() const;

 private:
  // The first candidate of `group` that was not asked yet.
  std::optional<size_t> Spare(int group) const;
  std::optional<Ask> Next(int group, bool data);

  const Options options_;
  const std::vector<int> groups_;
  std::vector<bool> asked_;
  bool data_answered_ = false;
  uint32_t data_pending_ = 0;
  uint32_t digests_ = 0;  // asked for, and not failed
  Progress progress_;
};

}  // namespace tholos::coordinator
