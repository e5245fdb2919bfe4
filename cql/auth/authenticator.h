// Who a client is. The server asks an Authenticator once for each connection; what the role may do
// is not asked yet: every role may do everything.
//
//   AllowAll                nobody is asked
//   PasswordAuthenticator   name and password (SASL PLAIN), checked against system_auth.roles
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/async/task.h"

namespace tholos::cql::auth {

// Usable from every shard.
class Authenticator {
 public:
  virtual ~Authenticator() = default;

  // What drivers are told: they choose how to answer by the name of Cassandra's class. Empty: no
  // authentication.
  virtual std::string_view class_name() const = 0;
  // The role that `token` (the client's whole answer) proves to be. kUnauthenticated if it does
  // not; any other error means that it could not be found out.
  virtual base::Task<absl::StatusOr<std::string>> Authenticate(std::string token) = 0;
};

// Everybody is "anonymous".
std::unique_ptr<Authenticator> AllowAll();

}  // namespace tholos::cql::auth
