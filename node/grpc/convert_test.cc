#include "node/grpc/convert.h"

#include "base/errors.h"
#include "cql/rows.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "node/grpc/status.h"

namespace tholos::node {
namespace {

namespace pb = ::tholos::v1;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kNull = "\xFF\xFF\xFF\xFF";
constexpr std::string_view kUnset = "\xFF\xFF\xFF\xFE";

std::string Raw(std::string_view value) {
  std::string out;
  cql::AppendValue(value, &out);
  return out;
}

TEST(RawValues, AreTakenApart) {
  const auto values =
      FromRawValues(Raw("abc") + std::string(kNull) + std::string(kUnset) + Raw(""));
  ASSERT_TRUE(values.ok()) << values.status();
  ASSERT_EQ(values->size(), 4u);
  EXPECT_EQ((*values)[0].value, "abc");
  EXPECT_FALSE((*values)[1].value.has_value());
  EXPECT_FALSE((*values)[1].unset);
  EXPECT_TRUE((*values)[2].unset);
  EXPECT_EQ((*values)[3].value, "");
}

TEST(RawValues, ThatAreCutShortAreRefused) {
  const std::string whole = Raw("abc") + Raw("de");
  for (size_t length = 0; length < whole.size(); ++length) {
    const auto values = FromRawValues(std::string_view(whole).substr(0, length));
    EXPECT_EQ(values.ok(), length == 0 || length == Raw("abc").size()) << length;
  }
  for (const std::string_view bad : {"\xFF\xFF\xFF\xFD", "\x80", "\x7F\xFF\xFF\xFF x"}) {
    const auto values = FromRawValues(bad);
    EXPECT_EQ(values.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(values.status().message()), HasSubstr("raw_values: value 1"));
  }
}

TEST(Requests, HaveValuesInOneForm) {
  pb::ExecuteRequest request;
  request.set_raw_values(Raw("abc"));
  auto options = ToQueryOptions(request);
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->values.size(), 1u);
  request.add_values()->set_int_(1);
  EXPECT_FALSE(ToQueryOptions(request).ok());
}

TEST(Requests, CarryTheirOptions) {
  pb::ExecuteRequest request;
  request.set_consistency(pb::CONSISTENCY_LOCAL_ONE);
  request.set_keyspace("shop");
  request.set_page_size(7);
  request.set_paging_state("there");
  request.set_timestamp(-5);
  request.set_tracing(true);
  const auto options = ToQueryOptions(request);
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->consistency, coordinator::ConsistencyLevel::kLocalOne);
  EXPECT_EQ(options->keyspace, "shop");
  EXPECT_EQ(options->page_size, 7u);
  EXPECT_EQ(options->paging_state, "there");
  EXPECT_EQ(options->timestamp, -5);
  EXPECT_TRUE(options->tracing);
}

TEST(Batches, TakeBothFormsOfValues) {
  pb::BatchRequest request;
  request.set_kind(pb::BatchRequest::UNLOGGED);
  request.set_tracing(true);
  request.add_statements()->set_query("one");
  request.mutable_statements(0)->set_raw_values(Raw("abc") + std::string(kNull));
  request.add_statements()->set_prepared_id("two");
  request.mutable_statements(1)->add_values()->set_int_(1);
  auto batch = ToBatch(request);
  ASSERT_TRUE(batch.ok()) << batch.status();
  EXPECT_EQ(batch->type, cql::BatchType::kUnlogged);
  EXPECT_TRUE(batch->options.tracing);
  EXPECT_EQ(batch->items[0].values.size(), 2u);
  EXPECT_EQ(batch->items[1].values.size(), 1u);
  request.add_statements();
  EXPECT_FALSE(ToBatch(request).ok());
}

cql::QueryResult OneRow(std::string_view column) {
  const data::DataType type(data::TypeId::kText);
  cql::RowsResult rows;
  rows.columns = std::make_shared<const std::vector<cql::ResultColumn>>(
      std::vector<cql::ResultColumn>{{"k", "t", std::string(column), type}});
  cql::AddRow({data::Value("x")}, &rows);
  return {.result = std::move(rows)};
}

TEST(ResultIds, LeaveOutColumnsThatTheClientHas) {
  ResultIds ids;
  pb::PrepareResponse prepared;
  ToPrepareResponse(
      {.id = "i", .result_columns = *std::get<cql::RowsResult>(OneRow("a").result).columns},
      &prepared);
  ASSERT_FALSE(prepared.result_id().empty());
  pb::ExecuteResponse same;
  ToExecuteResponse(OneRow("a"), {.result_id = prepared.result_id(), .result_ids = &ids}, &same);
  EXPECT_EQ(same.rows().columns_size(), 0);
  EXPECT_EQ(same.rows().result_id(), "");
  EXPECT_EQ(same.rows().rows(0).values(0).text(), "x");
  pb::ExecuteResponse other;
  ToExecuteResponse(OneRow("b"), {.result_id = prepared.result_id(), .result_ids = &ids}, &other);
  ASSERT_EQ(other.rows().columns_size(), 1);
  EXPECT_EQ(other.rows().columns(0).name(), "b");
  EXPECT_NE(other.rows().result_id(), prepared.result_id());
  pb::ExecuteResponse again;
  ToExecuteResponse(OneRow("b"), {.result_id = other.rows().result_id(), .result_ids = &ids},
                    &again);
  EXPECT_EQ(again.rows().columns_size(), 0);
}

TEST(Results, TellOfWarningsAndTraces) {
  cql::QueryResult result;
  result.warnings = {"slow"};
  base::Uuid id;
  id.bytes[3] = 7;
  result.tracing_id = id;
  pb::ExecuteResponse response;
  ToExecuteResponse(std::move(result), {}, &response);
  EXPECT_THAT(response.warnings(), ElementsAre("slow"));
  EXPECT_EQ(response.tracing_id(), id.AsBytes());
  EXPECT_EQ(response.result_case(), pb::ExecuteResponse::RESULT_NOT_SET);
}

pb::ErrorDetail DetailOf(const base::RequestError& error, std::string_view message = "m") {
  const grpc::Status status = ToGrpcStatus(base::MakeRequestError(error, message));
  pb::RpcStatus details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  EXPECT_EQ(details.code(), static_cast<int>(status.error_code()));
  EXPECT_EQ(details.message(), message);
  pb::ErrorDetail detail;
  EXPECT_EQ(details.details_size(), 1);
  EXPECT_TRUE(details.details(0).UnpackTo(&detail));
  return detail;
}

TEST(Errors, OfReplicasTellWhatCame) {
  pb::ErrorDetail detail = DetailOf({.kind = base::RequestErrorKind::kUnavailable,
                                     .consistency = "ALL",
                                     .required = 3,
                                     .alive = 2});
  EXPECT_EQ(detail.kind(), pb::ErrorDetail::UNAVAILABLE);
  EXPECT_EQ(detail.required(), 3u);
  EXPECT_EQ(detail.alive(), 2u);
  EXPECT_EQ(detail.write_type(), "");

  detail = DetailOf({.kind = base::RequestErrorKind::kTimeout,
                     .write = true,
                     .consistency = "QUORUM",
                     .required = 2,
                     .received = 1});
  EXPECT_EQ(detail.kind(), pb::ErrorDetail::TIMEOUT);
  EXPECT_EQ(detail.write_type(), "SIMPLE");
  EXPECT_EQ(detail.received(), 1u);

  detail = DetailOf({.kind = base::RequestErrorKind::kTimeout,
                     .write = true,
                     .write_type = "CAS",
                     .contentions = 4});
  EXPECT_EQ(detail.write_type(), "CAS");
  EXPECT_EQ(detail.contentions(), 4u);

  detail = DetailOf({.kind = base::RequestErrorKind::kFailure,
                     .failures = 1,
                     .data_present = true,
                     .reasons = {{"10.0.0.1", base::ReplicaFailureCode::kTooManyTombstones}}});
  EXPECT_TRUE(detail.data_present());
  ASSERT_EQ(detail.reasons_size(), 1);
  EXPECT_EQ(detail.reasons(0).host(), "10.0.0.1");
  EXPECT_EQ(detail.reasons(0).code(), 1u);
}

TEST(Errors, OfStatementsTellWhereAndWhat) {
  pb::ErrorDetail detail =
      DetailOf({.kind = base::RequestErrorKind::kSyntax}, "line 2:17 expected FROM");
  EXPECT_EQ(detail.kind(), pb::ErrorDetail::SYNTAX);
  EXPECT_EQ(detail.line(), 2u);
  EXPECT_EQ(detail.column(), 17u);

  detail = DetailOf({.kind = base::RequestErrorKind::kAlreadyExists, .keyspace = "k", .name = "t"});
  EXPECT_EQ(detail.keyspace(), "k");
  EXPECT_EQ(detail.table(), "t");
  EXPECT_EQ(detail.line(), 0u);

  detail = DetailOf({.kind = base::RequestErrorKind::kUnprepared, .name = "\x01\x02"});
  EXPECT_EQ(detail.prepared_id(), "\x01\x02");
  EXPECT_EQ(detail.table(), "");
}

TEST(Errors, OfNoRequestHaveNoDetail) {
  const grpc::Status status = ToGrpcStatus(absl::InternalError("x"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_EQ(status.error_details(), "");
}

}  // namespace
}  // namespace tholos::node
