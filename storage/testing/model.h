// What a table must show, computed the dumb way: every mutation ever applied is kept, and a read
// looks at all of them. Shares no code with the engine nor with the merge law.
//
// Timestamps: two values of one cell never carry the same one (deletions may tie with anything).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "data/partition.h"
#include "data/read.h"

namespace tholos::storage {

// The counter of the tables of tests.
inline constexpr data::ColumnId kCounterColumn = 4;

// What a client sees of a row: its live cells, by column and path; a counter as one cell, its sum
// in decimal. A row without cells is live by itself.
using VisibleRow = std::map<std::pair<data::ColumnId, std::string>, std::string>;
struct VisiblePartition {
  VisibleRow static_cells;
  std::map<std::string, VisibleRow> rows;
  bool empty() const { return static_cells.empty() && rows.empty(); }
  friend bool operator==(const VisiblePartition&, const VisiblePartition&) = default;
};
using VisibleTable = std::map<std::string, VisiblePartition>;  // by partition key

class Model {
 public:
  void Apply(const data::Mutation& mutation);
  // What was applied to a table so far: to be forgotten, or to be applied again.
  using History = std::map<std::string, std::vector<data::Partition>>;  // by partition key
  History HistoryOf(const data::TableId& table) const;
  void Truncate(const data::TableId& table) { history_.erase(table); }
  void Restore(const data::TableId& table, const History& history);
  VisibleTable Visible(const data::TableId& table, int64_t now_seconds) const;
  VisiblePartition Visible(const data::TableId& table, const std::string& key,
                           int64_t now_seconds) const;

 private:
  std::map<data::TableId, History> history_;
};

// The same of what the engine answered.
void AddVisible(const data::ReadResult& result, int64_t now_seconds, VisibleTable* table);

std::string ToString(const VisiblePartition& partition);

}  // namespace tholos::storage
