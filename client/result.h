// What a statement gives: one page of rows, or the news of a change.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/check.h"
#include "base/strings.h"
#include "base/uuid.h"
#include "client/value.h"
#include "data/types/data_type.h"

namespace tholos::client {

struct Column {
  std::string keyspace;
  std::string table;
  std::string name;
  data::DataType type;
};

// The columns of a page, shared by all pages and results of a prepared statement.
using Columns = std::shared_ptr<const std::vector<Column>>;

// One row, by value; it refers to the page's bytes, so the Result (or a copy of it) must live on.
class Row {
 public:
  size_t size() const { return values_.size(); }
  const std::vector<Column>& columns() const { return *columns_; }

  // The value of a column by its number (from 0) or its name. For T see client/value.h; null goes
  // into a std::optional<T> only. kInvalid (base/errors.h) names the column and says what is wrong.
  template <typename T>
  absl::StatusOr<T> Get(size_t column) const {
    T out{};
    absl::Status status = Check(column);
    if (status.ok()) status = Read(column, &out);
    if (!status.ok()) return InColumn(column, status);
    return out;
  }
  template <typename T>
  absl::StatusOr<T> Get(std::string_view name) const {
    return Get<T>(Find(name));
  }
  // The same for programs that know their schema: ends the program if Get fails.
  template <typename T, typename Which>
  T At(Which column) const {
    absl::StatusOr<T> value = Get<T>(column);
    THOLOS_CHECK(value.ok()) << base::ToStd(value.status().message());
    return *std::move(value);
  }

  // The bytes of the CQL native protocol; nothing: null. Requires column < size().
  std::optional<std::string_view> raw(size_t column) const { return values_[column]; }
  // As CQL writes it: 'it''s', 42, null. Requires column < size().
  std::string ToCql(size_t column) const;

 private:
  friend class Result;
  template <typename T>
  absl::Status Read(size_t column, T* out) const {
    if (!values_[column].has_value()) return internal::IsNull();
    return Decode((*columns_)[column].type, *values_[column], out);
  }
  template <typename T>
  absl::Status Read(size_t column, std::optional<T>* out) const {
    if (values_[column].has_value()) return Read(column, &out->emplace());
    return absl::OkStatus();
  }
  size_t Find(std::string_view name) const;  // size() if there is none
  absl::Status Check(size_t column) const;
  absl::Status InColumn(size_t column, const absl::Status& status) const;

  const std::vector<Column>* columns_ = nullptr;
  std::vector<std::optional<std::string_view>> values_;
};

struct SchemaChange {
  std::string change;  // CREATED, UPDATED, DROPPED
  std::string target;  // KEYSPACE, TABLE, TYPE
  std::string keyspace;
  std::string name;  // of the table or type
};

// A value; rows are read with a for loop:
//
//   for (const Row& row : result) Use(row.Get<std::string>("name"));
class Result {
 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Row;
    using difference_type = std::ptrdiff_t;
    using pointer = const Row*;
    using reference = const Row&;

    const Row& operator*() const { return row_; }
    const Row* operator->() const { return &row_; }
    Iterator& operator++();
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.left_ == b.left_; }

    Iterator() = default;  // the end of every result

   private:
    friend class Result;
    explicit Iterator(const Result& result);
    void Take();
    Row row_;
    std::string_view rest_;
    uint32_t left_ = 0;  // rows from this one on
  };

  Result() = default;
  // `rows` as in RowsPage.raw_rows, checked by CheckRows.
  Result(Columns columns, std::string rows, uint32_t row_count)
      : columns_(std::move(columns)),
        rows_(std::make_shared<const std::string>(std::move(rows))),
        row_count_(row_count) {}

  Iterator begin() const { return Iterator(*this); }
  Iterator end() const { return Iterator(); }
  // Null unless the statement gives rows.
  const Columns& columns() const { return columns_; }
  uint32_t row_count() const { return row_count_; }
  // The first row; kNotFound if there is none.
  absl::StatusOr<Row> One() const;

  // Statement::paging_state of the next page; empty: this was the last one.
  std::string paging_state;
  std::vector<std::string> warnings;
  std::optional<base::Uuid> tracing_id;
  std::optional<SchemaChange> schema_change;
  // Answer to USE. The client does not keep it: see Options::keyspace, Statement::keyspace.
  std::string set_keyspace;
  std::string node;  // that answered: "127.0.0.1:9043"

 private:
  Columns columns_;
  std::shared_ptr<const std::string> rows_;  // does not move, so that rows may refer to it
  uint32_t row_count_ = 0;
};

// OK if `rows` are so many rows of so many columns; kDataLoss if not. Result trusts its bytes.
absl::Status CheckRows(std::string_view rows, size_t columns, uint32_t row_count);

}  // namespace tholos::client
