#include "base/coding.h"

#include <limits>

#include "base/random.h"
#include "gtest/gtest.h"

namespace tholos::base {
namespace {

using namespace std::string_literals;

TEST(Coding, FixedLayouts) {
  std::string out;
  PutU8(&out, 0xfe);
  PutFixed16(&out, 0x0102);
  PutFixed32(&out, 0x01020304);
  PutFixed64(&out, 0x0102030405060708);
  PutBigEndian16(&out, 0x0102);
  PutBigEndian32(&out, 0x01020304);
  PutBigEndian64(&out, 0x0102030405060708);
  EXPECT_EQ(out,
            "\xfe\x02\x01\x04\x03\x02\x01\x08\x07\x06\x05\x04\x03\x02\x01"
            "\x01\x02\x01\x02\x03\x04\x01\x02\x03\x04\x05\x06\x07\x08"s);
  EXPECT_EQ(LoadFixed16(out.data() + 1), 0x0102);
  EXPECT_EQ(LoadFixed32(out.data() + 3), 0x01020304u);
  EXPECT_EQ(LoadFixed64(out.data() + 7), 0x0102030405060708u);
  EXPECT_EQ(LoadBigEndian32(out.data() + 17), 0x01020304u);
  EXPECT_EQ(LoadBigEndian64(out.data() + 21), 0x0102030405060708u);
}

TEST(Coding, VarintLayouts) {
  const struct {
    uint64_t value;
    std::string bytes;
  } cases[] = {{0, "\0"s},
               {127, "\x7f"},
               {128, "\x80\x01"},
               {300, "\xac\x02"},
               {~uint64_t{0}, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"}};
  for (const auto& c : cases) {
    std::string out;
    PutVarint(&out, c.value);
    EXPECT_EQ(out, c.bytes) << c.value;
    Reader in(out);
    EXPECT_EQ(in.Varint(), c.value);
    EXPECT_TRUE(in.AtEnd());
  }
}

TEST(Coding, RandomValuesRoundTrip) {
  RandomStream random(7);
  for (int i = 0; i < 2000; ++i) {
    const uint64_t u = random.Next() >> random.Below(64);
    const int64_t s = static_cast<int64_t>(random.Next()) >> random.Below(64);
    std::string out;
    PutVarint(&out, u);
    PutSignedVarint(&out, s);
    PutBytes(&out, std::string(random.Below(300), 'x'));
    PutFixed64(&out, u);
    Reader in(out);
    EXPECT_EQ(in.Varint(), u);
    EXPECT_EQ(in.SignedVarint(), s);
    in.Bytes();
    EXPECT_EQ(in.Fixed64(), u);
    EXPECT_TRUE(in.AtEnd());
    // Every proper prefix fails and reads nothing past its end.
    Reader cut(std::string_view(out).substr(0, random.Below(out.size())));
    cut.Varint();
    cut.SignedVarint();
    cut.Bytes();
    cut.Fixed64();
    EXPECT_FALSE(cut.ok());
  }
  for (const int64_t s : {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max(),
                          int64_t{0}, int64_t{-1}}) {
    std::string out;
    PutSignedVarint(&out, s);
    Reader in(out);
    EXPECT_EQ(in.SignedVarint(), s);
  }
}

TEST(Reader, MalformedInputFailsAndStaysFailed) {
  Reader too_long("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02rest");
  EXPECT_EQ(too_long.Varint(), 0u);
  EXPECT_FALSE(too_long.ok());
  EXPECT_EQ(too_long.U8(), 0);
  EXPECT_EQ(too_long.Bytes(), "");
  EXPECT_EQ(too_long.status("header").message(), "malformed header");
  EXPECT_EQ(too_long.status("header").code(), absl::StatusCode::kDataLoss);

  Reader endless("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
  endless.Varint();
  EXPECT_FALSE(endless.ok());

  Reader lying(
      "\xff\xff\xff\xff\x0f"
      "abc");
  EXPECT_EQ(lying.Bytes(), "");
  EXPECT_FALSE(lying.ok());

  Reader count(
      "\x05"
      "abcd");
  EXPECT_EQ(count.Count(1), 0u);
  EXPECT_FALSE(count.ok());
  Reader fits(
      "\x02"
      "abcd");
  EXPECT_EQ(fits.Count(2), 2u);
  EXPECT_EQ(fits.Raw(4), "abcd");
  EXPECT_TRUE(fits.AtEnd());
}

}  // namespace
}  // namespace tholos::base
