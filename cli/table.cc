#include "cli/table.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace tholos::cli {
namespace {

// Control characters would break the frame (or the terminal).
std::string Printable(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      absl::StrAppendFormat(&out, "\\x%02x", byte);
    } else {
      out += c;
    }
  }
  return out;
}

struct Layout {
  std::vector<size_t> widths;
  std::vector<std::vector<std::string>> cells;
};

Layout Measure(const std::vector<TableColumn>& columns,
               const std::vector<std::vector<std::string>>& rows) {
  Layout layout;
  for (const TableColumn& column : columns) layout.widths.push_back(DisplayWidth(column.name));
  for (const auto& row : rows) {
    auto& cells = layout.cells.emplace_back();
    for (size_t i = 0; i < columns.size(); ++i) {
      cells.push_back(Printable(row[i]));
      layout.widths[i] = std::max(layout.widths[i], DisplayWidth(cells.back()));
    }
  }
  return layout;
}

void AppendPadded(const std::string& text, size_t width, bool right, bool last, std::string* out) {
  const size_t padding = width - std::min(width, DisplayWidth(text));
  if (right) out->append(padding, ' ');
  *out += text;
  if (!right && !last) out->append(padding, ' ');
}

}  // namespace

size_t DisplayWidth(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string RenderTable(const std::vector<TableColumn>& columns,
                        const std::vector<std::vector<std::string>>& rows) {
  const Layout layout = Measure(columns, rows);
  std::string out;
  const size_t n = columns.size();
  for (size_t i = 0; i < n; ++i) {
    out += i == 0 ? " " : " | ";
    AppendPadded(columns[i].name, layout.widths[i], columns[i].right_aligned, i + 1 == n, &out);
  }
  out += '\n';
  for (size_t i = 0; i < n; ++i) {
    if (i > 0) out += '+';
    out.append(layout.widths[i] + 2, '-');
  }
  out += '\n';
  for (const auto& row : layout.cells) {
    for (size_t i = 0; i < n; ++i) {
      out += i == 0 ? " " : " | ";
      AppendPadded(row[i], layout.widths[i], columns[i].right_aligned, i + 1 == n, &out);
    }
    out += '\n';
  }
  return out;
}

std::string RenderListing(const std::vector<TableColumn>& columns,
                          const std::vector<std::vector<std::string>>& rows) {
  const Layout layout = Measure(columns, rows);
  std::string out;
  const size_t n = columns.size();
  auto line = [&](const auto& text_of) {
    for (size_t i = 0; i < n; ++i) {
      if (i > 0) out += "  ";
      AppendPadded(text_of(i), layout.widths[i], columns[i].right_aligned, i + 1 == n, &out);
    }
    out += '\n';
  };
  line([&](size_t i) { return columns[i].name; });
  for (const auto& row : layout.cells) line([&](size_t i) { return row[i]; });
  return out;
}

std::string RenderExpanded(const std::vector<TableColumn>& columns,
                           const std::vector<std::vector<std::string>>& rows) {
  const Layout layout = Measure(columns, rows);
  size_t width = 0;
  for (const TableColumn& column : columns) width = std::max(width, DisplayWidth(column.name));
  std::string out;
  for (size_t r = 0; r < rows.size(); ++r) {
    absl::StrAppend(&out, "@ Row ", r + 1, "\n");
    for (size_t i = 0; i < columns.size(); ++i) {
      out += ' ';
      AppendPadded(columns[i].name, width, false, false, &out);
      absl::StrAppend(&out, " | ", layout.cells[r][i], "\n");
    }
  }
  return out;
}

std::string FormatBytes(double bytes) {
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  int unit = 0;
  while (bytes >= 1024 && unit < 4) {
    bytes /= 1024;
    ++unit;
  }
  return unit == 0 ? absl::StrFormat("%.0f B", bytes)
                   : absl::StrFormat("%.1f %s", bytes, kUnits[unit]);
}

std::string FormatCount(uint64_t n) {
  std::string digits = absl::StrCat(n);
  for (int i = static_cast<int>(digits.size()) - 3; i > 0; i -= 3) digits.insert(i, ",");
  return digits;
}

}  // namespace tholos::cli
