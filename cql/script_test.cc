#include "cql/script.h"

#include <string>
#include <string_view>
#include <vector>

#include "cql/text.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tholos::cql {
namespace {

using Open = Script::Open;

std::string Show(const ScriptStatement& statement) {
  return Concat({ToString(statement.start).substr(5), " ", statement.text});
}

TEST(Script, SplitsAtSemicolons) {
  const struct {
    std::string_view text;
    std::vector<std::string> statements;
    Open open = Open::kNothing;
    std::string tail = "1:1 ";
  } kCases[] = {
      {"", {}},
      {" ;; ; ", {}},
      {"-- nothing\n/* ; */", {}},
      {"USE a;", {"1:1 USE a"}},
      {"USE a;\n  USE b ; -- c;\nUSE c;", {"1:1 USE a", "2:3 USE b", "3:1 USE c"}},
      {"-- intro\nUSE a;", {"2:1 USE a"}},
      {"USE /* ; */ a;", {"1:1 USE /* ; */ a"}},
      {"s ';''' \";\" $$;'$$ --;\n;t;", {"1:1 s ';''' \";\" $$;'$$", "2:2 t"}},
      {"USE a", {}, Open::kStatement, "1:1 USE a"},
      {"USE a; USE\nb -- c", {"1:1 USE a"}, Open::kStatement, "1:8 USE\nb"},
      {"s 'a;", {}, Open::kString, "1:1 s 'a;"},
      {"'", {}, Open::kString, "1:1 '"},
      {"s \"a;", {}, Open::kQuotedName, "1:1 s \"a;"},
      {"s $$a;$", {}, Open::kDollarString, "1:1 s $$a;$"},
      {"s /* a;", {}, Open::kComment, "1:1 s /* a;"},
      {"s; /* a;", {"1:1 s"}, Open::kComment, "1:1 "},
      {"BEGIN BATCH i; u; APPLY BATCH; USE a;",
       {"1:1 BEGIN BATCH i; u; APPLY BATCH", "1:32 USE a"}},
      {"begin unlogged batch i; apply batch;", {"1:1 begin unlogged batch i; apply batch"}},
      {"BEGIN COUNTER BATCH i; APPLY BATCH;", {"1:1 BEGIN COUNTER BATCH i; APPLY BATCH"}},
      {"BEGIN BATCH i; u;", {}, Open::kBatch, "1:1 BEGIN BATCH i; u;"},
      {"BEGIN BATCH i; APPLY; x", {}, Open::kBatch, "1:1 BEGIN BATCH i; APPLY; x"},
      {"BEGIN BATCH i; APPLY BATCH", {}, Open::kStatement, "1:1 BEGIN BATCH i; APPLY BATCH"},
      {"BEGIN x; y;", {"1:1 BEGIN x", "1:10 y"}},
      {"SELECT begin; batch;", {"1:1 SELECT begin", "1:15 batch"}},
      {"\"BEGIN\" BATCH; y;", {"1:1 \"BEGIN\" BATCH", "1:16 y"}},
      {"a @ '\xFF;' b; USE c;", {"1:1 a @ '\xFF;' b", "1:13 USE c"}},
      {"-- \xFF\nUSE a;", {"1:1 -- \xFF\nUSE a"}},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.text);
    const Script script = SplitScript(c.text);
    std::vector<std::string> statements;
    for (const auto& statement : script.statements) statements.push_back(Show(statement));
    EXPECT_EQ(statements, c.statements);
    EXPECT_EQ(script.open, c.open);
    EXPECT_EQ(Show(script.tail), c.tail);
  }
}

TEST(Script, PlacesErrorsInTheScript) {
  const Script script = SplitScript("USE a;\n\n  SELECT *\n  FORM t;", {10, 1});
  ASSERT_EQ(script.statements.size(), 2u);
  const auto parsed =
      Parse(script.statements[1].text, ParseOptions{.start = script.statements[1].start});
  EXPECT_EQ(std::string(parsed.status().message()), "line 13:3 expected FROM, found 'FORM'");
}

}  // namespace
}  // namespace tholos::cql
