#include "coordinator/hints/hint_format.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "base/check.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "base/strings.h"

namespace tholos::coordinator {
namespace {

constexpr std::string_view kMagic = "THLSHINT";
constexpr uint32_t kVersion = 1;
constexpr std::string_view kSuffix = ".hints";
constexpr size_t kUuidDigits = 36;
constexpr size_t kSequenceDigits = 16;

uint64_t RecordSeed(const HintFileId& id, uint64_t offset) {
  std::string place(id.target.AsBytes());
  base::PutFixed64(&place, id.sequence);
  base::PutFixed64(&place, offset);
  return base::Checksum64(place);
}

}  // namespace

std::string HintFileName(const HintFileId& id) {
  return absl::StrFormat("%s-%016x.hints", id.target.ToString(), id.sequence);
}

std::optional<HintFileId> ParseHintFileName(std::string_view name) {
  if (name.size() != kUuidDigits + 1 + kSequenceDigits + kSuffix.size()) return std::nullopt;
  const auto target = base::Uuid::Parse(name.substr(0, kUuidDigits));
  HintFileId id;
  if (!target.ok() ||
      !absl::SimpleHexAtoi(base::ToAbsl(name.substr(kUuidDigits + 1, kSequenceDigits)),
                           &id.sequence)) {
    return std::nullopt;
  }
  id.target = *target;
  if (HintFileName(id) != name) return std::nullopt;
  return id;
}

std::string EncodeHintHeader(const HintFileId& id, int64_t created_micros) {
  std::string out(kMagic);
  base::PutFixed32(&out, kVersion);
  base::PutFixed32(&out, 0);
  out += id.target.AsBytes();
  base::PutFixed64(&out, id.sequence);
  base::PutFixed64(&out, static_cast<uint64_t>(created_micros));
  base::PutFixed64(&out, base::Checksum64(out));
  THOLOS_CHECK(out.size() == kHintHeaderBytes);
  return out;
}

absl::StatusOr<int64_t> DecodeHintHeader(const HintFileId& id, std::string_view bytes) {
  if (bytes.size() < kHintHeaderBytes) return absl::DataLossError("malformed hint file: no header");
  base::Reader in(bytes.substr(0, kHintHeaderBytes));
  const std::string_view magic = in.Raw(kMagic.size());
  const uint32_t version = in.Fixed32();
  in.Fixed32();
  const std::string_view target = in.Raw(16);
  const uint64_t sequence = in.Fixed64();
  const auto created = static_cast<int64_t>(in.Fixed64());
  const uint64_t checksum = in.Fixed64();
  if (magic != kMagic || checksum != base::Checksum64(bytes.substr(0, kHintHeaderBytes - 8))) {
    return absl::DataLossError("malformed hint file: the header does not verify");
  }
  if (version != kVersion)
    return absl::UnimplementedError(absl::StrCat("hint file of version ", version));
  if (target != id.target.AsBytes() || sequence != id.sequence) {
    return absl::DataLossError("malformed hint file: the header is another file's");
  }
  return created;
}

void AppendHintRecord(const HintFileId& id, uint64_t offset, int64_t created_micros,
                      std::string_view body, std::string* out) {
  std::string covered;
  covered.reserve(12 + body.size());
  base::PutFixed32(&covered, static_cast<uint32_t>(8 + body.size()));
  base::PutFixed64(&covered, static_cast<uint64_t>(created_micros));
  covered += body;
  base::PutFixed64(out, base::Checksum64(covered, RecordSeed(id, offset)));
  *out += covered;
}

std::optional<size_t> HintRecordSize(std::string_view bytes) {
  if (bytes.size() < kHintRecordHeaderBytes) return std::nullopt;
  const uint32_t payload = base::LoadFixed32(bytes.data() + 8);
  if (payload < 8 || payload > kHintPayloadBytesMax) return std::nullopt;
  return kHintRecordHeaderBytes + payload;
}

absl::StatusOr<HintRecord> DecodeHintRecord(const HintFileId& id, uint64_t offset,
                                            std::string_view bytes) {
  const std::optional<size_t> size = HintRecordSize(bytes);
  if (!size.has_value() || bytes.size() < *size)
    return absl::DataLossError("malformed hint: cut off");
  const std::string_view covered = bytes.substr(8, *size - 8);
  if (base::LoadFixed64(bytes.data()) != base::Checksum64(covered, RecordSeed(id, offset))) {
    return absl::DataLossError("malformed hint: it does not verify");
  }
  HintRecord record;
  record.created_micros = static_cast<int64_t>(base::LoadFixed64(covered.data() + 4));
  record.body = covered.substr(12);
  record.size = *size;
  return record;
}

}  // namespace tholos::coordinator
