// Pages of rows as text.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/tholos/v1/tholos.pb.h"

namespace tholos::cli {

// The values of a page as people read them, row by row; null is "null". `page` as of RenderPage.
absl::StatusOr<std::vector<std::vector<std::string>>> TextRows(const tholos::v1::RowsPage& page);

// DESCRIBE's answers, whose last column is create_statement, become the statements themselves, so
// that they can be run again. `page` is in ROW_FORMAT_RAW with its columns. kDataLoss if its bytes
// are malformed.
absl::StatusOr<std::string> RenderPage(const tholos::v1::RowsPage& page, bool expanded);
// Of such an answer's first page.
bool IsDescription(const tholos::v1::RowsPage& page);

}  // namespace tholos::cli
