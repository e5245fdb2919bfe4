// The shell's own commands.
#include <unistd.h>

#include <iostream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/uuid.h"
#include "cli/consistency.h"
#include "cli/copy.h"
#include "cli/help.h"
#include "cli/interrupt.h"
#include "cli/result_printer.h"
#include "cli/shell.h"
#include "cli/table.h"
#include "coordinator/consistency.h"

namespace tholos::cli {
namespace {

namespace pb = ::tholos::v1;

constexpr int kSourceDepthMax = 16;

}  // namespace

bool Shell::RunCommand(const Words& words) {
  const ShellWord& command = words[0];
  if (command.Is("HELP")) {
    std::string topic;
    for (size_t i = 1; i < words.size(); ++i)
      absl::StrAppend(&topic, i > 1 ? " " : "", words[i].text);
    const auto text = HelpOn(topic);
    if (!text.ok()) return Fail(std::string(text.status().message()));
    out() << *text;
    return true;
  }
  if (command.Is("COPY")) return Copy(words);
  if (command.Is("SHOW")) return Show(words);
  if (command.Is("SOURCE")) return Source(words);
  if (command.Is("CAPTURE")) return Capture(words);
  if (command.Is("PAGING")) return Paging(words);
  if (command.Is("EXPAND")) return Switch(words, "Expanded output", &expanded_);
  if (command.Is("TRACING")) return Switch(words, "Tracing", &tracing_);
  if (command.Is("CONSISTENCY")) return Consistency(words);
  if (command.Is("SERIAL")) return SerialConsistency(words);
  if (command.Is("LOGIN")) {
    return Fail("LOGIN: a node does not ask gRPC clients who they are yet");
  }
  if (words.size() > 1) return Fail(absl::StrCat(command.text, " takes nothing behind it"));
  if (command.Is("CLEAR") || command.Is("CLS")) {
    if (isatty(STDOUT_FILENO) == 1) std::cout << "\x1b[H\x1b[2J" << std::flush;
    return true;
  }
  exit_ = true;  // EXIT, QUIT
  return true;
}

bool Shell::Consistency(const Words& words) {
  if (words.size() > 2) return Fail("CONSISTENCY takes one level");
  if (words.size() == 2) {
    const auto level = coordinator::ConsistencyFromName(words[1].text);
    if (!level.ok()) return Fail(std::string(level.status().message()));
    options_.consistency = std::string(coordinator::ConsistencyName(*level));
  }
  out() << (words.size() == 2 ? "Consistency level set to " : "Current consistency level is ")
        << options_.consistency << ".\n";
  return true;
}

bool Shell::SerialConsistency(const Words& words) {
  if (words.size() < 2 || !words[1].Is("CONSISTENCY") || words.size() > 3) {
    return Fail("expected SERIAL CONSISTENCY [SERIAL | LOCAL_SERIAL]");
  }
  if (words.size() == 3) {
    if (!words[2].Is("SERIAL") && !words[2].Is("LOCAL_SERIAL")) {
      return Fail("SERIAL CONSISTENCY takes SERIAL or LOCAL_SERIAL");
    }
    serial_consistency_ = words[2].Is("SERIAL") ? "SERIAL" : "LOCAL_SERIAL";
  }
  out() << (words.size() == 3 ? "Serial consistency level set to "
                              : "Current serial consistency level is ")
        << serial_consistency_ << ".\n";
  return true;
}

bool Shell::Paging(const Words& words) {
  if (words.size() > 2) return Fail("PAGING takes ON, OFF or a number of rows");
  if (words.size() == 2) {
    uint32_t rows = 0;
    if (words[1].Is("ON") || words[1].Is("OFF")) {
      pauses_ = words[1].Is("ON");
    } else if (absl::SimpleAtoi(words[1].text, &rows) && rows > 0) {
      page_rows_ = rows;
      pauses_ = true;
    } else {
      return Fail("PAGING takes ON, OFF or a number of rows");
    }
  }
  out() << "Paging is " << (pauses_ ? "on" : "off") << ", a page has " << page_rows_ << " rows.\n";
  return true;
}

bool Shell::Switch(const Words& words, std::string_view what, bool* value) {
  const bool known =
      words.size() == 1 || (words.size() == 2 && (words[1].Is("ON") || words[1].Is("OFF")));
  if (!known) return Fail(absl::StrCat(words[0].text, " takes ON or OFF"));
  if (words.size() == 2) *value = words[1].Is("ON");
  out() << what << " is " << (*value ? "on" : "off") << ".\n";
  return true;
}

bool Shell::Source(const Words& words) {
  if (words.size() != 2 || words[1].kind == ShellWord::Kind::kSymbol) {
    return Fail("expected SOURCE 'file'");
  }
  if (source_depth_ == kSourceDepthMax) {
    return Fail(absl::StrCat("SOURCE: more than ", kSourceDepthMax, " files inside each other"));
  }
  ++source_depth_;
  const bool ok = RunFile(words[1].text);
  --source_depth_;
  return ok;
}

bool Shell::Capture(const Words& words) {
  if (words.size() > 2) return Fail("expected CAPTURE ['file' | OFF]");
  if (words.size() == 1) {
    std::cout << (capture_.is_open() ? "Output goes to a file; CAPTURE OFF ends it.\n"
                                     : "Output is not captured.\n");
    return true;
  }
  if (words[1].Is("OFF")) {
    capture_.close();
    return true;
  }
  if (words[1].kind != ShellWord::Kind::kString) return Fail("expected CAPTURE ['file' | OFF]");
  if (capture_.is_open()) return Fail("output is captured already; CAPTURE OFF ends that");
  capture_.open(words[1].text, std::ios::app | std::ios::binary);
  if (!capture_) {
    const std::string reason = CannotOpen("write", words[1].text);
    capture_.close();
    capture_.clear();
    return Fail(absl::StrCat("CAPTURE: ", reason));
  }
  std::cout << "Output goes to " << words[1].text << " from now on; CAPTURE OFF ends that.\n";
  return true;
}

bool Shell::Show(const Words& words) {
  const bool one = words.size() == 2;
  if (!one && !(words.size() == 3 && words[1].Is("SESSION"))) {
    return Fail("expected SHOW VERSION, HOST or SESSION id");
  }
  if (words.size() == 3) return ShowSession(words[2].text);
  const auto local =
      Ask("SELECT cluster_name, release_version, cql_version, native_protocol_version FROM "
          "system.local");
  if (!local.ok()) return Fail(std::string(local.status().message()));
  if (local->empty()) return Fail("the node does not say who it is");
  const std::vector<std::string>& row = (*local)[0];
  if (words[1].Is("HOST")) {
    out() << "Connected to " << row[0] << " at " << connection_.target() << ".\n";
  } else if (words[1].Is("VERSION")) {
    out() << "[tholos " << THOLOS_VERSION << " | node " << row[1] << " | CQL spec " << row[2]
          << " | Native protocol v" << row[3] << "]\n";
  } else {
    return Fail("expected SHOW VERSION, HOST or SESSION id");
  }
  return true;
}

bool Shell::Copy(const Words& words) {
  absl::StatusOr<CopyCommand> command = ParseCopy(words);
  if (!command.ok()) return Fail(std::string(command.status().message()));
  if (command->table.keyspace.empty()) command->table.keyspace = options_.keyspace;
  if (command->table.keyspace.empty()) {
    return Fail(absl::StrCat("COPY: no keyspace is chosen: say keyspace.", command->table.table,
                             ", or USE one"));
  }
  ClearInterrupt();
  const absl::Status status =
      RunCopy(global_, connection_, *command, options_.consistency, &std::cin, &out());
  if (!status.ok()) return Fail(absl::StrCat("COPY: ", status.message()));
  return true;
}

absl::StatusOr<Shell::TextRows> Shell::Ask(const std::string& query) {
  pb::ExecuteRequest request;
  request.set_query(query);
  request.set_consistency(ToProtoConsistency("ONE"));
  request.set_row_format(pb::ROW_FORMAT_RAW);
  grpc::ClientContext context;
  connection_.SetDeadline(&context);
  pb::ExecuteResponse response;
  const grpc::Status status = connection_.cql().Execute(&context, request, &response);
  if (!status.ok()) return absl::UnavailableError(connection_.Explain(status));
  return cli::TextRows(response.rows());
}

bool Shell::ShowSession(const std::string& id) {
  const absl::Status shown = PrintSession(id);
  return shown.ok() || Fail(std::string(shown.message()));
}

absl::Status Shell::PrintSession(const std::string& id) {
  const auto session = base::Uuid::Parse(id);
  if (!session.ok())
    return absl::InvalidArgumentError(absl::StrCat("SHOW SESSION: '", id, "' is no UUID"));
  const std::string where = absl::StrCat(" WHERE session_id = ", session->ToString());
  const auto sessions =
      Ask(absl::StrCat("SELECT request, started_at, coordinator, duration, client, parameters FROM "
                       "system_traces.sessions",
                       where));
  if (!sessions.ok()) return sessions.status();
  if (sessions->empty()) return absl::NotFoundError(absl::StrCat("there is no trace ", id));
  const auto events =
      Ask(absl::StrCat("SELECT activity, toTimestamp(event_id), source, source_elapsed FROM "
                       "system_traces.events",
                       where));
  if (!events.ok()) return events.status();
  const std::vector<std::string>& row = (*sessions)[0];
  TextRows steps = {{row[0], row[1], row[2], "0"}};
  steps.insert(steps.end(), events->begin(), events->end());
  steps.push_back({"Request complete", "", row[2], row[3]});
  out() << "\nTracing session: " << session->ToString() << "\n"
        << RenderTable({{"activity"}, {"timestamp"}, {"source"}, {"microseconds", true}}, steps);
  return absl::OkStatus();
}

void Shell::PrintTrace(const std::string& id) {
  constexpr int kLooksMax = 20;
  const std::string query =
      absl::StrCat("SELECT activity FROM system_traces.events WHERE session_id = ", id);
  for (int attempt = 0; attempt < kLooksMax && !Interrupted(); ++attempt) {
    const auto stored = Ask(query);
    absl::Status shown = stored.status();
    if (stored.ok() && !stored->empty()) {
      shown = PrintSession(id);
      if (shown.ok()) return;
    }
    if (!shown.ok()) {
      std::cerr << "the statement was done; its trace " << id
                << " cannot be read: " << shown.message() << "\n";
      return;
    }
    absl::SleepFor(absl::Milliseconds(50));
  }
  std::cerr << "the trace " << id << " is not stored yet; SHOW SESSION " << id
            << " shows it later\n";
}

}  // namespace tholos::cli
