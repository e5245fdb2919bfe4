// What a write is, as errors name it: a client may judge by it whether to try again.
#pragma once

#include <cstdint>
#include <string_view>

namespace tholos::coordinator {

enum class WriteType : uint8_t {
  kSimple,         // one partition
  kBatch,          // a logged batch, whose log was written: it will be applied
  kUnloggedBatch,  // any part of it may have been applied
  kCounter,
  kBatchLog,  // the log of a logged batch: nothing was applied yet, and all of it may be later
  kCas,       // a conditional write
};

// As the CQL native protocol spells it (RequestError::write_type).
constexpr std::string_view WriteTypeName(WriteType type) {
  switch (type) {
    case WriteType::kSimple:
      return "SIMPLE";
    case WriteType::kBatch:
      return "BATCH";
    case WriteType::kUnloggedBatch:
      return "UNLOGGED_BATCH";
    case WriteType::kCounter:
      return "COUNTER";
    case WriteType::kBatchLog:
      return "BATCH_LOG";
    case WriteType::kCas:
      return "CAS";
  }
  return "SIMPLE";
}

}  // namespace tholos::coordinator
