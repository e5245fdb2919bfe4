#include "coordinator/read/read_progress.h"

#include "base/check.h"

namespace tholos::coordinator {

ReadProgress::ReadProgress(Options options, std::vector<int> groups)
    : options_(std::move(options)),
      groups_(std::move(groups)),
      asked_(groups_.size(), false),
      progress_(options_.needs) {
  for (const int group : options_.already) progress_.Already(group);
  Progress possible = progress_;
  for (const int group : groups_) possible.Asked(group);
  THOLOS_CHECK(possible.verdict() != Verdict::kImpossible) << "the plan has too few replicas";
  THOLOS_CHECK(progress_.verdict() != Verdict::kEnough) << "nothing to ask";
}

std::vector<ReadProgress::Ask> ReadProgress::Start() {
  std::vector<Ask> asks;
  for (size_t i = 0; i < groups_.size(); ++i) {
    if (progress_.lacking(groups_[i]) == 0) continue;
    asks.push_back(*Next(groups_[i], options_.only_data || asks.empty()));
  }
  for (uint32_t i = 0; i < options_.extra; ++i) {
    if (auto ask = AskOneMore()) asks.push_back(*ask);
  }
  return asks;
}

void ReadProgress::Answered(const Ask& ask) {
  if (ask.data) {
    --data_pending_;
    data_answered_ = true;
  }
  progress_.Answered(groups_[ask.candidate]);
}

// At most required - 1 digests are asked for and not failed as long as there is no data: so enough
// answers include data.
std::optional<ReadProgress::Ask> ReadProgress::Failed(const Ask& ask, const absl::Status& why) {
  --(ask.data ? data_pending_ : digests_);
  const int group = groups_[ask.candidate];
  progress_.Failed(why, group);
  if (verdict() == Verdict::kEnough) return std::nullopt;
  const bool data = options_.only_data || (!data_answered_ && digests_ + 1 >= progress_.required());
  return Next(group, data);
}

// If data is what lacks, a second one is asked for it although the first may still answer.
std::optional<ReadProgress::Ask> ReadProgress::AskOneMore() {
  for (int group = 0; group < static_cast<int>(progress_.groups()); ++group) {
    if (progress_.satisfied(group)) continue;
    if (auto ask = Next(group, options_.only_data || !data_answered_)) return ask;
  }
  return std::nullopt;
}

bool ReadProgress::has_spare() const {
  for (int group = 0; group < static_cast<int>(progress_.groups()); ++group) {
    if (!progress_.satisfied(group) && Spare(group).has_value()) return true;
  }
  return false;
}

std::optional<size_t> ReadProgress::Spare(int group) const {
  for (size_t i = 0; i < groups_.size(); ++i) {
    if (groups_[i] == group && !asked_[i]) return i;
  }
  return std::nullopt;
}

std::optional<ReadProgress::Ask> ReadProgress::Next(int group, bool data) {
  const std::optional<size_t> candidate = Spare(group);
  if (!candidate.has_value()) return std::nullopt;
  asked_[*candidate] = true;
  ++(data ? data_pending_ : digests_);
  progress_.Asked(group);
  return Ask{*candidate, data};
}

Verdict ReadProgress::verdict() const {
  const Verdict verdict = progress_.verdict();
  if (verdict != Verdict::kEnough || data_answered_) return verdict;
  return data_pending_ > 0 ? Verdict::kPending : Verdict::kImpossible;
}

}  // namespace tholos::coordinator
