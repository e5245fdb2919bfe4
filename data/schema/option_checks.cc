#include "data/schema/option_checks.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <span>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "data/schema/schema.h"
#include "data/schema/validate.h"
#include "data/types/shown.h"

namespace tholos::data {
namespace {

constexpr std::string_view kCompactionPackage = "org.apache.cassandra.db.compaction.";
constexpr std::string_view kCompressionPackage = "org.apache.cassandra.io.compress.";
// Below it a Bloom filter would need more bits a key than there may be.
constexpr double kFalsePositiveMin = 6.71e-5;

template <typename... Pieces>
absl::Status Invalid(const Pieces&... pieces) {
  return base::ConfigError(base::StrCat(pieces...));
}

template <typename T>
std::optional<T> Number(std::string_view text) {
  T v{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return v;
}

// The smallest value that an option may have; text if it is none that is a number.
struct SubOption {
  std::string_view name;
  enum Kind : uint8_t { kText, kBoolean, kInteger, kFloat } kind;
  double min = 0;
};

constexpr SubOption kAllStrategies[] = {{"class", SubOption::kText},
                                        {"enabled", SubOption::kBoolean},
                                        {"log_all", SubOption::kBoolean},
                                        {"only_purge_repaired_tombstones", SubOption::kBoolean},
                                        {"provide_overlapping_tombstones", SubOption::kText},
                                        {"tombstone_compaction_interval", SubOption::kInteger, 1},
                                        {"tombstone_threshold", SubOption::kFloat},
                                        {"unchecked_tombstone_compaction", SubOption::kBoolean}};
constexpr SubOption kSizeTiered[] = {{"bucket_high", SubOption::kFloat},
                                     {"bucket_low", SubOption::kFloat},
                                     {"max_threshold", SubOption::kInteger, 2},
                                     {"min_sstable_size", SubOption::kInteger},
                                     {"min_threshold", SubOption::kInteger, 2}};
constexpr SubOption kLeveled[] = {{"bucket_high", SubOption::kFloat},
                                  {"bucket_low", SubOption::kFloat},
                                  {"fanout_size", SubOption::kInteger, 1},
                                  {"min_sstable_size", SubOption::kInteger},
                                  {"single_sstable_uplevel", SubOption::kBoolean},
                                  {"sstable_size_in_mb", SubOption::kInteger, 1}};
constexpr SubOption kTimeWindow[] = {
    {"bucket_high", SubOption::kFloat},
    {"bucket_low", SubOption::kFloat},
    {"compaction_window_size", SubOption::kInteger, 1},
    {"compaction_window_unit", SubOption::kText},
    {"expired_sstable_check_frequency_seconds", SubOption::kInteger},
    {"max_threshold", SubOption::kInteger, 2},
    {"min_sstable_size", SubOption::kInteger},
    {"min_threshold", SubOption::kInteger, 2},
    {"timestamp_resolution", SubOption::kText},
    {"unsafe_aggressive_sstable_expiration", SubOption::kBoolean}};
constexpr SubOption kUnified[] = {{"base_shard_count", SubOption::kInteger, 1},
                                  {"expired_sstable_check_frequency_seconds", SubOption::kInteger},
                                  {"flush_size_override", SubOption::kText},
                                  {"max_space_amplification", SubOption::kFloat},
                                  {"max_sstables_to_compact", SubOption::kInteger},
                                  {"min_sstable_size", SubOption::kText},
                                  {"overlap_inclusion_method", SubOption::kText},
                                  {"parallelize_output_shards", SubOption::kBoolean},
                                  {"scaling_parameters", SubOption::kText},
                                  {"sstable_growth", SubOption::kFloat},
                                  {"target_sstable_size", SubOption::kText},
                                  {"unsafe_aggressive_sstable_expiration", SubOption::kBoolean}};

struct Strategy {
  std::string_view name;
  std::span<const SubOption> options;
  bool has_thresholds;
};
constexpr Strategy kStrategies[] = {{"SizeTieredCompactionStrategy", kSizeTiered, true},
                                    {"LeveledCompactionStrategy", kLeveled, false},
                                    {"TimeWindowCompactionStrategy", kTimeWindow, true},
                                    {"UnifiedCompactionStrategy", kUnified, false}};
constexpr std::string_view kCompressors[] = {
    "LZ4Compressor", "SnappyCompressor", "DeflateCompressor", "ZstdCompressor", "NoopCompressor"};

const Strategy* FindStrategy(std::string_view name) {
  for (const Strategy& strategy : kStrategies) {
    if (strategy.name == ClassWithoutPackage(name)) return &strategy;
  }
  return nullptr;
}

const SubOption* FindSubOption(std::span<const SubOption> options, std::string_view name) {
  const auto it = std::find_if(options.begin(), options.end(),
                               [name](const SubOption& option) { return option.name == name; });
  return it == options.end() ? nullptr : &*it;
}

bool IsBoolean(std::string_view text) {
  return absl::EqualsIgnoreCase(base::ToAbsl(text), "true") ||
         absl::EqualsIgnoreCase(base::ToAbsl(text), "false");
}

absl::Status CheckSubOption(const SubOption& option, const std::string& value) {
  const auto invalid = [&](std::string_view what) {
    return Invalid(Shown(value), " is not ", what, " for ", option.name);
  };
  switch (option.kind) {
    case SubOption::kText:
      return absl::OkStatus();
    case SubOption::kBoolean:
      return IsBoolean(value) ? absl::OkStatus() : invalid("'true' or 'false'");
    case SubOption::kInteger:
    case SubOption::kFloat: {
      const auto number = option.kind == SubOption::kInteger
                              ? std::optional<double>(Number<int64_t>(value))
                              : Number<double>(value);
      if (!number.has_value() || !std::isfinite(*number)) return invalid("a parsable number");
      if (*number < option.min) return invalid(base::StrCat("at least ", option.min));
      return absl::OkStatus();
    }
  }
  return absl::OkStatus();
}

// "T4, L10, N, 2, -8": one for each level.
absl::Status CheckScaling(const OptionMap& options) {
  const auto given = options.find("scaling_parameters");
  if (given == options.end()) return absl::OkStatus();
  std::string_view rest = given->second;
  while (true) {
    const size_t comma = rest.find(',');
    const std::string_view level =
        base::ToStd(absl::StripAsciiWhitespace(base::ToAbsl(rest.substr(0, comma))));
    const bool tiered = level.starts_with('T') || level.starts_with('L');
    const auto number = Number<int32_t>(tiered ? level.substr(1) : level);
    const bool good = level == "N" || (number.has_value() && (!tiered || *number >= 2));
    if (!good) {
      return Invalid("Scaling parameter ", Shown(level),
                     " must match the regular expression "
                     "N|L[0-9]+|T[0-9]+|[+-]?[0-9]+");
    }
    if (comma == std::string_view::npos) return absl::OkStatus();
    rest.remove_prefix(comma + 1);
  }
}

absl::Status CheckSpace(const OptionMap& options) {
  const auto given = options.find("max_space_amplification");
  if (given == options.end()) return absl::OkStatus();
  const double max = Number<double>(given->second).value_or(-1);
  if (max == 0 || (max >= 1.05 && max <= 100)) return absl::OkStatus();
  return Invalid("max_space_amplification is ", Shown(given->second),
                 ": it must be 0 (no bound) or from 1.05 to 100");
}

absl::Status CheckCompaction(const OptionMap& options) {
  const auto name = options.find("class");
  if (name == options.end()) {
    return Invalid("Missing sub-option 'class' for the 'compaction' option.");
  }
  const Strategy* strategy = FindStrategy(name->second);
  if (strategy == nullptr) {
    return Invalid("Unable to find compaction strategy class ", Shown(name->second));
  }
  for (const auto& [key, value] : options) {
    const SubOption* option = FindSubOption(kAllStrategies, key);
    if (option == nullptr) option = FindSubOption(strategy->options, key);
    if (option == nullptr) {
      return Invalid("Properties specified [", key, "] are not understood by ", strategy->name);
    }
    THOLOS_RETURN_IF_ERROR(CheckSubOption(*option, value));
  }
  THOLOS_RETURN_IF_ERROR(CheckScaling(options));
  THOLOS_RETURN_IF_ERROR(CheckSpace(options));
  if (strategy->has_thresholds) {
    const auto threshold = [&](const char* key, int64_t otherwise) {
      const auto it = options.find(key);
      return it == options.end() ? otherwise : Number<int64_t>(it->second).value_or(otherwise);
    };
    if (threshold("min_threshold", 4) > threshold("max_threshold", 32)) {
      return Invalid("Min compaction threshold cannot be greater than max compaction threshold");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckCompression(const OptionMap& options) {
  for (const auto& [key, value] : options) {
    if (key == "enabled") {
      if (!IsBoolean(value)) return Invalid("Invalid value for 'enabled': ", Shown(value));
    } else if (key == "class") {
      const std::string_view name = ClassWithoutPackage(value);
      if (std::find(std::begin(kCompressors), std::end(kCompressors), name) ==
          std::end(kCompressors)) {
        return Invalid("Could not create Compression for type ", Shown(value));
      }
    } else if (key == "chunk_length_in_kb") {
      const auto size = Number<int32_t>(value);
      if (!size.has_value() || *size <= 0 || *size > 1024 * 1024) {
        return Invalid("Invalid value for chunk_length_in_kb: ", Shown(value));
      }
      if ((*size & (*size - 1)) != 0) return Invalid("chunk_length_in_kb must be a power of 2");
    } else if (key == "min_compress_ratio") {
      const auto ratio = Number<double>(value);
      if (!ratio.has_value() || !(*ratio == 0 || *ratio >= 1)) {
        return Invalid("min_compress_ratio can either be 0 or greater than or equal to 1");
      }
    } else if (key == "compression_level" || key == "lz4_high_compressor_level") {
      if (!Number<int32_t>(value).has_value()) {
        return Invalid("Invalid value for ", key, ": ", Shown(value));
      }
    } else if (key != "lz4_compressor_type") {
      return Invalid("Unknown compression options ", Shown(key));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckCaching(const OptionMap& options) {
  for (const auto& [key, value] : options) {
    if (key == "keys") {
      if (value == "ALL" || value == "NONE") continue;
      return Invalid(
          "Invalid value for caching sub-option 'keys': only 'ALL' and 'NONE' are allowed");
    }
    if (key != "rows_per_partition") {
      return Invalid("Invalid caching sub-options {", key,
                     "}: only 'keys' and 'rows_per_partition' are allowed");
    }
    const auto rows = Number<int32_t>(value);
    if (value != "ALL" && value != "NONE" && (!rows.has_value() || *rows < 0)) {
      return Invalid(
          "Invalid value for caching sub-option 'rows_per_partition': only 'ALL', "
          "'NONE', and integer values are allowed");
    }
  }
  return absl::OkStatus();
}

// "99p" or "50ms" of one policy in any spelling; nothing if it is none.
std::optional<std::string> SimplePolicy(std::string_view text) {
  const std::string upper = absl::AsciiStrToUpper(base::ToAbsl(text));
  if (upper == "NONE" || upper == "NEVER") return "NEVER";
  if (upper == "ALWAYS") return upper;
  for (const std::string_view unit : {"PERCENTILE", "P"}) {
    if (!std::string_view(upper).ends_with(unit)) continue;
    const auto percent =
        Number<double>(std::string_view(upper).substr(0, upper.size() - unit.size()));
    if (!percent.has_value() || !(*percent > 0 && *percent < 100)) return std::nullopt;
    return base::StrCat(*percent, "p");
  }
  if (upper.ends_with("MS")) {
    const auto millis = Number<double>(std::string_view(upper).substr(0, upper.size() - 2));
    if (!millis.has_value() || !(*millis >= 0 && *millis < 1e9)) return std::nullopt;
    return base::StrCat(*millis, "ms");
  }
  return std::nullopt;
}

// Also MIN(99p,50ms) and MAX(99p,50ms).
std::optional<std::string> Policy(std::string_view text) {
  const std::string upper = absl::AsciiStrToUpper(base::ToAbsl(text));
  const bool min = upper.starts_with("MIN(");
  if (!(min || upper.starts_with("MAX(")) || !upper.ends_with(")")) return SimplePolicy(text);
  const std::string inner = upper.substr(4, upper.size() - 5);
  const size_t comma = inner.find(',');
  if (comma == std::string::npos) return std::nullopt;
  const auto trimmed = [](std::string_view part) {
    return SimplePolicy(base::ToStd(absl::StripAsciiWhitespace(base::ToAbsl(part))));
  };
  const auto first = trimmed(std::string_view(inner).substr(0, comma));
  const auto second = trimmed(std::string_view(inner).substr(comma + 1));
  if (!first.has_value() || !second.has_value()) return std::nullopt;
  const bool mixed = first->back() != second->back();  // a percentile beside milliseconds
  const auto is_number = [](const std::string& policy) {
    return absl::ascii_isdigit(static_cast<unsigned char>(policy[0]));
  };
  if (!mixed || !is_number(*first) || !is_number(*second)) return std::nullopt;
  return base::StrCat(min ? "MIN(" : "MAX(", *first, ",", *second, ")");
}

absl::Status CheckPolicy(std::string_view option, const std::string& value) {
  if (Policy(value).has_value()) return absl::OkStatus();
  return Invalid("Invalid value ", Shown(value), " for option '", option, "'");
}

absl::Status CheckMap(std::string_view name, const OptionMap& map) {
  if (map.size() > kOptionsMax) return Invalid(name, ": more than ", kOptionsMax, " options");
  for (const auto& [key, value] : map) {
    if (key.size() > kOptionBytesMax || value.size() > kOptionBytesMax) {
      return Invalid(name, ": option ", Shown(key), " is longer than ", kOptionBytesMax, " bytes");
    }
    if (!IsValidUtf8(key) || !IsValidUtf8(value)) {
      return Invalid(name, ": option ", Shown(key), " is not valid UTF-8");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckAtLeast(std::string_view name, int64_t value, int64_t min) {
  if (value >= min) return absl::OkStatus();
  return Invalid(name, " must be greater than or equal to ", min, " (got ", value, ")");
}

absl::Status CheckNumbers(const TableSchema& table) {
  const TableOptions& options = table.options;
  THOLOS_RETURN_IF_ERROR(CheckAtLeast("gc_grace_seconds", table.gc_grace_seconds, 0));
  THOLOS_RETURN_IF_ERROR(CheckAtLeast("default_time_to_live", table.default_ttl_seconds, 0));
  if (table.default_ttl_seconds > kTtlSecondsMax) {
    return Invalid("default_time_to_live must be less than or equal to ", kTtlSecondsMax, " (got ",
                   table.default_ttl_seconds, ")");
  }
  THOLOS_RETURN_IF_ERROR(CheckAtLeast("min_index_interval", options.min_index_interval, 1));
  THOLOS_RETURN_IF_ERROR(
      CheckAtLeast("memtable_flush_period_in_ms", options.memtable_flush_period_in_ms, 0));
  const double chance = options.bloom_filter_fp_chance;
  if (!(chance > kFalsePositiveMin && chance <= 1)) {
    return Invalid("bloom_filter_fp_chance must be larger than ", kFalsePositiveMin,
                   " and less than or equal to 1.0 (got ", chance, ")");
  }
  if (!(options.crc_check_chance >= 0 && options.crc_check_chance <= 1)) {
    return Invalid(
        "crc_check_chance must be larger than or equal to 0 and smaller than or equal to "
        "1.0 (got ",
        options.crc_check_chance, ")");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CompleteCompaction(OptionMap* options) {
  THOLOS_RETURN_IF_ERROR(CheckCompaction(*options));
  const Strategy& strategy = *FindStrategy(options->at("class"));
  (*options)["class"] = base::StrCat(kCompactionPackage, strategy.name);
  if (strategy.has_thresholds) {
    options->emplace("min_threshold", "4");
    options->emplace("max_threshold", "32");
  }
  return absl::OkStatus();
}

absl::Status CompleteCompression(OptionMap* options) {
  // The names that Cassandra had before 3.0.
  const auto renamed = [options](const char* old_name, const char* name) {
    auto node = options->extract(old_name);
    if (node.empty()) return;
    node.key() = name;
    options->insert(std::move(node));
  };
  renamed("sstable_compression", "class");
  renamed("chunk_length_kb", "chunk_length_in_kb");
  const auto given = options->find("class");
  if (options->empty() || (given != options->end() && given->second.empty())) {
    *options = {{"enabled", "false"}};
    return absl::OkStatus();
  }
  THOLOS_RETURN_IF_ERROR(CheckCompression(*options));
  const auto enabled = options->find("enabled");
  if (enabled != options->end() && absl::EqualsIgnoreCase(enabled->second, "false")) {
    if (options->size() > 1) {
      return Invalid("If the 'enabled' option is set to false no other options must be specified");
    }
    *options = {{"enabled", "false"}};
    return absl::OkStatus();
  }
  options->erase("enabled");
  if (options->count("class") == 0) {
    return Invalid("Missing sub-option 'class' for the 'compression' option.");
  }
  (*options)["class"] =
      base::StrCat(kCompressionPackage, ClassWithoutPackage(options->at("class")));
  options->emplace("chunk_length_in_kb", "16");
  return absl::OkStatus();
}

absl::Status CompleteCaching(OptionMap* options) {
  for (auto& [key, value] : *options) value = absl::AsciiStrToUpper(value);
  THOLOS_RETURN_IF_ERROR(CheckCaching(*options));
  options->emplace("keys", "ALL");
  options->emplace("rows_per_partition", "NONE");
  return absl::OkStatus();
}

absl::Status CompleteSpeculation(std::string_view option, std::string* value) {
  THOLOS_RETURN_IF_ERROR(CheckPolicy(option, *value));
  *value = *Policy(*value);
  return absl::OkStatus();
}

absl::Status ValidateEachOption(const TableSchema& table) {
  const TableOptions& options = table.options;
  THOLOS_RETURN_IF_ERROR(CheckNumbers(table));
  if (table.comment.size() > kOptionBytesMax || !IsValidUtf8(table.comment)) {
    return Invalid("a comment takes at most ", kOptionBytesMax, " bytes of UTF-8");
  }
  for (const auto& [name, map] :
       {std::pair<std::string_view, const OptionMap*>{"caching", &options.caching},
        {"compaction", &options.compaction},
        {"compression", &options.compression},
        {"extensions", &options.extensions}}) {
    THOLOS_RETURN_IF_ERROR(CheckMap(name, *map));
  }
  THOLOS_RETURN_IF_ERROR(CheckCompaction(options.compaction));
  THOLOS_RETURN_IF_ERROR(CheckCompression(options.compression));
  THOLOS_RETURN_IF_ERROR(CheckCaching(options.caching));
  THOLOS_RETURN_IF_ERROR(CheckPolicy("speculative_retry", options.speculative_retry));
  THOLOS_RETURN_IF_ERROR(CheckPolicy("additional_write_policy", options.additional_write_policy));
  if (options.read_repair != "BLOCKING" && options.read_repair != "NONE") {
    return Invalid("Invalid value ", Shown(options.read_repair), " for option 'read_repair'");
  }
  for (const auto& [name, value] : options.extensions) {
    if (!DataType(TypeId::kBlob).FromText(value).ok()) {
      return Invalid("extensions: ", Shown(name), " takes a blob as 0xcafe");
    }
  }
  if (options.memtable.empty() || options.memtable.size() > kColumnNameBytesMax ||
      !IsValidUtf8(options.memtable)) {
    return Invalid("memtable takes the name of a configuration");
  }
  return absl::OkStatus();
}

}  // namespace tholos::data
