// Any bytes into the decoders of the data path: they refuse them, or what they give encodes and
// decodes again to the same. The first byte picks the decoder.
#include "base/check.h"
#include "data/codec.h"
#include "data/read.h"

namespace tholos::data {
namespace {

template <typename Decode, typename Encode>
void RoundTrip(std::string_view bytes, Decode decode, Encode encode) {
  const auto first = decode(bytes);
  if (!first.ok()) return;
  const auto second = decode(encode(*first));
  THOLOS_CHECK(second.ok()) << second.status();
  THOLOS_CHECK(*first == *second);
}

// Merging and expiring what came from outside.
void Merge(std::string_view bytes) {
  const auto mutation = DecodeMutation(bytes);
  if (!mutation.ok()) return;
  THOLOS_CHECK(PeekMutation(bytes).ok());
  Partition merged = mutation->update;
  MergeInto(&merged, mutation->update);
  Partition twice = merged;
  MergeInto(&twice, merged);
  THOLOS_CHECK(twice == merged);
  ExpirePartition(&merged, 1767225600);
  (void)Difference(merged, mutation->update);
}

}  // namespace
}  // namespace tholos::data

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tholos::data;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 5) {
    case 0:
      RoundTrip(bytes, DecodeMutation, EncodeMutation);
      break;
    case 1:
      RoundTrip(bytes, DecodePartitions, EncodePartitions);
      break;
    case 2:
      RoundTrip(bytes, DecodeReadCommand, EncodeReadCommand);
      break;
    case 3:
      RoundTrip(bytes, DecodeReadResult, EncodeReadResult);
      break;
    default:
      Merge(bytes);
  }
  return 0;
}
