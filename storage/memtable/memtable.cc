#include "storage/memtable/memtable.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/coding.h"
#include "data/codec.h"

namespace tholos::storage {
namespace {

void DecodeBody(std::string_view body, data::Row* row) {
  base::Reader in(body);
  // It was checked before it came in.
  THOLOS_CHECK(data::DecodeRowBody(&in, row).ok() && in.AtEnd());
}

}  // namespace

void Memtable::Row::Decode(data::Row* row) const {
  row->clustering.assign(key());
  DecodeBody(body(), row);
}

TreeKey Memtable::KeyOf(std::string_view clustering) {
  if (clustering.size() >= 8) return {base::LoadBigEndian64(clustering.data()), clustering};
  char bytes[8] = {};
  std::copy(clustering.begin(), clustering.end(), bytes);
  return {base::LoadBigEndian64(bytes), clustering};
}

// Rows -------------------------------------------------------------------------------------------

Memtable::Row* Memtable::NewRow(std::string_view clustering, std::string_view body) {
  auto* row = reinterpret_cast<Row*>(
      arena_.Allocate(offsetof(Row, bytes_) + clustering.size() + body.size()));
  row->body_bytes_ = static_cast<uint32_t>(body.size());
  row->clustering_bytes_ = static_cast<uint16_t>(clustering.size());
  std::memcpy(row->bytes_, clustering.data(), clustering.size());
  std::memcpy(row->bytes_ + clustering.size(), body.data(), body.size());
  return row;
}

void Memtable::FreeRow(Row* row) {
  arena_.Free(reinterpret_cast<char*>(row),
              offsetof(Row, bytes_) + row->clustering_bytes_ + row->body_bytes_);
}

Memtable::Row* Memtable::WithBody(Row* row, std::string_view body) {
  if (row->body_bytes_ == body.size()) {
    std::memcpy(row->bytes_ + row->clustering_bytes_, body.data(), body.size());
    return row;
  }
  Row* other = NewRow(row->key(), body);
  FreeRow(row);
  return other;
}

Memtable::Row* Memtable::Merged(Row* row, std::string_view body) {
  base::Reader old_body(row->body());
  base::Reader new_body(body);
  if (data::Supersedes(data::TakeRowBodyView(&new_body), data::TakeRowBodyView(&old_body))) {
    return WithBody(row, body);
  }
  DecodeBody(row->body(), &old_row_);
  DecodeBody(body, &new_row_);
  data::MergeInto(&old_row_, std::move(new_row_));
  std::string merged;
  data::EncodeRowBody(old_row_, &merged);
  return WithBody(row, merged);
}

Memtable::Row* Memtable::Covered(Row* row, const data::Deletion& covering) {
  DecodeBody(row->body(), &old_row_);
  data::ApplyDeletion(&old_row_, covering);
  if (old_row_.IsEmpty()) {
    FreeRow(row);
    return nullptr;
  }
  body_.clear();
  data::EncodeRowBody(old_row_, &body_);
  return WithBody(row, body_);
}

std::string_view Memtable::Uncovered(const data::RowView& update, const data::Deletion& covering) {
  if (update.empty) return {};
  const bool may_shadow = update.has_deletions || covering.Covers(update.min_timestamp);
  if (!may_shadow) return update.body;
  DecodeBody(update.body, &new_row_);
  data::ApplyDeletion(&new_row_, covering);
  body_.clear();
  if (!new_row_.IsEmpty()) data::EncodeRowBody(new_row_, &body_);
  return body_;
}

// Partitions -------------------------------------------------------------------------------------

Memtable::Partition* Memtable::FindOrMake(const data::MutationView& update, const Hint* hint) {
  if (hint != nullptr && hint->changes == changes_ && !hint->place.at_end()) {
    return hint->place.item();
  }
  const auto make = [&] {
    auto* partition = reinterpret_cast<Partition*>(
        arena_.Allocate(offsetof(Partition, bytes_) + update.key().size()));
    partition->pointer_ = 0;
    partition->key_bytes_ = static_cast<uint16_t>(update.key().size());
    std::memcpy(partition->bytes_, update.key().data(), update.key().size());
    return partition;
  };
  const auto found = partitions_.FindOrInsert(arena_, KeyOf(update.token(), update.key()), make);
  changes_ += found.inserted;
  return found.place.item();
}

Memtable::Contents& Memtable::ContentsOf(Partition& partition) {
  if (Contents* contents = partition.contents(); contents != nullptr) return *contents;
  Contents& contents = contents_.emplace_back();
  contents_bytes_ += sizeof(Contents);
  if (Row* row = partition.only_row(); row != nullptr) {
    contents.rows.FindOrInsert(arena_, KeyOf(row->key()), [row] { return row; });
    ++changes_;
  }
  partition.pointer_ = reinterpret_cast<uintptr_t>(&contents) | Partition::kContents;
  return contents;
}

void Memtable::Apply(const data::MutationView& update, LogPosition position, const Hint* hint) {
  if (!first_position_.has_value() || position < *first_position_) first_position_ = position;
  Partition& partition = *FindOrMake(update, hint);
  if (!update.deletion().live()) ApplyDeletion(ContentsOf(partition), update.deletion());
  if (update.static_row().has_value()) ApplyStatic(ContentsOf(partition), *update.static_row());
  if (update.has_range_tombstones()) {
    for (const data::RangeTombstone& each : update.range_tombstones()) {
      ApplyRange(ContentsOf(partition), each);
    }
  }
  update.ForEachRow([&](const data::RowView& row) { ApplyRow(partition, row); });
}

void Memtable::ApplyDeletion(Contents& contents, const data::Deletion& deletion) {
  min_timestamp_ = std::min(min_timestamp_, deletion.timestamp);
  const data::Deletion merged = data::Reconcile(contents.deletion, deletion);
  if (merged == contents.deletion) return;
  contents.deletion = merged;
  ++contents.deletions;
  if (contents.static_row != nullptr) contents.static_row = Covered(contents.static_row, merged);
  contents_bytes_ -= contents.ranges.bytes();
  contents.ranges.DropCovered(merged);
  contents_bytes_ += contents.ranges.bytes();
  CoverRows(contents, data::Slice(), merged);
}

void Memtable::ApplyRange(Contents& contents, const data::RangeTombstone& tombstone) {
  min_timestamp_ = std::min(min_timestamp_, tombstone.deletion.timestamp);
  if (contents.deletion.Covers(tombstone.deletion.timestamp)) return;
  ++contents.deletions;
  contents_bytes_ -= contents.ranges.bytes();
  contents.ranges.Add(tombstone.range, tombstone.deletion);
  contents_bytes_ += contents.ranges.bytes();
  CoverRows(contents, tombstone.range, tombstone.deletion);
}

void Memtable::CoverRows(Contents& contents, const data::Slice& range,
                         const data::Deletion& deletion) {
  Rows& rows = contents.rows;
  Rows::Place place = rows.LowerBound(KeyOf(range.lower));
  while (!place.at_end() && range.Contains(place.item()->key())) {
    if (Row* row = Covered(place.item(), deletion); row != nullptr) {
      place.Replace(row);
      place = rows.Next(place);
    } else {
      place = rows.Erase(place);
      ++changes_;
    }
  }
}

void Memtable::ApplyStatic(Contents& contents, const data::RowView& update) {
  NoteTimestamps(update);
  const std::string_view body = Uncovered(update, contents.deletion);
  if (body.empty()) return;
  if (contents.static_row != nullptr) {
    contents.static_row = Merged(contents.static_row, body);
  } else {
    contents.static_row = NewRow("", body);
  }
}

void Memtable::ApplyRow(Partition& partition, const data::RowView& update) {
  NoteTimestamps(update);
  data::Deletion covering;
  if (const Contents* contents = partition.contents(); contents != nullptr) {
    if (!contents->ranges.empty()) covering = contents->ranges.At(update.clustering);
    if (covering.live()) covering = contents->deletion;
  }
  const std::string_view body = Uncovered(update, covering);
  if (body.empty()) return;
  if (partition.pointer_ == 0) {
    partition.pointer_ = reinterpret_cast<uintptr_t>(NewRow(update.clustering, body));
    ++changes_;
    return;
  }
  if (Row* row = partition.only_row(); row != nullptr && row->key() == update.clustering) {
    partition.pointer_ = reinterpret_cast<uintptr_t>(Merged(row, body));
    return;
  }
  Rows& rows = ContentsOf(partition).rows;
  const auto make = [&] { return NewRow(update.clustering, body); };
  Rows::Found found = rows.FindOrInsert(arena_, KeyOf(update.clustering), make);
  if (!found.inserted) found.place.Replace(Merged(found.place.item(), body));
  changes_ += found.inserted;
}

}  // namespace tholos::storage
