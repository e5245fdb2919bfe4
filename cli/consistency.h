// Consistency levels on the command line.
#pragma once

#include <string>

#include "proto/tholos/v1/tholos.pb.h"

namespace tholos::cli {

// "quorum", "LOCAL_ONE", ...; ends the command if there is no such level.
tholos::v1::Consistency ToProtoConsistency(const std::string& name);

}  // namespace tholos::cli
