// Text tables for people.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tholos::cli {

struct TableColumn {
  std::string name;
  bool right_aligned = false;
};

//    name  | size
//   -------+------
//    0ad   |   12
//
// Width counts characters (UTF-8), not bytes; control characters are shown as escapes.
std::string RenderTable(const std::vector<TableColumn>& columns,
                        const std::vector<std::vector<std::string>>& rows);

// Columns of text padded with spaces, two apart, no frame: for status-like listings.
std::string RenderListing(const std::vector<TableColumn>& columns,
                          const std::vector<std::vector<std::string>>& rows);

// How many columns of a terminal the text takes, one per character.
size_t DisplayWidth(std::string_view text);

// One field a line, for rows that are wider than the screen.
std::string RenderExpanded(const std::vector<TableColumn>& columns,
                           const std::vector<std::vector<std::string>>& rows);

// "12.3 MiB"
std::string FormatBytes(double bytes);
// "63,666"
std::string FormatCount(uint64_t n);

}  // namespace tholos::cli
