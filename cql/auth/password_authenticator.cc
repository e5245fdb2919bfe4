#include "cql/auth/password_authenticator.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "base/coding.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "cql/auth/password_hash.h"
#include "cql/rows.h"

namespace tholos::cql::auth {
namespace {

using coordinator::ConsistencyLevel;

constexpr absl::Duration kReadTimeout = absl::Seconds(5);
constexpr absl::Duration kRetry = absl::Milliseconds(500);
constexpr size_t kKnownMax = 10'000;
constexpr size_t kSaltBytes = 16;
constexpr size_t kGeneratedBytes = 15;

constexpr std::string_view kStatements[] = {
    "CREATE KEYSPACE IF NOT EXISTS system_auth WITH replication = "
    "{'class': 'SimpleStrategy', 'replication_factor': 3}",
    "CREATE TABLE IF NOT EXISTS system_auth.roles (role text PRIMARY KEY, can_login boolean, "
    "is_superuser boolean, salted_hash text)"};

std::string RandomBytes(base::RandomStream& random, size_t count) {
  std::string bytes;
  while (bytes.size() < count) base::PutFixed64(&bytes, random.Next());
  bytes.resize(count);
  return bytes;
}

BoundValue Value(std::string bytes) {
  BoundValue value;
  value.value = std::move(bytes);
  return value;
}

// Who it was is not said: neither whether the role exists.
absl::Status Refused() {
  return absl::UnauthenticatedError("Provided username and/or password are incorrect");
}

}  // namespace

PasswordAuthenticator::PasswordAuthenticator(Deps deps)
    : deps_(deps), digest_key_([&] {
        base::RandomStream random = deps.random.Stream("password-digests");
        return RandomBytes(random, 32);
      }()) {}

absl::StatusOr<PasswordAuthenticator::Credentials> PasswordAuthenticator::ParsePlain(
    std::string_view token) {
  const size_t first = token.find('\0');
  const size_t second = first == std::string_view::npos ? first : token.find('\0', first + 1);
  if (second == std::string_view::npos) {
    return absl::UnauthenticatedError(
        "the answer to AUTHENTICATE is not in the form of SASL PLAIN");
  }
  Credentials credentials;
  credentials.role = token.substr(first + 1, second - first - 1);
  credentials.password = token.substr(second + 1);
  if (credentials.role.empty())
    return absl::UnauthenticatedError("Authentication ID must not be null");
  if (credentials.password.empty()) return absl::UnauthenticatedError("Password must not be null");
  return credentials;
}

base::Task<absl::Status> PasswordAuthenticator::MakeTables(base::Deadline deadline) {
  for (const std::string_view statement : kStatements) {
    QueryOptions options;
    options.deadline = deadline;
    auto made = co_await deps_.queries.Execute(std::string(statement), std::move(options));
    if (!made.ok()) co_return made.status();
  }
  co_return absl::OkStatus();
}

base::Task<absl::StatusOr<bool>> PasswordAuthenticator::HasRoles(base::Deadline deadline) {
  absl::Status last;
  // QUORUM, if it can be had: a node that has just joined has no roles of its own.
  for (const ConsistencyLevel level : {ConsistencyLevel::kQuorum, ConsistencyLevel::kOne}) {
    QueryOptions options;
    options.consistency = level;
    options.deadline = deadline;
    auto result =
        co_await deps_.queries.Execute("SELECT role FROM system_auth.roles LIMIT 1", options);
    if (result.ok()) co_return std::get<RowsResult>(result->result).row_count > 0;
    last = result.status();
  }
  co_return last;
}

base::Task<absl::Status> PasswordAuthenticator::Bootstrap(std::string superuser,
                                                          std::string password,
                                                          base::Deadline deadline) {
  while (true) {
    absl::Status status = co_await MakeTables(deadline);
    if (status.ok()) {
      auto has_roles = co_await HasRoles(deadline);
      status = has_roles.status();
      if (status.ok() && *has_roles) co_return absl::OkStatus();
    }
    if (status.ok()) break;
    if (deps_.clock.Now() + kRetry > deadline) co_return status;
    co_await base::SleepFor(kRetry);
  }
  base::RandomStream random = deps_.random.Stream("first-superuser");
  const bool made_up = password.empty();
  if (made_up) {
    password =
        base::ToStd(absl::WebSafeBase64Escape(base::ToAbsl(RandomBytes(random, kGeneratedBytes))));
  }
  QueryOptions options;
  options.consistency = ConsistencyLevel::kOne;
  options.deadline = deadline;
  options.values.push_back(Value(superuser));
  options.values.push_back(Value(HashPassword(password, RandomBytes(random, kSaltBytes))));
  // At the beginning of time: whatever was set by anybody wins.
  auto written = co_await deps_.queries.Execute(
      "INSERT INTO system_auth.roles (role, can_login, is_superuser, salted_hash) "
      "VALUES (?, true, true, ?) USING TIMESTAMP 1",
      std::move(options));
  if (!written.ok()) co_return written.status();
  deps_.log.Info("auth", base::StrCat("the first superuser is \"", superuser, "\"",
                                      made_up ? ", its password (shown this once) " : "",
                                      made_up ? password : ""));
  co_return absl::OkStatus();
}

base::Task<absl::StatusOr<std::string>> PasswordAuthenticator::ReadHash(std::string role,
                                                                        ConsistencyLevel level) {
  QueryOptions options;
  options.consistency = level;
  options.deadline = deps_.clock.Now() + kReadTimeout;
  options.values.push_back(Value(std::move(role)));
  auto result = co_await deps_.queries.Execute(
      "SELECT salted_hash, can_login FROM system_auth.roles WHERE role = ?", std::move(options));
  if (!result.ok()) co_return result.status();
  for (const auto& row : DecodeRows(std::get<RowsResult>(result->result))) {
    if (row[0].has_value() && row[1].has_value() && *row[1] == std::string_view("\x01")) {
      co_return *row[0];
    }
  }
  co_return std::string();
}

base::Task<absl::StatusOr<bool>> PasswordAuthenticator::Matches(std::string password,
                                                                std::string stored) {
  if (stored.empty()) co_return false;
  const std::string digest = PasswordDigest(digest_key_, password);
  {
    absl::MutexLock lock(&mutex_);
    const auto known = known_.find(stored);
    if (known != known_.end() && known->second == digest) co_return true;
  }
  base::Loop& home = base::Loop::Current();
  co_await base::SwitchTo(deps_.executor.background());
  auto matches = VerifyPassword(password, stored);
  co_await base::SwitchTo(home);
  if (matches.ok() && *matches) {
    absl::MutexLock lock(&mutex_);
    if (known_.size() >= kKnownMax) known_.clear();
    known_[stored] = digest;
  }
  co_return matches;
}

base::Task<absl::StatusOr<std::string>> PasswordAuthenticator::Authenticate(std::string token) {
  auto credentials = ParsePlain(token);
  if (!credentials.ok()) co_return credentials.status();
  std::string tried;
  for (const ConsistencyLevel level : {ConsistencyLevel::kLocalOne, ConsistencyLevel::kQuorum}) {
    auto stored = co_await ReadHash(credentials->role, level);
    if (!stored.ok()) {
      // What one replica says is enough to refuse if no more can be asked.
      if (level == ConsistencyLevel::kQuorum) break;
      co_return stored.status();
    }
    if (*stored == tried && level == ConsistencyLevel::kQuorum) break;
    tried = *stored;
    auto matches = co_await Matches(credentials->password, *stored);
    if (!matches.ok()) co_return matches.status();
    if (*matches) co_return std::move(credentials->role);
  }
  co_return Refused();
}

}  // namespace tholos::cql::auth
