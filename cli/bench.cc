// tholos bench: writes and reads over gRPC sessions or the native protocol, with latencies that
// include waiting.
#include <sys/resource.h>

#include <CLI/CLI.hpp>

#include <atomic>
#include <cstring>
#include <iostream>
#include <random>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "cli/bench_cql.h"
#include "cli/connection.h"
#include "cli/consistency.h"
#include "cli/latency.h"
#include "cli/options.h"
#include "cli/process_cpu.h"
#include "cli/session_client.h"
#include "cli/table.h"

namespace tholos::cli {
namespace {

namespace pb = ::tholos::v1;

struct BenchOptions {
  std::vector<std::string> kinds = {"write", "read"};
  uint64_t rows = 100'000;
  double seconds = 10;
  double rate = 0;  // 0: as fast as `in_flight` allows
  int in_flight = 256;
  int connections = 0;  // 0: one a node
  uint32_t value_bytes = 100;
  uint32_t replication_factor = 3;
  std::string consistency = "QUORUM";
  uint64_t seed = 1;
  std::string protocol = "grpc";
  int version = 4;                  // of the native protocol
  uint16_t native_port = 9042;      // of the nodes
  std::vector<std::string> native;  // HOST:PORT: these instead of the cluster's nodes
  int server_pid = 0;               // whose CPU is counted instead of the nodes'
};

// CPU seconds and memory of the servers, asked of themselves.
struct ServerUse {
  double cpu_seconds = 0;
  uint64_t resident_bytes = 0;
};

double OwnCpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

class Bench {
 public:
  Bench(const GlobalOptions& global, const BenchOptions& options)
      : global_(global), options_(options), consistency_(ToProtoConsistency(options.consistency)) {}

  void Run() {
    if (options_.native.empty()) {
      FindNodes();
      MakeTable();
    }
    std::cout << std::max(nodes_.size(), options_.native.size()) << " nodes, replication factor "
              << options_.replication_factor << ", " << options_.consistency << ", "
              << FormatCount(options_.rows) << " rows of " << options_.value_bytes << " bytes, "
              << (options_.rate > 0 ? absl::StrFormat("%.0f operations/s offered", options_.rate)
                                    : absl::StrCat(options_.in_flight, " in flight"))
              << "\n";
    for (const std::string& kind : options_.kinds) {
      std::cout << RenderListing({{"operation"},
                                  {"op/s", true},
                                  {"p50", true},
                                  {"p90", true},
                                  {"p99", true},
                                  {"p99.9", true},
                                  {"max", true},
                                  {"errors", true},
                                  {"server us/op", true},
                                  {"client us/op", true},
                                  {"server RSS", true}},
                                 {options_.protocol == "cql" ? MeasureNative(kind) : Measure(kind)})
                << std::flush;
    }
  }

 private:
  void FindNodes() {
    Connection connection(global_);
    grpc::ClientContext context;
    connection.SetDeadline(&context);
    pb::GetStatusResponse status;
    const grpc::Status result = connection.admin().GetStatus(&context, {}, &status);
    if (!result.ok()) Fail(connection.Explain(result));
    for (const auto& node : status.nodes()) {
      if (!node.up()) continue;
      GlobalOptions one = global_;
      one.host = node.client_address();
      nodes_.push_back(std::make_unique<Connection>(one));
    }
    if (nodes_.empty()) Fail("no node is up");
  }

  void Execute(const std::string& query) {
    grpc::ClientContext context;
    nodes_[0]->SetDeadline(&context);
    pb::ExecuteRequest request;
    request.set_query(query);
    pb::ExecuteResponse response;
    const grpc::Status status = nodes_[0]->cql().Execute(&context, request, &response);
    if (!status.ok()) Fail(nodes_[0]->Explain(status));
  }

  void MakeTable() {
    Execute(absl::StrCat(
        "CREATE KEYSPACE IF NOT EXISTS tholos_bench WITH replication = {'class': 'SimpleStrategy', "
        "'replication_factor': ",
        options_.replication_factor, "}"));
    Execute("CREATE TABLE IF NOT EXISTS tholos_bench.rows (key bigint PRIMARY KEY, value blob)");
  }

  // On every node; one that has gone since is left out from here on.
  std::vector<pb::PrepareResponse> Prepare(const std::string& query) {
    std::vector<pb::PrepareResponse> prepared;
    std::vector<std::unique_ptr<Connection>> reached;
    for (auto& node : nodes_) {
      grpc::ClientContext context;
      node->SetDeadline(&context);
      pb::PrepareRequest request;
      request.set_query(query);
      pb::PrepareResponse response;
      const grpc::Status status = node->cql().Prepare(&context, request, &response);
      if (status.ok()) {
        prepared.push_back(std::move(response));
        reached.push_back(std::move(node));
      } else {
        std::cerr << "going on without " << node->target() << ": " << node->Explain(status) << "\n";
      }
    }
    nodes_ = std::move(reached);
    if (nodes_.empty()) Fail("no node can be reached any more");
    return prepared;
  }

  ServerUse ServersNow() {
    ServerUse use;
    if (options_.server_pid != 0) use.cpu_seconds = CpuSecondsOf(options_.server_pid);
    for (auto& node : nodes_) {
      grpc::ClientContext context;
      node->SetDeadline(&context);
      pb::GetMetricsResponse metrics;
      if (!node->admin().GetMetrics(&context, {}, &metrics).ok()) continue;
      use.cpu_seconds += metrics.process_cpu_seconds();
      use.resident_bytes += metrics.resident_bytes();
    }
    return use;
  }

  pb::SessionCall MakeCall(bool write, const std::string& prepared_id, std::mt19937_64& random) {
    pb::SessionCall call;
    pb::ExecuteRequest* request = call.mutable_execute();
    request->set_prepared_id(prepared_id);
    request->set_consistency(consistency_);
    request->set_row_format(pb::ROW_FORMAT_RAW);
    request->set_skip_columns(true);
    request->add_values()->set_bigint(static_cast<int64_t>(random() % options_.rows));
    if (write) {
      std::string value(options_.value_bytes, '\0');
      for (size_t i = 0; i + 8 <= value.size(); i += 8) {
        const uint64_t word = random();
        std::memcpy(value.data() + i, &word, 8);
      }
      request->add_values()->set_blob(std::move(value));
    }
    return call;
  }

  std::vector<std::string> MeasureNative(const std::string& kind) {
    CqlBenchOptions native;
    for (const auto& node : nodes_) {
      auto endpoint = base::Endpoint::Parse(node->target());
      if (endpoint.ok()) native.nodes.push_back({endpoint->host, options_.native_port});
    }
    for (const std::string& text : options_.native) {
      auto endpoint = base::Endpoint::Parse(text);
      if (!endpoint.ok()) Fail(std::string(endpoint.status().message()));
      native.nodes.push_back(*std::move(endpoint));
    }
    native.connections =
        options_.connections > 0 ? options_.connections : static_cast<int>(native.nodes.size());
    native.in_flight = options_.in_flight;
    native.seconds = options_.seconds;
    native.rate = options_.rate;
    native.rows = options_.rows;
    native.value_bytes = options_.value_bytes;
    native.consistency = static_cast<uint16_t>(consistency_ - 1);
    native.version = static_cast<uint8_t>(options_.version);
    native.seed = options_.seed;
    native.replication_factor = options_.replication_factor;
    LatencyHistogram latencies;
    ServerUse before;
    const CqlBenchResult result =
        RunCqlBench(native, kind == "write", &latencies, [&] { before = ServersNow(); });
    const ServerUse after = ServersNow();
    if (result.errors > 0) std::cerr << "first error: " << result.first_error << "\n";
    return Row(kind, latencies, result.seconds, result.errors,
               after.cpu_seconds - before.cpu_seconds, result.client_cpu_seconds,
               after.resident_bytes);
  }

  static std::vector<std::string> Row(const std::string& kind, const LatencyHistogram& latencies,
                                      double seconds, uint64_t errors, double server_cpu_seconds,
                                      double client_cpu_seconds, uint64_t resident_bytes) {
    const double done = static_cast<double>(latencies.count());
    const double micros_per_op = 1e6 / std::max(done, 1.0);
    return {kind,
            FormatCount(static_cast<uint64_t>(done / seconds)),
            FormatLatency(latencies.Quantile(0.5)),
            FormatLatency(latencies.Quantile(0.9)),
            FormatLatency(latencies.Quantile(0.99)),
            FormatLatency(latencies.Quantile(0.999)),
            FormatLatency(latencies.Max()),
            FormatCount(errors),
            absl::StrFormat("%.1f", server_cpu_seconds * micros_per_op),
            absl::StrFormat("%.1f", client_cpu_seconds * micros_per_op),
            FormatBytes(static_cast<double>(resident_bytes))};
  }

  // Open loop: call n is due at start + n / rate, and its latency counts from then, whether or not
  // it could be sent in time. Without a rate it counts from the moment there was room for it.
  std::vector<std::string> Measure(const std::string& kind) {
    const bool write = kind == "write";
    const auto prepared = Prepare(write ? "INSERT INTO tholos_bench.rows (key, value) VALUES (?, ?)"
                                        : "SELECT value FROM tholos_bench.rows WHERE key = ?");
    LatencyHistogram latencies;
    std::atomic<uint64_t> errors{0};
    std::mt19937_64 random(options_.seed);
    const size_t connections = options_.connections > 0 ? options_.connections : nodes_.size();
    const ServerUse before = ServersNow();
    const double own_before = OwnCpuSeconds();
    const absl::Time start = absl::Now();
    const absl::Time end = start + absl::Seconds(options_.seconds);
    uint64_t sent = 0;
    {
      std::vector<std::unique_ptr<SessionClient>> sessions;
      for (size_t i = 0; i < connections; ++i) {
        sessions.push_back(
            std::make_unique<SessionClient>(global_, nodes_[i % nodes_.size()]->target()));
      }
      const int in_flight_each =
          std::max<int>(1, options_.in_flight / static_cast<int>(connections));
      for (; absl::Now() < end; ++sent) {
        absl::Time due = absl::Now();
        if (options_.rate > 0) {
          due = start + absl::Seconds(static_cast<double>(sent) / options_.rate);
          const absl::Duration early = due - absl::Now();
          if (early > absl::Microseconds(100)) absl::SleepFor(early);
        }
        const size_t turn = sent % connections;
        sessions[turn]->WaitBelow(in_flight_each);
        if (options_.rate == 0) due = absl::Now();
        sessions[turn]->Submit(MakeCall(write, prepared[turn % nodes_.size()].id(), random),
                               [due, &latencies, &errors](const pb::SessionAnswer& answer) {
                                 latencies.Record(absl::Now() - due);
                                 if (answer.has_error() && errors.fetch_add(1) == 0)
                                   Complain(answer.error());
                               });
      }
    }
    const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
    const double own = OwnCpuSeconds() - own_before;
    const ServerUse after = ServersNow();
    return Row(kind, latencies, seconds, errors.load(), after.cpu_seconds - before.cpu_seconds, own,
               after.resident_bytes);
  }

  static void Complain(const pb::Error& error) {
    std::cerr << "first error: " << CodeName(static_cast<int>(error.code())) << ": "
              << error.message() << "\n";
  }

  const GlobalOptions& global_;
  const BenchOptions& options_;
  const pb::Consistency consistency_;
  std::vector<std::unique_ptr<Connection>> nodes_;
};

}  // namespace

void AddBench(CLI::App& app, GlobalOptions& global) {
  auto options = std::make_shared<BenchOptions>();
  CLI::App* command = app.add_subcommand(
      "bench", "Measures writes and reads (keyspace tholos_bench) through all nodes that are up");
  command->add_option("kinds", options->kinds, "write, read: in this order")
      ->check(CLI::IsMember({"write", "read"}))
      ->capture_default_str();
  command->add_option("--rows", options->rows, "Distinct keys")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--seconds", options->seconds, "Duration of each kind")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command
      ->add_option("--rate", options->rate,
                   "Operations offered per second (open loop); 0: as fast as answers come")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--in-flight", options->in_flight, "Operations under way at most")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command->add_option("--connections", options->connections, "Sessions; 0: one a node")
      ->capture_default_str();
  command->add_option("--value-bytes", options->value_bytes, "Size of the value")
      ->check(CLI::Range(0, 1 << 20))
      ->capture_default_str();
  command
      ->add_option("--replication-factor", options->replication_factor,
                   "Of the keyspace, when it is created")
      ->capture_default_str();
  command->add_option("--consistency", options->consistency, "Consistency level")
      ->capture_default_str();
  command->add_option("--protocol", options->protocol, "grpc, or cql: Cassandra's native protocol")
      ->check(CLI::IsMember({"grpc", "cql"}))
      ->capture_default_str();
  command->add_option("--protocol-version", options->version, "Of the native protocol")
      ->check(CLI::Range(3, 5))
      ->capture_default_str();
  command->add_option("--native-port", options->native_port, "Of the nodes' native protocol")
      ->capture_default_str();
  command->add_option("--native", options->native,
                      "HOST:PORT of native doors, instead of those of the cluster's nodes");
  command->add_option("--server-pid", options->server_pid,
                      "Process whose CPU time is counted, with --native");
  command->add_option("--seed", options->seed, "Of the keys")->capture_default_str();
  command->callback([&global, options] { Bench(global, *options).Run(); });
}

}  // namespace tholos::cli
