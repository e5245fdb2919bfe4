// The simulated file door: one disk a node, which outlives the processes on it.
//
// Operations take virtual time and take effect when they complete; a sync covers what had been
// written when it was asked for. When the process ends in a crash each operation in flight has
// taken effect or not, at random (of a write also the first sectors); locks are gone. On power loss
// the disk forgets as file_content.h and disk_image.h describe.
//
// Faults for tests:
//   faults()                    error rates, capacity, latencies; may be changed at any time
//   FailNext({.op = kSync, ...})  exactly this operation fails
//   CrashAtOperation(n, ...)    the node dies when its n-th operation is asked for: a test that
//   runs
//                               with every n in turn has cut the power everywhere
//   FlipBit()                   bit rot
#pragma once

#include <errno.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "base/async/event.h"
#include "base/file_system.h"
#include "base/random.h"
#include "base/sim/disk_image.h"

namespace tholos::base::sim {

class SimNode;

enum class DiskOp : uint8_t {
  kOpen,
  kRead,
  kWrite,
  kSync,
  kAllocate,
  kTruncate,
  kSize,
  kClose,
  kRename,
  kRemove,
  kLink,
  kMakeDirectories,
  kList,
  kExists,
  kSyncDirectory,
  kFreeBytes,
  kLock,
};
std::string_view DiskOpName(DiskOp op);

// At least `min`, then exponentially distributed with this mean.
struct DiskLatency {
  absl::Duration min;
  absl::Duration mean_above_min;
};

struct DiskFaults {
  // The share of operations that fail with EIO.
  double read_errors = 0;
  double write_errors = 0;
  double sync_errors = 0;
  // The share of operations of any kind that take `stall` longer.
  double stalls = 0;
  absl::Duration stall = absl::Seconds(1);
  // The share of reads that the page cache answers at once, without a suspension.
  double cached_reads = 0.5;
  DiskLatency read{absl::Microseconds(20), absl::Microseconds(80)};
  DiskLatency write{absl::Microseconds(5), absl::Microseconds(20)};
  DiskLatency sync{absl::Microseconds(100), absl::Microseconds(900)};
  DiskLatency other{absl::Microseconds(5), absl::Microseconds(30)};
};

// One fault to come.
struct DiskFault {
  DiskOp op = DiskOp::kRead;
  std::string path_contains;  // empty: any path
  int skip = 0;               // so many that match go well first
  int error = EIO;
};

class SimFileSystem final : public FileSystem {
 public:
  explicit SimFileSystem(SimNode& node);

  Task<absl::StatusOr<std::unique_ptr<File>>> Open(std::string path, OpenMode mode) override;
  Task<absl::Status> Rename(std::string from, std::string to) override;
  Task<absl::Status> Remove(std::string path) override;
  Task<absl::Status> Link(std::string from, std::string to) override;
  Task<absl::Status> MakeDirectories(std::string path) override;
  Task<absl::StatusOr<std::vector<DirectoryEntry>>> List(std::string path) override;
  Task<absl::StatusOr<bool>> Exists(std::string path) override;
  Task<absl::Status> SyncDirectory(std::string path) override;
  Task<absl::StatusOr<uint64_t>> FreeBytes(std::string path) override;
  Task<absl::StatusOr<std::unique_ptr<Lock>>> LockFile(std::string path) override;

  DiskFaults& faults() { return faults_; }
  void FailNext(DiskFault fault) { planned_faults_.push_back(std::move(fault)); }
  void ForgetPlannedFaults() { planned_faults_.clear(); }
  void SetCapacity(uint64_t bytes) { image_.set_capacity(bytes); }

  // Operations asked for since the disk was made.
  uint64_t operations() const { return operations_; }
  // The operation with that number (from 1) is the last that is asked for, and may take effect or
  // not.
  void CrashAtOperation(uint64_t number, bool power_loss = true);
  void CancelCrash() { crash_at_ = 0; }

  // Flips a bit that is durable; false if there is no such file or it is shorter.
  bool FlipBit(const std::string& path, uint64_t offset, int bit);
  // What a process would read; NotFound without such a file.
  absl::StatusOr<std::string> Peek(const std::string& path) const;

  // For the node: its process ended; the power failed.
  void EndProcess();
  void LosePower() { image_.LosePower(random_); }

 private:
  friend class SimFile;
  friend class SimLock;

  // Takes effect, given a fault to suffer or OK; returns what delivers the result on the caller's
  // loop.
  using Effect = std::function<absl::AnyInvocable<void()>(const absl::Status& fault)>;
  struct InFlight {
    DiskOp op;
    std::string path;
    Loop* loop = nullptr;
    absl::Status fault;
    Effect effect;
  };

  // Asks for an operation: `act` takes effect, given the fault to suffer (or OK), when it
  // completes.
  template <typename T>
  Task<T> Perform(DiskOp op, std::string path, std::function<T(const absl::Status& fault)> act) {
    auto completion = std::make_shared<Completion<T>>();
    Start(op, std::move(path), [completion, act = std::move(act)](const absl::Status& fault) {
      return [completion, result = act(fault)]() mutable { completion->Set(std::move(result)); };
    });
    co_return co_await completion->Wait();
  }
  // The same for one that a fault leaves without effect.
  template <typename T>
  Task<T> PerformOrFail(DiskOp op, std::string path, std::function<T()> act) {
    return Perform<T>(op, std::move(path), [act = std::move(act)](const absl::Status& fault) -> T {
      if (!fault.ok()) return fault;
      return act();
    });
  }

  void Start(DiskOp op, std::string path, Effect effect);
  void Complete(uint64_t number);
  // Whether the page cache answers the next read of `path` at once.
  bool ReadsAtOnce(const std::string& path);
  void Count(DiskOp op, const std::string& path);
  absl::Status NextFault(DiskOp op, const std::string& path);
  absl::Duration Latency(DiskOp op);

  SimNode& node_;
  RandomStream random_;
  DiskImage image_;
  DiskFaults faults_;
  std::vector<DiskFault> planned_faults_;
  uint64_t operations_ = 0;
  uint64_t crash_at_ = 0;  // 0: never
  bool crash_with_power_loss_ = false;
  std::map<uint64_t, InFlight> in_flight_;  // by number
  std::set<std::string> locks_;
  uint64_t generation_ = 0;  // of processes, for handles that outlive theirs
};

}  // namespace tholos::base::sim
