#include "data/testing/random_data.h"

#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <set>

#include "data/types/date.h"
#include "data/types/decimal.h"
#include "data/types/duration.h"
#include "data/types/elements.h"
#include "data/types/varint.h"

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

std::string RandomVarint(base::RandomStream& random) {
  if (random.Chance(0.5)) {
    return std::string(MinimalVarint(EncodeBigint(RandomNumber(random))));
  }
  std::string bytes;
  // Around the length where the key component's form changes, and shorter.
  const uint64_t size = 1 + (random.Chance(0.1) ? 58 + random.Below(8) : random.Below(12));
  const bool repeated = random.Chance(0.5);
  for (uint64_t n = size; n > 0; --n) {
    bytes += static_cast<char>(repeated ? (bytes.empty() ? random.Next() : bytes.back())
                                        : random.Next());
  }
  return std::string(MinimalVarint(bytes));
}

std::string RandomDecimal(base::RandomStream& random, const DataType& type) {
  static constexpr int32_t kScales[] = {0,
                                        1,
                                        -1,
                                        2,
                                        18,
                                        62,
                                        63,
                                        64,
                                        65,
                                        -62,
                                        -63,
                                        -64,
                                        100,
                                        101,
                                        -101,
                                        std::numeric_limits<int32_t>::min() + 100,
                                        std::numeric_limits<int32_t>::max() - 100};
  Decimal v;
  v.unscaled = BigInteger::FromTwosComplement(RandomVarint(random));
  v.scale = random.Chance(0.7) ? static_cast<int32_t>(random.Below(5)) - 2 : Pick(random, kScales);
  std::string key;
  type.AppendComparable(v.ToBytes(), false, &key);
  std::string_view in = key;
  return type.TakeComparable(&in, false).value();
}

std::string RandomDuration(base::RandomStream& random) {
  const auto part = [&random](uint64_t limit) {
    return random.Chance(0.3) ? 0
                              : static_cast<int64_t>(random.Next() >> random.Below(64)) %
                                    static_cast<int64_t>(limit);
  };
  const int64_t sign = random.Chance(0.5) ? 1 : -1;
  const uint64_t limit = std::numeric_limits<int32_t>::max();
  return EncodeDuration({static_cast<int32_t>(sign * std::abs(part(limit))),
                         static_cast<int32_t>(sign * std::abs(part(limit))),
                         sign * std::abs(part(std::numeric_limits<int64_t>::max()))});
}

std::string RandomInet(base::RandomStream& random) {
  std::string bytes;
  const size_t size = random.Chance(0.5) ? 4 : 16;
  while (bytes.size() < size) {
    bytes += static_cast<char>(random.Chance(0.6) ? 0 : random.Next());
  }
  // An IPv4 address as IPv6 is never written.
  if (size == 16) bytes[0] = '\x20';
  return bytes;
}

std::string RandomParts(base::RandomStream& random, const DataType& type) {
  const std::vector<DataType>& arguments = type.arguments();
  if (type.id() == TypeId::kTuple || type.id() == TypeId::kUdt) {
    std::vector<Value> fields;
    for (const DataType& field : arguments) {
      fields.emplace_back();
      if (random.Chance(0.7)) fields.back() = RandomValue(random, field);
    }
    return EncodeTuple(fields);
  }
  const bool vector = type.id() == TypeId::kVector;
  std::vector<std::string> parts;
  for (uint64_t n = vector ? type.dimension() : random.Below(4); n > 0; --n) {
    for (const DataType& argument : arguments) {
      parts.push_back(RandomValue(random, argument));
      // What is packed has no room for the empty value.
      while (vector && argument.packed_size() != 0 && parts.back().empty()) {
        parts.back() = RandomValue(random, argument);
      }
    }
  }
  const std::vector<std::string_view> views(parts.begin(), parts.end());
  if (vector) return EncodeVector(type, views);
  if (type.id() == TypeId::kList) return EncodeList(views);
  if (type.id() == TypeId::kSet) return EncodeSet(type, views);
  std::vector<std::pair<std::string_view, std::string_view>> entries;
  for (size_t i = 0; i < views.size(); i += 2) entries.emplace_back(views[i], views[i + 1]);
  return EncodeMap(type, std::move(entries));
}

}  // namespace

std::string RandomValue(base::RandomStream& random, const DataType& type) {
  if (type.has_empty_value() && random.Chance(0.03)) return "";
  switch (type.id()) {
    case TypeId::kText:
      return RandomText(random);
    case TypeId::kAscii:
      return RandomBytes(random, std::string_view("\0\x01'\"a\x7F", 6));
    case TypeId::kBlob:
      return RandomBytes(random, std::string_view("\0\x01\x7F\x80\xFE\xFF", 6));
    case TypeId::kTinyint:
      return EncodeTinyint(static_cast<int8_t>(RandomNumber(random)));
    case TypeId::kSmallint:
      return EncodeSmallint(static_cast<int16_t>(RandomNumber(random)));
    case TypeId::kInt:
      return EncodeInt(static_cast<int32_t>(RandomNumber(random)));
    case TypeId::kBigint:
    case TypeId::kTimestamp:
    case TypeId::kCounter:
      return EncodeBigint(RandomNumber(random));
    case TypeId::kTime:
      return EncodeBigint(std::abs(RandomNumber(random) % kNanosPerDay));
    case TypeId::kDate:
      return EncodeDate(static_cast<uint32_t>(RandomNumber(random)));
    case TypeId::kVarint:
      return RandomVarint(random);
    case TypeId::kDecimal:
      return RandomDecimal(random, type);
    case TypeId::kBoolean:
      return EncodeBoolean(random.Chance(0.5));
    case TypeId::kFloat:
      return EncodeFloat(static_cast<float>(RandomDouble(random)));
    case TypeId::kDouble:
      return EncodeDouble(RandomDouble(random));
    case TypeId::kDuration:
      return RandomDuration(random);
    case TypeId::kInet:
      return RandomInet(random);
    case TypeId::kUuid:
      return RandomUuid(random);
    case TypeId::kTimeuuid: {
      std::string uuid = RandomUuid(random);
      uuid[6] = static_cast<char>((uuid[6] & 0x0F) | 0x10);
      return uuid;
    }
    case TypeId::kList:
    case TypeId::kSet:
    case TypeId::kMap:
    case TypeId::kTuple:
    case TypeId::kUdt:
    case TypeId::kVector:
      return RandomParts(random, type);
  }
  return "";
}

DataType RandomType(base::RandomStream& random, uint32_t depth_max, bool for_key) {
  const auto inner = [&](bool no_durations) {
    return RandomType(random, depth_max - 1, no_durations).Frozen();
  };
  const bool frozen = for_key || random.Chance(0.5);
  switch (depth_max <= 1 ? 0 : random.Below(9)) {
    case 0:
    case 1:
    case 2:
      if (!for_key && random.Chance(0.1)) return DataType(TypeId::kDuration);
      return DataType(Pick(random, kAllTypes));
    case 3:
      return DataType::List(inner(for_key), frozen);
    case 4:
      return DataType::Set(inner(true), frozen);
    case 5:
      return DataType::Map(inner(true), inner(for_key), frozen);
    case 6:
      return DataType::Vector(inner(for_key), static_cast<uint32_t>(1 + random.Below(4)));
    case 7: {
      std::vector<DataType> fields;
      for (uint64_t n = 1 + random.Below(4); n > 0; --n) fields.push_back(inner(for_key));
      return DataType::Tuple(std::move(fields));
    }
    default: {
      UserType definition{.keyspace = "ks", .name = random.Chance(0.5) ? "address" : "A \"b\""};
      for (uint64_t n = 1 + random.Below(4); n > 0; --n) {
        definition.field_names.push_back(n % 2 == 0 ? std::string(n, 'f') : std::string(n, 'G'));
        definition.field_types.push_back(inner(for_key));
      }
      return DataType::Udt(std::move(definition), frozen);
    }
  }
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

std::vector<RangeTombstone> RandomRanges(base::RandomStream& random,
                                         const std::function<std::string()>& bound,
                                         const PartitionShape& shape) {
  std::set<std::string> bounds;
  for (uint64_t i = random.Below(2 * shape.ranges_max + 1); i > 0; --i) {
    bounds.insert(random.Chance(0.1) ? std::string() : bound());
  }
  std::vector<RangeTombstone> ranges;
  for (auto lower = bounds.begin(); lower != bounds.end(); ++lower) {
    const auto upper = std::next(lower);
    if (upper == bounds.end() && !random.Chance(0.2)) break;
    if (random.Chance(0.3)) continue;
    ranges.push_back({{*lower, upper == bounds.end() ? "" : *upper}, {}});
    ranges.back().deletion = {RandomTimestamp(random, shape), RandomSeconds(random, shape)};
  }
  return ranges;
}

Row RandomRow(base::RandomStream& random, std::string clustering, const PartitionShape& shape) {
  Row row{.clustering = std::move(clustering),
          .liveness = RandomLiveness(random, shape),
          .deletion = RandomDeletion(random, shape, 0.2)};
  const auto add = [&](Cell cell) {
    // As of one INSERT: the cell shares the row's times.
    if (!row.liveness.empty() && !cell.tombstone && random.Chance(0.5)) {
      cell.timestamp = row.liveness.timestamp;
      cell.ttl_seconds = row.liveness.ttl_seconds;
      cell.local_seconds = row.liveness.expires_at;
    }
    row.cells.push_back(std::move(cell));
  };
  for (ColumnId column = 0; column < shape.cells_max; ++column) {
    if (!random.Chance(0.5)) continue;
    if (column % 2 == 0) {
      add(RandomCell(random, column, shape));
      continue;
    }
    if (const Deletion deletion = RandomDeletion(random, shape, 0.3); !deletion.live()) {
      row.complex_deletions.push_back({column, deletion});
    }
    for (uint64_t element = 0; element < shape.elements_max; ++element) {
      if (!random.Chance(0.5)) continue;
      add(RandomCell(random, column, shape).At(std::string(1 + element % 2, 'a' + element / 2)));
    }
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
  partition.range_tombstones = RandomRanges(
      random,
      [&] {
        std::string key = "@" + std::to_string(1000 + random.Below(shape.rows_max + 1));
        if (random.Chance(0.3)) key += '\xFF';
        return key;
      },
      shape);
  for (uint64_t i = 0; i < shape.rows_max; ++i) {
    if (!random.Chance(0.6)) continue;
    Row row = RandomRow(random, "@" + std::to_string(1000 + i), shape);
    if (!row.IsEmpty()) partition.rows.push_back(std::move(row));
  }
  return partition;
}

}  // namespace tholos::data
