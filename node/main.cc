// tholosd: a node of a Tholos cluster. Without arguments: a single node on loopback, its data in
// the current directory.
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <thread>

#include "absl/synchronization/mutex.h"
#include "base/real/block_on.h"
#include "base/real/real_clock.h"
#include "base/real/real_executor.h"
#include "base/real/real_file_system.h"
#include "base/real/real_random.h"
#include "base/strings.h"
#include "cql/auth/password_authenticator.h"
#include "node/config.h"
#include "node/grpc/server.h"
#include "node/log.h"
#include "node/native/event_source.h"
#include "node/native/server.h"
#include "node/node.h"
#include "rpc/grpc_transport.h"

namespace tholos::node {
namespace {

// The command line: a file, and single keys over it.
struct Arguments {
  std::string config_file;
  std::map<std::string, std::string> keys;
  std::vector<std::string> settings;
};

absl::StatusOr<Config> ReadConfig(const Arguments& arguments) {
  Config config;
  if (!arguments.config_file.empty()) {
    std::ifstream in(arguments.config_file);
    std::ostringstream text;
    text << in.rdbuf();
    if (!in.is_open() || in.bad()) {
      return absl::NotFoundError(
          base::StrCat("cannot read ", arguments.config_file, ": ", strerror(errno)));
    }
    const absl::Status status = ParseConfig(text.str(), arguments.config_file, &config);
    if (!status.ok()) return status;
  }
  for (const auto& [key, value] : arguments.keys) {
    if (value.empty()) continue;
    const absl::Status status = SetConfigKey(key, value, &config);
    if (!status.ok()) return status;
  }
  for (const std::string& setting : arguments.settings) {
    const size_t equals = setting.find('=');
    if (equals == std::string::npos) {
      return absl::InvalidArgumentError(base::StrCat("--set ", setting, ": expected KEY=VALUE"));
    }
    const absl::Status status =
        SetConfigKey(setting.substr(0, equals), setting.substr(equals + 1), &config);
    if (!status.ok()) return status;
  }
  const absl::Status status = ValidateConfig(config);
  if (!status.ok()) return status;
  return config;
}

NodeOptions ToNodeOptions(const Config& config) {
  NodeOptions options;
  options.cluster_name = config.cluster_name;
  options.data_directory = config.data_directory;
  options.client = config.client();
  options.native = config.native();
  options.seeds = config.seeds;
  options.datacenter = config.datacenter;
  options.rack = config.rack;
  options.memtable_bytes_max = config.memtable_memory;
  options.commitlog_bytes_max = config.commitlog_memory;
  options.query_limits = config.limits;
  options.clock_skew_max = config.clock_skew_max;
  options.partition_rates = {.reads_per_second = config.partition_reads_per_second,
                             .writes_per_second = config.partition_writes_per_second};
  options.slow_request = config.slow_request;
  return options;
}

// Signals are taken by WaitForSignal alone: blocked before any thread is started.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return signals;
}

int WaitForSignal(const sigset_t& signals) {
  int number = 0;
  sigwait(&signals, &number);
  return number;
}

// Until it is destroyed a signal ends the process at once, with 0: a start may be cut off anywhere.
class EndsOnSignal {
 public:
  EndsOnSignal(const sigset_t& signals, base::Log& log)
      : signals_(signalfd(-1, &signals, SFD_CLOEXEC)),
        done_(eventfd(0, EFD_CLOEXEC)),
        log_(log),
        thread_([this] { Watch(); }) {}
  ~EndsOnSignal() {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = write(done_, &one, sizeof(one));
    thread_.join();
    close(signals_);
    close(done_);
  }

 private:
  void Watch() {
    pollfd fds[] = {{signals_, POLLIN, 0}, {done_, POLLIN, 0}};
    while (poll(fds, 2, -1) < 0 && errno == EINTR) {
    }
    if (fds[1].revents != 0 || fds[0].revents == 0) return;
    log_.Info("node", "stopped before it was up");
    _exit(0);
  }

  const int signals_;
  const int done_;
  base::Log& log_;
  std::thread thread_;
};

// A second signal ends the process at once: everything acknowledged is on disk anyway.
void EndOnNextSignal(const sigset_t& signals) {
  signal(SIGINT, SIG_DFL);
  signal(SIGTERM, SIG_DFL);
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

// The doors of the process that servers use.
struct Doors {
  base::RealClock& clock;
  base::Random& random;
  base::Executor& executor;
  base::Metrics& metrics;
  base::Log& log;
};

// How long the first superuser may take: other nodes may have to come up.
constexpr absl::Duration kBootstrapMax = absl::Minutes(1);

absl::StatusOr<std::unique_ptr<cql::auth::Authenticator>> MakeAuthenticator(const Config& config,
                                                                            const Doors& doors,
                                                                            Node& node) {
  if (config.authenticator == "allow_all") return cql::auth::AllowAll();
  auto passwords =
      std::make_unique<cql::auth::PasswordAuthenticator>(cql::auth::PasswordAuthenticator::Deps{
          doors.clock, doors.executor, doors.random, doors.log, node.queries()});
  const char* from_environment = getenv("THOLOS_SUPERUSER_PASSWORD");
  std::string password = config.superuser_password;
  if (password.empty() && from_environment != nullptr) password = from_environment;
  const absl::Status status = base::BlockOn(
      doors.executor.shard(0),
      passwords->Bootstrap(config.superuser, password, doors.clock.Now() + kBootstrapMax));
  if (!status.ok()) return status;
  return std::unique_ptr<cql::auth::Authenticator>(std::move(passwords));
}

native::TlsOptions ToTlsOptions(const Config& config) {
  native::TlsOptions tls;
  tls.mode = config.native_tls == "off"        ? native::TlsMode::kOff
             : config.native_tls == "optional" ? native::TlsMode::kOptional
                                               : native::TlsMode::kRequired;
  tls.certificate = config.native_tls_certificate;
  tls.key = config.native_tls_key;
  tls.client_ca = config.native_tls_client_ca;
  return tls;
}

base::Task<void> StartEvents(native::EventSource* events, Node* node) {
  node->SetServing(true);
  events->Start();
  co_return;
}

// The peers are told first: their clients go elsewhere while those that are here are answered.
base::Task<void> StopEvents(native::EventSource* events, Node* node) {
  node->SetServing(false);
  co_await events->Stop();
}

// Serves Cassandra's drivers until a signal comes.
absl::Status ServeDrivers(const Config& config, const Doors& doors, Node& node,
                          const sigset_t& signals) {
  auto authenticator = MakeAuthenticator(config, doors, node);
  if (!authenticator.ok()) return authenticator.status();
  auto server = native::Server::Start(
      {.listen = config.native(),
       .shard_aware_port = config.native_shard_aware_port,
       .node_bytes_max = static_cast<int64_t>(config.client_memory),
       .tls = ToTlsOptions(config)},
      {doors.clock, doors.executor, node.queries(), **authenticator, doors.metrics, doors.log});
  if (!server.ok()) return server.status();
  native::EventSource events(doors.clock, node, **server);
  base::Loop& shard = doors.executor.shard(0);
  base::BlockOn(shard, StartEvents(&events, &node));
  doors.log.Info(
      "node",
      base::StrCat("ready: drivers on ", config.native().ToString(), ", gRPC clients on ",
                   config.client().ToString(), ", nodes on ", config.internode().ToString(), ", ",
                   doors.executor.shard_count(), " shards, data in ", config.data_directory));
  const int number = WaitForSignal(signals);
  doors.log.Info("node", base::StrCat("stopping (", number == SIGTERM ? "SIGTERM" : "SIGINT", ")"));
  EndOnNextSignal(signals);
  base::BlockOn(shard, StopEvents(&events, &node));
  return absl::OkStatus();
}

absl::Status Serve(const Config& config, base::Log& log, const sigset_t& signals) {
  base::RealClock clock;
  base::RealRandom random;
  base::Metrics metrics;
  auto executor = base::RealExecutor::Start({.shards = config.shards}, clock);
  base::RealFileSystem files(*executor);
  base::Loop& shard = executor->shard(0);
  rpc::GrpcTransport transport({.listen = config.internode(), .cluster_name = config.cluster_name},
                               {*executor, clock, random, metrics, log});

  std::optional<EndsOnSignal> until_up(std::in_place, signals, log);
  auto node =
      base::BlockOn(shard, Node::Start(ToNodeOptions(config),
                                       {clock, random, *executor, files, transport, metrics, log}));
  until_up.reset();
  if (!node.ok()) return node.status();
  auto server = ClientServer::Start(
      {.listen = config.client(),
       .client = {.request_bytes_max = static_cast<int64_t>(config.client_memory / 2)}},
      {clock, *executor, **node, (*node)->queries()}, {*executor, clock, metrics, **node});
  absl::Status status = server.status();
  if (status.ok())
    status = ServeDrivers(config, {clock, random, *executor, metrics, log}, **node, signals);
  if (server.ok()) server->reset();
  base::BlockOn(shard, (*node)->Stop());
  // Destroyed on the loop that its parts belong to.
  base::BlockOn(shard, [](std::unique_ptr<Node> last) -> base::Task<void> {
    last.reset();
    co_return;
  }(*std::move(node)));
  return status;
}

int Main(int argc, char** argv) {
  CLI::App app{
      "A node of a Tholos cluster. Without arguments: a single node on 127.0.0.1, its data in the "
      "current directory."};
  app.set_version_flag("--version", THOLOS_VERSION);
  Arguments arguments;
  app.add_option("--config", arguments.config_file, "YAML file of settings (docs/operations.md)");
  app.add_option("--data", arguments.keys["data_directory"],
                 "Directory of everything the node keeps");
  app.add_option("--listen", arguments.keys["listen"], "Address of all doors");
  app.add_option("--seeds", arguments.keys["seeds"], "HOST[:PORT],... to learn the cluster from");
  app.add_option("--cluster-name", arguments.keys["cluster_name"],
                 "Nodes of another cluster are refused");
  app.add_option("--shards", arguments.keys["shards"], "Threads that own data; 0: one a core");
  app.add_option("--set", arguments.settings, "KEY=VALUE: any setting of the file");
  CLI11_PARSE(app, argc, argv);

  const sigset_t signals = BlockSignals();
  const auto config = ReadConfig(arguments);
  if (!config.ok()) {
    std::fprintf(stderr, "tholosd: %s\n", std::string(config.status().message()).c_str());
    return 2;
  }
  const auto log = MakeProcessLog(config->log_level);
  const absl::Status status = Serve(*config, *log, signals);
  if (status.ok()) return 0;
  log->Error("node", base::ToStd(status.message()));
  return 1;
}

}  // namespace
}  // namespace tholos::node

int main(int argc, char** argv) {
  // gRPC would print lines of its own about what is reported as errors here.
  setenv("GRPC_VERBOSITY", "NONE", 0);
  // Debian's library looks for cycles at every lock of a mutex, gRPC's too: a few percent of the
  // time.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return tholos::node::Main(argc, argv);
}
