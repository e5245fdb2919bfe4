#include "cli/bench_cql.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <random>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/coding.h"
#include "cli/options.h"
#include "cql/protocol/frame_stream.h"
#include "cql/protocol/request.h"
#include "cql/protocol/segment.h"
#include "cql/protocol/wire.h"

namespace tholos::cli {
namespace {

using cql::protocol::FrameHeader;
using cql::protocol::FrameStream;
using cql::protocol::kFrameHeaderBytes;
using cql::protocol::Opcode;

constexpr size_t kFrameMax = 64 << 20;
constexpr int kStreamsMax = 32768;

double OwnCpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

int Connect(const base::Endpoint& node) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(node.host.c_str(), absl::StrCat(node.port).c_str(), &hints, &found) != 0) {
    Fail(absl::StrCat("cannot resolve ", node.ToString()));
  }
  const int fd = socket(found->ai_family, SOCK_STREAM, 0);
  const int result = connect(fd, found->ai_addr, found->ai_addrlen);
  freeaddrinfo(found);
  if (result != 0) Fail(absl::StrCat("cannot connect to ", node.ToString(), ": ", strerror(errno)));
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return fd;
}

// One connection, first in lockstep (Call), then pipelined.
class NativeConnection {
 public:
  NativeConnection(const base::Endpoint& node, uint8_t version)
      : version_(version), fd_(Connect(node)), stream_(FrameStream::Role::kClient, kFrameMax) {
    Call(cql::protocol::StartupRequest{{{"CQL_VERSION", "3.0.0"}}});
    if (version_ >= 5) stream_.EnterSegments();
    segmented_ = version_ >= 5;
  }
  ~NativeConnection() { close(fd_); }

  int fd() const { return fd_; }

  // The body of the answer; an ERROR ends the program.
  std::string Call(const cql::protocol::Request& request) {
    std::string frame;
    cql::protocol::EncodeRequest(version_, 0, 0, request, &frame);
    out_ += frame;
    Flush();
    while (true) {
      const FrameStream::Result answer = Next();
      if (answer.kind == FrameStream::Kind::kBroken) Fail(answer.message);
      if (answer.kind == FrameStream::Kind::kFrame) {
        if (answer.header.opcode == Opcode::kError) Fail(ErrorText(answer.body));
        return std::string(answer.body);
      }
      Receive(0);
    }
  }

  static std::string ErrorText(std::string_view body) {
    base::Reader in(body);
    cql::protocol::ReadInt(in);
    return std::string(cql::protocol::ReadString(in));
  }

  void Add(std::string_view frame) { out_.append(frame); }
  bool has_output() const { return !out_.empty(); }
  // All that can be sent; the rest waits for the next call.
  void Flush() {
    if (out_.empty()) return;
    if (segmented_) {
      cql::protocol::AppendSegments(out_, false, &wire_);
    } else {
      wire_ += out_;
    }
    out_.clear();
    while (sent_ < wire_.size()) {
      const ssize_t n = send(fd_, wire_.data() + sent_, wire_.size() - sent_, MSG_NOSIGNAL);
      if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (n < 0) Fail(absl::StrCat("sending: ", strerror(errno)));
      sent_ += static_cast<size_t>(n);
    }
    wire_.clear();
    sent_ = 0;
  }

  // False if there is nothing now (with MSG_DONTWAIT).
  bool Receive(int flags) {
    const ssize_t n = recv(fd_, input_, sizeof(input_), flags);
    if (n == 0) Fail("the server closed the connection");
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (n < 0) Fail(absl::StrCat("receiving: ", strerror(errno)));
    stream_.Feed({input_, static_cast<size_t>(n)});
    return true;
  }
  FrameStream::Result Next() { return stream_.Next(); }

 private:
  const uint8_t version_;
  const int fd_;
  FrameStream stream_;
  bool segmented_ = false;
  std::string out_;
  std::string wire_;
  size_t sent_ = 0;
  char input_[64 << 10];
};

// The id in the answer to PREPARE.
std::pair<std::string, std::string> PreparedIds(uint8_t version, std::string_view body) {
  base::Reader in(body);
  cql::protocol::ReadInt(in);
  std::string id(cql::protocol::ReadShortBytes(in));
  std::string metadata;
  if (version >= 5) metadata = cql::protocol::ReadShortBytes(in);
  return {std::move(id), std::move(metadata)};
}

class Load {
 public:
  Load(const CqlBenchOptions& options, bool write, LatencyHistogram* latencies)
      : options_(options), write_(write), latencies_(*latencies), random_(options.seed) {}

  CqlBenchResult Run(const std::function<void()>& started) {
    Prepare();
    started();
    const double cpu = OwnCpuSeconds();
    start_ = absl::Now();
    const absl::Time end = start_ + absl::Seconds(options_.seconds);
    epoll_event events[64];
    while (true) {
      const absl::Time now = absl::Now();
      if (now < end) {
        SubmitDue(now);
      } else if (in_flight_ == 0 || now > end + absl::Seconds(10)) {
        break;
      }
      for (const auto& connection : connections_) connection->native->Flush();
      const int count = epoll_pwait2(epoll_, events, 64, Wait(now, end).get(), nullptr);
      for (int i = 0; i < count; ++i) Take(*static_cast<Slot*>(events[i].data.ptr));
    }
    result_.seconds =
        absl::ToDoubleSeconds(std::min(absl::Now(), end + absl::Seconds(10)) - start_);
    result_.client_cpu_seconds = OwnCpuSeconds() - cpu;
    close(epoll_);
    return result_;
  }

 private:
  // A connection and its streams.
  struct Slot {
    std::unique_ptr<NativeConnection> native;
    std::string request;  // a whole frame
    size_t key_at = 0;
    std::vector<absl::Time> due;  // by stream
    std::vector<int> free;        // streams
  };

  static cql::BoundValue Bytes(size_t count) {
    cql::BoundValue value;
    value.value = std::string(count, '\0');
    return value;
  }

  void Prepare() {
    epoll_ = epoll_create1(0);
    const int each = std::min(kStreamsMax, std::max(1, options_.in_flight / options_.connections));
    for (int i = 0; i < options_.connections; ++i) {
      auto slot = std::make_unique<Slot>();
      slot->native = std::make_unique<NativeConnection>(
          options_.nodes[static_cast<size_t>(i) % options_.nodes.size()], options_.version);
      if (i == 0) MakeTable(*slot->native);
      PrepareStatement(slot.get());
      slot->due.resize(static_cast<size_t>(each));
      for (int stream = each; stream > 0; --stream) slot->free.push_back(stream - 1);
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.ptr = slot.get();
      epoll_ctl(epoll_, EPOLL_CTL_ADD, slot->native->fd(), &event);
      connections_.push_back(std::move(slot));
    }
  }

  void MakeTable(NativeConnection& native) const {
    native.Call(cql::protocol::QueryRequest{
        absl::StrCat("CREATE KEYSPACE IF NOT EXISTS tholos_bench WITH replication = {'class': "
                     "'SimpleStrategy', 'replication_factor': ",
                     options_.replication_factor, "}"),
        {}});
    native.Call(cql::protocol::QueryRequest{
        "CREATE TABLE IF NOT EXISTS tholos_bench.rows (key bigint PRIMARY KEY, value blob)", {}});
  }

  void PrepareStatement(Slot* slot) const {
    const std::string answer = slot->native->Call(cql::protocol::PrepareRequest{
        write_ ? "INSERT INTO tholos_bench.rows (key, value) VALUES (?, ?)"
               : "SELECT value FROM tholos_bench.rows WHERE key = ?",
        ""});
    auto [id, metadata] = PreparedIds(options_.version, answer);
    cql::protocol::ExecuteRequest execute{std::move(id), std::move(metadata), {}};
    execute.parameters.consistency = options_.consistency;
    execute.parameters.skip_metadata = true;
    // The values are the last of a request.
    execute.parameters.values.push_back(Bytes(8));
    if (write_) execute.parameters.values.push_back(Bytes(options_.value_bytes));
    cql::protocol::EncodeRequest(options_.version, 0, 0, execute, &slot->request);
    slot->key_at = slot->request.size() - 8 - (write_ ? 4 + options_.value_bytes : 0);
  }

  void Submit(Slot& slot, absl::Time due) {
    const int stream = slot.free.back();
    slot.free.pop_back();
    slot.due[static_cast<size_t>(stream)] = due;
    slot.request[2] = static_cast<char>(stream >> 8);
    slot.request[3] = static_cast<char>(stream);
    const uint64_t key = random_() % options_.rows;
    for (size_t i = 0; i < 8; ++i) {
      slot.request[slot.key_at + i] = static_cast<char>(key >> (8 * (7 - i)));
    }
    if (write_ && options_.value_bytes >= 8) {
      const uint64_t word = random_();
      std::memcpy(slot.request.data() + slot.key_at + 12, &word, 8);
    }
    slot.native->Add(slot.request);
    ++in_flight_;
  }

  // Open loop: request n is due at start + n / rate, and its latency counts from then.
  void SubmitDue(absl::Time now) {
    for (size_t full = 0; full < connections_.size();) {
      absl::Time due = now;
      if (options_.rate > 0) {
        due = start_ + absl::Seconds(static_cast<double>(submitted_) / options_.rate);
        if (due > now) return;
      }
      Slot& slot = *connections_[turn_++ % connections_.size()];
      if (slot.free.empty()) {
        ++full;
        continue;
      }
      full = 0;
      Submit(slot, due);
      ++submitted_;
    }
  }

  std::unique_ptr<timespec> Wait(absl::Time now, absl::Time end) const {
    absl::Duration wait = now < end ? end - now : absl::Milliseconds(100);
    if (options_.rate > 0 && now < end) {
      wait = std::min(
          wait, start_ + absl::Seconds(static_cast<double>(submitted_) / options_.rate) - now);
    }
    return std::make_unique<timespec>(absl::ToTimespec(std::max(wait, absl::ZeroDuration())));
  }

  void Take(Slot& slot) {
    if (!slot.native->Receive(MSG_DONTWAIT)) return;
    const absl::Time now = absl::Now();
    for (auto answer = slot.native->Next(); answer.kind != FrameStream::Kind::kNeedMore;
         answer = slot.native->Next()) {
      if (answer.kind != FrameStream::Kind::kFrame) Fail(answer.message);
      if (answer.header.opcode == Opcode::kError && result_.errors++ == 0) {
        result_.first_error = NativeConnection::ErrorText(answer.body);
      }
      const auto stream = static_cast<size_t>(answer.header.stream);
      if (stream >= slot.due.size()) Fail("an answer to no request");
      latencies_.Record(now - slot.due[stream]);
      slot.free.push_back(answer.header.stream);
      ++result_.done;
      --in_flight_;
    }
  }

  const CqlBenchOptions& options_;
  const bool write_;
  LatencyHistogram& latencies_;
  std::mt19937_64 random_;
  std::vector<std::unique_ptr<Slot>> connections_;
  int epoll_ = -1;
  absl::Time start_;
  uint64_t submitted_ = 0;
  size_t turn_ = 0;
  int in_flight_ = 0;
  CqlBenchResult result_;
};

}  // namespace

CqlBenchResult RunCqlBench(const CqlBenchOptions& options, bool write, LatencyHistogram* latencies,
                           const std::function<void()>& started) {
  return Load(options, write, latencies).Run(started);
}

}  // namespace tholos::cli
