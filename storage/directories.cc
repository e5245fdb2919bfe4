#include "storage/directories.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace tholos::storage {
namespace {

constexpr std::string_view kDropped = "dropped-";
constexpr size_t kUuidText = 36;
constexpr std::string_view kMetaMagic = "THOLOSEM";
constexpr uint32_t kMetaVersion = 2;
constexpr size_t kMetaBytes = 32;

std::string SafeName(std::string_view name) {
  std::string out(name.substr(0, 64));
  for (char& c : out) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '_') c = '_';
  }
  return out;
}

std::string ParentOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

absl::StatusOr<Layout> DecodeLayout(std::string_view bytes) {
  if (bytes.size() != kMetaBytes || !bytes.starts_with(kMetaMagic)) {
    return absl::DataLossError("not an engine.meta");
  }
  const std::string_view checked = bytes.substr(0, kMetaBytes - 8);
  if (base::LoadFixed64(bytes.data() + checked.size()) != base::Checksum64(checked)) {
    return absl::DataLossError("checksum mismatch");
  }
  if (const uint32_t version = base::LoadFixed32(bytes.data() + 8); version != kMetaVersion) {
    return absl::FailedPreconditionError(
        base::StrCat("format version ", version, "; this build reads version ", kMetaVersion));
  }
  const Layout layout{base::LoadFixed64(bytes.data() + 16), base::LoadFixed32(bytes.data() + 12)};
  if (layout.shards == 0) return absl::DataLossError("no shards");
  return layout;
}

std::string EncodeLayout(const Layout& layout) {
  std::string out(kMetaMagic);
  base::PutFixed32(&out, kMetaVersion);
  base::PutFixed32(&out, layout.shards);
  base::PutFixed64(&out, layout.number);
  base::PutFixed64(&out, base::Checksum64(out));
  return out;
}

std::string MetaPath(const std::string& root) { return root + "/engine.meta"; }

}  // namespace

std::string CommitLogsDirectory(std::string_view root) { return base::StrCat(root, "/commitlog"); }

std::string CommitLogDirectory(std::string_view root, uint64_t layout, uint32_t shard) {
  return base::StrCat(CommitLogsDirectory(root), "/", layout, "-", shard);
}

std::optional<uint64_t> ParseCommitLogDirectoryName(std::string_view name) {
  const size_t dash = name.find('-');
  uint64_t layout = 0;
  if (dash == std::string_view::npos ||
      !absl::SimpleAtoi(base::ToAbsl(name.substr(0, dash)), &layout)) {
    return std::nullopt;
  }
  return layout;
}

std::string TablesDirectory(std::string_view root) { return base::StrCat(root, "/tables"); }

std::string TableDirectoryName(const data::TableSchema& table) {
  return base::StrCat(SafeName(table.keyspace), ".", SafeName(table.name), "-",
                      table.id.ToString());
}

std::optional<data::TableId> ParseTableDirectoryName(std::string_view name) {
  if (name.size() <= kUuidText || IsDroppedDirectoryName(name)) return std::nullopt;
  auto id = base::Uuid::Parse(name.substr(name.size() - kUuidText));
  if (!id.ok()) return std::nullopt;
  return *id;
}

std::string DroppedDirectoryName(std::string_view name) { return base::StrCat(kDropped, name); }

bool IsDroppedDirectoryName(std::string_view name) { return name.starts_with(kDropped); }

base::Task<absl::Status> MakeDirectoriesDurably(base::FileSystem& fs, std::string path) {
  if (path.empty() || path == "." || path == "/") co_return absl::OkStatus();
  const std::string parent = ParentOf(path);
  THOLOS_CO_ASSIGN_OR_RETURN(const bool exists, co_await fs.Exists(path));
  if (!exists) {
    THOLOS_CO_RETURN_IF_ERROR(co_await MakeDirectoriesDurably(fs, parent));
    THOLOS_CO_RETURN_IF_ERROR(co_await fs.MakeDirectories(path));
  }
  // Also if it exists: the process that made it may have died before this.
  absl::Status synced = co_await fs.SyncDirectory(parent);
  if (exists && absl::IsPermissionDenied(synced)) co_return absl::OkStatus();
  co_return synced;
}

base::Task<absl::Status> RemoveTree(base::FileSystem& fs, std::string path, int depth) {
  auto entries = co_await fs.List(path);
  if (absl::IsNotFound(entries.status())) co_return absl::OkStatus();
  if (!entries.ok()) co_return entries.status();
  for (const base::DirectoryEntry& entry : *entries) {
    const std::string child = base::StrCat(path, "/", entry.name);
    if (entry.is_directory && depth > 1) {
      THOLOS_CO_RETURN_IF_ERROR(co_await RemoveTree(fs, child, depth - 1));
    } else {
      THOLOS_CO_RETURN_IF_ERROR(co_await fs.Remove(child));
    }
  }
  co_return co_await fs.Remove(path);
}

base::Task<absl::Status> WriteLayout(base::FileSystem& fs, std::string root, Layout layout) {
  return base::WriteFileAtomically(fs, MetaPath(root), EncodeLayout(layout));
}

base::Task<absl::StatusOr<Layout>> ReadOrWriteLayout(base::FileSystem& fs, std::string root,
                                                     uint32_t shards_if_new) {
  auto bytes = co_await base::ReadFile(fs, MetaPath(root), 4096);
  if (absl::IsNotFound(bytes.status())) {
    const Layout layout{.shards = shards_if_new};
    THOLOS_CO_RETURN_IF_ERROR(co_await WriteLayout(fs, root, layout));
    co_return layout;
  }
  if (!bytes.ok()) co_return bytes.status();
  auto layout = DecodeLayout(*bytes);
  if (!layout.ok()) {
    co_return absl::Status(
        layout.status().code(),
        base::StrCat(MetaPath(root), ": ", base::ToStd(layout.status().message())));
  }
  co_return layout;
}

}  // namespace tholos::storage
