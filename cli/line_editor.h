// Reads statements of several lines from a terminal, with editing, history and completion
// (libedit).
//
//   key             does
//   Enter           ends the input if it is complete, else begins a new line
//   Up, Down        the line above or below; beyond the first or last, the history
//   Home, End       of the line; Ctrl-A, Ctrl-E
//   Tab             completes a word; twice: lists what is possible
//   Ctrl-C          throws the input away
//   Ctrl-D          on an empty input: the end
//   Ctrl-R          searches the history backwards
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tholos::cli {

class LineEditor {
 public:
  struct Hooks {
    // The words that may stand where `word` is being typed; `before` is the input up to it.
    std::function<std::vector<std::string>(const std::string& before, const std::string& word)>
        complete;
    // Whether Enter ends this input.
    std::function<bool(const std::string& input)> is_complete;
  };

  // History is read from and kept in `history_file` (empty: not kept; mode 0600: statements may
  // hold secrets), each entry as soon as it is added.
  LineEditor(std::string history_file, Hooks hooks);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;

  // An input without its last line break; empty after Ctrl-C. Nothing at the end (Ctrl-D).
  std::optional<std::string> Read(const std::string& prompt);
  void AddHistory(const std::string& entry);

 private:
  class Terminal;
  std::unique_ptr<Terminal> terminal_;
};

// The longest beginning that all have, with no case of letters; as the first one writes it.
std::string CommonPrefix(const std::vector<std::string>& words);

}  // namespace tholos::cli
