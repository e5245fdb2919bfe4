// The body of kWrite, kRepairWrite, kReplayWrite and kHint:
//
//   mutation      the encoded mutation (data/codec.h), which the replica's log takes as it is
//   fixed64       its largest timestamp: the replica's clock follows without decoding the mutation
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "data/key.h"
#include "data/partition.h"

namespace tholos::coordinator {

// Encoded once for all replicas and hints. Immutable: several shards may hold it.
struct WriteMessage {
  data::Token token = 0;
  std::string body;

  static std::shared_ptr<const WriteMessage> Of(const data::Mutation& mutation);
  std::string_view mutation() const;
};

// Takes the timestamp off the end: what is left is the mutation. kDataLoss if the body is too
// short.
absl::StatusOr<data::Timestamp> TakeTimestamp(std::string* body);

inline constexpr size_t kWriteTrailerBytes = 8;

}  // namespace tholos::coordinator
