// This engine and RocksDB, side by side in one run. Both do each piece of work in turn, some rounds
// long, so that whatever else the machine does meets both.
//
//   storage_bench [--rows N] [--quick] [--large] [--only put,get,...] [--directory D]
//
//   --rows N       2,000,000 by default
//   --quick        100,000 rows, fewer rounds: ends within two minutes
//   --large        the cost of a get and a put at 50 million rows too
//   --only a,b     of: point, scan, cold, overwrite, sync, replay, growth; and wide, which runs
//   only
//                  if it is asked for: one partition of 10 million rows (--wide-rows N)
//   --block BYTES  of RocksDB's blocks; 16384 as this engine's, its default is 4096
//
// Prints microseconds of CPU of the whole process per operation (background work included where
// there is any), and wall time; ratios above 1 say that RocksDB takes longer. CPU is the figure to
// trust on a machine that is not alone.
#include <stdlib.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/strings.h"
#include "storage/bench/contender_bench.h"

namespace tholos::storage::bench {

// splitmix64: every number once.
static uint64_t Mix(uint64_t z) {
  z = (z + 1) * 0x9E3779B97F4A7C15ull;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}

Key KeyOf(uint32_t row) {
  Key key;
  const uint64_t high = Mix(row), low = Mix(high);
  std::memcpy(key.bytes, &high, 8);
  std::memcpy(key.bytes + 8, &low, 8);
  return key;
}

Key WideKeyOf(uint32_t row) {
  Key key;
  const uint64_t partition = Mix(row / kWideRows);
  // Ascending as bytes, in a component's encoding of a blob of six bytes without zeros.
  std::memcpy(key.bytes, &partition, 8);
  std::snprintf(key.bytes + 8, 8, "\x40%06u", row % kWideRows);
  key.bytes[15] = '!';
  return key;
}

std::string_view ValueOf(uint32_t row, uint32_t version) {
  thread_local char value[kValueBytes];
  // Half of it looks random, half repeats.
  uint64_t seed = (uint64_t{version} << 32) | row;
  for (size_t at = 0; at < kValueBytes / 2; at += 8) {
    seed = Mix(seed);
    std::memcpy(value + at, &seed, std::min<size_t>(8, kValueBytes / 2 - at));
  }
  std::memset(value + kValueBytes / 2, 'v', kValueBytes / 2);
  return {value, kValueBytes};
}

namespace {

struct Flags {
  uint32_t rows = 2'000'000;
  int rounds = 5;
  bool quick = false;
  bool large = false;
  uint32_t wide_rows = 10'000'000;
  std::string only;
  std::string directory;
  uint64_t block_bytes = 16 << 10;
  bool Wants(std::string_view series) const {
    return only.empty() ||
           ("," + only + ",").find("," + std::string(series) + ",") != std::string::npos;
  }
};

struct Cost {
  double cpu = 0;   // seconds
  double wall = 0;  // seconds
  Cost& operator+=(const Cost& other) {
    cpu += other.cpu;
    wall += other.wall;
    return *this;
  }
};

Cost Now() {
  timespec used;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  const auto wall = std::chrono::steady_clock::now().time_since_epoch();
  return {static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9,
          std::chrono::duration<double>(wall).count()};
}

Cost Measure(const std::function<void()>& work) {
  const Cost before = Now();
  work();
  const Cost after = Now();
  return {after.cpu - before.cpu, after.wall - before.wall};
}

std::vector<uint32_t> Shuffled(uint32_t count, uint32_t seed) {
  std::vector<uint32_t> rows(count);
  std::iota(rows.begin(), rows.end(), 0u);
  std::shuffle(rows.begin(), rows.end(), std::mt19937(seed));
  return rows;
}

class Bench {
 public:
  explicit Bench(Flags flags) : flags_(std::move(flags)), wide_(flags_.rows / 10) {
    stores_.push_back({"tholos", MakeTholos(), flags_.directory + "/tholos"});
    if (auto rocksdb = MakeRocksDb(); rocksdb != nullptr) {
      stores_.push_back({"rocksdb", std::move(rocksdb), flags_.directory + "/rocksdb"});
    }
    wide_ -= wide_ % kWideRows;
  }

  void Run() {
    if (flags_.only == "wide") return RunWidePartition(flags_.directory, flags_.wide_rows);
    std::printf("%u rows of %zu + %zu bytes; us of CPU an operation (wall in brackets)\n",
                flags_.rows, kKeyBytes, kValueBytes);
    std::printf("%-44s %18s %18s %7s %6s\n", "", "tholos", "rocksdb", "ratio", "goal");
    if (flags_.Wants("point") || flags_.Wants("scan")) Point();
    if (flags_.Wants("cold")) Cold();
    if (flags_.Wants("overwrite")) Overwrite();
    if (flags_.Wants("sync")) Sync();
    if (flags_.Wants("replay")) Replay();
    if (flags_.Wants("growth")) Growth();
  }

 private:
  struct Entry {
    const char* name;
    std::unique_ptr<Store> store;
    std::string directory;
  };

  StoreOptions OptionsOf(const Entry& entry) const {
    StoreOptions options{.directory = entry.directory};
    if (std::strcmp(entry.name, "rocksdb") == 0) options.block_bytes = flags_.block_bytes;
    return options;
  }

  void OpenAll(const std::function<void(StoreOptions*)>& change = nullptr) {
    for (Entry& entry : stores_) {
      StoreOptions options = OptionsOf(entry);
      if (change) change(&options);
      std::filesystem::create_directories(options.directory);
      entry.store->Open(options);
    }
  }
  void CloseAll(bool remove) {
    for (Entry& entry : stores_) {
      entry.store->Close();
      if (remove) std::filesystem::remove_all(entry.directory);
    }
  }

  // `work` of each store in turn, for every round.
  std::vector<Cost> Rounds(int rounds, const std::function<void(Store&, int)>& work) {
    std::vector<Cost> costs(stores_.size());
    for (int round = 0; round < rounds; ++round) {
      for (size_t i = 0; i < stores_.size(); ++i) {
        costs[i] += Measure([&] { work(*stores_[i].store, round); });
      }
    }
    return costs;
  }

  // The same over pieces of `rows`.
  std::vector<Cost> Pieces(const std::vector<uint32_t>& rows,
                           const std::function<void(Store&, std::span<const uint32_t>)>& work) {
    const auto rounds = static_cast<size_t>(flags_.rounds);
    return Rounds(flags_.rounds, [&](Store& store, int round) {
      const size_t from = rows.size() * static_cast<size_t>(round) / rounds;
      const size_t to = rows.size() * (static_cast<size_t>(round) + 1) / rounds;
      work(store, std::span(rows).subspan(from, to - from));
    });
  }

  static void Print(const char* what, const std::string& ours, const std::string& theirs,
                    double ratio, const char* goal) {
    std::printf("%-44s %18s %18s", what, ours.c_str(), theirs.c_str());
    ratio > 0 ? std::printf(" %7.2f", ratio) : std::printf(" %7s", "");
    std::printf(" %6s\n", goal);
    std::fflush(stdout);
  }
  static std::string Format(const char* format, double a, double b = 0) {
    char text[64];
    std::snprintf(text, sizeof(text), format, a, b);
    return text;
  }

  void PrintCosts(const char* what, const std::vector<Cost>& costs, double operations,
                  const char* goal, bool by_wall = false) {
    const auto text = [&](const Cost& cost) {
      return Format("%.2f (%.2f)", cost.cpu * 1e6 / operations, cost.wall * 1e6 / operations);
    };
    const bool both = costs.size() > 1;
    const double ratio = !both     ? 0
                         : by_wall ? costs[1].wall / costs[0].wall
                                   : costs[1].cpu / costs[0].cpu;
    Print(what, text(costs[0]), both ? text(costs[1]) : "", ratio, goal);
  }

  void PrintRates(const char* what, const std::vector<Cost>& costs,
                  const std::vector<double>& megabytes, const char* goal) {
    const auto rate = [&](size_t i) { return megabytes[i] / costs[i].cpu; };
    const auto text = [&](size_t i) {
      return Format("%.0f (%.0f)", rate(i), megabytes[i] / costs[i].wall);
    };
    const bool both = costs.size() > 1;
    Print(what, text(0), both ? text(1) : "", both ? rate(0) / rate(1) : 0, goal);
  }

  // `value` of each store; the ratio is theirs over ours.
  void PrintValues(const char* what, const std::function<double(size_t)>& value, const char* goal) {
    const bool both = stores_.size() > 1;
    Print(what, Format("%.2f", value(0)), both ? Format("%.2f", value(1)) : "",
          both ? value(1) / value(0) : 0, goal);
  }

  double UserMegabytes() const {
    return static_cast<double>(flags_.rows) * double{kUserBytesPerRow} / 1e6;
  }

  std::vector<uint32_t> Some(uint32_t count, uint32_t seed) const {
    std::vector<uint32_t> rows = Shuffled(flags_.rows, seed);
    rows.resize(std::min(count, flags_.rows));
    return rows;
  }

  void Point();
  void Scans();
  void Cold();
  void Overwrite();
  void Sync();
  void Replay();
  void Growth();

  const Flags flags_;
  uint32_t wide_;
  std::vector<Entry> stores_;
};

void Bench::Point() {
  OpenAll();
  const auto put = [](Store& store, std::span<const uint32_t> rows) { store.Put(rows, 0); };
  const auto get = [](Store& store, std::span<const uint32_t> rows) { store.Get(rows); };
  PrintCosts("put, no sync per write", Pieces(Shuffled(flags_.rows, 1), put),
             static_cast<double>(flags_.rows), "1.7");
  PrintValues(
      "memtable bytes per user byte",
      [&](size_t i) {
        return static_cast<double>(stores_[i].store->Counters().memtable_bytes) /
               (UserMegabytes() * 1e6);
      },
      "<=1.6");
  const std::vector<uint32_t> some = Some(flags_.quick ? 100'000 : 500'000, 2);
  const auto operations = static_cast<double>(some.size());
  PrintCosts("get from the memtable", Pieces(some, get), operations, "3");
  PrintRates("flush, user MB per CPU second", Rounds(1, [](Store& store, int) { store.Flush(); }),
             {UserMegabytes(), UserMegabytes()}, "1.5");
  for (Entry& entry : stores_) entry.store->WaitIdle();
  for (Entry& entry : stores_) entry.store->Get(Shuffled(flags_.rows, 3));
  PrintCosts("get from cached blocks", Pieces(some, get), operations, "1.7");
  if (flags_.Wants("scan")) Scans();
  CloseAll(false);
  OpenAll([](StoreOptions* options) { options->row_cache = true; });
  for (Entry& entry : stores_) entry.store->Get(some);
  PrintCosts("get from the row cache (theirs: blocks)", Pieces(some, get), operations, "");
  CloseAll(false);
}

void Bench::Scans() {
  std::vector<uint32_t> rows(wide_);
  std::iota(rows.begin(), rows.end(), 0u);
  for (Entry& entry : stores_) entry.store->PutWide(rows);
  std::vector<uint32_t> from;
  std::mt19937 random(4);
  for (int i = 0; i < (flags_.quick ? 2'000 : 10'000); ++i) {
    const uint32_t partition = random() % (wide_ / kWideRows);
    from.push_back(partition * kWideRows + random() % (kWideRows - 100));
  }
  const auto scan = [](Store& store, std::span<const uint32_t> part) { store.ScanWide(part); };
  const auto scans = static_cast<double>(from.size());
  PrintCosts("scan of 100 rows, memtable", Pieces(from, scan), scans, "");
  for (Entry& entry : stores_) entry.store->Flush();
  for (Entry& entry : stores_) entry.store->ScanWide(from);
  PrintCosts("scan of 100 rows, cached blocks", Pieces(from, scan), scans, "1.2");
}

// Tables as Point left them, a cache of 1 % of the data; blocks come from the page cache.
void Bench::Cold() {
  if (!std::filesystem::exists(stores_[0].directory)) {
    OpenAll();
    for (Entry& entry : stores_) entry.store->Put(Shuffled(flags_.rows, 1), 0);
    for (Entry& entry : stores_) entry.store->Flush();
    CloseAll(false);
  }
  const auto small_cache = [&](StoreOptions* options) {
    options->cache_bytes = static_cast<uint64_t>(UserMegabytes() * 1e4);
  };
  OpenAll(small_cache);
  const std::vector<uint32_t> some = Some(flags_.quick ? 50'000 : 200'000, 5);
  for (Entry& entry : stores_) entry.store->Get(std::span(some).first(some.size() / 10));
  const auto get = [](Store& store, std::span<const uint32_t> rows) { store.Get(rows); };
  PrintCosts("cold get (blocks in the page cache)", Pieces(some, get),
             static_cast<double>(some.size()), "1.3");
  CloseAll(true);
}

// Every row again, twice, in random order, with memtables of a sixteenth of the data.
void Bench::Overwrite() {
  OpenAll([&](StoreOptions* options) {
    options->memtable_bytes =
        std::max<uint64_t>(4 << 20, static_cast<uint64_t>(UserMegabytes() * 1e6 / 16));
    options->memtable_bytes = std::min<uint64_t>(options->memtable_bytes, 128 << 20);
    options->cache_bytes = 64 << 20;
  });
  std::vector<Cost> costs(stores_.size());
  const int passes = 3;
  for (int pass = 0; pass < passes; ++pass) {
    const std::vector<uint32_t> rows = Shuffled(flags_.rows, 10 + pass);
    const std::vector<Cost> more = Pieces(rows, [&](Store& store, std::span<const uint32_t> part) {
      store.Put(part, static_cast<uint32_t>(pass));
      store.WaitIdle();
    });
    for (size_t i = 0; i < costs.size(); ++i) costs[i] += more[i];
  }
  for (Entry& entry : stores_) entry.store->Flush();
  for (Entry& entry : stores_) entry.store->WaitIdle();
  const double operations = static_cast<double>(flags_.rows) * passes;
  PrintCosts("random overwrite, flushes and compactions in", costs, operations, "");
  const double ingested = UserMegabytes() * passes * 1e6;
  std::vector<StoreCounters> counters;
  for (Entry& entry : stores_) counters.push_back(entry.store->Counters());
  PrintValues(
      "bytes written to tables per byte ingested",
      [&](size_t i) {
        return static_cast<double>(counters[i].flushed_bytes + counters[i].compacted_bytes) /
               ingested;
      },
      "2");
  // Everything into one, once to know what is live, and once more with a half written anew.
  for (Entry& entry : stores_) entry.store->Compact();
  std::vector<StoreCounters> after;
  for (Entry& entry : stores_) after.push_back(entry.store->Counters());
  PrintValues(
      "space amplification",
      [&](size_t i) {
        return static_cast<double>(counters[i].table_bytes) /
               static_cast<double>(after[i].table_bytes);
      },
      "<=1.25");
  const std::vector<uint32_t> half = Some(flags_.rows / 2, 20);
  for (Entry& entry : stores_) {
    entry.store->Put(half, passes);
    entry.store->Flush();
    entry.store->WaitIdle();
  }
  const double input = UserMegabytes() * 1.5;
  PrintRates("compaction, user MB of input per CPU second",
             Rounds(1, [](Store& store, int) { store.Compact(); }), {input, input}, "1.5");
  CloseAll(true);
}

void Bench::Sync() {
  OpenAll([](StoreOptions* options) { options->sync_writes = true; });
  const std::vector<uint32_t> rows = Some(flags_.quick ? 4'000 : 20'000, 6);
  const std::vector<Cost> costs =
      Pieces(rows, [](Store& store, std::span<const uint32_t> part) { store.Put(part, 0); });
  PrintCosts("put, group commit, 64 in flight", costs, static_cast<double>(rows.size()), "1.7");
  PrintCosts("  the same, ratio of wall time", costs, static_cast<double>(rows.size()), "", true);
  CloseAll(true);
}

// An open with everything in the log.
void Bench::Replay() {
  OpenAll();
  const std::vector<uint32_t> rows = Shuffled(flags_.rows, 7);
  for (Entry& entry : stores_) entry.store->Put(rows, 0);
  for (Entry& entry : stores_) entry.store->Close();
  std::vector<Cost> costs(stores_.size());
  std::vector<double> gigabytes;
  for (size_t i = 0; i < stores_.size(); ++i) {
    uint64_t log = 0;
    for (const auto& file : std::filesystem::recursive_directory_iterator(stores_[i].directory)) {
      if (file.path().extension() == ".log") log += file.file_size();
    }
    gigabytes.push_back(static_cast<double>(log) / 1e9);
    costs[i] = Measure([&] { stores_[i].store->Open(OptionsOf(stores_[i])); });
  }
  PrintValues(
      "replay, CPU seconds per GB of log", [&](size_t i) { return costs[i].cpu / gigabytes[i]; },
      "<=3");
  for (Entry& entry : stores_) entry.store->Get(std::span(rows).first(1000));
  CloseAll(true);
}

// The same work in larger and larger tables.
void Bench::Growth() {
  std::vector<uint32_t> sizes = {1'000'000, 10'000'000};
  if (flags_.quick) sizes = {100'000, 1'000'000};
  if (flags_.large) sizes.push_back(50'000'000);
  OpenAll([](StoreOptions* options) { options->memtable_bytes = 128 << 20; });
  uint32_t loaded = 0;
  std::vector<std::pair<double, double>> first;
  for (const uint32_t size : sizes) {
    std::vector<uint32_t> more(size - loaded);
    std::iota(more.begin(), more.end(), loaded);
    std::shuffle(more.begin(), more.end(), std::mt19937(size));
    for (Entry& entry : stores_) entry.store->Put(more, 0);
    loaded = size;
    for (Entry& entry : stores_) entry.store->Flush();
    for (Entry& entry : stores_) entry.store->WaitIdle();
    std::vector<uint32_t> some(100'000);
    std::mt19937 random(8);
    for (uint32_t& row : some) row = random() % size;
    for (Entry& entry : stores_) entry.store->Get(some);
    const auto gets =
        Pieces(some, [](Store& store, std::span<const uint32_t> part) { store.Get(part); });
    const auto puts =
        Pieces(some, [](Store& store, std::span<const uint32_t> part) { store.Put(part, 1); });
    const std::string label = base::StrCat(" at ", size / 1000, ",000 rows");
    PrintCosts(("get" + label).c_str(), gets, 1e5, "");
    PrintCosts(("put" + label).c_str(), puts, 1e5, "");
    for (size_t i = 0; i < stores_.size(); ++i) {
      if (first.size() < stores_.size()) first.emplace_back(gets[i].cpu, puts[i].cpu);
    }
    PrintValues(
        "  get, times that of the first size",
        [&](size_t i) { return gets[i].cpu / first[i].first; }, "<=1.3");
    PrintValues(
        "  put, times that of the first size",
        [&](size_t i) { return puts[i].cpu / first[i].second; }, "<=1.3");
  }
  CloseAll(true);
}

}  // namespace
}  // namespace tholos::storage::bench

int main(int argc, char** argv) {
  using tholos::storage::bench::Bench;
  tholos::storage::bench::Flags flags;
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    const auto value = [&] { return i + 1 < argc ? argv[++i] : ""; };
    if (flag == "--rows")
      flags.rows = static_cast<uint32_t>(std::atoll(value()));
    else if (flag == "--wide-rows")
      flags.wide_rows = static_cast<uint32_t>(std::atoll(value()));
    else if (flag == "--only")
      flags.only = value();
    else if (flag == "--directory")
      flags.directory = value();
    else if (flag == "--block")
      flags.block_bytes = static_cast<uint64_t>(std::atoll(value()));
    else if (flag == "--large")
      flags.large = true;
    else if (flag == "--quick")
      flags.quick = true;
    else {
      std::fprintf(stderr, "storage_bench: unknown flag %s (see the head of storage_bench.cc)\n",
                   argv[i]);
      return 2;
    }
  }
  if (flags.quick) {
    flags.rows = std::min(flags.rows, 100'000u);
    flags.rounds = 3;
  }
  std::string pattern = "/tmp/tholos-bench-XXXXXX";
  const bool temporary = flags.directory.empty();
  if (temporary) flags.directory = mkdtemp(pattern.data());
  Bench(flags).Run();
  if (temporary) std::filesystem::remove_all(flags.directory);
  return 0;
}
