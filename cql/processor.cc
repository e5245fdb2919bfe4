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
#include "cql/text.h"

namespace tholos::cql {
namespace {

// The labels of tholos_cql_statements_total, as Plan::kind gives them.
constexpr std::string_view kKinds[] = {
    "select",         "insert",          "update",        "delete",     "use",      "create_table",
    "drop_table",     "create_keyspace", "drop_keyspace", "describe",   "batch",    "truncate",
    "alter_keyspace", "alter_table",     "create_type",   "alter_type", "drop_type"};

// Of a statement's text, in the log of slow requests.
constexpr size_t kTextShown = 200;

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
    coordinator::TraceHandle trace;
    if (options.tracing) {
      const std::optional<PreparedText> text = texts_.Find(id);
      trace = BeginTrace(options, "Execute CQL3 prepared query",
                         text.has_value() ? text->text : std::string());
    }
    Request request;
    absl::Status status = Bind(shard, **plan, state, options, std::move(trace), &request);
    if (status.ok()) status = co_await (*plan)->Execute(request);
    End(shard, status, request);
    if (!status.ok()) co_return status;
    co_return std::move(request.result);
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
    coordinator::TraceHandle trace;
    if (options.tracing) trace = BeginTrace(options, "Execute CQL3 query", query);
    Request request;
    absl::Status status = Bind(shard, **plan, state, options, std::move(trace), &request);
    if (status.ok()) status = co_await (*plan)->Execute(request);
    End(shard, status, request);
    if (!status.ok()) co_return status;
    co_return std::move(request.result);
  }

  base::Task<absl::StatusOr<QueryResult>> ExecuteBatch(BatchType type, std::vector<BatchItem> items,
                                                       QueryOptions options) override {
    Shard& shard = CurrentShard();
    shard.Count("batch");
    Request request;
    request.services = &shard.services;
    request.state = deps_.state.Get();
    coordinator::TraceHandle trace;
    if (options.tracing) trace = BeginTrace(options, "Execute batch of CQL3 queries", "");
    absl::Status status = Begin(options, std::move(trace), &request);
    if (status.ok()) {
      status = co_await RunBatch(shard, type, std::move(items), options.keyspace, request);
    }
    End(shard, status, request);
    if (!status.ok()) co_return status;
    co_return std::move(request.result);
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
    options.nesting_depth_max = deps_.limits.nesting_depth_max;
    absl::StatusOr<ParsedStatement> parsed = Parse(text, options);
    if (!parsed.ok()) {
      const std::string_view message = base::ToStd(parsed.status().message());
      return absl::IsInvalidArgument(parsed.status()) ? base::SyntaxError(message)
                                                      : base::InvalidRequest(message);
    }
    AnalysisContext context;
    context.state = state;
    context.keyspace = keyspace;
    context.limits = deps_.limits;
    context.statement_hash = base::Checksum64(text, base::Checksum64(keyspace));
    context.parameters.resize(parsed->markers.size());
    THOLOS_ASSIGN_OR_RETURN(PlanPtr plan, AnalyzeStatement(parsed->statement, &context));
    plan->set_text(Abbreviate(text, kTextShown));
    return plan;
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

  coordinator::TraceHandle BeginTrace(const QueryOptions& options, std::string request,
                                      const std::string& text) const {
    coordinator::TraceRequest traced{.request = std::move(request), .client = options.client};
    if (!text.empty()) traced.parameters["query"] = text;
    traced.parameters["consistency_level"] =
        std::string(coordinator::ConsistencyName(options.consistency));
    traced.parameters["page_size"] = base::StrCat(options.page_size);
    return deps_.coordinator.BeginTrace(std::move(traced));
  }

  // Everything of a request but its values.
  absl::Status Begin(QueryOptions& options, coordinator::TraceHandle trace,
                     Request* request) const {
    request->routing.consistency = options.consistency;
    request->routing.deadline = options.deadline;
    request->routing.trace = std::move(trace);
    request->page_size = options.page_size;
    request->paging_state = std::move(options.paging_state);
    request->timestamp = options.timestamp;
    request->wall_micros = deps_.clock.WallMicros();
    request->now_seconds = options.now_seconds;
    if (request->timestamp == data::kNoTimestamp) {
      return base::InvalidRequest(base::StrCat("Out of bound timestamp, must be in [",
                                               data::kNoTimestamp + 1, ", ",
                                               std::numeric_limits<int64_t>::max(), "]"));
    }
    return absl::OkStatus();
  }

  // One execution of `plan`.
  absl::Status Bind(Shard& shard, const Plan& plan, const ring::ClusterState::Ptr& state,
                    QueryOptions& options, coordinator::TraceHandle trace, Request* request) const {
    shard.Count(plan.kind());
    request->services = &shard.services;
    request->state = state;
    THOLOS_RETURN_IF_ERROR(Begin(options, std::move(trace), request));
    request->routing.statement = plan.text();
    request->values = std::move(options.values);
    return BindValues(plan.parameters(), deps_.limits, &request->values);
  }

  void End(Shard& shard, const absl::Status& status, Request& request) const {
    if (!status.ok()) shard.errors->Add();
    const coordinator::TraceHandle& trace = request.routing.trace;
    if (trace == nullptr) return;
    request.result.tracing_id = trace->session();
    deps_.coordinator.EndTrace(trace);
  }

  base::Task<absl::Status> RunBatch(Shard& shard, BatchType type, std::vector<BatchItem> items,
                                    std::string keyspace, Request& request) {
    if (type == BatchType::kCounter) {
      co_return base::InvalidRequest("counter batches are not supported yet");
    }
    if (items.size() > deps_.limits.batch_statements_max) {
      co_return base::InvalidRequest(base::StrCat("a batch of ", items.size(),
                                                  " statements, the limit is ",
                                                  deps_.limits.batch_statements_max));
    }
    request.one_timestamp = true;
    BatchWrite write(type);
    PlanPtr first;  // it names the batch
    for (BatchItem& item : items) {
      absl::StatusOr<PlanPtr> plan =
          item.statement.index() == 0
              ? MakePlan(shard, std::get<0>(item.statement), keyspace, request.state)
              : FindPlan(shard, std::get<1>(item.statement), request.state);
      if (!plan.ok()) co_return plan.status();
      if (first == nullptr) {
        first = *plan;
        request.routing.statement = first->text();
      }
      request.values = std::move(item.values);
      THOLOS_CO_RETURN_IF_ERROR(BindValues((*plan)->parameters(), deps_.limits, &request.values));
      THOLOS_CO_RETURN_IF_ERROR(co_await write.Add(**plan, request));
    }
    co_return co_await write.Write(request);
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
