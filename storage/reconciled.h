// What is known to be on all replicas.
#pragma once

#include <cstdint>

#include "data/key.h"
#include "data/schema/schema.h"

namespace tholos::storage {

// A tombstone is purged only when what it shadows can no longer come from another replica: when it
// is older than gc_grace, and older than what repair has reconciled, where somebody keeps track of
// that. Thread-safe.
class ReconciledHorizon {
 public:
  virtual ~ReconciledHorizon() = default;
  // Everything of the tokens [first, last] that was written before this wall second is on all
  // replicas.
  virtual int64_t ReconciledUpTo(const data::TableId& table, data::Token first,
                                 data::Token last) const = 0;
};

}  // namespace tholos::storage
