// Arbitrary bytes as parts of an SSTable, under right checksums, so that the decoders behind them
// are reached. Reading must end in data or an error.
//
// The first byte chooses the part: 0 the whole file, 1 a data block, 2 an index page, 3 the root, 4
// statistics, 5 the filter; with 6 more the same in a table that says it has no range tombstones.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/sim/test_world.h"
#include "data/codec.h"
#include "data/vector_source.h"
#include "sstable/block_builder.h"
#include "sstable/entry.h"
#include "sstable/filter.h"
#include "sstable/reader.h"
#include "sstable/row_lookup.h"
#include "sstable/verifier.h"

namespace tholos::sstable {
namespace {

constexpr uint64_t kFileId = 5;
constexpr char kDirectory[] = "/tables";

enum Part { kFile, kData, kPage, kRoot, kStatistics, kFilter, kParts };

std::string IndexOf(const std::string& key, BlockHandle handle) {
  std::string value;
  EncodeHandle(handle, &value);
  BlockBuilder index;
  index.Add(key, value);
  return std::string(index.Finish());
}

std::string OneDataBlock(const data::DecoratedKey& key) {
  std::string entry_key;
  std::string value;
  HeaderEntryKey(PartitionPrefix(key), &entry_key);
  EncodeHeader({key, {}, std::nullopt}, &value);
  BlockBuilder block;
  block.Add(entry_key, value);
  RowEntryKey(PartitionPrefix(key), "a", &entry_key);
  value.clear();
  EncodeChange({5, 5}, &value);
  data::EncodeRowBody({.liveness = data::Liveness::At(7)}, &value);
  block.Add(entry_key, value);
  return std::string(block.Finish());
}

TableStatistics WholeRing(bool ranges) {
  TableStatistics statistics;
  statistics.partitions = 1;
  statistics.range_tombstones = ranges ? 1 : 0;
  statistics.first_key = {INT64_MIN, ""};
  statistics.last_key = {INT64_MAX, "z"};
  return statistics;
}

// A table of one partition, with `input` in the place of one part; `taken`: what was in that place.
std::string FileWith(Part part, bool ranges, const std::string& input,
                     std::string* taken = nullptr) {
  if (part == kFile && taken == nullptr) return input;
  const data::DecoratedKey key{1, "k"};
  std::string index_key;
  HeaderEntryKey(PartitionPrefix(key), &index_key);
  std::string file;
  const auto seal = [&](Part which, const std::string& payload) {
    if (which == part && taken != nullptr) *taken = payload;
    return SealBlock(which == part && taken == nullptr ? input : payload, Compression::kNone,
                     kFileId, file.size(), &file);
  };
  Footer footer;
  footer.file_id = kFileId;
  footer.generation = 1;
  const BlockHandle data = seal(kData, OneDataBlock(key));
  const BlockHandle page = seal(kPage, IndexOf(index_key, data));
  footer.body_bytes = file.size();
  footer.filter = seal(kFilter, std::string(64, '\xFF') + '\x06');
  footer.statistics = seal(kStatistics, EncodeStatistics(WholeRing(ranges)));
  footer.root = seal(kRoot, IndexOf(index_key, page));
  return file + EncodeFooter(footer, file.size());
}

// One row, without a cache: in a part of its data block, where that says enough.
base::Task<void> LookUp(std::shared_ptr<const SSTable> table, std::string clustering) {
  const LookupKey key({1, "k"}, clustering);
  data::RowState state;
  RowLookup lookup(*table);
  while (true) {
    const absl::StatusOr<bool> done = lookup.Try(key, &state);
    if (!done.ok() || *done) co_return;
    if (!lookup.Take(co_await lookup.Read()).ok()) co_return;
  }
}

base::Task<void> Read(base::FileSystem& fs, std::string contents) {
  THOLOS_CHECK_OK(co_await fs.MakeDirectories(kDirectory));
  THOLOS_CHECK_OK(co_await base::WriteFileAtomically(
      fs, std::string(kDirectory) + "/" + FileName(1), contents));
  (void)co_await VerifyTable(fs, kDirectory, 1, {});
  const auto table = co_await SSTable::Open(fs, {.directory = kDirectory, .generation = 1});
  if (!table.ok()) co_return;
  co_await LookUp(*table, "a");
  co_await LookUp(*table, "b");
  data::Selection selection;
  for (const bool reversed : {false, true}) {
    selection.reversed = reversed;
    (void)co_await data::ReadAll((*table)->NewSource(selection));
    selection.slices = {{"a", "b"}, {"c", ""}};
    selection.after = data::Position{{1, "k"}, "a"};
    (void)co_await data::ReadAll((*table)->NewSource(selection, ReadPattern::kSequential));
    selection.key = data::DecoratedKey{1, "k"};
    (void)co_await data::ReadAll((*table)->NewSource(selection));
    selection = {};
  }
}

}  // namespace
}  // namespace tholos::sstable

// Each part as it is in a whole table.
std::vector<std::string> FuzzSeeds() {
  using namespace tholos::sstable;
  std::vector<std::string> seeds;
  for (int part = kFile; part < kParts; ++part) {
    std::string taken;
    const std::string file = FileWith(static_cast<Part>(part), true, "", &taken);
    for (const int kind : {part, part + kParts}) {
      seeds.push_back(static_cast<char>(kind) + (part == kFile ? file : taken));
    }
  }
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace tholos;
  if (size == 0) return 0;
  const auto part = static_cast<sstable::Part>(bytes[0] % sstable::kParts);
  const bool ranges = bytes[0] / sstable::kParts % 2 == 0;
  const std::string input(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  base::sim::TestWorld world(/*seed=*/1);
  world.Run(sstable::Read(world.files(), sstable::FileWith(part, ranges, input)));
  return 0;
}
