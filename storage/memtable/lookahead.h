// What a write is about to touch in a memtable, asked for before it does.
//
// A memtable is larger than the processor's caches, and a write into it follows a chain of pointers:
// nodes of the tree, the partition, its row. Alone it waits for each of them. The writes of a group
// come together, so their waits may overlap: all take the first step, then all the second, ...
//
//   Lookahead ahead[] = {{memtable, update}, ...};     of one table or of several
//   LookAhead(ahead);                                  what they will touch is on its way
//   memtable.Apply(update, position, &ahead[i].hint());
//
// Nothing depends on it but time. A memtable does not change between the construction and the end
// of LookAhead.
#pragma once

#include <cstdint>
#include <span>

#include "data/mutation_view.h"
#include "storage/memtable/memtable.h"

namespace tholos::storage {

class Lookahead {
 public:
  Lookahead() = default;
  // Both outlive it.
  Lookahead(const Memtable& memtable, const data::MutationView& update);

  // False: nothing is left to do.
  bool Step();
  const Memtable::Hint& hint() const { return hint_; }

 private:
  enum class Next : uint8_t { kPartition, kContents, kRow, kNothing };
  void AskForContents();
  void AskForRow(const Memtable::Row* row);

  const data::MutationView* update_ = nullptr;
  Memtable::Partitions::Descent partition_;
  Memtable::Rows::Descent row_;
  const Memtable::Contents* contents_ = nullptr;
  Memtable::Hint hint_;
  Next next_ = Next::kNothing;
};

// Takes the steps of all of them, in turn.
void LookAhead(std::span<Lookahead> all);

}  // namespace tholos::storage
