// How far a load of one file into one table came, kept beside the file.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace tholos::cli {

// A text of one line: "tholos-load-2 <table id> <layout> <bytes of the file> <records> <0|1>".
struct LoadProgress {
  std::string table_id;     // a table made anew starts anew
  uint64_t layout = 0;      // of columns and format: read otherwise, it is another load
  uint64_t file_bytes = 0;  // another file starts anew
  uint64_t records = 0;     // the first so many are settled: written, or reported as bad
  bool complete = false;    // and all of them were written

  // Nothing settled, if there is no such file, or it is damaged.
  static LoadProgress Read(const std::string& path);
  // Replaces the file. Without it the load merely cannot be resumed, so errors are not told.
  void Write(const std::string& path) const;
  bool IsOf(const LoadProgress& other) const {
    return table_id == other.table_id && layout == other.layout && file_bytes == other.file_bytes;
  }
};

// Which records are settled, in any order. Thread-safe.
class SettledRecords {
 public:
  explicit SettledRecords(uint64_t first) : prefix_(first) {}
  void Add(uint64_t record);
  // All before this one are settled.
  uint64_t prefix() const;

 private:
  mutable absl::Mutex mutex_;
  uint64_t prefix_ ABSL_GUARDED_BY(mutex_);
  std::set<uint64_t> beyond_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tholos::cli
