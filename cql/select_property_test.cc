// Random SELECTs over random data against an evaluator that keeps rows in a list and looks at each.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <list>
#include <map>
#include <set>

#include "absl/strings/str_join.h"
#include "base/strings.h"
#include "cql/testing/memory_node.h"
#include "data/key.h"
#include "gtest/gtest.h"

namespace tholos::cql {
namespace {

using base::StrCat;

constexpr int kValues = 3;      // of each key column
constexpr int kPartitions = 4;  // k is 0 to 3

// Small numbers as values of several types, whose order is that of the numbers.
struct KeyType {
  const char* name;
  std::string (*literal)(int v);
};
constexpr KeyType kKeyTypes[] = {
    {"int", [](int v) { return StrCat(v); }},
    {"bigint", [](int v) { return StrCat(v); }},
    {"varint", [](int v) { return StrCat(v); }},
    {"tinyint", [](int v) { return StrCat(v); }},
    {"text", [](int v) { return StrCat("'v", v, "'"); }},
    {"ascii", [](int v) { return StrCat("'", std::string(static_cast<size_t>(v + 1), 'a'), "'"); }},
    {"double", [](int v) { return StrCat(v, ".5"); }},
    {"decimal", [](int v) { return StrCat(v, ".25"); }},
    {"date", [](int v) { return StrCat("'2026-01-0", v + 1, "'"); }},
    {"blob", [](int v) { return StrCat("0x0", v); }},
    {"frozen<list<int>>", [](int v) { return StrCat("[", v, ", 1]"); }},
    {"tuple<int, text>", [](int v) { return StrCat("(", v, ", 'x')"); }},
};

struct Row {
  int k = 0;
  std::array<int, 3> c{};  // a, b, c
  std::optional<int> v;    // regular
  std::optional<int> s;    // static
  bool alone = false;      // a static row without rows
};

// A table with three clustering columns of random directions, some rows, and what must be in it.
struct Data {
  std::array<bool, 3> descending{};
  std::array<KeyType, 3> types = {kKeyTypes[0], kKeyTypes[0], kKeyTypes[0]};
  std::map<int, std::optional<int>> statics;
  std::map<std::pair<int, std::array<int, 3>>, std::optional<int>> rows;

  std::string Literal(size_t column, int v) const { return types[column].literal(v); }

  bool Before(const std::array<int, 3>& x, const std::array<int, 3>& y) const {
    for (size_t i = 0; i < 3; ++i) {
      if (x[i] != y[i]) return (x[i] < y[i]) != descending[i];
    }
    return false;
  }

  // All rows of one partition in the table's order.
  std::vector<Row> RowsOf(int k) const {
    std::vector<Row> result;
    const auto found = statics.find(k);
    const std::optional<int> s = found == statics.end() ? std::nullopt : found->second;
    for (const auto& [key, v] : rows) {
      if (key.first == k) result.push_back({k, key.second, v, s, false});
    }
    std::sort(result.begin(), result.end(),
              [this](const Row& x, const Row& y) { return Before(x.c, y.c); });
    if (result.empty() && s) result.push_back({k, {}, std::nullopt, s, true});
    return result;
  }
};

struct Query {
  std::string text;
  std::vector<std::string> expected;
  bool pages = true;
};

std::string ShowNumber(const std::optional<int>& v) { return v ? StrCat(*v) : "null"; }

std::string ShowExpected(const Data& data, const Row& row) {
  std::vector<std::string> values = {StrCat(row.k)};
  for (size_t i = 0; i < 3; ++i) {
    values.push_back(row.alone ? "null" : data.Literal(i, row.c[i]));
  }
  values.push_back(ShowNumber(row.v));
  values.push_back(ShowNumber(row.s));
  return absl::StrJoin(values, " | ");
}

class Generator {
 public:
  Generator(base::RandomStream& random, const Data& data) : random_(random), data_(data) {}

  Query Next() {
    conditions_.clear();
    predicates_.clear();
    filtering_ = false;
    restricts_clustering_ = false;
    const std::vector<int> partitions = Partitions();
    Clustering();
    if (random_.Chance(0.3)) Filter();
    const bool reversed = one_partition_ && random_.Chance(0.4);
    const bool sorted = lists_partitions_ && random_.Chance(0.4);
    std::optional<uint32_t> per_partition;
    std::optional<uint32_t> limit;
    if (random_.Chance(0.3)) per_partition = 1 + random_.Below(4);
    if (random_.Chance(0.3)) limit = 1 + random_.Below(12);
    // 0: rows, 1 to 4: groups by so many columns of the key, 5: one row over all.
    const uint64_t shape = sorted ? 0 : random_.Below(8);
    std::vector<std::vector<Row>> rows = Evaluate(partitions, reversed);
    Query query;
    if (shape >= 1 && shape <= 5) {
      const bool one = shape == 5;
      if (one) per_partition.reset();
      query.text =
          StrCat("SELECT ", one ? "" : "k, ", "count(*), count(v), sum(v), min(v), max(s)");
      query.expected = Groups(rows, one ? 0 : shape, per_partition, limit);
    } else {
      query.text = "SELECT k, a, b, c, v, s";
      query.expected = Rows(rows, sorted, per_partition, limit);
    }
    query.text += " FROM ks.t";
    if (!conditions_.empty()) query.text += StrCat(" WHERE ", absl::StrJoin(conditions_, " AND "));
    if (shape >= 1 && shape <= 4) {
      query.text += " GROUP BY k";
      for (uint64_t n = 1; n < shape; ++n) query.text += StrCat(", ", std::string(1, "abc"[n - 1]));
    }
    if (reversed || sorted) {
      query.text += StrCat(" ORDER BY a ", data_.descending[0] != sorted ? "ASC" : "DESC");
    }
    if (per_partition) query.text += StrCat(" PER PARTITION LIMIT ", *per_partition);
    if (limit) query.text += StrCat(" LIMIT ", *limit);
    if (filtering_) query.text += " ALLOW FILTERING";
    query.pages = !sorted;
    return query;
  }

 private:
  int Value() { return static_cast<int>(random_.Below(kValues + 1)); }
  std::string Operator(int* op) {
    *op = static_cast<int>(random_.Below(4));
    return std::array<std::string, 4>{"<", "<=", ">", ">="}[*op];
  }
  template <typename T>
  static bool Compare(const T& x, int op, const T& y) {
    return op == 0 ? x < y : op == 1 ? x <= y : op == 2 ? x > y : x >= y;
  }

  std::vector<int> Partitions() {
    const auto token = [](int k) { return data::TokenOf(data::EncodeInt(k)); };
    std::vector<int> all(kPartitions);
    for (int k = 0; k < kPartitions; ++k) all[k] = k;
    std::sort(all.begin(), all.end(), [&](int x, int y) { return token(x) < token(y); });
    const uint64_t kind = random_.Below(5);
    one_partition_ = kind <= 1;
    lists_partitions_ = kind == 2;
    if (kind <= 1) {
      const int k = static_cast<int>(random_.Below(kPartitions));
      conditions_.push_back(StrCat("k = ", k));
      return {k};
    }
    if (kind == 2) {
      std::set<int> keys;
      std::vector<std::string> list;
      for (uint64_t n = random_.Below(4); n > 0; --n) {
        const int k = static_cast<int>(random_.Below(kPartitions + 1));
        keys.insert(k);
        list.push_back(StrCat(k));
      }
      conditions_.push_back(StrCat("k IN (", absl::StrJoin(list, ", "), ")"));
      return {keys.begin(), keys.end()};
    }
    if (kind == 3) {
      int op = 0;
      const std::string sign = Operator(&op);
      const int bound = static_cast<int>(random_.Below(kPartitions));
      conditions_.push_back(StrCat("token(k) ", sign, " token(", bound, ")"));
      std::erase_if(all, [&](int k) { return !Compare(token(k), op, token(bound)); });
    }
    scans_ = true;
    return all;
  }

  void Clustering() {
    static constexpr const char* kNames[] = {"a", "b", "c"};
    const bool scan = std::exchange(scans_, false);
    size_t i = 0;
    for (; i < 3 && random_.Chance(0.5); ++i) {
      const bool in = random_.Chance(0.3);
      std::set<int> values;
      std::vector<std::string> list;
      for (uint64_t n = in ? random_.Below(4) : 1; n > 0; --n) {
        values.insert(Value());
      }
      for (const int v : values) list.insert(list.begin(), data_.Literal(i, v));
      conditions_.push_back(in ? StrCat(kNames[i], " IN (", absl::StrJoin(list, ", "), ")")
                               : StrCat(kNames[i], " = ", list[0]));
      predicates_.push_back([i, values](const Row& row) { return values.contains(row.c[i]); });
      restricts_clustering_ = true;
    }
    if (i < 2 && random_.Chance(0.2)) {
      Tuples(i);
      i += 2;
    }
    const uint64_t bounds = i < 3 ? random_.Below(3) : 0;
    for (uint64_t n = bounds; n > 0; --n) Bound(i, n == 2);
    filtering_ = scan && restricts_clustering_;
    if (bounds == 0 && i < 2 && random_.Chance(0.3)) Late(2);
  }

  // (a, b) IN ((1, 2), (2, 1))
  void Tuples(size_t first) {
    std::set<std::pair<int, int>> values;
    std::vector<std::string> list;
    for (uint64_t n = 1 + random_.Below(3); n > 0; --n) {
      const int x = Value();
      const int y = Value();
      values.emplace(x, y);
      list.push_back(StrCat("(", data_.Literal(first, x), ", ", data_.Literal(first + 1, y), ")"));
    }
    conditions_.push_back(StrCat("(", std::string(1, "abc"[first]), ", ",
                                 std::string(1, "abc"[first + 1]), ") IN (",
                                 absl::StrJoin(list, ", "), ")"));
    predicates_.push_back([first, values](const Row& row) {
      return values.contains({row.c[first], row.c[first + 1]});
    });
    restricts_clustering_ = true;
  }

  // A condition that comes too late in the key to be looked up.
  void Late(size_t column) {
    const int v = Value();
    conditions_.push_back(StrCat(std::string(1, "abc"[column]), " = ", data_.Literal(column, v)));
    predicates_.push_back([column, v](const Row& row) { return row.c[column] == v; });
    restricts_clustering_ = true;
    filtering_ = true;
  }

  // A bound on a column, or on a tuple of columns, from `first` on; `lower` or upper.
  void Bound(size_t first, bool lower) {
    const size_t width = 1 + random_.Below(3 - first);
    const int op = static_cast<int>(random_.Below(2)) + (lower ? 2 : 0);
    static constexpr const char* kSigns[] = {"<", "<=", ">", ">="};
    std::vector<int> bound;
    std::vector<std::string> literals;
    std::vector<std::string> names;
    for (size_t i = 0; i < width; ++i) {
      bound.push_back(Value());
      literals.push_back(data_.Literal(first + i, bound.back()));
      names.push_back(std::string(1, static_cast<char>('a' + first + i)));
    }
    conditions_.push_back(width == 1 ? StrCat(names[0], " ", kSigns[op], " ", literals[0])
                                     : StrCat("(", absl::StrJoin(names, ", "), ") ", kSigns[op],
                                              " (", absl::StrJoin(literals, ", "), ")"));
    predicates_.push_back([first, width, op, bound](const Row& row) {
      const std::vector<int> part(row.c.begin() + static_cast<long>(first),
                                  row.c.begin() + static_cast<long>(first + width));
      return Compare(part, op, bound);
    });
    restricts_clustering_ = true;
  }

  void Filter() {
    filtering_ = true;
    if (random_.Chance(0.3)) {
      const int wanted = Value();
      conditions_.push_back(StrCat("l CONTAINS ", wanted));
      predicates_.push_back(
          [wanted](const Row& row) { return row.v && (*row.v == wanted || *row.v + 1 == wanted); });
      return;
    }
    int op = 0;
    const std::string sign = Operator(&op);
    const int bound = Value();
    const bool is_static = random_.Chance(0.3);
    conditions_.push_back(StrCat(is_static ? "s " : "v ", sign, " ", bound));
    predicates_.push_back([is_static, op, bound](const Row& row) {
      const std::optional<int> value = is_static ? row.s : row.v;
      return value && Compare(*value, op, bound);
    });
  }

  // The rows that fulfil all conditions, partition by partition.
  std::vector<std::vector<Row>> Evaluate(const std::vector<int>& partitions, bool reversed) {
    std::vector<std::vector<Row>> result;
    for (const int k : partitions) {
      std::vector<Row> rows = data_.RowsOf(k);
      if (reversed) std::reverse(rows.begin(), rows.end());
      std::erase_if(rows, [this](const Row& row) {
        if (row.alone && restricts_clustering_) return true;
        return !std::all_of(predicates_.begin(), predicates_.end(),
                            [&row](const auto& predicate) { return predicate(row); });
      });
      result.push_back(std::move(rows));
    }
    return result;
  }

  std::vector<std::string> Rows(const std::vector<std::vector<Row>>& partitions, bool sorted,
                                std::optional<uint32_t> per_partition,
                                std::optional<uint32_t> limit) {
    std::vector<Row> all;
    for (std::vector<Row> rows : partitions) {
      if (per_partition && rows.size() > *per_partition) rows.resize(*per_partition);
      all.insert(all.end(), rows.begin(), rows.end());
    }
    if (sorted) {
      // What has no clustering columns comes first; ORDER BY names the first column only.
      std::list<Row> stable(all.begin(), all.end());
      stable.sort([this](const Row& x, const Row& y) {
        if (x.alone != y.alone) return x.alone;
        return !x.alone && x.c[0] != y.c[0] && (x.c[0] < y.c[0]) != data_.descending[0];
      });
      all.assign(stable.begin(), stable.end());
    }
    if (limit && all.size() > *limit) all.resize(*limit);
    std::vector<std::string> shown;
    for (const Row& row : all) shown.push_back(ShowExpected(data_, row));
    return shown;
  }

  // Groups by the first `columns` of (k, a, b, c); 0: everything is one.
  std::vector<std::string> Groups(const std::vector<std::vector<Row>>& partitions, uint64_t columns,
                                  std::optional<uint32_t> per_partition,
                                  std::optional<uint32_t> limit) {
    std::vector<std::vector<Row>> groups;
    if (columns == 0) groups.emplace_back();
    for (const std::vector<Row>& rows : partitions) {
      uint32_t in_partition = 0;
      for (size_t i = 0; i < rows.size(); ++i) {
        const bool same =
            columns > 0 && i > 0 &&
            std::equal(rows[i].c.begin(), rows[i].c.begin() + static_cast<long>(columns) - 1,
                       rows[i - 1].c.begin());
        if (columns > 0 && !same) {
          if (per_partition && in_partition == *per_partition) break;
          groups.emplace_back();
          ++in_partition;
        }
        groups.back().push_back(rows[i]);
      }
    }
    if (columns > 0 && limit && groups.size() > *limit) groups.resize(*limit);
    std::vector<std::string> shown;
    for (const std::vector<Row>& group : groups) shown.push_back(ShowGroup(group, columns > 0));
    return shown;
  }

  static std::string ShowGroup(const std::vector<Row>& rows, bool with_key) {
    int count = 0;
    int sum = 0;
    std::optional<int> min;
    std::optional<int> max;
    for (const Row& row : rows) {
      if (row.s) max = std::max(max.value_or(*row.s), *row.s);
      if (!row.v) continue;
      ++count;
      sum += *row.v;
      min = std::min(min.value_or(*row.v), *row.v);
    }
    return StrCat(with_key ? StrCat(rows[0].k, " | ") : "", rows.size(), " | ", count, " | ", sum,
                  " | ", ShowNumber(min), " | ", ShowNumber(max));
  }

  base::RandomStream& random_;
  const Data& data_;
  std::vector<std::string> conditions_;
  std::vector<std::function<bool(const Row&)>> predicates_;
  bool filtering_ = false;
  bool restricts_clustering_ = false;
  bool one_partition_ = false;
  bool lists_partitions_ = false;
  bool scans_ = false;
};

Data FillTable(base::RandomStream& random, MemoryNode& node) {
  Data data;
  std::vector<std::string> order;
  for (size_t i = 0; i < 3; ++i) {
    data.types[i] = kKeyTypes[random.Below(std::size(kKeyTypes))];
    data.descending[i] = random.Chance(0.5);
    order.push_back(
        StrCat(std::string(1, static_cast<char>('a' + i)), data.descending[i] ? " DESC" : " ASC"));
  }
  node.Run(StrCat("CREATE TABLE ks.t (k int, a ", data.types[0].name, ", b ", data.types[1].name,
                  ", c ", data.types[2].name,
                  ", v int, s int STATIC, l frozen<list<int>>, PRIMARY KEY (k, a, b, c)) WITH "
                  "CLUSTERING ORDER BY (",
                  absl::StrJoin(order, ", "), ")"));
  for (uint64_t n = random.Below(60); n > 0; --n) {
    const int k = static_cast<int>(random.Below(kPartitions));
    const uint64_t kind = random.Below(10);
    if (kind == 0) {
      node.Run(StrCat("DELETE FROM ks.t WHERE k = ", k));
      data.statics.erase(k);
      std::erase_if(data.rows, [k](const auto& row) { return row.first.first == k; });
      continue;
    }
    if (kind == 1) {
      const int s = static_cast<int>(random.Below(kValues));
      node.Run(StrCat("UPDATE ks.t SET s = ", s, " WHERE k = ", k));
      data.statics[k] = s;
      continue;
    }
    std::array<int, 3> c{};
    for (int& value : c) value = static_cast<int>(random.Below(kValues));
    const std::string key =
        StrCat("k = ", k, " AND a = ", data.Literal(0, c[0]), " AND b = ", data.Literal(1, c[1]),
               " AND c = ", data.Literal(2, c[2]));
    if (kind == 2) {
      node.Run(StrCat("DELETE FROM ks.t WHERE ", key));
      data.rows.erase({k, c});
      continue;
    }
    const int v = static_cast<int>(random.Below(kValues));
    const bool null = kind == 3;
    node.Run(StrCat("INSERT INTO ks.t (k, a, b, c, v, l) VALUES (", k, ", ", data.Literal(0, c[0]),
                    ", ", data.Literal(1, c[1]), ", ", data.Literal(2, c[2]), ", ",
                    null ? "null, null" : StrCat(v, ", [", v, ", ", v + 1, "]"), ")"));
    data.rows[{k, c}] = null ? std::nullopt : std::optional<int>(v);
  }
  return data;
}

std::vector<std::string> AllPages(MemoryNode& node, const std::string& query, uint32_t page_size) {
  std::vector<std::string> rows;
  QueryOptions options{.page_size = page_size};
  for (int pages = 0; pages < 1000; ++pages) {
    const RowsResult page = node.Rows(query, options);
    EXPECT_LE(page.row_count, page_size) << query;
    for (size_t i = 0; i < page.row_count; ++i) rows.push_back(ShowRow(page, i));
    if (page.paging_state.empty()) return rows;
    options.paging_state = page.paging_state;
  }
  ADD_FAILURE() << "pages without end: " << query;
  return rows;
}

// 30 rounds of 60 queries; the nightly run asks for more with THOLOS_PROPERTY_ROUNDS.
int Rounds() {
  const char* rounds = std::getenv("THOLOS_PROPERTY_ROUNDS");
  return rounds == nullptr ? 30 : std::atoi(rounds);
}

TEST(SelectProperty, AgreesWithTheNaiveEvaluator) {
  const uint64_t seed = base::sim::SeedFromEnvironment(20260301);
  base::RandomStream random(seed);
  for (int round = 0; round < Rounds(); ++round) {
    MemoryNode node;
    node.Run(
        "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': "
        "1}");
    const Data data = FillTable(random, node);
    Generator generator(random, data);
    for (int i = 0; i < 60; ++i) {
      const Query query = generator.Next();
      const uint32_t page_size = query.pages ? 1 + random.Below(8) : 1000;
      node.coordinator.rows_max = random.Chance(0.5) ? 0xFFFFFFFF : 1 + random.Below(4);
      ASSERT_EQ(AllPages(node, query.text, page_size), query.expected)
          << query.text << "\nseed " << seed << ", round " << round << ", pages of " << page_size
          << ", replicas' of " << node.coordinator.rows_max;
    }
  }
}

}  // namespace
}  // namespace tholos::cql
