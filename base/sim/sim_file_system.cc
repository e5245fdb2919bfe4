#include "base/sim/sim_file_system.h"

#include <cmath>
#include <utility>

#include "absl/strings/match.h"
#include "base/async/loop.h"
#include "base/check.h"
#include "base/real/io_error.h"
#include "base/sim/sim_file.h"
#include "base/sim/sim_node.h"
#include "base/sim/simulation.h"
#include "base/strings.h"

namespace tholos::base::sim {

class SimLock final : public FileSystem::Lock {
 public:
  SimLock(SimFileSystem& fs, std::string path)
      : fs_(fs), path_(std::move(path)), generation_(fs.generation_) {}
  ~SimLock() override {
    if (generation_ == fs_.generation_) fs_.locks_.erase(path_);
  }

 private:
  SimFileSystem& fs_;
  const std::string path_;
  const uint64_t generation_;
};

std::string_view DiskOpName(DiskOp op) {
  static constexpr std::string_view kNames[] = {
      "open", "read",   "write",          "sync",       "allocate", "truncate",
      "size", "close",  "rename",         "remove",     "link",     "make directories",
      "list", "exists", "sync directory", "free bytes", "lock"};
  return kNames[static_cast<size_t>(op)];
}

SimFileSystem::SimFileSystem(SimNode& node)
    : node_(node), random_(node.simulation().Stream(StrCat("disk/", node.name()))) {}

void SimFileSystem::CrashAtOperation(uint64_t number, bool power_loss) {
  THOLOS_CHECK(number > operations_) << "operation " << number << " has been asked for already";
  crash_at_ = number;
  crash_with_power_loss_ = power_loss;
}

void SimFileSystem::Count(DiskOp op, const std::string& path) {
  ++operations_;
  Trace& trace = node_.simulation().trace();
  trace.Fold(node_.simulation().now(), node_.name(), DiskOpName(op), operations_);
  trace.Fold(node_.simulation().now(), node_.name(), path, operations_);
}

void SimFileSystem::Start(DiskOp op, std::string path, Effect effect) {
  // A process that is about to be killed asks for nothing any more.
  if (!node_.running()) return;
  Count(op, path);
  const uint64_t number = operations_;
  InFlight operation{.op = op, .path = path, .loop = &Loop::Current(), .effect = std::move(effect)};
  operation.fault = NextFault(op, path);
  in_flight_.emplace(number, std::move(operation));
  node_.simulation().After(Latency(op), StrCat("disk of ", node_.name()),
                           [this, number] { Complete(number); });
  if (number != crash_at_) return;
  crash_with_power_loss_ ? node_.PowerLoss() : node_.Kill();
}

void SimFileSystem::Complete(uint64_t number) {
  const auto it = in_flight_.find(number);
  if (it == in_flight_.end()) return;  // a crash came first
  const InFlight operation = std::move(it->second);
  in_flight_.erase(it);
  operation.loop->Post(operation.effect(operation.fault));
}

bool SimFileSystem::ReadsAtOnce(const std::string& path) {
  const bool planned = crash_at_ != 0 || !planned_faults_.empty() || faults_.read_errors > 0;
  if (planned || !node_.running() || !random_.Chance(faults_.cached_reads)) return false;
  Count(DiskOp::kRead, path);
  return true;
}

absl::Status SimFileSystem::NextFault(DiskOp op, const std::string& path) {
  for (auto it = planned_faults_.begin(); it != planned_faults_.end(); ++it) {
    if (it->op != op || !absl::StrContains(path, it->path_contains)) continue;
    if (it->skip-- > 0) continue;
    const int error = it->error;
    planned_faults_.erase(it);
    return IoError(DiskOpName(op), path, error);
  }
  double rate = 0;
  if (op == DiskOp::kRead) rate = faults_.read_errors;
  if (op == DiskOp::kWrite) rate = faults_.write_errors;
  if (op == DiskOp::kSync || op == DiskOp::kSyncDirectory) rate = faults_.sync_errors;
  if (rate > 0 && random_.Chance(rate)) return IoError(DiskOpName(op), path, EIO);
  return absl::OkStatus();
}

absl::Duration SimFileSystem::Latency(DiskOp op) {
  const DiskLatency* latency = &faults_.other;
  if (op == DiskOp::kRead) latency = &faults_.read;
  if (op == DiskOp::kWrite) latency = &faults_.write;
  if (op == DiskOp::kSync || op == DiskOp::kSyncDirectory) latency = &faults_.sync;
  absl::Duration time = latency->min - std::log(1 - random_.Unit()) * latency->mean_above_min;
  if (faults_.stalls > 0 && random_.Chance(faults_.stalls)) time += faults_.stall;
  return time;
}

void SimFileSystem::EndProcess() {
  auto in_flight = std::move(in_flight_);
  in_flight_.clear();
  for (auto& [number, operation] : in_flight) {
    if (random_.Chance(0.5)) continue;
    if (operation.op == DiskOp::kWrite && random_.Chance(0.5)) {
      operation.fault = IoError("write", operation.path, EIO);  // a part of it
    }
    operation.effect(operation.fault);
  }
  crash_at_ = 0;
  ++generation_;
  locks_.clear();
  image_.CloseAll();
}

bool SimFileSystem::FlipBit(const std::string& path, uint64_t offset, int bit) {
  const DiskNodePtr node = image_.Find(path);
  return node != nullptr && !node->is_directory && node->content.FlipBit(offset, bit);
}

absl::StatusOr<std::string> SimFileSystem::Peek(const std::string& path) const {
  const DiskNodePtr node = image_.Find(path);
  if (node == nullptr || node->is_directory) return IoError("peek", path, ENOENT);
  return node->content.current();
}

Task<absl::StatusOr<std::unique_ptr<File>>> SimFileSystem::Open(std::string path, OpenMode mode) {
  using Result = absl::StatusOr<std::unique_ptr<File>>;
  return PerformOrFail<Result>(DiskOp::kOpen, path, [this, path, mode]() -> Result {
    absl::StatusOr<DiskNodePtr> node = image_.Open(path, mode);
    if (!node.ok()) return node.status();
    return std::make_unique<SimFile>(*this, *std::move(node), path, mode != OpenMode::kRead);
  });
}

Task<absl::Status> SimFileSystem::Rename(std::string from, std::string to) {
  return PerformOrFail<absl::Status>(DiskOp::kRename, from,
                                     [this, from, to] { return image_.Rename(from, to); });
}

Task<absl::Status> SimFileSystem::Remove(std::string path) {
  return PerformOrFail<absl::Status>(DiskOp::kRemove, path,
                                     [this, path] { return image_.Remove(path); });
}

Task<absl::Status> SimFileSystem::Link(std::string from, std::string to) {
  return PerformOrFail<absl::Status>(DiskOp::kLink, from,
                                     [this, from, to] { return image_.Link(from, to); });
}

Task<absl::Status> SimFileSystem::MakeDirectories(std::string path) {
  return PerformOrFail<absl::Status>(DiskOp::kMakeDirectories, path,
                                     [this, path] { return image_.MakeDirectories(path); });
}

Task<absl::StatusOr<std::vector<DirectoryEntry>>> SimFileSystem::List(std::string path) {
  return PerformOrFail<absl::StatusOr<std::vector<DirectoryEntry>>>(
      DiskOp::kList, path, [this, path] { return image_.List(path); });
}

Task<absl::StatusOr<bool>> SimFileSystem::Exists(std::string path) {
  return PerformOrFail<absl::StatusOr<bool>>(
      DiskOp::kExists, path,
      [this, path]() -> absl::StatusOr<bool> { return image_.Exists(path); });
}

Task<absl::Status> SimFileSystem::SyncDirectory(std::string path) {
  return PerformOrFail<absl::Status>(
      DiskOp::kSyncDirectory, path,
      [this, path, sequence = image_.sequence()] { return image_.SyncDirectory(path, sequence); });
}

Task<absl::StatusOr<uint64_t>> SimFileSystem::FreeBytes(std::string path) {
  using Result = absl::StatusOr<uint64_t>;
  return PerformOrFail<Result>(DiskOp::kFreeBytes, path, [this, path]() -> Result {
    if (!image_.Exists(path)) return IoError("free bytes", path, ENOENT);
    return image_.FreeBytes();
  });
}

Task<absl::StatusOr<std::unique_ptr<FileSystem::Lock>>> SimFileSystem::LockFile(std::string path) {
  using Result = absl::StatusOr<std::unique_ptr<Lock>>;
  return PerformOrFail<Result>(DiskOp::kLock, path, [this, path]() -> Result {
    absl::StatusOr<DiskNodePtr> file = image_.Open(path, OpenMode::kOpenOrCreate);
    if (!file.ok()) return file.status();
    if (!locks_.insert(path).second) {
      return absl::FailedPreconditionError(StrCat("lock ", path, ": another process holds it"));
    }
    return std::make_unique<SimLock>(*this, path);
  });
}

}  // namespace tholos::base::sim
