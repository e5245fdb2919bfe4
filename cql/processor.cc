#include "cql/processor.h"

#include <atomic>
#include <limits>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "coordinator/trace.h"
#include "cql/binding.h"
#include "cql/parser.h"
#include "cql/plan.h"
#include "cql/prepared_cache.h"
#include "cql/statements/batch.h"
#include "cql/statements/statements.h"

namespace tholos::cql {
namespace {

// The labels of tholos_cql_statements_total, as Plan::kind gives them.
constexpr std::string_view kKinds[] = {
    "select",         "insert",          "update",        "delete",     "use",      "create_table",
    "drop_table",     "create_keyspace", "drop_keyspace", "describe",   "batch",    "truncate",
    "alter_keyspace", "alter_table",     "create_type",   "alter_type", "drop_type"};

// Which values a statement takes: of which types, for which columns.
uint64_t ParametersDigest(const Plan& plan) {
  std::string text;
  for (const ResultColumn& parameter : plan.parameters()) {
    base::PutBytes(&text, parameter.name);
    parameter.type.AppendTo(&text);
  }
  return base::Checksum64(text);
}

absl::Status Unprepared(const PreparedId& id) {
  return base::MakeRequestError({.kind = base::RequestErrorKind::kUnprepared, .name = id},
                                "the prepared statement is not known here: prepare it again");
}

// What a shard has of its own.
struct Shard {
  Shard(const QueryProcessorDeps& deps, int index)
      : services{deps.clock,
                 deps.coordinator,
                 deps.schema,
                 deps.limits,
                 deps.local_node,
                 deps.cluster_name,
                 deps.random.Stream(base::StrCat("cql-", index))},
        plans(deps.limits.prepared_plan_bytes_max) {
    const std::string label = base::StrCat(index);
    for (const std::string_view kind : kKinds) {
      statements.emplace_back(
          kind,
          &deps.metrics.AddCounter("tholos_cql_statements_total", "Statements executed, by kind.",
                                   {{"kind", std::string(kind)}, {"shard", label}}));
    }
    errors = &deps.metrics.AddCounter("tholos_cql_errors_total",
                                      "Statements that ended with an error.", {{"shard", label}});
    analyses = &deps.metrics.AddCounter("tholos_cql_analyses_total",
                                        "Statements parsed and analysed.", {{"shard", label}});
  }

  void Count(std::string_view kind) {
    for (const auto& [known, counter] : statements) {
      if (known == kind) return counter->Add();
    }
  }

  Services services;
  PreparedPlans plans;
  std::vector<std::pair<std::string_view, base::Counter*>> statements;
  base::Counter* errors = nullptr;
  base::Counter* analyses = nullptr;
};

class QueryProcessorImpl final : public QueryProcessor {
 public:
  explicit QueryProcessorImpl(QueryProcessorDeps deps)
      : deps_(std::move(deps)),
        texts_(deps_.limits.prepared_bytes_max),
        prepared_bytes_(
            deps_.metrics.AddGauge("tholos_cql_prepared_bytes", "Texts of prepared statements.")) {
    for (int i = 0; i < deps_.executor.shard_count(); ++i) {
      shards_.push_back(std::make_unique<Shard>(deps_, i));
    }
  }

  base::Task<absl::StatusOr<PreparedStatementInfo>> Prepare(std::string query,
                                                            std::string keyspace) override {
    Shard& shard = CurrentShard();
    const ring::ClusterState::Ptr state = deps_.state.Get();
    absl::StatusOr<PlanPtr> plan = MakePlan(shard, query, keyspace, state);
    if (!plan.ok()) {
      shard.errors->Add();
      co_return plan.status();
    }
    PreparedStatementInfo info;
    info.id = MakePreparedId(keyspace, query);
    info.parameters = (*plan)->parameters();
    info.result_columns = (*plan)->result_columns();
    info.partition_key_indexes = (*plan)->partition_key_indexes();
    shard.plans.Put(info.id, {*plan, state->schema_ptr()}, PlanCost(query.size()));
    texts_.Put(info.id, {std::move(keyspace), std::move(query), ParametersDigest(**plan)});
    prepared_bytes_.Set(static_cast<int64_t>(texts_.bytes()));
    co_return info;
  }

  base::Task<absl::StatusOr<QueryResult>> ExecutePrepared(PreparedId id,
                                                          QueryOptions options) override {
    Shard& shard = CurrentShard();
    const ring::ClusterState::Ptr state = deps_.state.Get();
    absl::StatusOr<PlanPtr> plan = FindPlan(shard, id, state);
    if (!plan.ok()) {
      shard.errors->Add();
      co_return plan.status();
    }
    const std::optional<PreparedText> text = options.tracing ? texts_.Find(id) : std::nullopt;
    const coordinator::TraceHandle trace = BeginTrace(
        options, "Execute CQL3 prepared query", text.has_value() ? text->text : std::string());
    co_return EndTrace(trace,
                       co_await Run(shard, *std::move(plan), state, std::move(options), trace));
  }

  base::Task<absl::StatusOr<QueryResult>> Execute(std::string query,
                                                  QueryOptions options) override {
    Shard& shard = CurrentShard();
    const ring::ClusterState::Ptr state = deps_.state.Get();
    absl::StatusOr<PlanPtr> plan = MakePlan(shard, query, options.keyspace, state);
    if (!plan.ok()) {
      shard.errors->Add();
      co_return plan.status();
    }
    const coordinator::TraceHandle trace = BeginTrace(options, "Execute CQL3 query", query);
    co_return EndTrace(trace,
                       co_await Run(shard, *std::move(plan), state, std::move(options), trace));
  }

  base::Task<absl::StatusOr<QueryResult>> ExecuteBatch(BatchType type, std::vector<BatchItem> items,
                                                       QueryOptions options) override {
    Shard& shard = CurrentShard();
    shard.Count("batch");
    const coordinator::TraceHandle trace =
        BeginTrace(options, "Execute batch of CQL3 queries", std::string());
    absl::StatusOr<QueryResult> result =
        co_await RunBatch(shard, type, std::move(items), std::move(options), trace);
    if (!result.ok()) shard.errors->Add();
    co_return EndTrace(trace, std::move(result));
  }

 private:
  Shard& CurrentShard() {
    const int index = deps_.executor.current_shard();
    THOLOS_CHECK(index >= 0) << "the query processor was called on no shard";
    return *shards_[index];
  }

  // Text to plan.
  absl::StatusOr<PlanPtr> MakePlan(Shard& shard, std::string_view text, std::string_view keyspace,
                                   const ring::ClusterState::Ptr& state) const {
    shard.analyses->Add();
    ParseOptions options;
    options.statement_bytes_max = deps_.limits.statement_bytes_max;
    absl::StatusOr<ParsedStatement> parsed = Parse(text, options);
    if (!parsed.ok()) {
      const std::string_view message = base::ToStd(parsed.status().message());
      return absl::IsUnimplemented(parsed.status()) ? base::InvalidRequest(message)
                                                    : base::SyntaxError(message);
    }
    AnalysisContext context;
    context.state = state;
    context.keyspace = keyspace;
    context.limits = deps_.limits;
    context.statement_hash = base::Checksum64(text, base::Checksum64(keyspace));
    context.parameters.resize(parsed->markers.size());
    return AnalyzeStatement(parsed->statement, &context);
  }

  absl::StatusOr<PlanPtr> FindPlan(Shard& shard, const PreparedId& id,
                                   const ring::ClusterState::Ptr& state) {
    const PreparedPlan* known = shard.plans.Find(id);
    if (known != nullptr && known->schema.get() == &state->schema()) return known->plan;
    const std::optional<PreparedText> text = texts_.Find(id);
    if (!text) return Unprepared(id);
    THOLOS_ASSIGN_OR_RETURN(PlanPtr plan, MakePlan(shard, text->text, text->keyspace, state));
    if (ParametersDigest(*plan) != text->parameters) return Unprepared(id);
    shard.plans.Put(id, {plan, state->schema_ptr()}, PlanCost(text->text.size()));
    return plan;
  }

  // Null unless the client asked for it.
  coordinator::TraceHandle BeginTrace(const QueryOptions& options, std::string request,
                                      const std::string& text) const {
    if (!options.tracing) return nullptr;
    coordinator::TraceRequest traced{.request = std::move(request), .client = options.client};
    if (!text.empty()) traced.parameters["query"] = text;
    traced.parameters["consistency_level"] =
        std::string(coordinator::ConsistencyName(options.consistency));
    traced.parameters["page_size"] = base::StrCat(options.page_size);
    return deps_.coordinator.BeginTrace(std::move(traced));
  }

  absl::StatusOr<QueryResult> EndTrace(const coordinator::TraceHandle& trace,
                                       absl::StatusOr<QueryResult> result) const {
    if (trace == nullptr) return result;
    if (result.ok()) result->tracing_id = trace->session();
    deps_.coordinator.EndTrace(trace);
    return result;
  }

  absl::StatusOr<Request> MakeRequest(Shard& shard, ring::ClusterState::Ptr state,
                                      QueryOptions& options, coordinator::TraceHandle trace) const {
    Request request;
    request.services = &shard.services;
    request.state = std::move(state);
    request.routing = {options.consistency, options.deadline, std::move(trace)};
    request.page_size = options.page_size;
    request.paging_state = std::move(options.paging_state);
    request.timestamp = options.timestamp;
    request.wall_micros = deps_.clock.WallMicros();
    request.now_seconds = options.now_seconds;
    if (request.timestamp == data::kNoTimestamp) {
      return base::InvalidRequest(base::StrCat("Out of bound timestamp, must be in [",
                                               data::kNoTimestamp + 1, ", ",
                                               std::numeric_limits<int64_t>::max(), "]"));
    }
    return request;
  }

  // `plan` is kept by this frame while it runs.
  base::Task<absl::StatusOr<QueryResult>> Run(Shard& shard, PlanPtr plan,
                                              ring::ClusterState::Ptr state, QueryOptions options,
                                              coordinator::TraceHandle trace) {
    shard.Count(plan->kind());
    absl::StatusOr<Request> request =
        MakeRequest(shard, std::move(state), options, std::move(trace));
    if (!request.ok()) {
      shard.errors->Add();
      co_return request.status();
    }
    absl::StatusOr<std::vector<BoundValue>> values =
        BindValues(plan->parameters(), std::move(options.values), deps_.limits);
    if (!values.ok()) {
      shard.errors->Add();
      co_return values.status();
    }
    request->values = *std::move(values);
    absl::StatusOr<QueryResult> result = co_await plan->Execute(*std::move(request));
    if (!result.ok()) shard.errors->Add();
    co_return result;
  }

  base::Task<absl::StatusOr<QueryResult>> RunBatch(Shard& shard, BatchType type,
                                                   std::vector<BatchItem> items,
                                                   QueryOptions options,
                                                   coordinator::TraceHandle trace) {
    if (type == BatchType::kCounter) {
      co_return base::InvalidRequest("counter batches are not supported yet");
    }
    if (items.size() > deps_.limits.batch_statements_max) {
      co_return base::InvalidRequest(base::StrCat("a batch of ", items.size(),
                                                  " statements, the limit is ",
                                                  deps_.limits.batch_statements_max));
    }
    const ring::ClusterState::Ptr state = deps_.state.Get();
    THOLOS_CO_ASSIGN_OR_RETURN(Request request,
                               MakeRequest(shard, state, options, std::move(trace)));
    SetBatchTimestamp(&request);
    BatchWrite write(type);
    for (BatchItem& item : items) {
      absl::StatusOr<PlanPtr> plan =
          item.statement.index() == 0
              ? MakePlan(shard, std::get<0>(item.statement), options.keyspace, state)
              : FindPlan(shard, std::get<1>(item.statement), state);
      if (!plan.ok()) co_return plan.status();
      THOLOS_CO_ASSIGN_OR_RETURN(
          request.values, BindValues((*plan)->parameters(), std::move(item.values), deps_.limits));
      THOLOS_CO_RETURN_IF_ERROR(co_await write.Add(**plan, request));
    }
    co_return co_await write.Write(std::move(request));
  }

  const QueryProcessorDeps deps_;
  PreparedTexts texts_;
  base::Gauge& prepared_bytes_;
  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace

std::unique_ptr<QueryProcessor> MakeQueryProcessor(QueryProcessorDeps deps) {
  return std::make_unique<QueryProcessorImpl>(std::move(deps));
}

}  // namespace tholos::cql
