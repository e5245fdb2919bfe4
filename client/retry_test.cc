#include "client/retry.h"

#include "base/errors.h"
#include "gtest/gtest.h"

namespace tholos::client {
namespace {

using base::RequestErrorKind;

Failure Answered(RequestErrorKind kind) { return {base::MakeRequestError({.kind = kind}, "x")}; }

TEST(Decisions, FollowTheTable) {
  const struct {
    Failure failure;
    Next not_idempotent;
    Next idempotent;
    bool charged;
  } cases[] = {
      {{absl::UnavailableError("x"), true, false}, Next::kOther, Next::kOther, false},
      {{absl::AbortedError("x"), true, true}, Next::kFail, Next::kOther, false},
      {Answered(RequestErrorKind::kUnprepared), Next::kPrepare, Next::kPrepare, false},
      {Answered(RequestErrorKind::kUnavailable), Next::kOther, Next::kOther, true},
      {Answered(RequestErrorKind::kOverloaded), Next::kOtherLater, Next::kOtherLater, true},
      {Answered(RequestErrorKind::kTimeout), Next::kFail, Next::kOther, true},
      {Answered(RequestErrorKind::kFailure), Next::kFail, Next::kOther, true},
      {Answered(RequestErrorKind::kInvalid), Next::kFail, Next::kFail, false},
      {Answered(RequestErrorKind::kSyntax), Next::kFail, Next::kFail, false},
      {Answered(RequestErrorKind::kUncertain), Next::kFail, Next::kFail, false},
      {Answered(RequestErrorKind::kAlreadyExists), Next::kFail, Next::kFail, false},
      {{absl::InternalError("x")}, Next::kFail, Next::kOther, true},
      {{absl::DeadlineExceededError("x")}, Next::kFail, Next::kFail, false},
  };
  for (const auto& each : cases) {
    EXPECT_EQ(Decide(each.failure, false).next, each.not_idempotent) << each.failure.status;
    EXPECT_EQ(Decide(each.failure, true).next, each.idempotent) << each.failure.status;
    EXPECT_EQ(Decide(each.failure, true).charged, each.charged) << each.failure.status;
  }
}

TEST(Pauses, GrowAndEnd) {
  EXPECT_EQ(PauseBefore(1, 0), absl::Milliseconds(5));
  EXPECT_EQ(PauseBefore(2, 0), absl::Milliseconds(10));
  EXPECT_LT(PauseBefore(1, 0.999), absl::Milliseconds(10));
  EXPECT_LE(PauseBefore(1000, 0.999), absl::Seconds(1));
}

TEST(Budgets, GiveATenthOfTheCalls) {
  RetryBudget budget;
  for (int i = 0; i < RetryBudget::kMax; ++i) EXPECT_TRUE(budget.Spend());
  EXPECT_FALSE(budget.Spend());
  for (int i = 0; i < 9; ++i) budget.Earn();
  EXPECT_FALSE(budget.Spend());
  budget.Earn();
  EXPECT_TRUE(budget.Spend());
  EXPECT_FALSE(budget.Spend());
  for (int i = 0; i < 100'000; ++i) budget.Earn();
  int spent = 0;
  while (budget.Spend()) ++spent;
  EXPECT_EQ(spent, RetryBudget::kMax);
}

}  // namespace
}  // namespace tholos::client
