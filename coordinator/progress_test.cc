#include "coordinator/progress.h"

#include <gtest/gtest.h>

#include <string>

#include "base/errors.h"
#include "base/random.h"
#include "coordinator/read/latency_estimate.h"
#include "coordinator/read/read_progress.h"
#include "coordinator/write/write_progress.h"
#include "rpc/transport.h"

namespace tholos::coordinator {
namespace {

const absl::Status kSlow = absl::DeadlineExceededError("slow");
const absl::Status kRefused = absl::UnavailableError("refused");
const absl::Status kBrokenOff = rpc::BrokenOff(absl::UnavailableError("the connection broke"));
const absl::Status kBroken = absl::DataLossError("block 7 is corrupt");

// Events: a acknowledged, f failed, r refused, t timed out, b broken off; (ANY) d hint durable, x hint lost.
struct WriteRow {
  const char* name;
  ConsistencyLevel level;
  uint32_t required, sent, hinting;
  const char* events;
  Verdict verdict;
  base::RequestErrorKind error;
};

using enum ConsistencyLevel;
using enum Verdict;
constexpr auto kTimeout = base::RequestErrorKind::kTimeout;
constexpr auto kFailure = base::RequestErrorKind::kFailure;

constexpr WriteRow kWrites[] = {
    {"nothing yet", kQuorum, 2, 3, 0, "", kPending, kTimeout},
    {"one of two", kQuorum, 2, 3, 0, "a", kPending, kTimeout},
    {"two of two", kQuorum, 2, 3, 0, "aa", kEnough, kTimeout},
    {"one failed, the others may do", kQuorum, 2, 3, 0, "f", kPending, kTimeout},
    {"two failed: at once", kQuorum, 2, 3, 0, "ff", kImpossible, kFailure},
    {"one failed of two live ones: at once", kQuorum, 2, 2, 1, "f", kImpossible, kFailure},
    {"too slow is no failure", kQuorum, 2, 3, 0, "tt", kImpossible, kTimeout},
    {"what was sent and broken off is no failure", kQuorum, 2, 3, 0, "bb", kImpossible, kTimeout},
    {"what was refused is one", kQuorum, 2, 3, 0, "rr", kImpossible, kFailure},
    {"one refused, one broken off", kQuorum, 2, 3, 0, "rb", kImpossible, kTimeout},
    {"one failed, one slow: the slow one decides", kQuorum, 2, 3, 0, "ft", kImpossible, kTimeout},
    {"one did, one failed, one slow", kQuorum, 2, 3, 0, "aft", kImpossible, kTimeout},
    {"all but one", kAll, 3, 3, 0, "aaf", kImpossible, kFailure},
    {"hints do not count", kOne, 1, 1, 2, "ddf", kImpossible, kFailure},
    {"hints do not count for a quorum", kQuorum, 2, 2, 1, "da", kPending, kTimeout},
    {"any: a replica", kAny, 1, 2, 1, "a", kEnough, kTimeout},
    {"any: a hint", kAny, 1, 2, 1, "d", kEnough, kTimeout},
    {"any: a hint alone", kAny, 1, 0, 3, "xd", kEnough, kTimeout},
    {"any: the failed one is being hinted", kAny, 1, 1, 0, "f", kPending, kFailure},
    {"any: the failed one was hinted", kAny, 1, 1, 0, "fd", kEnough, kTimeout},
    {"any: nothing holds it", kAny, 1, 1, 1, "xfx", kImpossible, kFailure},
};

TEST(WriteProgressTest, Table) {
  for (const WriteRow& row : kWrites) {
    SCOPED_TRACE(row.name);
    ReplicaPlan plan{.targets = std::vector<ReplicaPlan::Target>(row.sent),
                     .dead = std::vector<ring::NodeId>(row.hinting),
                     .needs = {row.required}};
    WriteProgress progress(row.level, plan);
    for (const char* event = row.events; *event != 0; ++event) {
      if (*event == 'a') progress.Acknowledged();
      if (*event == 'f') progress.Failed(kBroken);
      if (*event == 'r') progress.Failed(kRefused);
      if (*event == 't') progress.Failed(kSlow);
      if (*event == 'b') progress.Failed(kBrokenOff);
      if (*event == 'd' || *event == 'x') progress.Hinted(*event == 'd');
    }
    EXPECT_EQ(progress.verdict(), row.verdict);
    if (progress.verdict() == kEnough) continue;
    const auto error = base::GetRequestError(progress.Error(WriteType::kUnloggedBatch));
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->kind, row.error);
    EXPECT_TRUE(error->write);
    EXPECT_EQ(error->write_type, "UNLOGGED_BATCH");
    EXPECT_EQ(error->required, row.required);
    EXPECT_EQ(error->consistency, ConsistencyName(row.level));
  }
}

TEST(ProgressTest, TheErrorSaysWhoDidWhat) {
  Progress progress({3});
  for (int i = 0; i < 3; ++i) progress.Asked();
  progress.Answered();
  progress.Failed(kBroken);
  const absl::Status status = progress.Error(kAll, {.write = false});
  const auto error = base::GetRequestError(status);
  EXPECT_EQ(error->received, 1u);
  EXPECT_EQ(error->failures, 1u);
  EXPECT_FALSE(error->write);
  EXPECT_EQ(status.message(),
            "read at ALL failed: 1 of 3 required replicas answered, 1 failed (block 7 is corrupt)");
}

TEST(ProgressTest, EveryGroupNeedsItsOwn) {
  Progress progress({2, 1});
  for (const int group : {0, 0, 0, 1, 1, -1}) progress.Asked(group);
  for (int i = 0; i < 3; ++i) progress.Answered(0);
  progress.Answered(-1);
  EXPECT_EQ(progress.verdict(), kPending) << "the first group's third makes up for nothing";
  EXPECT_EQ(progress.answered(), 2u);
  progress.Failed(kBroken, 1);
  EXPECT_EQ(progress.verdict(), kPending);
  Progress failing = progress;
  progress.Answered(1);
  EXPECT_EQ(progress.verdict(), kEnough);
  failing.Failed(kBroken, 1);
  EXPECT_EQ(failing.verdict(), kImpossible);
  const auto error = base::GetRequestError(failing.Error(kEachQuorum, {.write = true}));
  EXPECT_EQ(error->kind, kFailure);
  EXPECT_EQ(error->required, 3u);
  EXPECT_EQ(error->received, 2u);
}

std::string Describe(const std::vector<ReadProgress::Ask>& asks) {
  std::string text;
  for (const auto& ask : asks) {
    text += (ask.data ? "D" : "d") + std::to_string(ask.candidate) + " ";
  }
  return text;
}
std::string Describe(const std::optional<ReadProgress::Ask>& ask) {
  return ask.has_value() ? Describe(std::vector{*ask}) : "-";
}

TEST(ReadProgressTest, DataFromOneDigestsFromTheOthers) {
  ReadProgress progress({.needs = {3}}, std::vector<int>(5, 0));
  const auto asks = progress.Start();
  EXPECT_EQ(Describe(asks), "D0 d1 d2 ");
  progress.Answered(asks[1]);
  progress.Answered(asks[0]);
  EXPECT_EQ(progress.verdict(), kPending);
  progress.Answered(asks[2]);
  EXPECT_EQ(progress.verdict(), kEnough);
}

TEST(ReadProgressTest, WhoFailsIsReplacedByWhatIsMissing) {
  ReadProgress progress({.needs = {2}}, std::vector<int>(4, 0));
  const auto asks = progress.Start();
  EXPECT_EQ(Describe(progress.Failed(asks[1], kBroken)), "d2 ");
  const auto data = progress.Failed(asks[0], kBroken);
  EXPECT_EQ(Describe(data), "D3 ");
  progress.Answered({2, false});
  progress.Answered(*data);
  EXPECT_EQ(progress.verdict(), kEnough);
}

TEST(ReadProgressTest, WithoutSparesAFailureEndsIt) {
  ReadProgress progress({.needs = {2}}, std::vector<int>(2, 0));
  const auto asks = progress.Start();
  EXPECT_EQ(Describe(progress.Failed(asks[0], kBroken)), "-");
  EXPECT_EQ(progress.verdict(), kImpossible);
}

TEST(ReadProgressTest, SpeculationAsksForWhatLacks) {
  ReadProgress no_data({.needs = {2}}, std::vector<int>(3, 0));
  const auto asks = no_data.Start();
  no_data.Answered(asks[1]);
  EXPECT_EQ(Describe(no_data.AskOneMore()), "D2 ");
  EXPECT_EQ(Describe(no_data.AskOneMore()), "-");
  no_data.Answered({2, true});
  EXPECT_EQ(no_data.verdict(), kEnough);

  ReadProgress no_digest({.needs = {2}}, std::vector<int>(3, 0));
  no_digest.Answered(no_digest.Start()[0]);
  EXPECT_EQ(Describe(no_digest.AskOneMore()), "d2 ");
}

TEST(ReadProgressTest, OnlyDataWithAnswersFromBefore) {
  ReadProgress progress({.needs = {3}, .already = {0}, .only_data = true}, {0, 0, 0});
  const auto asks = progress.Start();
  EXPECT_EQ(Describe(asks), "D0 D1 ");
  EXPECT_EQ(Describe(progress.Failed(asks[0], kBroken)), "D2 ");
  progress.Answered(asks[1]);
  EXPECT_EQ(Describe(progress.Failed({2, true}, kBroken)), "-");
  EXPECT_EQ(progress.verdict(), kImpossible);
  const auto error = base::GetRequestError(progress.progress().Error(kAll, {}));
  EXPECT_EQ(error->kind, kFailure);
  EXPECT_EQ(error->received, 2u);
  EXPECT_EQ(error->required, 3u);
}

TEST(ReadProgressTest, EachGroupHasItsOwnSpares) {
  ReadProgress progress({.needs = {2, 1}}, {0, 1, 0, 1, 0});
  const auto asks = progress.Start();
  EXPECT_EQ(Describe(asks), "D0 d1 d2 ");
  EXPECT_EQ(Describe(progress.Failed(asks[1], kBroken)), "d3 ");
  EXPECT_EQ(Describe(progress.Failed({3, false}, kBroken)), "-") << "4 is of the other group";
  EXPECT_EQ(progress.verdict(), kImpossible);
}

TEST(ReadProgressTest, SomeMayBeAskedBeyondThoseNeeded) {
  ReadProgress progress({.needs = {1}, .extra = 1}, {0, 0, 0});
  EXPECT_EQ(Describe(progress.Start()), "D0 D1 ");
  progress.Answered({1, true});
  EXPECT_EQ(progress.verdict(), kEnough);
}

// Whatever fails in whatever order: enough answers include data.
TEST(ReadProgressTest, EnoughAnswersIncludeData) {
  base::RandomStream random(1);
  for (int run = 0; run < 5000; ++run) {
    const auto required = static_cast<uint32_t>(1 + random.Below(4));
    const size_t candidates = required + random.Below(3);
    ReadProgress progress({.needs = {required}}, std::vector<int>(candidates, 0));
    auto open = progress.Start();
    bool data = false;
    uint32_t answers = 0;
    while (progress.verdict() == kPending) {
      ASSERT_FALSE(open.empty());
      if (random.Chance(0.2)) {
        if (auto ask = progress.AskOneMore()) open.push_back(*ask);
      }
      const size_t at = random.Below(open.size());
      const ReadProgress::Ask ask = open[at];
      open.erase(open.begin() + static_cast<std::ptrdiff_t>(at));
      if (random.Chance(0.6)) {
        progress.Answered(ask);
        data |= ask.data;
        ++answers;
      } else if (auto next = progress.Failed(ask, random.Chance(0.5) ? kSlow : kBroken)) {
        open.push_back(*next);
      }
    }
    if (progress.verdict() == kEnough) {
      EXPECT_TRUE(data);
      EXPECT_GE(answers, required);
    } else {
      EXPECT_LT(answers + open.size(), required);
    }
  }
}

TEST(LatencyEstimateTest, IsThePercentileOfTheRecentOnes) {
  LatencyEstimate estimate;
  for (int i = 1; i <= 63; ++i) estimate.Observe(absl::Milliseconds(i));
  EXPECT_EQ(estimate.p99(), absl::ZeroDuration());
  estimate.Observe(absl::Milliseconds(64));
  EXPECT_EQ(estimate.p99(), absl::Milliseconds(64));
  for (int i = 0; i < 256; ++i) estimate.Observe(absl::Milliseconds(1));
  EXPECT_EQ(estimate.p99(), absl::Milliseconds(1));
}

TEST(ExtraBudgetTest, IsAShareOfTheNormalRequests) {
  ExtraBudget budget;
  int spent = 0;
  while (budget.Spend()) ++spent;
  EXPECT_EQ(spent, 10);
  for (int i = 0; i < 2000; ++i) {
    budget.Earn();
    if (budget.Spend()) ++spent;
  }
  EXPECT_NEAR(spent, 110, 1);
}

}  // namespace
}  // namespace tholos::coordinator
