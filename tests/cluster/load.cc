#include "tests/cluster/load.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/time/clock.h"
#include "base/strings.h"

namespace tholos::cluster_test {
namespace {

constexpr uint64_t kRowsPerPartition = 64;
constexpr char kInsert[] = "INSERT INTO chaos.rows (w, n, v) VALUES (?, ?, ?)";
constexpr char kSelect[] = "SELECT n FROM chaos.rows WHERE w = ? AND n = ?";
constexpr char kSelectAll[] = "SELECT n FROM chaos.rows WHERE w = ?";

int64_t PartitionOf(uint64_t n) { return static_cast<int64_t>(n / kRowsPerPartition); }

[[noreturn]] void GiveUp(const std::string& what, const absl::Status& why) {
  std::fprintf(stderr, "%s: %s\n", what.c_str(), why.ToString().c_str());
  std::exit(2);
}

}  // namespace

Load::Load(Options options)
    : options_(std::move(options)), random_(1), acknowledged_(options_.rows_max) {
  client::Options how;
  how.contact_points = options_.contact_points;
  how.timeout = options_.timeout;
  auto connected = client::Client::Connect(std::move(how));
  if (!connected.ok()) GiveUp("connecting", connected.status());
  client_ = *std::move(connected);
  for (const char* statement :
       {"CREATE KEYSPACE chaos WITH replication = {'class': 'SimpleStrategy', "
        "'replication_factor': 3}",
        "CREATE TABLE chaos.rows (w bigint, n bigint, v blob, PRIMARY KEY (w, n))"}) {
    const auto result = client_->Execute(client::Statement(statement)).Get();
    if (!result.ok()) GiveUp(statement, result.status());
  }
}

void Load::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Load::Stop() {
  if (!thread_.joinable()) return;
  stop_ = true;
  thread_.join();
  AwaitNone();
}

void Load::AwaitNone() {
  const auto none = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return open_ == 0; };
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(&none));
}

void Load::Run() {
  for (uint64_t turn = 0; !stop_ && next_row_ < options_.rows_max; ++turn) {
    if (!Open()) continue;
    if (turn % 5 != 4) {
      Write(next_row_++);
      continue;
    }
    // Of a random row that was acknowledged; the newest are as likely as the oldest.
    uint64_t n = random_() % next_row_;
    while (acknowledged_[n].load(std::memory_order_acquire) == 0 && n > 0) --n;
    Read(n);
  }
}

// Room for one more request; false after a while without.
bool Load::Open() {
  const auto room = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return open_ < options_.in_flight;
  };
  absl::MutexLock lock(&mutex_);
  if (!mutex_.AwaitWithTimeout(absl::Condition(&room), absl::Milliseconds(100))) return false;
  ++open_;
  return true;
}

void Load::Write(uint64_t n) {
  client::Statement insert(kInsert, {PartitionOf(n), static_cast<int64_t>(n),
                                     client::Value::Blob(std::string(100, 'x'))});
  insert.idempotent = true;
  client_->Execute(std::move(insert))
      .Then([this, n, begun = absl::Now()](const absl::StatusOr<client::Result>& result) {
        if (result.ok()) acknowledged_[n].store(1, std::memory_order_release);
        Ended(begun, result.status());
      });
}

void Load::Read(uint64_t n) {
  const bool expected = acknowledged_[n].load(std::memory_order_acquire) != 0;
  client_->Execute(client::Statement(kSelect, {PartitionOf(n), static_cast<int64_t>(n)}))
      .Then([this, expected, begun = absl::Now()](const absl::StatusOr<client::Result>& result) {
        if (expected && result.ok() && result->row_count() != 1) {
          absl::MutexLock lock(&mutex_);
          ++outcome_.unseen;
        }
        Ended(begun, result.status());
      });
}

void Load::Ended(absl::Time begun, const absl::Status& status) {
  latencies_.Record(absl::Now() - begun);
  absl::MutexLock lock(&mutex_);
  --open_;
  ++outcome_.done;
  if (status.ok()) return;
  if (outcome_.failed++ == 0) outcome_.first_failure = status.ToString();
}

Load::Outcome Load::outcome() const {
  absl::MutexLock lock(&mutex_);
  return outcome_;
}

uint64_t Load::acknowledged() const {
  return static_cast<uint64_t>(std::count_if(
      acknowledged_.begin(), acknowledged_.end(),
      [](const std::atomic<uint8_t>& each) { return each.load(std::memory_order_acquire) != 0; }));
}

uint64_t Load::CountLost() {
  std::vector<std::atomic<uint8_t>> found(next_row_);
  for (uint64_t first = 0; first < next_row_; first += kRowsPerPartition) {
    while (!Open()) continue;
    client_->Execute(client::Statement(kSelectAll, {PartitionOf(first)}))
        .Then([this, &found](const absl::StatusOr<client::Result>& result) {
          if (!result.ok()) GiveUp("reading the rows again", result.status());
          for (const client::Row& row : *result) {
            const auto n = static_cast<size_t>(row.At<int64_t>(size_t{0}));
            if (n < found.size()) found[n].store(1, std::memory_order_release);
          }
          absl::MutexLock lock(&mutex_);
          --open_;
        });
  }
  AwaitNone();
  uint64_t lost = 0;
  for (uint64_t n = 0; n < next_row_; ++n) {
    lost += acknowledged_[n].load() != 0 && found[n].load() == 0 ? 1 : 0;
  }
  return lost;
}

}  // namespace tholos::cluster_test
