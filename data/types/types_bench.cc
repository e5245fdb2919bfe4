// What comparing and encoding a value costs, for the types that are keys most often.
#include <benchmark/benchmark.h>

#include "base/random.h"
#include "data/types/data_type.h"
#include "data/types/type_parser.h"

namespace tholos::data {
namespace {

constexpr size_t kValues = 1024;

std::vector<std::string> Values(std::string_view type, base::RandomStream& random) {
  std::vector<std::string> values;
  for (size_t i = 0; i < kValues; ++i) {
    const auto n = static_cast<int64_t>(random.Next());
    if (type == "int") values.push_back(EncodeInt(static_cast<int32_t>(n)));
    if (type == "bigint") values.push_back(EncodeBigint(n));
    if (type == "text") values.push_back("user-" + std::to_string(n));
    if (type == "double") values.push_back(EncodeDouble(static_cast<double>(n)));
    if (type == "uuid" || type == "timeuuid") {
      std::string uuid = EncodeBigint(n) + EncodeBigint(static_cast<int64_t>(random.Next()));
      uuid[6] = static_cast<char>((uuid[6] & 0x0F) | (type == "uuid" ? 0x40 : 0x10));
      values.push_back(std::move(uuid));
    }
    if (type == "decimal") {
      values.push_back(DataType(TypeId::kDecimal).FromText(std::to_string(n) + ".25").value());
    }
    if (type == "frozen<list<int>>") {
      values.push_back(
          ParseType(type)->FromText("[1, 2, " + std::to_string(n % 1000) + "]").value());
    }
  }
  return values;
}

constexpr const char* kTypes[] = {"int",  "bigint",   "text",    "double",
                                  "uuid", "timeuuid", "decimal", "frozen<list<int>>"};

void BM_Compare(benchmark::State& state) {
  base::RandomStream random(1);
  const DataType type = ParseType(kTypes[state.range(0)]).value();
  const auto values = Values(kTypes[state.range(0)], random);
  size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(type.Compare(values[i % kValues], values[(i + 1) % kValues]));
    ++i;
  }
  state.SetLabel(kTypes[state.range(0)]);
}
BENCHMARK(BM_Compare)->DenseRange(0, 7);

void BM_AppendComparable(benchmark::State& state) {
  base::RandomStream random(1);
  const DataType type = ParseType(kTypes[state.range(0)]).value();
  const auto values = Values(kTypes[state.range(0)], random);
  size_t i = 0;
  std::string out;
  for (auto _ : state) {
    out.clear();
    type.AppendComparable(values[i++ % kValues], false, &out);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetLabel(kTypes[state.range(0)]);
}
BENCHMARK(BM_AppendComparable)->DenseRange(0, 7);

void BM_Validate(benchmark::State& state) {
  base::RandomStream random(1);
  const DataType type = ParseType(kTypes[state.range(0)]).value();
  const auto values = Values(kTypes[state.range(0)], random);
  size_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(type.Validate(values[i++ % kValues]).ok());
  state.SetLabel(kTypes[state.range(0)]);
}
BENCHMARK(BM_Validate)->DenseRange(0, 7);

}  // namespace
}  // namespace tholos::data

BENCHMARK_MAIN();
