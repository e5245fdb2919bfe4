// Any bytes either decode to envelopes that encode to the same again, or are refused.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "rpc/frame.h"

namespace tholos::rpc {
namespace {

constexpr base::MonotonicTime kNow{1'000'000'000'000};

void CheckReencodes(const std::vector<Envelope>& envelopes) {
  BatchWriter writer;
  for (const Envelope& envelope : envelopes) writer.Add(envelope, kNow);
  const std::string bytes = writer.Seal(kNow);
  const auto again = DecodeFrame(bytes, kNow);
  THOLOS_CHECK(again.ok() && again->size() == envelopes.size());
  for (size_t i = 0; i < envelopes.size(); ++i) {
    THOLOS_CHECK((*again)[i].body == envelopes[i].body);
    THOLOS_CHECK((*again)[i].request_id == envelopes[i].request_id);
  }
}

}  // namespace
}  // namespace tholos::rpc

std::vector<std::string> FuzzSeeds() {
  using namespace tholos::rpc;
  std::vector<std::string> seeds;
  BatchWriter writer;
  for (uint8_t kind = 1; kind <= 4; ++kind) {
    writer.Add({.kind = EnvelopeKind{kind},
                .request_id = kind,
                .token = -5,
                .deadline = kNow + absl::Seconds(kind),
                .body = std::string_view("some bytes").substr(0, kind * 2u)},
               kNow);
  }
  seeds.push_back(writer.Seal(kNow));
  // The second form: the number of envelopes, and what follows the header.
  seeds.push_back('\4' + seeds[0].substr(kBatchHeaderBytes));
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tholos::rpc;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto envelopes = DecodeFrame(bytes, kNow);
  if (envelopes.ok()) CheckReencodes(*envelopes);

  // The same behind a header that fits, as a faulty peer could send it.
  if (size == 0) return 0;
  std::string wrapped = BatchHeader(bytes.substr(1), data[0], 0);
  wrapped.append(bytes.substr(1));
  const auto from_wrapped = DecodeFrame(wrapped, kNow);
  if (from_wrapped.ok()) CheckReencodes(*from_wrapped);
  return 0;
}
