#include "cli/line_editor.h"

#include <editline/readline.h>
#include <sys/stat.h>

#include <clocale>
#include <cstdlib>
#include <cstring>
#include <iostream>

namespace tholos::cli {
namespace {

constexpr int kHistoryMax = 2000;

// libedit's callbacks take no context.
LineEditor::Completer* current_completer = nullptr;
std::vector<std::string> candidates;

char* NextCandidate(const char*, int state) {
  const auto index = static_cast<size_t>(state);
  return index < candidates.size() ? strdup(candidates[index].c_str()) : nullptr;
}

char** Complete(const char* word, int start, int) {
  rl_attempted_completion_over = 1;  // never complete file names
  const std::string line(rl_line_buffer);
  candidates = (*current_completer)(line.substr(0, static_cast<size_t>(start)), word);
  return candidates.empty() ? nullptr : rl_completion_matches(word, NextCandidate);
}

}  // namespace

LineEditor::LineEditor(std::string history_file, Completer completer)
    : history_file_(std::move(history_file)) {
  // libedit drops what the locale cannot hold.
  setlocale(LC_CTYPE, "");
  if (MB_CUR_MAX == 1) setlocale(LC_CTYPE, "C.UTF-8");
  static char name[] = "tholos";
  rl_readline_name = name;
  rl_initialize();
  using_history();
  stifle_history(kHistoryMax);
  if (!history_file_.empty()) read_history(history_file_.c_str());
  current_completer = new Completer(std::move(completer));
  rl_attempted_completion_function = Complete;
  static char breaks[] = " \t\n,()=<>;'\"";
  rl_basic_word_break_characters = breaks;
}

LineEditor::~LineEditor() {
  if (!history_file_.empty() && write_history(history_file_.c_str()) == 0) {
    chmod(history_file_.c_str(), S_IRUSR | S_IWUSR);
  }
  delete current_completer;
  current_completer = nullptr;
  rl_attempted_completion_function = nullptr;
}

std::optional<std::string> LineEditor::ReadLine(const std::string& prompt) {
  char* line = readline(prompt.c_str());
  if (line == nullptr) {
    std::cout << "\n";
    return std::nullopt;
  }
  std::string text(line);
  free(line);
  return text;
}

void LineEditor::AddHistory(const std::string& entry) {
  if (!entry.empty()) add_history(entry.c_str());
}

}  // namespace tholos::cli
