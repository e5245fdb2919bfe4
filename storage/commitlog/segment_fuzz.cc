// Any bytes as a segment file: scanning and judging never reads beyond them, and what it accepts is
// well formed. And a written segment with any damage: all that was written is replayed, or the
// damage is refused.
#include <algorithm>

#include "base/check.h"
#include "storage/commitlog/recovery.h"
#include "storage/commitlog/segment_format.h"

namespace tholos::storage {
namespace {

constexpr uint64_t kSegment = 5;

void ScanAnything(std::string_view bytes) {
  const SegmentImage image{std::string(bytes)};
  const SegmentScan scan = ScanSegment(image, kSegment);
  uint64_t end = kSegmentHeaderBytes;
  for (const ScannedGroup& group : scan.groups) {
    THOLOS_CHECK(group.offset == end && group.end > group.offset && !group.body.empty());
    end = group.end;
    (void)ForEachRecord(group.body, [](std::string_view) {});
  }
  THOLOS_CHECK(end == scan.end);
  ChainJudge judge("", 0);
  (void)judge.Next(kSegment, scan);
  (void)judge.End();
}

// A segment of twelve groups; their records go to `written`.
std::string WrittenSegment(std::vector<std::string>* written) {
  SectorEncoder encoder;
  std::string bytes(encoder.Append(EncodeSegmentHeader({kSegmentVersion, 0, kSegment})).bytes);
  uint64_t end = kSegmentHeaderBytes;
  for (int i = 0; i < 12; ++i) {
    std::string group;
    StartGroup(&group);
    for (int j = 0; j <= i % 3; ++j) {
      written->push_back(std::string(static_cast<size_t>(i * 7 + j), static_cast<char>('a' + i)));
      AppendRecord(written->back(), &group);
    }
    FinishGroup({kSegment, end}, {kSegment, end}, &group);
    end += group.size();
    const auto [offset, sectors] = encoder.Append(group);
    bytes.resize(offset);
    bytes += sectors;
  }
  bytes.resize(bytes.size() + 200);
  return bytes;
}

// The input is a list of damages: 2 bytes of offset, 1 byte to add there.
void DamageAWrittenSegment(std::string_view input) {
  std::vector<std::string> written;
  std::string bytes = WrittenSegment(&written);
  for (; input.size() >= 3; input.remove_prefix(3)) {
    const size_t at = static_cast<uint8_t>(input[0]) * 256u + static_cast<uint8_t>(input[1]);
    bytes[at % bytes.size()] = static_cast<char>(bytes[at % bytes.size()] + input[2]);
  }
  const SegmentImage image(std::move(bytes));
  const SegmentScan scan = ScanSegment(image, kSegment);
  ChainJudge judge("", 0);
  const auto verdict = judge.Next(kSegment, scan);
  if (!verdict.ok() || !judge.End().ok()) return;
  size_t replayed = 0;
  for (const ScannedGroup& group : scan.groups) {
    THOLOS_CHECK_OK(ForEachRecord(group.body, [&](std::string_view record) {
      THOLOS_CHECK(replayed < written.size() && record == written[replayed]);
      ++replayed;
    }));
  }
  THOLOS_CHECK(replayed == written.size());
}

}  // namespace
}  // namespace tholos::storage

std::vector<std::string> FuzzSeeds() {
  std::vector<std::string> written;
  return {'\0' + tholos::storage::WrittenSegment(&written), std::string("\1\0\x30\1", 4),
          std::string("\1\2\0\x80\3\0\7", 7)};
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 0) {
    tholos::storage::ScanAnything(bytes);
  } else {
    tholos::storage::DamageAWrittenSegment(bytes);
  }
  return 0;
}
