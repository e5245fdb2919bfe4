// The part of a connection that makes requests wait for room for their answers.
#include <algorithm>
#include <utility>

#include "base/errors.h"
#include "base/strings.h"
#include "node/native/connection.h"
#include "node/native/shard_server.h"

namespace tholos::node::native {

void Connection::Expect(const std::string& prepared_id, Ticket* ticket) {
  ticket->statement = AnswerSizes::KeyOfId(prepared_id);
  int64_t unknown = AnswerSizes::kUnknownRead;
  if (!server_.answer_sizes().Knows(ticket->statement) &&
      server_.FirstMetadataId(prepared_id) == server_.no_columns_id()) {
    unknown = AnswerSizes::kUnknownWrite;
  }
  ticket->expected = server_.answer_sizes().Expected(ticket->statement, unknown);
}

void Connection::ExpectOfText(std::string_view statement, Ticket* ticket) {
  ticket->statement = AnswerSizes::KeyOfText(statement);
  ticket->expected = server_.answer_sizes().Expected(
      ticket->statement,
      AnswerSizes::IsWrite(statement) ? AnswerSizes::kUnknownWrite : AnswerSizes::kUnknownRead);
}

bool Connection::TakeRoom(Ticket* ticket) {
  if (OutputIsFull()) return false;
  const bool fits_here = expected_ == 0 || output_bytes() + expected_ + ticket->expected <=
                                               server_options_.output_bytes_max;
  // Asked for again when one of this connection's requests ends.
  if (!fits_here) return false;
  ShardBytes& budget = server_.budget();
  const int64_t charge = std::max<int64_t>(budget.ChargeOf(ticket->expected), 1);
  const bool small = charge <= kSmallBytes && !write_blocked_;
  if (!budget.Fits(charge, small ? ShardBytes::Part::kAll : ShardBytes::Part::kShared)) {
    if (!waits_for_shard_) server_.WaitForRoom(id_);
    waits_for_shard_ = true;
    return false;
  }
  ticket->charge = charge;
  budget.Take(charge);
  expected_ += ticket->expected;
  return true;
}

base::Task<bool> Connection::WaitForRoom(Ticket* ticket) {
  server_.metrics().waits->Add();
  Waiting waiting{ticket};
  waiting_.push_back(&waiting);
  // Whoever waits for a client to read must not hold up others.
  server_.GiveSlot();
  co_await waiting.decided.WaitUntil(ticket->deadline);
  server_.slots().Take();
  if (!closed() && !waiting.begins) {
    std::erase(waiting_, &waiting);
    server_.metrics().overloaded->Add();
    AnswerError(ticket->version, ticket->stream,
                base::Overloaded("no room on this node for the answer within the request's time"));
  }
  co_return !closed() && waiting.begins;
}

void Connection::BeginWaiting() {
  while (!waiting_.empty() && TakeRoom(waiting_.front()->ticket)) {
    waiting_.front()->begins = true;
    waiting_.front()->decided.Set();
    waiting_.pop_front();
  }
}

void Connection::OnRoom() {
  waits_for_shard_ = false;
  if (closed() || waiting_.empty()) return;
  BeginWaiting();
  if (readable_ && !ReadingPaused()) server_.ScheduleRead(id_);
}

void Connection::Learn(const Ticket& ticket, const absl::StatusOr<cql::QueryResult>& result) {
  if (!result.ok()) return server_.answer_sizes().Failed(ticket.statement, ticket.expected);
  const auto* rows = std::get_if<cql::RowsResult>(&result->result);
  server_.answer_sizes().Answered(ticket.statement,
                                  rows == nullptr ? 0 : static_cast<int64_t>(rows->rows.size()));
}

bool Connection::HasRoom(const Ticket& ticket, int64_t bytes) const {
  return bytes <= kSmallBytes || server_.budget().FitsInstead(bytes, ticket.charge);
}

void Connection::CountBytes() {
  const int64_t now =
      closed() ? 0
               : static_cast<int64_t>(frames_.size() + wire_.size() + stream_.unfinished_bytes());
  const int64_t more = now - counted_;
  if (more == 0) return;
  counted_ = now;
  if (more > 0) {
    server_.budget().Take(more);
  } else {
    server_.GiveBytes(-more);
  }
}

}  // namespace tholos::node::native
