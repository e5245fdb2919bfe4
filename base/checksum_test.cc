#include "base/checksum.h"

#include <string>

#include "gtest/gtest.h"

namespace tholos::base {
namespace {

using namespace std::string_literals;

std::string Repeat(std::string_view s, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += s;
  return out;
}

// Tokens as Cassandra computes them, from the test suites of its drivers.
TEST(CassandraMurmur3, PublishedTokens) {
  const struct {
    std::string key;
    int64_t token;
  } cases[] = {
      {"", 0},
      {"123", -7468325962851647638},
      {Repeat("\x00\xff\x10\xfa\x99"s, 10), 5837342703291459765},
      {Repeat("\xfe", 8), -8927430733708461935},
      {Repeat("\x10", 8), 1446172840243228796},
      {"9223372036854775807", 7162290910810015547},
      {"\x01\x02\x03\x04\x05\x06\a\b\t\n\v\f\r\x0e\x0f\x10", -5563837382979743776},
      {"\x02\x03\x04\x05\x06\a\b\t\n\v\f\r\x0e\x0f\x10\x11", -1513403162740402161},
      {Repeat("\x00"s, 16), 5457549051747178710},
      {Repeat("\xff", 16), -2824192546314762522},
      {Repeat("\xfe", 16), -833317529301936754},
      {Repeat("\xfe", 17), -1672437813826982685},
      {"\xfe\xfe\xfe\xfe", 4566408979886474012},
      {"\x00\x00\x00\x00"s, -3485513579396041028},
      {"\x00\x01\x7f\x7f"s, 6573459401642635627},
      {"\x00\xff\xff\xff"s, 123573637386978882},
      {"\xff\x01\x02\x03", -2839127690952877842},
      {"\x00\x01\x02\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"s, 6463632673159404390},
      {"\xe2\xe7", -8582699461035929883},
      {"\xe2\xe7\xe2\xe7\xe2\xe7\x01", 2222373981930033306},
      {"prefix\x00"s, -5156414768376541762},
      {"prefix\x00\x01\x02"s, -3973852022020331202},
      {"prefix\x00\x01\x02\x03"s, 3038655072509758878},
  };
  for (const auto& c : cases) EXPECT_EQ(CassandraMurmur3(c.key), c.token) << c.key.size();
}

TEST(Checksum64, IsXxh3AndBoundToItsSeed) {
  EXPECT_EQ(Checksum64(""), 0x2d06800538d394c2u);  // XXH3_64bits of nothing, from its specification
  EXPECT_NE(Checksum64("block", 1), Checksum64("block", 2));
  EXPECT_NE(Checksum64("block", 1), Checksum64("blocj", 1));
}

TEST(ContentHash128, IsXxh3) {
  EXPECT_EQ(ContentHash128(""), (Hash128{.high = 0x99aa06d3014798d8u, .low = 0x6001c324468d497fu}));
  EXPECT_NE(ContentHash128("a"), ContentHash128("b"));
}

}  // namespace
}  // namespace tholos::base
