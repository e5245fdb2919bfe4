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

// What a client sees of a row: its live cells, by column and path. A row without cells is live by
// itself.
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
  VisibleTable Visible(const data::TableId& table, int64_t now_seconds) const;
  VisiblePartition Visible(const data::TableId& table, const std::string& key,
                           int64_t now_seconds) const;

 private:
  std::map<std::pair<data::TableId, std::string>, std::vector<data::Partition>> history_;
};

// The same of what the engine answered.
void AddVisible(const data::ReadResult& result, int64_t now_seconds, VisibleTable* table);

std::string ToString(const VisiblePartition& partition);

}  // namespace tholos::storage
