#include "base/file_system.h"

#include <utility>

#include "base/status_macros.h"
#include "base/strings.h"

namespace tholos::base {
namespace {

std::string ParentDirectory(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return slash == 0 ? "/" : std::string(path.substr(0, slash));
}

Task<absl::StatusOr<std::string>> ReadWhole(File& file, uint64_t size_max) {
  THOLOS_CO_ASSIGN_OR_RETURN(const uint64_t size, co_await file.Size());
  if (size > size_max) {
    co_return absl::FailedPreconditionError(StrCat("read ", file.path(), ": it has ", size,
                                                   " bytes, at most ", size_max, " are allowed"));
  }
  co_return co_await file.Read(0, size);
}

Task<absl::Status> WriteWhole(File& file, std::string_view contents) {
  // What a crash left behind under this name may be longer.
  THOLOS_CO_RETURN_IF_ERROR(co_await file.Truncate(0));
  THOLOS_CO_RETURN_IF_ERROR(co_await file.Write(0, contents));
  co_return co_await file.Sync();
}

}  // namespace

Task<absl::StatusOr<std::string>> ReadFile(FileSystem& fs, std::string path, uint64_t size_max) {
  THOLOS_CO_ASSIGN_OR_RETURN(auto file, co_await fs.Open(path, OpenMode::kRead));
  auto contents = co_await ReadWhole(*file, size_max);
  absl::Status closed = co_await file->Close();
  if (contents.ok() && !closed.ok()) co_return closed;
  co_return contents;
}

Task<absl::Status> WriteFileAtomically(FileSystem& fs, std::string path, std::string contents) {
  const std::string temporary = path + ".tmp";
  THOLOS_CO_ASSIGN_OR_RETURN(auto file, co_await fs.Open(temporary, OpenMode::kOpenOrCreate));
  absl::Status written = co_await WriteWhole(*file, contents);
  absl::Status closed = co_await file->Close();
  if (written.ok()) written = closed;
  if (written.ok()) written = co_await fs.Rename(temporary, path);
  if (!written.ok()) {
    // The first error is the one to report.
    [[maybe_unused]] const absl::Status removed = co_await fs.Remove(temporary);
    co_return written;
  }
  co_return co_await fs.SyncDirectory(ParentDirectory(path));
}

}  // namespace tholos::base
