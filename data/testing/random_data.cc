#include "data/testing/random_data.h"

#include <bit>
#include <cmath>
#include <limits>

namespace tholos::data {
namespace {

template <typename T, size_t N>
const T& Pick(base::RandomStream& random, const T (&options)[N]) {
  return options[random.Below(N)];
}

// Strings over an alphabet of separators and extremes, often prefixes of each other.
std::string RandomBytes(base::RandomStream& random, std::string_view alphabet) {
  std::string out;
  for (uint64_t n = random.Below(5); n > 0; --n) out += alphabet[random.Below(alphabet.size())];
  return out;
}

std::string RandomText(base::RandomStream& random) {
  static const std::string kPieces[] = {
      std::string(1, '\0'), "\x01", "a", "b", "'", "\"", "\n", "\xC3\xA9", "\xE2\x82\xAC",
      "\xF0\x9F\x8F\x9B",   "\x7F", "zz"};
  std::string out;
  for (uint64_t n = random.Below(5); n > 0; --n) out += Pick(random, kPieces);
  return out;
}

int64_t RandomNumber(base::RandomStream& random) {
  static constexpr int64_t kEdges[] = {0,
                                       1,
                                       -1,
                                       255,
                                       256,
                                       -256,
                                       1767225600000,
                                       std::numeric_limits<int64_t>::min(),
                                       std::numeric_limits<int64_t>::max()};
  if (random.Chance(0.5)) return Pick(random, kEdges);
  return static_cast<int64_t>(random.Next()) >> random.Below(64);
}

double RandomDouble(base::RandomStream& random) {
  using Limits = std::numeric_limits<double>;
  static const double kEdges[] = {0.0,
                                  -0.0,
                                  1.0,
                                  -1.0,
                                  0.1,
                                  1e22,
                                  Limits::min(),
                                  -Limits::min(),
                                  Limits::denorm_min(),
                                  -Limits::denorm_min(),
                                  Limits::max(),
                                  -Limits::max(),
                                  Limits::infinity(),
                                  -Limits::infinity(),
                                  Limits::quiet_NaN()};
  if (random.Chance(0.5)) return Pick(random, kEdges);
  const double value = std::bit_cast<double>(random.Next());
  return std::isnan(value) ? Limits::quiet_NaN() : value;
}

std::string RandomUuid(base::RandomStream& random) {
  static constexpr int kVersions[] = {0x10, 0x40};
  std::string uuid;
  for (int i = 0; i < 16; ++i)
    uuid += static_cast<char>(random.Chance(0.5) ? random.Below(2) : random.Next());
  if (random.Chance(0.7)) uuid[6] = static_cast<char>(Pick(random, kVersions) | random.Below(2));
  return uuid;
}

}  // namespace

std::string RandomValue(base::RandomStream& random, DataType type) {
  switch (type.id()) {
    case TypeId::kText:
      return RandomText(random);
    case TypeId::kBlob:
      return RandomBytes(random, std::string_view("\0\x01\x7F\x80\xFE\xFF", 6));
    case TypeId::kInt:
      return EncodeInt(static_cast<int32_t>(RandomNumber(random)));
    case TypeId::kBigint:
    case TypeId::kTimestamp:
      return EncodeBigint(RandomNumber(random));
    case TypeId::kBoolean:
      return EncodeBoolean(random.Chance(0.5));
    case TypeId::kDouble:
      return EncodeDouble(RandomDouble(random));
    case TypeId::kUuid:
      return RandomUuid(random);
  }
  return "";
}

TableSchema RandomTable(base::RandomStream& random) {
  TableSchema table;
  table.id = base::Uuid::Random(random);
  table.keyspace = "ks";
  table.name = "t";
  const auto add = [&](std::string name, ColumnKind kind) {
    ColumnSchema column{
        .name = std::move(name), .type = DataType(Pick(random, kAllTypes)), .kind = kind};
    if (kind == ColumnKind::kClustering) column.descending = random.Chance(0.5);
    if (kind >= ColumnKind::kStatic) column.id = table.next_column_id++;
    table.columns.push_back(std::move(column));
  };
  const uint64_t partition = 1 + random.Below(3);
  const uint64_t clustering = random.Below(5);
  for (uint64_t i = 0; i < partition; ++i) add("p" + std::to_string(i), ColumnKind::kPartitionKey);
  for (uint64_t i = 0; i < clustering; ++i) add("q" + std::to_string(i), ColumnKind::kClustering);
  if (clustering > 0) add("s", ColumnKind::kStatic);
  add("v", ColumnKind::kRegular);
  add("w", ColumnKind::kRegular);
  return table;
}

std::vector<std::string> RandomComponents(base::RandomStream& random, const TableSchema& table,
                                          ColumnKind kind) {
  std::vector<std::string> components;
  for (const ColumnSchema& column : table.columns) {
    if (column.kind == kind) components.push_back(RandomValue(random, column.type));
  }
  return components;
}

}  // namespace tholos::data
