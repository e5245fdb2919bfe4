#include "rpc/grpc_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace tholos::rpc {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Side = GrpcSession::Side;

// One end, with all that happens to it.
class End final : public GrpcSession::Owner {
 public:
  explicit End(Side side) : session(side, *this) {}

  bool OnMessage(std::string_view message) override {
    messages.emplace_back(message);
    if (pause_after > 0 && messages.size() == pause_after) session.Pause();
    return wants;
  }
  void OnPeerEnded(absl::Status why) override { ends.push_back(std::move(why)); }

  std::string Take(size_t target = 1 << 20) {
    std::string wire;
    EXPECT_TRUE(session.Produce(&wire, target).ok());
    return wire;
  }
  absl::Status Give(std::string_view bytes, size_t at_once) {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(at_once, bytes.size()))) {
      const absl::Status status = session.Receive(bytes.substr(0, at_once));
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

  std::vector<std::string> messages;
  std::vector<absl::Status> ends;
  bool wants = true;
  size_t pause_after = 0;
  GrpcSession session;
};

struct Pair {
  explicit Pair(size_t at_once = 1 << 20) : at_once(at_once) {
    client.session.Call("127.0.0.1:7000");
    Settle();
  }
  // Until both have nothing more to say.
  void Settle() {
    for (bool more = true; more;) {
      const std::string there = client.Take();
      EXPECT_TRUE(server.Give(there, at_once).ok());
      const std::string back = server.Take();
      EXPECT_TRUE(client.Give(back, at_once).ok());
      more = !there.empty() || !back.empty();
    }
  }
  void Send(End& from, std::string bytes) {
    from.session.Send(MakeGrpcMessage(std::move(bytes)));
    Settle();
  }
  const size_t at_once;
  End client{Side::kDialling};
  End server{Side::kDialled};
};

TEST(GrpcSession, CarriesMessagesBothWaysHoweverTheyAreCut) {
  for (const size_t at_once : {1, 7, 1000, 1 << 20}) {
    Pair pair(at_once);
    pair.Send(pair.client, "a question");
    pair.Send(pair.client, "");
    pair.Send(pair.server, "an answer");
    const std::string large(at_once < 1000 ? 50'000 : 20 << 20, 'l');
    pair.Send(pair.client, large);
    EXPECT_TRUE(pair.client.session.idle());
    ASSERT_EQ(pair.server.messages.size(), 3u);
    EXPECT_EQ(pair.server.messages[0], "a question");
    EXPECT_EQ(pair.server.messages[1], "");
    EXPECT_TRUE(pair.server.messages[2] == large);
    EXPECT_THAT(pair.client.messages, ElementsAre("an answer"));
    EXPECT_THAT(pair.client.ends, IsEmpty());
    EXPECT_THAT(pair.server.ends, IsEmpty());
  }
}

TEST(GrpcSession, TheStatusOfTheEndArrives) {
  Pair pair;
  pair.Send(pair.client, "x");
  pair.server.session.Finish(absl::DataLossError("100 %41 \"wrong\"\nand \xc3\xa9"));
  pair.Settle();
  EXPECT_TRUE(pair.server.session.finished());
  EXPECT_THAT(pair.client.ends,
              ElementsAre(absl::DataLossError("100 %41 \"wrong\"\nand \xc3\xa9")));
}

TEST(GrpcSession, TheEndComesAfterWhatIsBeingSent) {
  Pair pair;
  pair.server.session.Send(MakeGrpcMessage(std::string(100'000, 'x')));
  pair.server.session.Finish(absl::OkStatus());
  pair.Settle();
  ASSERT_EQ(pair.client.messages.size(), 1u);
  EXPECT_EQ(pair.client.messages[0].size(), 100'000u);
  EXPECT_THAT(pair.client.ends, ElementsAre(absl::OkStatus()));
}

TEST(GrpcSession, WhoIsPausedHoldsAWindow) {
  Pair pair;
  pair.server.pause_after = 1;
  const std::string message(1 << 20, 'm');
  int sent = 0;
  while (pair.client.session.idle() && sent < 100) {
    pair.Send(pair.client, message);
    ++sent;
  }
  // One was taken, of which the peer may not have heard.
  EXPECT_GE(sent, kGrpcWindowBytes >> 20);
  EXPECT_LE(sent, 1 + (kGrpcWindowBytes >> 20));
  EXPECT_EQ(pair.server.messages.size(), 1u);
  pair.server.pause_after = 0;
  EXPECT_TRUE(pair.server.session.Resume().ok());
  pair.Settle();
  EXPECT_TRUE(pair.client.session.idle());
  EXPECT_EQ(pair.server.messages.size(), static_cast<size_t>(sent));
  for (const std::string& got : pair.server.messages) EXPECT_TRUE(got == message);
}

TEST(GrpcSession, ProducesNoMoreThanIsAskedForAndAFrame) {
  Pair pair;
  pair.client.session.Send(MakeGrpcMessage(std::string(5 << 20, 'p')));
  for (int i = 0; i < 3; ++i) EXPECT_LT(pair.client.Take(100'000).size(), 400'000u);
}

TEST(GrpcSession, NothingIsDeliveredThatIsNotWanted) {
  Pair pair;
  pair.server.wants = false;
  for (int i = 0; i < 20; ++i) pair.Send(pair.client, std::string(1 << 20, 'u'));
  EXPECT_EQ(pair.server.messages.size(), 1u);
  EXPECT_TRUE(pair.client.session.idle()) << "what is not wanted must not fill the window";
}

// The bytes of its first HEADERS frame, as one of another stream.
std::string HeadersFrame(std::string_view wire, char stream) {
  constexpr size_t kPreface = 24, kHeader = 9;
  for (size_t at = kPreface; at + kHeader <= wire.size();) {
    const size_t length = static_cast<uint8_t>(wire[at]) << 16 |
                          static_cast<uint8_t>(wire[at + 1]) << 8 |
                          static_cast<uint8_t>(wire[at + 2]);
    if (wire[at + 3] == 1) {
      std::string frame(wire.substr(at, kHeader + length));
      frame[8] = stream;
      return frame;
    }
    at += kHeader + length;
  }
  return "";
}

TEST(GrpcSession, ASecondCallIsRefused) {
  End client(Side::kDialling), server(Side::kDialled);
  client.session.Call("127.0.0.1:7000");
  const std::string wire = client.Take();
  ASSERT_TRUE(server.Give(wire, 1000).ok());
  server.Take();
  const std::string second = HeadersFrame(wire, 3);
  ASSERT_FALSE(second.empty());
  ASSERT_TRUE(server.Give(second, 1000).ok());
  // RST_STREAM, REFUSED_STREAM.
  EXPECT_EQ(server.Take(), std::string("\0\0\4\3\0\0\0\0\3\0\0\0\7", 13));
  client.session.Send(MakeGrpcMessage("the first one"));
  ASSERT_TRUE(server.Give(client.Take(), 1000).ok());
  EXPECT_THAT(server.messages, ElementsAre("the first one"));
  EXPECT_THAT(server.ends, IsEmpty());
}

// A message's prefix that lies.
TEST(GrpcSession, MessagesThatCannotBeAreRefused) {
  const auto refusal = [](std::string prefix) {
    Pair pair;
    pair.client.session.Send({std::move(prefix), "body", ""});
    return pair.server.Give(pair.client.Take(), 1 << 20);
  };
  EXPECT_TRUE(refusal(std::string("\0\0\0\0\x04", 5)).ok());
  EXPECT_EQ(refusal(std::string("\1\0\0\0\x04", 5)).code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(refusal(std::string("\0\xff\0\0\x04", 5)).code(), absl::StatusCode::kDataLoss);
}

TEST(GrpcSession, WhatIsNoHttp2IsRefused) {
  End server(Side::kDialled);
  EXPECT_FALSE(server.Give("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 1000).ok());
  End client(Side::kDialling);
  client.session.Call("x:1");
  client.Take();
  absl::Status status = client.Give("HTTP/1.1 400 Bad Request\r\n\r\n", 1000);
  client.Take();
  EXPECT_TRUE(!status.ok() || client.session.over());
}

// Every byte of a conversation changed in turn: errors, or other bytes in the message, but nothing
// worse.
TEST(GrpcSession, AnyByteMayBeWrong) {
  std::string there;
  {
    End client(Side::kDialling), server(Side::kDialled);
    client.session.Call("127.0.0.1:7000");
    client.session.Send(MakeGrpcMessage("a question"));
    there = client.Take();
  }
  constexpr size_t kPreface = 24;
  for (size_t at = 0; at < there.size(); ++at) {
    for (const int flip : {1, 0x80, 0xff}) {
      std::string wrong = there;
      wrong[at] = static_cast<char>(wrong[at] ^ flip);
      End server(Side::kDialled);
      const bool taken = server.Give(wrong, 1000).ok();
      EXPECT_FALSE(taken && at < kPreface) << at;
      EXPECT_LE(server.messages.size(), 1u) << at;
      if (at < there.size() - 10) {
        EXPECT_TRUE(server.messages.empty() || server.messages[0] == "a question") << at;
      }
      if (!taken) continue;
      server.session.Send(MakeGrpcMessage("an answer"));
      server.session.Finish(absl::OkStatus());
      server.Take();
    }
  }
}

}  // namespace
}  // namespace tholos::rpc
