// What is sent: a statement, or a batch of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "client/value.h"

namespace tholos::client {

enum class Consistency : uint8_t {
  kAny = 0,
  kOne = 1,
  kTwo = 2,
  kThree = 3,
  kQuorum = 4,
  kAll = 5,
  kLocalQuorum = 6,
  kEachQuorum = 7,
  kSerial = 8,
  kLocalSerial = 9,
  kLocalOne = 10,
};

// What a call may leave to the client's Options.
struct CallOptions {
  std::optional<Consistency> consistency;
  std::optional<absl::Duration> timeout;  // for everything, retries included
  std::optional<std::string> keyspace;    // of names without one
  // Whether doing it twice is as good as once, so that it may be sent again when its outcome is not
  // known. Not given: true for what begins with SELECT, false for everything else. (INSERT and
  // UPDATE of plain values are idempotent; those with now(), uuid(), counters, or that append to a
  // list are not.)
  std::optional<bool> idempotent;
  std::optional<int64_t> timestamp;  // microseconds since 1970, where USING TIMESTAMP does not say
  bool tracing = false;              // Result::tracing_id
};

// A statement with values is prepared when it is first used, and kept prepared; one without is sent
// as text. Values are given in order of the markers, or all by their names:
//
//   Statement("SELECT v FROM t WHERE k = ?", {7})
//   Statement("SELECT v FROM t WHERE k = :key").Bind("key", 7)
struct Statement : CallOptions {
  Statement() = default;
  Statement(std::string text, std::vector<Value> values = {})
      : text(std::move(text)), values(std::move(values)) {}
  Statement(const char* text) : text(text) {}

  // A named marker's value, or (where the marker is a plain ?) that of the column it stands for.
  Statement&& Bind(std::string name, Value value) && {
    Bind(std::move(name), std::move(value));
    return std::move(*this);
  }
  Statement& Bind(std::string name, Value value) & {
    named.emplace_back(std::move(name), std::move(value));
    return *this;
  }

  std::string text;
  std::vector<Value> values;
  std::vector<std::pair<std::string, Value>> named;
  uint32_t page_size = 0;    // rows; 0: 5000
  std::string paging_state;  // of the previous page; empty: the first one
};

// Writes that are applied together; between partitions that holds for logged ones.
struct Batch : CallOptions {
  enum class Kind : uint8_t { kLogged, kUnlogged, kCounter };
  Kind kind = Kind::kLogged;
  // Of each only `text` and its values count.
  std::vector<Statement> statements;
};

}  // namespace tholos::client
