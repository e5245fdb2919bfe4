#include "coordinator/digest.h"

#include "base/coding.h"
#include "coordinator/expiry_faults.h"

namespace tholos::coordinator {

base::Hash128 AnswerDigest(const data::ReadResult& result, const Faults& faults) {
  if (!faults.digest_ignores_column && !faults.digest_ignores_expiry) return data::DigestOf(result);
  data::ReadResult less = result;
  if (faults.digest_ignores_expiry) {
    ForgetExpiry(&less);
    return data::DigestOf(less);
  }
  for (data::Partition& partition : less.partitions) {
    for (data::Row& row : partition.rows) {
      if (!row.cells.empty()) row.cells.pop_back();
    }
  }
  return data::DigestOf(less);
}

std::string EncodeDigest(const base::Hash128& digest) {
  std::string bytes;
  base::PutFixed64(&bytes, digest.low);
  base::PutFixed64(&bytes, digest.high);
  return bytes;
}

absl::StatusOr<base::Hash128> DecodeDigest(std::string_view bytes) {
  base::Reader in(bytes);
  base::Hash128 digest;
  digest.low = in.Fixed64();
  digest.high = in.Fixed64();
  if (!in.AtEnd()) return absl::DataLossError("malformed digest");
  return digest;
}

}  // namespace tholos::coordinator
