#include "client/prepared.h"

#include <utility>

#include "base/coding.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "client/column_type.h"

namespace tholos::client {

namespace pb = ::tholos::v1;
using data::DataType;

namespace {

void PutLength(int32_t length, std::string* out) {
  base::PutBigEndian32(out, static_cast<uint32_t>(length));
}

constexpr int32_t kNull = -1;
constexpr int32_t kUnset = -2;

absl::Status AtMarker(const Prepared::Marker& marker, size_t index, const absl::Status& status) {
  return base::InvalidRequest(
      base::StrCat("value ", index + 1, " (", marker.name, "): ", base::ToStd(status.message())));
}

// The values in order of the markers; views into the statement.
absl::StatusOr<std::vector<const Value*>> InOrder(const Prepared& prepared,
                                                  const Statement& statement) {
  std::vector<const Value*> values;
  if (statement.named.empty()) {
    if (statement.values.size() != prepared.markers.size()) {
      return base::InvalidRequest(base::StrCat("the statement has ", prepared.markers.size(),
                                               " markers and ", statement.values.size(),
                                               " values"));
    }
    for (const Value& value : statement.values) values.push_back(&value);
    return values;
  }
  if (!statement.values.empty())
    return base::InvalidRequest("values by position and by name do not go together");
  std::vector<bool> used(statement.named.size());
  for (const Prepared::Marker& marker : prepared.markers) {
    const Value* found = nullptr;
    for (size_t i = 0; i < statement.named.size(); ++i) {
      if (statement.named[i].first != marker.name) continue;
      found = &statement.named[i].second;
      used[i] = true;
    }
    if (found == nullptr)
      return base::InvalidRequest(base::StrCat("the marker ", marker.name, " has no value"));
    values.push_back(found);
  }
  for (size_t i = 0; i < used.size(); ++i) {
    if (!used[i]) {
      return base::InvalidRequest(
          base::StrCat("there is no marker of the name ", statement.named[i].first));
    }
  }
  return values;
}

// Of the partition key's serialised form (data/key.h).
std::optional<data::Token> TokenOf(const Prepared& prepared,
                                   const std::vector<data::Value>& encoded) {
  if (prepared.key_markers.empty()) return std::nullopt;
  std::string key;
  for (const uint32_t marker : prepared.key_markers) {
    const data::Value& part = encoded[marker];
    if (!part.has_value()) return std::nullopt;
    if (prepared.key_markers.size() == 1) return data::TokenOf(*part);
    if (part->size() > UINT16_MAX) return std::nullopt;
    base::PutBigEndian16(&key, static_cast<uint16_t>(part->size()));
    key.append(*part);
    key.push_back('\0');
  }
  return data::TokenOf(key);
}

std::string KeyOf(const std::string& keyspace, const std::string& text) {
  return base::StrCat(keyspace, std::string_view("\0", 1), text);
}

}  // namespace

absl::StatusOr<Columns> ColumnsFrom(
    const google::protobuf::RepeatedPtrField<pb::Column>& messages) {
  auto columns = std::make_shared<std::vector<Column>>();
  for (const pb::Column& message : messages) {
    THOLOS_ASSIGN_OR_RETURN(DataType type, ColumnType(message));
    columns->push_back({message.keyspace(), message.table(), message.name(), std::move(type)});
  }
  return columns;
}

absl::StatusOr<std::shared_ptr<const Prepared>> PreparedFrom(const pb::PrepareResponse& message) {
  auto prepared = std::make_shared<Prepared>();
  prepared->id = message.id();
  prepared->result_id = message.result_id();
  THOLOS_ASSIGN_OR_RETURN(prepared->columns, ColumnsFrom(message.result_columns()));
  for (const pb::Column& column : message.parameters()) {
    THOLOS_ASSIGN_OR_RETURN(DataType type, ColumnType(column));
    prepared->markers.push_back({column.name(), std::move(type)});
  }
  for (const uint32_t index : message.partition_key_indexes()) {
    if (index >= prepared->markers.size())
      return absl::DataLossError("a prepared statement's key is none of its markers");
    prepared->key_markers.push_back(index);
    prepared->keyspace = message.parameters(static_cast<int>(index)).keyspace();
  }
  return prepared;
}

absl::StatusOr<BoundStatement> BindValues(const Prepared& prepared, const Statement& statement) {
  THOLOS_ASSIGN_OR_RETURN(const std::vector<const Value*> values, InOrder(prepared, statement));
  BoundStatement bound;
  std::vector<data::Value> encoded(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i]->is_unset()) {
      PutLength(kUnset, &bound.raw_values);
      continue;
    }
    auto bytes = values[i]->Encode(prepared.markers[i].type);
    if (!bytes.ok()) return AtMarker(prepared.markers[i], i, bytes.status());
    encoded[i] = *std::move(bytes);
    if (!encoded[i].has_value()) {
      PutLength(kNull, &bound.raw_values);
    } else {
      PutLength(static_cast<int32_t>(encoded[i]->size()), &bound.raw_values);
      bound.raw_values.append(*encoded[i]);
    }
  }
  bound.token = TokenOf(prepared, encoded);
  return bound;
}

std::shared_ptr<const Prepared> PreparedCache::Find(const std::string& keyspace,
                                                    const std::string& text) {
  const std::string key = KeyOf(keyspace, text);
  base::MutexLock lock(&mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->prepared;
}

void PreparedCache::Put(const std::string& keyspace, const std::string& text,
                        std::shared_ptr<const Prepared> prepared) {
  std::string key = KeyOf(keyspace, text);
  base::MutexLock lock(&mutex_);
  if (const auto found = by_key_.find(key); found != by_key_.end()) {
    found->second->prepared = std::move(prepared);
    return;
  }
  entries_.push_front({key, std::move(prepared)});
  by_key_.emplace(std::move(key), entries_.begin());
  if (entries_.size() <= entries_max_) return;
  by_key_.erase(entries_.back().key);
  entries_.pop_back();
}

size_t PreparedCache::size() const {
  base::MutexLock lock(&mutex_);
  return entries_.size();
}

}  // namespace tholos::client
