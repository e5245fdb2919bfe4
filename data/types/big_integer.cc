#include "data/types/big_integer.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <limits>

#include "base/check.h"

namespace tholos::data {
namespace {

constexpr uint64_t kLimbBase = uint64_t{1} << 32;
// The largest power of ten below the limb's base, to go through decimal digits in groups.
constexpr uint32_t kGroup = 1'000'000'000;
constexpr size_t kGroupDigits = 9;

using Limbs = std::vector<uint32_t>;

void Trim(Limbs* limbs) {
  while (!limbs->empty() && limbs->back() == 0) limbs->pop_back();
}

// limbs = limbs * factor + addend
void MultiplyAdd(Limbs* limbs, uint32_t factor, uint32_t addend) {
  uint64_t carry = addend;
  for (uint32_t& limb : *limbs) {
    carry += uint64_t{limb} * factor;
    limb = static_cast<uint32_t>(carry);
    carry >>= 32;
  }
  if (carry != 0) limbs->push_back(static_cast<uint32_t>(carry));
}

// limbs /= divisor; the remainder.
uint32_t DivideBy(Limbs* limbs, uint32_t divisor) {
  uint64_t rest = 0;
  for (size_t i = limbs->size(); i-- > 0;) {
    rest = rest << 32 | (*limbs)[i];
    (*limbs)[i] = static_cast<uint32_t>(rest / divisor);
    rest %= divisor;
  }
  Trim(limbs);
  return static_cast<uint32_t>(rest);
}

// Left by less than 32 bits, with one limb more.
Limbs Shifted(const Limbs& limbs, int bits) {
  Limbs out(limbs.size() + 1);
  uint64_t carry = 0;
  for (size_t i = 0; i < limbs.size(); ++i) {
    carry |= uint64_t{limbs[i]} << bits;
    out[i] = static_cast<uint32_t>(carry);
    carry >>= 32;
  }
  out.back() = static_cast<uint32_t>(carry);
  return out;
}

}  // namespace

BigInteger::BigInteger(bool negative, Limbs limbs) : limbs_(std::move(limbs)) {
  Trim(&limbs_);
  negative_ = negative && !limbs_.empty();
}

BigInteger::BigInteger(int64_t v) {
  uint64_t magnitude = v < 0 ? ~static_cast<uint64_t>(v) + 1 : static_cast<uint64_t>(v);
  negative_ = v < 0;
  for (; magnitude != 0; magnitude >>= 32) limbs_.push_back(static_cast<uint32_t>(magnitude));
}

BigInteger BigInteger::FromTwosComplement(std::string_view bytes) {
  const bool negative = !bytes.empty() && (bytes.front() & 0x80) != 0;
  Limbs limbs((bytes.size() + 3) / 4, negative ? 0xFFFFFFFFu : 0);
  for (size_t i = 0; i < bytes.size(); ++i) {
    const uint32_t byte = static_cast<uint8_t>(bytes[bytes.size() - 1 - i]);
    uint32_t& limb = limbs[i / 4];
    const int shift = static_cast<int>(8 * (i % 4));
    limb = (limb & ~(0xFFu << shift)) | byte << shift;
  }
  if (negative) {
    uint64_t carry = 1;
    for (uint32_t& limb : limbs) {
      carry += ~limb;
      limb = static_cast<uint32_t>(carry);
      carry >>= 32;
    }
    if (carry != 0) limbs.push_back(1);
  }
  return BigInteger(negative, std::move(limbs));
}

std::optional<BigInteger> BigInteger::FromDecimal(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) {
    return std::nullopt;
  }
  Limbs limbs;
  while (!text.empty()) {
    // The first group takes what is not a whole one.
    const size_t digits = (text.size() - 1) % kGroupDigits + 1;
    uint32_t group = 0;
    uint32_t power = 1;
    for (const char c : text.substr(0, digits)) {
      group = 10 * group + static_cast<uint32_t>(c - '0');
      power *= 10;
    }
    MultiplyAdd(&limbs, power, group);
    text.remove_prefix(digits);
  }
  return BigInteger(negative, std::move(limbs));
}

std::string BigInteger::ToTwosComplement() const {
  std::string out(limbs_.size() * 4 + 1, '\0');
  uint64_t carry = 1;
  for (size_t i = 0; i < limbs_.size(); ++i) {
    uint32_t limb = limbs_[i];
    if (negative_) {
      carry += static_cast<uint32_t>(~limb);
      limb = static_cast<uint32_t>(carry);
      carry >>= 32;
    }
    for (size_t k = 0; k < 4; ++k)
      out[out.size() - 1 - 4 * i - k] = static_cast<char>(limb >> 8 * k);
  }
  if (negative_) out[0] = '\xFF';
  size_t skip = 0;
  while (skip + 1 < out.size() && out[skip] == (negative_ ? '\xFF' : '\0') &&
         ((out[skip + 1] & 0x80) != 0) == negative_) {
    ++skip;
  }
  return out.substr(skip);
}

std::string BigInteger::ToDecimal() const {
  if (IsZero()) return "0";
  std::string reversed;
  Limbs rest = limbs_;
  while (!rest.empty()) {
    uint32_t group = DivideBy(&rest, kGroup);
    for (size_t i = 0; i < kGroupDigits && (!rest.empty() || group != 0); ++i) {
      reversed.push_back(static_cast<char>('0' + group % 10));
      group /= 10;
    }
  }
  if (negative_) reversed.push_back('-');
  return std::string(reversed.rbegin(), reversed.rend());
}

std::optional<int64_t> BigInteger::ToInt64() const {
  if (limbs_.size() > 2) return std::nullopt;
  uint64_t magnitude = 0;
  for (size_t i = limbs_.size(); i-- > 0;) magnitude = magnitude << 32 | limbs_[i];
  const uint64_t limit = uint64_t{1} << 63;
  if (magnitude > limit || (magnitude == limit && !negative_)) return std::nullopt;
  return static_cast<int64_t>(negative_ ? ~magnitude + 1 : magnitude);
}

double BigInteger::ToDouble() const {
  // Rounds once, and correctly: the decimal digits say what the number is.
  const std::string text = ToDecimal();
  double v = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (error == std::errc::result_out_of_range) {
    const double infinity = std::numeric_limits<double>::infinity();
    return negative_ ? -infinity : infinity;
  }
  return v;
}

BigInteger BigInteger::operator-() const { return BigInteger(!negative_, limbs_); }

int BigInteger::CompareLimbs(const Limbs& a, const Limbs& b) {
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  for (size_t i = a.size(); i-- > 0;) {
    if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
  }
  return 0;
}

BigInteger::Limbs BigInteger::AddLimbs(const Limbs& a, const Limbs& b) {
  Limbs sum(std::max(a.size(), b.size()) + 1);
  uint64_t carry = 0;
  for (size_t i = 0; i < sum.size(); ++i) {
    carry += uint64_t{i < a.size() ? a[i] : 0} + (i < b.size() ? b[i] : 0);
    sum[i] = static_cast<uint32_t>(carry);
    carry >>= 32;
  }
  return sum;
}

BigInteger::Limbs BigInteger::SubtractLimbs(const Limbs& a, const Limbs& b) {
  Limbs difference(a.size());
  int64_t borrow = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    int64_t v = int64_t{a[i]} - (i < b.size() ? b[i] : 0) + borrow;
    borrow = v < 0 ? -1 : 0;
    if (v < 0) v += static_cast<int64_t>(kLimbBase);
    difference[i] = static_cast<uint32_t>(v);
  }
  return difference;
}

BigInteger operator+(const BigInteger& a, const BigInteger& b) {
  if (a.negative_ == b.negative_) {
    return BigInteger(a.negative_, BigInteger::AddLimbs(a.limbs_, b.limbs_));
  }
  if (BigInteger::CompareLimbs(a.limbs_, b.limbs_) < 0) return b + a;
  return BigInteger(a.negative_, BigInteger::SubtractLimbs(a.limbs_, b.limbs_));
}

BigInteger operator-(const BigInteger& a, const BigInteger& b) { return a + -b; }

BigInteger operator*(const BigInteger& a, const BigInteger& b) {
  BigInteger::Limbs product(a.limbs_.size() + b.limbs_.size());
  for (size_t i = 0; i < a.limbs_.size(); ++i) {
    uint64_t carry = 0;
    for (size_t k = 0; k < b.limbs_.size(); ++k) {
      carry += uint64_t{a.limbs_[i]} * b.limbs_[k] + product[i + k];
      product[i + k] = static_cast<uint32_t>(carry);
      carry >>= 32;
    }
    product[i + b.limbs_.size()] = static_cast<uint32_t>(carry);
  }
  return BigInteger(a.negative_ != b.negative_, std::move(product));
}

// Knuth, The Art of Computer Programming 2, 4.3.1, algorithm D; its steps are numbered.
std::pair<BigInteger, BigInteger> BigInteger::DivMod(const BigInteger& dividend,
                                                     const BigInteger& divisor) {
  THOLOS_CHECK(!divisor.IsZero());
  const bool negative = dividend.negative_ != divisor.negative_;
  if (CompareLimbs(dividend.limbs_, divisor.limbs_) < 0) return {BigInteger(), dividend};
  if (divisor.limbs_.size() == 1) {
    Limbs quotient = dividend.limbs_;
    const uint32_t rest = DivideBy(&quotient, divisor.limbs_[0]);
    return {BigInteger(negative, std::move(quotient)), BigInteger(dividend.negative_, {rest})};
  }
  // D1: the divisor's first bit becomes 1.
  const int shift = std::countl_zero(divisor.limbs_.back());
  Limbs v = Shifted(divisor.limbs_, shift);
  v.pop_back();
  Limbs u = Shifted(dividend.limbs_, shift);
  const size_t n = v.size();
  Limbs quotient(u.size() - n);
  for (size_t j = quotient.size(); j-- > 0;) {
    // D3: an estimate from the two first limbs, at most one too large after the correction.
    const uint64_t head = uint64_t{u[j + n]} << 32 | u[j + n - 1];
    uint64_t q = head / v[n - 1];
    uint64_t rest = head % v[n - 1];
    while (q >= kLimbBase || q * v[n - 2] > (rest << 32 | u[j + n - 2])) {
      --q;
      rest += v[n - 1];
      if (rest >= kLimbBase) break;
    }
    // D4: subtract.
    uint64_t carry = 0;
    int64_t borrow = 0;
    for (size_t i = 0; i <= n; ++i) {
      carry += i < n ? q * v[i] : 0;
      const int64_t d = int64_t{u[i + j]} - static_cast<int64_t>(carry & 0xFFFFFFFF) + borrow;
      u[i + j] = static_cast<uint32_t>(d);
      borrow = d < 0 ? -1 : 0;
      carry >>= 32;
    }
    // D6: the estimate was one too large.
    if (borrow != 0) {
      --q;
      uint64_t sum = 0;
      for (size_t i = 0; i <= n; ++i) {
        sum += uint64_t{u[i + j]} + (i < n ? v[i] : 0);
        u[i + j] = static_cast<uint32_t>(sum);
        sum >>= 32;
      }
    }
    quotient[j] = static_cast<uint32_t>(q);
  }
  // D8: the remainder is what is left, shifted back.
  Limbs rest(n);
  for (size_t i = 0; i < n; ++i) {
    const uint64_t pair = uint64_t{i + 1 < u.size() ? u[i + 1] : 0} << 32 | u[i];
    rest[i] = static_cast<uint32_t>(pair >> shift);
  }
  return {BigInteger(negative, std::move(quotient)),
          BigInteger(dividend.negative_, std::move(rest))};
}

BigInteger BigInteger::PowerOfTen(uint32_t exponent) {
  Limbs limbs = {1};
  for (; exponent >= kGroupDigits; exponent -= kGroupDigits) MultiplyAdd(&limbs, kGroup, 0);
  for (; exponent > 0; --exponent) MultiplyAdd(&limbs, 10, 0);
  return BigInteger(false, std::move(limbs));
}

std::strong_ordering operator<=>(const BigInteger& a, const BigInteger& b) {
  if (a.negative_ != b.negative_) {
    return a.negative_ ? std::strong_ordering::less : std::strong_ordering::greater;
  }
  const int order = BigInteger::CompareLimbs(a.limbs_, b.limbs_);
  return (a.negative_ ? -order : order) <=> 0;
}

}  // namespace tholos::data
