// Values of multi-cell columns out of their cells.
#include "cql/analysis/row_view.h"

#include "base/random.h"
#include "base/sim/test_world.h"
#include "cql/analysis/row_expression.h"
#include "cql/time_uuid.h"
#include "data/types/type_parser.h"
#include "gtest/gtest.h"

namespace tholos::cql {
namespace {

using data::DataType;

class RowViewTest : public testing::Test {
 protected:
  // One regular column of the type.
  void SetColumn(DataType type) {
    table_.columns = {
        {"k", DataType(data::TypeId::kInt), data::ColumnKind::kPartitionKey, 0, false},
        {"c", std::move(type), data::ColumnKind::kRegular, 0, false}};
    row_ = data::Row();
    view_.row = &row_;
    view_.now_seconds = 100;
  }
  const DataType& type() const { return table_.columns[1].type; }
  ColumnRef column() const { return ColumnRef::Of(table_, table_.columns[1]); }

  void Add(std::string path, std::string value, data::Timestamp timestamp = 1) {
    row_.cells.push_back(data::Cell::Value(0, timestamp, std::move(value)).At(std::move(path)));
  }
  void AddExpiring(std::string path, std::string value, int64_t at_seconds, int32_t ttl) {
    row_.cells.push_back(
        data::Cell::Expiring(0, 1, std::move(value), ttl, at_seconds).At(std::move(path)));
  }

  std::string Shown() const {
    std::string scratch;
    const auto value = column().ValueIn(view_, &scratch);
    return value ? type().ToCqlLiteral(*value) : "null";
  }
  std::string Property(CellSelector selector) {
    selector.column = column();
    const bool ttl = selector.property == CellProperty::kTtl;
    DataType type(ttl ? data::TypeId::kInt : data::TypeId::kBigint);
    if (selector.is_list()) type = DataType::List(type, true);
    Evaluation evaluation{.view = &view_, .functions = {0, random_, time_uuids_}};
    const auto value = MakeCellProperty(std::move(selector))->Evaluate(evaluation);
    return value->has_value() ? type.ToCqlLiteral(**value) : "null";
  }

  data::TableSchema table_;
  data::Row row_;
  RowView view_;
  base::sim::TestWorld world_;
  base::RandomStream random_ = world_.random().Stream("row view");
  TimeUuidSource time_uuids_{random_};
};

std::string Int(int v) { return data::EncodeInt(v); }

TEST_F(RowViewTest, Maps) {
  const DataType key(data::TypeId::kInt);
  SetColumn(DataType::Map(key, DataType(data::TypeId::kText), false));
  EXPECT_EQ(Shown(), "null");
  Add(ElementPath(key, Int(-1)), "a", 5);
  Add(ElementPath(key, Int(2)), "b", 7);
  AddExpiring(ElementPath(key, Int(3)), "gone", 10, 20);
  AddExpiring(ElementPath(key, Int(4)), "soon", 90, 20);
  EXPECT_EQ(Shown(), "{-1: 'a', 2: 'b', 4: 'soon'}");
  EXPECT_EQ(Property({.property = CellProperty::kWriteTime}), "[5, 7, 1]");
  EXPECT_EQ(Property({.property = CellProperty::kMaxWriteTime}), "7");
}

TEST_F(RowViewTest, SetsAndLists) {
  const DataType element(data::TypeId::kText);
  SetColumn(DataType::Set(element, false));
  Add(ElementPath(element, "a"), "");
  Add(ElementPath(element, "b"), "");
  EXPECT_EQ(Shown(), "{'a', 'b'}");
  SetColumn(DataType::List(element, false));
  Add(std::string(time_uuids_.Next(1).AsBytes()), "z");
  Add(std::string(time_uuids_.Next(2).AsBytes()), "a");
  EXPECT_EQ(Shown(), "['z', 'a']");
}

TEST_F(RowViewTest, UserTypes) {
  SetColumn(DataType::Udt(
      {"ks",
       "u",
       {"x", "y", "z"},
       {DataType(data::TypeId::kInt), DataType(data::TypeId::kInt), DataType(data::TypeId::kInt)}},
      false));
  EXPECT_EQ(Shown(), "null");
  Add(FieldPath(0), Int(1), 5);
  Add(FieldPath(2), Int(3), 6);
  EXPECT_EQ(Shown(), "{x: 1, y: null, z: 3}");
  EXPECT_EQ(Property({.property = CellProperty::kWriteTime, .field = 2}), "6");
  EXPECT_EQ(Property({.property = CellProperty::kWriteTime, .field = 1}), "null");
}

}  // namespace
}  // namespace tholos::cql
