// Reads lines from a terminal with editing, history and completion (libedit); from a pipe without.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tholos::cli {

// libedit keeps its state per process: at most one editor at a time.
class LineEditor {
 public:
  // The words that may stand where `word` is being typed; `before` is the line up to it.
  using Completer =
      std::function<std::vector<std::string>(const std::string& before, const std::string& word)>;

  // History is read from and kept in `history_file` (empty: not kept; mode 0600: statements may
  // hold secrets).
  LineEditor(std::string history_file, Completer completer);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;

  // Nothing at the end of the input (Ctrl-D).
  std::optional<std::string> ReadLine(const std::string& prompt);
  void AddHistory(const std::string& entry);

 private:
  const std::string history_file_;
};

}  // namespace tholos::cli
