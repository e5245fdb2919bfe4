#include "storage/compaction_throttle.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"

namespace tholos::storage {

using base::Task;

uint64_t CompactionRate(uint64_t backlog_bytes, double read_pressure,
                        const CompactionRateOptions& options) {
  const auto max = static_cast<double>(options.bytes_per_second_max);
  const double drain = static_cast<double>(backlog_bytes) / absl::ToDoubleSeconds(options.drain);
  const double floor =
      std::min(std::max(drain, static_cast<double>(options.bytes_per_second_min)), max);
  return static_cast<uint64_t>(floor + (max - floor) * (1 - read_pressure));
}

void CompactionThrottle::SetBacklog(uint32_t shard, uint64_t bytes) {
  base::MutexLock lock(&mutex_);
  uint64_t& of_shard = backlog_[shard];
  backlog_bytes_ = backlog_bytes_ - of_shard + bytes;
  of_shard = bytes;
}

uint64_t CompactionThrottle::backlog() const {
  base::MutexLock lock(&mutex_);
  return backlog_bytes_;
}

absl::Duration CompactionThrottle::Take(uint64_t bytes, base::MonotonicTime now) {
  // Some hundred samples back half of it is forgotten: a second or so of compaction.
  constexpr double kWeight = 1.0 / 256;
  base::MutexLock lock(&mutex_);
  pressure_ += ((reading_ > 0 ? 1.0 : 0.0) - pressure_) * kWeight;
  const uint64_t rate = CompactionRate(backlog_bytes_, pressure_, options_);
  // What was not used is not saved up.
  free_at_ = std::max(free_at_, now) +
             absl::Seconds(static_cast<double>(bytes) / static_cast<double>(rate));
  return free_at_ - now;
}

namespace {

class ThrottledFile final : public base::File {
 public:
  ThrottledFile(std::unique_ptr<base::File> file, CompactionThrottle& throttle,
                const base::Clock& clock)
      : file_(std::move(file)), throttle_(throttle), clock_(clock) {}

  Task<absl::StatusOr<std::string>> Read(uint64_t offset, size_t length) override {
    co_await Wait(length);
    co_return co_await file_->Read(offset, length);
  }
  Task<absl::Status> Write(uint64_t offset, std::string_view data) override {
    co_await Wait(data.size());
    co_return co_await file_->Write(offset, data);
  }
  Task<absl::Status> WriteDurably(uint64_t offset, std::string_view data) override {
    co_await Wait(data.size());
    co_return co_await file_->WriteDurably(offset, data);
  }
  Task<absl::Status> Sync() override { return file_->Sync(); }
  Task<absl::Status> Allocate(uint64_t length) override { return file_->Allocate(length); }
  Task<absl::Status> Truncate(uint64_t length) override { return file_->Truncate(length); }
  Task<absl::StatusOr<uint64_t>> Size() override { return file_->Size(); }
  Task<absl::Status> Close() override { return file_->Close(); }
  const std::string& path() const override { return file_->path(); }

 private:
  // Shorter waits are left to add up.
  static constexpr absl::Duration kWaitMin = absl::Milliseconds(1);

  Task<void> Wait(uint64_t bytes) {
    const absl::Duration wait = throttle_.Take(bytes, clock_.Now());
    if (wait < kWaitMin) return Task<void>::Ready();
    return base::SleepFor(wait);
  }

  const std::unique_ptr<base::File> file_;
  CompactionThrottle& throttle_;
  const base::Clock& clock_;
};

class ThrottledFiles final : public base::FileSystem {
 public:
  ThrottledFiles(base::FileSystem& fs, CompactionThrottle& throttle, const base::Clock& clock)
      : fs_(fs), throttle_(throttle), clock_(clock) {}

  Task<absl::StatusOr<std::unique_ptr<base::File>>> Open(std::string path,
                                                         base::OpenMode mode) override {
    THOLOS_CO_ASSIGN_OR_RETURN(auto file, co_await fs_.Open(std::move(path), mode));
    co_return std::make_unique<ThrottledFile>(std::move(file), throttle_, clock_);
  }
  Task<absl::Status> Rename(std::string from, std::string to) override {
    return fs_.Rename(std::move(from), std::move(to));
  }
  Task<absl::Status> Remove(std::string path) override { return fs_.Remove(std::move(path)); }
  Task<absl::Status> Link(std::string from, std::string to) override {
    return fs_.Link(std::move(from), std::move(to));
  }
  Task<absl::Status> MakeDirectories(std::string path) override {
    return fs_.MakeDirectories(std::move(path));
  }
  Task<absl::StatusOr<std::vector<base::DirectoryEntry>>> List(std::string path) override {
    return fs_.List(std::move(path));
  }
  Task<absl::StatusOr<bool>> Exists(std::string path) override {
    return fs_.Exists(std::move(path));
  }
  Task<absl::Status> SyncDirectory(std::string path) override {
    return fs_.SyncDirectory(std::move(path));
  }
  Task<absl::StatusOr<uint64_t>> FreeBytes(std::string path) override {
    return fs_.FreeBytes(std::move(path));
  }
  Task<absl::StatusOr<std::unique_ptr<Lock>>> LockFile(std::string path) override {
    return fs_.LockFile(std::move(path));
  }

 private:
  base::FileSystem& fs_;
  CompactionThrottle& throttle_;
  const base::Clock& clock_;
};

}  // namespace

std::unique_ptr<base::FileSystem> ThrottledFileSystem(base::FileSystem& fs,
                                                      CompactionThrottle& throttle,
                                                      const base::Clock& clock) {
  return std::make_unique<ThrottledFiles>(fs, throttle, clock);
}

}  // namespace tholos::storage
