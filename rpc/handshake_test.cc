#include "rpc/handshake.h"

#include <gtest/gtest.h>

namespace tholos::rpc {
namespace {

Party Of(const char* name, uint32_t oldest, uint32_t newest, const char* cluster = "c") {
  return {name, cluster, {oldest, newest}};
}

TEST(Handshake, TheNewestVersionThatBothSpeak) {
  struct Case {
    Versions self;
    Versions peer;
    uint32_t agreed;  // 0: none
  };
  const Case cases[] = {
      {{2, 2}, {2, 2}, 2}, {{1, 3}, {2, 5}, 3}, {{2, 5}, {1, 3}, 3}, {{1, 9}, {4, 4}, 4},
      {{4, 4}, {1, 9}, 4}, {{1, 2}, {3, 4}, 0}, {{3, 4}, {1, 2}, 0}, {{2, 2}, {0, 0}, 0},
  };
  for (const Case& each : cases) {
    const auto agreed = Agree({"a:1", "c", each.self}, {"b:2", "c", each.peer});
    EXPECT_EQ(agreed.ok() ? *agreed : 0, each.agreed);
    if (!agreed.ok()) continue;
    EXPECT_TRUE(CheckAgreed({"b:2", "c", each.peer}, "c", *agreed).ok());
  }
}

TEST(Handshake, WhatDoesNotFitIsNamed) {
  EXPECT_EQ(Agree(Of("a:1", 2, 3), Of("b:2", 4, 5)).status(),
            absl::FailedPreconditionError("a:1 speaks versions 2 to 3 of the internode protocol, "
                                          "b:2 versions 4 to 5"));
  EXPECT_EQ(Agree(Of("a:1", 2, 2), Of("b:2", 2, 2, "d")).status(),
            absl::FailedPreconditionError("a:1 belongs to cluster 'c', not 'd'"));
  EXPECT_EQ(Agree(Of("a:1", 2, 2), Of("b:2", 3, 2)).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(CheckAgreed(Of("a:1", 2, 3), "c", 4),
            absl::FailedPreconditionError("the peer chose version 4 of the internode protocol, "
                                          "a:1 speaks versions 2 to 3"));
  EXPECT_EQ(CheckAgreed(Of("a:1", 2, 3), "d", 2),
            absl::FailedPreconditionError("a:1 belongs to cluster 'c', not 'd'"));
}

}  // namespace
}  // namespace tholos::rpc
