// The floor: a server that looks at a frame's header only and answers with a constant. What a
// request costs here is what sockets, the loop and the client's frames cost whatever is behind
// them; `tholos bench --protocol cql` against it and against a node shows what a node adds.
//
//   native_floor [PORT [SHARDS]]        127.0.0.1, 9142, 1; until it is killed
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "base/coding.h"
#include "base/real/block_on.h"
#include "base/real/fd_watch.h"
#include "base/real/real_clock.h"
#include "base/real/real_executor.h"
#include "cql/protocol/frame.h"
#include "cql/protocol/response.h"
#include "cql/protocol/result.h"

namespace tholos::node::native {
namespace {

using cql::protocol::FrameHeader;
using cql::protocol::Opcode;

// A row of 100 bytes without its metadata, as the bench reads it.
std::string ReadAnswer() {
  cql::RowsResult rows;
  rows.columns = std::make_shared<const std::vector<cql::ResultColumn>>(
      1, cql::ResultColumn{"tholos_bench", "rows", "value", data::DataType()});
  rows.row_count = 1;
  base::PutBigEndian32(&rows.rows, 100);
  rows.rows.append(100, 'x');
  std::string body;
  cql::protocol::PutRows(rows, cql::protocol::EncodeColumnSpecs(4, *rows.columns),
                         cql::protocol::MetadataForm::kNone, &body);
  return body;
}

std::string Prepared() {
  std::string body;
  cql::protocol::PutPrepared(4, {.id = "0123456789abcdef"}, &body);
  return body;
}

class FloorConnection final : public base::FdHandler {
 public:
  explicit FloorConnection(int fd) : fd_(fd), watch_(*base::RealLoop::CurrentOrNull(), fd, *this) {
    cql::protocol::PutVoid(&void_);
  }

  void OnFdReady(base::FdReadiness) override {
    while (true) {
      const ssize_t n = recv(fd_, input_ + have_, sizeof(input_) - have_, 0);
      if (n <= 0) return;
      have_ += static_cast<size_t>(n);
      size_t at = 0;
      while (have_ - at >= cql::protocol::kFrameHeaderBytes) {
        const FrameHeader header = cql::protocol::DecodeFrameHeader({input_ + at, have_ - at});
        const size_t bytes = cql::protocol::kFrameHeaderBytes + header.length;
        if (have_ - at < bytes) break;
        Answer(header);
        at += bytes;
      }
      std::copy(input_ + at, input_ + have_, input_);
      have_ -= at;
      const ssize_t sent = send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL);
      if (sent < 0 || static_cast<size_t>(sent) != out_.size()) return;
      out_.clear();
    }
  }

 private:
  void Answer(FrameHeader header) {
    const std::string* body = &void_;
    Opcode opcode = Opcode::kResult;
    if (header.opcode == Opcode::kStartup) {
      body = &nothing_;
      opcode = Opcode::kReady;
    } else if (header.opcode == Opcode::kPrepare) {
      body = &prepared_;
    } else if (header.opcode == Opcode::kExecute && header.length < 100) {
      body = &read_;
    }
    header.opcode = opcode;
    header.response = true;
    header.flags = 0;
    header.length = static_cast<uint32_t>(body->size());
    char bytes[cql::protocol::kFrameHeaderBytes];
    cql::protocol::EncodeFrameHeader(header, bytes);
    out_.append(bytes, sizeof(bytes));
    out_.append(*body);
  }

  const int fd_;
  base::FdWatch watch_;
  std::string void_;
  const std::string nothing_;
  const std::string prepared_ = Prepared();
  const std::string read_ = ReadAnswer();
  char input_[64 << 10];
  size_t have_ = 0;
  std::string out_;
};

class FloorListener final : public base::FdHandler {
 public:
  explicit FloorListener(int fd) : fd_(fd), watch_(*base::RealLoop::CurrentOrNull(), fd, *this) {}
  void OnFdReady(base::FdReadiness) override {
    for (int fd = accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK); fd >= 0;
         fd = accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK)) {
      const int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
      connections_.push_back(std::make_unique<FloorConnection>(fd));
    }
  }

 private:
  const int fd_;
  base::FdWatch watch_;
  std::vector<std::unique_ptr<FloorConnection>> connections_;
};

base::Task<void> Listen(int fd) {
  // Until the process ends.
  new FloorListener(fd);
  co_return;
}

int Main(int argc, char** argv) {
  const int port = argc > 1 ? std::atoi(argv[1]) : 9142;
  const int shards = argc > 2 ? std::atoi(argv[2]) : 1;
  base::RealClock clock;
  auto executor = base::RealExecutor::Start({.shards = shards, .background = 1}, clock);
  for (int i = 0; i < shards; ++i) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
        listen(fd, 1024) != 0) {
      std::perror("native_floor");
      return 1;
    }
    base::BlockOn(executor->shard(i), Listen(fd));
  }
  pause();
  return 0;
}

}  // namespace
}  // namespace tholos::node::native

int main(int argc, char** argv) { return tholos::node::native::Main(argc, argv); }
