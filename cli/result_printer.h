// Pages of rows as text.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "proto/tholos/v1/tholos.pb.h"

namespace tholos::cli {

// DESCRIBE's answers, whose last column is create_statement, become the statements themselves, so
// that they can be run again. `page` is in ROW_FORMAT_RAW with its columns. kDataLoss if its bytes
// are malformed.
absl::StatusOr<std::string> RenderPage(const tholos::v1::RowsPage& page, bool expanded);

}  // namespace tholos::cli
