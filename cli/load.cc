// tholos load: a CSV file with a header into a table.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "cli/connection.h"
#include "cli/consistency.h"
#include "cli/csv.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/session_client.h"
#include "cli/table.h"
#include "data/types/type_parser.h"

namespace tholos::cli {
namespace {

namespace pb = ::tholos::v1;

constexpr int kAttemptsMax = 8;
constexpr uint64_t kMessagesShown = 20;

struct LoadOptions {
  std::string table;
  std::string file;
  std::string consistency = "QUORUM";
  int in_flight = 512;
  bool again = false;
};

// How far a load of one file into one table came: kept beside the file, so that running the command
// again goes on where it stopped. Rows before `records` are acknowledged (or were reported as bad).
struct Progress {
  std::string table_id;  // a table made anew starts anew
  uint64_t file_bytes = 0;
  uint64_t records = 0;
  bool complete = false;

  static Progress Read(const std::string& path) {
    Progress progress;
    std::ifstream in(path);
    std::string magic;
    if (!(in >> magic >> progress.table_id >> progress.file_bytes >> progress.records >>
          progress.complete) ||
        magic != "tholos-load-1") {
      return Progress();
    }
    return progress;
  }
  void Write(const std::string& path) const {
    std::ofstream out(path + ".tmp", std::ios::trunc);
    out << "tholos-load-1 " << table_id << ' ' << file_bytes << ' ' << records << ' ' << complete
        << '\n';
    out.close();
    std::error_code ignored;  // without it the load merely cannot be resumed
    std::filesystem::rename(path + ".tmp", path, ignored);
  }
};

// Which records are settled, so that the acknowledged prefix is known although answers come in any
// order. Thread-safe.
class Settled {
 public:
  explicit Settled(uint64_t first) : prefix_(first) {}
  void Add(uint64_t record) {
    absl::MutexLock lock(&mutex_);
    beyond_.insert(record);
    while (!beyond_.empty() && *beyond_.begin() == prefix_) {
      beyond_.erase(beyond_.begin());
      ++prefix_;
    }
  }
  uint64_t prefix() const {
    absl::MutexLock lock(&mutex_);
    return prefix_;
  }

 private:
  mutable absl::Mutex mutex_;
  uint64_t prefix_ ABSL_GUARDED_BY(mutex_);
  std::set<uint64_t> beyond_ ABSL_GUARDED_BY(mutex_);
};

// The errors of rows. Thread-safe.
class Complaints {
 public:
  explicit Complaints(ProgressBar& bar) : bar_(bar) {}
  void Add(uint64_t line, const std::string& message) {
    absl::MutexLock lock(&mutex_);
    if (++count_ > kMessagesShown) return;
    bar_.Clear();
    std::cerr << "line " << line << ": " << message << "\n";
    if (count_ == kMessagesShown) std::cerr << "(further errors are counted only)\n";
  }
  uint64_t count() const {
    absl::MutexLock lock(&mutex_);
    return count_;
  }

 private:
  mutable absl::Mutex mutex_;
  ProgressBar& bar_;
  uint64_t count_ ABSL_GUARDED_BY(mutex_) = 0;
};

bool IsRetriable(uint32_t code) {
  const auto c = static_cast<absl::StatusCode>(code);
  return c == absl::StatusCode::kUnavailable || c == absl::StatusCode::kDeadlineExceeded ||
         c == absl::StatusCode::kAborted || c == absl::StatusCode::kResourceExhausted;
}

std::string Quoted(const std::string& name) {
  std::string out = "\"";
  for (const char c : name) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

class Loader {
 public:
  Loader(const GlobalOptions& global, const LoadOptions& options)
      : global_(global),
        options_(options),
        connection_(global),
        in_(options.file, std::ios::binary),
        csv_(in_) {
    if (!in_) Fail("cannot read " + options.file);
    file_bytes_ = std::filesystem::file_size(options.file);
  }

  void Run() {
    ReadHeader();
    FindTable();
    Prepare();
    Progress progress = Progress::Read(progress_path());
    if (options_.again || progress.table_id != table_id_ || progress.file_bytes != file_bytes_) {
      progress = Progress{table_id_, file_bytes_};
    }
    if (progress.complete) {
      std::cout << options_.file << " is loaded into " << options_.table << " already ("
                << FormatCount(progress.records) << " rows); --again loads it once more\n";
      return;
    }
    if (progress.records > 0) {
      std::cout << "going on after " << FormatCount(progress.records) << " rows\n";
    }
    Load(progress);
  }

 private:
  std::string progress_path() const { return options_.file + ".tholos-load"; }

  void ReadHeader() {
    auto more = csv_.Next(&record_);
    if (!more.ok()) Fail(absl::StrCat(options_.file, ": ", more.status().message()));
    if (!*more) Fail(options_.file + " is empty: its first line must name the columns");
    for (const CsvField& field : record_) columns_.push_back(field.text);
  }

  void FindTable() {
    grpc::ClientContext context;
    connection_.SetDeadline(&context);
    pb::GetSchemaResponse schema;
    const grpc::Status status = connection_.admin().GetSchema(&context, {}, &schema);
    if (!status.ok()) Fail(connection_.Explain(status));
    for (const auto& keyspace : schema.keyspaces()) {
      for (const auto& table : keyspace.tables()) {
        if (table.keyspace() + "." + table.name() == options_.table) table_id_ = table.id();
      }
    }
    if (table_id_.empty())
      Fail("there is no table " + options_.table + " (give it as KEYSPACE.TABLE)");
  }

  void Prepare() {
    std::vector<std::string> names;
    for (const std::string& column : columns_) names.push_back(Quoted(column));
    const size_t dot = options_.table.find('.');
    pb::PrepareRequest request;
    request.set_query(absl::StrCat(
        "INSERT INTO ", Quoted(options_.table.substr(0, dot)), ".",
        Quoted(options_.table.substr(dot + 1)), " (", absl::StrJoin(names, ", "), ") VALUES (",
        absl::StrJoin(std::vector<std::string>(names.size(), "?"), ", "), ")"));
    grpc::ClientContext context;
    connection_.SetDeadline(&context);
    const grpc::Status status = connection_.cql().Prepare(&context, request, &prepared_);
    if (!status.ok()) Fail(absl::StrCat(options_.file, ", header: ", connection_.Explain(status)));
    for (const auto& parameter : prepared_.parameters()) {
      auto type = data::ParseType(parameter.type_name());
      if (!type.ok()) {
        Fail(absl::StrCat("column ", parameter.name(), ": ", type.status().message()));
      }
      types_.push_back(*std::move(type));
    }
  }

  void Load(Progress progress) {
    ProgressBar bar(file_bytes_);
    Complaints complaints(bar);
    Settled settled(progress.records);
    const absl::Time started = absl::Now();
    absl::Time saved = started;
    const uint64_t first = progress.records;
    uint64_t next = 0;
    {
      SessionClient session(global_, connection_.target());
      while (true) {
        auto more = csv_.Next(&record_);
        if (more.ok() && !*more) break;
        const uint64_t number = next++;
        if (number < first) continue;
        auto call = more.ok() ? MakeCall() : absl::StatusOr<pb::SessionCall>(more.status());
        if (!call.ok()) {
          complaints.Add(csv_.line(), std::string(call.status().message()));
          settled.Add(number);
          continue;
        }
        if (RetriesWaiting() >= options_.in_flight) RetryUntilSettled(session, settled, complaints);
        session.WaitBelow(options_.in_flight);
        Send(session, Attempt{*std::move(call), number, csv_.line()}, settled, complaints);
        bar.Update(csv_.bytes(), number + 1);
        if (absl::Now() - saved > absl::Seconds(1)) {
          saved = absl::Now();
          progress.records = settled.prefix();
          progress.Write(progress_path());
        }
      }
      RetryUntilSettled(session, settled, complaints);
    }
    bar.Clear();
    progress.records = settled.prefix();
    progress.complete = complaints.count() == 0;
    progress.Write(progress_path());
    const double seconds = absl::ToDoubleSeconds(absl::Now() - started);
    std::cout << FormatCount(next - std::min(first, next) - complaints.count()) << " rows in "
              << absl::StrFormat("%.1f s, %s rows/s", seconds,
                                 FormatCount(static_cast<uint64_t>((next - std::min(first, next)) /
                                                                   std::max(seconds, 0.001))))
              << "\n";
    if (complaints.count() > 0) Fail(FormatCount(complaints.count()) + " rows were not loaded");
  }

  absl::StatusOr<pb::SessionCall> MakeCall() {
    if (record_.size() != types_.size()) {
      return absl::InvalidArgumentError(absl::StrCat(
          record_.size(), " fields, but the header names ", types_.size(), " columns"));
    }
    pb::SessionCall call;
    pb::ExecuteRequest* request = call.mutable_execute();
    request->set_prepared_id(prepared_.id());
    request->set_consistency(ToProtoConsistency(options_.consistency));
    for (size_t i = 0; i < record_.size(); ++i) {
      pb::Value* value = request->add_values();
      if (record_[i].text.empty() && !record_[i].quoted) continue;
      auto bytes = types_[i].FromText(record_[i].text);
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
    uint64_t record = 0;
    uint64_t line = 0;
    int attempts = 0;
  };

  void Send(SessionClient& session, Attempt attempt, Settled& settled, Complaints& complaints) {
    ++attempt.attempts;
    pb::SessionCall call = attempt.call;
    session.Submit(std::move(call), [this, attempt = std::move(attempt), &settled,
                                     &complaints](const pb::SessionAnswer& answer) mutable {
      if (!answer.has_error()) {
        settled.Add(attempt.record);
        return;
      }
      if (IsRetriable(answer.error().code()) && attempt.attempts < kAttemptsMax) {
        absl::MutexLock lock(&mutex_);
        retries_.push_back(std::move(attempt));
        return;
      }
      complaints.Add(attempt.line,
                     absl::StrCat(CodeName(answer.error().code()), ": ", answer.error().message()));
      settled.Add(attempt.record);
    });
  }

  int RetriesWaiting() {
    absl::MutexLock lock(&mutex_);
    return static_cast<int>(retries_.size());
  }

  // INSERT is idempotent: what failed for a passing reason is sent again, after a pause that grows.
  void RetryUntilSettled(SessionClient& session, Settled& settled, Complaints& complaints) {
    for (int round = 0;; ++round) {
      session.WaitBelow(1);
      std::vector<Attempt> retries;
      {
        absl::MutexLock lock(&mutex_);
        retries.swap(retries_);
      }
      if (retries.empty()) return;
      absl::SleepFor(absl::Milliseconds(100) * (1 << std::min(round, 6)));
      for (Attempt& attempt : retries) {
        session.WaitBelow(options_.in_flight);
        Send(session, std::move(attempt), settled, complaints);
      }
    }
  }

  const GlobalOptions& global_;
  const LoadOptions& options_;
  Connection connection_;
  std::ifstream in_;
  CsvReader csv_;
  std::vector<CsvField> record_;
  std::vector<std::string> columns_;
  std::vector<data::DataType> types_;
  std::string table_id_;
  uint64_t file_bytes_ = 0;
  pb::PrepareResponse prepared_;
  absl::Mutex mutex_;
  std::vector<Attempt> retries_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

void AddLoad(CLI::App& app, GlobalOptions& global) {
  auto options = std::make_shared<LoadOptions>();
  CLI::App* command = app.add_subcommand("load", "Loads a CSV file with a header into a table");
  command->add_option("--table", options->table, "KEYSPACE.TABLE")->required();
  command->add_option("file", options->file, "The CSV file; its first line names the columns")
      ->required();
  command->add_option("--consistency", options->consistency, "Consistency level")
      ->capture_default_str();
  command->add_option("--in-flight", options->in_flight, "Rows under way at once")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command->add_flag("--again", options->again,
                    "Starts from the first row, whatever was loaded before");
  command->callback([&global, options] { Loader(global, *options).Run(); });
}

}  // namespace tholos::cli
