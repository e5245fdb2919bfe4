#include "storage/commitlog/segment_format.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "base/check.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "base/strings.h"

namespace tholos::storage {
namespace {

constexpr std::string_view kMagic = "THOLOSCL";
constexpr size_t kHeaderChecksumAt = 32;
constexpr uint32_t kBatchFlag = 0x01;
constexpr size_t kMemoryKept = 2 << 20;
constexpr std::string_view kSuffix = ".log";
constexpr size_t kNameDigits = 20;

uint64_t RoundUp(uint64_t n) { return (n + 7) & ~uint64_t{7}; }

// Odd multiplier (2^64 / golden ratio): neighbouring segments and offsets get unrelated seeds.
uint64_t SeedOf(LogPosition place) { return place.segment * 0x9E3779B97F4A7C15ull + place.offset; }

struct GroupHeader {
  uint64_t body_checksum;
  LogPosition synced;
  uint32_t body_bytes;
};

std::optional<GroupHeader> ReadGroupHeader(std::string_view bytes, LogPosition place) {
  if (bytes.size() < place.offset + kGroupHeaderBytes) return std::nullopt;
  const char* p = bytes.data() + place.offset;
  const uint64_t checksum = base::LoadFixed64(p);
  // Free space is mostly zeros: no need to hash it.
  if (checksum == 0) return std::nullopt;
  if (checksum != base::Checksum64({p + 8, kGroupHeaderBytes - 8}, SeedOf(place))) {
    return std::nullopt;
  }
  return GroupHeader{base::LoadFixed64(p + 8),
                     {base::LoadFixed64(p + 16), base::LoadFixed32(p + 24)},
                     base::LoadFixed32(p + 28)};
}

std::optional<ScannedGroup> ReadGroup(std::string_view bytes, LogPosition place) {
  const auto header = ReadGroupHeader(bytes, place);
  if (!header.has_value()) return std::nullopt;
  const uint64_t body_at = place.offset + kGroupHeaderBytes;
  if (header->body_bytes == 0 || header->body_bytes > bytes.size() - body_at) return std::nullopt;
  const std::string_view body = bytes.substr(body_at, header->body_bytes);
  if (base::Checksum64(body, SeedOf(place)) != header->body_checksum) return std::nullopt;
  return ScannedGroup{place.offset, RoundUp(body_at + body.size()), header->synced, body};
}

// A sector of what lies at `end` that was damaged: of the group whose header stands there, or else
// of the bytes where one would.
std::optional<uint64_t> FindDamagedSector(const SegmentImage& image, LogPosition end) {
  uint64_t bytes = kGroupHeaderBytes;
  if (const auto header = ReadGroupHeader(image.stream, end)) bytes += header->body_bytes;
  const uint64_t stop = std::min<uint64_t>(end.offset + bytes, image.stream.size());
  if (end.offset >= stop) return std::nullopt;
  for (uint64_t sector = end.offset / kSectorStreamBytes; sector <= (stop - 1) / kSectorStreamBytes;
       ++sector) {
    if (!image.IsIntact(sector)) return sector * kSectorBytes;
  }
  return std::nullopt;
}

std::optional<uint64_t> DamagedSectorOf(const SegmentImage& image, const SegmentScan& scan,
                                        uint64_t segment) {
  if (scan.header.has_value() && scan.header->segment == segment) {
    if (!scan.header->batch) return std::nullopt;
    return FindDamagedSector(image, {segment, scan.end});
  }
  // The first sector has the header. It is durable before anything else is written.
  return image.IsIntact(0) ? std::nullopt : std::optional<uint64_t>(0);
}

}  // namespace

// Sectors ----------------------------------------------------------------------------------------

void SectorEncoder::MakeRoom(size_t blocks) {
  const size_t bytes = blocks * kBlockBytes;
  const bool too_large = capacity_ > kMemoryKept && bytes <= kMemoryKept;
  if (bytes <= capacity_ && !too_large) {
    std::memmove(blocks_.get(), blocks_.get() + begun_at_, kBlockBytes);
    begun_at_ = 0;
    return;
  }
  capacity_ = std::bit_ceil(bytes);
  std::unique_ptr<char, Free> larger(
      static_cast<char*>(std::aligned_alloc(kBlockBytes, capacity_)));
  THOLOS_CHECK(larger != nullptr);
  if (blocks_ != nullptr) std::memcpy(larger.get(), blocks_.get() + begun_at_, kBlockBytes);
  begun_at_ = 0;
  blocks_ = std::move(larger);
}

SectorEncoder::Blocks SectorEncoder::Append(std::string_view stream_bytes) {
  const size_t end = begun_bytes_ + stream_bytes.size();  // from the front of the kept block
  const size_t blocks = (end + kBlockStreamBytes - 1) / kBlockStreamBytes;
  MakeRoom(blocks);
  const uint64_t first_sector = next_block_ * (kBlockBytes / kSectorBytes);
  size_t at = begun_bytes_;
  size_t sector = at / kSectorStreamBytes;
  for (; at < end; ++sector) {
    char* const payload = blocks_.get() + sector * kSectorBytes;
    const size_t from = at - sector * kSectorStreamBytes;
    const size_t taken = std::min(stream_bytes.size(), kSectorStreamBytes - from);
    std::memcpy(payload + from, stream_bytes.data(), taken);
    std::memset(payload + from + taken, 0, kSectorStreamBytes - from - taken);
    stream_bytes.remove_prefix(taken);
    at += taken;
    const uint64_t checksum =
        base::Checksum64({payload, kSectorStreamBytes}, first_sector + sector);
    std::memcpy(payload + kSectorStreamBytes, &checksum, sizeof(checksum));  // little-endian
  }
  char* const rest = blocks_.get() + sector * kSectorBytes;
  std::memset(rest, 0, static_cast<size_t>(blocks_.get() + blocks * kBlockBytes - rest));
  const Blocks written{next_block_ * kBlockBytes, {blocks_.get(), blocks * kBlockBytes}};
  // A block that is full is not written again: the next one begins empty, wherever.
  const size_t full = end / kBlockStreamBytes;
  next_block_ += full;
  begun_bytes_ = end % kBlockStreamBytes;
  begun_at_ = begun_bytes_ == 0 ? 0 : full * kBlockBytes;
  return written;
}

SegmentImage::SegmentImage(std::string file) : stream(std::move(file)) {
  const uint64_t whole = stream.size() / kSectorBytes;
  const uint64_t rest = std::min<uint64_t>(stream.size() % kSectorBytes, kSectorStreamBytes);
  checksums.reserve(whole);
  for (uint64_t sector = 0; sector < whole; ++sector) {
    const char* from = stream.data() + sector * kSectorBytes;
    checksums.push_back(base::LoadFixed64(from + kSectorStreamBytes));
    std::memmove(stream.data() + sector * kSectorStreamBytes, from, kSectorStreamBytes);
  }
  std::memmove(stream.data() + whole * kSectorStreamBytes, stream.data() + whole * kSectorBytes,
               rest);
  stream.resize(whole * kSectorStreamBytes + rest);
}

bool SegmentImage::IsIntact(uint64_t sector) const {
  if (sector >= checksums.size()) return true;
  const std::string_view bytes =
      std::string_view(stream).substr(sector * kSectorStreamBytes, kSectorStreamBytes);
  if (checksums[sector] == base::Checksum64(bytes, sector)) return true;
  return checksums[sector] == 0 && bytes.find_first_not_of('\0') == std::string_view::npos;
}

// Headers and groups -----------------------------------------------------------------------------

std::string EncodeSegmentHeader(const SegmentHeader& header) {
  std::string out(kMagic);
  base::PutFixed32(&out, header.version);
  base::PutFixed32(&out, header.shard);
  base::PutFixed64(&out, header.segment);
  base::PutFixed32(&out, header.batch ? kBatchFlag : 0);
  base::PutFixed32(&out, 0);
  base::PutFixed64(&out, base::Checksum64(out));
  THOLOS_CHECK(out.size() == kSegmentHeaderBytes);
  return out;
}

std::optional<SegmentHeader> DecodeSegmentHeader(std::string_view bytes) {
  if (bytes.size() < kSegmentHeaderBytes || bytes.substr(0, kMagic.size()) != kMagic) {
    return std::nullopt;
  }
  const uint64_t checksum = base::LoadFixed64(bytes.data() + kHeaderChecksumAt);
  if (checksum != base::Checksum64(bytes.substr(0, kHeaderChecksumAt))) return std::nullopt;
  return SegmentHeader{base::LoadFixed32(bytes.data() + 8), base::LoadFixed32(bytes.data() + 12),
                       base::LoadFixed64(bytes.data() + 16),
                       (base::LoadFixed32(bytes.data() + 24) & kBatchFlag) != 0};
}

std::string SegmentFileName(uint64_t segment) { return absl::StrFormat("%020d.log", segment); }

std::optional<uint64_t> ParseSegmentFileName(std::string_view name) {
  if (name.size() != kNameDigits + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  name.remove_suffix(kSuffix.size());
  uint64_t id = 0;
  if (!std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; }) ||
      !absl::SimpleAtoi(base::ToAbsl(name), &id) || id == 0) {
    return std::nullopt;
  }
  return id;
}

void StartGroup(std::string* group) { group->assign(kGroupHeaderBytes, '\0'); }

void AppendRecord(std::string_view record, std::string* group) { base::PutBytes(group, record); }

void FinishGroup(LogPosition place, LogPosition synced, std::string* group) {
  THOLOS_CHECK(group->size() > kGroupHeaderBytes && group->size() < kSegmentBytesMax);
  THOLOS_CHECK(place.offset % 8 == 0 && place.offset < kSegmentBytesMax);
  const std::string_view body = std::string_view(*group).substr(kGroupHeaderBytes);
  std::string checked;
  base::PutFixed64(&checked, base::Checksum64(body, SeedOf(place)));
  base::PutFixed64(&checked, synced.segment);
  base::PutFixed32(&checked, static_cast<uint32_t>(synced.offset));
  base::PutFixed32(&checked, static_cast<uint32_t>(body.size()));
  std::string header;
  base::PutFixed64(&header, base::Checksum64(checked, SeedOf(place)));
  header += checked;
  group->replace(0, kGroupHeaderBytes, header);
  group->resize(RoundUp(group->size()), '\0');
}

SegmentScan ScanSegment(const SegmentImage& image, uint64_t segment) {
  SegmentScan scan;
  const std::string_view bytes = std::string_view(image.stream).substr(0, kSegmentBytesMax);
  scan.header = DecodeSegmentHeader(bytes);
  while (auto group = ReadGroup(bytes, {segment, scan.end})) {
    scan.end = group->end;
    scan.groups.push_back(*group);
  }
  for (uint64_t at = scan.end + 8; at + kGroupHeaderBytes <= bytes.size(); at += 8) {
    const auto header = ReadGroupHeader(bytes, {segment, at});
    if (header.has_value() && header->synced > LogPosition{segment, scan.end}) {
      scan.evidence_beyond = at;
      break;
    }
  }
  scan.damaged_sector = DamagedSectorOf(image, scan, segment);
  return scan;
}

}  // namespace tholos::storage
