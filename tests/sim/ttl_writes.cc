#include "tests/sim/ttl_writes.h"

#include "base/strings.h"

namespace tholos::sim {
namespace {

std::string WhereText(int p, int c) { return base::StrCat(" WHERE p = ", p, " AND c = ", c); }
std::string InsertText(int p, int c, uint64_t version) {
  return base::StrCat("INSERT INTO t.cells (p, c, v) VALUES (", p, ", ", c, ", ", version, ")");
}
std::vector<TtlOperation::Touch> InsertTouches(int p, int c) {
  return {{TtlTable::RowName(p, c)}, {TtlTable::CellName(p, c, 0)}};
}

}  // namespace

std::string TtlTable::RowName(int p, int c) { return base::StrCat(p, "/", c); }

std::string TtlTable::CellName(int p, int c, int cell) {
  return base::StrCat(RowName(p, c), "/", kCellNames[cell]);
}

TtlOperation TtlWrites::Choose(int w) {
  const int p = 2 * w + static_cast<int>(random_.Below(2));
  const auto c = static_cast<int>(random_.Below(kRows));
  const uint64_t kind = random_.Below(20);
  if (kind < 2) return DeleteRows(w, p, c);
  if (kind < 4) return DeleteCells(w, p, c);
  if (kind < 6) return InsertBoth(w, c);
  if (kind < 8) return AssignMap(w, p, c, random_.Chance(0.5));
  if (kind < 14) return Update(w, p, c);
  TtlOperation operation{.version = ++versions_[w]};
  operation.text = InsertText(p, c, operation.version) + "$";
  operation.touches = InsertTouches(p, c);
  return operation;
}

TtlOperation TtlWrites::InsertBoth(int w, int c) {
  TtlOperation operation{
      .version = ++versions_[w], .text = "BEGIN BATCH ", .touches = {}, .batch = true};
  for (const int p : {2 * w, 2 * w + 1}) {
    operation.text += InsertText(p, c, operation.version) + "$; ";
    for (TtlOperation::Touch& touch : InsertTouches(p, c)) operation.touches.push_back(touch);
  }
  operation.text += "APPLY BATCH";
  return operation;
}

TtlOperation TtlWrites::Update(int w, int p, int c) {
  const auto cell = static_cast<int>(random_.Below(kCells));
  TtlOperation operation{.version = ++versions_[w]};
  operation.text = base::StrCat("UPDATE t.cells$ SET ", kCellNames[cell], " = ", operation.version,
                                WhereText(p, c));
  operation.touches = {{CellName(p, c, cell)}};
  return operation;
}

TtlOperation TtlWrites::AssignMap(int w, int p, int c, bool insert) {
  const auto k = static_cast<int>(random_.Below(2));
  TtlOperation operation{.version = ++versions_[w]};
  const std::string map = base::StrCat("{", k, ": ", operation.version, "}");
  if (insert) {
    operation.text =
        base::StrCat("INSERT INTO t.cells (p, c, m) VALUES (", p, ", ", c, ", ", map, ")$");
    operation.touches.push_back({RowName(p, c)});
  } else {
    operation.text = base::StrCat("UPDATE t.cells$ SET m = ", map, WhereText(p, c));
  }
  operation.touches.push_back({CellName(p, c, 2 - k), true});
  operation.touches.push_back({CellName(p, c, 1 + k)});
  return operation;
}

TtlOperation TtlWrites::DeleteCells(int w, int p, int c) {
  const auto cell = static_cast<int>(random_.Below(kCells + 1));
  TtlOperation operation{.version = ++versions_[w]};
  const bool map = cell == kCells;
  operation.text =
      base::StrCat("DELETE ", map ? "m" : kCellNames[cell], " FROM t.cells$", WhereText(p, c));
  for (int i = map ? 1 : cell; i <= (map ? 2 : cell); ++i)
    operation.touches.push_back({CellName(p, c, i), true});
  return operation;
}

TtlOperation TtlWrites::DeleteRows(int w, int p, int first) {
  const auto last =
      random_.Chance(0.5) ? first : static_cast<int>(random_.Between(first, kRows - 1));
  TtlOperation operation{.version = ++versions_[w]};
  operation.text = base::StrCat("DELETE FROM t.cells$ WHERE p = ", p);
  base::StrAppend(&operation.text, first == last
                                       ? base::StrCat(" AND c = ", first)
                                       : base::StrCat(" AND c >= ", first, " AND c <= ", last));
  for (int c = first; c <= last; ++c) {
    operation.touches.push_back({RowName(p, c), true});
    for (int cell = 0; cell < kCells; ++cell)
      operation.touches.push_back({CellName(p, c, cell), true});
  }
  return operation;
}

int32_t TtlWrites::ChooseTtl() {
  const uint64_t kind = random_.Below(10);
  if (kind < 3) return 0;
  if (kind < 7) return static_cast<int32_t>(random_.Between(1, 6));
  return static_cast<int32_t>(kind < 9 ? random_.Between(5, 30) : random_.Between(60, 300));
}

}  // namespace tholos::sim
