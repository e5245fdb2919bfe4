// Cuts a text of many statements into single ones, for a shell: files of statements, and input
// typed over many lines.
//
//   const Script script = SplitScript("USE ks; SELECT * FROM t\nWHERE k =");
//   // script.statements: {"USE ks", 1:1}; script.tail: {"SELECT * FROM t\nWHERE k =", 1:9},
//   kStatement
//
// A statement ends at a semicolon that stands in no string, quoted name or comment, nor between
// BEGIN ... BATCH and APPLY BATCH. Statements are not parsed: a bad one is cut out like any other,
// and Parse() tells what is wrong with it. Time is linear in the text.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "cql/parser.h"
#include "cql/position.h"

namespace tholos::cql {

struct ScriptStatement {
  std::string_view
      text;        // from the first to the last token, without the semicolon; refers to the script
  Position start;  // of text; goes into ParseOptions::start
};

struct Script {
  // What is open at the end of the text, innermost first.
  enum class Open : uint8_t {
    kNothing,       // everything ended; tail.text is empty
    kStatement,     // a statement without its semicolon
    kBatch,         // BEGIN BATCH without its APPLY BATCH
    kString,        // '...
    kDollarString,  // $$...
    kQuotedName,    // "...
    kComment,       // /*...; tail.text is empty if no statement has begun
  };

  std::vector<ScriptStatement> statements;
  ScriptStatement tail;  // what follows the last semicolon: incomplete
  Open open = Open::kNothing;
};

// `start` is the position of the first character. The result refers to `text`.
Script SplitScript(std::string_view text, Position start = {});

}  // namespace tholos::cql
