// What the workload ttl writes: operations on a table whose values expire.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/random.h"

namespace tholos::sim {

// Each partition has one writer, whose operations have increasing versions, which are their
// timestamps and values. A row is several registers: its cells, and the row itself, which an INSERT
// makes and an UPDATE does not.
struct TtlTable {
  static constexpr int kWriters = 3;
  static constexpr int kPartitions = 2 * kWriters;  // writer w has 2w and 2w + 1
  static constexpr int kRows = 6;
  static constexpr int kCells = 3;
  static constexpr std::array<const char*, kCells> kCellNames = {"v", "m[0]", "m[1]"};
  static constexpr char kColumns[] =
      "p int, c int, v bigint, m map<int, bigint>, PRIMARY KEY (p, c)";

  // Of registers.
  static std::string RowName(int p, int c);
  static std::string CellName(int p, int c, int cell);
};

struct TtlOperation {
  struct Touch {
    std::string key;  // a register
    bool erase = false;
  };
  uint64_t version = 0;
  std::string text;  // the statement; $ stands for its timestamp and TTL
  std::vector<Touch> touches;
  bool batch = false;  // a logged one, over two partitions
  // A value, which may have a TTL.
  bool writes() const { return !touches.back().erase; }
};

class TtlWrites : private TtlTable {
 public:
  // Which outlives this.
  explicit TtlWrites(base::RandomStream& random) : random_(random) {}

  // The next one of writer w.
  TtlOperation Choose(int w);
  // Seconds; 0: for ever. Many expire while a node is down or cut off, some after all is mended.
  int32_t ChooseTtl();

 private:
  // A logged batch over both partitions of a writer.
  TtlOperation InsertBoth(int w, int c);
  TtlOperation Update(int w, int p, int c);
  // To one element: the other one is erased.
  TtlOperation AssignMap(int w, int p, int c, bool insert);
  TtlOperation DeleteCells(int w, int p, int c);
  TtlOperation DeleteRows(int w, int p, int first);

  base::RandomStream& random_;
  std::array<uint64_t, TtlTable::kWriters> versions_ = {};
};

}  // namespace tholos::sim
