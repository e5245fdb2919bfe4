#include "cql/auth/password_hash.h"

#include "gtest/gtest.h"

namespace tholos::cql::auth {
namespace {

TEST(PasswordHash, OnlyThePasswordMatches) {
  const std::string stored = HashPassword("correct horse", "0123456789abcdef");
  EXPECT_TRUE(stored.starts_with("scrypt$14$8$1$30313233343536373839616263646566$")) << stored;
  EXPECT_TRUE(*VerifyPassword("correct horse", stored));
  EXPECT_FALSE(*VerifyPassword("correct horse ", stored));
  EXPECT_FALSE(*VerifyPassword("", stored));
  EXPECT_NE(stored, HashPassword("correct horse", "0123456789abcdeF"));
}

TEST(PasswordHash, ScryptIsThatOfRfc7914) {
  // Section 12, the third vector's first half: N = 16384, r = 8, p = 1.
  EXPECT_TRUE(*VerifyPassword("pleaseletmein",
                              "scrypt$14$8$1$536f6469756d43686c6f72696465$"
                              "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"));
}

TEST(PasswordHash, MalformedHashesAreRefused) {
  const std::string hash(64, 'a');
  for (const std::string& stored :
       {std::string(), std::string("scrypt"), "bcrypt$14$8$1$00$" + hash,
        "scrypt$30$8$1$00$" + hash, "scrypt$14$9999$1$00$" + hash, "scrypt$14$8$-1$00$" + hash,
        "scrypt$14$8$1$00$" + hash.substr(1), "scrypt$14$8$1$00$" + hash + "$"}) {
    EXPECT_EQ(VerifyPassword("p", stored).status().code(), absl::StatusCode::kDataLoss) << stored;
  }
}

TEST(PasswordHash, DigestsDependOnKeyAndPassword) {
  EXPECT_EQ(PasswordDigest("k", "p"), PasswordDigest("k", "p"));
  EXPECT_NE(PasswordDigest("k", "p"), PasswordDigest("l", "p"));
  EXPECT_NE(PasswordDigest("k", "p"), PasswordDigest("k", "q"));
}

}  // namespace
}  // namespace tholos::cql::auth
