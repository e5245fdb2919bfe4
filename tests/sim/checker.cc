#include "tests/sim/checker.h"

#include <algorithm>

#include "base/check.h"
#include "base/strings.h"

namespace tholos::sim {

uint64_t RegisterChecker::Begin(const std::string& key, bool erase) {
  const auto& operations = registers_[key].operations;
  const uint64_t version = operations.empty() ? 1 : operations.rbegin()->first + 1;
  Begin(key, version, erase);
  return version;
}

void RegisterChecker::Begin(const std::string& key, uint64_t version, bool erase) {
  auto& operations = registers_[key].operations;
  THOLOS_CHECK(operations.empty() || operations.rbegin()->first < version);
  operations[version] = {erase, Outcome::kUnknown};
}

void RegisterChecker::End(const std::string& key, uint64_t version, Outcome outcome,
                          Domain domain) {
  Register& r = registers_[key];
  r.operations.at(version).outcome = outcome;
  if (outcome != Outcome::kAcknowledged) return;
  ++acknowledged_;
  uint64_t& floor = r.floors[domain];
  floor = std::max(floor, version);
}

uint64_t RegisterChecker::Floor(const std::string& key, Domain domain) const {
  uint64_t floor = 0;
  const auto it = registers_.find(key);
  if (it == registers_.end()) return floor;
  for (const auto& [where, bound] : it->second.floors) {
    if (where == kEverywhere || where == domain) floor = std::max(floor, bound);
  }
  return floor;
}

uint64_t RegisterChecker::FloorOfAll(const std::string& key) const {
  uint64_t floor = 0;
  const auto it = registers_.find(key);
  if (it == registers_.end()) return floor;
  for (const auto& [where, bound] : it->second.floors) floor = std::max(floor, bound);
  return floor;
}

std::optional<std::string> RegisterChecker::Observe(const std::string& key, uint64_t floor,
                                                    std::optional<uint64_t> version,
                                                    Domain domain) {
  ++observations_;
  Register& r = registers_[key];
  auto may_see = [](const Operation& operation, bool erase) {
    return operation.erase == erase && operation.outcome != Outcome::kNotApplied;
  };
  if (version.has_value()) {
    const uint64_t v = *version;
    const auto it = r.operations.find(v);
    if (it == r.operations.end() || !may_see(it->second, false)) {
      return base::StrCat("register ", key, ": read version ", v,
                          ", which was never written or was refused");
    }
    if (v < floor) {
      return base::StrCat("register ", key, ": read version ", v, " after ", floor,
                          " was acknowledged or read");
    }
    uint64_t& bound = r.floors[domain];
    bound = std::max(bound, v);
    return std::nullopt;
  }
  if (floor == 0) return std::nullopt;
  for (auto it = r.operations.lower_bound(floor); it != r.operations.end(); ++it) {
    if (!may_see(it->second, true)) continue;
    // An erasure was read: this one, or a later one.
    uint64_t& bound = r.floors[domain];
    bound = std::max(bound, it->first);
    return std::nullopt;
  }
  return base::StrCat("register ", key, ": read nothing after version ", floor,
                      " was acknowledged or read, and nothing erased it");
}

std::vector<std::string> RegisterChecker::keys() const {
  std::vector<std::string> keys;
  for (const auto& [key, r] : registers_) keys.push_back(key);
  return keys;
}

uint64_t SetChecker::Begin(const std::string& set) {
  const auto& outcomes = sets_[set].outcomes;
  const uint64_t element = outcomes.empty() ? 1 : outcomes.rbegin()->first + 1;
  Begin(set, element);
  return element;
}

void SetChecker::Begin(const std::string& set, uint64_t element) {
  const bool is_new = sets_[set].outcomes.emplace(element, Outcome::kUnknown).second;
  THOLOS_CHECK(is_new);
}

void SetChecker::End(const std::string& set, uint64_t element, Outcome outcome, Domain domain) {
  Elements& elements = sets_[set];
  elements.outcomes.at(element) = outcome;
  if (outcome != Outcome::kAcknowledged) return;
  ++acknowledged_;
  elements.acknowledged[domain].insert(element);
}

std::set<uint64_t> SetChecker::Required(const std::string& set, Domain domain) const {
  std::set<uint64_t> required;
  const auto it = sets_.find(set);
  if (it == sets_.end()) return required;
  for (const auto& [where, elements] : it->second.acknowledged) {
    if (where == kEverywhere || where == domain) required.insert(elements.begin(), elements.end());
  }
  return required;
}

std::set<uint64_t> SetChecker::RequiredOfAll(const std::string& set) const {
  std::set<uint64_t> required;
  const auto it = sets_.find(set);
  if (it == sets_.end()) return required;
  for (const auto& [where, elements] : it->second.acknowledged)
    required.insert(elements.begin(), elements.end());
  return required;
}

std::optional<std::string> SetChecker::Observe(const std::string& set,
                                               const std::set<uint64_t>& required,
                                               const std::vector<uint64_t>& elements) {
  Elements& known = sets_[set];
  std::set<uint64_t> seen;
  for (uint64_t element : elements) {
    const auto outcome = known.outcomes.find(element);
    if (outcome == known.outcomes.end() || outcome->second == Outcome::kNotApplied) {
      return base::StrCat("set ", set, ": read element ", element,
                          ", which was never added or was refused");
    }
    if (!seen.insert(element).second)
      return base::StrCat("set ", set, ": read element ", element, " twice");
  }
  for (uint64_t element : required) {
    if (!seen.contains(element)) {
      return base::StrCat("set ", set, ": element ", element, " was acknowledged and is not there");
    }
  }
  return std::nullopt;
}

std::vector<std::string> SetChecker::sets() const {
  std::vector<std::string> sets;
  for (const auto& [set, elements] : sets_) sets.push_back(set);
  return sets;
}

}  // namespace tholos::sim
