#include "base/real/fd_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "base/async/event.h"
#include "base/async/loop.h"
#include "base/real/block_on.h"
#include "base/real/real_clock.h"
#include "base/real/real_executor.h"
#include "gtest/gtest.h"

namespace tholos::base {
namespace {

// Echoes what it reads until the other side closes.
class Echo final : public FdHandler {
 public:
  explicit Echo(int fd) : fd_(fd), watch_(*RealLoop::CurrentOrNull(), fd, *this) {}
  ~Echo() { close(fd_); }

  void OnFdReady(FdReadiness ready) override {
    writable_ |= ready.writable;
    char bytes[64];
    while (ready.readable) {
      const ssize_t n = recv(fd_, bytes, sizeof(bytes), 0);
      if (n < 0) break;
      if (n == 0) {
        ended.Set();
        break;
      }
      ++reads;
      EXPECT_EQ(send(fd_, bytes, static_cast<size_t>(n), 0), n);
    }
  }

  Event ended;
  int reads = 0;
  bool writable() const { return writable_; }

 private:
  const int fd_;
  bool writable_ = false;
  FdWatch watch_;
};

Task<void> ServeUntilEnd(int fd, int* reads) {
  Echo echo(fd);
  co_await echo.ended.Wait();
  EXPECT_TRUE(echo.writable());
  *reads = echo.reads;
}

void Talk(int fd) {
  for (int i = 0; i < 50; ++i) {
    const std::string sent(static_cast<size_t>(1 + i % 100), static_cast<char>('a' + i % 26));
    ASSERT_EQ(send(fd, sent.data(), sent.size(), 0), static_cast<ssize_t>(sent.size()));
    std::string got(sent.size(), '\0');
    ASSERT_EQ(recv(fd, got.data(), got.size(), MSG_WAITALL), static_cast<ssize_t>(got.size()));
    ASSERT_EQ(got, sent);
  }
  close(fd);
}

class FdWatchTest : public testing::TestWithParam<bool> {};

TEST_P(FdWatchTest, EchoesAndEnds) {
  RealClock clock;
  auto executor = RealExecutor::Start({.shards = 1, .use_io_uring = GetParam()}, clock);
  for (int round = 0; round < 20; ++round) {
    int fds[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    ASSERT_EQ(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    std::thread peer([fd = fds[1]] { Talk(fd); });
    int reads = 0;
    BlockOn(executor->shard(0), ServeUntilEnd(fds[0], &reads));
    peer.join();
    EXPECT_GE(reads, 50);
  }
}

// A socket that is closed while events of it are on their way is let go: its peer sees the end.
Task<void> EchoOneAndClose(int fd) {
  Echo echo(fd);
  while (echo.reads == 0) co_await Yield();
}

TEST_P(FdWatchTest, ClosedUnderEvents) {
  RealClock clock;
  auto executor = RealExecutor::Start({.shards = 1, .use_io_uring = GetParam()}, clock);
  for (int round = 0; round < 500; ++round) {
    int fds[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    ASSERT_EQ(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    const timeval patience{.tv_sec = 20, .tv_usec = 0};
    ASSERT_EQ(setsockopt(fds[1], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    std::thread peer([fd = fds[1]] {
      char buffer[64];
      ssize_t n;
      for (int i = 0; i < 20; ++i) send(fd, "x", 1, MSG_NOSIGNAL);
      while ((n = recv(fd, buffer, sizeof(buffer), 0)) > 0) {
      }
      EXPECT_TRUE(n == 0 || errno == ECONNRESET) << strerror(errno);
      close(fd);
    });
    BlockOn(executor->shard(0), EchoOneAndClose(fds[0]));
    peer.join();
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(RingAndEpoll, FdWatchTest, testing::Bool());

}  // namespace
}  // namespace tholos::base
