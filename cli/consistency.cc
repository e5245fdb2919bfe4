#include "cli/consistency.h"

#include "cli/options.h"
#include "coordinator/consistency.h"

namespace tholos::cli {

tholos::v1::Consistency ToProtoConsistency(const std::string& name) {
  const auto level = coordinator::ConsistencyFromName(name);
  if (!level.ok()) Fail(std::string(level.status().message()));
  return static_cast<tholos::v1::Consistency>(static_cast<int>(*level) + 1);
}

}  // namespace tholos::cli
