#include "data/schema/schema.h"

#include <algorithm>

#include "base/checksum.h"
#include "base/coding.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "data/schema/next_moment.h"
#include "data/schema/state.h"
#include "data/schema/validate.h"

namespace tholos::data {
namespace {

// `name` is empty for the keyspace itself.
absl::Status AlreadyExists(std::string_view what, std::string_view keyspace,
                           std::string_view name = "") {
  return base::MakeRequestError(
      {.kind = base::RequestErrorKind::kAlreadyExists,
       .keyspace = std::string(keyspace),
       .name = std::string(name)},
      base::StrCat(what, " ", keyspace, name.empty() ? "" : ".", name, " already exists"));
}

absl::Status DoesNotExist(std::string_view what, std::string_view name) {
  return base::InvalidRequest(base::StrCat(what, " ", name, " does not exist"));
}

// So that a drop at `changed_micros` takes every entry of the keyspace.
template <typename Entries>
void RaiseAbove(const Entries& by_keyspace, std::string_view keyspace, int64_t* changed_micros) {
  const auto entries = by_keyspace.find(keyspace);
  if (entries == by_keyspace.end()) return;
  for (const auto& [name, entry] : entries->second) {
    *changed_micros = std::max(*changed_micros, entry.changed_micros);
  }
}

template <typename Visible>
auto FindVisible(const Visible& visible, std::string_view keyspace, std::string_view name) {
  const auto entries = visible.find(keyspace);
  if (entries == visible.end()) return decltype(entries->second.begin()->second)();
  const auto it = entries->second.find(name);
  return it == entries->second.end() ? decltype(it->second)() : it->second;
}

template <typename Entity>
bool IsNewer(int64_t changed_a, const Entity& a, int64_t changed_b, const Entity& b) {
  if (changed_a != changed_b) return changed_a > changed_b;
  return EncodeEntity(a) > EncodeEntity(b);
}

template <typename Entries>
void MergeEntries(const Entries& from, Entries* into) {
  for (const auto& [keyspace, of_keyspace] : from) {
    for (const auto& [name, entry] : of_keyspace) {
      const auto [it, is_new] = (*into)[keyspace].try_emplace(name, entry);
      auto& mine = it->second;
      if (IsNewer(entry.changed_micros, entry.entity, mine.changed_micros, mine.entity)) {
        mine = entry;
      }
    }
  }
}

}  // namespace

// --- reading ----------------------------------------------------------------------------------

Schema::Schema() : Schema(State()) {}

Schema::Schema(State state) {
  state.Finish();
  state_ = std::make_shared<const State>(std::move(state));
}

Schema::~Schema() = default;
Schema::Schema(const Schema&) = default;
Schema& Schema::operator=(const Schema&) = default;

const KeyspaceSchema* Schema::FindKeyspace(std::string_view name) const {
  const auto it = state_->keyspaces.find(name);
  if (it == state_->keyspaces.end() || !it->second.keyspace.has_value()) return nullptr;
  return &*it->second.keyspace;
}

std::shared_ptr<const TableSchema> Schema::FindTable(std::string_view keyspace,
                                                     std::string_view table) const {
  return FindVisible(state_->visible_tables, keyspace, table);
}

std::shared_ptr<const UserType> Schema::FindType(std::string_view keyspace,
                                                 std::string_view name) const {
  return FindVisible(state_->visible_types, keyspace, name);
}

std::shared_ptr<const TableSchema> Schema::FindTable(const TableId& id) const {
  const auto it = state_->visible_by_id.find(id);
  return it == state_->visible_by_id.end() ? nullptr : it->second;
}

bool Schema::HasDropped(std::string_view keyspace, std::string_view table,
                        const TableId& id) const {
  if (FindTable(id) != nullptr) return false;
  const auto of_keyspace = state_->tables.find(keyspace);
  if (of_keyspace != state_->tables.end() && of_keyspace->second.contains(table)) return true;
  const auto entry = state_->keyspaces.find(keyspace);
  return entry != state_->keyspaces.end() && entry->second.dropped_micros != State::kNeverDropped;
}

std::vector<const KeyspaceSchema*> Schema::keyspaces() const {
  std::vector<const KeyspaceSchema*> result;
  for (const auto& [name, entry] : state_->keyspaces) {
    if (entry.keyspace.has_value()) result.push_back(&*entry.keyspace);
  }
  return result;
}

std::vector<std::shared_ptr<const TableSchema>> Schema::tables(std::string_view keyspace) const {
  std::vector<std::shared_ptr<const TableSchema>> result;
  const auto tables = state_->visible_tables.find(keyspace);
  if (tables == state_->visible_tables.end()) return result;
  for (const auto& [name, table] : tables->second) result.push_back(table);
  return result;
}

std::vector<std::shared_ptr<const TableSchema>> Schema::tables() const {
  std::vector<std::shared_ptr<const TableSchema>> result;
  for (const auto& [keyspace, of_keyspace] : state_->visible_tables) {
    for (const auto& [name, table] : of_keyspace) result.push_back(table);
  }
  return result;
}

std::vector<std::shared_ptr<const UserType>> Schema::types(std::string_view keyspace) const {
  std::vector<std::shared_ptr<const UserType>> result;
  const auto types = state_->visible_types.find(keyspace);
  if (types == state_->visible_types.end()) return result;
  for (const auto& [name, type] : types->second) result.push_back(type);
  // A type nests deeper than those that it consists of.
  const auto depth = [](const UserType& type) {
    uint32_t deepest = 0;
    for (const DataType& field : type.field_types) deepest = std::max(deepest, field.depth());
    return deepest;
  };
  std::sort(result.begin(), result.end(), [&depth](const auto& a, const auto& b) {
    return std::pair(depth(*a), std::string_view(a->name)) <
           std::pair(depth(*b), std::string_view(b->name));
  });
  return result;
}

uint64_t Schema::digest() const { return state_->digest; }

// --- changing ---------------------------------------------------------------------------------

absl::StatusOr<Schema> Schema::WithKeyspace(KeyspaceSchema keyspace, int64_t changed_micros) const {
  THOLOS_RETURN_IF_ERROR(ValidateKeyspace(keyspace));
  if (FindKeyspace(keyspace.name) != nullptr) return AlreadyExists("keyspace", keyspace.name);
  State state = *state_;
  const auto [it, is_new] = state.keyspaces.try_emplace(keyspace.name);
  State::KeyspaceEntry& entry = it->second;
  entry.changed_micros = is_new ? changed_micros : NewerThan(entry.changed_micros, changed_micros);
  entry.keyspace = std::move(keyspace);
  return Schema(std::move(state));
}

absl::StatusOr<Schema> Schema::WithoutKeyspace(std::string_view name,
                                               int64_t changed_micros) const {
  if (FindKeyspace(name) == nullptr) return DoesNotExist("keyspace", name);
  State state = *state_;
  State::KeyspaceEntry& entry = state.keyspaces.find(name)->second;
  entry.changed_micros = NewerThan(entry.changed_micros, changed_micros);
  // Newer than every table and type that is known here.
  RaiseAbove(state.tables, name, &entry.changed_micros);
  RaiseAbove(state.types, name, &entry.changed_micros);
  entry.dropped_micros = entry.changed_micros;
  entry.keyspace.reset();
  return Schema(std::move(state));
}

TableId Schema::NewTableId(const TableSchema& definition) const {
  int64_t last_change = 0;
  if (const auto keyspace = state_->keyspaces.find(definition.keyspace);
      keyspace != state_->keyspaces.end()) {
    last_change = keyspace->second.dropped_micros;
  }
  if (const auto tables = state_->tables.find(definition.keyspace);
      tables != state_->tables.end()) {
    const auto it = tables->second.find(definition.name);
    if (it != tables->second.end()) last_change = std::max(last_change, it->second.changed_micros);
  }
  const base::Hash128 hash =
      base::ContentHash128(base::StrCat(DescribeTable(definition), "\n", last_change));
  std::string bytes;
  base::PutBigEndian64(&bytes, hash.high);
  base::PutBigEndian64(&bytes, hash.low);
  TableId id = *base::Uuid::FromBytes(bytes);
  id.bytes[6] = static_cast<uint8_t>((id.bytes[6] & 0x0F) | 0x80);  // version 8: our own
  id.bytes[8] = static_cast<uint8_t>((id.bytes[8] & 0x3F) | 0x80);  // the variant of RFC 9562
  return id;
}

absl::StatusOr<Schema> Schema::WithTable(TableSchema table, int64_t changed_micros) const {
  THOLOS_RETURN_IF_ERROR(ValidateTable(table));
  if (FindKeyspace(table.keyspace) == nullptr) return DoesNotExist("keyspace", table.keyspace);
  if (FindTable(table.keyspace, table.name) != nullptr) {
    return AlreadyExists("table", table.keyspace, table.name);
  }
  if (const auto other = FindTable(table.id); other != nullptr) {
    return base::InvalidRequest(base::StrCat(table.QualifiedName(), ": its id ",
                                             table.id.ToString(), " is that of ",
                                             other->QualifiedName()));
  }
  State state = *state_;
  changed_micros =
      NewerThan(state.keyspaces.find(table.keyspace)->second.dropped_micros, changed_micros);
  const auto [it, is_new] = state.tables[table.keyspace].try_emplace(table.name);
  State::Entry<TableSchema>& entry = it->second;
  entry.changed_micros = is_new ? changed_micros : NewerThan(entry.changed_micros, changed_micros);
  entry.entity = std::make_shared<const TableSchema>(std::move(table));
  return Schema(std::move(state));
}

absl::StatusOr<Schema> Schema::WithoutTable(std::string_view keyspace, std::string_view table,
                                            int64_t changed_micros) const {
  if (FindTable(keyspace, table) == nullptr) {
    return DoesNotExist("table", base::StrCat(keyspace, ".", table));
  }
  State state = *state_;
  State::Entry<TableSchema>& entry = state.tables.find(keyspace)->second.find(table)->second;
  entry.changed_micros = NewerThan(entry.changed_micros, changed_micros);
  entry.entity = nullptr;
  return Schema(std::move(state));
}

Schema Schema::Merge(const Schema& other) const {
  if (state_ == other.state_ || digest() == other.digest()) return *this;
  State state = *state_;
  for (const auto& [name, entry] : other.state_->keyspaces) {
    const auto [it, is_new] = state.keyspaces.try_emplace(name, entry);
    State::KeyspaceEntry& into = it->second;
    const int64_t dropped = std::max(into.dropped_micros, entry.dropped_micros);
    if (IsNewer(entry.changed_micros, entry.keyspace, into.changed_micros, into.keyspace)) {
      into = entry;
    }
    into.dropped_micros = dropped;
  }
  MergeEntries(other.state_->types, &state.types);
  MergeEntries(other.state_->tables, &state.tables);
  return Schema(std::move(state));
}

std::string Schema::Encode() const { return state_->Encode(); }

absl::StatusOr<Schema> Schema::Decode(std::string_view bytes) {
  THOLOS_ASSIGN_OR_RETURN(State state, State::Decode(bytes));
  return Schema(std::move(state));
}

}  // namespace tholos::data
