#include "base/uuid.h"

#include "gtest/gtest.h"

namespace tholos::base {
namespace {

TEST(Uuid, TextAndBytesRoundTrip) {
  RandomStream random(3);
  for (int i = 0; i < 100; ++i) {
    const Uuid uuid = Uuid::Random(random);
    const std::string text = uuid.ToString();
    EXPECT_EQ(text.size(), 36u);
    EXPECT_EQ(text[14], '4');
    EXPECT_NE(std::string("89ab").find(text[19]), std::string::npos);
    EXPECT_EQ(*Uuid::Parse(text), uuid);
    EXPECT_EQ(*Uuid::FromBytes(uuid.AsBytes()), uuid);
  }
  EXPECT_EQ(Uuid::Parse("123E4567-e89b-12d3-a456-426614174000")->ToString(),
            "123e4567-e89b-12d3-a456-426614174000");
  EXPECT_TRUE(Uuid().IsNil());
  EXPECT_LT(*Uuid::Parse("00000000-0000-0000-0000-0000000000ff"),
            *Uuid::Parse("80000000-0000-0000-0000-000000000000"));
}

TEST(Uuid, MalformedTextIsRefused) {
  for (const char* text :
       {"", "123e4567e89b12d3a456426614174000", "123e4567-e89b-12d3-a456-42661417400",
        "123e4567-e89b-12d3-a456-4266141740000", "123e4567-e89b-12d3-a456-42661417400g",
        "123e4567-e89b-12d3-a4564-26614174000", "{23e4567-e89b-12d3-a456-42661417400}"}) {
    EXPECT_EQ(Uuid::Parse(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
  EXPECT_FALSE(Uuid::FromBytes("short").ok());
  EXPECT_FALSE(Uuid::FromBytes(std::string(17, 'x')).ok());
}

}  // namespace
}  // namespace tholos::base
