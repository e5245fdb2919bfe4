#include "tests/sim/checker.h"

#include "gtest/gtest.h"

namespace tholos::sim {
namespace {

TEST(RegisterChecker, FindsEveryKindOfWrongRead) {
  RegisterChecker checker;
  EXPECT_FALSE(checker.Observe("r", 0, std::nullopt));
  const uint64_t v1 = checker.Begin("r", false);
  const uint64_t v2 = checker.Begin("r", false);
  checker.End("r", v1, Outcome::kAcknowledged);
  EXPECT_EQ(checker.Floor("r"), v1);
  EXPECT_FALSE(checker.Observe("r", v1, v1));
  EXPECT_TRUE(checker.Observe("r", v1, std::nullopt)) << "a lost write";
  EXPECT_TRUE(checker.Observe("r", v1, 3)) << "from nowhere";
  EXPECT_FALSE(checker.Observe("r", v1, v2)) << "in doubt: may be seen";
  EXPECT_EQ(checker.Floor("r"), v2) << "once seen it stays";
  EXPECT_TRUE(checker.Observe("r", v2, v1)) << "not monotonic";
  const uint64_t v3 = checker.Begin("r", true);
  checker.End("r", v3, Outcome::kUnknown);
  EXPECT_FALSE(checker.Observe("r", v2, std::nullopt)) << "an erase in doubt";
  EXPECT_EQ(checker.Floor("r"), v3) << "once read it stays erased";
  EXPECT_TRUE(checker.Observe("r", v3, v2)) << "back from the dead";
  const uint64_t v4 = checker.Begin("r", false);
  checker.End("r", v4, Outcome::kNotApplied);
  EXPECT_TRUE(checker.Observe("r", v3, v4)) << "was refused";
}

TEST(SetChecker, FindsEveryKindOfWrongRead) {
  SetChecker checker;
  const uint64_t a = checker.Begin("s");
  const uint64_t b = checker.Begin("s");
  const uint64_t c = checker.Begin("s");
  checker.End("s", a, Outcome::kAcknowledged);
  checker.End("s", c, Outcome::kNotApplied);
  const auto required = checker.Required("s");
  EXPECT_FALSE(checker.Observe("s", required, {a}));
  EXPECT_FALSE(checker.Observe("s", required, {a, b}));
  EXPECT_TRUE(checker.Observe("s", required, {b})) << "lost";
  EXPECT_TRUE(checker.Observe("s", required, {a, a})) << "twice";
  EXPECT_TRUE(checker.Observe("s", required, {a, c})) << "refused";
  EXPECT_TRUE(checker.Observe("s", required, {a, 9})) << "from nowhere";
}

}  // namespace
}  // namespace tholos::sim
