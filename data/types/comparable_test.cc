#include <cmath>
#include <limits>

#include "data/testing/random_data.h"
#include "gmock/gmock.h"

namespace tholos::data {
namespace {

using namespace std::string_literals;

std::string Comparable(DataType type, std::string_view value, bool descending) {
  std::string out;
  type.AppendComparable(value, descending, &out);
  return out;
}

int SignOf(int v) { return v < 0 ? -1 : v > 0 ? 1 : 0; }

// Values in ascending order, as the table in data_type.h has it.
std::vector<std::pair<TypeId, std::vector<std::string>>> Ascending() {
  const double inf = std::numeric_limits<double>::infinity();
  std::vector<std::string> doubles;
  for (const double v :
       {-inf, -1e300, -1.0, -1e-300, -0.0, 0.0, 1e-300, 0.5, 1.0, 1e300, inf, std::nan("")}) {
    doubles.push_back(EncodeDouble(v));
  }
  std::vector<std::string> ints;
  for (const int32_t v : {std::numeric_limits<int32_t>::min(), -2, -1, 0, 1, 255, 256,
                          std::numeric_limits<int32_t>::max()}) {
    ints.push_back(EncodeInt(v));
  }
  std::vector<std::string> bigints;
  for (const int64_t v : {std::numeric_limits<int64_t>::min(), int64_t{-1} << 32, int64_t{-1},
                          int64_t{0}, int64_t{1} << 40, std::numeric_limits<int64_t>::max()}) {
    bigints.push_back(EncodeBigint(v));
  }
  std::vector<std::string> uuids;
  for (const std::string_view text :
       {// Version 1 by time (high, mid, low), although the bytes say otherwise; then bytewise.
        "ffffffff-0000-1000-8000-000000000000", "00000000-0001-1000-8000-000000000000",
        "00000000-0000-1001-8000-000000000000", "00000000-0000-1001-8000-000000000001",
        // Version 4 bytewise, after every version 1.
        "00000000-0000-4000-8000-000000000000", "00000000-0001-4000-8000-000000000000",
        "ffffffff-0000-4000-8000-000000000000"}) {
    uuids.emplace_back(base::Uuid::Parse(text)->AsBytes());
  }
  const std::vector<std::string> strings = {"",     "\0"s,   "\0\0"s, "\0\x01"s, "\x01", "a",
                                            "a\0"s, "a\0b"s, "a\x01", "aa",      "b"};
  std::vector<std::string> blobs = strings;
  blobs.push_back("\xFF");
  blobs.push_back("\xFF\0"s);
  blobs.push_back("\xFF\xFF");
  return {{TypeId::kText, strings},
          {TypeId::kBlob, blobs},
          {TypeId::kInt, ints},
          {TypeId::kBigint, bigints},
          {TypeId::kTimestamp, bigints},
          {TypeId::kBoolean, {EncodeBoolean(false), EncodeBoolean(true)}},
          {TypeId::kDouble, doubles},
          {TypeId::kUuid, uuids}};
}

TEST(Comparable, KnownOrders) {
  for (const auto& [id, values] : Ascending()) {
    const DataType type(id);
    for (size_t i = 0; i < values.size(); ++i) {
      for (size_t j = 0; j < values.size(); ++j) {
        const int expected = i < j ? -1 : i > j ? 1 : 0;
        EXPECT_EQ(SignOf(type.Compare(values[i], values[j])), expected) << type.name() << i << j;
        EXPECT_EQ(
            SignOf(Comparable(type, values[i], false).compare(Comparable(type, values[j], false))),
            expected)
            << type.name() << " " << i << " " << j;
        EXPECT_EQ(
            SignOf(Comparable(type, values[i], true).compare(Comparable(type, values[j], true))),
            -expected)
            << type.name() << " " << i << " " << j;
      }
    }
  }
}

TEST(Comparable, RandomValuesKeepOrderAndRoundTrip) {
  const uint64_t seed = 20260131;
  SCOPED_TRACE(seed);
  base::RandomStream random(seed);
  for (int i = 0; i < 40000; ++i) {
    const DataType type = RandomType(random, 4, true);
    const bool descending = random.Chance(0.5);
    const std::string a = RandomValue(random, type);
    const std::string b = RandomValue(random, type);
    // The empty value has no bytes: a mark takes its place.
    if (type.has_empty_value() && (a.empty() || b.empty())) continue;
    const std::string key_a = Comparable(type, a, descending);
    const std::string key_b = Comparable(type, b, descending);
    const int order = SignOf(type.Compare(a, b));
    ASSERT_EQ(SignOf(key_a.compare(key_b)), descending ? -order : order) << type.name();
    ASSERT_EQ(SignOf(type.Compare(b, a)), -order);
    // Prefix-free: what follows does not change the order.
    if (key_a != key_b) {
      ASSERT_FALSE(key_a.starts_with(key_b)) << type.name();
    }
    const std::string joined = key_a + key_b;
    std::string_view in = joined;
    const auto back_a = type.TakeComparable(&in, descending);
    const auto back_b = type.TakeComparable(&in, descending);
    ASSERT_TRUE(back_a.ok() && back_b.ok()) << type.name();
    ASSERT_EQ(*back_a, a) << type.name();
    ASSERT_EQ(*back_b, b) << type.name();
    ASSERT_EQ(in, "");
  }
}

TEST(Comparable, EveryNanIsOneValue) {
  const DataType type(TypeId::kDouble);
  const std::string negative = "\xFF\xF8\0\0\0\0\0\x01"s;
  EXPECT_EQ(type.Compare(negative, EncodeDouble(std::nan(""))), 0);
  const std::string key = Comparable(type, negative, false);
  EXPECT_EQ(key, Comparable(type, EncodeDouble(std::nan("")), false));
  std::string_view in = key;
  EXPECT_EQ(type.TakeComparable(&in, false).value(), EncodeDouble(std::nan("")));
}

TEST(Comparable, MalformedComponentsAreDataLoss) {
  const struct {
    TypeId type;
    std::string bytes;
  } cases[] = {
      {TypeId::kText, ""},
      {TypeId::kText, "a"},
      {TypeId::kText, "a\0"s},
      {TypeId::kText, "a\0\x01"s},
      {TypeId::kText, "\xC3\0\0"s},
      {TypeId::kBlob, "\0"s},
      {TypeId::kInt, "\x80\0\0"s},
      {TypeId::kBigint, "1234567"},
      {TypeId::kBoolean, "\x02"},
      {TypeId::kUuid, "123456789012345"},
      {TypeId::kDouble, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"},  // a NaN beside the canonical one
  };
  for (const auto& c : cases) {
    std::string_view in = c.bytes;
    const auto value = DataType(c.type).TakeComparable(&in, false);
    EXPECT_EQ(value.status().code(), absl::StatusCode::kDataLoss)
        << DataType(c.type).name() << " " << c.bytes.size();
  }
}

}  // namespace
}  // namespace tholos::data
