#include "cli/row_loader.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "base/checksum.h"
#include "base/status_macros.h"
#include "cli/consistency.h"
#include "cli/load_progress.h"
#include "cli/progress.h"
#include "cli/session_client.h"
#include "cli/value_text.h"
#include "client/column_type.h"

namespace tholos::cli {
namespace {

namespace pb = ::tholos::v1;

constexpr uint64_t kMessagesShown = 20;

// Records that could not be loaded, and why: shown, and kept in a file. Thread-safe.
class BadRecords {
 public:
  BadRecords(const LoadOptions& options, ProgressBar& bar) : options_(options), bar_(bar) {}

  // `record` as its fields were read; none if it could not be cut into fields.
  void Add(uint64_t line, const std::vector<CsvField>& record, const std::string& message) {
    absl::MutexLock lock(&mutex_);
    const std::string reason =
        message.starts_with("line ") ? message : absl::StrCat("line ", line, ": ", message);
    Keep(record, reason);
    if (++count_ > kMessagesShown) return;
    bar_.Clear();
    std::cerr << reason << "\n";
    if (count_ == kMessagesShown) std::cerr << "(further errors are counted only)\n";
  }
  uint64_t count() const {
    absl::MutexLock lock(&mutex_);
    return count_;
  }

 private:
  void Keep(const std::vector<CsvField>& record, const std::string& reason)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (options_.bad_file.empty()) return;
    if (!file_.is_open()) file_.open(options_.bad_file, std::ios::app | std::ios::binary);
    std::string line;
    for (const CsvField& field : record) {
      const bool null = !field.quoted && field.text == options_.format.null;
      if (null) {
        AppendCsvNull(options_.format, &field == record.data(), &line);
      } else {
        AppendCsvField(options_.format, field.text, field.quoted, &field == record.data(), &line);
      }
    }
    AppendCsvField(options_.format, reason, true, record.empty(), &line);
    file_ << line << "\n" << std::flush;
  }

  const LoadOptions& options_;
  mutable absl::Mutex mutex_;
  ProgressBar& bar_;
  std::ofstream file_ ABSL_GUARDED_BY(mutex_);
  uint64_t count_ ABSL_GUARDED_BY(mutex_) = 0;
};

class Loader {
 public:
  Loader(const GlobalOptions& global, Connection& connection, std::istream& in,
         const LoadOptions& options)
      : global_(global),
        connection_(connection),
        options_(options),
        csv_(in, options.format),
        bar_(options.file_bytes),
        bad_(options, bar_) {}

  absl::StatusOr<LoadReport> Run() {
    LoadProgress progress;
    progress.file_bytes = options_.file_bytes;
    THOLOS_ASSIGN_OR_RETURN(progress.table_id, FindTable());
    columns_ = options_.columns;
    if (options_.header) THOLOS_RETURN_IF_ERROR(ReadHeader());
    if (columns_.empty()) THOLOS_RETURN_IF_ERROR(ListColumns());
    THOLOS_RETURN_IF_ERROR(Prepare());
    progress.layout = Layout();
    const LoadProgress before = options_.progress_file.empty() || options_.again
                                    ? LoadProgress()
                                    : LoadProgress::Read(options_.progress_file);
    if (before.IsOf(progress)) {
      if (before.complete && options_.once) {
        return LoadReport{.resumed_after = before.records, .loaded_before = true};
      }
      if (!before.complete) progress.records = before.records;
    }
    return Load(progress);
  }

 private:
  std::string QualifiedTable() const {
    return absl::StrCat(QuoteName(options_.table.keyspace), ".", QuoteName(options_.table.table));
  }

  absl::StatusOr<std::string> FindTable() {
    grpc::ClientContext context;
    connection_.SetDeadline(&context);
    pb::GetSchemaResponse schema;
    const grpc::Status status = connection_.admin().GetSchema(&context, {}, &schema);
    if (!status.ok()) return absl::UnavailableError(connection_.Explain(status));
    for (const auto& keyspace : schema.keyspaces()) {
      if (keyspace.name() != options_.table.keyspace) continue;
      for (const auto& table : keyspace.tables()) {
        if (table.name() == options_.table.table) return table.id();
      }
    }
    return absl::NotFoundError(
        absl::StrCat("there is no table ", options_.table.keyspace, ".", options_.table.table));
  }

  absl::Status ReadHeader() {
    auto more = csv_.Next(&record_);
    if (!more.ok()) return more.status();
    if (!*more) return absl::InvalidArgumentError("empty: its first line must name the columns");
    if (!columns_.empty()) return absl::OkStatus();
    for (const CsvField& field : record_) columns_.push_back(field.text);
    return absl::OkStatus();
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

  absl::Status ListColumns() {
    THOLOS_ASSIGN_OR_RETURN(const pb::PrepareResponse all,
                            PrepareText("SELECT * FROM " + QualifiedTable()));
    for (const auto& column : all.result_columns()) columns_.push_back(column.name());
    return absl::OkStatus();
  }

  absl::Status Prepare() {
    std::vector<std::string> names;
    for (const std::string& column : columns_) names.push_back(QuoteName(column));
    std::string query = absl::StrCat(
        "INSERT INTO ", QualifiedTable(), " (", absl::StrJoin(names, ", "), ") VALUES (",
        absl::StrJoin(std::vector<std::string>(names.size(), "?"), ", "), ")");
    if (options_.ttl_seconds) absl::StrAppend(&query, " USING TTL ", *options_.ttl_seconds);
    auto prepared = PrepareText(query);
    if (!prepared.ok()) return OfColumns(prepared.status());
    prepared_ = *std::move(prepared);
    for (const auto& parameter : prepared_.parameters()) {
      THOLOS_ASSIGN_OR_RETURN(data::DataType type, client::ColumnType(parameter));
      types_.push_back(std::move(type));
    }
    return absl::OkStatus();
  }

  // What is wrong with the columns; the place in a text that nobody wrote is left out.
  absl::Status OfColumns(const absl::Status& status) const {
    std::string message(status.message());
    const size_t place = message.find("line ");
    if (place != message.npos) {
      const size_t end = message.find_first_not_of("0123456789:", place + 5);
      if (end != message.npos && message[end] == ' ') message.erase(place, end + 1 - place);
    }
    return absl::Status(status.code(), absl::StrCat(QualifiedTable(), " (",
                                                    absl::StrJoin(columns_, ", "), "): ", message));
  }

  uint64_t Layout() const {
    const CsvFormat& format = options_.format;
    return base::Checksum64(absl::StrCat(
        absl::StrJoin(columns_, "\x1f"), "\x1e", std::string(1, format.delimiter),
        std::string(1, format.quote), std::string(1, format.escape), format.null, "\x1e",
        options_.datetime_format, "\x1e", options_.header, " ", options_.skip_rows));
  }

  absl::StatusOr<LoadReport> Load(LoadProgress progress) {
    LoadReport report;
    report.resumed_after = progress.records;
    if (progress.records > 0) {
      std::cerr << "going on after " << progress.records << " rows\n";
    }
    if (progress.records == 0 && !options_.bad_file.empty()) {
      std::error_code ignored;  // of an earlier load
      std::filesystem::remove(options_.bad_file, ignored);
    }
    SettledRecords settled(progress.records);
    settled_ = &settled;
    const absl::Time started = absl::Now();
    absl::Time saved = started;
    uint64_t next = 0;
    bool ended = false;
    {
      SessionClient session(global_, connection_.target());
      while (!(report.interrupted = options_.interrupted())) {
        report.too_many_errors = bad_.count() > options_.max_errors;
        if (report.too_many_errors || next >= LastRecord()) break;
        auto more = csv_.Next(&record_);
        ended = more.ok() && !*more;
        if (ended) break;
        const uint64_t number = next++;
        if (number < report.resumed_after) continue;
        if (number < options_.skip_rows) {
          settled.Add(number);
          continue;
        }
        ++report.read;
        auto call = more.ok() ? MakeCall() : absl::StatusOr<pb::SessionCall>(more.status());
        if (!call.ok()) {
          bad_.Add(csv_.line(), record_, std::string(call.status().message()));
          settled.Add(number);
          continue;
        }
        if (RetriesWaiting() >= options_.in_flight) RetryUntilSettled(session);
        session.WaitBelow(options_.in_flight);
        Send(session, Attempt{*std::move(call), record_, number, csv_.line()});
        bar_.Update(csv_.bytes(), number + 1);
        if (absl::Now() - saved > absl::Seconds(1)) {
          saved = absl::Now();
          Save(&progress);
        }
      }
      RetryUntilSettled(session);
    }
    bar_.Clear();
    report.too_many_errors = report.too_many_errors || bad_.count() > options_.max_errors;
    report.bad = bad_.count();
    report.loaded = report.read - std::min(report.read, report.bad);
    report.seconds = absl::ToDoubleSeconds(absl::Now() - started);
    const bool stopped = report.interrupted || report.too_many_errors;
    progress.complete = !stopped && report.bad == 0;
    Save(&progress);
    return report;
  }

  uint64_t LastRecord() const {
    const uint64_t most = std::numeric_limits<uint64_t>::max() - options_.skip_rows;
    return options_.skip_rows + std::min(options_.max_rows, most);
  }

  void Save(LoadProgress* progress) {
    if (options_.progress_file.empty()) return;
    progress->records = settled_->prefix();
    progress->Write(options_.progress_file);
  }

  absl::StatusOr<pb::SessionCall> MakeCall() {
    if (record_.size() != types_.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat(record_.size(), " fields, but there are ", types_.size(), " columns"));
    }
    pb::SessionCall call;
    pb::ExecuteRequest* request = call.mutable_execute();
    request->set_prepared_id(prepared_.id());
    request->set_consistency(ToProtoConsistency(options_.consistency));
    for (size_t i = 0; i < record_.size(); ++i) {
      pb::Value* value = request->add_values();
      if (!record_[i].quoted && record_[i].text == options_.format.null) continue;
      auto bytes = ValueFromText(types_[i], record_[i].text, options_.datetime_format);
      if (!bytes.ok()) {
        return absl::InvalidArgumentError(
            absl::StrCat("column ", columns_[i], ": ", bytes.status().message()));
      }
      value->set_cql(*std::move(bytes));
    }
    return call;
  }

  struct Attempt {
    pb::SessionCall call;
    std::vector<CsvField> record;
    uint64_t number = 0;
    uint64_t line = 0;
    int attempts = 0;
  };

  void Send(SessionClient& session, Attempt attempt) {
    ++attempt.attempts;
    pb::SessionCall call = attempt.call;
    session.Submit(std::move(call), [this, attempt = std::move(attempt)](
                                        const pb::SessionAnswer& answer) mutable {
      if (!answer.has_error()) {
        settled_->Add(attempt.number);
        return;
      }
      if (IsRetriable(answer.error().code()) && attempt.attempts < kAttemptsMax) {
        absl::MutexLock lock(&mutex_);
        retries_.push_back(std::move(attempt));
        return;
      }
      bad_.Add(attempt.line, attempt.record,
               absl::StrCat(CodeName(answer.error().code()), ": ", answer.error().message()));
      settled_->Add(attempt.number);
    });
  }

  int RetriesWaiting() {
    absl::MutexLock lock(&mutex_);
    return static_cast<int>(retries_.size());
  }

  // What failed for a passing reason is sent again, after a pause that grows.
  void RetryUntilSettled(SessionClient& session) {
    for (int round = 0;; ++round) {
      session.WaitBelow(1);
      std::vector<Attempt> retries;
      {
        absl::MutexLock lock(&mutex_);
        retries.swap(retries_);
      }
      // An interrupted load leaves them for the next one.
      if (retries.empty() || options_.interrupted()) return;
      absl::SleepFor(absl::Milliseconds(100) * (1 << std::min(round, 6)));
      for (Attempt& attempt : retries) {
        session.WaitBelow(options_.in_flight);
        Send(session, std::move(attempt));
      }
    }
  }

  const GlobalOptions& global_;
  Connection& connection_;
  const LoadOptions& options_;
  CsvReader csv_;
  ProgressBar bar_;
  BadRecords bad_;
  std::vector<CsvField> record_;
  std::vector<std::string> columns_;
  std::vector<data::DataType> types_;
  pb::PrepareResponse prepared_;
  SettledRecords* settled_ = nullptr;
  absl::Mutex mutex_;
  std::vector<Attempt> retries_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<LoadReport> LoadRows(const GlobalOptions& global, Connection& connection,
                                    std::istream& in, const LoadOptions& options) {
  return Loader(global, connection, in, options).Run();
}

}  // namespace tholos::cli
