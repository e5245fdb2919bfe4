// The internode wire format: batches of flat envelopes, several to a stream message.
//
// A frame (the bytes of one stream message) is one or more batches, one after the other. All
// integers are little-endian.
//
//   batch     offset  size  field
//             0       1     version, kFrameVersion
//             1       3     zero
//             4       4     length of the envelopes in bytes
//             8       4     number of envelopes, at least 1
//             12      8     age: microseconds from the opening of the batch to its sealing
//             20      8     checksum: XXH3-64 of the envelopes, seeded with the XXH3-64 of bytes 0
//             to 19 28            the envelopes
//
//   envelope  offset  size  field
//             0       4     length of the body in bytes, at most kMessageBytesMax
//             4       1     kind: 1 request, 2 response, 3 failure, 4 one-way
//             5       1     zero
//             6       2     verb (of the request, also in its answer)
//             8       8     request id, chosen by the caller and repeated in the answer; 0 for
//             one-way 16      8     token, signed; chooses the shard of the receiver; 0 in answers
//             24      8     deadline: microseconds after the opening of the batch; 2^64-1 = none
//             32            the body; of a failure: a status (base/errors.h, EncodeStatus)
//
// Deadlines. The clocks of two nodes have nothing in common, so a deadline travels as time that
// remains. A batch may wait in a queue after a request was put into it; `age` tells for how long,
// and the receiver takes the deadline to be now + deadline - age. Time on the wire is not seen: a
// request may run late by that much, never early.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/time.h"
#include "rpc/transport.h"

namespace tholos::rpc {

inline constexpr uint8_t kFrameVersion = 1;
inline constexpr size_t kBatchHeaderBytes = 28;
inline constexpr size_t kEnvelopeHeaderBytes = 32;

enum class EnvelopeKind : uint8_t { kRequest = 1, kResponse = 2, kFailure = 3, kOneWay = 4 };

struct Envelope {
  EnvelopeKind kind = EnvelopeKind::kRequest;
  Verb verb = Verb::kEcho;  // may be one that this version does not know
  uint64_t request_id = 0;
  int64_t token = 0;
  base::Deadline deadline = base::Deadline::Infinite();  // on this node's clock
  std::string_view body;
  friend bool operator==(const Envelope&, const Envelope&) = default;
};

// Collects envelopes into one batch.
class BatchWriter {
 public:
  // Makes room for a batch of so many bytes when the first envelope is added.
  explicit BatchWriter(size_t bytes_expected = 0) : bytes_expected_(bytes_expected) {}
  bool empty() const { return count_ == 0; }
  // Of the batch so far, header included.
  size_t bytes() const { return bytes_.size(); }
  // The first one opens the batch at `now`, which is not looked at for others. Copies the body. A
  // deadline that has passed is sent as zero.
  void Add(const Envelope& envelope, base::MonotonicTime now);
  // The batch, which has at least one envelope. The writer is empty afterwards.
  std::string Seal(base::MonotonicTime now);

 private:
  size_t bytes_expected_;
  std::string bytes_;
  uint32_t count_ = 0;
  base::MonotonicTime opened_;
};

// The header of a batch of these bytes: what Seal() puts before them.
std::string BatchHeader(std::string_view envelopes, uint32_t count, uint64_t age_micros);

// The envelopes of a whole frame, received at `now`; their bodies are views into `frame`. kDataLoss
// says what is malformed; the stream it came from is then not to be trusted any further.
absl::StatusOr<std::vector<Envelope>> DecodeFrame(std::string_view frame, base::MonotonicTime now);

}  // namespace tholos::rpc
