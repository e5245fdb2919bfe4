// The digest of a read's answer, as replicas send it and coordinators compare it.
//
//   16 bytes: fixed64 low, fixed64 high of data::DigestOf
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/checksum.h"
#include "coordinator/faults.h"
#include "data/read.h"

namespace tholos::coordinator {

base::Hash128 AnswerDigest(const data::ReadResult& result, const Faults& faults = kNoFaults);

std::string EncodeDigest(const base::Hash128& digest);
absl::StatusOr<base::Hash128> DecodeDigest(std::string_view bytes);

}  // namespace tholos::coordinator
