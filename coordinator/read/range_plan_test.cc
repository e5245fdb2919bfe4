#include "coordinator/read/range_plan.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace tholos::coordinator {
namespace {

using data::kMinToken;
using data::TokenRange;

ring::ReplicaSet Nodes(const std::string& names) {
  ring::ReplicaSet set;
  for (char name : names) {
    ring::NodeId id;
    id.bytes[15] = static_cast<uint8_t>(name);
    set.push_back(id);
  }
  return set;
}

std::string Describe(const std::vector<ring::RangeReplicas>& pieces) {
  const auto show = [](data::Token token) {
    return token == kMinToken ? "*" : std::to_string(token);
  };
  std::string text;
  for (const auto& piece : pieces) {
    text += "(" + show(piece.range.start) + "," + show(piece.range.end) + "]";
    for (const auto& id : piece.replicas) text += static_cast<char>(id.bytes[15]);
    text += " ";
  }
  return text;
}

const std::vector<ring::RangeReplicas> kRing = {{{kMinToken, 10}, Nodes("ab")},
                                                {{10, 20}, Nodes("bc")},
                                                {{20, 30}, Nodes("cb")},
                                                {{30, kMinToken}, Nodes("ab")}};

struct RangeRow {
  TokenRange asked;
  std::optional<data::Token> after;
  const char* pieces;
};

TEST(RangePlanTest, Table) {
  const RangeRow rows[] = {
      {{}, std::nullopt, "(*,10]ab (10,30]bc (30,*]ab "},
      {{5, 15}, std::nullopt, "(5,10]ab (10,15]bc "},
      {{10, 30}, std::nullopt, "(10,30]bc "},
      {{25, kMinToken}, std::nullopt, "(25,30]cb (30,*]ab "},
      {{kMinToken, 3}, std::nullopt, "(*,3]ab "},
      // The partitions of the position's own token are read again.
      {{}, 15, "(14,30]bc (30,*]ab "},
      {{}, 10, "(9,10]ab (10,30]bc (30,*]ab "},
      {{}, 11, "(10,30]bc (30,*]ab "},
      {{5, 15}, 3, "(5,10]ab (10,15]bc "},
      {{5, 15}, 15, "(14,15]bc "},
      {{5, 15}, 16, ""},
      {{}, std::numeric_limits<int64_t>::max(), "(9223372036854775806,*]ab "},
  };
  for (const RangeRow& row : rows) {
    std::optional<data::Position> after;
    if (row.after.has_value()) after = data::Position{{*row.after, "k"}, std::nullopt};
    EXPECT_EQ(Describe(RangePieces(kRing, row.asked, after)), row.pieces);
  }
}

TEST(RangePlanTest, OneReplicaSetIsOnePiece) {
  const std::vector<ring::RangeReplicas> ring = {
      {{kMinToken, 10}, Nodes("abc")}, {{10, 20}, Nodes("bca")}, {{20, kMinToken}, Nodes("cab")}};
  EXPECT_EQ(Describe(RangePieces(ring, {}, std::nullopt)), "(*,*]abc ");
}

TEST(RangePlanTest, ThePositionGoesWithItsPieceAlone) {
  data::ReadCommand command;
  command.after = data::Position{{15, "k"}, "c"};
  EXPECT_TRUE(CommandForPiece(command, {14, 30}).after.has_value());
  EXPECT_FALSE(CommandForPiece(command, {30, kMinToken}).after.has_value());
  EXPECT_EQ(CommandForPiece(command, {14, 30}).range, (TokenRange{14, 30}));
}

}  // namespace
}  // namespace tholos::coordinator
