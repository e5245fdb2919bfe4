#include "base/endpoint.h"

#include "gtest/gtest.h"

namespace tholos::base {
namespace {

TEST(Endpoint, ParsesHostAndPort) {
  for (const char* text : {"127.0.0.1:7000", "node-1.example:65535", "[::1]:0"}) {
    auto endpoint = Endpoint::Parse(text);
    ASSERT_TRUE(endpoint.ok()) << endpoint.status();
    EXPECT_EQ(endpoint->ToString(), text);
  }
}

TEST(Endpoint, NamesWhatIsWrong) {
  for (const char* text :
       {"", "host", ":7000", "host:", "host:65536", "host:-1", "host:x", "::1:7000"}) {
    auto endpoint = Endpoint::Parse(text);
    ASSERT_EQ(endpoint.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_NE(endpoint.status().message().find(text), std::string::npos);
  }
}

}  // namespace
}  // namespace tholos::base
