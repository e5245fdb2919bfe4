#include "coordinator/read/read_progress.h"

#include "base/check.h"

namespace tholos::coordinator {

ReadProgress::ReadProgress(Options options, size_t candidates)
    : options_(options), candidates_(candidates), progress_(options.required, 0, options.already) {
  THOLOS_CHECK(options.required > options.already &&
               options.already + candidates >= options.required)
      << "the plan has too few replicas";
}

std::vector<ReadProgress::Ask> ReadProgress::Start() {
  std::vector<Ask> asks;
  asks.push_back(*Next(/*data=*/true));
  while (asks.size() < options_.required - options_.already)
    asks.push_back(*Next(options_.only_data));
  return asks;
}

void ReadProgress::Answered(const Ask& ask) {
  if (ask.data) {
    --data_pending_;
    data_answered_ = true;
  }
  progress_.Answered();
}

// At most required - 1 digests are asked for and not failed as long as there is no data: so enough
// answers include data.
std::optional<ReadProgress::Ask> ReadProgress::Failed(const Ask& ask, const absl::Status& why) {
  --(ask.data ? data_pending_ : digests_);
  progress_.Failed(why);
  if (verdict() == Verdict::kEnough) return std::nullopt;
  return Next(options_.only_data || (!data_answered_ && digests_ + 1 >= options_.required));
}

// If data is what lacks, a second one is asked for it although the first may still answer.
std::optional<ReadProgress::Ask> ReadProgress::AskOneMore() {
  return Next(options_.only_data || !data_answered_);
}

std::optional<ReadProgress::Ask> ReadProgress::Next(bool data) {
  if (!has_spare()) return std::nullopt;
  ++(data ? data_pending_ : digests_);
  progress_.Asked();
  return Ask{next_++, data};
}

Verdict ReadProgress::verdict() const {
  const Verdict verdict = progress_.verdict();
  if (verdict != Verdict::kEnough || data_answered_) return verdict;
  return data_pending_ > 0 ? Verdict::kPending : Verdict::kImpossible;
}

}  // namespace tholos::coordinator
