// Any bytes into the decoders of the data path: they refuse them, or what they give encodes and
// decodes again to the same. The first byte picks the decoder.
#include "base/check.h"
#include "data/codec.h"
#include "data/counter.h"
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

// A partition with everything in it.
Mutation Everything() {
  Mutation mutation;
  Partition& update = mutation.update;
  update.key = DecoratedKey::Of("key");
  update.deletion = {5, 7};
  update.static_row = Row{.cells = {Cell::Value(9, 1767225600000000, "static")}};
  update.range_tombstones = {{{"a", "c"}, {8, 9}}, {{"x", ""}, {8, 9}}};
  Row row{.clustering = "b",
          .liveness = Liveness::Expiring(1767225600000000, 60, 1767225600),
          .deletion = {1767225500000000, 1767225500},
          .complex_deletions = {{2, {1767225599999999, 1767225600}}}};
  row.cells = {Cell::Value(0, 1767225600000000, "value"), Cell::Tombstone(1, 1767225600000001, 3),
               Cell::Value(2, 1767225600000000, "v").At("path"),
               Cell::Expiring(2, 1767225600000000, "w", 60, 1767225600).At("paths"),
               EncodeCounterShard(3, {{{1, 2, 3}}, 1767225600000000, -5})};
  update.rows = {row, {.clustering = "d", .liveness = Liveness::At(1)}};
  return mutation;
}

}  // namespace
}  // namespace tholos::data

std::vector<std::string> FuzzSeeds() {
  using namespace tholos::data;
  const Mutation mutation = Everything();
  const ReadResult result{
      .partitions = {mutation.update}, .more = true, .end = Position{mutation.update.key, "e"}};
  ReadCommand command{.key = mutation.update.key, .slices = {{"a", "b"}, {"c", ""}}};
  command.after = Position{mutation.update.key, "a"};
  return {'\0' + EncodeMutation(mutation), '\1' + EncodePartitions({mutation.update}),
          '\2' + EncodeReadCommand(command), '\3' + EncodeReadResult(result),
          '\4' + EncodeMutation(mutation)};
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tholos::data;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 5) {
    case 0:
      RoundTrip(bytes, DecodeMutation, [](const Mutation& m) { return EncodeMutation(m); });
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
