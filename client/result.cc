#include "client/result.h"

#include <algorithm>

#include "base/coding.h"
#include "base/errors.h"

namespace tholos::client {
namespace {

// One value, with its length taken off; the bytes were checked.
std::optional<std::string_view> TakeValue(std::string_view* rest) {
  const auto length = static_cast<int32_t>(base::LoadBigEndian32(rest->data()));
  rest->remove_prefix(4);
  if (length < 0) return std::nullopt;
  const std::string_view value = rest->substr(0, static_cast<size_t>(length));
  rest->remove_prefix(value.size());
  return value;
}

}  // namespace

std::string Row::ToCql(size_t column) const {
  if (!values_[column].has_value()) return "null";
  return (*columns_)[column].type.ToCqlLiteral(*values_[column]);
}

size_t Row::Find(std::string_view name) const {
  const auto found = std::find_if(columns_->begin(), columns_->end(),
                                  [&](const Column& column) { return column.name == name; });
  return static_cast<size_t>(found - columns_->begin());
}

absl::Status Row::Check(size_t column) const {
  if (column < values_.size()) return absl::OkStatus();
  return base::InvalidRequest("there is no such column");
}

absl::Status Row::InColumn(size_t column, const absl::Status& status) const {
  if (column >= values_.size()) {
    std::string names;
    for (const Column& each : *columns_)
      base::StrAppend(&names, names.empty() ? "" : ", ", each.name);
    return base::InvalidRequest(base::StrCat("there is no such column; there are: ", names));
  }
  return base::InvalidRequest(
      base::StrCat("column ", (*columns_)[column].name, ": ", base::ToStd(status.message())));
}

Result::Iterator::Iterator(const Result& result) : left_(result.row_count_) {
  if (left_ == 0) return;
  rest_ = *result.rows_;
  row_.columns_ = result.columns_.get();
  row_.values_.resize(result.columns_->size());
  Take();
}

void Result::Iterator::Take() {
  for (auto& value : row_.values_) value = TakeValue(&rest_);
}

Result::Iterator& Result::Iterator::operator++() {
  if (--left_ > 0) Take();
  return *this;
}

absl::StatusOr<Row> Result::One() const {
  if (row_count_ == 0) return absl::NotFoundError("the result has no row");
  return *begin();
}

absl::Status CheckRows(std::string_view rows, size_t columns, uint32_t row_count) {
  base::Reader in(rows);
  for (uint64_t left = uint64_t{row_count} * columns; left > 0 && in.ok(); --left) {
    const std::string_view prefix = in.Raw(4);
    if (!in.ok()) break;
    const auto length = static_cast<int32_t>(base::LoadBigEndian32(prefix.data()));
    if (length > 0) in.Raw(static_cast<size_t>(length));
  }
  if (in.AtEnd()) return absl::OkStatus();
  return absl::DataLossError("the rows of an answer are malformed");
}

}  // namespace tholos::client
