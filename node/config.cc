#include "node/config.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <tuple>

#include "absl/strings/numbers.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace tholos::node {
namespace {

constexpr uint16_t kInternodePortDefault = 7000;

absl::Status Expected(std::string_view what, std::string_view found) {
  return absl::InvalidArgumentError(base::StrCat("expected ", what, ", found '", found, "'"));
}

absl::Status SetText(const std::string& value, std::string* out) {
  if (value.empty()) return Expected("a text that is not empty", value);
  *out = value;
  return absl::OkStatus();
}

template <typename T>
absl::Status SetNumber(const std::string& value, int64_t low, int64_t high, T* out) {
  int64_t number = 0;
  if (!absl::SimpleAtoi(value, &number) || number < low || number > high) {
    return Expected(base::StrCat("a number from ", low, " to ", high), value);
  }
  *out = static_cast<T>(number);
  return absl::OkStatus();
}

absl::Status SetBytes(const std::string& value, uint64_t low, uint64_t* out) {
  THOLOS_ASSIGN_OR_RETURN(const uint64_t bytes, ParseByteSize(value));
  if (bytes < low) return Expected(base::StrCat("at least ", low, " bytes"), value);
  *out = bytes;
  return absl::OkStatus();
}

absl::Status SetBytesBetween(const std::string& value, uint64_t low, uint64_t high, uint64_t* out) {
  THOLOS_ASSIGN_OR_RETURN(const uint64_t bytes, ParseByteSize(value));
  if (bytes < low || bytes > high) {
    return Expected(base::StrCat("a size from ", low, " to ", high, " bytes"), value);
  }
  *out = bytes;
  return absl::OkStatus();
}

// `or_else`: what the error says may be given, too.
absl::Status SetDuration(const std::string& value, absl::Duration low, absl::Duration high,
                         absl::Duration* out, std::string_view or_else = "") {
  absl::Duration duration;
  if (!absl::ParseDuration(value, &duration) || duration < low || duration > high) {
    return Expected(base::StrCat("a time from ", absl::FormatDuration(low), " to ",
                                 absl::FormatDuration(high), " such as 500ms", or_else),
                    value);
  }
  *out = duration;
  return absl::OkStatus();
}

// Not below half a second: about that is what a measured offset may be off by. 0: no bound.
absl::Status SetClockSkew(const std::string& value, absl::Duration* out) {
  if (absl::Duration span; absl::ParseDuration(value, &span) && span == absl::ZeroDuration()) {
    *out = absl::InfiniteDuration();
    return absl::OkStatus();
  }
  return SetDuration(value, absl::Milliseconds(500), absl::Hours(24), out, ", or 0");
}

absl::Status SetBool(const std::string& value, bool* out) {
  if (value != "true" && value != "false") return Expected("true or false", value);
  *out = value == "true";
  return absl::OkStatus();
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

absl::StatusOr<base::Endpoint> ParseSeed(std::string_view text) {
  const bool has_port = text.rfind(':') != std::string_view::npos && !text.ends_with(']');
  return base::Endpoint::Parse(has_port ? std::string(text)
                                        : base::StrCat(text, ":", kInternodePortDefault));
}

absl::Status SetSeeds(const std::string& value, std::vector<base::Endpoint>* out) {
  std::vector<base::Endpoint> seeds;
  for (std::string_view rest = value; !rest.empty();) {
    const size_t comma = rest.find(',');
    const std::string_view part = Trim(rest.substr(0, comma));
    rest = comma == std::string_view::npos ? "" : rest.substr(comma + 1);
    if (part.empty()) continue;
    THOLOS_ASSIGN_OR_RETURN(base::Endpoint seed, ParseSeed(part));
    seeds.push_back(std::move(seed));
  }
  *out = std::move(seeds);
  return absl::OkStatus();
}

absl::Status SetLogLevel(const std::string& value, std::string* out) {
  for (std::string_view level : {"debug", "info", "warn", "error"}) {
    if (value == level) {
      *out = value;
      return absl::OkStatus();
    }
  }
  return Expected("debug, info, warn or error", value);
}

absl::Status SetAuthenticator(const std::string& value, std::string* out) {
  if (value != "allow_all" && value != "password") return Expected("allow_all or password", value);
  *out = value;
  return absl::OkStatus();
}

absl::Status SetTlsMode(const std::string& value, std::string* out) {
  if (value != "off" && value != "optional" && value != "required") {
    return Expected("off, optional or required", value);
  }
  *out = value;
  return absl::OkStatus();
}

struct Key {
  std::string_view name;
  std::function<absl::Status(const std::string&, Config*)> set;
};

template <typename T>
Key NumberLimit(std::string_view name, T cql::QueryLimits::* limit, int64_t low, int64_t high) {
  return {name, [=](const std::string& value, Config* config) {
            return SetNumber(value, low, high, &(config->limits.*limit));
          }};
}

Key BytesLimit(std::string_view name, size_t cql::QueryLimits::* limit, uint64_t low,
               uint64_t high) {
  return {name, [=](const std::string& value, Config* config) {
            return SetBytesBetween(value, low, high, &(config->limits.*limit));
          }};
}

// Upper ends: what the protocols, the formats and a shard's stack and memory can bear.
std::vector<Key> LimitKeys() {
  using Limits = cql::QueryLimits;
  constexpr int64_t kMillion = 1'000'000;
  constexpr uint64_t kKiB = 1 << 10;
  constexpr uint64_t kMiB = 1 << 20;
  return {
      BytesLimit("statement_bytes_max", &Limits::statement_bytes_max, kKiB, 16 * kMiB),
      NumberLimit("nesting_depth_max", &Limits::nesting_depth_max, 8, 256),
      NumberLimit("relations_max", &Limits::relations_max, 1, 10'000),
      BytesLimit("value_bytes_max", &Limits::value_bytes_max, kKiB, 16 * kMiB),
      BytesLimit("key_bytes_max", &Limits::key_bytes_max, 16, data::kKeyBytesMax),
      NumberLimit("collection_elements_warn", &Limits::collection_elements_warn, 1, 10 * kMillion),
      NumberLimit("collection_elements_max", &Limits::collection_elements_max, 1, 10 * kMillion),
      NumberLimit("in_product_max", &Limits::in_product_max, 1, 100'000),
      NumberLimit("batch_statements_max", &Limits::batch_statements_max, 1, 65'535),
      BytesLimit("batch_bytes_warn", &Limits::batch_bytes_warn, 1, 16 * kMiB),
      BytesLimit("batch_bytes_max", &Limits::batch_bytes_max, 1, 16 * kMiB),
      NumberLimit("batch_partitions_warn", &Limits::batch_partitions_warn, 1, 65'535),
      NumberLimit("selectors_max", &Limits::selectors_max, 1, 100'000),
      NumberLimit("table_columns_max", &Limits::table_columns_max, 1, 10'000),
      NumberLimit("page_rows_max", &Limits::page_rows_max, 1, kMillion),
      BytesLimit("page_bytes_max", &Limits::page_bytes_max, kKiB, 8 * kMiB),
      NumberLimit("filtered_rows_max", &Limits::filtered_rows_max, 1, 1000 * kMillion),
      NumberLimit("tombstones_warn", &Limits::tombstones_warn, 1, 1000 * kMillion),
      NumberLimit("tombstones_max", &Limits::tombstones_max, 100, 1000 * kMillion),
      BytesLimit("prepared_bytes_max", &Limits::prepared_bytes_max, kMiB, 1024 * kMiB),
      BytesLimit("prepared_plan_bytes_max", &Limits::prepared_plan_bytes_max, kMiB, 1024 * kMiB),
  };
}

std::vector<Key> NodeKeys() {
  return {
      {"cluster_name", [](auto& v, Config* c) { return SetText(v, &c->cluster_name); }},
      {"data_directory", [](auto& v, Config* c) { return SetText(v, &c->data_directory); }},
      {"listen", [](auto& v, Config* c) { return SetText(v, &c->listen); }},
      {"internode_port",
       [](auto& v, Config* c) { return SetNumber(v, 1, 65535, &c->internode_port); }},
      {"client_port", [](auto& v, Config* c) { return SetNumber(v, 1, 65535, &c->client_port); }},
      {"native_port", [](auto& v, Config* c) { return SetNumber(v, 1, 65535, &c->native_port); }},
      {"native_shard_aware_port",
       [](auto& v, Config* c) { return SetNumber(v, 0, 65535, &c->native_shard_aware_port); }},
      {"seeds", [](auto& v, Config* c) { return SetSeeds(v, &c->seeds); }},
      {"datacenter", [](auto& v, Config* c) { return SetText(v, &c->datacenter); }},
      {"rack", [](auto& v, Config* c) { return SetText(v, &c->rack); }},
      {"shards", [](auto& v, Config* c) { return SetNumber(v, 0, 256, &c->shards); }},
      {"memtable_memory",
       [](auto& v, Config* c) { return SetBytes(v, 1 << 20, &c->memtable_memory); }},
      {"commitlog_memory",
       [](auto& v, Config* c) { return SetBytes(v, 128 << 20, &c->commitlog_memory); }},
      {"partition_reads_per_second",
       [](auto& v, Config* c) {
         return SetNumber(v, 0, 1'000'000, &c->partition_reads_per_second);
       }},
      {"partition_writes_per_second",
       [](auto& v, Config* c) {
         return SetNumber(v, 0, 1'000'000, &c->partition_writes_per_second);
       }},
      {"slow_request",
       [](auto& v, Config* c) {
         return SetDuration(v, absl::Milliseconds(1), absl::Hours(1), &c->slow_request);
       }},
      {"clock_skew_max", [](auto& v, Config* c) { return SetClockSkew(v, &c->clock_skew_max); }},
      {"client_memory",
       [](auto& v, Config* c) { return SetBytes(v, 32 << 20, &c->client_memory); }},
      {"open_network", [](auto& v, Config* c) { return SetBool(v, &c->open_network); }},
      {"authenticator", [](auto& v, Config* c) { return SetAuthenticator(v, &c->authenticator); }},
      {"native_tls", [](auto& v, Config* c) { return SetTlsMode(v, &c->native_tls); }},
      {"native_tls_certificate",
       [](auto& v, Config* c) { return SetText(v, &c->native_tls_certificate); }},
      {"native_tls_key", [](auto& v, Config* c) { return SetText(v, &c->native_tls_key); }},
      {"native_tls_client_ca",
       [](auto& v, Config* c) { return SetText(v, &c->native_tls_client_ca); }},
      {"superuser", [](auto& v, Config* c) { return SetText(v, &c->superuser); }},
      {"superuser_password", [](auto& v, Config* c) { return SetText(v, &c->superuser_password); }},
      {"log_level", [](auto& v, Config* c) { return SetLogLevel(v, &c->log_level); }},
  };
}

const std::vector<Key>& Keys() {
  static const auto* keys = [] {
    auto* all = new std::vector<Key>(NodeKeys());
    for (Key& key : LimitKeys()) all->push_back(std::move(key));
    return all;
  }();
  return *keys;
}

// Levenshtein's distance; keys are short.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])});
      diagonal = above;
    }
  }
  return row[b.size()];
}

absl::Status UnknownKey(std::string_view key) {
  std::string_view nearest;
  size_t distance = std::numeric_limits<size_t>::max();
  for (const Key& known : Keys()) {
    const size_t d = EditDistance(key.substr(0, 64), known.name);
    if (d < distance) {
      distance = d;
      nearest = known.name;
    }
  }
  std::string message = base::StrCat("unknown key '", key, "'");
  if (distance <= 3) base::StrAppend(&message, " (did you mean '", nearest, "'?)");
  return absl::InvalidArgumentError(message);
}

bool IsLoopback(std::string_view host) {
  return host == "localhost" || host == "[::1]" || host.starts_with("127.");
}

absl::Status AtLine(const std::string& file, const YAML::Mark& mark, std::string_view message) {
  return absl::InvalidArgumentError(base::StrCat(file, ":", mark.line + 1, ": ", message));
}

// A scalar's text, or the texts of a sequence joined by commas.
absl::StatusOr<std::string> NodeText(const YAML::Node& node) {
  if (node.IsScalar()) return node.Scalar();
  if (!node.IsSequence()) return absl::InvalidArgumentError("expected a value or a list of values");
  std::string joined;
  for (const auto& element : node) {
    if (!element.IsScalar()) return absl::InvalidArgumentError("expected a list of plain values");
    base::StrAppend(&joined, joined.empty() ? "" : ",", element.Scalar());
  }
  return joined;
}

}  // namespace

absl::StatusOr<uint64_t> ParseByteSize(std::string_view text) {
  constexpr std::pair<std::string_view, int> kUnits[] = {{"KiB", 10}, {"MiB", 20}, {"GiB", 30}};
  std::string_view digits = text;
  int shift = 0;
  for (const auto& [unit, bits] : kUnits) {
    if (text.ends_with(unit)) {
      digits.remove_suffix(unit.size());
      shift = bits;
    }
  }
  uint64_t number = 0;
  if (!absl::SimpleAtoi(base::ToAbsl(Trim(digits)), &number) ||
      number > (std::numeric_limits<uint64_t>::max() >> shift)) {
    return Expected("a size such as 256MiB", text);
  }
  return number << shift;
}

absl::Status SetConfigKey(std::string_view key, const std::string& value, Config* config) {
  for (const Key& known : Keys()) {
    if (known.name != key) continue;
    const absl::Status status = known.set(value, config);
    if (status.ok()) return status;
    return absl::InvalidArgumentError(base::StrCat(key, ": ", status.message()));
  }
  return UnknownKey(key);
}

absl::Status ParseConfig(const std::string& text, const std::string& file, Config* config) {
  YAML::Node root;
  try {
    root = YAML::Load(text);
  } catch (const YAML::Exception& e) {
    return AtLine(file, e.mark, e.msg);
  }
  if (root.IsNull()) return absl::OkStatus();
  if (!root.IsMap()) return AtLine(file, root.Mark(), "expected lines of the form 'key: value'");
  std::vector<std::string> seen;
  for (const auto& entry : root) {
    if (!entry.first.IsScalar()) return AtLine(file, entry.first.Mark(), "expected a key");
    const std::string& key = entry.first.Scalar();
    if (std::find(seen.begin(), seen.end(), key) != seen.end()) {
      return AtLine(file, entry.first.Mark(), base::StrCat("key '", key, "' is given twice"));
    }
    seen.push_back(key);
    const auto value = NodeText(entry.second);
    const absl::Status status =
        value.ok() ? SetConfigKey(key, *value, config)
                   : absl::InvalidArgumentError(base::StrCat(key, ": ", value.status().message()));
    if (!status.ok()) return AtLine(file, entry.first.Mark(), base::ToStd(status.message()));
  }
  return absl::OkStatus();
}

absl::Status ValidateConfig(const Config& config) {
  const cql::QueryLimits& limits = config.limits;
  const std::tuple<std::string_view, size_t, size_t> thresholds[] = {
      {"collection_elements", limits.collection_elements_warn, limits.collection_elements_max},
      {"batch_bytes", limits.batch_bytes_warn, limits.batch_bytes_max}};
  for (const auto& [name, warn, max] : thresholds) {
    if (warn <= max) continue;
    return absl::InvalidArgumentError(
        base::StrCat(name, "_warn, ", warn, ", is above ", name, "_max, ", max));
  }
  if (!IsLoopback(config.listen) && !config.open_network) {
    return absl::InvalidArgumentError(
        base::StrCat("listen: ", config.listen,
                     " is not an address of this machine alone (127.x.y.z, [::1], localhost), and "
                     "other nodes and gRPC clients are not authenticated; set open_network: true "
                     "if the network keeps strangers out"));
  }
  if (config.native_tls != "off" &&
      (config.native_tls_certificate.empty() || config.native_tls_key.empty())) {
    return absl::InvalidArgumentError("native_tls needs native_tls_certificate and native_tls_key");
  }
  const std::pair<std::string_view, uint16_t> ports[] = {{"internode_port", config.internode_port},
                                                         {"client_port", config.client_port},
                                                         {"native_port", config.native_port}};
  for (const auto& [name, port] : ports) {
    for (const auto& [other, same] : ports) {
      if (name < other && port == same) {
        return absl::InvalidArgumentError(base::StrCat(name, " and ", other, " are both ", port));
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace tholos::node
