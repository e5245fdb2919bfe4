// Damaged requests over real sockets: whatever comes, in pieces, on many connections beside one
// that behaves, the server answers, closes, and goes on. Run under ASan and UBSan by tests/run
// asan.
#include "base/random.h"
#include "cql/protocol/testing_damage.h"
#include "gtest/gtest.h"
#include "node/native/testing.h"

namespace tholos::node::native {
namespace {

using cql::protocol::Compression;

constexpr int kConnections = 3000;

TEST_F(NativeServer, DamagedRequestsEndTheirConnectionAtMost) {
  Start({.frame_bytes_max = 64 << 10});
  base::RandomStream random(20261128);
  Client good(port_, 5);
  good.Start();
  for (int i = 0; i < kConnections; ++i) {
    const auto version = static_cast<uint8_t>(3 + random.Below(3));
    const bool segments = version == 5;
    const auto compression = static_cast<Compression>(random.Below(segments ? 2 : 3));
    Client client(port_, version);
    if (random.Below(8) > 0) client.Start(compression);
    std::string wire = cql::protocol::DamagedRequests(random, version, segments, compression);
    if (random.Below(4) == 0) wire += cql::protocol::RandomBytes(random, 200);
    for (std::string_view rest = wire; !rest.empty();) {
      const std::string_view piece = rest.substr(0, 1 + random.Below(rest.size()));
      rest.remove_prefix(piece.size());
      client.SendRaw(piece);
    }
    client.EndSending();
    // Every answer is a whole frame; then the server closes.
    while (client.Receive().has_value()) {
    }
    ASSERT_TRUE(client.at_end()) << "connection " << i << ": neither an answer nor the end in 20 s";
    if (i % 100 != 0) continue;
    good.Query("still here");
    ASSERT_TRUE(EndsWith(good.Receive(), "still here"));
  }
}

}  // namespace
}  // namespace tholos::node::native
