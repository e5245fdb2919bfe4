// The query shell against a real node: COPY there and back, scripts, and a terminal.
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/csv.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cluster/process_cluster.h"

namespace tholos::cluster_test {
namespace {

namespace pb = ::tholos::v1;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kRows = 100'000;

constexpr char kSchema[] =
    "CREATE KEYSPACE IF NOT EXISTS s WITH replication = {'class': 'SimpleStrategy', "
    "'replication_factor': 1};\n"
    "CREATE TYPE IF NOT EXISTS s.address (street text, numbers frozen<list<int>>);\n";

std::string TableOfAllTypes(const std::string& name) {
  return absl::StrCat(
      "CREATE TABLE s.", name,
      " (k int, c text, a ascii, b bigint, bl blob, bo boolean, da date, de decimal, d double, du "
      "duration, f float, i inet, s smallint, t text, ti time, ts timestamp, tu timeuuid, tn "
      "tinyint, u uuid, v varint, l list<text>, st set<int>, m map<text, frozen<list<int>>>, tp "
      "tuple<int, text>, fu frozen<address>, mu address, ve vector<float, 3>, fl "
      "frozen<list<text>>, "
      "PRIMARY KEY (k, c));\n");
}

constexpr char kColumns[] =
    "k, c, a, b, bl, bo, da, de, d, du, f, i, s, t, ti, ts, tu, tn, u, v, l, st, m, tp, fu, mu, "
    "ve, "
    "fl";

// Small, and the same in every run.
class Numbers {
 public:
  uint32_t Below(uint32_t bound) {
    state_ = state_ * 6364136223846793005ull + 1442695040888963407ull;
    return static_cast<uint32_t>(state_ >> 33) % bound;
  }

 private:
  uint64_t state_ = 7;
};

const char* const kTexts[] = {"plain",
                              "",
                              "a,b",
                              "say \"hi\"",
                              "it's",
                              "two\nlines",
                              "carriage\r\nreturn",
                              "back\\slash",
                              "\\\"",
                              "tab\there",
                              "na\xc3\xafve \xe2\x82\xac \xf0\x9f\x98\x80",
                              "null",
                              "  blanks  ",
                              "{'json': 1}",
                              ";"};

std::string Text(Numbers& numbers) { return kTexts[numbers.Below(std::size(kTexts))]; }

std::string Quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

std::string Int(Numbers& numbers) {
  return std::to_string(static_cast<int64_t>(numbers.Below(2'000'000)) - 1'000'000);
}

std::string UuidOf(Numbers& numbers, char version) {
  return absl::StrFormat("%08x-%04x-%c%03x-8%03x-%012x", numbers.Below(1u << 31),
                         numbers.Below(1u << 16), version, numbers.Below(1u << 12),
                         numbers.Below(1u << 12), uint64_t{numbers.Below(1u << 31)} << 8);
}

std::string Address(Numbers& numbers) {
  return absl::StrCat("{street: ", Quoted(Text(numbers)), ", numbers: [", Int(numbers), ", 7]}");
}

// Column by column, as the shell writes values.
std::vector<std::optional<std::string>> MakeRow(int number, Numbers& n) {
  std::vector<std::optional<std::string>> row = {
      std::to_string(number / 10),
      absl::StrCat(number % 10, Text(n)),
      "ascii ~",
      absl::StrCat("-", n.Below(1'000'000) + 1, "000000000"),
      absl::StrFormat("0x%08x00ff", n.Below(1u << 31)),
      n.Below(2) ? "true" : "false",
      absl::StrFormat("20%02d-%02d-%02d", n.Below(90) + 10, n.Below(12) + 1, n.Below(28) + 1),
      absl::StrCat(Int(n), ".", n.Below(9), "1"),
      absl::StrCat(Int(n), ".5"),
      absl::StrCat(n.Below(11) + 1, "mo", n.Below(20) + 1, "d", n.Below(20) + 1, "h"),
      absl::StrCat(n.Below(1000), ".25"),
      n.Below(2) ? absl::StrCat("10.0.", n.Below(256), ".", n.Below(256)) : "2001:db8::1",
      std::to_string(static_cast<int>(n.Below(60000)) - 30000),
      Text(n),
      absl::StrFormat("%02d:%02d:%02d.123456789", n.Below(24), n.Below(60), n.Below(60)),
      absl::StrFormat("20%02d-03-04 05:06:%02d.%03d+0000", n.Below(90) + 10, n.Below(60),
                      n.Below(1000)),
      UuidOf(n, '1'),
      std::to_string(static_cast<int>(n.Below(256)) - 128),
      UuidOf(n, '4'),
      absl::StrCat(n.Below(9) + 1, "00000000000000000000000", n.Below(1000)),
      absl::StrCat("[", Quoted(Text(n)), ", ", Quoted(Text(n)), "]"),
      absl::StrCat("{", -static_cast<int>(n.Below(9)) - 1, ", ", n.Below(9), "}"),
      absl::StrCat("{", Quoted("key's \"" + std::to_string(n.Below(9))), ": [", Int(n), "]}"),
      absl::StrCat("(", Int(n), ", ", Quoted(Text(n)), ")"),
      Address(n),
      Address(n),
      absl::StrCat("[", n.Below(9), ".5, ", n.Below(9), ".25, -", n.Below(9), ".125]"),
      n.Below(2) ? "[]" : absl::StrCat("[", Quoted(Text(n)), "]")};
  for (size_t i = 2; i < row.size(); ++i) {
    if (n.Below(8) == 0) row[i].reset();
  }
  return row;
}

void WriteRows(const std::string& path) {
  const cli::CsvFormat format{.escape = '\\'};
  std::ofstream out(path, std::ios::binary);
  Numbers numbers;
  for (int i = 0; i < kRows; ++i) {
    std::string line;
    bool first = true;
    for (const auto& field : MakeRow(i, numbers)) {
      if (field) {
        cli::AppendCsvField(format, *field, false, first, &line);
      } else {
        cli::AppendCsvNull(format, first, &line);
      }
      first = false;
    }
    out << line << "\n";
  }
}

// Records, whatever their order: a line may be a part of one.
std::vector<std::string> Records(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  cli::CsvReader reader(in, {.escape = '\\'});
  std::vector<cli::CsvField> record;
  std::vector<std::string> records;
  while (reader.Next(&record).value_or(false)) {
    std::string& text = records.emplace_back();
    for (const cli::CsvField& field : record) {
      absl::StrAppend(&text, field.quoted || !field.text.empty() ? "=" : "null", field.text,
                      "\x1f");
    }
  }
  std::sort(records.begin(), records.end());
  return records;
}

class ShellTest : public ::testing::Test {
 protected:
  void SetUp() override {
    cluster_.StartAll();
    ASSERT_TRUE(cluster_.WaitUp(1));
  }
  ProcessResult Shell(const std::string& script) {
    const std::string path = Path("script.cql");
    std::ofstream(path) << script;
    return RunProcess({BinaryPath("tholos"), "--host", cluster_.host(0), "--request-timeout", "30",
                       "cql", "-f", path});
  }
  std::string Path(const std::string& name) const { return cluster_.root() + "/" + name; }
  int64_t Count(const std::string& table) {
    return cluster_.Number(0, "SELECT count(*) FROM s." + table, pb::CONSISTENCY_ONE);
  }

  ProcessCluster cluster_{1};
};

TEST_F(ShellTest, CopiesAllTypesThereAndBack) {
  ProcessResult result =
      Shell(absl::StrCat(kSchema, TableOfAllTypes("one"), TableOfAllTypes("two")));
  ASSERT_EQ(result.exit_code, 0) << result.output;
  WriteRows(Path("rows.csv"));
  result = Shell(absl::StrCat("COPY s.one (", kColumns, ") FROM '", Path("rows.csv"),
                              "' WITH MAXERRORS=5;\n", "COPY s.one (", kColumns, ") TO '",
                              Path("one.csv"), "';\n", "COPY s.two (", kColumns, ") FROM '",
                              Path("one.csv"), "';\n", "COPY s.two (", kColumns, ") TO '",
                              Path("two.csv"), "' WITH PAGESIZE=77 AND INFLIGHT=3;\n"));
  ASSERT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("100,000 rows in "));
  const std::vector<std::string> rows = Records(Path("rows.csv"));
  ASSERT_EQ(rows.size(), static_cast<size_t>(kRows));
  const std::vector<std::string> one = Records(Path("one.csv"));
  const std::vector<std::string> two = Records(Path("two.csv"));
  ASSERT_EQ(one.size(), rows.size());
  ASSERT_EQ(two.size(), rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    ASSERT_EQ(one[i], rows[i]);
    ASSERT_EQ(two[i], rows[i]);
  }
}

TEST_F(ShellTest, CopyKeepsBadRowsAndGoesOn) {
  ASSERT_EQ(Shell(absl::StrCat(kSchema, "CREATE TABLE s.t (k int PRIMARY KEY, v text);")).exit_code,
            0);
  {
    std::ofstream out(Path("in.csv"));
    out << "k,v\n";
    for (int i = 0; i < 3000; ++i) {
      out << (i % 1000 == 10 ? "x" : "") << i << ",v" << i << "\n";
      if (i == 500) out << "1,2,3\n\"open\"quote,1\n";
    }
  }
  const std::string copy =
      absl::StrCat("COPY s.t FROM '", Path("in.csv"), "' WITH HEADER=TRUE AND MAXERRORS=");
  // More bad rows than allowed: it stops, and the same command goes on.
  ProcessResult result = Shell(absl::StrCat(copy, "2"));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, HasSubstr("more than 2 bad rows"));
  EXPECT_LT(Count("t"), 2990);
  result = Shell(absl::StrCat(copy, "100"));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, HasSubstr("going on after "));
  EXPECT_EQ(Count("t"), 2997);
  std::ifstream in(Path("in.csv") + ".bad");
  std::ostringstream bad;
  bad << in.rdbuf();
  EXPECT_THAT(bad.str(), HasSubstr("x10,v10,\"line 12: column k: "));
  EXPECT_THAT(bad.str(), HasSubstr("1,2,3,\"line 503: 3 fields, but there are 2 columns\""));
  EXPECT_THAT(bad.str(), HasSubstr("line 504: text after a closing quote"));
  EXPECT_THAT(bad.str(), HasSubstr("x2010,v2010,"));

  EXPECT_THAT(Shell("COPY s.t FROM '/nowhere/x.csv'").output, HasSubstr("cannot read /nowhere"));
  EXPECT_THAT(Shell("COPY s.t TO '/nowhere/x.csv'").output, HasSubstr("cannot write /nowhere"));
  EXPECT_THAT(Shell("COPY s.none TO STDOUT").output, HasSubstr("there is no table s.none"));
  EXPECT_THAT(Shell("COPY s.t (k, nope) TO STDOUT").output, HasSubstr("nope"));
  result = Shell("COPY s.t (v, k) TO STDOUT WITH MAXROWS=3 AND HEADER=TRUE AND DELIMITER=';'");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.output, HasSubstr("v;k\n"));
  EXPECT_EQ(std::count(result.output.begin(), result.output.end(), '\n'), 4);
}

TEST_F(ShellTest, RunsScripts) {
  ASSERT_EQ(Shell(absl::StrCat(kSchema, "CREATE TABLE s.t (k int PRIMARY KEY, v text);")).exit_code,
            0);
  // Commands of the shell need no semicolon.
  ProcessResult result = Shell(
      "CONSISTENCY ONE\n"
      "SERIAL CONSISTENCY LOCAL_SERIAL;\n"
      "SHOW HOST\n"
      "SHOW VERSION;\n"
      "USE s;\n"
      "EXPAND ON\n"
      "INSERT INTO t (k, v) VALUES (1, 'one');\n"
      "SELECT * FROM t;\n"
      "EXPAND OFF; PAGING 2; PAGING OFF\n"
      "HELP COPY\n"
      "EXIT\n"
      "SELECT * FROM nothing;\n");
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("Consistency level set to ONE."));
  EXPECT_THAT(result.output, HasSubstr("Connected to "));
  EXPECT_THAT(result.output, HasSubstr("CQL spec 3.4.7"));
  EXPECT_THAT(result.output, HasSubstr("Paging is off"));
  EXPECT_THAT(result.output, HasSubstr("one"));
  EXPECT_THAT(result.output, HasSubstr("MAXERRORS"));

  result = Shell("USE s;\n\nSELECT nope\nFROM t;\nSELECT 1 FROM t;");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, HasSubstr("script.cql:3:8: unknown column 'nope'"));
  EXPECT_EQ(Shell("CONSISTENCY LOUD").exit_code, 1);
  EXPECT_EQ(Shell("SHOW SESSION x").exit_code, 1);
  EXPECT_EQ(RunProcess({BinaryPath("tholos"), "--host", "127.99.99.99:1", "cql", "-e",
                        "SELECT * FROM s.t"})
                .exit_code,
            2);

  // Captured, not shown.
  result =
      Shell(absl::StrCat("CAPTURE '", Path("out.txt"), "'\nSELECT v FROM s.t;\nCAPTURE OFF\n"));
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.output, Not(HasSubstr("one")));
  std::ifstream in(Path("out.txt"));
  std::ostringstream captured;
  captured << in.rdbuf();
  EXPECT_THAT(captured.str(), HasSubstr("one"));

  // A file that runs itself ends.
  std::ofstream(Path("loop.cql")) << "SOURCE '" << Path("loop.cql") << "'";
  result = Shell(absl::StrCat("SOURCE '", Path("loop.cql"), "'"));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, HasSubstr("more than 16 files inside each other"));
}

TEST_F(ShellTest, ShowsTraces) {
  ASSERT_EQ(Shell(absl::StrCat(kSchema, "CREATE TABLE s.t (k int PRIMARY KEY, v text);")).exit_code,
            0);
  const ProcessResult result =
      Shell("TRACING ON\nINSERT INTO s.t (k, v) VALUES (1, 'one');\nTRACING OFF\n");
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("Tracing session: "));
  EXPECT_THAT(result.output, HasSubstr("Execute CQL3 query"));
  EXPECT_THAT(result.output, HasSubstr("Request complete"));
  EXPECT_THAT(result.output, HasSubstr(cluster_.address(0)));
  EXPECT_THAT(result.output, HasSubstr("microseconds"));
  const size_t at = result.output.find("Tracing session: ");
  const std::string session = result.output.substr(at + 17, 36);
  EXPECT_THAT(Shell("SHOW SESSION " + session).output, HasSubstr("Request complete"));
}

// `tholos cql` at a terminal of its own.
class Terminal {
 public:
  Terminal(const std::vector<std::string>& arguments, const std::string& home) {
    pid_ = forkpty(&fd_, nullptr, nullptr, nullptr);
    if (pid_ != 0) return;
    setenv("HOME", home.c_str(), 1);
    setenv("TERM", "xterm", 1);
    std::vector<char*> argv;
    for (const std::string& argument : arguments)
      argv.push_back(const_cast<char*>(argument.data()));
    argv.push_back(nullptr);
    execv(argv[0], argv.data());
    _exit(127);
  }
  ~Terminal() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    close(fd_);
  }
  void Type(const std::string& keys) { ASSERT_GT(write(fd_, keys.data(), keys.size()), 0); }
  // What is shown from now on, until `text` is in it.
  bool WaitFor(const std::string& text) {
    shown_.clear();
    return Eventually(absl::Seconds(20), [&] {
      char buffer[4096];
      fd_set ready;
      FD_ZERO(&ready);
      FD_SET(fd_, &ready);
      timeval wait{0, 20'000};
      while (select(fd_ + 1, &ready, nullptr, nullptr, &wait) > 0) {
        const ssize_t count = read(fd_, buffer, sizeof(buffer));
        if (count <= 0) return false;
        shown_.append(buffer, static_cast<size_t>(count));
      }
      return shown_.find(text) != std::string::npos;
    });
  }
  int Wait() {
    int status = -1;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  const std::string& shown() const { return shown_; }

 private:
  pid_t pid_ = -1;
  int fd_ = -1;
  std::string shown_;
};

TEST_F(ShellTest, EditsAtATerminal) {
  ASSERT_EQ(Shell(absl::StrCat(kSchema,
                               "CREATE TABLE s.orders (k int PRIMARY KEY, v text);"
                               "INSERT INTO s.orders (k, v) VALUES (1, 'first one');"))
                .exit_code,
            0);
  const std::vector<std::string> arguments = {
      BinaryPath("tholos"), "--host", cluster_.host(0), "cql", "-k", "s"};
  {
    Terminal terminal(arguments, cluster_.root());
    ASSERT_TRUE(terminal.WaitFor("cql:s> ")) << terminal.shown();
    // Several lines, and a completed name.
    terminal.Type("SELECT v\rFROM ord\t;\r");
    ASSERT_TRUE(terminal.WaitFor("(1 row)")) << terminal.shown();
    EXPECT_THAT(terminal.shown(), HasSubstr("first one"));
    // Thrown away.
    terminal.Type("SELECT nonsense\x03");
    ASSERT_TRUE(terminal.WaitFor("^C")) << terminal.shown();
    terminal.Type("CONSISTENCY ONE\r");
    ASSERT_TRUE(terminal.WaitFor("set to ONE")) << terminal.shown();
    terminal.Type("\x04");
    EXPECT_EQ(terminal.Wait(), 0);
  }
  // The history is still there.
  Terminal terminal(arguments, cluster_.root());
  ASSERT_TRUE(terminal.WaitFor("cql:s> ")) << terminal.shown();
  terminal.Type("\033[A\033[A\r");
  ASSERT_TRUE(terminal.WaitFor("(1 row)")) << terminal.shown();
  terminal.Type("EXIT\r");
  EXPECT_EQ(terminal.Wait(), 0);
}

}  // namespace
}  // namespace tholos::cluster_test
