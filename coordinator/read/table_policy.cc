#include "coordinator/read/table_policy.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace tholos::coordinator {
namespace {

bool TakeSuffix(std::string_view* text, std::string_view suffix) {
  if (!text->ends_with(suffix)) return false;
  text->remove_suffix(suffix.size());
  return true;
}

// In upper case, without blanks and quotes.
std::string Unquoted(std::string_view text) {
  if (text.size() >= 2 && text.front() == '\'' && text.back() == '\'') {
    text.remove_prefix(1);
    text.remove_suffix(1);
  }
  std::string upper;
  for (const char c : text) {
    if (c != ' ') upper.push_back(absl::ascii_toupper(static_cast<unsigned char>(c)));
  }
  return upper;
}

}  // namespace

absl::StatusOr<SpeculativeRetry::Threshold> SpeculativeRetry::ParseThreshold(
    std::string_view text) {
  std::string_view number = text;
  Threshold threshold;
  double value = 0;
  if (TakeSuffix(&number, "PERCENTILE") || TakeSuffix(&number, "P")) {
    if (absl::SimpleAtod(base::ToAbsl(number), &value) && value > 0 && value <= 100) {
      threshold.percentile = value;
      return threshold;
    }
  } else if (TakeSuffix(&number, "MS")) {
    if (absl::SimpleAtod(base::ToAbsl(number), &value) && value >= 0 && value < 1e9) {
      return Threshold{-1, absl::Milliseconds(value)};
    }
  }
  return base::ConfigError(base::StrCat(
      "speculative_retry '", text,
      "': expected NEVER, ALWAYS, 99PERCENTILE, 50ms, MIN(99p,50ms) or MAX(99p,50ms)"));
}

absl::StatusOr<SpeculativeRetry> SpeculativeRetry::Parse(std::string_view text) {
  const std::string upper = Unquoted(text);
  SpeculativeRetry retry;
  if (upper == "NEVER" || upper == "NONE") {
    retry.kind_ = Kind::kNever;
    return retry;
  }
  if (upper == "ALWAYS") {
    retry.kind_ = Kind::kAlways;
    return retry;
  }
  std::string_view rest = upper;
  const bool smaller = rest.starts_with("MIN(");
  if ((smaller || rest.starts_with("MAX(")) && rest.ends_with(")")) {
    rest = rest.substr(4, rest.size() - 5);
    const size_t comma = rest.find(',');
    if (comma == std::string_view::npos) return ParseThreshold(upper).status();
    retry.of_ = smaller ? Of::kSmaller : Of::kLarger;
    THOLOS_ASSIGN_OR_RETURN(retry.second_, ParseThreshold(rest.substr(comma + 1)));
    rest = rest.substr(0, comma);
  }
  THOLOS_ASSIGN_OR_RETURN(retry.first_, ParseThreshold(rest));
  return retry;
}

absl::Duration SpeculativeRetry::Delay(const LatencyEstimate& latencies, absl::Duration min) const {
  const auto of = [&](const Threshold& threshold) {
    if (threshold.percentile < 0) return threshold.fixed;
    return std::max(min, latencies.Percentile(threshold.percentile));
  };
  switch (of_) {
    case Of::kFirst:
      return of(first_);
    case Of::kSmaller:
      return std::min(of(first_), of(second_));
    case Of::kLarger:
      return std::max(of(first_), of(second_));
  }
  return of(first_);
}

TablePolicy TablePolicy::Of(const data::TableSchema& table) {
  TablePolicy policy;
  policy.speculative_retry =
      SpeculativeRetry::Parse(table.options.speculative_retry).value_or(SpeculativeRetry());
  policy.read_repair = Unquoted(table.options.read_repair) != "NONE";
  return policy;
}

const TablePolicy& TablePolicies::Of(const std::shared_ptr<const data::TableSchema>& table) {
  if (entries_.size() > kTablesMax) entries_.clear();
  Entry& entry = entries_[table->id];
  if (entry.schema != table) entry = {table, TablePolicy::Of(*table)};
  return entry.policy;
}

}  // namespace tholos::coordinator
