#include "cli/row_exporter.h"

#include <algorithm>
#include <iostream>
#include <limits>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "base/coding.h"
#include "base/status_macros.h"
#include "cli/consistency.h"
#include "cli/progress.h"
#include "cli/session_client.h"
#include "cli/value_text.h"
#include "client/column_type.h"
#include "data/key.h"

namespace tholos::cli {
namespace {

namespace pb = ::tholos::v1;

constexpr int kRanges = 256;

class Exporter {
 public:
  Exporter(const GlobalOptions& global, Connection& connection, std::ostream& out,
           const ExportOptions& options)
      : global_(global), connection_(connection), out_(out), options_(options) {}

  absl::StatusOr<ExportReport> Run() {
    THOLOS_RETURN_IF_ERROR(Prepare());
    if (options_.header) WriteHeader();
    const absl::Time started = absl::Now();
    const int64_t first = options_.begin_token.value_or(data::kMinToken);
    const int64_t last = options_.end_token.value_or(std::numeric_limits<int64_t>::max());
    ranges_ = CutTokens(first, last, kRanges);
    ProgressBar bar(ranges_.size());
    {
      SessionClient session(global_, connection_.target());
      session_ = &session;
      for (size_t i = 0; i < ranges_.size() && !Stopped(); ++i) {
        while (!BelowOrStopped(options_.ranges_at_once)) Show(&bar);
        if (!Stopped()) Start(i);
        Show(&bar);
      }
      while (!BelowOrStopped(1)) Show(&bar);
      session.WaitBelow(1);  // what is under way when it stops
    }
    if (options_.shows_progress) bar.Clear();
    absl::MutexLock lock(&mutex_);
    out_.flush();
    if (error_.ok() && !out_) error_ = absl::DataLossError("the output cannot be written");
    THOLOS_RETURN_IF_ERROR(error_);
    return ExportReport{rows_, absl::ToDoubleSeconds(absl::Now() - started),
                        options_.interrupted()};
  }

 private:
  // One range's reading, page after page.
  struct Reading {
    int64_t first;
    int64_t last;
    std::string paging_state;
    int attempts = 0;
  };

  std::string QualifiedTable() const {
    return absl::StrCat(QuoteName(options_.table.keyspace), ".", QuoteName(options_.table.table));
  }

  absl::StatusOr<pb::PrepareResponse> PrepareText(const std::string& query) {
    pb::PrepareRequest request;
    request.set_query(query);
    grpc::ClientContext context;
    connection_.SetDeadline(&context);
    pb::PrepareResponse response;
    const grpc::Status status = connection_.cql().Prepare(&context, request, &response);
    if (!status.ok()) return absl::InvalidArgumentError(connection_.Explain(status));
    return response;
  }

  absl::StatusOr<std::vector<std::string>> PartitionKey() {
    grpc::ClientContext context;
    connection_.SetDeadline(&context);
    pb::GetSchemaResponse schema;
    const grpc::Status status = connection_.admin().GetSchema(&context, {}, &schema);
    if (!status.ok()) return absl::UnavailableError(connection_.Explain(status));
    std::vector<std::string> columns;
    for (const auto& keyspace : schema.keyspaces()) {
      for (const auto& table : keyspace.tables()) {
        if (keyspace.name() != options_.table.keyspace || table.name() != options_.table.table) {
          continue;
        }
        for (const auto& column : table.columns()) {
          if (column.kind() == "partition_key") columns.push_back(QuoteName(column.name()));
        }
      }
    }
    if (!columns.empty()) return columns;
    return absl::NotFoundError(
        absl::StrCat("there is no table ", options_.table.keyspace, ".", options_.table.table));
  }

  absl::Status Prepare() {
    THOLOS_ASSIGN_OR_RETURN(const std::vector<std::string> key, PartitionKey());
    std::vector<std::string> selected;
    for (const std::string& column : options_.columns) selected.push_back(QuoteName(column));
    const std::string token = absl::StrCat("token(", absl::StrJoin(key, ", "), ")");
    THOLOS_ASSIGN_OR_RETURN(
        prepared_, PrepareText(absl::StrCat(
                       "SELECT ", selected.empty() ? "*" : absl::StrJoin(selected, ", "), " FROM ",
                       QualifiedTable(), " WHERE ", token, " > ? AND ", token, " <= ?")));
    for (const auto& column : prepared_.result_columns()) {
      THOLOS_ASSIGN_OR_RETURN(data::DataType type, client::ColumnType(column));
      types_.push_back(std::move(type));
    }
    return absl::OkStatus();
  }

  void WriteHeader() {
    std::string line;
    bool first = true;
    for (const auto& column : prepared_.result_columns()) {
      AppendCsvField(options_.format, column.name(), false, std::exchange(first, false), &line);
    }
    out_ << line << "\n";
  }

  bool Stopped() {
    if (options_.interrupted()) return true;
    absl::MutexLock lock(&mutex_);
    return !error_.ok() || rows_ >= options_.max_rows;
  }

  // Waits a moment at most.
  bool BelowOrStopped(int limit) {
    if (Stopped()) return true;
    absl::MutexLock lock(&mutex_);
    const auto below = [this, limit]()
                           ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return open_ < limit; };
    return mutex_.AwaitWithTimeout(absl::Condition(&below), absl::Milliseconds(100));
  }

  void Show(ProgressBar* bar) {
    if (!options_.shows_progress) return;
    absl::MutexLock lock(&mutex_);
    bar->Update(done_, rows_);
  }

  void Start(size_t range) {
    {
      absl::MutexLock lock(&mutex_);
      ++open_;
    }
    Ask(std::make_shared<Reading>(Reading{ranges_[range].first, ranges_[range].second, ""}));
  }

  void Ask(std::shared_ptr<Reading> reading) {
    pb::SessionCall call;
    pb::ExecuteRequest* request = call.mutable_execute();
    request->set_prepared_id(prepared_.id());
    request->set_consistency(ToProtoConsistency(options_.consistency));
    request->add_values()->set_bigint(reading->first);
    request->add_values()->set_bigint(reading->last);
    request->set_page_size(options_.page_rows);
    request->set_paging_state(reading->paging_state);
    request->set_row_format(pb::ROW_FORMAT_RAW);
    request->set_skip_columns(true);
    session_->Submit(std::move(call),
                     [this, reading = std::move(reading)](const pb::SessionAnswer& answer) {
                       Take(reading, answer);
                     });
  }

  void Take(const std::shared_ptr<Reading>& reading, const pb::SessionAnswer& answer) {
    if (answer.has_error()) {
      const auto& error = answer.error();
      if (IsRetriable(error.code()) && ++reading->attempts < kAttemptsMax && !Stopped()) {
        absl::SleepFor(absl::Milliseconds(50) * (1 << reading->attempts));
        return Ask(reading);
      }
      return End(absl::Status(static_cast<absl::StatusCode>(error.code()),
                              absl::StrCat(CodeName(error.code()), ": ", error.message())));
    }
    reading->attempts = 0;
    const pb::RowsPage& page = answer.execute().rows();
    absl::StatusOr<std::vector<std::string>> lines = Lines(page);
    if (!lines.ok()) return End(lines.status());
    Write(*lines);
    reading->paging_state = page.paging_state();
    if (reading->paging_state.empty() || Stopped()) return End(absl::OkStatus());
    Ask(reading);
  }

  void End(const absl::Status& status) {
    absl::MutexLock lock(&mutex_);
    if (error_.ok()) error_ = status;
    --open_;
    ++done_;
  }

  absl::StatusOr<std::vector<std::string>> Lines(const pb::RowsPage& page) const {
    std::vector<std::string> lines(page.row_count());
    base::Reader reader(page.raw_rows());
    for (std::string& line : lines) {
      for (size_t i = 0; i < types_.size(); ++i) {
        const std::string_view length_bytes = reader.Raw(4);
        if (!reader.ok()) return reader.status("rows");
        const auto length = static_cast<int32_t>(base::LoadBigEndian32(length_bytes.data()));
        if (length < 0) {
          AppendCsvNull(options_.format, i == 0, &line);
          continue;
        }
        const std::string_view bytes = reader.Raw(static_cast<size_t>(length));
        if (!reader.ok()) return reader.status("rows");
        THOLOS_RETURN_IF_ERROR(types_[i].Validate(bytes));
        AppendCsvField(options_.format, ValueToText(types_[i], bytes, options_.datetime_format),
                       false, i == 0, &line);
      }
    }
    return lines;
  }

  void Write(const std::vector<std::string>& lines) {
    absl::MutexLock lock(&mutex_);
    for (const std::string& line : lines) {
      if (rows_ >= options_.max_rows) return;
      ++rows_;
      out_ << line << "\n";
    }
    if (!out_ && error_.ok()) error_ = absl::DataLossError("the output cannot be written");
  }

  const GlobalOptions& global_;
  Connection& connection_;
  std::ostream& out_;  // behind the mutex while ranges are read
  const ExportOptions& options_;
  pb::PrepareResponse prepared_;
  std::vector<data::DataType> types_;
  std::vector<std::pair<int64_t, int64_t>> ranges_;
  SessionClient* session_ = nullptr;
  absl::Mutex mutex_;
  int open_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t done_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t rows_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status error_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<ExportReport> ExportRows(const GlobalOptions& global, Connection& connection,
                                        std::ostream& out, const ExportOptions& options) {
  return Exporter(global, connection, out, options).Run();
}

std::vector<std::pair<int64_t, int64_t>> CutTokens(int64_t first, int64_t last, int count) {
  std::vector<std::pair<int64_t, int64_t>> ranges;
  if (first >= last) return ranges;
  const uint64_t width = static_cast<uint64_t>(last) - static_cast<uint64_t>(first);
  const uint64_t step = std::max<uint64_t>(1, width / static_cast<uint64_t>(count));
  int64_t from = first;
  while (static_cast<uint64_t>(last) - static_cast<uint64_t>(from) > step &&
         static_cast<int>(ranges.size()) + 1 < count) {
    const auto to = static_cast<int64_t>(static_cast<uint64_t>(from) + step);
    ranges.emplace_back(from, to);
    from = to;
  }
  ranges.emplace_back(from, last);
  return ranges;
}

}  // namespace tholos::cli
