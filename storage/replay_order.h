// The order in which records of the commit log go into memtables at a start.
//
// A memtable that no longer fits the processor's caches costs several misses for each row that goes
// to a random place in it. Of records in the order of their tokens some go to the same leaf, and
// the path to the next leaf is still at hand; their rows come to lie in memory as the flush will
// read them.
//
//   tokens are spread evenly: a counting sort by their first bits leaves about four in a bucket, of
//   which each is then sorted (by the clustering key, too: a wide partition is one bucket)
//
// Records of one row stay in the order of the log. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "storage/commitlog/recovery.h"

namespace tholos::storage {

// Indices of `records`. Where a malformed one stands is of no importance.
std::vector<uint32_t> OrderForReplay(std::span<const ReplayRecord> records);

}  // namespace tholos::storage
