// The operator's log of the server program, on standard error.
#pragma once

#include <memory>
#include <string>

#include "base/log.h"

namespace tholos::node {

// `level`: debug, info, warn or error. Thread-safe.
std::unique_ptr<base::Log> MakeProcessLog(const std::string& level);

}  // namespace tholos::node
