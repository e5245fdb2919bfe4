// Names and passwords, kept in a table of the cluster itself:
//
//   system_auth.roles (role text PRIMARY KEY, can_login boolean, is_superuser boolean,
//                      salted_hash text)
//
// The keyspace has three copies. A role is read at LOCAL_ONE first; one that is not there, or whose
// password does not match, is read again at QUORUM before it is refused, so that a replica that
// missed a change locks nobody out.
//
// The client's token is SASL PLAIN: <role to act as> 0x00 <role> 0x00 <password>. Passwords are
// checked on a background loop (password_hash.h); that a password was right for a stored hash is
// remembered in memory as a keyed digest, so clients that reconnect in numbers cost a read each.
#pragma once

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "base/executor.h"
#include "base/log.h"
#include "base/random.h"
#include "cql/auth/authenticator.h"
#include "cql/query_processor.h"

namespace tholos::cql::auth {

class PasswordAuthenticator final : public Authenticator {
 public:
  // All outlive the authenticator.
  struct Deps {
    const base::Clock& clock;
    base::Executor& executor;
    base::Random& random;
    base::Log& log;
    QueryProcessor& queries;
  };
  explicit PasswordAuthenticator(Deps deps);

  // On a shard, before clients come: makes keyspace and table if they are missing, and the first
  // superuser if there are no roles at all. An empty `password`: one is made up and shown in the
  // log, once. Waits for other nodes as long as they are needed and `deadline` allows.
  base::Task<absl::Status> Bootstrap(std::string superuser, std::string password,
                                     base::Deadline deadline);

  std::string_view class_name() const override {
    return "org.apache.cassandra.auth.PasswordAuthenticator";
  }
  base::Task<absl::StatusOr<std::string>> Authenticate(std::string token) override;

 private:
  struct Credentials {
    std::string role;
    std::string password;
  };
  static absl::StatusOr<Credentials> ParsePlain(std::string_view token);
  base::Task<absl::Status> MakeTables(base::Deadline deadline);
  base::Task<absl::StatusOr<bool>> HasRoles(base::Deadline deadline);
  // The stored hash of a role that may log in; empty if there is none.
  base::Task<absl::StatusOr<std::string>> ReadHash(std::string role,
                                                   coordinator::ConsistencyLevel level);
  base::Task<absl::StatusOr<bool>> Matches(std::string password, std::string stored);

  const Deps deps_;
  const std::string digest_key_;  // of this process
  absl::Mutex mutex_;
  absl::flat_hash_map<std::string, std::string> known_ ABSL_GUARDED_BY(mutex_);  // hash -> digest
};

}  // namespace tholos::cql::auth
