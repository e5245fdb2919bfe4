#include "cql/paging.h"

#include <limits>

#include "base/checksum.h"
#include "base/coding.h"
#include "base/errors.h"

namespace tholos::cql {
namespace {

constexpr uint8_t kVersion = 1;
constexpr uint8_t kHasPartition = 1;
constexpr uint8_t kHasClustering = 2;
constexpr uint8_t kHasRemaining = 4;
constexpr uint8_t kHasToken = 8;
constexpr size_t kChecksumBytes = 8;

uint32_t Read32(base::Reader& in) {
  const uint64_t v = in.Varint();
  if (v > std::numeric_limits<uint32_t>::max()) in.Fail();
  return static_cast<uint32_t>(v);
}

std::string ReadKey(base::Reader& in) {
  const std::string_view key = in.Bytes();
  if (key.size() > data::kKeyBytesMax) in.Fail();
  return std::string(key);
}

}  // namespace

std::string EncodePagingState(const PagingState& state, uint64_t statement_hash) {
  std::string out;
  const bool clustering = state.after && state.after->clustering;
  base::PutU8(&out, kVersion);
  const bool token = state.after && !clustering && state.after->key.key.empty();
  const uint8_t place = token ? kHasToken : state.after ? kHasPartition : 0;
  base::PutU8(&out,
              place | (clustering ? kHasClustering : 0) | (state.remaining ? kHasRemaining : 0));
  base::PutVarint(&out, state.key_index);
  base::PutVarint(&out, state.partition_rows);
  if (state.remaining) base::PutVarint(&out, *state.remaining);
  if (place == kHasPartition) base::PutBytes(&out, state.after->key.key);
  if (clustering) base::PutBytes(&out, *state.after->clustering);
  if (token) base::PutFixed64(&out, static_cast<uint64_t>(state.after->key.token));
  base::PutFixed64(&out, base::Checksum64(out, statement_hash));
  return out;
}

absl::StatusOr<PagingState> DecodePagingState(std::string_view bytes, uint64_t statement_hash) {
  const absl::Status bad =
      base::InvalidRequest("the paging state is damaged or belongs to another statement");
  if (bytes.size() < kChecksumBytes || bytes.size() > kPagingStateBytesMax) return bad;
  const std::string_view body = bytes.substr(0, bytes.size() - kChecksumBytes);
  if (base::LoadFixed64(bytes.data() + body.size()) != base::Checksum64(body, statement_hash)) {
    return bad;
  }
  base::Reader in(body);
  if (in.U8() != kVersion) return bad;
  const uint8_t flags = in.U8();
  if (flags > (kHasRemaining | kHasPartition | kHasClustering) &&
      (flags & ~kHasRemaining) != kHasToken)
    return bad;
  PagingState state;
  state.key_index = Read32(in);
  state.partition_rows = Read32(in);
  if (flags & kHasRemaining) state.remaining = in.Varint();
  if (flags & kHasPartition) state.after = data::Position{data::DecoratedKey::Of(ReadKey(in)), {}};
  if (flags & kHasClustering) {
    if (!state.after) return bad;
    state.after->clustering = ReadKey(in);
  }
  if (flags & kHasToken)
    state.after = data::Position{{static_cast<data::Token>(in.Fixed64()), ""}, {}};
  if (!in.AtEnd()) return bad;
  return state;
}

}  // namespace tholos::cql
