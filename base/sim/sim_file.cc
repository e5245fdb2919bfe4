#include "base/sim/sim_file.h"

#include <utility>

#include "base/real/io_error.h"
#include "base/status_macros.h"

namespace tholos::base::sim {
namespace {

// Of a write that was cut short after `bytes`: the whole sectors. The kernel copies page by page.
size_t PartOf(uint64_t offset, size_t bytes) {
  const uint64_t end = (offset + bytes) / FileContent::kSectorBytes * FileContent::kSectorBytes;
  return end > offset ? end - offset : 0;
}

}  // namespace

SimFile::SimFile(SimFileSystem& fs, DiskNodePtr node, std::string path, bool writable)
    : fs_(fs),
      node_(std::move(node)),
      path_(std::move(path)),
      writable_(writable),
      generation_(fs.generation_) {
  ++node_->opens;
}

SimFile::~SimFile() {
  if (!closed_ && generation_ == fs_.generation_) --node_->opens;
}

absl::Status SimFile::Check(std::string_view what, bool changes) const {
  if (closed_ || (changes && !writable_)) return IoError(what, path_, EBADF);
  return absl::OkStatus();
}

Task<absl::StatusOr<std::string>> SimFile::Read(uint64_t offset, size_t length) {
  THOLOS_CO_RETURN_IF_ERROR(Check("read", false));
  if (fs_.ReadsAtOnce(path_)) co_return node_->content.Read(offset, length);
  co_return co_await fs_.PerformOrFail<absl::StatusOr<std::string>>(
      DiskOp::kRead, path_, [node = node_, offset, length]() -> absl::StatusOr<std::string> {
        return node->content.Read(offset, length);
      });
}

Task<absl::Status> SimFile::Write(uint64_t offset, std::string_view data) {
  return WriteNoting(offset, data, nullptr);
}

Task<absl::Status> SimFile::WriteNoting(uint64_t offset, std::string_view data,
                                        std::shared_ptr<uint64_t> sequence) {
  THOLOS_CO_RETURN_IF_ERROR(Check("write", true));
  // The caller's bytes may be gone when a crash decides what became of them.
  co_return co_await fs_.Perform<absl::Status>(
      DiskOp::kWrite, path_,
      [this_fs = &fs_, path = path_, node = node_, offset, bytes = std::string(data),
       sequence = std::move(sequence)](const absl::Status& fault) -> absl::Status {
        if (fault.ok()) {
          absl::Status result = this_fs->image_.Write(*node, path, offset, bytes);
          if (sequence != nullptr) *sequence = this_fs->image_.sequence();
          return result;
        }
        const size_t part = PartOf(offset, this_fs->random_.Below(bytes.size() + 1));
        this_fs->image_.Write(*node, path, offset, std::string_view(bytes).substr(0, part))
            .IgnoreError();
        return fault;
      });
}

// A write and then a sync, each with its time and its faults; a crash in between leaves what it
// leaves of any write. A device does the same where it must be told to empty its cache.
Task<absl::Status> SimFile::WriteDurably(uint64_t offset, std::string_view data) {
  THOLOS_CO_RETURN_IF_ERROR(Check("write", true));
  const auto written = std::make_shared<uint64_t>(0);  // outlives this frame in a crash
  THOLOS_CO_RETURN_IF_ERROR(co_await WriteNoting(offset, data, written));
  co_return co_await fs_.Perform<absl::Status>(
      DiskOp::kSync, path_,
      [this_fs = &fs_, node = node_, written](const absl::Status& fault) -> absl::Status {
        if (fault.ok()) {
          node->content.SyncWrite(*written);
        } else {
          node->content.FailSync(*written, this_fs->random_);
        }
        return fault;
      });
}

Task<absl::Status> SimFile::Sync() {
  THOLOS_CO_RETURN_IF_ERROR(Check("sync", false));
  co_return co_await fs_.Perform<absl::Status>(
      DiskOp::kSync, path_,
      [this_fs = &fs_, node = node_,
       sequence = fs_.image_.sequence()](const absl::Status& fault) -> absl::Status {
        if (fault.ok()) {
          node->content.Sync(sequence);
        } else {
          node->content.FailSync(sequence, this_fs->random_);
        }
        return fault;
      });
}

Task<absl::Status> SimFile::Allocate(uint64_t length) {
  THOLOS_CO_RETURN_IF_ERROR(Check("allocate", true));
  co_return co_await fs_.PerformOrFail<absl::Status>(
      DiskOp::kAllocate, path_, [this_fs = &fs_, path = path_, node = node_, length]() {
        if (length <= node->content.size()) return absl::OkStatus();
        return this_fs->image_.Resize(*node, path, length, "allocate");
      });
}

Task<absl::Status> SimFile::Truncate(uint64_t length) {
  THOLOS_CO_RETURN_IF_ERROR(Check("truncate", true));
  co_return co_await fs_.PerformOrFail<absl::Status>(
      DiskOp::kTruncate, path_, [this_fs = &fs_, path = path_, node = node_, length]() {
        return this_fs->image_.Resize(*node, path, length, "truncate");
      });
}

Task<absl::StatusOr<uint64_t>> SimFile::Size() {
  THOLOS_CO_RETURN_IF_ERROR(Check("size", false));
  co_return co_await fs_.PerformOrFail<absl::StatusOr<uint64_t>>(
      DiskOp::kSize, path_,
      [node = node_]() -> absl::StatusOr<uint64_t> { return node->content.size(); });
}

Task<absl::Status> SimFile::Close() {
  THOLOS_CO_RETURN_IF_ERROR(Check("close", false));
  closed_ = true;
  // Whatever close reports, the file is closed.
  --node_->opens;
  co_return co_await fs_.Perform<absl::Status>(DiskOp::kClose, path_,
                                               [](const absl::Status& fault) { return fault; });
}

}  // namespace tholos::base::sim
