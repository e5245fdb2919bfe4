// HELP of the shell.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace tholos::cli {

// In upper case: commands of the shell and CQL statements.
std::vector<std::string> HelpTopics();

// The text of a topic, in any case of letters; of all topics for "". kNotFound names the topic and
// those that begin alike.
absl::StatusOr<std::string> HelpOn(std::string_view topic);

}  // namespace tholos::cli
