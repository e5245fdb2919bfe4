#include "data/schema/table_options.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "data/schema/option_checks.h"
#include "data/schema/schema.h"
#include "data/types/shown.h"

namespace tholos::data {
namespace {

// Of what is no value of the option's type, and of names: Cassandra takes these for errors of syntax.
template <typename... Pieces>
absl::Status Malformed(const Pieces&... pieces) {
  return base::SyntaxError(base::StrCat(pieces...));
}

// Takes an option's value as the type that it has.
class Setter {
 public:
  Setter(std::string_view name, const OptionValue& value) : name_(name), value_(value) {}

  absl::Status Text(std::string* out) const {
    THOLOS_RETURN_IF_ERROR(RequireText());
    *out = std::get<std::string>(value_);
    return absl::OkStatus();
  }

  absl::Status Map(OptionMap* out) const {
    const auto* map = std::get_if<OptionMap>(&value_);
    if (map == nullptr) {
      return Malformed("Invalid value for property '", name_, "'. It should be a map.");
    }
    *out = *map;
    return absl::OkStatus();
  }

  template <typename Int>
  absl::Status Integer(Int* out) const {
    THOLOS_RETURN_IF_ERROR(RequireText());
    const std::string& text = std::get<std::string>(value_);
    int32_t v = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
    if (error != std::errc() || end != text.data() + text.size()) {
      return Malformed("Invalid integer value ", Shown(text), " for '", name_, "'");
    }
    *out = v;
    return absl::OkStatus();
  }

  absl::Status Double(double* out) const {
    THOLOS_RETURN_IF_ERROR(RequireText());
    const std::string& text = std::get<std::string>(value_);
    double v = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
    if (error != std::errc() || end != text.data() + text.size() || v != v) {
      return Malformed("Invalid double value ", Shown(text), " for '", name_, "'");
    }
    *out = v;
    return absl::OkStatus();
  }

  absl::Status Boolean(bool* out) const {
    THOLOS_RETURN_IF_ERROR(RequireText());
    const std::string& text = std::get<std::string>(value_);
    const bool yes =
        absl::EqualsIgnoreCase(text, "true") || text == "1" || absl::EqualsIgnoreCase(text, "yes");
    const bool no =
        absl::EqualsIgnoreCase(text, "false") || text == "0" || absl::EqualsIgnoreCase(text, "no");
    if (!yes && !no) {
      return Malformed("Invalid boolean value ", Shown(text), " for '", name_, "'");
    }
    *out = yes;
    return absl::OkStatus();
  }

 private:
  absl::Status RequireText() const {
    if (std::holds_alternative<std::string>(value_)) return absl::OkStatus();
    return Malformed("Invalid value for property '", name_, "'. It should be a simple value.");
  }

  const std::string_view name_;
  const OptionValue& value_;
};

absl::Status Assign(std::string_view name, const OptionValue& value, TableSchema* table) {
  const Setter set(name, value);
  TableOptions& options = table->options;
  if (name == "comment") return set.Text(&table->comment);
  if (name == "gc_grace_seconds") return set.Integer(&table->gc_grace_seconds);
  if (name == "default_time_to_live") return set.Integer(&table->default_ttl_seconds);
  if (name == "additional_write_policy") return set.Text(&options.additional_write_policy);
  if (name == "allow_auto_snapshot") return set.Boolean(&options.allow_auto_snapshot);
  if (name == "bloom_filter_fp_chance") return set.Double(&options.bloom_filter_fp_chance);
  if (name == "caching") return set.Map(&options.caching);
  if (name == "cdc") return set.Boolean(&options.cdc);
  if (name == "compaction") return set.Map(&options.compaction);
  if (name == "compression") return set.Map(&options.compression);
  if (name == "memtable") return set.Text(&options.memtable);
  if (name == "crc_check_chance") return set.Double(&options.crc_check_chance);
  if (name == "extensions") return set.Map(&options.extensions);
  if (name == "incremental_backups") return set.Boolean(&options.incremental_backups);
  if (name == "max_index_interval") return set.Integer(&options.max_index_interval);
  if (name == "memtable_flush_period_in_ms") {
    return set.Integer(&options.memtable_flush_period_in_ms);
  }
  if (name == "min_index_interval") return set.Integer(&options.min_index_interval);
  if (name == "read_repair") return set.Text(&options.read_repair);
  if (name == "speculative_retry") return set.Text(&options.speculative_retry);
  return Malformed("Unknown property '", name, "'");
}

}  // namespace

std::string_view ClassWithoutPackage(std::string_view name) {
  const size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? name : name.substr(dot + 1);
}

absl::Status SetTableOption(std::string_view name, const OptionValue& value, TableSchema* table) {
  TableSchema changed = *table;
  THOLOS_RETURN_IF_ERROR(Assign(name, value, &changed));
  TableOptions& options = changed.options;
  if (name == "compaction") THOLOS_RETURN_IF_ERROR(CompleteCompaction(&options.compaction));
  if (name == "compression") THOLOS_RETURN_IF_ERROR(CompleteCompression(&options.compression));
  if (name == "caching") THOLOS_RETURN_IF_ERROR(CompleteCaching(&options.caching));
  if (name == "read_repair") absl::AsciiStrToUpper(&options.read_repair);
  if (name == "speculative_retry") {
    THOLOS_RETURN_IF_ERROR(CompleteSpeculation(name, &options.speculative_retry));
  }
  if (name == "additional_write_policy") {
    THOLOS_RETURN_IF_ERROR(CompleteSpeculation(name, &options.additional_write_policy));
  }
  // Two index intervals that are given together may come in either order: they are compared once
  // all options are set, by ValidateOptions.
  THOLOS_RETURN_IF_ERROR(ValidateEachOption(changed));
  *table = std::move(changed);
  return absl::OkStatus();
}

absl::Status ValidateOptions(const TableSchema& table) {
  THOLOS_RETURN_IF_ERROR(ValidateEachOption(table));
  const TableOptions& options = table.options;
  if (options.max_index_interval < options.min_index_interval) {
    return base::ConfigError(
        base::StrCat("max_index_interval must be greater than or equal to min_index_interval (",
                     options.min_index_interval, ") (got ", options.max_index_interval, ")."));
  }
  return absl::OkStatus();
}

}  // namespace tholos::data
