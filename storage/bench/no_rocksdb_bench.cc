// Where the build found no RocksDB.
#include "storage/bench/contender_bench.h"

namespace tholos::storage::bench {

std::unique_ptr<Store> MakeRocksDb() { return nullptr; }

}  // namespace tholos::storage::bench
