// The log for operators: one line per event that a person should know of. Injected like the doors,
// so that many nodes in one process each have their own and a simulation stays silent or keeps the
// lines.
#pragma once

#include <cstdint>
#include <string_view>

namespace tholos::base {

enum class Severity : uint8_t { kInfo = 0, kWarning = 1, kError = 2 };

// Thread-safe. A line names what and where (file, offset, table, peer) and carries no user data.
class Log {
 public:
  virtual ~Log() = default;
  // `part` is the module: "storage", "gossip", ...
  virtual void Write(Severity severity, std::string_view part, std::string_view line) = 0;

  void Info(std::string_view part, std::string_view line) { Write(Severity::kInfo, part, line); }
  void Warning(std::string_view part, std::string_view line) {
    Write(Severity::kWarning, part, line);
  }
  void Error(std::string_view part, std::string_view line) { Write(Severity::kError, part, line); }
};

// Keeps nothing.
class NullLog final : public Log {
 public:
  void Write(Severity, std::string_view, std::string_view) override {}
};

}  // namespace tholos::base
