// The digest of a read's answer, as replicas send it and coordinators compare it.
//
//   16 bytes: fixed64 low, fixed64 high of data::DigestOf
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/checksum.h"
#include "data/read.h"

namespace tholos::coordinator {

// `mutant_ignores_column`: tests only. A seeded bug that the simulator must find: of every row the
// cell with the largest column id does not go into the digest.
base::Hash128 AnswerDigest(const data::ReadResult& result, bool mutant_ignores_column);

std::string EncodeDigest(const base::Hash128& digest);
absl::StatusOr<base::Hash128> DecodeDigest(std::string_view bytes);

}  // namespace tholos::coordinator
