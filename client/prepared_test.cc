#include "client/prepared.h"

#include "base/errors.h"
#include "client/messages.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tholos::client {
namespace {

namespace pb = ::tholos::v1;
using testing::HasSubstr;

void AddColumn(const std::string& name, data::TypeId type, pb::Column* out) {
  out->set_keyspace("ks");
  out->set_table("t");
  out->set_name(name);
  out->set_type(static_cast<uint32_t>(type));
}

pb::PrepareResponse Message() {
  pb::PrepareResponse message;
  message.set_id("id");
  AddColumn("v", data::TypeId::kText, message.add_parameters());
  AddColumn("a", data::TypeId::kInt, message.add_parameters());
  AddColumn("b", data::TypeId::kText, message.add_parameters());
  message.add_partition_key_indexes(1);
  message.add_partition_key_indexes(2);
  return message;
}

std::shared_ptr<const Prepared> Made(const pb::PrepareResponse& message) {
  auto prepared = PreparedFrom(message);
  EXPECT_TRUE(prepared.ok()) << prepared.status();
  return *prepared;
}

TEST(Binding, EncodesAndFindsThePartition) {
  const auto prepared = Made(Message());
  const auto bound = BindValues(*prepared, Statement("", {Value::Unset(), 7, "x"}));
  ASSERT_TRUE(bound.ok()) << bound.status();
  EXPECT_EQ(bound->raw_values, std::string("\xFF\xFF\xFF\xFE\0\0\0\4\0\0\0\7\0\0\0\1x", 17));
  EXPECT_EQ(bound->token, data::TokenOf(std::string("\0\4\0\0\0\7\0\0\1x\0", 11)));
  const auto by_name =
      BindValues(*prepared, Statement("").Bind("b", "x").Bind("v", Value::Unset()).Bind("a", 7));
  ASSERT_TRUE(by_name.ok()) << by_name.status();
  EXPECT_EQ(by_name->raw_values, bound->raw_values);
}

TEST(Binding, AKeyOfOnePartIsItsBytes) {
  pb::PrepareResponse message = Message();
  message.mutable_partition_key_indexes()->Truncate(1);
  const auto bound = BindValues(*Made(message), Statement("", {Value(), 7, "x"}));
  ASSERT_TRUE(bound.ok());
  EXPECT_EQ(bound->token, data::TokenOf(std::string("\0\0\0\7", 4)));
  message.clear_partition_key_indexes();
  EXPECT_EQ(BindValues(*Made(message), Statement("", {Value(), 7, "x"}))->token, std::nullopt);
}

TEST(Binding, NamesWhatIsWrong) {
  const auto prepared = Made(Message());
  const auto message = [&](const Statement& statement) {
    return std::string(BindValues(*prepared, statement).status().message());
  };
  EXPECT_THAT(message(Statement("", {1})), HasSubstr("3 markers and 1 values"));
  EXPECT_THAT(message(Statement("", {"v", "x", "y"})), HasSubstr("value 2 (a): 'x' is no int"));
  EXPECT_THAT(message(Statement("").Bind("a", 1).Bind("b", "")),
              HasSubstr("marker v has no value"));
  EXPECT_THAT(message(Statement("").Bind("a", 1).Bind("b", "").Bind("v", "").Bind("w", 1)),
              HasSubstr("no marker of the name w"));
  EXPECT_THAT(message(Statement("", {1}).Bind("a", 1)), HasSubstr("do not go together"));
}

TEST(Messages, ThatContradictThemselvesAreRefused) {
  pb::PrepareResponse beyond = Message();
  beyond.add_partition_key_indexes(3);
  EXPECT_FALSE(PreparedFrom(beyond).ok());
  pb::PrepareResponse no_type = Message();
  no_type.mutable_parameters(0)->set_type(0xFFFFFF);
  EXPECT_FALSE(PreparedFrom(no_type).ok());
  pb::PrepareResponse list = Message();
  list.mutable_parameters(0)->mutable_parametrised()->set_id(0x20);
  EXPECT_FALSE(PreparedFrom(list).ok());
  pb::PrepareResponse deep = Message();
  pb::Type* type = deep.mutable_parameters(0)->mutable_parametrised();
  for (int i = 0; i < 1000; ++i) {
    type->set_id(0x20);
    type->set_frozen(true);
    type = type->add_arguments();
  }
  type->set_id(9);
  EXPECT_FALSE(PreparedFrom(deep).ok());
  pb::PrepareResponse vector = Message();
  type = vector.mutable_parameters(0)->mutable_parametrised();
  type->add_arguments()->set_id(9);
  type->set_dimension(1u << 30);
  EXPECT_FALSE(PreparedFrom(vector).ok());
}

TEST(Messages, PagesBringNewColumns) {
  auto prepared = Made(Message());
  pb::ExecuteResponse response;
  response.mutable_rows()->set_result_id("new");
  AddColumn("a", data::TypeId::kInt, response.mutable_rows()->add_columns());
  response.mutable_rows()->set_row_count(1);
  response.mutable_rows()->set_raw_rows(std::string("\0\0\0\4\0\0\0\7", 8));
  response.add_warnings("slow");
  const auto old = prepared;
  const auto result = ResultFrom(&response, &prepared);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->One()->At<int>("a"), 7);
  EXPECT_EQ(result->warnings, std::vector<std::string>{"slow"});
  EXPECT_NE(prepared, old);
  EXPECT_EQ(prepared->result_id, "new");
  EXPECT_EQ(prepared->id, old->id);
  EXPECT_EQ(prepared->columns->size(), 1u);
  response.mutable_rows()->set_raw_rows("short");
  EXPECT_FALSE(ResultFrom(&response, &prepared).ok());
}

TEST(Messages, ErrorsComeBackWhole) {
  pb::Error error;
  error.set_code(14);
  error.set_message("too few");
  error.mutable_detail()->set_kind(pb::ErrorDetail::UNAVAILABLE);
  error.mutable_detail()->set_required(2);
  error.mutable_detail()->set_alive(1);
  const absl::Status status = StatusFrom(error);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(base::GetRequestError(status)->required, 2u);
  pb::Error unknown;
  unknown.mutable_detail()->set_kind(static_cast<pb::ErrorDetail::Kind>(99));
  EXPECT_EQ(StatusFrom(unknown).code(), absl::StatusCode::kUnknown);
}

TEST(PreparedCaches, KeepWhatWasUsedLast) {
  PreparedCache cache(2);
  const auto a = Made(Message());
  cache.Put("ks", "a", a);
  cache.Put("ks", "b", Made(Message()));
  EXPECT_EQ(cache.Find("ks", "a"), a);
  EXPECT_EQ(cache.Find("other", "a"), nullptr);
  cache.Put("ks", "c", Made(Message()));
  EXPECT_EQ(cache.size(), 2u);
  EXPECT_EQ(cache.Find("ks", "b"), nullptr);
  EXPECT_EQ(cache.Find("ks", "a"), a);
  const auto again = Made(Message());
  cache.Put("ks", "a", again);
  EXPECT_EQ(cache.Find("ks", "a"), again);
  EXPECT_EQ(cache.size(), 2u);
}

}  // namespace
}  // namespace tholos::client
