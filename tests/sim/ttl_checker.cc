#include "tests/sim/ttl_checker.h"

#include <algorithm>

#include "base/check.h"
#include "base/strings.h"

namespace tholos::sim {

TtlChecker::Try TtlChecker::Begin(const std::string& key, uint64_t version, bool erase, int32_t ttl,
                                  const WallClocks::Mark& mark) {
  auto& operations = registers_[key].operations;
  THOLOS_CHECK(operations.empty() || operations.rbegin()->first <= version);
  Operation& operation = operations[version];
  operation.erase = erase;
  operation.attempts.push_back({.ttl = ttl, .mark = mark, .clock = {}});
  return {version, operation.attempts.size() - 1};
}

void TtlChecker::End(const std::string& key, const Try& of, Outcome outcome) {
  Register& r = registers_[key];
  Operation& operation = r.operations.at(of.version);
  Attempt& attempt = operation.attempts[of.index];
  attempt.outcome = outcome;
  attempt.clock = clocks_.Since(attempt.mark);
  if (outcome == Outcome::kNotApplied) return;
  const int64_t expires_by = ExpiryOf(attempt).last;
  if (attempt.ttl != 0) latest_expiry_ = std::max(latest_expiry_, expires_by);
  if (outcome != Outcome::kAcknowledged) return;
  ++acknowledged_;
  r.floor = std::max(r.floor, of.version);
  Bind(&operation, expires_by);
}

uint64_t TtlChecker::Floor(const std::string& key) const {
  const auto it = registers_.find(key);
  return it == registers_.end() ? 0 : it->second.floor;
}

WallSpan TtlChecker::ExpiryOf(const Attempt& attempt) const {
  if (attempt.ttl == 0) return {kNever, kNever};
  WallSpan span = attempt.clock.value_or(WallSpan());
  if (!attempt.clock.has_value()) span = clocks_.Since(attempt.mark);
  return {span.first + attempt.ttl, span.last + attempt.ttl};
}

int64_t TtlChecker::ExpiresBy(const Operation& operation, const Read& read) {
  if (!read.bound) return kNever;
  const auto& bounds = operation.bounds;
  for (auto bound = bounds.rbegin(); bound != bounds.rend(); ++bound) {
    if (bound->since <= read.began) return bound->expires_by;
  }
  return kNever;
}

void TtlChecker::Bind(Operation* operation, int64_t expires_by) const {
  auto& bounds = operation->bounds;
  if (expires_by < (bounds.empty() ? kNever : bounds.back().expires_by))
    bounds.push_back({clocks_.Now(0).when, expires_by});
}

bool TtlChecker::MayHide(const Operation& operation, const Read& read) const {
  return std::any_of(
      operation.attempts.begin(), operation.attempts.end(), [&](const Attempt& attempt) {
        if (attempt.outcome == Outcome::kNotApplied) return false;
        if (operation.erase) return true;
        const int64_t latest =
            std::max(clocks_.LatestSince(attempt.mark.when - kReadMax), read.now.last);
        return latest >= ExpiryOf(attempt).first;
      });
}

bool TtlChecker::MayShow(const Operation& operation, const Read& read) const {
  if (operation.erase || read.now.first >= ExpiresBy(operation, read)) return false;
  return std::any_of(
      operation.attempts.begin(), operation.attempts.end(), [&](const Attempt& attempt) {
        return attempt.outcome != Outcome::kNotApplied && read.now.first < ExpiryOf(attempt).last;
      });
}

bool TtlChecker::MayHaveLeft(const Operation& operation, std::optional<int32_t> ttl_left,
                             const Read& read) const {
  const int64_t expires_from = ttl_left.has_value() ? read.now.first + *ttl_left : kNever;
  const int64_t expires_to = ttl_left.has_value() ? read.now.last + *ttl_left : kNever;
  if (expires_from > ExpiresBy(operation, read)) return false;
  return std::any_of(operation.attempts.begin(), operation.attempts.end(),
                     [&](const Attempt& attempt) {
                       if (attempt.outcome == Outcome::kNotApplied) return false;
                       const WallSpan expiry = ExpiryOf(attempt);
                       return expires_from <= expiry.last && expires_to >= expiry.first;
                     });
}

std::optional<std::string> TtlChecker::Observe(const std::string& key, uint64_t floor,
                                               const std::optional<Seen>& seen, const Read& read) {
  ++observations_;
  Register& r = registers_[key];
  if (!seen.has_value()) return ObserveNothing(key, floor, read, &r);
  const std::string what = base::StrCat("register ", key, ": read version ", seen->version);
  const auto it = r.operations.find(seen->version);
  if (it == r.operations.end()) return base::StrCat(what, ", which was never written");
  if (read.bound && seen->version < floor)
    return base::StrCat(what, " after ", floor, " was acknowledged or read");
  Operation& operation = it->second;
  if (!MayShow(operation, read))
    return base::StrCat(what, ", which was refused or has expired, at ", read.now.first);
  if (!MayHaveLeft(operation, seen->ttl_left, read)) {
    const std::string left = seen->ttl_left.has_value()
                                 ? base::StrCat(" with ", *seen->ttl_left, " s to live")
                                 : " without TTL";
    return base::StrCat(what, left, ", as no try of it had, or an earlier expiry was known");
  }
  if (!read.bound) return std::nullopt;
  r.floor = std::max(r.floor, seen->version);
  if (seen->ttl_left.has_value()) Bind(&operation, read.now.last + *seen->ttl_left);
  return std::nullopt;
}

std::optional<std::string> TtlChecker::ObserveNothing(const std::string& key, uint64_t floor,
                                                      const Read& read, Register* r) {
  if (floor == 0 || !read.bound) return std::nullopt;
  for (auto it = r->operations.lower_bound(floor); it != r->operations.end(); ++it) {
    if (!MayHide(it->second, read)) continue;
    // This one was read, erased or expired, or a later one.
    r->floor = std::max(r->floor, it->first);
    return std::nullopt;
  }
  return base::StrCat("register ", key, ": read nothing after version ", floor,
                      " was acknowledged or read, and nothing erased it or had expired at ",
                      read.now.last);
}

std::optional<std::string> TtlChecker::ObserveAlive(const std::string& key, uint64_t floor,
                                                    const Read& read) {
  ++observations_;
  const auto& operations = registers_[key].operations;
  for (auto it = operations.lower_bound(read.bound ? floor : 0); it != operations.end(); ++it) {
    if (MayShow(it->second, read)) return std::nullopt;
  }
  return base::StrCat("register ", key, ": alive, and version ", floor,
                      " and all later ones were refused, erased it or had expired at ",
                      read.now.first);
}

}  // namespace tholos::sim
