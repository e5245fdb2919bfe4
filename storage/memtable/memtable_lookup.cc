// One row by its full primary key.
#include <utility>

#include "storage/memtable/memtable.h"

namespace tholos::storage {
namespace {

void DecodeInto(const Memtable::Row* row, std::optional<data::Row>* decoded) {
  if (row != nullptr) row->Decode(&decoded->emplace());
}

}  // namespace

void Memtable::Find(const data::DecoratedKey& key, std::string_view clustering,
                    data::RowState* state) const {
  const Partitions::Place place = partitions_.Find(KeyOf(key.token, key.key));
  if (place.at_end()) return;
  const bool first = state->sources == 0;
  data::RowState other;
  data::RowState& mine = first ? *state : other;
  mine.sources = 1;
  const Partition& partition = *place.item();
  if (const Contents* contents = partition.contents(); contents != nullptr) {
    mine.partition_deletion = contents->deletion;
    DecodeInto(contents->static_row, &mine.static_row);
    if (!contents->ranges.empty()) mine.range_deletion = contents->ranges.At(clustering);
    if (const Rows::Place row = contents->rows.Find(KeyOf(clustering)); !row.at_end()) {
      DecodeInto(row.item(), &mine.row);
    }
  } else if (const Row* row = partition.only_row(); row != nullptr && row->key() == clustering) {
    DecodeInto(row, &mine.row);
  }
  if (!first) data::MergeInto(state, std::move(other));
}

}  // namespace tholos::storage
