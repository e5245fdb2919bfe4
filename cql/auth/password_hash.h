// Passwords as they are stored: "scrypt$<log2 N>$<r>$<p>$<salt>$<hash>", salt and hash in
// hexadecimal. scrypt (RFC 7914) with N = 2^14, r = 8, p = 1 takes 16 MiB and some 40 ms for each
// guess; a stored hash says its own parameters, so they can be raised later.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace tholos::cql::auth {

// `salt`: 16 random bytes. Takes as long as a guess: not for a shard's loop.
std::string HashPassword(std::string_view password, std::string_view salt);
// kDataLoss if `stored` is malformed, or asks for more work than 64 MiB and p = 4.
absl::StatusOr<bool> VerifyPassword(std::string_view password, std::string_view stored);

// HMAC-SHA-256: for remembering in memory that a password was right, without the password.
std::string PasswordDigest(std::string_view key, std::string_view password);

}  // namespace tholos::cql::auth
