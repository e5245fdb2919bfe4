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

int64_t RandomSeconds(base::RandomStream& random, const PartitionShape& shape) {
  return random.Between(0, 9) + (shape.realistic_times ? 1767225600 : 0);
}

namespace {

Timestamp RandomTimestamp(base::RandomStream& random, const PartitionShape& shape) {
  if (!shape.realistic_times) return random.Between(-1, 5);
  return RandomSeconds(random, shape) * 1000000 + random.Between(0, 999999);
}

int32_t RandomTtl(base::RandomStream& random) { return static_cast<int32_t>(random.Between(1, 3)); }

Deletion RandomDeletion(base::RandomStream& random, const PartitionShape& shape, double chance) {
  if (!random.Chance(chance)) return {};
  return {RandomTimestamp(random, shape), RandomSeconds(random, shape)};
}

Liveness RandomLiveness(base::RandomStream& random, const PartitionShape& shape) {
  if (random.Chance(0.4)) return {};
  const Timestamp timestamp = RandomTimestamp(random, shape);
  if (random.Chance(0.5)) return Liveness::At(timestamp);
  return Liveness::Expiring(timestamp, RandomTtl(random), RandomSeconds(random, shape));
}

}  // namespace

Cell RandomCell(base::RandomStream& random, ColumnId column, const PartitionShape& shape) {
  const Timestamp timestamp = RandomTimestamp(random, shape);
  const int64_t now = RandomSeconds(random, shape);
  std::string value = RandomValue(random, DataType(TypeId::kBlob));
  switch (random.Below(4)) {
    case 0:
      return Cell::Tombstone(column, timestamp, now);
    case 1:
      return Cell::Expiring(column, timestamp, std::move(value), RandomTtl(random), now);
    default:
      return Cell::Value(column, timestamp, std::move(value));
  }
}

Row RandomRow(base::RandomStream& random, std::string clustering, const PartitionShape& shape) {
  Row row{.clustering = std::move(clustering),
          .liveness = RandomLiveness(random, shape),
          .deletion = RandomDeletion(random, shape, 0.2)};
  for (ColumnId column = 0; column < shape.cells_max; ++column) {
    if (!random.Chance(0.5)) continue;
    Cell cell = RandomCell(random, column, shape);
    // As of one INSERT: the cell shares the row's times.
    if (!row.liveness.empty() && !cell.tombstone && random.Chance(0.5)) {
      cell.timestamp = row.liveness.timestamp;
      cell.ttl_seconds = row.liveness.ttl_seconds;
      cell.local_seconds = row.liveness.expires_at;
    }
    row.cells.push_back(std::move(cell));
  }
  return row;
}

Partition RandomPartition(base::RandomStream& random, const std::string& key,
                          const PartitionShape& shape) {
  Partition partition{.key = DecoratedKey::Of(key), .deletion = RandomDeletion(random, shape, 0.2)};
  if (random.Chance(0.4)) {
    partition.static_row = RandomRow(random, "", shape);
    partition.static_row->liveness = {};
    if (partition.static_row->IsEmpty()) partition.static_row.reset();
  }
  for (uint64_t i = 0; i < shape.rows_max; ++i) {
    if (!random.Chance(0.6)) continue;
    Row row = RandomRow(random, "@" + std::to_string(1000 + i), shape);
    if (!row.IsEmpty()) partition.rows.push_back(std::move(row));
  }
  return partition;
}

}  // namespace tholos::data
