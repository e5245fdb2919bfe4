// CPU time of the query processor alone: statements over a coordinator that answers at once.
//
// Beside each statement runs a floor: the same calls on a processor that does nothing but ask the
// same coordinator. It pays for what is not cql/'s: the copy of the options and values that a
// server makes of a request, and the coordinator's answer. Columns, for one statement:
//
//   cql_ns, floor_ns        CPU time in cql/ (the whole less the floor), and of the floor
//   cql_allocs, floor_allocs    calls of operator new
#include <benchmark/benchmark.h>
#include <time.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "base/check.h"
#include "base/sim/test_world.h"
#include "base/strings.h"
#include "cql/processor.h"
#include "cql/testing/memory_node.h"

namespace tholos::cql {
namespace {

constexpr int kBatch = 1000;

// Since the start of the program.
std::atomic<uint64_t> allocations = 0;

// Takes every write, and answers every read with the same page.
class InstantCoordinator final : public coordinator::Coordinator {
 public:
  absl::StatusOr<data::Timestamp> NextTimestamp() override { return ++last_; }
  base::Task<absl::Status> Write(data::Mutation mutation, coordinator::RequestOptions) override {
    benchmark::DoNotOptimize(mutation);
    return base::Task<absl::Status>::Ready(absl::OkStatus());
  }
  base::Task<absl::Status> Truncate(data::TableId, coordinator::RequestOptions) override {
    return base::Task<absl::Status>::Ready(absl::OkStatus());
  }
  base::Task<absl::Status> WriteBatch(std::vector<data::Mutation> mutations, bool,
                                      coordinator::RequestOptions) override {
    benchmark::DoNotOptimize(mutations);
    return base::Task<absl::Status>::Ready(absl::OkStatus());
  }
  base::Task<absl::StatusOr<coordinator::ReadPage>> Read(data::ReadCommand command,
                                                         coordinator::RequestOptions) override {
    benchmark::DoNotOptimize(command);
    return base::Task<absl::StatusOr<coordinator::ReadPage>>::Ready(page);
  }
  coordinator::ReadPage page;

 private:
  data::Timestamp last_ = 0;
};

// The floor.
class BareProcessor final : public QueryProcessor {
 public:
  explicit BareProcessor(coordinator::Coordinator& coordinator, bool reads)
      : coordinator_(coordinator), reads_(reads) {}
  base::Task<absl::StatusOr<PreparedStatementInfo>> Prepare(std::string, std::string) override {
    co_return PreparedStatementInfo();
  }
  base::Task<absl::StatusOr<QueryResult>> ExecutePrepared(PreparedId,
                                                          QueryOptions options) override {
    return Ask(options.consistency);
  }
  base::Task<absl::StatusOr<QueryResult>> Execute(std::string, QueryOptions options) override {
    return Ask(options.consistency);
  }
  base::Task<absl::StatusOr<QueryResult>> ExecuteBatch(BatchType, std::vector<BatchItem>,
                                                       QueryOptions options) override {
    return Ask(options.consistency);
  }

 private:
  base::Task<absl::StatusOr<QueryResult>> Ask(coordinator::ConsistencyLevel level) {
    if (reads_) {
      auto page = co_await coordinator_.Read({}, {level, base::Deadline::Infinite()});
      THOLOS_CHECK_OK(page.status());
    } else {
      THOLOS_CHECK_OK(co_await coordinator_.Write({}, {level, base::Deadline::Infinite()}));
    }
    co_return QueryResult();
  }

  coordinator::Coordinator& coordinator_;
  const bool reads_;
};

// CPU time and allocations.
struct Cost {
  double ns = 0;
  double news = 0;
  static Cost Now() {
    timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return {static_cast<double>(used.tv_sec) * 1e9 + static_cast<double>(used.tv_nsec),
            static_cast<double>(allocations)};
  }
  void AddSince(const Cost& before) {
    const Cost now = Now();
    ns += now.ns - before.ns;
    news += now.news - before.news;
  }
};

class World {
 public:
  World() {
    node_.Run(
        "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': "
        "1}");
    node_.Run("CREATE TABLE ks.t (k text, c int, a text, b bigint, d double, PRIMARY KEY (k, c))");
    processor_ = MakeQueryProcessor({.clock = node_.world.clock(),
                                     .random = node_.world.random(),
                                     .executor = node_.world.executor(),
                                     .state = node_.state,
                                     .coordinator = coordinator_,
                                     .schema = node_.schema,
                                     .metrics = metrics_});
    FillPage();
  }

  // Runs `text` with `values` kBatch times for each iteration, and the floor as often.
  void Run(benchmark::State& state, const std::string& text, std::vector<std::string> values,
           bool prepared) {
    const auto info = node_.world.Run(processor_->Prepare(text, ""));
    THOLOS_CHECK_OK(info.status());
    BareProcessor bare(coordinator_, !info->result_columns.empty());
    QueryOptions options{.deadline = base::Deadline::Infinite()};
    for (std::string& value : values) options.values.push_back({.value = std::move(value)});
    const auto run = [&](QueryProcessor& processor) {
      node_.world.Run(prepared ? RunPrepared(processor, info->id, options)
                               : RunPlain(processor, text, options));
    };
    Cost floor;
    Cost whole;
    for (auto _ : state) {
      Cost before = Cost::Now();
      run(bare);
      floor.AddSince(before);
      before = Cost::Now();
      run(*processor_);
      whole.AddSince(before);
    }
    const auto statements = static_cast<double>(state.iterations()) * kBatch;
    state.counters["cql_ns"] = (whole.ns - floor.ns) / statements;
    state.counters["cql_allocs"] = (whole.news - floor.news) / statements;
    state.counters["floor_ns"] = floor.ns / statements;
    state.counters["floor_allocs"] = floor.news / statements;
  }

  void SetRows(int rows) {
    data::Partition& partition = coordinator_.page.partitions[0];
    const data::Row row = partition.rows[0];
    partition.rows.assign(rows, row);
  }

 private:
  void FillPage() {
    const auto table = node_.state.Get()->schema().FindTable("ks", "t");
    data::Partition partition;
    partition.key = data::DecoratedKey::Of("partition-key");
    data::Row row;
    row.clustering = *data::EncodeClustering(*table, {data::EncodeInt(7)});
    row.liveness = data::Liveness::At(1);
    row.cells.push_back(data::Cell::Value(0, 1, std::string(32, 'a')));
    row.cells.push_back(data::Cell::Value(1, 1, data::EncodeBigint(1)));
    row.cells.push_back(data::Cell::Value(2, 1, data::EncodeDouble(1)));
    partition.rows.push_back(row);
    coordinator_.page.partitions.push_back(partition);
  }
  base::Task<void> RunPrepared(QueryProcessor& processor, PreparedId id, QueryOptions options) {
    for (int i = 0; i < kBatch; ++i) {
      const auto result = co_await processor.ExecutePrepared(id, options);
      THOLOS_CHECK_OK(result.status());
    }
  }
  base::Task<void> RunPlain(QueryProcessor& processor, std::string text, QueryOptions options) {
    for (int i = 0; i < kBatch; ++i) {
      const auto result = co_await processor.Execute(text, options);
      THOLOS_CHECK_OK(result.status());
    }
  }

  MemoryNode node_;
  base::Metrics metrics_;
  InstantCoordinator coordinator_;
  std::unique_ptr<QueryProcessor> processor_;
};

constexpr char kInsert[] = "INSERT INTO ks.t (k, c, a, b, d) VALUES (?, ?, ?, ?, ?)";
constexpr char kSelect[] = "SELECT k, c, a, b, d FROM ks.t WHERE k = ? AND c = ?";

std::vector<std::string> Row() {
  return {"partition-key", data::EncodeInt(7), std::string(32, 'a'), data::EncodeBigint(1),
          data::EncodeDouble(1)};
}
std::vector<std::string> Key() { return {"partition-key", data::EncodeInt(7)}; }

void BM_PreparedInsert(benchmark::State& state) { World().Run(state, kInsert, Row(), true); }
void BM_PreparedSelect(benchmark::State& state) { World().Run(state, kSelect, Key(), true); }
void BM_Insert(benchmark::State& state) { World().Run(state, kInsert, Row(), false); }
void BM_Select(benchmark::State& state) { World().Run(state, kSelect, Key(), false); }
void BM_PreparedSelect100Rows(benchmark::State& state) {
  World world;
  world.SetRows(100);
  world.Run(state, "SELECT k, c, a, b, d FROM ks.t WHERE k = ?", {"partition-key"}, true);
}

BENCHMARK(BM_PreparedInsert);
BENCHMARK(BM_PreparedSelect);
BENCHMARK(BM_PreparedSelect100Rows);
BENCHMARK(BM_Insert);
BENCHMARK(BM_Select);

}  // namespace
}  // namespace tholos::cql

void* operator new(size_t size) {
  tholos::cql::allocations.fetch_add(1, std::memory_order_relaxed);
  void* memory = std::malloc(size);
  THOLOS_CHECK(memory != nullptr);
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

BENCHMARK_MAIN();
