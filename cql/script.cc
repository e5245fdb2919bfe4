#include "cql/script.h"

#include <optional>

#include "cql/lexer.h"

namespace tholos::cql {
namespace {

// Whether the tokens seen so far of a statement leave it inside a batch.
//
//   kStart --BEGIN--> kBegin --BATCH--> kInside --APPLY--> kApply --BATCH--> kOther
//                     kBegin stays on one other word (UNLOGGED, COUNTER), kApply falls back to
//                     kInside
class BatchTracker {
 public:
  void See(Keyword keyword) {
    switch (state_) {
      case State::kStart:
        state_ = keyword == Keyword::kBegin ? State::kBegin : State::kOther;
        break;
      case State::kBegin:
        if (keyword == Keyword::kBatch) {
          state_ = State::kInside;
        } else if (keyword != Keyword::kUnlogged && keyword != Keyword::kCounter) {
          state_ = State::kOther;
        }
        break;
      case State::kInside:
        if (keyword == Keyword::kApply) state_ = State::kApply;
        break;
      case State::kApply:
        state_ = keyword == Keyword::kBatch ? State::kOther : State::kInside;
        break;
      case State::kOther:
        break;
    }
  }

  bool inside() const { return state_ == State::kInside || state_ == State::kApply; }

 private:
  enum class State : uint8_t { kStart, kBegin, kInside, kApply, kOther };
  State state_ = State::kStart;
};

// A statement whose semicolon has not come yet.
struct Begun {
  size_t start_offset = 0;
  size_t end_offset = 0;  // of its last token
  Position start;
  BatchTracker batch;
};

Script::Open OpenOf(Unterminated unterminated) {
  switch (unterminated) {
    case Unterminated::kString:
      return Script::Open::kString;
    case Unterminated::kDollarString:
      return Script::Open::kDollarString;
    case Unterminated::kQuotedName:
      return Script::Open::kQuotedName;
    case Unterminated::kComment:
      return Script::Open::kComment;
    case Unterminated::kNothing:
      break;
  }
  return Script::Open::kNothing;
}

}  // namespace

Script SplitScript(std::string_view text, Position start) {
  Script script;
  Lexer lexer(text, start);
  std::optional<Begun> begun;
  const auto statement = [&] {
    const size_t bytes = begun->end_offset - begun->start_offset;
    return ScriptStatement{text.substr(begun->start_offset, bytes), begun->start};
  };
  for (Token token = lexer.Next(); token.kind != TokenKind::kEnd; token = lexer.Next()) {
    if (token.kind == TokenKind::kSemicolon && !(begun && begun->batch.inside())) {
      if (begun) script.statements.push_back(statement());
      begun.reset();
      continue;
    }
    if (token.kind == TokenKind::kInvalid) {
      script.open = OpenOf(lexer.error().unterminated);
      // Open at the end, and no part of a statement unless one has begun.
      if (script.open == Script::Open::kComment && !begun) break;
    }
    if (!begun) {
      begun = Begun{.start_offset = lexer.offset() - token.text.size(), .start = token.position};
    }
    begun->end_offset = lexer.offset();
    begun->batch.See(token.keyword);
  }
  if (!begun) return script;
  script.tail = statement();
  if (script.open == Script::Open::kNothing) {
    script.open = begun->batch.inside() ? Script::Open::kBatch : Script::Open::kStatement;
  }
  return script;
}

}  // namespace tholos::cql
