#include "base/sim/file_content.h"

#include <algorithm>
#include <map>
#include <utility>

namespace tholos::base::sim {
namespace {

uint64_t SectorOf(uint64_t offset) { return offset / FileContent::kSectorBytes; }

}  // namespace

std::string FileContent::Read(uint64_t offset, size_t length) const {
  if (offset >= current_.size()) return "";
  return current_.substr(offset, length);
}

void FileContent::Write(uint64_t offset, std::string_view data, uint64_t sequence) {
  if (data.empty()) return;
  if (offset + data.size() > current_.size()) current_.resize(offset + data.size());
  std::copy(data.begin(), data.end(), current_.begin() + static_cast<int64_t>(offset));
  unsynced_.push_back({.sequence = sequence,
                       .offset = offset,
                       .data = std::string(data),
                       .size_after = current_.size()});
}

void FileContent::Resize(uint64_t length, uint64_t sequence) {
  current_.resize(length);
  unsynced_.push_back({.sequence = sequence, .resize = true, .size_after = length});
}

size_t FileContent::CountUpTo(uint64_t sequence_max) const {
  size_t count = 0;
  while (count < unsynced_.size() && unsynced_[count].sequence <= sequence_max) ++count;
  return count;
}

std::string FileContent::Replay(size_t count, const KeepSector& keep, size_t size_changes) const {
  std::string result = durable_;
  uint64_t size = durable_.size();
  for (size_t i = 0; i < count; ++i) {
    const Change& change = unsynced_[i];
    if (i < size_changes) size = change.size_after;
    if (change.resize) {
      if (i < size_changes) result.resize(change.size_after);
      continue;
    }
    const uint64_t end = change.offset + change.data.size();
    for (uint64_t at = change.offset; at < end;) {
      const uint64_t sector_end = std::min(end, (SectorOf(at) + 1) * kSectorBytes);
      if (keep(i, SectorOf(at))) {
        if (sector_end > result.size()) result.resize(sector_end);
        result.replace(at, sector_end - at, change.data, at - change.offset, sector_end - at);
      }
      at = sector_end;
    }
  }
  result.resize(size);
  return result;
}

void FileContent::Sync(uint64_t sequence_max) {
  const size_t count = CountUpTo(sequence_max);
  for (size_t i = 0; i < count; ++i) {
    const Change& change = unsynced_[i];
    if (change.resize || change.size_after > durable_.size()) durable_.resize(change.size_after);
    durable_.replace(change.offset, change.data.size(), change.data);
  }
  unsynced_.erase(unsynced_.begin(), unsynced_.begin() + static_cast<int64_t>(count));
}

void FileContent::SyncWrite(uint64_t sequence) {
  const size_t count = CountUpTo(sequence);
  if (count == 0 || unsynced_[count - 1].sequence != sequence) return;  // synced since
  const Change& write = unsynced_[count - 1];
  const uint64_t first = SectorOf(write.offset);
  const uint64_t last = SectorOf(write.offset + write.data.size() - 1);
  for (size_t i = 0; i + 1 < count; ++i) {
    const Change& before = unsynced_[i];
    if (before.resize || before.size_after > durable_.size() ||
        (SectorOf(before.offset) <= last &&
         SectorOf(before.offset + before.data.size() - 1) >= first)) {
      return Sync(sequence);
    }
  }
  if (write.size_after > durable_.size()) durable_.resize(write.size_after);
  durable_.replace(write.offset, write.data.size(), write.data);
  unsynced_.erase(unsynced_.begin() + static_cast<int64_t>(count - 1));
}

void FileContent::FailSync(uint64_t sequence_max, RandomStream& random) {
  const size_t count = CountUpTo(sequence_max);
  durable_ = RandomOutcome(count, random);
  unsynced_.erase(unsynced_.begin(), unsynced_.begin() + static_cast<int64_t>(count));
}

void FileContent::LosePower(RandomStream& random) {
  durable_ = RandomOutcome(unsynced_.size(), random);
  current_ = durable_;
  unsynced_.clear();
}

std::string FileContent::RandomOutcome(size_t count, RandomStream& random) const {
  if (count == 0) return durable_;
  switch (random.Below(4)) {
    case 0:
      return durable_;
    case 1:
      return Replay(count, [](size_t, uint64_t) { return true; }, count);
    case 2:
      return PrefixOutcome(count, random);
    default:
      return SectorsOutcome(count, random);
  }
}

// The first changes entirely, one of them torn: its first sectors, its last ones, or any of them.
std::string FileContent::PrefixOutcome(size_t count, RandomStream& random) const {
  const size_t torn = random.Below(count);
  const Change& change = unsynced_[torn];
  const uint64_t first = SectorOf(change.offset);
  const uint64_t sectors =
      change.data.empty() ? 1 : SectorOf(change.offset + change.data.size() - 1) - first + 1;
  const uint64_t middle = first + random.Below(sectors + 1);
  const uint64_t way = random.Below(3);
  const auto keep = [&](size_t i, uint64_t sector) {
    if (i != torn) return i < torn;
    if (way == 0) return sector < middle;
    if (way == 1) return sector >= middle;
    return random.Chance(0.5);
  };
  return Replay(torn + 1, keep, torn + random.Below(2));
}

std::string FileContent::SectorsOutcome(size_t count, RandomStream& random) const {
  struct Sector {
    uint64_t changes = 0;  // that touch it
    uint64_t kept = 0;
    uint64_t seen = 0;
  };
  std::map<uint64_t, Sector> sectors;
  for (size_t i = 0; i < count; ++i) {
    const Change& change = unsynced_[i];
    if (change.data.empty()) continue;
    const uint64_t last = SectorOf(change.offset + change.data.size() - 1);
    for (uint64_t s = SectorOf(change.offset); s <= last; ++s) ++sectors[s].changes;
  }
  for (auto& [number, sector] : sectors) sector.kept = random.Below(sector.changes + 1);
  const auto keep = [&](size_t, uint64_t number) {
    Sector& sector = sectors[number];
    return sector.seen++ < sector.kept;
  };
  return Replay(count, keep, random.Below(count + 1));
}

bool FileContent::FlipBit(uint64_t offset, int bit) {
  if (offset >= durable_.size()) return false;
  const bool visible = offset < current_.size() && current_[offset] == durable_[offset];
  durable_[offset] = static_cast<char>(durable_[offset] ^ (1 << bit));
  if (visible) current_[offset] = durable_[offset];
  return true;
}

}  // namespace tholos::base::sim
