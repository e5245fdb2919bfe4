#include "rpc/grpc_wire.h"

#include <google/protobuf/empty.pb.h>
#include <google/protobuf/stubs/logging.h>
#include <gtest/gtest.h>

#include "proto/internode.pb.h"

namespace tholos::rpc {
namespace {

using internode::v1::Frame;

std::string Whole(const GrpcMessage& message) { return message.head + message.body + message.tail; }

// What protobuf makes of the same, with gRPC's prefix.
std::string Expected(const Frame& frame) {
  const std::string bytes = frame.SerializeAsString();
  std::string out(1, '\0');
  for (int shift = 24; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(bytes.size() >> shift));
  }
  return out + bytes;
}

TEST(GrpcWire, WritesWhatProtobufWrites) {
  for (const size_t bytes : {0, 1, 127, 128, 300, 70'000}) {
    for (const uint64_t credit : {uint64_t{0}, uint64_t{1}, uint64_t{128}, ~uint64_t{0}}) {
      Frame frame;
      const std::string batch(bytes, 'b');
      if (bytes > 0) frame.set_batch(batch);
      frame.set_credit(credit);
      EXPECT_EQ(Whole(MakeGrpcMessage(batch, credit)), Expected(frame)) << bytes << " " << credit;
    }
  }
  Frame hello;
  hello.mutable_hello()->set_cluster_name("test");
  EXPECT_EQ(Whole(MakeGrpcMessage(hello.SerializeAsString())), Expected(hello));
}

TEST(GrpcWire, ReadsWhatProtobufWrites) {
  Frame frame;
  frame.set_batch("the batch");
  frame.set_credit(300);
  const std::string bytes = frame.SerializeAsString();
  const FrameView view = ParseGrpcFrame(bytes).value();
  EXPECT_EQ(view.batch, "the batch");
  EXPECT_EQ(view.credit, 300u);
  EXPECT_FALSE(view.hello.has_value());

  frame.mutable_hello()->set_window(5);
  const std::string hello = frame.SerializeAsString();
  const FrameView greeting = ParseGrpcFrame(hello).value();
  ASSERT_TRUE(greeting.hello.has_value());
  EXPECT_EQ(*greeting.hello, frame.hello().SerializeAsString());
  // Of a oneof the last one counts; fields of later versions are passed over.
  const std::string both = hello + bytes + "\x22\x01x\x28\x07";
  EXPECT_EQ(ParseGrpcFrame(both).value().batch, "the batch");
  EXPECT_FALSE(ParseGrpcFrame(both).value().hello.has_value());
  EXPECT_TRUE(ParseGrpcFrame("").ok());
}

// Protobuf is the judge of every prefix and of every changed byte. What is in a hello is looked into
// later: a message without fields, to which all of them are unknown, judges the rest.
bool IsWellFormed(const std::string& bytes) {
  return google::protobuf::Empty().ParseFromString(bytes);
}

TEST(GrpcWire, RefusesWhatProtobufRefuses) {
  google::protobuf::LogSilencer quiet;
  Frame frame;
  frame.mutable_hello()->set_cluster_name("a name");
  std::string bytes = frame.SerializeAsString();
  frame.set_batch("some bytes of a batch");
  frame.set_credit(1'000'000);
  bytes += frame.SerializeAsString();
  for (size_t length = 0; length < bytes.size(); ++length) {
    const std::string prefix = bytes.substr(0, length);
    EXPECT_EQ(ParseGrpcFrame(prefix).ok(), IsWellFormed(prefix)) << length;
  }
  int refused = 0;
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (int value = 0; value < 256; ++value) {
      std::string changed = bytes;
      changed[at] = static_cast<char>(value);
      Frame judge;
      const auto view = ParseGrpcFrame(changed);
      ASSERT_EQ(view.ok(), IsWellFormed(changed)) << at << " " << value;
      refused += view.ok() ? 0 : 1;
      if (!judge.ParseFromString(changed)) continue;
      EXPECT_EQ(view->batch, judge.batch()) << at << " " << value;
      EXPECT_EQ(view->credit, judge.credit()) << at << " " << value;
    }
  }
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace tholos::rpc
