#include "coordinator/progress.h"

#include <algorithm>

#include "base/check.h"
#include "base/strings.h"
#include "rpc/transport.h"

namespace tholos::coordinator {

bool IsUnanswered(const absl::Status& why) {
  return absl::IsDeadlineExceeded(why) || rpc::IsBrokenOff(why);
}

Progress::Progress(const Needs& needs) {
  for (const uint32_t need : needs) groups_.push_back({.required = need});
}

Progress::Group* Progress::Find(int group) {
  if (group < 0) return nullptr;
  THOLOS_CHECK(static_cast<size_t>(group) < groups_.size()) << "no group " << group;
  return &groups_[static_cast<size_t>(group)];
}

void Progress::Asked(int group) {
  if (Group* of = Find(group)) ++of->pending;
}

void Progress::Already(int group) {
  if (Group* of = Find(group)) ++of->answered;
}

void Progress::Answered(int group) {
  Group* of = Find(group);
  if (of == nullptr) return;
  THOLOS_CHECK(of->pending > 0) << "an answer that nobody was asked for";
  --of->pending;
  ++of->answered;
}

void Progress::Failed(const absl::Status& why, int group) {
  Group* of = Find(group);
  if (of == nullptr) return;
  THOLOS_CHECK(of->pending > 0) << "a failure that nobody was asked for";
  --of->pending;
  if (IsUnanswered(why)) {
    ++of->timeouts;
    return;
  }
  if (first_failure_.ok()) first_failure_ = why;
  ++of->failures;
}

Verdict Progress::verdict() const {
  bool enough = true;
  for (const Group& group : groups_) {
    if (group.answered >= group.required) continue;
    if (group.answered + group.pending < group.required) return Verdict::kImpossible;
    enough = false;
  }
  return enough ? Verdict::kEnough : Verdict::kPending;
}

uint32_t Progress::required() const {
  uint32_t sum = 0;
  for (const Group& group : groups_) sum += group.required;
  return sum;
}

// More than a group needs make up for nothing in another one.
uint32_t Progress::answered() const {
  if (groups_.size() == 1) return groups_[0].answered;
  uint32_t sum = 0;
  for (const Group& group : groups_) sum += std::min(group.answered, group.required);
  return sum;
}

uint32_t Progress::failures() const {
  uint32_t sum = 0;
  for (const Group& group : groups_) sum += group.failures;
  return sum;
}

uint32_t Progress::pending() const {
  uint32_t sum = 0;
  for (const Group& group : groups_) sum += group.pending;
  return sum;
}

uint32_t Progress::lacking(int group) const {
  const Group& of = groups_[static_cast<size_t>(group)];
  const uint32_t have = of.answered + of.pending;
  return have >= of.required ? 0 : of.required - have;
}

absl::Status Progress::Error(ConsistencyLevel level, base::RequestError error) const {
  const bool failed = std::any_of(groups_.begin(), groups_.end(), [](const Group& group) {
    return group.failures > 0 && group.answered + group.pending + group.timeouts < group.required;
  });
  error.kind = failed ? base::RequestErrorKind::kFailure : base::RequestErrorKind::kTimeout;
  error.consistency = std::string(ConsistencyName(level));
  error.required = required();
  error.received = answered();
  error.failures = failures();
  std::string message = base::StrCat(error.write ? "write" : "read", " at ", error.consistency,
                                     failed ? " failed: " : " timed out: ", error.received, " of ",
                                     error.required, " required replicas answered");
  if (error.failures > 0) {
    base::StrAppend(&message, ", ", error.failures, " failed (",
                    base::ToStd(first_failure_.message()), ")");
  }
  return base::MakeRequestError(error, message);
}

}  // namespace tholos::coordinator
