// A client of a Tholos cluster. The link target is tholos::client; this header is all that a
// program includes.
//
//   client::Options options;
//   options.contact_points = {"10.0.0.1", "10.0.0.2"};
//   absl::StatusOr<std::unique_ptr<client::Client>> client = client::Client::Connect(options);
//   if (!client.ok()) ...
//   auto result =
//       (*client)->Execute({"SELECT name, price FROM shop.goods WHERE id = ?", {42}}).Get();
//   if (!result.ok()) ...
//   for (const client::Row& row : *result)
//     Print(row.At<std::string>("name"), row.At<std::optional<double>>("price"));
//
// client/example/shop.cc is a whole program, in the three ways of waiting (client/future.h):
// blocking, callbacks, coroutines.
//
// Connections. The client learns the nodes, and which of them keep which tokens, from the first
// contact point that answers, and asks again every Options::topology_interval, after a change of
// schema and when a node was lost. It keeps one stream a node (tholos.v1 Session), opened when it
// is first used; calls share it and are answered in any order. A node that cannot be reached is
// left out for 0.1 s, then 0.2 s and so on up to 5 s; so is one that does not answer pings for 15
// s.
//
// Routing. A statement with values is prepared (once for all nodes; a node that does not know it is
// told it when it says so), and the values tell its partition: it goes to the replica in the own
// datacenter that has the fewest of this client's calls open. What has no partition to tell goes to
// the nodes of the own datacenter in turns. Nodes of other datacenters are asked when none of the
// own is left.
//
// Failures. A call is tried again, on another node, while its deadline and Options::tries_max
// allow:
//
//   what happened                                     tried again if
//   the node was not reached; nothing was sent        always
//   UNPREPARED                                        always, after preparing, on the same node
//   UNAVAILABLE, OVERLOADED: nothing was applied      the budget allows; after a pause if OVERLOADED
//   a connection that broke: it may have been         it is idempotent (CallOptions)
//   applied
//   TIMEOUT, FAILURE, an internal error: the same     it is idempotent, and the budget allows
//   anything else                                     never
//
// The budget: every call adds a tenth of a retry to it, up to 100; so a cluster in trouble gets 10%
// more calls than it would, not several times as many.
//
// Errors are the server's (base/errors.h: base::GetRequestError tells the kind and the details),
// and these of the client itself:
//
//   kUnavailable        no node could be reached; the message lists why. Nothing was applied
//   kDeadlineExceeded   no answer by the deadline: a write may be applied
//   kAborted            the connection broke after a write was sent: it may be applied
//   kResourceExhausted  Options::calls_max are open: nothing was sent
//   kCancelled          the client is closed: nothing was sent
//   kInvalidArgument    a value does not fit its marker (which a node was asked about again); the
//                       message names it. Nothing was applied
//
// Threads. Everything here may be called from any thread. The client has one thread of its own, for
// deadlines, pauses and the nodes it asks about; answers come on gRPC's threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/future.h"
#include "client/result.h"
#include "client/statement.h"
#include "client/value.h"

namespace tholos::client {

struct Options {
  // HOST or HOST:PORT; the port is 9043 if it is not given. Some of the nodes are enough.
  std::vector<std::string> contact_points;
  std::string keyspace;  // of names without one
  // Of this client; empty: that of the contact point that answered.
  std::string datacenter;
  Consistency consistency = Consistency::kQuorum;
  // Of a call, everything included. What a server knows better (which replicas were late) arrives
  // up to 50 ms after the deadline; then the call ends without it.
  absl::Duration timeout = absl::Seconds(10);
  absl::Duration connect_timeout = absl::Seconds(5);  // of Connect
  int tries_max = 4;                                  // of a call, the first one included
  size_t calls_max = 16384;                           // open at a time
  size_t prepared_max = 1024;                         // statements; the least recently used goes
  absl::Duration topology_interval = absl::Seconds(10);
};

// What a client has done so far, and what it sees.
struct Stats {
  uint64_t calls = 0;
  uint64_t tries = 0;       // calls and what was tried again
  uint64_t prepared = 0;    // times that a statement was prepared on a node
  uint64_t to_replica = 0;  // tries that went to a replica of their partition
  size_t open = 0;
  size_t nodes = 0;
  size_t nodes_up = 0;
};

class Rows;

class Client {
 public:
  // Blocks until a contact point has told the cluster. kInvalidArgument: the options are wrong.
  // kUnavailable: none answered by connect_timeout, or those that did are no nodes of Tholos; the
  // message says so for each.
  static absl::StatusOr<std::unique_ptr<Client>> Connect(Options options);
  // Close, if it was not called.
  ~Client();

  Future<absl::StatusOr<Result>> Execute(Statement statement);
  Future<absl::StatusOr<Result>> Execute(Batch batch);
  // All rows of a statement, page by page.
  Rows Query(Statement statement);
  // Prepares a statement now, so that what is wrong with it is known before it is used.
  Future<absl::Status> Prepare(std::string text);

  // New calls end with kCancelled; waits for those that are open (each has its deadline). When it
  // returns every callback has been called, and nothing of the client is left on any thread. Not
  // for a callback or a loop's thread. Futures and results live on.
  void Close();

  Stats stats() const;

 private:
  friend class Rows;
  class Impl;
  explicit Client(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

// The rows of a statement, whatever their number: the next page is fetched while one is read.
//
//   Rows rows = client->Query("SELECT * FROM shop.goods");
//   while (const Row* row = rows.Next()) Use(*row);
//   if (!rows.status().ok()) ...              // the rows before it were given
//
// Each page is a call of its own, with the statement's timeout. Confined to one thread at a time;
// movable; not used after the client's Close. Where nothing may block, ask for the pages yourself:
//
//   absl::StatusOr<Result> page = co_await client->Execute(statement);
//   statement.paging_state = page->paging_state;   // until it is empty
class Rows {
 public:
  // The next row, or null after the last one and after an error. Valid until the next call. Blocks
  // while a page is fetched.
  const Row* Next();
  const absl::Status& status() const { return status_; }
  // From here a new Rows goes on (Statement::paging_state), in another process too: the state of
  // the page after the one that Next is in. Empty after the last page.
  const std::string& paging_state() const { return page_.paging_state; }

 private:
  friend class Client;
  Rows(std::shared_ptr<Client::Impl> client, Statement statement);
  void FetchNext();
  bool TakePage();

  std::shared_ptr<Client::Impl> client_;
  Statement statement_;
  std::optional<Future<absl::StatusOr<Result>>> fetching_;
  Result page_;
  Result::Iterator row_;
  bool more_ = true;
  absl::Status status_;
};

}  // namespace tholos::client
