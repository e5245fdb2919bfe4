#include "cql/statements/options.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/status_macros.h"
#include "cql/analysis/context.h"
#include "cql/text.h"

namespace tholos::cql {
namespace {

// Options of Cassandra 5 that are shown as they were given and change nothing here.
constexpr std::string_view kKeptOptions[] = {"additional_write_policy",
                                             "allow_auto_snapshot",
                                             "bloom_filter_fp_chance",
                                             "caching",
                                             "cdc",
                                             "compaction",
                                             "compression",
                                             "crc_check_chance",
                                             "extensions",
                                             "incremental_backups",
                                             "max_index_interval",
                                             "memtable",
                                             "memtable_flush_period_in_ms",
                                             "min_index_interval",
                                             "read_repair",
                                             "speculative_retry"};

absl::Status Expected(const Option& option, std::string_view what) {
  return ErrorAt(option.value.position(), "expected ", what, " for option '",
                 Abbreviate(option.name), "', found ", Abbreviate(ToCql(option.value)));
}

const Literal* LiteralOf(const Option& option) { return std::get_if<Literal>(&option.value.value); }

}  // namespace

absl::StatusOr<int64_t> IntegerOption(const Option& option, int64_t min, int64_t max) {
  const Literal* literal = LiteralOf(option);
  int64_t value = 0;
  const bool may_be = literal != nullptr && (literal->kind == Literal::Kind::kInteger ||
                                             literal->kind == Literal::Kind::kString);
  if (may_be) {
    const char* end = literal->text.data() + literal->text.size();
    const auto parsed = std::from_chars(literal->text.data(), end, value);
    if (parsed.ec == std::errc() && parsed.ptr == end && value >= min && value <= max) return value;
  }
  return Expected(option, base::StrCat("an integer from ", min, " to ", max));
}

absl::StatusOr<bool> BooleanOption(const Option& option) {
  const Literal* literal = LiteralOf(option);
  if (literal != nullptr && (literal->text == "true" || literal->text == "false")) {
    return literal->text == "true";
  }
  return Expected(option, "true or false");
}

absl::StatusOr<std::string> StringOption(const Option& option) {
  const Literal* literal = LiteralOf(option);
  if (literal != nullptr && literal->kind == Literal::Kind::kString) return literal->text;
  return Expected(option, "a string");
}

absl::StatusOr<std::map<std::string, std::string>> MapOption(const Option& option) {
  const auto* map = std::get_if<MapLiteral>(&option.value.value);
  if (map == nullptr) return Expected(option, "a map");
  std::map<std::string, std::string> result;
  for (const MapEntry& entry : map->entries) {
    const auto& key = std::get<Literal>(entry.key.value);
    const auto& value = std::get<Literal>(entry.value.value);
    if (!result.emplace(key.text, value.text).second) {
      return ErrorAt(key.position, "'", Abbreviate(key.text), "' is given twice");
    }
  }
  return result;
}

absl::Status ApplyTableOption(const Option& option, data::TableSchema* table) {
  if (option.name == "gc_grace_seconds") {
    THOLOS_ASSIGN_OR_RETURN(table->gc_grace_seconds,
                            IntegerOption(option, 0, std::numeric_limits<int32_t>::max()));
  } else if (option.name == "default_time_to_live") {
    THOLOS_ASSIGN_OR_RETURN(const int64_t ttl, IntegerOption(option, 0, kTtlSecondsMax));
    table->default_ttl_seconds = static_cast<int32_t>(ttl);
  } else if (option.name == "comment") {
    THOLOS_ASSIGN_OR_RETURN(table->comment, StringOption(option));
  } else if (option.name == "id") {
    return NotSupportedAt(option.position, "choosing a table's id");
  } else if (std::ranges::find(kKeptOptions, option.name) != std::end(kKeptOptions)) {
    table->other_options[option.name] = ToCql(option.value);
  } else {
    return ErrorAt(option.position, "unknown table option '", Abbreviate(option.name), "'");
  }
  return absl::OkStatus();
}

}  // namespace tholos::cql
