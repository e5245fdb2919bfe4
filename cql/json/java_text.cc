#include "cql/json/java_text.h"

#include <charconv>
#include <cmath>

#include "absl/strings/match.h"
#include "base/strings.h"

namespace tholos::cql {
namespace {

// "1.2345e+10" to 1.2345E10, plain between 10^-3 and 10^7, always with a digit behind the point.
template <typename Float>
std::string Shortest(Float v) {
  if (std::isnan(v)) return "NaN";
  if (std::isinf(v)) return v < 0 ? "-Infinity" : "Infinity";
  if (v == 0) return std::signbit(v) ? "-0.0" : "0.0";
  char buffer[400];
  const Float size = std::abs(v);
  const bool plain = size >= static_cast<Float>(1e-3) && size < static_cast<Float>(1e7);
  const auto format = plain ? std::chars_format::fixed : std::chars_format::scientific;
  std::string text(buffer, std::to_chars(buffer, buffer + sizeof(buffer), v, format).ptr);
  const size_t e = text.find('e');
  std::string exponent;
  if (e != std::string::npos) {
    int power = 0;
    const size_t digits = e + (text[e + 1] == '+' ? 2 : 1);
    std::from_chars(text.data() + digits, text.data() + text.size(), power);
    exponent = base::StrCat("E", power);
    text.resize(e);
  }
  if (text.find('.') == std::string::npos) text += ".0";
  return text + exponent;
}

}  // namespace

std::string JavaText(double v) { return Shortest(v); }
std::string JavaText(float v) { return Shortest(v); }

std::string JavaText(data::TypeId type, std::string_view bytes) {
  switch (type) {
    case data::TypeId::kDouble:
      return JavaText(data::DecodeDouble(bytes));
    case data::TypeId::kFloat:
      return JavaText(data::DecodeFloat(bytes));
    case data::TypeId::kTimestamp: {
      // 2026-01-31 10:00:00.000+0000
      std::string text = data::DataType(type).ToDisplay(bytes);
      if (text.size() > 10 && text.ends_with("+0000")) {
        text.replace(text.size() - 5, 5, "Z");
        text[text.find(' ')] = 'T';
      }
      return text;
    }
    default:
      return data::DataType(type).ToDisplay(bytes);
  }
}

}  // namespace tholos::cql
