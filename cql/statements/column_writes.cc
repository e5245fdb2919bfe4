// Operations on columns as cells.
#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "base/coding.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "cql/statements/column_operation.h"
#include "data/types/elements.h"

namespace tholos::cql {
namespace {

using Kind = ColumnOperation::Kind;
using data::TypeId;

// 2010-01-01: the later a prepend, the further before it are its paths. As Cassandra has it.
constexpr int64_t kPrependReferenceMillis = 1'262'304'000'000;

std::string PathOf(const data::DataType& type, std::string_view bytes) {
  std::string path;
  type.AppendComparable(bytes, /*descending=*/false, &path);
  return path;
}

std::string PathOf(const base::Uuid& uuid) {
  return PathOf(data::DataType(TypeId::kTimeuuid), uuid.AsBytes());
}

std::string FieldPath(size_t field) {
  return {static_cast<char>(field >> 8), static_cast<char>(field & 0xFF)};
}

// Of an encoded list, set or map: pairs count once.
uint32_t ElementCount(std::string_view collection) {
  return base::LoadBigEndian32(collection.data());
}

absl::Status CheckValue(const ColumnOperation& operation, std::string_view value,
                        Request& request) {
  const QueryLimits& limits = request.services->limits;
  if (value.size() > limits.value_bytes_max) {
    return base::InvalidRequest(base::StrCat("column ", operation.name, ": a value of ",
                                             value.size(), " bytes, the limit is ",
                                             limits.value_bytes_max));
  }
  const bool elements = operation.type.is_collection() && operation.kind != Kind::kSetElement;
  if (!elements || value.size() < 4) return absl::OkStatus();
  const uint32_t count = ElementCount(value);
  if (count > limits.collection_elements_max) {
    return base::InvalidRequest(base::StrCat("column ", operation.name, ": ", count,
                                             " elements of a collection, the limit is ",
                                             limits.collection_elements_max));
  }
  if (count >= limits.collection_elements_warn) {
    request.result.warnings.push_back(base::StrCat(
        "column ", operation.name, ": ", count,
        " elements of a collection, the warning threshold is ", limits.collection_elements_warn));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<BoundOperation> BoundOperation::Bind(const ColumnOperation& operation,
                                                    Request& request) {
  BoundOperation bound(operation);
  switch (operation.kind) {
    case Kind::kDelete:
    case Kind::kDeleteField:
      return bound;
    case Kind::kSetElement:
    case Kind::kDeleteElement: {
      THOLOS_ASSIGN_OR_RETURN(bound.key_, operation.key.Take(request));
      if (!bound.key_.value) {
        const std::string_view what = operation.type.id() == TypeId::kList  ? "list index"
                                      : operation.type.id() == TypeId::kMap ? "map key"
                                                                            : "set element";
        return base::InvalidRequest(
            base::StrCat("Invalid ", bound.key_.unset ? "unset" : "null", " value for ", what));
      }
      if (operation.kind == Kind::kDeleteElement) return bound;
      break;
    }
    default:
      break;
  }
  THOLOS_ASSIGN_OR_RETURN(bound.value_, operation.value.Take(request));
  if (bound.value_.value) {
    THOLOS_RETURN_IF_ERROR(CheckValue(operation, *bound.value_.value, request));
  }
  return bound;
}

absl::Status BoundOperation::AddCell(const ColumnOperation& operation, const WriteStamp& stamp,
                                     Request& request, data::Row* row) {
  Argument value;
  if (operation.kind == Kind::kAssign) {
    THOLOS_RETURN_IF_ERROR(operation.value.Take(request, &value));
    if (value.unset) return absl::OkStatus();
  }
  data::Cell& cell = row->cells.emplace_back();
  cell.column = operation.column;
  cell.timestamp = stamp.timestamp;
  if (!value.value) {
    cell.tombstone = true;
    cell.local_seconds = stamp.now_seconds;
    return absl::OkStatus();
  }
  THOLOS_RETURN_IF_ERROR(CheckValue(operation, *value.value, request));
  cell.value = *std::move(value.value);
  if (stamp.ttl_seconds != 0) {
    cell.ttl_seconds = stamp.ttl_seconds;
    cell.local_seconds = stamp.now_seconds + stamp.ttl_seconds;
  }
  return absl::OkStatus();
}

data::Cell BoundOperation::Live(std::string value, const WriteStamp& stamp) const {
  return stamp.ttl_seconds == 0
             ? data::Cell::Value(operation_->column, stamp.timestamp, std::move(value))
             : data::Cell::Expiring(operation_->column, stamp.timestamp, std::move(value),
                                    stamp.ttl_seconds, stamp.now_seconds);
}

data::Cell BoundOperation::Dead(const WriteStamp& stamp) const {
  return data::Cell::Tombstone(operation_->column, stamp.timestamp, stamp.now_seconds);
}

absl::Status BoundOperation::AddTo(data::Row* row, const data::Row* before, const WriteStamp& stamp,
                                   bool consume, Request& request) {
  if (value_.unset) return absl::OkStatus();
  switch (operation_->kind) {
    case Kind::kAssign:
      return Assign(row, stamp, consume, request);
    case Kind::kAppend:
      return AddElements(row, stamp, request);
    case Kind::kPrepend:
      PrependElements(row, stamp, request);
      break;
    case Kind::kRemove:
      return Remove(row, before, stamp);
    case Kind::kSetElement:
    case Kind::kDeleteElement:
      return ChangeElement(row, before, stamp);
    case Kind::kSetField:
      row->cells.push_back((value_.value ? Live(*value_.value, stamp) : Dead(stamp))
                               .At(FieldPath(operation_->field)));
      break;
    case Kind::kDeleteField:
      row->cells.push_back(Dead(stamp).At(FieldPath(operation_->field)));
      break;
    case Kind::kDelete:
      if (operation_->type.multi_cell()) {
        row->complex_deletions.push_back(
            {operation_->column, {stamp.timestamp, stamp.now_seconds}});
      } else {
        row->cells.push_back(Dead(stamp));
      }
      break;
  }
  return absl::OkStatus();
}

absl::Status BoundOperation::Assign(data::Row* row, const WriteStamp& stamp, bool consume,
                                    Request& request) {
  if (!operation_->type.multi_cell()) {
    if (!value_.value) {
      row->cells.push_back(Dead(stamp));
    } else {
      row->cells.push_back(Live(consume ? *std::move(value_.value) : *value_.value, stamp));
    }
    return absl::OkStatus();
  }
  if (stamp.timestamp > data::kNoTimestamp + 1) {  // nothing can be older than the oldest
    row->complex_deletions.push_back(
        {operation_->column, {stamp.timestamp - 1, stamp.now_seconds}});
  }
  return AddElements(row, stamp, request);
}

// Null adds nothing.
absl::Status BoundOperation::AddElements(data::Row* row, const WriteStamp& stamp,
                                         Request& request) const {
  if (!value_.value) return absl::OkStatus();
  const data::DataType& type = operation_->type;
  switch (type.id()) {
    case TypeId::kList:
      AddListElements(row, stamp, request);
      break;
    case TypeId::kSet:
      for (const std::string_view element : data::ElementsOf(type, *value_.value)) {
        row->cells.push_back(Live("", stamp).At(PathOf(type.arguments()[0], element)));
      }
      break;
    case TypeId::kMap: {
      const std::vector<std::string_view> parts = data::ElementsOf(type, *value_.value);
      for (size_t i = 0; i + 1 < parts.size(); i += 2) {
        row->cells.push_back(
            Live(std::string(parts[i + 1]), stamp).At(PathOf(type.arguments()[0], parts[i])));
      }
      break;
    }
    default: {  // a user type
      const auto fields = data::PartsOf(type, *value_.value);
      for (size_t i = 0; i < fields.size(); ++i) {
        if (fields[i]) row->cells.push_back(Live(std::string(*fields[i]), stamp).At(FieldPath(i)));
      }
    }
  }
  return absl::OkStatus();
}

void BoundOperation::AddListElements(data::Row* row, const WriteStamp& stamp,
                                     Request& request) const {
  for (const std::string_view element : data::ElementsOf(operation_->type, *value_.value)) {
    const base::Uuid uuid = request.services->time_uuids.Next(request.wall_micros);
    row->cells.push_back(Live(std::string(element), stamp).At(PathOf(uuid)));
  }
}

// From the last to the first: each path is before the one that was made last.
void BoundOperation::PrependElements(data::Row* row, const WriteStamp& stamp,
                                     Request& request) const {
  if (!value_.value) return;
  constexpr uint64_t kReferenceTicks =
      static_cast<uint64_t>(kPrependReferenceMillis + kUuidEpochToUnixMillis) * kUuidTicksPerMilli;
  const std::vector<std::string_view> elements = data::ElementsOf(operation_->type, *value_.value);
  for (auto element = elements.rbegin(); element != elements.rend(); ++element) {
    const base::Uuid now = request.services->time_uuids.Next(request.wall_micros);
    const uint64_t ticks = 2 * kReferenceTicks - TimeUuidTicks(now);
    const uint64_t clock_and_node = base::LoadBigEndian64(now.AsBytes().data() + 8);
    row->cells.push_back(
        Live(std::string(*element), stamp).At(PathOf(MakeTimeUuid(ticks, clock_and_node))));
  }
}

absl::Status BoundOperation::Remove(data::Row* row, const data::Row* before,
                                    const WriteStamp& stamp) const {
  if (!value_.value) return absl::OkStatus();
  const data::DataType& type = operation_->type;
  if (type.id() != TypeId::kList) {  // a set of elements or keys
    const data::DataType keys = data::DataType::Set(type.arguments()[0], false);
    for (const std::string_view key : data::ElementsOf(keys, *value_.value)) {
      row->cells.push_back(Dead(stamp).At(PathOf(type.arguments()[0], key)));
    }
    return absl::OkStatus();
  }
  if (before == nullptr) return absl::OkStatus();
  std::vector<std::string_view> removed = data::ElementsOf(type, *value_.value);
  std::ranges::sort(removed);
  for (const data::Cell& cell : before->CellsOf(operation_->column)) {
    if (cell.LiveAt(stamp.now_seconds) &&
        std::ranges::binary_search(removed, std::string_view(cell.value))) {
      row->cells.push_back(Dead(stamp).At(cell.path));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> BoundOperation::ListPath(const data::Row* before,
                                                     const WriteStamp& stamp) const {
  std::vector<const data::Cell*> elements;
  if (before != nullptr) {
    for (const data::Cell& cell : before->CellsOf(operation_->column)) {
      if (cell.LiveAt(stamp.now_seconds)) elements.push_back(&cell);
    }
  }
  if (elements.empty()) {
    return base::InvalidRequest(operation_->kind == Kind::kSetElement
                                    ? "Attempted to set an element on a list which is null"
                                    : "Attempted to delete an element from a list which is null");
  }
  const int32_t index = data::DecodeInt(*key_.value);
  if (index < 0 || static_cast<size_t>(index) >= elements.size()) {
    return base::InvalidRequest(
        base::StrCat("List index ", index, " out of bound, list has size ", elements.size()));
  }
  return elements[index]->path;
}

absl::Status BoundOperation::ChangeElement(data::Row* row, const data::Row* before,
                                           const WriteStamp& stamp) const {
  std::string path;
  if (operation_->type.id() == TypeId::kList) {
    THOLOS_ASSIGN_OR_RETURN(path, ListPath(before, stamp));
  } else {
    path = PathOf(operation_->type.arguments()[0], *key_.value);
  }
  const bool dead = operation_->kind == Kind::kDeleteElement || !value_.value;
  row->cells.push_back((dead ? Dead(stamp) : Live(*value_.value, stamp)).At(std::move(path)));
  return absl::OkStatus();
}

void SortParts(data::Row* row) {
  std::vector<data::Cell>& cells = row->cells;
  std::sort(cells.begin(), cells.end(), [](const data::Cell& a, const data::Cell& b) {
    return std::tie(a.column, a.path) < std::tie(b.column, b.path);
  });
  size_t kept = 0;
  for (size_t i = 0; i < cells.size(); ++i) {
    if (kept > 0 && cells[kept - 1].column == cells[i].column &&
        cells[kept - 1].path == cells[i].path) {
      if (&data::ReconcileCell(cells[kept - 1], cells[i]) == &cells[i]) {
        cells[kept - 1] = std::move(cells[i]);
      }
    } else {
      if (kept != i) cells[kept] = std::move(cells[i]);
      ++kept;
    }
  }
  cells.resize(kept);
  auto& deletions = row->complex_deletions;
  std::ranges::sort(deletions, {}, &data::ComplexDeletion::column);
  const auto same = [](const data::ComplexDeletion& a, const data::ComplexDeletion& b) {
    return a.column == b.column;
  };
  deletions.erase(std::unique(deletions.begin(), deletions.end(), same), deletions.end());
}

}  // namespace tholos::cql
