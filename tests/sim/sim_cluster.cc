#include "tests/sim/sim_cluster.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <utility>

#include "base/strings.h"
#include "data/read.h"

namespace tholos::sim {
namespace {

// A process that could not start ends, and its supervisor starts another.
constexpr absl::Duration kRestartDelay = absl::Seconds(1);

base::Endpoint InternodeOf(int n) { return {base::StrCat("10.0.0.", n + 1), 7000}; }

}  // namespace

SimCluster::SimCluster(ClusterOptions options)
    : options_(std::move(options)),
      simulation_({.seed = options_.seed}),
      network_(simulation_),
      wall_clocks_(simulation_) {
  members_.resize(options_.places.size());
  for (int n = 0; n < size(); ++n) {
    base::sim::NodeOptions machine;
    machine.shards = options_.shards;
    members_[n].machine = &simulation_.AddNode(name(n), machine);
    members_[n].machine->OnEnd([this, n] { Ended(n); });
    const auto known =
        std::find(datacenter_names_.begin(), datacenter_names_.end(), place(n).datacenter);
    members_[n].datacenter = static_cast<int>(known - datacenter_names_.begin());
    if (known == datacenter_names_.end()) datacenter_names_.push_back(place(n).datacenter);
  }
  const absl::Duration far = absl::Milliseconds(simulation_.Stream("distances").Between(2, 60));
  for (int a = 0; a < size(); ++a) {
    for (int b = 0; b < size(); ++b) {
      if (datacenter(a) != datacenter(b)) network_.link(name(a), name(b)).delay_min = far;
    }
  }
}

void SimCluster::SetLinkFaults(const rpc::LinkFaults& faults) {
  network_.defaults() = faults;
  for (int a = 0; a < size(); ++a) {
    for (int b = 0; b < size(); ++b) {
      if (datacenter(a) == datacenter(b)) continue;
      rpc::LinkFaults& link = network_.link(name(a), name(b));
      const absl::Duration far = link.delay_min;
      link = faults;
      link.delay_min = far;
    }
  }
}

void SimCluster::CutDatacenters(int from, int to) {
  for (int a = 0; a < size(); ++a) {
    for (int b = 0; b < size(); ++b) {
      if (datacenter(a) == from && datacenter(b) == to) network_.Cut(name(a), name(b));
    }
  }
}

SimCluster::~SimCluster() {
  for (Member& member : members_) {
    member.pending.clear();
    if (member.machine->running()) member.machine->Kill();
  }
}

std::string SimCluster::name(int n) const { return base::StrCat("n", n); }

void SimCluster::Boot(int n) {
  Member& member = members_[n];
  member.machine->Boot();
  member.metrics = std::make_unique<base::Metrics>();
  member.machine->Spawn(RunNode(n, member.machine->incarnation()));
}

base::Task<void> SimCluster::RunNode(int n, uint64_t incarnation) {
  Member& member = members_[n];
  base::sim::SimNode& machine = *member.machine;
  auto& transport =
      machine.Own(std::make_unique<rpc::SimTransport>(network_, machine, InternodeOf(n)));
  node::NodeOptions options;
  options.cluster_name = "simulation";
  options.data_directory = "/data";
  options.client = {InternodeOf(n).host, 9043};
  for (int seed = 0; seed < std::min(2, size()); ++seed) options.seeds.push_back(InternodeOf(seed));
  // Small, so that flushes, rotations and compactions happen within a run.
  options.memtable_bytes_max = 64 << 10;
  options.commitlog_segment_bytes = 64 << 10;
  options.commitlog_bytes_max = 512 << 10;
  options.mutation_bytes_max = 16 << 10;
  options.datacenter = place(n).datacenter;
  options.rack = place(n).rack;
  options.faults = options_.faults;
  // Clocks are up to an hour off. With the shipped bound such nodes refuse writes that need their
  // clocks; without it they take them, and nothing may be lost either way.
  if (options_.seed % 5 != 0) options.clock_skew_max = absl::InfiniteDuration();
  auto started = co_await node::Node::Start(
      options, node::NodeDeps{machine.clock(), machine.random(), machine.executor(),
                              machine.files(), transport, *member.metrics, machine.log()});
  if (!started.ok()) {
    errors_.push_back(base::StrCat(name(n), " did not start: ", started.status().ToString()));
    simulation_.After(kRestartDelay, "supervisor", [this, n, incarnation] {
      base::sim::SimNode& machine = *members_[n].machine;
      if (!machine.running() || machine.incarnation() != incarnation) return;
      machine.Kill();
      Boot(n);
    });
    co_return;
  }
  if (machine.incarnation() == incarnation) member.node = &machine.Own(*std::move(started));
}

void SimCluster::Ended(int n) {
  Member& member = members_[n];
  member.node = nullptr;
  std::map<uint64_t, Pending> pending = std::exchange(member.pending, {});
  for (auto& [id, request] : pending)
    request.done(absl::UnknownError("the node died before it answered"));
}

uint64_t SimCluster::Counter(int n, const std::string& name) const {
  const std::string text = "\n" + members_[n].metrics->RenderText();
  uint64_t sum = 0;
  for (const char* end : {" ", "{"}) {
    const std::string start = base::StrCat("\n", name, end);
    for (size_t at = text.find(start); at != std::string::npos; at = text.find(start, at + 1)) {
      const size_t value = text.rfind(' ', text.find('\n', at + 1));
      sum += std::strtoull(text.c_str() + value, nullptr, 10);
    }
  }
  return sum;
}

bool SimCluster::AllUp() const {
  for (const Member& member : members_) {
    if (member.node == nullptr || member.node->liveness().Snapshot()->size() != members_.size() ||
        member.node->cluster()->nodes().size() != members_.size()) {
      return false;
    }
  }
  return true;
}

bool SimCluster::AllKnow(const std::string& keyspace, const std::string& table) const {
  return std::all_of(members_.begin(), members_.end(), [&](const Member& member) {
    return member.node != nullptr &&
           member.node->cluster()->schema().FindTable(keyspace, table) != nullptr;
  });
}

void SimCluster::Query(int n, std::string statement, cql::QueryOptions options,
                       absl::Duration timeout, Done done) {
  Member& member = members_[n];
  if (member.node == nullptr || !member.machine->running()) {
    done(absl::UnavailableError("the node does not serve"));
    return;
  }
  options.deadline = member.machine->clock().Now() + timeout;
  const uint64_t id = next_query_++;
  member.pending.emplace(
      id, Pending{std::move(done), simulation_.now() + timeout + kLateMax, statement});
  const int shard = static_cast<int>(id % static_cast<uint64_t>(options_.shards));
  base::SpawnDetached(member.machine->executor().shard(shard),
                      RunQuery(n, id, std::move(statement), std::move(options)));
}

base::Task<void> SimCluster::RunQuery(int n, uint64_t id, std::string statement,
                                      cql::QueryOptions options) {
  auto result =
      co_await members_[n].node->queries().Execute(std::move(statement), std::move(options));
  Finish(n, id, std::move(result));
}

void SimCluster::Finish(int n, uint64_t id, absl::StatusOr<cql::QueryResult> result) {
  auto it = members_[n].pending.find(id);
  if (it == members_[n].pending.end()) return;
  Pending request = std::move(it->second);
  members_[n].pending.erase(it);
  if (simulation_.now() > request.late_after) {
    late_.push_back(
        base::StrCat(request.statement, ": answered ",
                     absl::FormatDuration(simulation_.now() - request.late_after + kLateMax),
                     " after its deadline: ", result.status().ToString()));
  }
  request.done(std::move(result));
}

absl::StatusOr<cql::QueryResult> SimCluster::QueryAndWait(int n, std::string statement,
                                                          cql::QueryOptions options) {
  auto answer = std::make_shared<std::optional<absl::StatusOr<cql::QueryResult>>>();
  Query(n, std::move(statement), std::move(options), absl::Seconds(10),
        [answer](absl::StatusOr<cql::QueryResult> result) { answer->emplace(std::move(result)); });
  simulation_.RunUntil([&] { return answer->has_value(); }, absl::Minutes(1));
  if (!answer->has_value())
    return absl::DeadlineExceededError("no answer within a minute of virtual time");
  return *std::move(*answer);
}

base::Task<void> SimCluster::RunContents(
    int n, data::ReadCommand command,
    std::shared_ptr<std::optional<absl::StatusOr<std::string>>> answer) {
  auto result = co_await members_[n].node->engine().Read(
      command, members_[n].machine->clock().Now() + absl::Seconds(10));
  if (result.ok()) {
    answer->emplace(data::EncodeReadResult(*result));
  } else {
    answer->emplace(result.status());
  }
}

absl::StatusOr<std::string> SimCluster::Contents(int n, const std::string& keyspace,
                                                 const std::string& table, int64_t now_seconds) {
  Member& member = members_[n];
  if (member.node == nullptr || !member.machine->running())
    return absl::UnavailableError("the node does not serve");
  const auto schema = member.node->cluster()->schema().FindTable(keyspace, table);
  if (schema == nullptr) return absl::NotFoundError("the node does not know the table");
  data::ReadCommand command{.table = schema->id, .now_seconds = now_seconds};
  command.row_limit = std::numeric_limits<uint32_t>::max();
  command.bytes_limit = std::numeric_limits<uint64_t>::max();
  auto answer = std::make_shared<std::optional<absl::StatusOr<std::string>>>();
  base::SpawnDetached(member.machine->executor().shard(0), RunContents(n, command, answer));
  simulation_.RunUntil([&] { return answer->has_value(); }, absl::Minutes(1));
  if (!answer->has_value())
    return absl::DeadlineExceededError("no answer within a minute of virtual time");
  return *std::move(*answer);
}

bool SimCluster::SameContents(const std::string& keyspace, const std::string& table,
                              int64_t now_seconds) {
  const auto first = Contents(0, keyspace, table, now_seconds);
  if (!first.ok()) return false;
  for (int n = 1; n < size(); ++n) {
    const auto other = Contents(n, keyspace, table, now_seconds);
    if (!other.ok() || *other != *first) return false;
  }
  return true;
}

namespace {

base::Task<void> RunFlushAndCompact(node::Node* node, bool compact, std::function<void()> done) {
  (void)co_await node->engine().Flush(std::nullopt);
  if (compact) {
    for (const auto& table : node->cluster()->schema().tables())
      (void)co_await node->engine().CompactAll(table->id);
  }
  done();
}

}  // namespace

void SimCluster::FlushAndCompact(int n, bool compact, std::function<void()> done) {
  if (!serving(n) || !machine(n).running()) return;
  machine(n).Spawn(RunFlushAndCompact(node(n), compact, std::move(done)));
}

}  // namespace tholos::sim
