// What a correct cluster may answer, from the clients' point of view.
//
// Registers: each has one writer, which numbers its operations upwards from 1 (several registers
// may share a writer and its numbers) and uses the number as the timestamp and the value, so that a
// value is its own history. A read that started after operation v was acknowledged, or after a read
// that saw v had ended, sees v or a later one that was attempted: never an older one, never one
// that was refused as not applied (UNAVAILABLE), never one from nowhere.
//
// Sets: elements are added once and never removed. A read that started after an add was
// acknowledged contains it; it contains only elements that were attempted, each once, with the
// value they were added with.
//
// A *domain* is where an answer binds later reads: everywhere (QUORUM), or in one datacenter alone
// (LOCAL_QUORUM). A read there sees what bound everywhere and what bound there.
//
// Both are linear in the length of the history.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tholos::sim {

using Domain = int;
inline constexpr Domain kEverywhere = -1;

enum class Outcome { kAcknowledged, kNotApplied, kUnknown };

class RegisterChecker {
 public:
  // The writer starts its next operation and gets its number.
  uint64_t Begin(const std::string& key, bool erase);
  // The same with a number of the writer's own, above all of this register so far.
  void Begin(const std::string& key, uint64_t version, bool erase);
  void End(const std::string& key, uint64_t version, Outcome outcome, Domain domain = kEverywhere);

  // The oldest version that a read starting now may see.
  uint64_t Floor(const std::string& key, Domain domain = kEverywhere) const;
  // The same of a read that sees what bound anywhere: at ALL.
  uint64_t FloorOfAll(const std::string& key) const;
  // A read that started when Floor was `floor` saw `version` (nothing: no value). Returns what is
  // wrong, or nothing.
  std::optional<std::string> Observe(const std::string& key, uint64_t floor,
                                     std::optional<uint64_t> version, Domain domain = kEverywhere);

  uint64_t acknowledged() const { return acknowledged_; }
  uint64_t observations() const { return observations_; }
  std::vector<std::string> keys() const;

 private:
  struct Operation {
    bool erase = false;
    Outcome outcome = Outcome::kUnknown;
  };
  struct Register {
    std::map<uint64_t, Operation> operations;  // by version
    std::map<Domain, uint64_t> floors;
  };
  std::map<std::string, Register> registers_;
  uint64_t acknowledged_ = 0;
  uint64_t observations_ = 0;
};

class SetChecker {
 public:
  // The next element of the set to add.
  uint64_t Begin(const std::string& set);
  // One with a number of the caller's own, the next one or a later one.
  void Begin(const std::string& set, uint64_t element);
  void End(const std::string& set, uint64_t element, Outcome outcome, Domain domain = kEverywhere);
  // The elements that a read starting now must contain.
  std::set<uint64_t> Required(const std::string& set, Domain domain = kEverywhere) const;
  // The same of a read that sees what bound anywhere: at ALL.
  std::set<uint64_t> RequiredOfAll(const std::string& set) const;
  std::optional<std::string> Observe(const std::string& set, const std::set<uint64_t>& required,
                                     const std::vector<uint64_t>& elements);
  uint64_t acknowledged() const { return acknowledged_; }
  std::vector<std::string> sets() const;

 private:
  struct Elements {
    std::map<uint64_t, Outcome> outcomes;
    std::map<Domain, std::set<uint64_t>> acknowledged;
  };
  std::map<std::string, Elements> sets_;
  uint64_t acknowledged_ = 0;
};

}  // namespace tholos::sim
