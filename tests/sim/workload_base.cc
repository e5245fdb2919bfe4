#include "tests/sim/workload_base.h"

#include "base/check.h"
#include "base/errors.h"
#include "base/strings.h"
#include "cql/rows.h"

namespace tholos::sim {

Workload::Workload(const RunOptions& options, const Topology& topology)
    : replication_(topology.replication),
      cluster_({.seed = options.seed, .places = topology.places, .faults = options.faults}),
      random_(cluster_.simulation().Stream("workload")) {
  if (options.print_trace) {
    simulation().trace().set_sink([](std::string_view line) {
      std::fwrite(line.data(), 1, line.size(), stdout);
      std::fputc('\n', stdout);
    });
  }
}

bool Workload::Await(absl::FunctionRef<bool()> predicate, absl::Duration max,
                     const std::string& what) {
  if (simulation().RunUntil(predicate, max) == base::sim::Simulation::Outcome::kReached)
    return true;
  std::string message = base::StrCat(what, " did not happen within ", absl::FormatDuration(max));
  for (const std::string& error : cluster_.errors()) base::StrAppend(&message, "\n    ", error);
  for (int n = 0; n < cluster_.size(); ++n) {
    const auto& lines = cluster_.machine(n).log().lines();
    const size_t shown = std::min<size_t>(lines.size(), 5);
    for (size_t i = lines.size() - shown; i < lines.size(); ++i) {
      base::StrAppend(&message, "\n    ", cluster_.name(n), ": ", lines[i]);
    }
  }
  Violation(std::move(message));
  return false;
}

bool Workload::Start() {
  for (int n = 0; n < cluster_.size(); ++n) cluster_.Boot(n);
  return Await([&] { return cluster_.AllUp(); }, absl::Minutes(2),
               "the first start of all nodes") &&
         Execute("CREATE KEYSPACE t WITH replication = " + replication_);
}

bool Workload::CreateTable(const std::string& name, const std::string& columns) {
  return Execute(base::StrCat("CREATE TABLE t.", name, " (", columns, ")")) &&
         Await([&] { return cluster_.AllKnow("t", name); }, absl::Minutes(1),
               base::StrCat("the spreading of table ", name));
}

void Workload::AwaitEqualReplicas(const std::string& table) {
  while (!cluster_.SameContents("t", table)) {
    if (simulation().now() > healed_by()) {
      return Violation(base::StrCat("replicas of ", table, " differ ",
                                    absl::FormatDuration(kHealingMax), " after healing"));
    }
    simulation().RunFor(absl::Seconds(1));
  }
}

bool Workload::AwaitHealed(absl::FunctionRef<bool()> quiet) {
  return Await([&] { return cluster_.AllUp() && quiet(); }, healed_by() - simulation().now(),
               "healing");
}

bool Workload::Execute(const std::string& statement) {
  const auto result = cluster_.QueryAndWait(0, statement);
  if (result.ok()) return true;
  Violation(base::StrCat(statement, ": ", result.status().ToString()));
  return false;
}

void Workload::RunFinalReads(std::vector<FinalRead> reads) {
  const auto run = FinalReads::Start(simulation(), std::move(reads));
  simulation().RunUntil([&] { return run->done(); }, healed_by() - simulation().now());
  for (const std::string& failed : run->Stop())
    Violation(base::StrCat(absl::FormatDuration(kHealingMax), " after healing ", failed));
}

void Workload::NoteError(const absl::Status& status, const std::string& statement) {
  const auto error = base::GetRequestError(status);
  if (!error.has_value()) return;
  if (error->kind == base::RequestErrorKind::kInvalid ||
      error->kind == base::RequestErrorKind::kSyntax) {
    Violation(base::StrCat(statement, ": ", status.ToString()));
  }
}

RunReport Workload::Finish() {
  for (const std::string& late : cluster_.late()) Violation(late);
  report_.trace_hash = simulation().trace().hash();
  report_.steps = simulation().steps();
  report_.virtual_seconds = static_cast<double>(simulation().now().nanos) * 1e-9;
  if (healing_began_.has_value())
    report_.healing_seconds = absl::ToDoubleSeconds(simulation().now() - *healing_began_);
  return report_;
}

Outcome Workload::OutcomeOf(const absl::Status& status) {
  if (status.ok()) return Outcome::kAcknowledged;
  if (status.code() == absl::StatusCode::kUnavailable) return Outcome::kNotApplied;
  const auto error = base::GetRequestError(status);
  if (error.has_value() && error->kind == base::RequestErrorKind::kOverloaded)
    return Outcome::kNotApplied;
  return Outcome::kUnknown;
}

cql::QueryOptions AtLevel(coordinator::ConsistencyLevel level) {
  cql::QueryOptions options;
  options.consistency = level;
  return options;
}

Rows RowsOf(const cql::QueryResult& result) {
  const auto* rows = std::get_if<cql::RowsResult>(&result.result);
  THOLOS_CHECK(rows != nullptr);
  return {cql::DecodeRows(*rows), rows->paging_state};
}

std::optional<uint64_t> BigintAt(const Rows& rows, size_t row, size_t column) {
  const data::Value& value = rows.rows[row][column];
  if (!value.has_value()) return std::nullopt;
  return static_cast<uint64_t>(data::DecodeBigint(*value));
}

std::string TextAt(const Rows& rows, size_t row, size_t column) {
  return rows.rows[row][column].value_or("");
}

}  // namespace tholos::sim
