#include "tests/sim/final_reads.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"

namespace tholos::sim {
namespace {

constexpr absl::Duration kPauseAfterFailure = absl::Seconds(1);

}  // namespace

FinalReads::FinalReads(base::sim::Simulation& simulation, std::vector<FinalRead> reads)
    : simulation_(simulation) {
  for (FinalRead& read : reads) reads_.push_back({.read = std::move(read)});
}

std::shared_ptr<FinalReads> FinalReads::Start(base::sim::Simulation& simulation,
                                              std::vector<FinalRead> reads) {
  const std::shared_ptr<FinalReads> run(new FinalReads(simulation, std::move(reads)));
  for (size_t i = 0; i < kAtOnce; ++i) run->BeginNext();
  return run;
}

void FinalReads::BeginNext() {
  if (next_ < reads_.size()) Begin(next_++);
}

void FinalReads::Begin(size_t i) {
  if (stopped_) return;
  reads_[i].read.begin(
      [self = shared_from_this(), i](const absl::Status& status) { self->Ended(i, status); });
}

void FinalReads::Ended(size_t i, const absl::Status& status) {
  One& one = reads_[i];
  one.last = status;
  if (!status.ok()) {
    return simulation_.After(kPauseAfterFailure, "read again",
                             [self = shared_from_this(), i] { self->Begin(i); });
  }
  one.succeeded = true;
  ++succeeded_;
  BeginNext();
}

std::vector<std::string> FinalReads::Stop() {
  stopped_ = true;
  std::vector<std::string> failed;
  for (const One& one : reads_) {
    if (!one.succeeded)
      failed.push_back(base::StrCat(one.read.what, " cannot be read: ", one.last.ToString()));
  }
  return failed;
}

}  // namespace tholos::sim
