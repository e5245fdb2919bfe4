#include "data/key.h"

#include "base/checksum.h"
#include "base/coding.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace tholos::data {
namespace {

constexpr uint64_t kSignBit = uint64_t{1} << 63;
constexpr char kComponentMark = 0x40;
// The empty value of a type that has one beside the others: before them, in the column's direction.
constexpr char kEmptyMark = 0x3F;
constexpr char kEmptyMarkDescending = 0x41;

char EmptyMark(const ColumnSchema& column) {
  return column.descending ? kEmptyMarkDescending : kEmptyMark;
}

absl::Status WrongCount(const TableSchema& table, std::string_view what, size_t expected,
                        size_t given) {
  return base::InvalidRequest(base::StrCat(table.QualifiedName(), ": the ", what, " key has ",
                                           expected, expected == 1 ? " column, " : " columns, ",
                                           given, " given"));
}

absl::Status TooLong(const TableSchema& table, std::string_view what, size_t bytes) {
  return base::InvalidRequest(base::StrCat(table.QualifiedName(), ": ", what, " of ", bytes,
                                           " bytes exceeds the limit of ", kKeyBytesMax));
}

absl::Status CheckComponent(const TableSchema& table, const ColumnSchema& column,
                            std::string_view bytes) {
  if (bytes.size() > kKeyBytesMax) {
    return TooLong(table, base::StrCat("key column ", column.name), bytes.size());
  }
  if (const absl::Status valid = column.type.Validate(bytes); !valid.ok()) {
    return base::InvalidRequest(base::StrCat(table.QualifiedName(), ": key column ", column.name,
                                             ": ", base::ToStd(valid.message())));
  }
  return absl::OkStatus();
}

absl::Status MalformedKey(const TableSchema& table, std::string_view what) {
  return absl::DataLossError(base::StrCat("malformed ", what, " key of ", table.QualifiedName()));
}

}  // namespace

Token TokenOf(std::string_view partition_key) {
  const int64_t hash = base::CassandraMurmur3(partition_key);
  return hash == kMinToken ? std::numeric_limits<int64_t>::max() : hash;
}

absl::StatusOr<std::string> EncodePartitionKey(const TableSchema& table,
                                               const std::vector<std::string>& components) {
  const size_t count = table.partition_key_size();
  if (components.size() != count) return WrongCount(table, "partition", count, components.size());
  std::string key;
  for (size_t i = 0; i < count; ++i) {
    const ColumnSchema& column = table.columns[i];
    THOLOS_RETURN_IF_ERROR(CheckComponent(table, column, components[i]));
    if (components[i].empty()) {
      return base::InvalidRequest(
          base::StrCat(table.QualifiedName(), ": key column ", column.name, " may not be empty"));
    }
    if (count == 1) return components[i];
    base::PutBigEndian16(&key, static_cast<uint16_t>(components[i].size()));
    key.append(components[i]);
    key.push_back('\0');
  }
  if (key.size() > kKeyBytesMax) return TooLong(table, "a partition key", key.size());
  return key;
}

absl::StatusOr<std::vector<std::string>> DecodePartitionKey(const TableSchema& table,
                                                            std::string_view key) {
  const size_t count = table.partition_key_size();
  std::vector<std::string> components;
  if (count == 1) {
    components.emplace_back(key);
  } else {
    base::Reader in(key);
    for (size_t i = 0; i < count; ++i) {
      const uint8_t high = in.U8();
      const size_t size = size_t{high} << 8 | in.U8();
      components.emplace_back(in.Raw(size));
      if (in.U8() != 0) in.Fail();
    }
    if (!in.AtEnd()) return MalformedKey(table, "partition");
  }
  for (size_t i = 0; i < count; ++i) {
    if (components[i].empty() || !table.columns[i].type.Validate(components[i]).ok()) {
      return MalformedKey(table, "partition");
    }
  }
  return components;
}

std::string ComparableKey(const DecoratedKey& key) {
  std::string out;
  out.reserve(8 + key.key.size());
  base::PutBigEndian64(&out, static_cast<uint64_t>(key.token) ^ kSignBit);
  out.append(key.key);
  return out;
}

absl::StatusOr<std::string> EncodeClustering(const TableSchema& table,
                                             const std::vector<std::string>& components) {
  if (components.size() > table.clustering_size()) {
    return WrongCount(table, "clustering", table.clustering_size(), components.size());
  }
  const size_t first = table.partition_key_size();
  std::string key;
  for (size_t i = 0; i < components.size(); ++i) {
    const ColumnSchema& column = table.columns[first + i];
    THOLOS_RETURN_IF_ERROR(CheckComponent(table, column, components[i]));
    if (components[i].empty() && column.type.has_empty_value()) {
      key.push_back(EmptyMark(column));
      continue;
    }
    key.push_back(kComponentMark);
    column.type.AppendComparable(components[i], column.descending, &key);
  }
  if (key.size() > kKeyBytesMax) return TooLong(table, "an encoded clustering key", key.size());
  return key;
}

absl::StatusOr<std::vector<std::string>> DecodeClustering(const TableSchema& table,
                                                          std::string_view key) {
  const size_t first = table.partition_key_size();
  const size_t count = table.clustering_size();
  std::vector<std::string> components;
  while (!key.empty()) {
    if (components.size() == count) return MalformedKey(table, "clustering");
    const ColumnSchema& column = table.columns[first + components.size()];
    const char mark = key.front();
    key.remove_prefix(1);
    if (mark == EmptyMark(column) && column.type.has_empty_value()) {
      components.emplace_back();
      continue;
    }
    const bool good = mark == kComponentMark && !(key.empty() && column.type.has_empty_value());
    if (!good) return MalformedKey(table, "clustering");
    absl::StatusOr<std::string> component = column.type.TakeComparable(&key, column.descending);
    if (!component.ok()) return MalformedKey(table, "clustering");
    components.push_back(*std::move(component));
  }
  return components;
}

}  // namespace tholos::data
