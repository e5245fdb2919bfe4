#include "coordinator/replica_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
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

// Nodes are letters: capitals stand in the datacenter dc2, the others in dc1.
ring::DatacenterId DatacenterOf(char name) { return name >= 'A' && name <= 'Z' ? 1 : 0; }

const std::vector<std::string> kDatacenters = {"dc1", "dc2"};

ring::ReplicationStrategy Simple(uint32_t factor) { return {.factor = factor}; }
ring::ReplicationStrategy Topology(uint32_t first, uint32_t second) {
  ring::ReplicationStrategy strategy{.kind = ring::ReplicationStrategy::Kind::kNetworkTopology,
                                     .factor = first + second};
  if (first > 0) strategy.by_datacenter["dc1"] = first;
  if (second > 0) strategy.by_datacenter["dc2"] = second;
  return strategy;
}

struct Situation {
  ring::ReplicationStrategy strategy;
  const char* natural;
  const char* pending;
  const char* alive;
  char self;
};

std::string Names(const std::vector<ReplicaPlan::Target>& targets) {
  std::string names;
  for (const auto& target : targets) names.push_back(static_cast<char>(target.node.bytes[15]));
  return names;
}

std::string Names(const std::vector<ring::NodeId>& ids) {
  std::string names;
  for (const ring::NodeId& id : ids) names.push_back(static_cast<char>(id.bytes[15]));
  return names;
}

// "2 of abc": the answers needed of each group; "; c" further targets; "!2/1" unavailable, required
// and alive; "invalid".
std::string Describe(const absl::StatusOr<ReplicaPlan>& plan) {
  if (!plan.ok()) {
    const auto error = base::GetRequestError(plan.status());
    if (!error.has_value()) return plan.status().ToString();
    if (error->kind == base::RequestErrorKind::kInvalid) return "invalid";
    EXPECT_EQ(error->kind, base::RequestErrorKind::kUnavailable);
    return absl::StrCat("!", error->required, "/", error->alive);
  }
  std::string text;
  for (int group = 0; group < static_cast<int>(plan->needs.size()); ++group) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", plan->needs[group], " of ");
    for (const auto& target : plan->targets) {
      if (target.group == group) text.push_back(static_cast<char>(target.node.bytes[15]));
    }
  }
  std::string others;
  for (const auto& target : plan->targets) {
    if (target.group < 0) others.push_back(static_cast<char>(target.node.bytes[15]));
  }
  return others.empty() ? text : text + "; " + others;
}

struct Plans {
  absl::StatusOr<ReplicaPlan> write;
  absl::StatusOr<ReplicaPlan> read;
};

Plans PlansOf(ConsistencyLevel level, const Situation& in, const LatencyMap* latencies = nullptr) {
  ring::TokenReplicas replicas;
  for (const char* name = in.natural; *name != 0; ++name) {
    replicas.natural.push_back(Node(*name));
    replicas.datacenters.push_back(DatacenterOf(*name));
  }
  for (const char* name = in.pending; *name != 0; ++name) {
    replicas.pending.push_back(Node(*name));
    replicas.datacenters.push_back(DatacenterOf(*name));
  }
  gossip::LivenessView::Set alive;
  for (const char* name = in.alive; *name != 0; ++name) alive.insert(Node(*name));
  const PlanInput input{.level = level,
                        .strategy = in.strategy,
                        .replicas = replicas,
                        .datacenters = kDatacenters,
                        .alive = alive,
                        .self = Node(in.self),
                        .own_datacenter = DatacenterOf(in.self),
                        .latencies = latencies};
  return {PlanWrite(input), PlanRead(input)};
}

struct Expected {
  ConsistencyLevel level;
  const char* write;
  const char* read;
};

struct Block {
  const char* name;
  Situation situation;
  std::vector<Expected> levels;
};

// The rules are Cassandra's: ConsistencyLevel's blockFor and blockForWrite, and what it demands to
// be alive.
const Block kMatrix[] = {
    {"one datacenter, three copies, all alive",
     {Simple(3), "abc", "", "abc", 'a'},
     {{kAny, "1 of abc", "invalid"},
      {kOne, "1 of abc", "1 of abc"},
      {kTwo, "2 of abc", "2 of abc"},
      {kThree, "3 of abc", "3 of abc"},
      {kQuorum, "2 of abc", "2 of abc"},
      {kAll, "3 of abc", "3 of abc"},
      {kLocalQuorum, "2 of abc", "2 of abc"},
      {kEachQuorum, "2 of abc", "2 of abc"},
      {kSerial, "invalid", "2 of abc"},
      {kLocalSerial, "invalid", "2 of abc"},
      {kLocalOne, "1 of abc", "1 of abc"}}},
    {"this node first, the others in ring order",
     {Simple(3), "abc", "", "abc", 'c'},
     {{kQuorum, "2 of cab", "2 of cab"}}},
    {"a coordinator that is no replica",
     {Simple(3), "abc", "", "abcd", 'd'},
     {{kQuorum, "2 of abc", "2 of abc"}}},
    {"this node counts as alive",
     {Simple(3), "abc", "", "ab", 'c'},
     {{kQuorum, "2 of cab", "2 of cab"}}},
    {"one dead",
     {Simple(3), "abc", "", "ac", 'a'},
     {{kAny, "1 of ac", "invalid"},
      {kOne, "1 of ac", "1 of ac"},
      {kTwo, "2 of ac", "2 of ac"},
      {kThree, "!3/2", "!3/2"},
      {kQuorum, "2 of ac", "2 of ac"},
      {kEachQuorum, "2 of ac", "2 of ac"},
      {kAll, "!3/2", "!3/2"}}},
    {"two dead",
     {Simple(3), "abc", "", "a", 'a'},
     {{kAny, "1 of a", "invalid"},
      {kOne, "1 of a", "1 of a"},
      {kTwo, "!2/1", "!2/1"},
      {kQuorum, "!2/1", "!2/1"},
      {kLocalQuorum, "!2/1", "!2/1"},
      {kAll, "!3/1", "!3/1"}}},
    {"all dead, the coordinator is no replica",
     {Simple(3), "abc", "", "d", 'd'},
     {{kAny, "1 of ", "invalid"}, {kOne, "!1/0", "!1/0"}, {kLocalOne, "!1/0", "!1/0"}}},
    {"fewer nodes than copies: levels count with the factor",
     {Simple(3), "ab", "", "ab", 'a'},
     {{kQuorum, "2 of ab", "2 of ab"}, {kAll, "!3/2", "!3/2"}, {kThree, "!3/2", "!3/2"}}},
    {"no replicas at all",
     {Simple(3), "", "", "a", 'a'},
     {{kAny, "!1/0", "invalid"}, {kOne, "!1/0", "!1/0"}}},
    {"five copies",
     {Simple(5), "abcde", "", "abc", 'a'},
     {{kQuorum, "3 of abc", "3 of abc"}, {kAll, "!5/3", "!5/3"}}},
    {"four copies", {Simple(4), "abcd", "", "ab", 'a'}, {{kQuorum, "!3/2", "!3/2"}}},

    // Pending replicas add to what a write needs, and count. Reads do not see them.
    {"one pending",
     {Simple(3), "abc", "p", "abcp", 'a'},
     {{kAny, "1 of abcp", "invalid"},
      {kOne, "2 of abcp", "1 of abc"},
      {kTwo, "3 of abcp", "2 of abc"},
      {kThree, "4 of abcp", "3 of abc"},
      {kQuorum, "3 of abcp", "2 of abc"},
      {kEachQuorum, "3 of abcp", "2 of abc"},
      {kLocalQuorum, "3 of abcp", "2 of abc"},
      {kLocalOne, "2 of abcp", "1 of abc"},
      {kAll, "4 of abcp", "3 of abc"}}},
    {"one pending, one natural dead",
     {Simple(3), "abc", "p", "abp", 'a'},
     {{kQuorum, "3 of abp", "2 of ab"}, {kAll, "!4/3", "!3/2"}, {kOne, "2 of abp", "1 of ab"}}},
    {"the pending one dead",
     {Simple(3), "abc", "p", "abc", 'a'},
     {{kQuorum, "3 of abc", "2 of abc"}, {kAll, "!4/3", "3 of abc"}}},
    {"the pending one and a natural one dead",
     {Simple(3), "abc", "p", "ab", 'a'},
     {{kQuorum, "!3/2", "2 of ab"}, {kOne, "2 of ab", "1 of ab"}, {kAny, "1 of ab", "invalid"}}},
    {"two pending",
     {Simple(3), "abc", "pq", "abcpq", 'a'},
     {{kOne, "3 of abcpq", "1 of abc"}, {kQuorum, "4 of abcpq", "2 of abc"}}},

    // Two datacenters.
    {"two datacenters, three copies each",
     {Topology(3, 3), "aAbBcC", "", "abcABC", 'b'},
     {{kOne, "1 of bacABC", "1 of bacABC"},
      {kQuorum, "4 of bacABC", "4 of bacABC"},
      {kAll, "6 of bacABC", "6 of bacABC"},
      {kSerial, "invalid", "4 of bacABC"},
      {kLocalOne, "1 of bac; ABC", "1 of bac"},
      {kLocalQuorum, "2 of bac; ABC", "2 of bac"},
      {kLocalSerial, "invalid", "2 of bac"},
      {kEachQuorum, "2 of bac, 2 of ABC", "2 of bac, 2 of ABC"}}},
    {"the other datacenter is cut off",
     {Topology(3, 3), "aAbBcC", "", "abc", 'b'},
     {{kQuorum, "!4/3", "!4/3"},
      {kThree, "3 of bac", "3 of bac"},
      {kLocalQuorum, "2 of bac", "2 of bac"},
      {kEachQuorum, "!2/0", "!2/0"}}},
    {"this datacenter has lost two",
     {Topology(3, 3), "aAbBcC", "", "aABC", 'a'},
     {{kQuorum, "4 of aABC", "4 of aABC"},
      {kLocalOne, "1 of a; ABC", "1 of a"},
      {kLocalQuorum, "!2/1", "!2/1"},
      {kEachQuorum, "!2/1", "!2/1"}}},
    {"this datacenter has no copies",
     {Topology(0, 3), "ABC", "", "abcABC", 'a'},
     {{kQuorum, "2 of ABC", "2 of ABC"},
      {kLocalOne, "!1/0", "!1/0"},
      {kLocalQuorum, "!1/0", "!1/0"},
      {kEachQuorum, "2 of ABC", "2 of ABC"}}},
    {"different factors",
     {Topology(1, 5), "aABCDE", "", "aABCDE", 'a'},
     {{kQuorum, "4 of aABCDE", "4 of aABCDE"},
      {kLocalQuorum, "1 of a; ABCDE", "1 of a"},
      {kEachQuorum, "1 of a, 3 of ABCDE", "1 of a, 3 of ABCDE"}}},
    {"a datacenter with copies and without nodes",
     {Topology(1, 0), "a", "", "a", 'a'},
     {{kEachQuorum, "1 of a", "1 of a"}}},
    {"pending ones count in their own datacenter",
     {Topology(3, 3), "aAbBcC", "pP", "abcABCpP", 'a'},
     {{kOne, "3 of abcpABCP", "1 of abcABC"},
      {kQuorum, "6 of abcpABCP", "4 of abcABC"},
      {kAll, "8 of abcpABCP", "6 of abcABC"},
      {kLocalOne, "2 of abcp; ABCP", "1 of abc"},
      {kLocalQuorum, "3 of abcp; ABCP", "2 of abc"},
      {kEachQuorum, "3 of abcp, 3 of ABCP", "2 of abc, 2 of ABC"}}},
    {"pending elsewhere does not count here",
     {Topology(3, 3), "aAbBcC", "P", "abcABC", 'a'},
     {{kLocalQuorum, "2 of abc; ABC", "2 of abc"},
      {kEachQuorum, "2 of abc, 3 of ABC", "2 of abc, 2 of ABC"},
      {kQuorum, "5 of abcABC", "4 of abcABC"}}},
    {"SimpleStrategy knows no datacenters, but local levels count local answers",
     {Simple(3), "aAB", "", "aAB", 'a'},
     {{kQuorum, "2 of aAB", "2 of aAB"},
      {kEachQuorum, "2 of aAB", "2 of aAB"},
      {kLocalOne, "1 of a; AB", "1 of a"},
      {kLocalQuorum, "!2/1", "!2/1"}}},
};

TEST(ReplicaPlanTest, Matrix) {
  for (const Block& block : kMatrix) {
    for (const Expected& expected : block.levels) {
      SCOPED_TRACE(std::string(block.name) + " at " + std::string(ConsistencyName(expected.level)));
      const Plans plans = PlansOf(expected.level, block.situation);
      EXPECT_EQ(Describe(plans.write), expected.write);
      EXPECT_EQ(Describe(plans.read), expected.read);
    }
  }
}

// What Cassandra documents of each level, written down once more and naively: the answers that are
// needed of the replicas that count, or for EACH_QUORUM of those of each datacenter.
struct Rule {
  std::vector<uint32_t> needs;
  std::vector<std::string> counted;  // the nodes behind each of them
};
Rule RuleOf(ConsistencyLevel level, uint32_t here, uint32_t there, const std::string& nodes,
            const std::string& pending) {
  std::string mine, others;
  for (const char node : nodes) (DatacenterOf(node) == 0 ? mine : others).push_back(node);
  uint32_t pending_here = 0;
  for (const char node : pending) pending_here += DatacenterOf(node) == 0 ? 1 : 0;
  const auto pending_all = static_cast<uint32_t>(pending.size());
  const auto quorum = [](uint32_t copies) { return copies / 2 + 1; };
  switch (level) {
    case kOne:
      return {{1 + pending_all}, {nodes}};
    case kTwo:
      return {{2 + pending_all}, {nodes}};
    case kThree:
      return {{3 + pending_all}, {nodes}};
    case kQuorum:
      return {{quorum(here + there) + pending_all}, {nodes}};
    case kAll:
      return {{here + there + pending_all}, {nodes}};
    case kLocalOne:
      return {{1 + pending_here}, {mine}};
    case kLocalQuorum:
      return {{quorum(here) + pending_here}, {mine}};
    case kEachQuorum: {
      Rule rule;
      if (here > 0) rule = {{quorum(here) + pending_here}, {mine}};
      if (there > 0) {
        rule.needs.push_back(quorum(there) + pending_all - pending_here);
        rule.counted.push_back(others);
      }
      return rule;
    }
    default:
      return {};
  }
}

// Every level with every factor up to three in two datacenters, every set of living nodes, and
// pending ones in neither, either or both.
TEST(ReplicaPlanTest, AgreesWithTheRulesEverywhere) {
  int available = 0;
  int unavailable = 0;
  for (uint32_t here = 0; here <= 3; ++here) {
    for (uint32_t there = here == 0 ? 1 : 0; there <= 3; ++there) {
      for (const std::string pending : {"", "p", "P", "pP"}) {
        if ((here == 0 && pending.find('p') != std::string::npos) ||
            (there == 0 && pending.find('P') != std::string::npos))
          continue;
        const std::string natural =
            std::string("abc").substr(0, here) + std::string("ABC").substr(0, there);
        const std::string nodes = natural + pending;
        for (uint32_t set = 0; set < 1u << nodes.size(); ++set) {
          std::string alive = "z";  // the coordinator, no replica
          for (size_t i = 0; i < nodes.size(); ++i) {
            if (set >> i & 1) alive.push_back(nodes[i]);
          }
          for (const ConsistencyLevel level :
               {kOne, kTwo, kThree, kQuorum, kAll, kLocalOne, kLocalQuorum, kEachQuorum}) {
            const Rule rule = RuleOf(level, here, there, nodes, pending);
            bool enough = true;
            for (size_t group = 0; group < rule.needs.size(); ++group) {
              uint32_t living = 0;
              for (const char node : rule.counted[group])
                living += alive.find(node) == std::string::npos ? 0 : 1;
              enough = enough && living >= rule.needs[group];
            }
            const auto plan = PlansOf(level, {Topology(here, there), natural.c_str(),
                                              pending.c_str(), alive.c_str(), 'z'})
                                  .write;
            ASSERT_EQ(plan.ok(), enough) << ConsistencyName(level) << " " << nodes << " " << alive;
            ++(enough ? available : unavailable);
            if (!enough) continue;
            ASSERT_TRUE(std::equal(plan->needs.begin(), plan->needs.end(), rule.needs.begin(),
                                   rule.needs.end()))
                << ConsistencyName(level) << " " << nodes << " " << alive;
            ASSERT_EQ(plan->targets.size(), alive.size() - 1) << "all that live are written to";
          }
        }
      }
    }
  }
  EXPECT_GT(available, 1000);
  EXPECT_GT(unavailable, 1000);
}

// Whatever answers: a read quorum shares a replica with every write quorum, also while ranges move,
// with the owners before the move and with those after it.
TEST(ReplicaPlanTest, QuorumsOverlapThroughAMove) {
  for (uint32_t factor = 1; factor <= 7; ++factor) {
    for (uint32_t moving = 0; moving <= factor; ++moving) {
      std::string natural, pending;
      for (uint32_t i = 0; i < factor; ++i) natural.push_back(static_cast<char>('a' + i));
      for (uint32_t i = 0; i < moving; ++i) pending.push_back(static_cast<char>('p' + i));
      const std::string all = natural + pending;
      const auto plans =
          PlansOf(kQuorum, {Simple(factor), natural.c_str(), pending.c_str(), all.c_str(), 'a'});
      ASSERT_TRUE(plans.write.ok());
      // Of those that a write may have missed at most this many are owners, before or after.
      const uint32_t missed = factor + moving - plans.write->required();
      EXPECT_LT(missed, plans.read->required());
    }
  }
}

TEST(ReplicaPlanTest, TheDeadAreListedNaturalOnesFirst) {
  const auto plans = PlansOf(kOne, {Simple(3), "abc", "pq", "aq", 'a'});
  EXPECT_EQ(Describe(plans.write), "!3/2");
  EXPECT_EQ(Names(PlansOf(kAny, {Simple(3), "abc", "pq", "aq", 'a'}).write->dead), "bcp");
}

TEST(ReplicaPlanTest, TheFasterOnesFirstWithinADatacenter) {
  const Situation in{Topology(3, 2), "abcAB", "", "abcABd", 'd'};
  LatencyMap latencies = {{Node('a'), absl::Milliseconds(9)},
                          {Node('b'), absl::Milliseconds(2)},
                          {Node('A'), absl::Microseconds(100)}};
  EXPECT_EQ(Names(PlansOf(kOne, in, &latencies).read->targets), "cbaAB")
      << "unknown ones are tried";
  latencies[Node('c')] = absl::Milliseconds(3);
  EXPECT_EQ(Names(PlansOf(kOne, in, &latencies).read->targets), "bcaAB") << "no clear difference";
  latencies[Node('b')] = absl::Milliseconds(5);
  EXPECT_EQ(Names(PlansOf(kOne, in, &latencies).read->targets), "cabAB")
      << "a and b are alike: ring order";
  latencies[Node('c')] = absl::Seconds(1);
  Situation mine = in;
  mine.self = 'c';
  EXPECT_EQ(Names(PlansOf(kOne, mine, &latencies).read->targets), "cabAB") << "this node first";
}

TEST(ReplicaPlanTest, LatencyClasses) {
  EXPECT_EQ(LatencyClass(absl::ZeroDuration()), 0);
  EXPECT_EQ(LatencyClass(absl::Milliseconds(1)), 0);
  EXPECT_EQ(LatencyClass(absl::Milliseconds(2)), 1);
  EXPECT_EQ(LatencyClass(absl::Milliseconds(4)), 2);
  EXPECT_EQ(LatencyClass(absl::InfiniteDuration()), 10);
}

TEST(ReplicaPlanTest, IsPrintable) {
  const auto plan = PlansOf(kLocalQuorum, {Topology(2, 1), "abA", "p", "abA", 'a'}).write;
  EXPECT_EQ(Describe(plan), "!3/2");
  const auto any = PlansOf(kLocalOne, {Topology(2, 1), "abA", "p", "abA", 'a'}).write;
  ASSERT_TRUE(any.ok());
  EXPECT_EQ(any->ToString(), "2 of 00000000 00000000; also to 00000000; dead 00000000");
}

TEST(ReplicaPlanTest, TheMessageSaysRequiredAndAlive) {
  EXPECT_EQ(PlansOf(kAll, {Simple(3), "abc", "", "ab", 'a'}).write.status().message(),
            "consistency level ALL requires 3 replicas, 2 are alive");
  const auto message = [](ConsistencyLevel level, const std::string& alive) {
    const absl::Status status =
        PlansOf(level, {Topology(2, 1), "abA", "", alive.c_str(), 'a'}).write.status();
    return std::string(status.message());
  };
  EXPECT_EQ(message(kEachQuorum, "ab"),
            "consistency level EACH_QUORUM requires 1 replica in datacenter dc2, 0 are alive");
  EXPECT_EQ(message(kEachQuorum, "aA"),
            "consistency level EACH_QUORUM requires 2 replicas in datacenter dc1, 1 is alive");
  EXPECT_EQ(message(kLocalQuorum, "aA"),
            "consistency level LOCAL_QUORUM requires 2 replicas in datacenter dc1, 1 is alive");
}

}  // namespace
}  // namespace tholos::coordinator
