// The part of a connection that runs requests: admission, options, the query processor, answers.
#include <algorithm>
#include <utility>

#include "base/errors.h"
#include "base/strings.h"
#include "cql/protocol/error.h"
#include "cql/protocol/result.h"
#include "node/native/connection.h"
#include "node/native/shard_server.h"

namespace tholos::node::native {

using cql::protocol::BatchRequest;
using cql::protocol::Compression;
using cql::protocol::ExecuteRequest;
using cql::protocol::FrameHeader;
using cql::protocol::MetadataForm;
using cql::protocol::Opcode;
using cql::protocol::PrepareRequest;
using cql::protocol::QueryRequest;
using cql::protocol::ResponseFrame;

namespace {

// A client that names no page size wants all rows at once.
constexpr uint32_t kUnpaged = INT32_MAX;

std::string_view OpcodeName(Opcode opcode) {
  switch (opcode) {
    case Opcode::kStartup:
      return "STARTUP";
    case Opcode::kOptions:
      return "OPTIONS";
    case Opcode::kAuthResponse:
      return "AUTH_RESPONSE";
    case Opcode::kRegister:
      return "REGISTER";
    case Opcode::kPrepare:
      return "PREPARE";
    case Opcode::kQuery:
      return "QUERY";
    case Opcode::kExecute:
      return "EXECUTE";
    case Opcode::kBatch:
      return "BATCH";
    default:
      return "a response";
  }
}

}  // namespace

void Connection::OnFrame(const FrameHeader& header, std::string_view body) {
  using namespace cql::protocol;
  auto request = DecodeRequest(header, body);
  if (!request.ok()) {
    server_.metrics().protocol_errors->Add();
    return AnswerError(header.version, header.stream, request.status());
  }
  if (std::holds_alternative<OptionsRequest>(*request)) return OnOptions(header);
  const bool expected = header.opcode == Opcode::kStartup        ? state_ == State::kNew
                        : header.opcode == Opcode::kAuthResponse ? state_ == State::kAuthenticating
                                                                 : state_ == State::kReady;
  if (!expected) {
    AnswerError(header.version, header.stream,
                absl::DataLossError(base::ToAbsl(
                    base::StrCat("Unexpected message ", OpcodeName(header.opcode), ", expecting ",
                                 state_ == State::kNew              ? "STARTUP or OPTIONS"
                                 : state_ == State::kAuthenticating ? "AUTH_RESPONSE"
                                                                    : "a query"))));
    return Drain();
  }
  if (auto* startup = std::get_if<StartupRequest>(&*request)) {
    return OnStartup(header, std::move(*startup));
  }
  if (auto* registration = std::get_if<RegisterRequest>(&*request)) {
    return OnRegister(header, std::move(*registration));
  }
  Ticket ticket;
  if (!Admit(header, body.size(), &ticket)) return;
  Start(ticket, *std::move(request));
}

bool Connection::Admit(const FrameHeader& header, size_t bytes, Ticket* ticket) {
  ticket->stream = header.stream;
  ticket->version = header.version;
  ticket->tracing = (header.flags & cql::protocol::kFlagTracing) != 0;
  ticket->bytes = static_cast<int64_t>(bytes) + kRequestOverhead;
  // Time waited for room for the answer counts.
  ticket->deadline = last_read_ + server_options_.request_timeout;
  ticket->expected = AnswerSizes::kUnknownWrite;
  const bool small = ticket->bytes <= kSmallBytes;
  if (!server_.budget().Fits(ticket->bytes,
                             small ? ShardBytes::Part::kAll : ShardBytes::Part::kShared)) {
    server_.metrics().overloaded->Add();
    AnswerError(header.version, header.stream,
                base::Overloaded("too many bytes of requests and answers on this node"));
    return false;
  }
  server_.budget().Take(ticket->bytes);
  server_.slots().Take();
  bytes_in_work_ += ticket->bytes;
  ++in_flight_;
  return true;
}

void Connection::Finish(const Ticket& ticket) {
  CountBytes();
  server_.GiveBytes(ticket.bytes + ticket.charge);
  server_.GiveSlot();
  bytes_in_work_ -= ticket.bytes;
  if (ticket.charge > 0) expected_ -= ticket.expected;
  --in_flight_;
  if (closed()) {
    if (in_flight_ == 0) server_.OnClosed(*this);
    return;
  }
  if (draining_ && in_flight_ == 0) ScheduleFlush();
  BeginWaiting();
  // What was held up by this request.
  if (readable_ && !ReadingPaused()) server_.ScheduleRead(id_);
}

void Connection::Start(Ticket ticket, cql::protocol::Request request) {
  server_.metrics().requests->Add();
  if (auto* execute = std::get_if<ExecuteRequest>(&request)) {
    Expect(execute->id, &ticket);
    server_.Begin(Run(ticket, std::move(*execute)));
  } else if (auto* query = std::get_if<QueryRequest>(&request)) {
    ExpectOfText(query->query, &ticket);
    server_.Begin(Run(ticket, std::move(*query)));
  } else if (auto* prepare = std::get_if<PrepareRequest>(&request)) {
    server_.Begin(Run(ticket, std::move(*prepare)));
  } else if (auto* batch = std::get_if<BatchRequest>(&request)) {
    server_.Begin(Run(ticket, std::move(*batch)));
  } else {
    server_.Begin(
        Authenticate(ticket, std::get<cql::protocol::AuthResponseRequest>(std::move(request))));
  }
}

absl::StatusOr<cql::QueryOptions> Connection::ToOptions(
    const Ticket& ticket, cql::protocol::QueryParameters parameters) const {
  cql::QueryOptions options;
  auto consistency = coordinator::ConsistencyFromNumber(parameters.consistency);
  if (!consistency.ok()) {
    return base::InvalidRequest(
        base::StrCat("there is no consistency level with the number ", parameters.consistency));
  }
  options.consistency = *consistency;
  if (parameters.serial_consistency.has_value()) {
    const auto serial = coordinator::ConsistencyFromNumber(*parameters.serial_consistency);
    if (!serial.ok() || !coordinator::IsSerial(*serial)) {
      return base::InvalidRequest(
          "Invalid consistency for conditional update. Must be one of SERIAL or LOCAL_SERIAL");
    }
    options.serial_consistency = *serial;
  }
  if (parameters.now_in_seconds.has_value()) options.now_seconds = *parameters.now_in_seconds;
  options.deadline = ticket.deadline;
  options.keyspace = parameters.keyspace.empty() ? keyspace_ : std::move(parameters.keyspace);
  options.values = std::move(parameters.values);
  const int32_t page_size = parameters.page_size.value_or(0);
  options.page_size = page_size > 0 ? static_cast<uint32_t>(page_size) : kUnpaged;
  options.paging_state = std::move(parameters.paging_state);
  options.timestamp = parameters.timestamp;
  return options;
}

base::Task<void> Connection::Run(Ticket ticket, PrepareRequest request) {
  if (!Begins(&ticket) && !co_await WaitForRoom(&ticket)) co_return Finish(ticket);
  auto info = co_await server_.deps().queries.Prepare(
      std::move(request.query), request.keyspace.empty() ? keyspace_ : std::move(request.keyspace));
  if (!info.ok()) {
    AnswerError(ticket.version, ticket.stream, info.status());
  } else if (!closed()) {
    const std::string metadata = cql::protocol::MetadataId(info->result_columns);
    server_.prepared().Record(info->id, metadata);
    if (ticket.version < 5 && server_.FirstMetadataId(info->id) != metadata)
      Told(info->id, metadata);
    ResponseFrame frame(ticket.version, ticket.stream, &frames_);
    cql::protocol::PutPrepared(ticket.version, *info, &frames_);
    frame.Finish(Opcode::kResult, segmented_ ? Compression::kNone : compression_);
    ScheduleFlush();
  }
  Finish(ticket);
}

base::Task<void> Connection::Run(Ticket ticket, QueryRequest request) {
  if (!Begins(&ticket) && !co_await WaitForRoom(&ticket)) co_return Finish(ticket);
  auto options = ToOptions(ticket, std::move(request.parameters));
  if (options.ok()) {
    options->tracing = ticket.tracing;
    Answer(ticket,
           co_await server_.deps().queries.Execute(std::move(request.query), *std::move(options)),
           nullptr);
  } else {
    AnswerError(ticket.version, ticket.stream, options.status());
  }
  Finish(ticket);
}

base::Task<void> Connection::Run(Ticket ticket, ExecuteRequest request) {
  if (!Begins(&ticket) && !co_await WaitForRoom(&ticket)) co_return Finish(ticket);
  auto options = ToOptions(ticket, std::move(request.parameters));
  if (options.ok()) {
    options->tracing = ticket.tracing;
    Answer(ticket, co_await server_.deps().queries.ExecutePrepared(request.id, *std::move(options)),
           &request);
  } else {
    AnswerError(ticket.version, ticket.stream, options.status());
  }
  Finish(ticket);
}

base::Task<void> Connection::Run(Ticket ticket, BatchRequest request) {
  if (!Begins(&ticket) && !co_await WaitForRoom(&ticket)) co_return Finish(ticket);
  auto options = ToOptions(ticket, std::move(request.parameters));
  if (options.ok()) {
    options->tracing = ticket.tracing;
    std::vector<cql::BatchItem> items;
    items.reserve(request.items.size());
    for (BatchRequest::Item& item : request.items) {
      items.push_back(
          item.prepared
              ? cql::BatchItem::OfPrepared(std::move(item.statement), std::move(item.values))
              : cql::BatchItem::OfText(std::move(item.statement), std::move(item.values)));
    }
    Answer(ticket,
           co_await server_.deps().queries.ExecuteBatch(static_cast<cql::BatchType>(request.type),
                                                        std::move(items), *std::move(options)),
           nullptr);
  } else {
    AnswerError(ticket.version, ticket.stream, options.status());
  }
  Finish(ticket);
}

void Connection::Answer(const Ticket& ticket, absl::StatusOr<cql::QueryResult> result,
                        const ExecuteRequest* execute) {
  if (ticket.statement != 0) Learn(ticket, result);
  if (closed()) return;
  if (!result.ok()) return AnswerError(ticket.version, ticket.stream, result.status());
  if (const auto* rows = std::get_if<cql::RowsResult>(&result->result);
      rows != nullptr && !HasRoom(ticket, static_cast<int64_t>(rows->rows.size()))) {
    server_.metrics().overloaded->Add();
    return AnswerError(ticket.version, ticket.stream,
                       base::Overloaded(base::StrCat("no room on this node for an answer of ",
                                                     rows->rows.size(), " bytes")));
  }
  if (execute != nullptr && MustPrepareAgain(ticket, *result, *execute)) {
    return AnswerError(
        ticket.version, ticket.stream,
        base::MakeRequestError(
            {.kind = base::RequestErrorKind::kUnprepared, .name = execute->id},
            "the columns of the statement's results have changed: prepare it again"));
  }
  PutResult(ticket, *result, execute);
  ScheduleFlush();
}

// Before version 5: the client decodes rows by columns that are not these any more, and has not
// been told so on this connection.
bool Connection::MustPrepareAgain(const Ticket& ticket, const cql::QueryResult& result,
                                  const ExecuteRequest& execute) {
  if (ticket.version >= 5 || !execute.parameters.skip_metadata) return false;
  const auto* rows = std::get_if<cql::RowsResult>(&result.result);
  if (rows == nullptr) return false;
  const std::string& now = server_.column_specs().Get(ticket.version, rows->columns).id;
  const std::string& first = server_.FirstMetadataId(execute.id);
  if (first == now || first == server_.no_columns_id()) return false;
  return Told(execute.id, now);
}

// False if it was told so already.
bool Connection::Told(const cql::PreparedId& id, const std::string& metadata) {
  if (told_.size() >= kToldMax) told_.clear();
  std::string& told = told_[id];
  if (told == metadata) return false;
  told = metadata;
  return true;
}

void Connection::PutResult(const Ticket& ticket, cql::QueryResult& result,
                           const ExecuteRequest* execute) {
  ResponseFrame frame(ticket.version, ticket.stream, &frames_);
  if (result.tracing_id.has_value()) frame.PutTracingId(*result.tracing_id);
  frame.PutWarnings(result.warnings);
  if (auto* rows = std::get_if<cql::RowsResult>(&result.result)) {
    PutRows(ticket, *rows, execute);
  } else if (auto* keyspace = std::get_if<cql::SetKeyspaceResult>(&result.result)) {
    cql::protocol::PutSetKeyspace(keyspace->keyspace, &frames_);
    keyspace_ = std::move(keyspace->keyspace);
  } else if (auto* change = std::get_if<cql::SchemaChangeResult>(&result.result)) {
    cql::protocol::PutSchemaChangeResult(*change, &frames_);
  } else {
    cql::protocol::PutVoid(&frames_);
  }
  frame.Finish(Opcode::kResult, segmented_ ? Compression::kNone : compression_);
}

void Connection::PutRows(const Ticket& ticket, const cql::RowsResult& rows,
                         const ExecuteRequest* execute) {
  if (execute == nullptr) {
    return cql::protocol::PutRows(rows,
                                  cql::protocol::EncodeColumnSpecs(ticket.version, *rows.columns),
                                  MetadataForm::kFull, &frames_);
  }
  const cql::protocol::ColumnSpecs& specs =
      server_.column_specs().Get(ticket.version, rows.columns);
  MetadataForm form = MetadataForm::kFull;
  if (ticket.version >= 5) {
    if (execute->result_metadata_id == specs.id) {
      if (execute->parameters.skip_metadata) form = MetadataForm::kNone;
    } else if (execute->result_metadata_id != server_.no_columns_id()) {
      // A statement without columns of its own (a conditional write) tells them every time.
      form = MetadataForm::kChanged;
    }
  } else if (execute->parameters.skip_metadata &&
             server_.FirstMetadataId(execute->id) == specs.id) {
    form = MetadataForm::kNone;
  }
  cql::protocol::PutRows(rows, specs, form, &frames_);
}

}  // namespace tholos::node::native
