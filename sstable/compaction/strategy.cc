#include "sstable/compaction/strategy.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace tholos::sstable {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr int kFanoutMax = 64;
constexpr double kSpaceAmplificationMax = 1.25;

// Options of Cassandra without a meaning here.
constexpr std::string_view kAccepted[] = {"bucket_high",
                                          "bucket_low",
                                          "cold_reads_to_omit",
                                          "expired_sstable_check_frequency_seconds",
                                          "log_all",
                                          "min_sstable_size_in_mb",
                                          "only_purge_repaired_tombstones",
                                          "overlap_inclusion_method",
                                          "provide_overlapping_tombstones",
                                          "single_sstable_uplevel",
                                          "sstable_growth",
                                          "tombstone_compaction_interval",
                                          "tombstone_threshold",
                                          "unchecked_tombstone_compaction",
                                          "unsafe_aggressive_sstable_expiration"};

absl::Status Wrong(std::string_view option, std::string_view value, std::string_view expected) {
  return absl::InvalidArgumentError(
      base::StrCat("compaction option '", option, "': '", value, "' is not ", expected));
}

// Takes options one by one; what is left at the end is unknown.
class OptionReader {
 public:
  explicit OptionReader(std::map<std::string, std::string> options)
      : options_(std::move(options)) {}

  std::optional<std::string> Take(const std::string& name) {
    const auto found = options_.find(name);
    if (found == options_.end()) return std::nullopt;
    std::string value = found->second;
    options_.erase(found);
    return value;
  }

  absl::Status TakeInteger(const std::string& name, int64_t min, int64_t max, auto* out) {
    const auto value = Take(name);
    if (!value.has_value()) return absl::OkStatus();
    int64_t number = 0;
    if (!absl::SimpleAtoi(*value, &number) || number < min || number > max) {
      return Wrong(name, *value, base::StrCat("an integer from ", min, " to ", max));
    }
    *out = static_cast<std::remove_pointer_t<decltype(out)>>(number);
    return absl::OkStatus();
  }

  // "100MiB"; a bare number is bytes.
  absl::Status TakeBytes(const std::string& name, uint64_t* out) {
    const auto value = Take(name);
    if (!value.has_value()) return absl::OkStatus();
    const size_t unit_at = value->find_first_not_of("0123456789.");
    const std::string unit = unit_at == std::string::npos ? "" : value->substr(unit_at);
    const std::array<std::string_view, 5> units = {"B", "KiB", "MiB", "GiB", "TiB"};
    const auto found = std::find(units.begin(), units.end(), unit.empty() ? "B" : unit);
    double number = 0;
    if (found == units.end() || !absl::SimpleAtod(value->substr(0, unit_at), &number) ||
        number < 0 || number > 1e15) {
      return Wrong(name, *value, "a size like 100MiB");
    }
    *out = static_cast<uint64_t>(
        number * static_cast<double>(uint64_t{1} << (10 * (found - units.begin()))));
    return absl::OkStatus();
  }

  absl::Status NothingLeft() {
    for (const std::string_view name : kAccepted) options_.erase(std::string(name));
    if (options_.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        base::StrCat("unknown compaction option '", options_.begin()->first, "'"));
  }

 private:
  std::map<std::string, std::string> options_;
};

absl::StatusOr<LevelScaling> ParseScaling(std::string_view text) {
  if (text == "N") return LevelScaling{2, 2};
  int n = 0;
  const bool letter = text.starts_with('T') || text.starts_with('L');
  if (letter && absl::SimpleAtoi(base::ToAbsl(text.substr(1)), &n)) {
    if (n < 2 || n > kFanoutMax) {
      return Wrong("scaling_parameters", text, base::StrCat("from 2 to ", kFanoutMax));
    }
    return text[0] == 'T' ? LevelScaling::Tiered(n) : LevelScaling::Leveled(n);
  }
  // Cassandra's numbers: W > 0 is T<W + 2>, W < 0 is L<2 - W>.
  if (!letter && absl::SimpleAtoi(base::ToAbsl(text), &n) && n > -kFanoutMax &&
      n < kFanoutMax - 1) {
    return n >= 0 ? LevelScaling::Tiered(n + 2) : LevelScaling::Leveled(2 - n);
  }
  return Wrong("scaling_parameters", text, "T<n>, L<n> or N");
}

absl::Status TakeUnified(OptionReader* in, CompactionStrategy* out) {
  if (const auto list = in->Take("scaling_parameters"); list.has_value()) {
    out->scaling.clear();
    size_t start = 0;
    while (start <= list->size()) {
      const size_t comma = std::min(list->find(',', start), list->size());
      const std::string item = list->substr(start, comma - start);
      THOLOS_ASSIGN_OR_RETURN(const LevelScaling scaling,
                              ParseScaling(base::ToStd(absl::StripAsciiWhitespace(item))));
      out->scaling.push_back(scaling);
      start = comma + 1;
    }
  }
  THOLOS_RETURN_IF_ERROR(in->TakeBytes("target_sstable_size", &out->target_bytes));
  if (out->target_bytes < kMiB) {
    return Wrong("target_sstable_size", base::StrCat(out->target_bytes, "B"), "at least 1MiB");
  }
  THOLOS_RETURN_IF_ERROR(in->TakeBytes("min_sstable_size", &out->split_bytes_min));
  out->space_amplification_max = kSpaceAmplificationMax;
  if (const auto value = in->Take("max_space_amplification"); value.has_value()) {
    double& max = out->space_amplification_max;
    if (!absl::SimpleAtod(base::ToAbsl(*value), &max) ||
        !(max == 0 || (max >= 1.05 && max <= 100))) {
      return Wrong("max_space_amplification", *value, "0 (no bound) or from 1.05 to 100");
    }
  }
  THOLOS_RETURN_IF_ERROR(in->TakeInteger("base_shard_count", 1, 1024, &out->base_splits));
  THOLOS_RETURN_IF_ERROR(in->TakeInteger("max_sstables_to_compact", 2, 10000, &out->tables_max));
  return in->TakeBytes("flush_size_override", &out->base_bytes_min);
}

absl::Status TakeThresholds(OptionReader* in, CompactionStrategy* out) {
  int fanout = 4;
  THOLOS_RETURN_IF_ERROR(in->TakeInteger("min_threshold", 2, kFanoutMax, &fanout));
  THOLOS_RETURN_IF_ERROR(in->TakeInteger("max_threshold", 2, 10000, &out->tables_max));
  if (out->tables_max < static_cast<size_t>(fanout)) {
    return Wrong("max_threshold", base::StrCat(out->tables_max), "at least min_threshold");
  }
  out->scaling = {LevelScaling::Tiered(fanout)};
  out->by_density = false;
  return absl::OkStatus();
}

absl::Status TakeLeveled(OptionReader* in, CompactionStrategy* out) {
  int fanout = 10;
  uint64_t megabytes = 160;
  THOLOS_RETURN_IF_ERROR(in->TakeInteger("fanout_size", 2, kFanoutMax, &fanout));
  THOLOS_RETURN_IF_ERROR(in->TakeInteger("sstable_size_in_mb", 1, 1 << 20, &megabytes));
  out->scaling = {LevelScaling::Leveled(fanout)};
  out->target_bytes = megabytes * kMiB;
  out->split_bytes_min = out->target_bytes;
  out->base_splits = 1;
  return absl::OkStatus();
}

absl::Status TakeTimeWindow(OptionReader* in, CompactionStrategy* out) {
  THOLOS_RETURN_IF_ERROR(TakeThresholds(in, out));
  const std::string unit = in->Take("compaction_window_unit").value_or("DAYS");
  int64_t size = 1;
  THOLOS_RETURN_IF_ERROR(in->TakeInteger("compaction_window_size", 1, 1 << 20, &size));
  int64_t seconds = 0;
  if (unit == "MINUTES") seconds = 60;
  if (unit == "HOURS") seconds = 3600;
  if (unit == "DAYS") seconds = 86400;
  if (seconds == 0) return Wrong("compaction_window_unit", unit, "MINUTES, HOURS or DAYS");
  out->window_micros = size * seconds * 1'000'000;
  const std::string resolution = in->Take("timestamp_resolution").value_or("MICROSECONDS");
  if (resolution != "MICROSECONDS") {
    return Wrong("timestamp_resolution", resolution, "MICROSECONDS");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<CompactionStrategy> ParseCompactionStrategy(
    const std::map<std::string, std::string>& options) {
  CompactionStrategy out;
  OptionReader in(options);
  std::string name = in.Take("class").value_or("UnifiedCompactionStrategy");
  if (const size_t dot = name.rfind('.'); dot != std::string::npos) name = name.substr(dot + 1);
  const std::string enabled = in.Take("enabled").value_or("true");
  if (enabled != "true" && enabled != "false") return Wrong("enabled", enabled, "true or false");
  out.enabled = enabled == "true";
  if (name == "UnifiedCompactionStrategy") {
    THOLOS_RETURN_IF_ERROR(TakeUnified(&in, &out));
  } else if (name == "SizeTieredCompactionStrategy") {
    THOLOS_RETURN_IF_ERROR(TakeThresholds(&in, &out));
  } else if (name == "LeveledCompactionStrategy") {
    THOLOS_RETURN_IF_ERROR(TakeLeveled(&in, &out));
  } else if (name == "TimeWindowCompactionStrategy") {
    THOLOS_RETURN_IF_ERROR(TakeTimeWindow(&in, &out));
  } else {
    return Wrong("class", name,
                 "UnifiedCompactionStrategy, SizeTieredCompactionStrategy, "
                 "LeveledCompactionStrategy or TimeWindowCompactionStrategy");
  }
  THOLOS_RETURN_IF_ERROR(in.NothingLeft());
  return out;
}

std::string LevelScaling::ToString() const {
  if (fanout == 2 && threshold == 2) return "N";
  return base::StrCat(threshold == 2 ? "L" : "T", fanout);
}

std::string CompactionStrategy::ToString() const {
  std::string out;
  for (const LevelScaling& level : scaling) {
    base::StrAppend(&out, out.empty() ? "" : ",", level.ToString());
  }
  if (by_density) {
    base::StrAppend(&out, " target=", target_bytes, " split_min=", split_bytes_min,
                    " base_splits=", base_splits);
  } else {
    base::StrAppend(&out, " by size");
  }
  base::StrAppend(&out, " max=", tables_max);
  if (space_amplification_max > 0) base::StrAppend(&out, " space=", space_amplification_max);
  if (window_micros > 0) base::StrAppend(&out, " window=", window_micros / 1'000'000, "s");
  if (!enabled) base::StrAppend(&out, " disabled");
  return out;
}

}  // namespace tholos::sstable
