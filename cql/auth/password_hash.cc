#include "cql/auth/password_hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "base/check.h"
#include "base/strings.h"

namespace tholos::cql::auth {
namespace {

constexpr size_t kHashBytes = 32;
constexpr size_t kSaltBytesMax = 64;
constexpr uint64_t kMemoryMax = 80u << 20;  // scrypt's 128 * N * r and a little more

struct Parameters {
  int log_n = 14;
  int r = 8;
  int p = 1;
};

bool Acceptable(const Parameters& parameters) {
  return parameters.log_n >= 1 && parameters.log_n <= 16 && parameters.r >= 1 &&
         parameters.r <= 8 && parameters.p >= 1 && parameters.p <= 4;
}

std::string Scrypt(std::string_view password, std::string_view salt, const Parameters& parameters) {
  std::string hash(kHashBytes, '\0');
  const int done = EVP_PBE_scrypt(
      password.data(), password.size(), reinterpret_cast<const unsigned char*>(salt.data()),
      salt.size(), uint64_t{1} << parameters.log_n, static_cast<uint64_t>(parameters.r),
      static_cast<uint64_t>(parameters.p), kMemoryMax,
      reinterpret_cast<unsigned char*>(hash.data()), hash.size());
  THOLOS_CHECK(done == 1) << "scrypt";
  return hash;
}

std::string Hex(std::string_view bytes) { return absl::BytesToHexString(base::ToAbsl(bytes)); }

}  // namespace

std::string HashPassword(std::string_view password, std::string_view salt) {
  const Parameters parameters;
  return base::StrCat("scrypt$", parameters.log_n, "$", parameters.r, "$", parameters.p, "$",
                      Hex(salt), "$", Hex(Scrypt(password, salt, parameters)));
}

absl::StatusOr<bool> VerifyPassword(std::string_view password, std::string_view stored) {
  const std::vector<std::string> parts = absl::StrSplit(base::ToAbsl(stored), '$');
  Parameters parameters;
  if (parts.size() != 6 || parts[0] != "scrypt" || !absl::SimpleAtoi(parts[1], &parameters.log_n) ||
      !absl::SimpleAtoi(parts[2], &parameters.r) || !absl::SimpleAtoi(parts[3], &parameters.p) ||
      !Acceptable(parameters) || parts[4].size() > 2 * kSaltBytesMax ||
      parts[5].size() != 2 * kHashBytes) {
    return absl::DataLossError("a stored password hash is malformed");
  }
  const std::string salt = absl::HexStringToBytes(parts[4]);
  const std::string hash = Scrypt(password, salt, parameters);
  const std::string expected = absl::HexStringToBytes(parts[5]);
  return CRYPTO_memcmp(hash.data(), expected.data(), hash.size()) == 0;
}

std::string PasswordDigest(std::string_view key, std::string_view password) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(password.data()), password.size(), digest, &length);
  return std::string(reinterpret_cast<const char*>(digest), length);
}

}  // namespace tholos::cql::auth
