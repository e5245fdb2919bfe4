#include "coordinator/replica_plan.h"

#include <gtest/gtest.h>

#include <optional>

#include "base/errors.h"

namespace tholos::coordinator {
namespace {

using enum ConsistencyLevel;

ring::NodeId Node(char name) {
  ring::NodeId id;
  id.bytes[15] = static_cast<uint8_t>(name);
  return id;
}

std::vector<ring::NodeId> Nodes(const std::string& names) {
  std::vector<ring::NodeId> ids;
  for (char name : names) ids.push_back(Node(name));
  return ids;
}

std::string Names(const std::vector<ring::NodeId>& ids) {
  std::string names;
  for (const ring::NodeId& id : ids) names.push_back(static_cast<char>(id.bytes[15]));
  return names;
}

// Nodes are letters. `write` and `read` are the expected targets, or "-" if unavailable.
struct Row {
  ConsistencyLevel level;
  uint32_t factor;
  const char* replicas;
  const char* alive;
  char self;
  uint32_t required;
  const char* write;
  const char* read;
  const char* dead;
};

constexpr Row kRows[] = {
    // All alive.
    {kOne, 3, "abc", "abc", 'a', 1, "abc", "abc", ""},
    {kTwo, 3, "abc", "abc", 'a', 2, "abc", "abc", ""},
    {kThree, 3, "abc", "abc", 'a', 3, "abc", "abc", ""},
    {kQuorum, 3, "abc", "abc", 'a', 2, "abc", "abc", ""},
    {kLocalQuorum, 3, "abc", "abc", 'a', 2, "abc", "abc", ""},
    {kEachQuorum, 3, "abc", "abc", 'a', 2, "abc", "abc", ""},
    {kLocalOne, 3, "abc", "abc", 'a', 1, "abc", "abc", ""},
    {kAll, 3, "abc", "abc", 'a', 3, "abc", "abc", ""},
    {kAny, 3, "abc", "abc", 'a', 1, "abc", "-", ""},
    // This node first, the others in ring order; not a replica itself; not in the published set of
    // the living.
    {kQuorum, 3, "abc", "abc", 'c', 2, "cab", "cab", ""},
    {kQuorum, 3, "abc", "abcd", 'd', 2, "abc", "abc", ""},
    {kQuorum, 3, "abc", "ab", 'c', 2, "cab", "cab", ""},
    // One dead.
    {kOne, 3, "abc", "ac", 'a', 1, "ac", "ac", "b"},
    {kQuorum, 3, "abc", "ac", 'a', 2, "ac", "ac", "b"},
    {kAll, 3, "abc", "ac", 'a', 3, "-", "-", "b"},
    {kThree, 3, "abc", "ac", 'a', 3, "-", "-", "b"},
    // Two dead.
    {kOne, 3, "abc", "a", 'a', 1, "a", "a", "bc"},
    {kTwo, 3, "abc", "a", 'a', 2, "-", "-", "bc"},
    {kQuorum, 3, "abc", "a", 'a', 2, "-", "-", "bc"},
    // All dead, the coordinator is no replica.
    {kOne, 3, "abc", "d", 'd', 1, "-", "-", "abc"},
    {kAny, 3, "abc", "d", 'd', 1, "", "-", "abc"},
    // Fewer nodes than copies: levels count with the factor.
    {kQuorum, 3, "ab", "ab", 'a', 2, "ab", "ab", ""},
    {kAll, 3, "ab", "ab", 'a', 3, "-", "-", ""},
    {kThree, 2, "ab", "ab", 'a', 3, "-", "-", ""},
    {kQuorum, 1, "b", "ab", 'a', 1, "b", "b", ""},
    {kAny, 3, "", "a", 'a', 1, "-", "-", ""},
    // Larger factors.
    {kQuorum, 5, "abcde", "abc", 'a', 3, "abc", "abc", "de"},
    {kQuorum, 4, "abcd", "ab", 'a', 3, "-", "-", "cd"},
};

void ExpectPlan(const absl::StatusOr<ReplicaPlan>& plan, const Row& row, const char* targets,
                bool write) {
  if (std::string(targets) != "-") {
    ASSERT_TRUE(plan.ok()) << plan.status();
    EXPECT_EQ(Names(plan->targets), targets);
    EXPECT_EQ(Names(plan->dead), row.dead);
    EXPECT_EQ(plan->required, row.required);
    return;
  }
  const std::optional<base::RequestError> error = base::GetRequestError(plan.status());
  ASSERT_TRUE(error.has_value()) << plan.status();
  if (row.level == kAny && !write) {
    EXPECT_EQ(error->kind, base::RequestErrorKind::kInvalid);
    return;
  }
  EXPECT_EQ(error->kind, base::RequestErrorKind::kUnavailable);
  EXPECT_EQ(error->consistency, ConsistencyName(row.level));
  EXPECT_EQ(error->required, row.required);
  EXPECT_EQ(error->alive, std::string(row.replicas).size() - std::string(row.dead).size());
  EXPECT_EQ(error->write, write);
}

TEST(ReplicaPlanTest, Table) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(std::string(ConsistencyName(row.level)) + " of " + row.replicas + " alive " +
                 row.alive);
    const auto replicas = Nodes(row.replicas);
    const auto ids = Nodes(row.alive);
    const gossip::LivenessView::Set alive(ids.begin(), ids.end());
    const PlanInput input{row.level, row.factor, replicas, alive, Node(row.self)};
    ExpectPlan(PlanWrite(input), row, row.write, true);
    ExpectPlan(PlanRead(input), row, row.read, false);
  }
}

TEST(ReplicaPlanTest, TheMessageSaysRequiredAndAlive) {
  const auto replicas = Nodes("abc");
  const gossip::LivenessView::Set alive = {Node('a'), Node('b')};
  EXPECT_EQ(PlanWrite({kAll, 3, replicas, alive, Node('a')}).status().message(),
            "consistency level ALL requires 3 replicas, 2 are alive");
}

}  // namespace
}  // namespace tholos::coordinator
