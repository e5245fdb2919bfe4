// What a message between nodes costs: echo over the transport, in one process over loopback, with
// unary gRPC echo as the floor to compare with. Prints messages per second and CPU microseconds (of
// both sides together) per message and its answer.
//
//   transport_bench [seconds per case, default 2]
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/async_generic_service.h>
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "base/async/when_all.h"
#include "base/check.h"
#include "base/log.h"
#include "base/real/block_on.h"
#include "base/real/real_clock.h"
#include "base/real/real_executor.h"
#include "base/real/real_random.h"
#include "rpc/grpc_transport.h"

namespace tholos::rpc {
namespace {

using base::BlockOn;
using base::Task;

double CpuSeconds() {
  timespec used;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

// Counts from construction to Print().
class Measurement {
 public:
  void Print(const char* name, uint64_t messages) const {
    const double seconds = absl::ToDoubleSeconds(clock_.Now() - start_);
    const double cpu = CpuSeconds() - start_cpu_;
    std::printf("%-44s %10.0f messages/s %8.2f us CPU/message\n", name,
                static_cast<double>(messages) / seconds, cpu * 1e6 / static_cast<double>(messages));
    std::fflush(stdout);
  }

 private:
  base::RealClock clock_;
  base::MonotonicTime start_ = clock_.Now();
  double start_cpu_ = CpuSeconds();
};

struct Node {
  Node() {
    base::RealExecutorOptions threads;
    threads.shards = 1;
    threads.background = 1;
    executor = base::RealExecutor::Start(threads, clock);
    transport = std::make_unique<GrpcTransport>(
        GrpcTransportOptions{.listen = {"127.0.0.1", 0}, .cluster_name = "bench"},
        GrpcTransport::Deps{*executor, clock, random, metrics, log});
    transport->Handle(Verb::kWrite, [](Incoming incoming) {
      return Task<absl::StatusOr<std::string>>::Ready(std::move(incoming.body));
    });
    THOLOS_CHECK_OK(BlockOn(executor->shard(0), transport->Start()));
  }
  ~Node() { BlockOn(executor->shard(0), transport->Stop()); }

  base::RealClock clock;
  base::RealRandom random;
  base::Metrics metrics;
  base::NullLog log;
  std::unique_ptr<base::RealExecutor> executor;
  std::unique_ptr<GrpcTransport> transport;
};

// One caller: calls one after the other until the deadline.
Task<uint64_t> CallInTurn(Node* node, Endpoint to, std::string body, base::Deadline until) {
  uint64_t calls = 0;
  while (node->clock.Now() < until) {
    const auto answer = co_await node->transport->Call({to, Verb::kWrite, kNoToken, body},
                                                       until + absl::Seconds(10));
    THOLOS_CHECK(answer.ok()) << answer.status().ToString();
    ++calls;
  }
  co_return calls;
}

Task<uint64_t> CallSideBySide(Node* node, Endpoint to, int callers, size_t bytes,
                              base::Deadline until) {
  std::vector<Task<uint64_t>> tasks;
  for (int i = 0; i < callers; ++i) {
    tasks.push_back(CallInTurn(node, to, std::string(bytes, 'x'), until));
  }
  uint64_t calls = 0;
  for (uint64_t n : co_await WhenAll(std::move(tasks))) calls += n;
  co_return calls;
}

void BenchTransport(absl::Duration span) {
  Node a, b;
  struct Case {
    const char* name;
    int callers;
    size_t bytes;
  };
  const Case cases[] = {
      {"transport, 1 call at a time, 100 bytes", 1, 100},
      {"transport, 16 pipelined, 100 bytes", 16, 100},
      {"transport, 64 pipelined, 100 bytes", 64, 100},
      {"transport, 1024 pipelined, 100 bytes", 1024, 100},
      {"transport, 64 pipelined, 10 KB", 64, 10'000},
  };
  BlockOn(a.executor->shard(0), CallSideBySide(&a, b.transport->self(), 1, 1, a.clock.Now()));
  for (const Case& c : cases) {
    const Measurement measurement;
    const uint64_t calls =
        BlockOn(a.executor->shard(0),
                CallSideBySide(&a, b.transport->self(), c.callers, c.bytes, a.clock.Now() + span));
    measurement.Print(c.name, calls);
  }
}

// Echoes one message of bytes.
class EchoReactor final : public grpc::ServerGenericBidiReactor {
 public:
  EchoReactor() { StartRead(&message_); }
  void OnReadDone(bool ok) override {
    if (ok) {
      StartWriteAndFinish(&message_, {}, grpc::Status::OK);
    } else {
      Finish(grpc::Status::OK);
    }
  }
  void OnDone() override { delete this; }

 private:
  grpc::ByteBuffer message_;
};

class EchoService final : public grpc::CallbackGenericService {
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override {
    return new EchoReactor;
  }
};

// Unary calls one after the other by each of `callers` threads.
uint64_t UnaryCalls(grpc::GenericStub& stub, int callers, absl::Duration span) {
  base::RealClock clock;
  const base::Deadline until = clock.Now() + span;
  std::vector<uint64_t> calls(static_cast<size_t>(callers));
  std::vector<std::thread> threads;
  for (uint64_t& count : calls) {
    threads.emplace_back([&] {
      const grpc::Slice slice(std::string(100, 'x'));
      while (clock.Now() < until) {
        const grpc::ByteBuffer request(&slice, 1);
        grpc::ByteBuffer response;
        grpc::ClientContext context;
        std::promise<grpc::Status> done;
        stub.UnaryCall(&context, "/bench.Echo/Echo", {}, &request, &response,
                       [&](grpc::Status status) { done.set_value(std::move(status)); });
        THOLOS_CHECK(done.get_future().get().ok());
        ++count;
      }
    });
  }
  uint64_t total = 0;
  for (size_t i = 0; i < threads.size(); ++i) {
    threads[i].join();
    total += calls[i];
  }
  return total;
}

void BenchUnary(absl::Duration span) {
  EchoService service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterCallbackGenericService(&service);
  const auto server = builder.BuildAndStart();
  grpc::GenericStub stub(
      grpc::CreateChannel("127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials()));
  UnaryCalls(stub, 1, absl::Milliseconds(10));
  for (int callers : {1, 64}) {
    const Measurement measurement;
    const uint64_t calls = UnaryCalls(stub, callers, span);
    measurement.Print(callers == 1 ? "unary gRPC, 1 call at a time, 100 bytes"
                                   : "unary gRPC, 64 threads, 100 bytes",
                      calls);
  }
  server->Shutdown();
}

}  // namespace
}  // namespace tholos::rpc

int main(int argc, char** argv) {
  const absl::Duration span = absl::Seconds(argc > 1 ? std::atof(argv[1]) : 2);
  tholos::rpc::BenchTransport(span);
  tholos::rpc::BenchUnary(span);
}
