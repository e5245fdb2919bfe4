// ReadSharing: many equal reads at once become few. A partition that everybody reads would
// otherwise be asked of its replicas as often as there are clients.
//
// A read may only share the answer of one that began after it came: an older one may have asked
// replicas before a write was acknowledged that this read must see. So equal reads that come while
// kAlone of them are under way wait for the next one, and share that:
//
//   read 1..4   ├──────────────┤         each for itself
//   read 5        ·····├──────────────┤  begins when one of them has ended; 6 and 7 came before it
//   read 6          ···│              │  began: they take its answer
//   read 7            ·│              │
//   read 8               ·····├───────   came later: the next one
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "base/async/event.h"
#include "base/async/task.h"
#include "coordinator/coordinator.h"
#include "coordinator/faults.h"

namespace tholos::coordinator {

// Confined to its shard. Never iterated.
class ReadSharing {
 public:
  static constexpr int kAlone = 4;

  // `faults` outlive it.
  explicit ReadSharing(const Faults& faults) : faults_(faults) {}

  // What a read of `key` (everything that decides its answer) is to do.
  class Turn {
   public:
    Turn(ReadSharing* sharing, std::string key) : sharing_(sharing), key_(std::move(key)) {}
    Turn(const Turn&) = delete;
    ~Turn();

    // Waits until this read may begin (nothing), or another one's answer is there that it shares. A
    // timeout is not shared: the time of the other one was up, this one waits for the next turn.
    // kDeadlineExceeded if neither came in time.
    base::Task<std::optional<absl::StatusOr<ReadPage>>> Wait(base::Deadline deadline);
    // The answer of a read that began: those that wait for it get a copy.
    void Done(const absl::StatusOr<ReadPage>& page);

   private:
    ReadSharing* const sharing_;
    const std::string key_;
    bool running_ = false;
    std::shared_ptr<struct SharedRead> led_;
  };

  size_t keys() const { return entries_.size(); }

 private:
  struct Entry {
    int running = 0;
    std::shared_ptr<SharedRead> next;  // did not begin yet
  };
  const Faults& faults_;
  absl::flat_hash_map<std::string, Entry> entries_;
};

struct SharedRead {
  base::Event may_begin;
  base::Event done;
  std::optional<absl::StatusOr<ReadPage>> page;
  int followers = 0;
};

}  // namespace tholos::coordinator
