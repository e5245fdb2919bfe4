#include "storage/manifest.h"

#include <algorithm>

#include "base/checksum.h"
#include "base/coding.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace tholos::storage {
namespace {

constexpr std::string_view kMagic = "THOLOSMF";
constexpr uint32_t kVersion = 2;
constexpr size_t kChecksumBytes = 8;
constexpr uint64_t kManifestBytesMax = 256 << 20;
constexpr size_t kNameBytesMax = 1024;
constexpr size_t kTableBytesMin = 8 + 8 + 4 + 16;

std::string PathIn(const std::string& directory) { return directory + "/manifest"; }

void EncodeTable(const LiveTable& table, std::string* out) {
  base::PutFixed64(out, table.generation);
  base::PutFixed64(out, table.written_as);
  base::PutFixed32(out, static_cast<uint32_t>(table.held.size()));
  for (const sstable::TokenInterval& interval : table.held) {
    base::PutFixed64(out, static_cast<uint64_t>(interval.first));
    base::PutFixed64(out, static_cast<uint64_t>(interval.last));
  }
}

// Nothing if it is malformed.
std::optional<LiveTable> DecodeTable(base::Reader* in) {
  LiveTable table;
  table.generation = in->Fixed64();
  table.written_as = in->Fixed64();
  const uint32_t intervals = in->Fixed32();
  if (!in->ok() || intervals == 0 || in->remaining() < uint64_t{intervals} * 16) return {};
  for (uint32_t i = 0; i < intervals; ++i) {
    const auto first = static_cast<data::Token>(in->Fixed64());
    const auto last = static_cast<data::Token>(in->Fixed64());
    if (first > last || (i > 0 && first <= table.held.back().last)) return {};
    table.held.push_back({first, last});
  }
  return table;
}

}  // namespace

const LiveTable* Manifest::Find(uint64_t generation) const {
  const auto it = std::lower_bound(
      tables.begin(), tables.end(), generation,
      [](const LiveTable& table, uint64_t wanted) { return table.generation < wanted; });
  return it != tables.end() && it->generation == generation ? &*it : nullptr;
}

std::string EncodeManifest(const Manifest& manifest) {
  std::string out(kMagic);
  base::PutFixed32(&out, kVersion);
  base::PutFixed32(&out, static_cast<uint32_t>(manifest.flushed_before.size()));
  out.append(manifest.table.AsBytes());
  base::PutFixed64(&out, manifest.layout);
  base::PutFixed64(&out, manifest.next_generation);
  base::PutFixed16(&out, static_cast<uint16_t>(manifest.name.size()));
  out.append(manifest.name);
  for (const LogPosition& position : manifest.flushed_before) {
    base::PutFixed64(&out, position.segment);
    base::PutFixed64(&out, position.offset);
  }
  base::PutFixed32(&out, static_cast<uint32_t>(manifest.tables.size()));
  for (const LiveTable& table : manifest.tables) EncodeTable(table, &out);
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
  const absl::Status malformed = absl::DataLossError("malformed manifest");
  Manifest manifest;
  const uint32_t shards = in.Fixed32();
  const std::string_view table = in.Raw(16);
  manifest.layout = in.Fixed64();
  manifest.next_generation = in.Fixed64();
  const uint16_t name_bytes = in.Fixed16();
  if (!in.ok() || name_bytes > kNameBytesMax) return malformed;
  manifest.name = in.Raw(name_bytes);
  if (!in.ok() || in.remaining() < uint64_t{shards} * 16) return malformed;
  THOLOS_ASSIGN_OR_RETURN(manifest.table, base::Uuid::FromBytes(table));
  for (uint32_t i = 0; i < shards; ++i) {
    const uint64_t segment = in.Fixed64();
    manifest.flushed_before.push_back({segment, in.Fixed64()});
  }
  const uint32_t count = in.Fixed32();
  if (!in.ok() || in.remaining() < uint64_t{count} * kTableBytesMin) return malformed;
  for (uint32_t i = 0; i < count; ++i) {
    auto live = DecodeTable(&in);
    if (!live.has_value()) return malformed;
    if (i > 0 && live->generation <= manifest.tables.back().generation) {
      return absl::DataLossError("generations out of order");
    }
    manifest.tables.push_back(*std::move(live));
  }
  if (!in.ok() || in.remaining() != 0) return malformed;
  return manifest;
}

base::Task<absl::StatusOr<Manifest>> ReadManifest(base::FileSystem& fs, std::string directory) {
  THOLOS_CO_ASSIGN_OR_RETURN(std::string bytes,
                             co_await base::ReadFile(fs, PathIn(directory), kManifestBytesMax));
  absl::StatusOr<Manifest> manifest = DecodeManifest(bytes);
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
