#include "rpc/frame.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace tholos::rpc {
namespace {

constexpr uint64_t kNoDeadline = std::numeric_limits<uint64_t>::max();
// About 30 years: far beyond any deadline, and small enough to be added to a clock's reading.
constexpr uint64_t kDeadlineMicrosMax = uint64_t{1'000'000'000} * 1'000'000;
// The header's bytes before the checksum.
constexpr size_t kChecksummedHeaderBytes = 20;

uint64_t BatchChecksum(std::string_view header, std::string_view envelopes) {
  return base::Checksum64(envelopes, base::Checksum64(header.substr(0, kChecksummedHeaderBytes)));
}

uint64_t MicrosBetween(base::MonotonicTime from, base::MonotonicTime to) {
  return to <= from ? 0 : static_cast<uint64_t>(to.nanos - from.nanos) / 1000;
}

uint64_t EncodeDeadline(base::Deadline deadline, base::MonotonicTime opened) {
  if (deadline == base::Deadline::Infinite()) return kNoDeadline;
  return std::min(MicrosBetween(opened, deadline), kDeadlineMicrosMax);
}

base::Deadline DecodeDeadline(uint64_t micros, uint64_t age_micros, base::MonotonicTime now) {
  if (micros == kNoDeadline) return base::Deadline::Infinite();
  const auto bounded = [](uint64_t m) {
    return static_cast<int64_t>(std::min(m, kDeadlineMicrosMax));
  };
  return {now.nanos + (bounded(micros) - bounded(age_micros)) * 1000};
}

// Integers are stored as they are (base/coding.h).
template <typename T>
void Store(T v, char** to) {
  std::memcpy(*to, &v, sizeof(v));
  *to += sizeof(v);
}

bool KnownKind(uint8_t kind) {
  return kind >= static_cast<uint8_t>(EnvelopeKind::kRequest) &&
         kind <= static_cast<uint8_t>(EnvelopeKind::kOneWay);
}

absl::Status Malformed(std::string_view what) {
  return absl::DataLossError(base::StrCat("malformed internode frame: ", what));
}

absl::StatusOr<Envelope> DecodeEnvelope(base::Reader& in, uint64_t age_micros,
                                        base::MonotonicTime now) {
  const uint32_t length = in.Fixed32();
  const uint8_t kind = in.U8();
  const uint8_t zero = in.U8();
  Envelope envelope;
  envelope.verb = static_cast<Verb>(in.Fixed16());
  envelope.request_id = in.Fixed64();
  envelope.token = static_cast<int64_t>(in.Fixed64());
  envelope.deadline = DecodeDeadline(in.Fixed64(), age_micros, now);
  envelope.body = in.Raw(length);
  if (!in.ok()) return Malformed("an envelope ends beyond its batch");
  if (!KnownKind(kind) || zero != 0) return Malformed("unknown kind of envelope");
  if (length > kMessageBytesMax) return Malformed("a body is too large");
  envelope.kind = static_cast<EnvelopeKind>(kind);
  return envelope;
}

absl::Status DecodeBatch(base::Reader& in, base::MonotonicTime now, std::vector<Envelope>* out) {
  const std::string_view header = in.rest().substr(0, kBatchHeaderBytes);
  const uint8_t version = in.U8();
  const std::string_view zeros = in.Raw(3);
  const uint32_t length = in.Fixed32();
  const uint32_t count = in.Fixed32();
  const uint64_t age_micros = in.Fixed64();
  const uint64_t checksum = in.Fixed64();
  if (in.ok() && version != kFrameVersion) {
    return Malformed(
        base::StrCat("version ", int{version}, ", this node knows ", int{kFrameVersion}));
  }
  const std::string_view envelopes = in.Raw(length);
  if (!in.ok()) return Malformed("a batch ends beyond its frame");
  if (checksum != BatchChecksum(header, envelopes)) return Malformed("checksum mismatch");
  if (zeros != std::string_view("\0\0\0", 3) || count == 0 ||
      count > envelopes.size() / kEnvelopeHeaderBytes) {
    return Malformed("impossible batch header");
  }
  base::Reader reader(envelopes);
  out->reserve(out->size() + count);
  for (uint32_t i = 0; i < count; ++i) {
    THOLOS_ASSIGN_OR_RETURN(Envelope envelope, DecodeEnvelope(reader, age_micros, now));
    out->push_back(envelope);
  }
  return reader.AtEnd() ? absl::OkStatus() : Malformed("bytes after the last envelope");
}

}  // namespace

void BatchWriter::Add(const Envelope& envelope, base::MonotonicTime now) {
  THOLOS_CHECK(envelope.body.size() <= kMessageBytesMax);
  if (count_ == 0) {
    opened_ = now;
    bytes_.reserve(bytes_expected_);
    bytes_.assign(kBatchHeaderBytes, '\0');
  }
  ++count_;
  char header[kEnvelopeHeaderBytes];
  char* to = header;
  Store(static_cast<uint32_t>(envelope.body.size()), &to);
  Store(envelope.kind, &to);
  Store(uint8_t{0}, &to);
  Store(envelope.verb, &to);
  Store(envelope.request_id, &to);
  Store(envelope.token, &to);
  Store(EncodeDeadline(envelope.deadline, opened_), &to);
  bytes_.append(header, sizeof(header));
  bytes_.append(envelope.body);
}

std::string BatchWriter::Seal(base::MonotonicTime now) {
  THOLOS_CHECK(count_ > 0);
  std::string batch = std::exchange(bytes_, {});
  batch.replace(0, kBatchHeaderBytes,
                BatchHeader(std::string_view(batch).substr(kBatchHeaderBytes),
                            std::exchange(count_, 0), MicrosBetween(opened_, now)));
  return batch;
}

std::string BatchHeader(std::string_view envelopes, uint32_t count, uint64_t age_micros) {
  std::string header;
  base::PutU8(&header, kFrameVersion);
  header.append(3, '\0');
  base::PutFixed32(&header, static_cast<uint32_t>(envelopes.size()));
  base::PutFixed32(&header, count);
  base::PutFixed64(&header, age_micros);
  base::PutFixed64(&header, BatchChecksum(header, envelopes));
  return header;
}

absl::StatusOr<std::vector<Envelope>> DecodeFrame(std::string_view frame, base::MonotonicTime now) {
  std::vector<Envelope> envelopes;
  base::Reader in(frame);
  do {
    THOLOS_RETURN_IF_ERROR(DecodeBatch(in, now, &envelopes));
  } while (in.remaining() > 0);
  return envelopes;
}

}  // namespace tholos::rpc
