#include "cql/lexer.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "cql/text.h"

namespace tholos::cql {
namespace {

bool IsWordCharacter(char c) { return absl::ascii_isalnum(c) || c == '_'; }

// The length of the UTF-8 character at the start of `text` (not empty), 0 if it is none: a stray or
// missing continuation byte, an overlong form, a surrogate, or beyond U+10FFFF.
//
//   first byte   second byte   length          first byte   second byte   length
//   00..7F                     1               ED           80..9F        3  (no surrogates)
//   C2..DF       80..BF        2               F0           90..BF        4  (not overlong)
//   E0           A0..BF        3 (not overlong)  F1..F3     80..BF        4
//   E1..EC, EE.. 80..BF        3               F4           80..8F        4  (up to U+10FFFF)
size_t Utf8Length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  if (first < 0x80) return 1;
  if (first < 0xC2 || first > 0xF4) return 0;
  const size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (text.size() < length) return 0;
  const uint8_t low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const uint8_t high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < low || byte(1) > high) return 0;
  for (size_t i = 2; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  return length;
}

// Of the unit of a duration at the start of `text`; 0 if there is none.
size_t DurationUnitLength(std::string_view text) {
  for (const std::string_view unit :
       {"mo", "ms", "us", "\xC2\xB5s", "\xCE\xBCs", "ns", "y", "w", "d", "h", "m", "s"}) {
    if (std::ranges::equal(text.substr(0, unit.size()), unit, {}, absl::ascii_tolower)) {
      return unit.size();
    }
  }
  return 0;
}

}  // namespace

std::string ToString(Position position) {
  return absl::StrFormat("line %d:%d", position.line, position.column);
}

std::optional<Position> PositionIn(std::string_view message) {
  Position position;
  if (!message.starts_with("line ")) return std::nullopt;
  message.remove_prefix(5);
  const char* const end = message.data() + message.size();
  const auto line = std::from_chars(message.data(), end, position.line);
  if (line.ec != std::errc() || line.ptr == end || *line.ptr != ':') return std::nullopt;
  const auto column = std::from_chars(line.ptr + 1, end, position.column);
  if (column.ec != std::errc() || column.ptr == end || *column.ptr != ' ') return std::nullopt;
  return position;
}

std::string_view SymbolName(TokenKind kind) {
  switch (kind) {
    case TokenKind::kQuestionMark:
      return "'?'";
    case TokenKind::kLeftParen:
      return "'('";
    case TokenKind::kRightParen:
      return "')'";
    case TokenKind::kLeftBracket:
      return "'['";
    case TokenKind::kRightBracket:
      return "']'";
    case TokenKind::kLeftBrace:
      return "'{'";
    case TokenKind::kRightBrace:
      return "'}'";
    case TokenKind::kComma:
      return "','";
    case TokenKind::kSemicolon:
      return "';'";
    case TokenKind::kColon:
      return "':'";
    case TokenKind::kDot:
      return "'.'";
    case TokenKind::kRange:
      return "'..'";
    case TokenKind::kEqual:
      return "'='";
    case TokenKind::kNotEqual:
      return "'!='";
    case TokenKind::kLess:
      return "'<'";
    case TokenKind::kLessOrEqual:
      return "'<='";
    case TokenKind::kGreater:
      return "'>'";
    case TokenKind::kGreaterOrEqual:
      return "'>='";
    case TokenKind::kPlus:
      return "'+'";
    case TokenKind::kMinus:
      return "'-'";
    case TokenKind::kPlusEqual:
      return "'+='";
    case TokenKind::kMinusEqual:
      return "'-='";
    case TokenKind::kStar:
      return "'*'";
    case TokenKind::kSlash:
      return "'/'";
    case TokenKind::kPercent:
      return "'%'";
    default:
      return "";
  }
}

bool IsName(const Token& token) {
  return token.kind == TokenKind::kQuotedName ||
         (token.kind == TokenKind::kWord && !IsReserved(token.keyword));
}

std::string NameOf(const Token& token) {
  if (token.kind == TokenKind::kWord) {
    std::string name(token.text);
    absl::AsciiStrToLower(&name);
    return name;
  }
  return UndoubleQuotes(token.text.substr(1, token.text.size() - 2), '"');
}

std::string StringOf(const Token& token) {
  if (token.kind == TokenKind::kDollarString) {
    return std::string(token.text.substr(2, token.text.size() - 4));
  }
  return UndoubleQuotes(token.text.substr(1, token.text.size() - 2), '\'');
}

Token Lexer::Next() {
  bad_utf8_ = false;
  Token token;
  size_t start;
  do {
    SkipBlanks();
    start = offset_;
    token.position = at_;
    if (AtEnd()) return token;
  } while (SkipComment(&token.kind));
  if (token.kind == TokenKind::kEnd) token.kind = ScanToken(text_[offset_]);
  if (bad_utf8_) token.kind = TokenKind::kInvalid;
  token.text = text_.substr(start, offset_ - start);
  if (token.kind == TokenKind::kWord) token.keyword = FindKeyword(token.text);
  return token;
}

TokenKind Lexer::ScanToken(char first) {
  if (absl::ascii_isxdigit(first) && AtUuid()) return ScanUuid();
  if (first == 'P' || (first == '-' && CharAt(1) == 'P')) {
    if (const size_t length = IsoDurationLength(); length > 0) return ScanDuration(length);
  }
  if (absl::ascii_isalpha(first)) return ScanWord();
  if (first == '0' && absl::ascii_tolower(CharAt(1)) == 'x') return ScanBlob();
  if (absl::ascii_isdigit(first) || (first == '-' && absl::ascii_isdigit(CharAt(1)))) {
    if (const size_t length = UnitDurationLength(); length > 0) return ScanDuration(length);
    return ScanNumber();
  }
  if (first == '-' && ScanSignedSpecialFloat()) return TokenKind::kFloat;
  if (first == '\'') return ScanQuoted('\'', TokenKind::kString, Unterminated::kString);
  if (first == '"') return ScanQuoted('"', TokenKind::kQuotedName, Unterminated::kQuotedName);
  if (StartsWith("$$")) return ScanDollarString();
  return ScanSymbol();
}

void Lexer::SkipBlanks() {
  while (!AtEnd()) {
    const char c = text_[offset_];
    if (c != ' ' && c != '\t' && c != '\r' && c != '\n') break;
    StepCharacter();
  }
}

// True if there was a comment and it was good; a bad one is a token of its own.
bool Lexer::SkipComment(TokenKind* kind) {
  if (StartsWith("--") || StartsWith("//")) {
    while (!AtEnd() && text_[offset_] != '\n' && text_[offset_] != '\r') StepCharacter();
  } else if (StartsWith("/*")) {
    const Position start = at_;
    StepAscii(2);
    while (!AtEnd() && !StartsWith("*/")) StepCharacter();
    if (AtEnd()) {
      *kind = Invalid(start, "unterminated comment", Unterminated::kComment);
      return false;
    }
    StepAscii(2);
  } else {
    return false;
  }
  if (bad_utf8_) *kind = TokenKind::kInvalid;
  return !bad_utf8_;
}

TokenKind Lexer::ScanWord() {
  size_t length = 1;
  while (IsWordCharacter(CharAt(length))) ++length;
  StepAscii(length);
  return TokenKind::kWord;
}

// -?digits(.digits*)?([eE][+-]?digits)?, but 1..2 is a range of integers.
TokenKind Lexer::ScanNumber() {
  const Position start = at_;
  const size_t start_offset = offset_;
  TokenKind kind = TokenKind::kInteger;
  size_t length = 1;
  while (absl::ascii_isdigit(CharAt(length))) ++length;
  if (CharAt(length) == '.' && CharAt(length + 1) != '.') {
    kind = TokenKind::kFloat;
    ++length;
    while (absl::ascii_isdigit(CharAt(length))) ++length;
  }
  if (absl::ascii_tolower(CharAt(length)) == 'e') {
    const char sign = CharAt(length + 1);
    const size_t digits = length + (sign == '+' || sign == '-' ? 2 : 1);
    if (absl::ascii_isdigit(CharAt(digits))) {
      kind = TokenKind::kFloat;
      length = digits + 1;
      while (absl::ascii_isdigit(CharAt(length))) ++length;
    }
  }
  StepAscii(length);
  return ScanNumberTail(kind, start, start_offset);
}

// A number, UUID or blob has to end where a word could not go on: `12ab` is neither a number nor
// two tokens.
TokenKind Lexer::ScanNumberTail(TokenKind kind, Position start, size_t start_offset) {
  if (!IsWordCharacter(CharAt(0))) return kind;
  size_t length = 1;
  while (IsWordCharacter(CharAt(length))) ++length;
  StepAscii(length);
  const std::string_view what = kind == TokenKind::kUuid   ? "UUID"
                                : kind == TokenKind::kBlob ? "blob"
                                                           : "number";
  const std::string_view text = text_.substr(start_offset, offset_ - start_offset);
  return Invalid(start, Concat({"malformed ", what, " '", Abbreviate(text), "'"}));
}

TokenKind Lexer::ScanBlob() {
  const Position start = at_;
  const size_t start_offset = offset_;
  size_t length = 2;
  while (absl::ascii_isxdigit(CharAt(length))) ++length;
  StepAscii(length);
  const TokenKind kind = ScanNumberTail(TokenKind::kBlob, start, start_offset);
  if (kind == TokenKind::kBlob && length % 2 != 0) {
    return Invalid(start, "a blob needs an even number of hexadecimal digits");
  }
  return kind;
}

// -?(digits unit)+, a unit in any case: y mo w d h m s ms us µs ns.
size_t Lexer::UnitDurationLength() const {
  const std::string_view text = text_.substr(offset_);
  size_t length = text[0] == '-' ? 1 : 0;
  while (length < text.size() && absl::ascii_isdigit(text[length])) {
    while (length < text.size() && absl::ascii_isdigit(text[length])) ++length;
    const size_t unit = DurationUnitLength(text.substr(length));
    if (unit == 0) return 0;
    length += unit;
  }
  return IsWordCharacter(CharAt(length)) ? 0 : length;
}

// -?P with years, months, days, T, hours, minutes, seconds in this order, at least one of them; or
// weeks alone; or as a date: P0001-02-03T04:05:06.
size_t Lexer::IsoDurationLength() const {
  const std::string_view text = text_.substr(offset_);
  const size_t start = text[0] == '-' ? 2 : 1;
  static constexpr std::string_view kDate = "dddd-dd-ddTdd:dd:dd";
  const auto matches_date = [&] {
    if (text.size() < start + kDate.size()) return false;
    for (size_t i = 0; i < kDate.size(); ++i) {
      const char c = text[start + i];
      if (kDate[i] == 'd' ? !absl::ascii_isdigit(c) : c != kDate[i]) return false;
    }
    return true;
  };
  size_t length = start;
  if (matches_date()) {
    length += kDate.size();
  } else {
    // The designators that may still come, in their order.
    std::string_view designators = "WYMD";
    bool in_time = false;
    bool any = false;
    while (length < text.size()) {
      if (text[length] == 'T' && !in_time) {
        in_time = true;
        any = false;
        designators = "HMS";
        ++length;
        continue;
      }
      size_t end = length;
      while (end < text.size() && absl::ascii_isdigit(text[end])) ++end;
      if (end == length || end == text.size()) break;
      const size_t place = designators.find(text[end]);
      if (place == std::string_view::npos) break;
      designators = text[end] == 'W' ? std::string_view() : designators.substr(place + 1);
      any = true;
      length = end + 1;
    }
    if (!any) return 0;
  }
  return IsWordCharacter(CharAt(length)) ? 0 : length;
}

TokenKind Lexer::ScanDuration(size_t length) {
  const size_t end = offset_ + length;
  while (offset_ < end) StepCharacter();
  return TokenKind::kDuration;
}

// 8-4-4-4-12 hexadecimal digits.
bool Lexer::AtUuid() const {
  constexpr size_t kUuidBytes = 36;
  if (text_.size() - offset_ < kUuidBytes) return false;
  for (size_t i = 0; i < kUuidBytes; ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const char c = text_[offset_ + i];
    if (dash ? c != '-' : !absl::ascii_isxdigit(c)) return false;
  }
  return true;
}

TokenKind Lexer::ScanUuid() {
  const Position start = at_;
  const size_t start_offset = offset_;
  StepAscii(36);
  return ScanNumberTail(TokenKind::kUuid, start, start_offset);
}

bool Lexer::ScanSignedSpecialFloat() {
  for (const std::string_view name : {"nan", "infinity"}) {
    const std::string_view rest = text_.substr(offset_ + 1, name.size());
    if (std::ranges::equal(rest, name, {}, absl::ascii_tolower) &&
        !IsWordCharacter(CharAt(1 + name.size()))) {
      StepAscii(1 + name.size());
      return true;
    }
  }
  return false;
}

// Up to the closing quote; a doubled quote stands for one.
TokenKind Lexer::ScanQuoted(char quote, TokenKind kind, Unterminated unterminated) {
  const Position start = at_;
  const size_t start_offset = offset_;
  StepAscii(1);
  while (CharAt(0) != quote || CharAt(1) == quote) {
    if (AtEnd()) {
      return Invalid(start,
                     kind == TokenKind::kString ? "unterminated string" : "unterminated name",
                     unterminated);
    }
    if (CharAt(0) == quote) {
      StepAscii(2);
    } else {
      StepCharacter();
    }
  }
  StepAscii(1);
  if (kind == TokenKind::kQuotedName && offset_ - start_offset == 2) {
    return Invalid(start, "a quoted name cannot be empty");
  }
  return kind;
}

TokenKind Lexer::ScanDollarString() {
  const Position start = at_;
  StepAscii(2);
  while (!AtEnd() && !StartsWith("$$")) StepCharacter();
  if (AtEnd()) return Invalid(start, "unterminated string", Unterminated::kDollarString);
  StepAscii(2);
  return TokenKind::kDollarString;
}

TokenKind Lexer::ScanSymbol() {
  const auto one = [this](TokenKind kind) {
    StepAscii(1);
    return kind;
  };
  const auto with_equal = [this](TokenKind alone, TokenKind with) {
    const bool equal = CharAt(1) == '=';
    StepAscii(equal ? 2 : 1);
    return equal ? with : alone;
  };
  switch (text_[offset_]) {
    case '?':
      return one(TokenKind::kQuestionMark);
    case '(':
      return one(TokenKind::kLeftParen);
    case ')':
      return one(TokenKind::kRightParen);
    case '[':
      return one(TokenKind::kLeftBracket);
    case ']':
      return one(TokenKind::kRightBracket);
    case '{':
      return one(TokenKind::kLeftBrace);
    case '}':
      return one(TokenKind::kRightBrace);
    case ',':
      return one(TokenKind::kComma);
    case ';':
      return one(TokenKind::kSemicolon);
    case ':':
      return one(TokenKind::kColon);
    case '.':
      if (CharAt(1) == '.') {
        StepAscii(2);
        return TokenKind::kRange;
      }
      return one(TokenKind::kDot);
    case '=':
      return one(TokenKind::kEqual);
    case '*':
      return one(TokenKind::kStar);
    case '/':
      return one(TokenKind::kSlash);
    case '%':
      return one(TokenKind::kPercent);
    case '<':
      return with_equal(TokenKind::kLess, TokenKind::kLessOrEqual);
    case '>':
      return with_equal(TokenKind::kGreater, TokenKind::kGreaterOrEqual);
    case '+':
      return with_equal(TokenKind::kPlus, TokenKind::kPlusEqual);
    case '-':
      return with_equal(TokenKind::kMinus, TokenKind::kMinusEqual);
    case '!':
      if (CharAt(1) == '=') return with_equal(TokenKind::kNotEqual, TokenKind::kNotEqual);
      return UnexpectedCharacter();
    default:
      return UnexpectedCharacter();
  }
}

TokenKind Lexer::UnexpectedCharacter() {
  const Position start = at_;
  const size_t start_offset = offset_;
  StepCharacter();
  if (bad_utf8_) return TokenKind::kInvalid;
  const std::string_view character = text_.substr(start_offset, offset_ - start_offset);
  if (character.size() == 1 && !absl::ascii_isprint(character[0])) {
    return Invalid(
        start, absl::StrFormat("unexpected character 0x%02x", static_cast<uint8_t>(character[0])));
  }
  return Invalid(start, Concat({"unexpected character '", character, "'"}));
}

TokenKind Lexer::Invalid(Position position, std::string message, Unterminated unterminated) {
  error_ = {position, std::move(message), unterminated};
  return TokenKind::kInvalid;
}

void Lexer::StepCharacter() {
  const size_t length = Utf8Length(text_.substr(offset_));
  if (length == 0 && !bad_utf8_) {
    const auto byte = static_cast<uint8_t>(text_[offset_]);
    Invalid(at_, absl::StrFormat("invalid UTF-8 byte 0x%02x", byte));
    bad_utf8_ = true;
  }
  if (text_[offset_] == '\n') {
    at_ = {at_.line + 1, 1};
  } else {
    ++at_.column;
  }
  offset_ += std::max<size_t>(length, 1);
}

void Lexer::StepAscii(size_t count) {
  offset_ += count;
  at_.column += static_cast<uint32_t>(count);
}

}  // namespace tholos::cql
