// Encoding, decoding and merging of mutations: a row of four columns with a clustering key of 12
// bytes and values of 16 bytes, once and a hundred times.
#include <benchmark/benchmark.h>

#include "data/codec.h"
#include "data/read.h"

namespace tholos::data {
namespace {

constexpr Timestamp kNowMicros = 1767225600123456;

Mutation MakeMutation(int64_t rows, Timestamp timestamp) {
  Mutation mutation;
  mutation.update.key = DecoratedKey::Of("a-partition-key");
  for (int64_t i = 0; i < rows; ++i) {
    Row row{.clustering = "@row" + std::to_string(10000000 + i),
            .liveness = Liveness::At(timestamp)};
    for (ColumnId column = 0; column < 4; ++column) {
      row.cells.push_back(Cell::Value(column, timestamp, "sixteen-byte-val"));
    }
    mutation.update.rows.push_back(std::move(row));
  }
  return mutation;
}

void BM_Encode(benchmark::State& state) {
  const Mutation mutation = MakeMutation(state.range(0), kNowMicros);
  size_t bytes = 0;
  for (auto _ : state) bytes = EncodeMutation(mutation).size();
  state.counters["bytes"] = static_cast<double>(bytes);
}

void BM_Decode(benchmark::State& state) {
  const std::string bytes = EncodeMutation(MakeMutation(state.range(0), kNowMicros));
  for (auto _ : state) benchmark::DoNotOptimize(DecodeMutation(bytes));
}

void BM_Peek(benchmark::State& state) {
  const std::string bytes = EncodeMutation(MakeMutation(state.range(0), kNowMicros));
  for (auto _ : state) benchmark::DoNotOptimize(PeekMutation(bytes));
}

// Two versions of the same rows; includes the copies that are merged.
void BM_Merge(benchmark::State& state) {
  const Mutation older = MakeMutation(state.range(0), kNowMicros);
  const Mutation newer = MakeMutation(state.range(0), kNowMicros + 1);
  for (auto _ : state) {
    Partition into = older.update;
    MergeInto(&into, newer.update);
    benchmark::DoNotOptimize(into);
  }
}

void BM_Digest(benchmark::State& state) {
  ReadResult result;
  result.partitions.push_back(MakeMutation(state.range(0), kNowMicros).update);
  for (auto _ : state) benchmark::DoNotOptimize(DigestOf(result));
}

BENCHMARK(BM_Encode)->Arg(1)->Arg(100);
BENCHMARK(BM_Decode)->Arg(1)->Arg(100);
BENCHMARK(BM_Peek)->Arg(1)->Arg(100);
BENCHMARK(BM_Merge)->Arg(1)->Arg(100);
BENCHMARK(BM_Digest)->Arg(1)->Arg(100);

}  // namespace
}  // namespace tholos::data

BENCHMARK_MAIN();
