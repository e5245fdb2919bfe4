// The options of a table that the data path does not read on every request; those it does
// (gc_grace_seconds, default_time_to_live) and the comment are fields of TableSchema.
//
// All options of Cassandra 5 are known, checked as it checks them, kept and shown. What they do
// here is said where they are read (compaction/, docs/); the others have no effect.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>

#include "absl/status/status.h"

namespace tholos::data {

struct TableSchema;

using OptionMap = std::map<std::string, std::string>;

struct TableOptions {
  std::string additional_write_policy = "99p";
  bool allow_auto_snapshot = true;
  double bloom_filter_fp_chance = 0.01;
  OptionMap caching = {{"keys", "ALL"}, {"rows_per_partition", "NONE"}};
  bool cdc = false;
  // "class" with Cassandra's package name before it. The default is that of cassandra_latest.yaml,
  // and what the engine does best.
  OptionMap compaction = {{"class", "org.apache.cassandra.db.compaction.UnifiedCompactionStrategy"},
                          {"scaling_parameters", "T4"}};
  // {"enabled": "false"} for none.
  OptionMap compression = {{"chunk_length_in_kb", "16"},
                           {"class", "org.apache.cassandra.io.compress.LZ4Compressor"}};
  std::string memtable = "default";
  double crc_check_chance = 1.0;
  OptionMap extensions;  // values in hexadecimal, "0xcafe"
  bool incremental_backups = true;
  int32_t max_index_interval = 2048;
  int32_t memtable_flush_period_in_ms = 0;
  int32_t min_index_interval = 128;
  std::string read_repair = "BLOCKING";
  std::string speculative_retry = "99p";
  friend bool operator==(const TableOptions&, const TableOptions&) = default;
};

// The value of an option as a statement gives it: the text of a literal (of a string its contents),
// or a map of such texts.
using OptionValue = std::variant<std::string, OptionMap>;

// Sets an option by its CQL name, also gc_grace_seconds, default_time_to_live and comment.
// kInvalidArgument, in Cassandra's words: "Unknown property 'x'", or what is wrong with the value.
absl::Status SetTableOption(std::string_view name, const OptionValue& value, TableSchema* table);

// What a table's options must be, whoever set them; also of one option beside another
// (max_index_interval is not below min_index_interval).
absl::Status ValidateOptions(const TableSchema& table);

// "SizeTieredCompactionStrategy" of either spelling of a class.
std::string_view ClassWithoutPackage(std::string_view name);

}  // namespace tholos::data
