// A connection to one node, and its errors in words.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "cli/options.h"
#include "proto/tholos/v1/admin.grpc.pb.h"
#include "proto/tholos/v1/tholos.grpc.pb.h"

namespace tholos::cli {

class Connection {
 public:
  // Does not connect yet. Ends the command if `host` is not HOST[:PORT].
  explicit Connection(const GlobalOptions& options);

  tholos::v1::Tholos::Stub& cql() { return *cql_; }
  tholos::v1::Admin::Stub& admin() { return *admin_; }
  const std::string& target() const { return target_; }

  // Gives `context` the request deadline.
  void SetDeadline(grpc::ClientContext* context) const;

  // "UNAVAILABLE: cannot reach 127.0.0.1:9043: ..." or the server's own message.
  std::string Explain(const grpc::Status& status) const;

 private:
  absl::Duration timeout_;
  std::string target_;
  std::unique_ptr<tholos::v1::Tholos::Stub> cql_;
  std::unique_ptr<tholos::v1::Admin::Stub> admin_;
};

// HOST or HOST:PORT with the default port filled in.
std::string CompleteTarget(const std::string& host);

// "UNAVAILABLE", ...
std::string CodeName(int grpc_code);

}  // namespace tholos::cli
