#include "cql/auth/authenticator.h"

namespace tholos::cql::auth {
namespace {

class AllowAllAuthenticator final : public Authenticator {
 public:
  std::string_view class_name() const override { return ""; }
  base::Task<absl::StatusOr<std::string>> Authenticate(std::string) override {
    co_return std::string("anonymous");
  }
};

}  // namespace

std::unique_ptr<Authenticator> AllowAll() { return std::make_unique<AllowAllAuthenticator>(); }

}  // namespace tholos::cql::auth
