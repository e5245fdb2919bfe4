#include "storage/manifest.h"

#include <algorithm>

#include "base/checksum.h"
#include "base/coding.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace tholos::storage {
namespace {

constexpr std::string_view kMagic = "THOLOSMF";
constexpr uint32_t kVersion = 1;
constexpr size_t kChecksumBytes = 8;
constexpr uint64_t kManifestBytesMax = 64 << 20;

std::string PathIn(const std::string& directory) { return directory + "/manifest"; }

}  // namespace

std::string EncodeManifest(const Manifest& manifest) {
  std::string out(kMagic);
  base::PutFixed32(&out, kVersion);
  base::PutFixed32(&out, manifest.shard);
  out.append(manifest.table.AsBytes());
  base::PutFixed64(&out, manifest.flushed_before.segment);
  base::PutFixed64(&out, manifest.flushed_before.offset);
  base::PutFixed64(&out, manifest.next_generation);
  base::PutFixed32(&out, static_cast<uint32_t>(manifest.generations.size()));
  for (uint64_t generation : manifest.generations) base::PutFixed64(&out, generation);
  base::PutFixed64(&out, base::Checksum64(out));
  return out;
}

absl::StatusOr<Manifest> DecodeManifest(std::string_view bytes) {
  if (bytes.size() < kMagic.size() + kChecksumBytes || !bytes.starts_with(kMagic)) {
    return absl::DataLossError("not a manifest");
  }
  const std::string_view checked = bytes.substr(0, bytes.size() - kChecksumBytes);
  if (base::LoadFixed64(bytes.data() + checked.size()) != base::Checksum64(checked)) {
    return absl::DataLossError("checksum mismatch");
  }
  base::Reader in(checked.substr(kMagic.size()));
  if (const uint32_t version = in.Fixed32(); version != kVersion) {
    return absl::FailedPreconditionError(
        base::StrCat("format version ", version, "; this build reads version ", kVersion));
  }
  Manifest manifest;
  manifest.shard = in.Fixed32();
  const std::string_view table = in.Raw(16);
  manifest.flushed_before.segment = in.Fixed64();
  manifest.flushed_before.offset = in.Fixed64();
  manifest.next_generation = in.Fixed64();
  const uint32_t count = in.Fixed32();
  if (!in.ok() || in.remaining() != uint64_t{count} * 8) {
    return absl::DataLossError("malformed manifest");
  }
  THOLOS_ASSIGN_OR_RETURN(manifest.table, base::Uuid::FromBytes(table));
  for (uint32_t i = 0; i < count; ++i) manifest.generations.push_back(in.Fixed64());
  if (!std::is_sorted(manifest.generations.begin(), manifest.generations.end())) {
    return absl::DataLossError("generations out of order");
  }
  return manifest;
}

base::Task<absl::StatusOr<Manifest>> ReadManifest(base::FileSystem& fs, std::string directory,
                                                  data::TableId table, uint32_t shard) {
  THOLOS_CO_ASSIGN_OR_RETURN(std::string bytes,
                             co_await base::ReadFile(fs, PathIn(directory), kManifestBytesMax));
  absl::StatusOr<Manifest> manifest = DecodeManifest(bytes);
  if (manifest.ok() && (manifest->table != table || manifest->shard != shard)) {
    manifest = absl::DataLossError("it belongs to another table or shard");
  }
  if (!manifest.ok()) {
    co_return absl::Status(
        manifest.status().code(),
        base::StrCat(PathIn(directory), ": ", base::ToStd(manifest.status().message())));
  }
  co_return manifest;
}

base::Task<absl::Status> WriteManifest(base::FileSystem& fs, std::string directory,
                                       Manifest manifest) {
  return base::WriteFileAtomically(fs, PathIn(directory), EncodeManifest(manifest));
}

}  // namespace tholos::storage
