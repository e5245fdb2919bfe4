// One client connection: socket, frames, handshake, requests in work, answers on their way out.
// Confined to its shard.
//
//   kNew ──STARTUP──> kReady                     (nobody is asked who he is)
//     └────STARTUP──> kAuthenticating ──AUTH_RESPONSE──> kReady
//   any ──broken stream, end of stream, limits──> closed
//
// Requests run side by side and are answered as they end. All answers of one turn of the loop go
// out with one write. A request begins when there is room for its answer, on the connection and on
// the shard (answer_room.h); until then it waits, those behind it wait, and nothing is read. So a
// client that does not read, or sends without end, holds a bounded amount of memory. What still
// waits when the connection is closed is dropped.
//
// A closed connection stays until the last of its requests has ended; its owner then deletes it.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "base/async/event.h"
#include "base/async/task.h"
#include "base/real/fd_watch.h"
#include "cql/protocol/event.h"
#include "cql/protocol/frame_stream.h"
#include "cql/protocol/request.h"
#include "cql/protocol/response.h"
#include "node/native/options.h"

namespace tholos::node::native {

class ShardServer;

class Connection final : public base::FdHandler {
 public:
  // Takes `fd`, which is non-blocking.
  Connection(ShardServer& server, uint64_t id, int fd);
  ~Connection();
  Connection(const Connection&) = delete;

  uint64_t id() const { return id_; }
  bool closed() const { return fd_ < 0; }
  bool ended() const { return closed() && in_flight_ == 0; }

  void OnFdReady(base::FdReadiness ready) override;
  // Sends what was answered in this turn.
  void Flush();
  void SendEvent(const cql::protocol::Event& event);
  // Takes no more requests; closes when what is in work has been answered.
  void Drain();
  // Closes if a time limit has passed.
  void CheckTimeouts(base::MonotonicTime now);
  // The shard has room again, after ShardServer::WaitForRoom.
  void OnRoom();
  // A slot is free, after ShardServer::WaitForSlot.
  void OnSlot();
  void Close();

 private:
  enum class State : uint8_t { kNew, kAuthenticating, kReady };
  // One request in work.
  struct Ticket {
    int16_t stream = 0;
    uint8_t version = 0;
    bool tracing = false;
    int64_t bytes = 0;
    base::Deadline deadline;
    // What its answer is known by, and what is expected of it; charged while it runs.
    uint64_t statement = 0;
    int64_t expected = 0;
    int64_t charge = 0;
  };
  // A request that has not begun: there is no room for its answer.
  struct Waiting {
    Ticket* ticket;
    bool begins = false;
    base::Event decided;  // it begins, or the connection was closed
  };

  // Input.
  void Read();
  void WaitForSlot();
  void OnBytes(std::string_view bytes);
  void Decrypt(std::string_view bytes);
  void Process(std::string_view bytes);
  void OnFrame(const cql::protocol::FrameHeader& header, std::string_view body);
  void OnPartOfFrame();
  void OnBroken(const cql::protocol::FrameStream::Result& result);
  bool ReadingPaused() const;

  // Handshake.
  void OnStartup(const cql::protocol::FrameHeader& header, cql::protocol::StartupRequest request);
  void OnOptions(const cql::protocol::FrameHeader& header);
  void OnRegister(const cql::protocol::FrameHeader& header, cql::protocol::RegisterRequest request);
  void Welcome(const cql::protocol::FrameHeader& header);
  base::Task<void> Authenticate(Ticket ticket, cql::protocol::AuthResponseRequest request);

  // Requests.
  bool Admit(const cql::protocol::FrameHeader& header, size_t bytes, Ticket* ticket);
  void Start(Ticket ticket, cql::protocol::Request request);
  base::Task<void> Run(Ticket ticket, cql::protocol::PrepareRequest request);
  base::Task<void> Run(Ticket ticket, cql::protocol::QueryRequest request);
  base::Task<void> Run(Ticket ticket, cql::protocol::ExecuteRequest request);
  base::Task<void> Run(Ticket ticket, cql::protocol::BatchRequest request);
  absl::StatusOr<cql::QueryOptions> ToOptions(const Ticket& ticket,
                                              cql::protocol::QueryParameters parameters) const;
  // Room for an answer (waiting.cc).
  void Expect(const std::string& prepared_id, Ticket* ticket);
  void ExpectOfText(std::string_view statement, Ticket* ticket);
  void Expect(uint64_t statement, int64_t unknown, Ticket* ticket);
  bool Begins(Ticket* ticket) { return waiting_.empty() && TakeRoom(ticket); }
  bool TakeRoom(Ticket* ticket);
  // False: it is not to run. It was answered, or the connection is closed.
  base::Task<bool> WaitForRoom(Ticket* ticket);
  void BeginWaiting();
  void Learn(const Ticket& ticket, const absl::StatusOr<cql::QueryResult>& result);
  // For an answer that is there.
  bool HasRoom(const Ticket& ticket, int64_t bytes) const;
  // Tells the shard what this connection holds beside its requests.
  void CountBytes();
  // Answers with `result`. `execute`: the request, if it was of a prepared statement.
  void Answer(const Ticket& ticket, absl::StatusOr<cql::QueryResult> result,
              const cql::protocol::ExecuteRequest* execute);
  void PutResult(const Ticket& ticket, cql::QueryResult& result,
                 const cql::protocol::ExecuteRequest* execute);
  void PutRows(const Ticket& ticket, const cql::RowsResult& rows,
               const cql::protocol::ExecuteRequest* execute);
  bool MustPrepareAgain(const Ticket& ticket, const cql::QueryResult& result,
                        const cql::protocol::ExecuteRequest& execute);
  bool Told(const cql::PreparedId& id, const std::string& metadata);
  void AnswerError(uint8_t version, int16_t stream, const absl::Status& status);
  void Finish(const Ticket& ticket);

  // Output.
  void ScheduleFlush();
  bool OutputIsFull() const { return output_bytes() > server_options_.output_bytes_max; }
  int64_t output_bytes() const {
    return static_cast<int64_t>(frames_.size() + wire_.size() - wire_sent_);
  }

  ShardServer& server_;
  const ServerOptions& server_options_;
  const uint64_t id_;
  int fd_;
  std::unique_ptr<base::FdWatch> watch_;
  std::unique_ptr<TlsSession> tls_;  // null: plain
  bool first_bytes_ = true;          // whether it is TLS is not known yet
  cql::protocol::FrameStream stream_;
  State state_ = State::kNew;
  uint8_t version_ = cql::protocol::kVersionMax;  // of answers without a request
  cql::protocol::Compression compression_ = cql::protocol::Compression::kNone;
  std::string keyspace_;  // USE
  std::string role_;
  // Which columns the client was told of, where they are other than when the statement was first
  // prepared here. Forgetting is safe: it prepares once more.
  static constexpr size_t kToldMax = 1024;
  absl::flat_hash_map<cql::PreparedId, std::string> told_;
  uint8_t events_ = 0;  // registered, bits of EventType

  bool readable_ = false;    // the socket may have more
  bool peer_ended_ = false;  // its end is in the socket
  bool draining_ = false;    // close when all is answered and sent
  bool write_blocked_ = false;
  bool flush_scheduled_ = false;
  int in_flight_ = 0;
  int64_t bytes_in_work_ = 0;
  int64_t expected_ = 0;  // of the answers of what runs
  int64_t counted_ = 0;   // by CountBytes
  std::deque<Waiting*> waiting_;
  bool waits_for_shard_ = false;  // the shard will call OnRoom
  bool waits_for_slot_ = false;   // and OnSlot
  base::MonotonicTime opened_;
  base::MonotonicTime last_read_;
  base::MonotonicTime blocked_since_;

  std::string frames_;      // answers as frames
  bool segmented_ = false;  // they go out in segments
  std::string wire_;        // bytes for the socket
  size_t wire_sent_ = 0;
};

}  // namespace tholos::node::native
