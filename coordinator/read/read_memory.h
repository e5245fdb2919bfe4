// Memory of read results: how much one read may bring to this node, and all of a shard together.
//
// A replica never answers with more than a command's bytes_max (data/read.h). So a read takes room
// before it asks, and its answers fit:
//
//   limit      bytes_max of what it asks, all its pieces together: `g` below
//   one answer lies in the message and in its decoded form at once: 2 g (kCopies)
//   R answers  (the replicas disagree: R full answers, then the merged page beside them) 2 g R
//
// How large a page will be shows only when it has been read. What is asked for is at first twice
// what the table's reads had of late, from kSmallRead up to the page's bytes (1 MiB), and pages come
// out shorter if that was too little. A row that is larger than the limit is not sent: the replica
// says how many bytes it takes, the read gives its room back, waits for that much, and asks again
// (the next read of such a table begins with that, and an eighth more). So, with page bytes P, the
// largest row W (kRowBytesMax at most) and R replicas whose data is read, a request takes at most
//
//   2 R max(P, 9/8 W)   and, if they disagree, 1 merged page for each replica that is brought up to
//                       date, or may stand in for one that cannot be
//
// however many pieces it reads side by side: pieces share g, and only one that is read alone waits
// for a large row, when the page has nothing in it. The page that is put together is of the same g.
// For P = 1 MiB and rows of 16 MiB at QUORUM of three: 36 MiB, where they disagree 72 MiB and up to
// 32 MiB for the repair; with small rows 2, 4 and 2 MiB. Where replicas hold different cells of one
// row, the merged row may be larger than any of theirs, up to R W: what its repair takes is charged
// with what it is (read_repair.h).
//
// Who takes what:
//
//   up to kSmallRead (range reads: kSmallRangeRead)   nothing: what any request is charged covers it
//   more, usually small                               room if there is some now; else it makes do with
//                                                     kSmallRead, and its page is short
//   more, usually large; a row beyond the limit       waits in turn, holding nothing, until its
//                                                     deadline, then OVERLOADED; at once if
//                                                     kWaitingMax wait already
//   R answers instead of one                          in any case: what is there now can only become
//                                                     less. So a shard holds at most R times its room.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/status/statusor.h"
#include "base/async/event.h"
#include "base/async/task.h"
#include "base/metrics.h"
#include "base/time.h"
#include "data/read.h"
#include "rpc/transport.h"

namespace tholos::coordinator {

inline constexpr int64_t kSmallRead = 4 << 10;
inline constexpr int64_t kSmallRangeRead = 64 << 10;
// A larger row cannot be read: one message between nodes has to hold it.
inline constexpr uint64_t kRowBytesMax = rpc::kMessageBytesMax - (size_t{1} << 20);

// Confined to its shard.
class ReadMemory {
 public:
  static constexpr int64_t kCopies = 2;
  static constexpr size_t kWaitingMax = 1024;

  // `held` and `held_max` follow what is held, and the most that was.
  ReadMemory(int64_t bytes_max, base::Gauge& held, base::Gauge& held_max)
      : max_(bytes_max), held_gauge_(held), held_max_gauge_(held_max) {}
  ReadMemory(const ReadMemory&) = delete;

  // What was taken; the destructor gives it back.
  class Room {
   public:
    Room() = default;
    Room(ReadMemory* memory, int64_t bytes) : memory_(memory), bytes_(bytes) {}
    Room(Room&& o) noexcept
        : memory_(std::exchange(o.memory_, nullptr)), bytes_(std::exchange(o.bytes_, 0)) {}
    Room& operator=(Room&& o) noexcept {
      Release();
      memory_ = std::exchange(o.memory_, nullptr);
      bytes_ = std::exchange(o.bytes_, 0);
      return *this;
    }
    ~Room() { Release(); }
    void Release();
    int64_t bytes() const { return bytes_; }
    explicit operator bool() const { return memory_ != nullptr; }

   private:
    ReadMemory* memory_ = nullptr;
    int64_t bytes_ = 0;
  };

  // For one answer of at most `limit` bytes.
  static int64_t ChargeOf(uint64_t limit) {
    return kCopies * static_cast<int64_t>(std::min(limit, kRowBytesMax));
  }
  // None if they are not free now, or somebody waits.
  Room TryTake(int64_t bytes);
  // In any case.
  Room Take(int64_t bytes);
  // In turn; more than all there is, once everything else is free. kOverloaded: not by the deadline,
  // or too many wait.
  base::Task<absl::StatusOr<Room>> Wait(int64_t bytes, base::Deadline deadline);

  int64_t held() const { return held_; }
  size_t waiting() const { return waiting_.size(); }

 private:
  struct Waiter {
    int64_t bytes;
    base::Event granted;
    bool has = false;
  };
  bool Fits(int64_t bytes) const { return held_ + std::min(bytes, max_) <= max_; }
  void Hold(int64_t bytes);
  void Grant();

  const int64_t max_;
  base::Gauge& held_gauge_;
  base::Gauge& held_max_gauge_;
  int64_t held_ = 0;
  int64_t held_max_ = 0;
  std::deque<Waiter*> waiting_;
};

// What the reads of each table bring, the largest of late: of one partition, and of ranges. Confined
// to its shard.
class ReadSizes {
 public:
  enum class Kind : uint8_t { kPartition, kRange };
  // From here on a read rather waits than to make do with little.
  static constexpr int64_t kLarge = 256 << 10;

  static Kind KindOf(const data::ReadCommand& command) {
    return command.key.has_value() ? Kind::kPartition : Kind::kRange;
  }
  // A first read of a partition is taken for a small one, of a range for a whole page.
  int64_t Expected(const data::TableId& table, Kind kind) const;
  // A larger one counts at once; after smaller ones it is forgotten, an eighth each time.
  void Observe(const data::TableId& table, Kind kind, int64_t bytes);
  // The bytes_max to begin with where a page has `page_bytes`.
  static int64_t LimitFor(int64_t expected, int64_t page_bytes);

 private:
  static constexpr size_t kTablesMax = 4096;
  static int64_t Unknown(Kind kind) { return kind == Kind::kPartition ? 32 << 10 : 1 << 20; }
  absl::btree_map<std::pair<data::TableId, Kind>, int64_t> expected_;
};

}  // namespace tholos::coordinator
