// The rules for the values of single table options; for table_options.cc. All errors are
// kInvalidArgument in Cassandra's words.
#pragma once

#include "absl/status/status.h"
#include "data/schema/table_options.h"

namespace tholos::data {

// A map as a statement gives it becomes the one that is kept: classes with their packages, defaults
// that Cassandra writes out added.
absl::Status CompleteCompaction(OptionMap* options);
absl::Status CompleteCompression(OptionMap* options);
absl::Status CompleteCaching(OptionMap* options);
// "99PERCENTILE", "99.0p", "50MS", "always": as Cassandra shows them.
absl::Status CompleteSpeculation(std::string_view option, std::string* value);

// Each option for itself.
absl::Status ValidateEachOption(const TableSchema& table);

}  // namespace tholos::data
