// CQL text -> statement: a recursive-descent parser of CQL 3.4.7.
//
//   absl::StatusOr<ParsedStatement> parsed = Parse("SELECT v FROM t WHERE k = :key");
//   // parsed->statement holds a SelectStatement, parsed->markers is {{0, "key"}}
//
// What parses: CREATE, ALTER and DROP of KEYSPACE, TABLE and TYPE, TRUNCATE, USE, SELECT, INSERT,
// UPDATE, DELETE, BATCH, DESCRIBE, each with everything the language gives it. What CQL has beyond
// that (indexes, views, functions, triggers, roles and permissions, dynamic data masking) is
// refused by name: "line 1:1 CREATE INDEX is not supported yet".
//
// Wider than Cassandra's grammar: arithmetic takes parentheses and unary minus everywhere, and
// `a -1` is a subtraction.
//
// Every error is absl::InvalidArgumentError, for what is refused by name absl::UnimplementedError,
// for what is beyond a limit of ParseOptions absl::ResourceExhaustedError, and starts with the
// place, both numbers counting from 1:
//
//   line 1:8 expected a selector, found 'FROM'
//   line 2:5 unterminated string
//
// Time is linear in the text. Memory is linear too, but a tree takes up to about 100 bytes for a
// byte of text ("a,a,a,..."; measured: 90 MB for 1 MB), which is why statement_bytes_max is what
// bounds it. The stack is bounded by nesting_depth_max. The functions are pure and may run on any
// thread.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "cql/ast.h"
#include "cql/position.h"

namespace tholos::cql {

struct ParseOptions {
  // Longer statements are refused before they are read.
  size_t statement_bytes_max = size_t{1} << 20;

  // How deep terms, selectors, types and parentheses may nest in each other. 64 is several times
  // what a schema can need; a level costs the parser less than 1 KiB of stack without sanitizers.
  int nesting_depth_max = 64;

  // Of a statement's arithmetic: operators in a row make a tree as deep as the row is long, so
  // these bound the stack, too.
  int operators_max = 1000;

  // The native protocol counts bound values in 16 bits.
  int bind_markers_max = 65535;

  // Where the text starts, for a statement cut from a script (script.h).
  Position start;
};

struct ParsedStatement {
  Statement statement;
  std::vector<BindMarker> markers;  // all of the statement's; markers[i].index == i
};

// Parses one statement. It may be followed by semicolons, blanks and comments, by nothing else.
absl::StatusOr<ParsedStatement> Parse(std::string_view text, const ParseOptions& options = {});

}  // namespace tholos::cql
