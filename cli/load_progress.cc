#include "cli/load_progress.h"

#include <filesystem>
#include <fstream>

namespace tholos::cli {
namespace {

constexpr char kMagic[] = "tholos-load-2";

}  // namespace

LoadProgress LoadProgress::Read(const std::string& path) {
  LoadProgress progress;
  std::ifstream in(path);
  std::string magic;
  const bool whole =
      static_cast<bool>(in >> magic >> progress.table_id >> progress.layout >>
                        progress.file_bytes >> progress.records >> progress.complete);
  return whole && magic == kMagic ? progress : LoadProgress();
}

void LoadProgress::Write(const std::string& path) const {
  std::ofstream out(path + ".tmp", std::ios::trunc);
  out << kMagic << ' ' << table_id << ' ' << layout << ' ' << file_bytes << ' ' << records << ' '
      << complete << '\n';
  out.close();
  std::error_code ignored;
  if (out) std::filesystem::rename(path + ".tmp", path, ignored);
}

void SettledRecords::Add(uint64_t record) {
  absl::MutexLock lock(&mutex_);
  beyond_.insert(record);
  while (!beyond_.empty() && *beyond_.begin() == prefix_) {
    beyond_.erase(beyond_.begin());
    ++prefix_;
  }
}

uint64_t SettledRecords::prefix() const {
  absl::MutexLock lock(&mutex_);
  return prefix_;
}

}  // namespace tholos::cli
