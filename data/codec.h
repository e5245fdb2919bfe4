// The flat encoding of mutations, partitions and rows: in the commit log, in SSTables' rows, in hints and
// between nodes. Layouts are in codec.cc, byte by byte; a version byte starts every mutation and partition list. Decoders trust
// nothing: they return kDataLoss "malformed ...", allocate no more than a small multiple of the input and check
// order and uniqueness of rows and cells.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/coding.h"
#include "data/partition.h"

namespace tholos::data {

void EncodeRow(const Row& row, std::string* out);  // with its clustering key
absl::Status DecodeRow(base::Reader* in, Row* row);

// A row without its clustering key, for formats that store keys apart (prefix-compressed).
void EncodeRowBody(const Row& row, std::string* out);
absl::Status DecodeRowBody(base::Reader* in, Row* row);

void EncodeDeletion(const Deletion& deletion, std::string* out);
Deletion DecodeDeletion(base::Reader* in);

std::string EncodeMutation(const Mutation& mutation);
absl::StatusOr<Mutation> DecodeMutation(std::string_view bytes);
// The table and key alone, without decoding the rest: routing a received mutation.
struct MutationHeader {
  TableId table;
  DecoratedKey key;
};
absl::StatusOr<MutationHeader> PeekMutation(std::string_view bytes);

std::string EncodePartitions(const std::vector<Partition>& partitions);
absl::StatusOr<std::vector<Partition>> DecodePartitions(std::string_view bytes);

}  // namespace tholos::data
