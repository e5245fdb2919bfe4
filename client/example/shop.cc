// A shop's orders in a Tholos cluster: written with callbacks, read with a coroutine, counted page
// by page.
//
//   shop HOST[:PORT]
//
// In CMake: target_link_libraries(program PRIVATE tholos::client).
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "absl/synchronization/blocking_counter.h"
#include "base/async/task.h"
#include "base/real/block_on.h"
#include "base/real/real_clock.h"
#include "base/real/real_executor.h"
#include "base/status_macros.h"
#include "client/client.h"

namespace {

namespace base = tholos::base;
namespace client = tholos::client;
using client::Client;
using client::Result;
using client::Row;
using client::Statement;

constexpr int kCustomers = 10;
constexpr int kOrders = 100;  // of each

// Blocking: what is done once, at the start.
absl::Status MakeSchema(Client& shop) {
  for (const char* statement :
       {"CREATE KEYSPACE IF NOT EXISTS shop "
        "WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
        "CREATE TABLE IF NOT EXISTS shop.orders (customer text, number int, placed timestamp, "
        "total decimal, tags set<text>, articles map<text, int>, PRIMARY KEY (customer, "
        "number))"}) {
    THOLOS_RETURN_IF_ERROR(shop.Execute(statement).Get().status());
  }
  return absl::OkStatus();
}

// Callbacks: a thousand writes under way at a time.
absl::Status WriteOrders(Client& shop) {
  absl::BlockingCounter open(kCustomers * kOrders);
  std::mutex mutex;
  absl::Status first_error;
  for (int number = 0; number < kOrders; ++number) {
    for (int customer = 0; customer < kCustomers; ++customer) {
      Statement insert(
          "INSERT INTO shop.orders (customer, number, placed, total, tags, articles) "
          "VALUES (?, ?, ?, ?, ?, ?)",
          {"customer " + std::to_string(customer), number, absl::Now(),
           std::to_string(number) + ".50", std::vector<std::string>{"new", "paid"},
           std::map<std::string, int>{{"apple", number}}});
      // The same values again change nothing, so it may be sent twice.
      insert.idempotent = true;
      shop.Execute(std::move(insert)).Then([&](absl::StatusOr<Result> result) {
        if (!result.ok()) {
          std::lock_guard lock(mutex);
          first_error.Update(result.status());
        }
        open.DecrementCount();
      });
    }
  }
  open.Wait();
  return first_error;
}

// A coroutine: one thing after the other, without holding up a thread.
base::Task<absl::StatusOr<int>> CountApples(Client* shop, std::string customer) {
  Statement select("SELECT number, total, articles FROM shop.orders WHERE customer = :customer");
  select.Bind("customer", customer);
  select.page_size = 30;
  int apples = 0;
  do {
    THOLOS_CO_ASSIGN_OR_RETURN(const Result page, co_await shop->Execute(select));
    for (const Row& row : page) {
      using Articles = std::map<std::string, int>;
      THOLOS_CO_ASSIGN_OR_RETURN(Articles articles, row.Get<Articles>("articles"));
      apples += articles["apple"];
    }
    select.paging_state = page.paging_state;
  } while (!select.paging_state.empty());
  co_return apples;
}

// All rows, in whatever order the cluster keeps them.
absl::StatusOr<int> CountOrders(Client& shop) {
  client::Rows rows = shop.Query("SELECT customer, tags FROM shop.orders");
  int count = 0;
  while (const Row* row = rows.Next()) {
    if (row->At<std::vector<std::string>>("tags").size() == 2) ++count;
  }
  THOLOS_RETURN_IF_ERROR(rows.status());
  return count;
}

absl::Status Run(const std::string& host) {
  client::Options options;
  options.contact_points = {host};
  THOLOS_ASSIGN_OR_RETURN(const std::unique_ptr<Client> shop, Client::Connect(options));
  THOLOS_RETURN_IF_ERROR(MakeSchema(*shop));
  THOLOS_RETURN_IF_ERROR(WriteOrders(*shop));
  THOLOS_ASSIGN_OR_RETURN(const int orders, CountOrders(*shop));
  std::printf("%d orders\n", orders);

  base::RealClock clock;
  const auto executor = base::RealExecutor::Start({.shards = 1, .background = 1}, clock);
  THOLOS_ASSIGN_OR_RETURN(const int apples,
                          base::BlockOn(executor->shard(0), CountApples(shop.get(), "customer 7")));
  std::printf("%d apples for customer 7\n", apples);

  // Errors say what and where.
  const auto wrong = shop->Execute({"SELECT * FROM shop.orders WHERE customer = ?", {7}}).Get();
  std::printf("%s\n", std::string(wrong.status().message()).c_str());
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s HOST[:PORT]\n", argv[0]);
    return 2;
  }
  const absl::Status status = Run(argv[1]);
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}
