#include "storage/memtable/lookahead.h"

#include <algorithm>

namespace tholos::storage {
namespace {
// Of a row's body: the processor goes on by itself.
constexpr size_t kRowBytesMax = 512;
}  // namespace

Lookahead::Lookahead(const Memtable& memtable, const data::MutationView& update)
    : update_(&update),
      partition_(memtable.partitions(), Memtable::KeyOf(update.token(), update.key())),
      next_(Next::kPartition) {
  hint_.changes = memtable.changes();
  Prefetch(update.key().data(), update.key().size() + 1);
  if (const data::RowView* row = update.first_row(); row != nullptr && !row->body.empty()) {
    Prefetch(row->body.data(), std::min(row->body.size(), kRowBytesMax));
  }
}

bool Lookahead::Step() {
  switch (next_) {
    case Next::kPartition:
      if (partition_.Step()) return true;
      hint_.place = partition_.place();
      next_ = Next::kNothing;
      if (!hint_.place.at_end()) AskForContents();
      break;
    case Next::kContents:
      row_ = {contents_->rows, Memtable::KeyOf(update_->first_row()->clustering)};
      next_ = Next::kRow;
      break;
    case Next::kRow:
      if (row_.Step()) return true;
      next_ = Next::kNothing;
      if (!row_.place().at_end()) AskForRow(row_.place().item());
      break;
    case Next::kNothing:
      break;
  }
  return next_ != Next::kNothing;
}

void Lookahead::AskForContents() {
  const Memtable::Partition& partition = *hint_.place.item();
  contents_ = partition.contents();
  if (contents_ != nullptr) {
    Prefetch(contents_, sizeof(*contents_));
    if (update_->first_row() != nullptr) next_ = Next::kContents;
  } else if (const Memtable::Row* row = partition.only_row(); row != nullptr) {
    AskForRow(row);
  }
}

// The new version of a row is mostly as long as the old one, which is not known yet.
void Lookahead::AskForRow(const Memtable::Row* row) {
  const data::RowView* update = update_->first_row();
  const size_t bytes = update == nullptr ? 0 : update->clustering.size() + update->body.size();
  Prefetch(row, std::min(sizeof(Memtable::Row) + bytes, kRowBytesMax));
}

void LookAhead(std::span<Lookahead> all) {
  bool any = true;
  while (any) {
    any = false;
    for (Lookahead& each : all) any |= each.Step();
  }
}

}  // namespace tholos::storage
