#include "coordinator/testing/test_cluster.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "base/check.h"
#include "base/strings.h"
#include "coordinator/system_schema.h"
#include "data/codec.h"

namespace tholos::coordinator {
namespace {

using base::Task;

// The real engine, and faults around it.
class FaultyEngine final : public storage::Engine {
 public:
  FaultyEngine(std::unique_ptr<storage::Engine> engine, const EngineFaults& faults)
      : engine_(std::move(engine)), faults_(faults) {}

  Task<absl::Status> SetSchema(data::Schema::Ptr schema) override {
    return engine_->SetSchema(std::move(schema));
  }
  Task<absl::Status> Apply(std::string mutation, base::Deadline deadline) override {
    if (faults_.apply_delay > absl::ZeroDuration()) co_await base::SleepFor(faults_.apply_delay);
    if (faults_.apply_service > absl::ZeroDuration()) co_await InTurn();
    if (faults_.table_unknown) co_return absl::NotFoundError("no such table");
    if (!faults_.apply_error.ok()) co_return faults_.apply_error;
    co_return co_await engine_->Apply(std::move(mutation), deadline);
  }
  Task<absl::StatusOr<data::ReadResult>> Read(data::ReadCommand command,
                                              base::Deadline deadline) override {
    // As the engine gives it: an answer that is there at once must be so here.
    if (faults_.read_delay == absl::ZeroDuration() && faults_.read_error.ok())
      return engine_->Read(std::move(command), deadline);
    return FaultyRead(std::move(command), deadline);
  }
  Task<absl::Status> Flush(std::optional<data::TableId> table) override {
    return engine_->Flush(table);
  }
  Task<absl::Status> CompactAll(data::TableId table) override { return engine_->CompactAll(table); }
  Task<absl::Status> Truncate(data::TableId table, std::optional<std::string> snapshot) override {
    return engine_->Truncate(table, std::move(snapshot));
  }
  Task<absl::StatusOr<storage::TableSnapshot>> Snapshot(data::TableId table,
                                                        std::string name) override {
    return engine_->Snapshot(table, std::move(name));
  }
  Task<absl::StatusOr<std::vector<storage::SnapshotInfo>>> ListSnapshots() override {
    return engine_->ListSnapshots();
  }
  Task<absl::Status> RemoveSnapshot(data::TableId table, std::string name) override {
    return engine_->RemoveSnapshot(table, std::move(name));
  }
  Task<absl::Status> RestoreSnapshot(data::TableId table, std::string name) override {
    return engine_->RestoreSnapshot(table, std::move(name));
  }
  Task<absl::StatusOr<storage::TableStats>> Stats(data::TableId table) override {
    return engine_->Stats(table);
  }
  uint64_t LiveBytes() const override { return engine_->LiveBytes(); }
  Task<void> Stop() override { return engine_->Stop(); }

 private:
  Task<void> InTurn() {
    const base::MonotonicTime now = base::Loop::Current().clock().Now();
    served_until_ = std::max(served_until_, now) + faults_.apply_service;
    co_await base::SleepFor(served_until_ - now);
  }
  Task<absl::StatusOr<data::ReadResult>> FaultyRead(data::ReadCommand command,
                                                    base::Deadline deadline) {
    if (faults_.read_delay > absl::ZeroDuration()) co_await base::SleepFor(faults_.read_delay);
    if (!faults_.read_error.ok()) co_return faults_.read_error;
    co_return co_await engine_->Read(std::move(command), deadline);
  }

  const std::unique_ptr<storage::Engine> engine_;
  const EngineFaults& faults_;
  base::MonotonicTime served_until_;
};

data::Schema::Ptr MakeSchema(const TestClusterOptions& options) {
  data::KeyspaceSchema keyspace{.name = TestCluster::kKeyspace};
  keyspace.replication = {{"class", "SimpleStrategy"},
                          {"replication_factor", absl::StrCat(options.replication_factor)}};
  if (!options.replication.empty()) keyspace.replication = options.replication;
  data::TableSchema table{
      .id = TestCluster::kTable, .keyspace = TestCluster::kKeyspace, .name = "t"};
  const data::DataType text(data::TypeId::kText);
  table.columns = {{"p", text, data::ColumnKind::kPartitionKey},
                   {"c", text, data::ColumnKind::kClustering},
                   {"s", text, data::ColumnKind::kStatic, 1},
                   {"v", text, data::ColumnKind::kRegular, 0}};
  table.next_column_id = 2;
  for (const auto& [name, value] : options.table_options) {
    const absl::Status set = data::SetTableOption(name, value, &table);
    THOLOS_CHECK(set.ok()) << set;
  }
  const auto with_keyspace = data::Schema().WithKeyspace(std::move(keyspace), 1);
  THOLOS_CHECK(with_keyspace.ok()) << with_keyspace.status();
  const auto with_table = with_keyspace->WithTable(std::move(table), 2);
  THOLOS_CHECK(with_table.ok()) << with_table.status();
  return std::make_shared<data::Schema>(WithSystemTables(*with_table));
}

}  // namespace

const data::TableId TestCluster::kTable =
    *base::Uuid::Parse("00000000-0000-4000-8000-00000000beef");

ring::NodeId TestCluster::Id(int node) {
  ring::NodeId id;
  id.bytes[15] = static_cast<uint8_t>(node + 1);
  return id;
}

TestCluster::TestCluster(TestClusterOptions options)
    : options_(std::move(options)),
      simulation_({.seed = options_.seed}),
      network_(std::make_unique<rpc::SimNetwork>(simulation_)),
      machines_(options_.nodes) {
  for (int i = 0; i < options_.nodes; ++i) {
    machines_[i].sim = &simulation_.AddNode(Name(i), {.shards = options_.shards});
    alive_.push_back(i);
  }
  for (int i = 0; i < options_.nodes; ++i) Boot(i);
}

TestCluster::~TestCluster() {
  for (int i = 0; i < options_.nodes; ++i) {
    if (machines_[i].sim->running()) Shutdown(i);
  }
}

ring::ClusterState::Ptr TestCluster::MakeState() const {
  std::vector<ring::NodeInfo> nodes;
  for (int i = 0; i < options_.nodes; ++i) {
    if (i == removed_) continue;
    ring::NodeInfo node{
        .id = Id(i), .internode = {Name(i), 7000}, .datacenter = "dc1", .rack = "rack1"};
    if (!options_.datacenters.empty())
      node.datacenter = options_.datacenters[static_cast<size_t>(i)];
    // Around the ring, and over its end.
    const uint64_t step = (uint64_t{1} << 62) / static_cast<uint64_t>(options_.nodes);
    const auto even_token = [&](int place) {
      return static_cast<data::Token>(static_cast<uint64_t>(data::kMinToken / 2) +
                                      step * static_cast<uint64_t>(2 * place - options_.nodes));
    };
    for (const int place : {i, options_.nodes + i}) {
      node.tokens.push_back(options_.even_slices
                                ? even_token(place)
                                : (place < options_.nodes ? data::kMinToken / 2 : 0) + 1000 * i);
    }
    nodes.push_back(std::move(node));
  }
  return ring::ClusterState::Make(1, std::move(nodes), MakeSchema(options_));
}

void TestCluster::Remove(int node) {
  Kill(node);
  removed_ = node;
  for (Machine& machine : machines_) {
    if (machine.sim->running()) machine.process->cluster.Set(MakeState());
  }
}

void TestCluster::Boot(int node) {
  Machine& machine = machines_[node];
  machine.sim->Boot();
  machine.process = &machine.sim->Own(std::make_unique<Process>());
  bool started = false;
  machine.sim->Spawn(StartProcess(node, &started));
  THOLOS_CHECK(RunUntil([&] { return started; }, absl::Minutes(1))) << "a node did not start";
  SetAlive(alive_);
}

Task<void> TestCluster::StartProcess(int node, bool* started) {
  Machine& machine = machines_[node];
  base::sim::SimNode& sim = *machine.sim;
  Process& process = *machine.process;
  process.cluster.Set(MakeState());
  process.transport =
      std::make_unique<rpc::SimTransport>(*network_, sim, base::Endpoint{Name(node), 7000});
  const storage::EngineDeps engine_deps{sim.clock(), sim.random(),     sim.executor(),
                                        sim.files(), *process.metrics, sim.log()};
  auto engine =
      co_await storage::Engine::Open({.directory = "/data",
                                      .commitlog_segment_bytes = options_.commitlog_segment_bytes,
                                      .mutation_bytes_max = options_.mutation_bytes_max},
                                     engine_deps, process.cluster.Get()->schema_ptr());
  THOLOS_CHECK(engine.ok()) << engine.status();
  process.engine = std::make_unique<FaultyEngine>(*std::move(engine), machine.faults);
  process.timestamps = std::make_unique<TimestampSource>(sim.clock());
  CoordinatorOptions options = options_.coordinator;
  options.self = Id(node);
  options.hints.directory = "/data/hints";
  auto coordinator = co_await ClusterCoordinator::Open(
      options, {sim.clock(), sim.random(), sim.executor(), sim.files(), *process.metrics, sim.log(),
                *process.transport, *process.engine, process.cluster, process.liveness,
                process.skew, *process.timestamps});
  THOLOS_CHECK(coordinator.ok()) << coordinator.status();
  process.coordinator = *std::move(coordinator);
  process.service = std::make_unique<ReplicaService>(
      ReplicaServiceOptions{.faults = options_.coordinator.faults},
      ReplicaService::Deps{sim.clock(), sim.executor(), *process.engine, *process.timestamps},
      [&faults = machine.faults](data::TableId, base::Endpoint) -> Task<absl::Status> {
        if (!std::exchange(faults.table_unknown, false))
          co_return absl::NotFoundError("no such table");
        co_return absl::OkStatus();
      });
  process.service->RegisterWith(*process.transport);
  process.coordinator->RegisterWith(*process.transport, *process.service);
  const absl::Status listening = co_await process.transport->Start();
  THOLOS_CHECK(listening.ok()) << listening;
  process.coordinator->Start();
  *started = true;
}

Task<void> TestCluster::StopProcess(Process* process) {
  co_await process->transport->Stop();
  co_await process->coordinator->Stop();
  co_await process->engine->Stop();
}

void TestCluster::Kill(int node) { machines_[node].sim->Kill(); }
void TestCluster::PowerLoss(int node) { machines_[node].sim->PowerLoss(); }

void TestCluster::Shutdown(int node) {
  Process* process = machines_[node].process;
  Run(node, [&]() -> Task<bool> {
    co_await StopProcess(process);
    co_return true;
  });
  RunFor(absl::Milliseconds(1));
  machines_[node].sim->Shutdown();
}

void TestCluster::SetAlive(std::vector<int> nodes) {
  alive_ = std::move(nodes);
  gossip::LivenessView::Set alive;
  for (const int node : alive_) alive.insert(Id(node));
  for (Machine& machine : machines_) {
    if (machine.sim->running() && machine.process != nullptr)
      machine.process->liveness.Publish(alive);
  }
}

absl::Status TestCluster::Write(int node, data::Mutation mutation, ConsistencyLevel level,
                                absl::Duration timeout) {
  const base::Deadline deadline = sim_node(node).clock().Now() + timeout;
  return Run(node, [&] { return coordinator(node).Write(std::move(mutation), {level, deadline}); });
}

absl::StatusOr<ReadPage> TestCluster::Read(int node, data::ReadCommand command,
                                           ConsistencyLevel level, absl::Duration timeout) {
  const base::Deadline deadline = sim_node(node).clock().Now() + timeout;
  return Run(node, [&] { return coordinator(node).Read(std::move(command), {level, deadline}); });
}

void TestCluster::Apply(int node, data::Mutation mutation) {
  const absl::Status applied = Run(node, [&] {
    return machines_[node].process->engine->Apply(data::EncodeMutation(mutation),
                                                  base::Deadline::Infinite());
  });
  THOLOS_CHECK(applied.ok()) << applied;
}

data::ReadResult TestCluster::ReadReplica(int node, data::ReadCommand command) {
  if (command.now_seconds == 0) command.now_seconds = now_seconds(node);
  auto result = Run(node, [&] {
    return machines_[node].process->engine->Read(command, base::Deadline::Infinite());
  });
  THOLOS_CHECK(result.ok()) << result.status();
  return *std::move(result);
}

bool TestCluster::HasRow(int node, const std::string& key, const std::string& clustering) {
  for (const data::Partition& partition : ReadReplica(node, ReadAll(key)).partitions) {
    for (const data::Row& row : partition.rows) {
      if (row.clustering == clustering && row.LiveAt(now_seconds(node))) return true;
    }
  }
  return false;
}

double TestCluster::Metric(int node, const std::string& name) const {
  double sum = 0;
  const std::string text = machines_[node].process->metrics->RenderText();
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (line.substr(0, name.size()) != name || line.size() == name.size()) continue;
    if (line[name.size()] != '{' && line[name.size()] != ' ') continue;
    double value = 0;
    if (absl::SimpleAtod(line.substr(line.rfind(' ') + 1), &value)) sum += value;
  }
  return sum;
}

data::Row TextRow(const std::string& clustering, data::Timestamp timestamp,
                  const std::string& value) {
  data::Row row{.clustering = clustering, .liveness = data::Liveness::At(timestamp)};
  row.cells.push_back(data::Cell::Value(0, timestamp, value));
  return row;
}

data::Mutation PutRow(const std::string& key, const std::string& clustering,
                      data::Timestamp timestamp, const std::string& value) {
  data::Mutation mutation{.table = TestCluster::kTable,
                          .update = {.key = data::DecoratedKey::Of(key)}};
  mutation.update.rows.push_back(TextRow(clustering, timestamp, value));
  return mutation;
}

data::Mutation DeleteRow(const std::string& key, const std::string& clustering,
                         data::Timestamp timestamp) {
  data::Mutation mutation{.table = TestCluster::kTable,
                          .update = {.key = data::DecoratedKey::Of(key)}};
  mutation.update.rows.push_back(
      {.clustering = clustering, .deletion = {timestamp, 1'767'225'600}});
  return mutation;
}

data::Mutation PutStatic(const std::string& key, data::Timestamp timestamp,
                         const std::string& value) {
  data::Mutation mutation{.table = TestCluster::kTable,
                          .update = {.key = data::DecoratedKey::Of(key)}};
  data::Row row;
  row.cells.push_back(data::Cell::Value(1, timestamp, value));
  mutation.update.static_row = row;
  return mutation;
}

data::ReadCommand ReadAll(const std::string& key) {
  return {.table = TestCluster::kTable, .key = data::DecoratedKey::Of(key)};
}

data::ReadCommand ReadEverything() { return {.table = TestCluster::kTable}; }

std::vector<std::string> Show(const std::vector<data::Partition>& partitions) {
  std::vector<std::string> shown;
  const auto value_of = [](const data::Row& row) {
    return row.cells.empty() ? std::string("-") : row.cells[0].value;
  };
  for (const data::Partition& partition : partitions) {
    if (partition.static_row.has_value()) {
      shown.push_back(partition.key.key + "/*=" + value_of(*partition.static_row));
    }
    for (const data::Row& row : partition.rows) {
      shown.push_back(partition.key.key + "/" + row.clustering + "=" + value_of(row));
    }
  }
  return shown;
}

std::vector<std::string> Show(const absl::StatusOr<ReadPage>& page) {
  if (!page.ok()) return {page.status().ToString()};
  std::vector<std::string> shown = Show(page->partitions);
  if (page->next.has_value()) shown.push_back("more");
  return shown;
}

}  // namespace tholos::coordinator
