#include "cql/paging.h"

#include "base/checksum.h"
#include "base/coding.h"
#include "base/errors.h"
#include "gtest/gtest.h"

namespace tholos::cql {
namespace {

constexpr uint64_t kHash = 0x1234;

std::vector<PagingState> Examples() {
  PagingState plain;
  PagingState limited;
  limited.remaining = 0;
  PagingState partition;
  partition.key_index = 999;
  partition.partition_rows = 0xFFFFFFFF;
  partition.remaining = ~uint64_t{0};
  partition.after = data::Position{data::DecoratedKey::Of("key"), std::nullopt};
  PagingState row = partition;
  row.after->clustering = std::string("\0c", 2);
  PagingState empty_clustering = partition;
  empty_clustering.after->clustering = "";
  PagingState large;
  large.after = data::Position{data::DecoratedKey::Of(std::string(data::kKeyBytesMax, 'k')),
                               std::string(data::kKeyBytesMax, 'c')};
  PagingState token = limited;
  token.after = data::Position{{-77, ""}, std::nullopt};
  PagingState first_token;
  first_token.after = data::Position{{data::kMinToken + 1, ""}, std::nullopt};
  return {plain, limited, partition, row, empty_clustering, large, token, first_token};
}

TEST(PagingState, RoundTrips) {
  for (const PagingState& state : Examples()) {
    const std::string bytes = EncodePagingState(state, kHash);
    EXPECT_LE(bytes.size(), kPagingStateBytesMax);
    const absl::StatusOr<PagingState> decoded = DecodePagingState(bytes, kHash);
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    EXPECT_EQ(*decoded, state);
  }
}

TEST(PagingState, RefusesEveryOtherByteAndLength) {
  const std::string bytes = EncodePagingState(Examples()[3], kHash);
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    const absl::Status status = DecodePagingState(damaged, kHash).status();
    ASSERT_TRUE(base::GetRequestError(status).has_value()) << i;
    EXPECT_EQ(base::GetRequestError(status)->kind, base::RequestErrorKind::kInvalid);
    EXPECT_FALSE(DecodePagingState(bytes.substr(0, i), kHash).ok()) << i;
  }
  EXPECT_FALSE(DecodePagingState(bytes + "x", kHash).ok());
  EXPECT_FALSE(DecodePagingState(std::string(kPagingStateBytesMax + 1, 'x'), kHash).ok());
}

TEST(PagingState, BelongsToItsStatement) {
  EXPECT_FALSE(DecodePagingState(EncodePagingState(Examples()[0], kHash), kHash + 1).ok());
}

// Contents that no encoder makes, under a right checksum.
TEST(PagingState, RefusesBadContents) {
  const auto sealed = [](std::string body) {
    base::PutFixed64(&body, base::Checksum64(body, kHash));
    return body;
  };
  EXPECT_TRUE(DecodePagingState(sealed(std::string("\x01\x00\x00\x00", 4)), kHash).ok());
  EXPECT_FALSE(DecodePagingState(sealed(std::string("\x02\x00\x00\x00", 4)), kHash).ok());
  EXPECT_FALSE(DecodePagingState(sealed(std::string("\x01\x08\x00\x00", 4)), kHash).ok());
  EXPECT_FALSE(DecodePagingState(sealed(std::string("\x01\x02\x00\x00\x01"
                                                    "c",
                                                    6)),
                                 kHash)
                   .ok());
  EXPECT_FALSE(DecodePagingState(sealed(std::string("\x01\x01\x00\x00\x05"
                                                    "k",
                                                    6)),
                                 kHash)
                   .ok());
  EXPECT_FALSE(DecodePagingState(sealed(std::string("\x01\x00\x00\x00\x00", 5)), kHash).ok());
  // A token stands for a partition and its clustering key: not beside them.
  const std::string token(8, '\x07');
  EXPECT_TRUE(DecodePagingState(sealed(std::string("\x01\x08\x00\x00", 4) + token), kHash).ok());
  EXPECT_FALSE(
      DecodePagingState(sealed(std::string("\x01\x09\x00\x00\x01k", 6) + token), kHash).ok());
  EXPECT_FALSE(DecodePagingState(sealed(std::string("\x01\x18\x00\x00", 4) + token), kHash).ok());
}

}  // namespace
}  // namespace tholos::cql
