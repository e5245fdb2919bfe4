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

void RegisterChecker::End(const std::string& key, uint64_t version, Outcome outcome) {
  Register& r = registers_[key];
  r.operations.at(version).outcome = outcome;
  if (outcome != Outcome::kAcknowledged) return;
  ++acknowledged_;
  r.floor = std::max(r.floor, version);
}

uint64_t RegisterChecker::Floor(const std::string& key) const {
  auto it = registers_.find(key);
  return it == registers_.end() ? 0 : it->second.floor;
}

std::optional<std::string> RegisterChecker::Observe(const std::string& key, uint64_t floor,
                                                    std::optional<uint64_t> version) {
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
    r.floor = std::max(r.floor, v);
    return std::nullopt;
  }
  if (floor == 0) return std::nullopt;
  for (auto it = r.operations.lower_bound(floor); it != r.operations.end(); ++it) {
    if (may_see(it->second, true)) return std::nullopt;
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
  Elements& elements = sets_[set];
  elements.outcomes.push_back(Outcome::kUnknown);
  return elements.outcomes.size();
}

void SetChecker::End(const std::string& set, uint64_t element, Outcome outcome) {
  Elements& elements = sets_[set];
  elements.outcomes[element - 1] = outcome;
  if (outcome != Outcome::kAcknowledged) return;
  ++acknowledged_;
  elements.acknowledged.insert(element);
}

std::set<uint64_t> SetChecker::Required(const std::string& set) const {
  auto it = sets_.find(set);
  return it == sets_.end() ? std::set<uint64_t>() : it->second.acknowledged;
}

std::optional<std::string> SetChecker::Observe(const std::string& set,
                                               const std::set<uint64_t>& required,
                                               const std::vector<uint64_t>& elements) {
  Elements& known = sets_[set];
  std::set<uint64_t> seen;
  for (uint64_t element : elements) {
    if (element == 0 || element > known.outcomes.size() ||
        known.outcomes[element - 1] == Outcome::kNotApplied) {
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
