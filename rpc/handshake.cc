#include "rpc/handshake.h"

#include <algorithm>

#include "base/strings.h"

namespace tholos::rpc {
namespace {

std::string Describe(const Versions& versions) {
  if (versions.oldest == versions.newest) return base::StrCat("version ", versions.newest);
  return base::StrCat("versions ", versions.oldest, " to ", versions.newest);
}

absl::Status CheckClusters(const std::string& self, const std::string& own,
                           const std::string& other) {
  if (own == other) return absl::OkStatus();
  return absl::FailedPreconditionError(
      base::StrCat(self, " belongs to cluster '", own, "', not '", other, "'"));
}

}  // namespace

absl::StatusOr<uint32_t> Agree(const Party& self, const Party& peer) {
  if (absl::Status same = CheckClusters(self.name, self.cluster_name, peer.cluster_name);
      !same.ok())
    return same;
  if (peer.versions.oldest > peer.versions.newest) {
    return absl::InvalidArgumentError(
        base::StrCat("a greeting with impossible versions: ", Describe(peer.versions)));
  }
  const uint32_t version = std::min(self.versions.newest, peer.versions.newest);
  if (version >= self.versions.oldest && version >= peer.versions.oldest) return version;
  return absl::FailedPreconditionError(base::StrCat(self.name, " speaks ", Describe(self.versions),
                                                    " of the internode protocol, ", peer.name, " ",
                                                    Describe(peer.versions)));
}

absl::Status CheckAgreed(const Party& self, const std::string& peer_cluster_name,
                         uint32_t version) {
  if (absl::Status same = CheckClusters(self.name, self.cluster_name, peer_cluster_name);
      !same.ok()) {
    return same;
  }
  if (version >= self.versions.oldest && version <= self.versions.newest) return absl::OkStatus();
  return absl::FailedPreconditionError(base::StrCat("the peer chose version ", version,
                                                    " of the internode protocol, ", self.name,
                                                    " speaks ", Describe(self.versions)));
}

}  // namespace tholos::rpc
