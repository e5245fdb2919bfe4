#include "cli/line_editor.h"

#include <histedit.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace tholos::cli {
namespace {

constexpr int kHistoryMax = 2000;
constexpr size_t kListedMax = 200;
// Bound to libedit's own end of a line; nobody types it.
constexpr char kEndKey[] = "\036";
constexpr std::string_view kWordBreaks = " \t\n,()=<>;'\"";

// Characters, not bytes.
int CountCharacters(std::string_view text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

char Lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

}  // namespace

std::string CommonPrefix(const std::vector<std::string>& words) {
  if (words.empty()) return "";
  std::string prefix = words[0];
  for (const std::string& word : words) {
    size_t same = 0;
    while (same < prefix.size() && same < word.size() && Lower(prefix[same]) == Lower(word[same])) {
      ++same;
    }
    prefix.resize(same);
  }
  return prefix;
}

class LineEditor::Terminal {
 public:
  Terminal(std::string history_file, Hooks hooks)
      : history_file_(std::move(history_file)), hooks_(std::move(hooks)) {
    // libedit drops what the locale cannot hold.
    setlocale(LC_CTYPE, "");
    if (MB_CUR_MAX == 1) setlocale(LC_CTYPE, "C.UTF-8");
    history_ = history_init();
    history(history_, &event_, H_SETSIZE, kHistoryMax);
    history(history_, &event_, H_SETUNIQUE, 1);
    if (!history_file_.empty()) history(history_, &event_, H_LOAD, history_file_.c_str());
    editor_ = el_init("tholos", stdin, stdout, stderr);
    el_set(editor_, EL_CLIENTDATA, this);
    el_set(editor_, EL_PROMPT, &Terminal::Prompt);
    el_set(editor_, EL_EDITOR, "emacs");
    el_set(editor_, EL_SIGNAL, 1);
    el_set(editor_, EL_HIST, history, history_);
    el_set(editor_, EL_ADDFN, "tholos-enter", "ends the input, or the line", &Terminal::Enter);
    el_set(editor_, EL_ADDFN, "tholos-complete", "completes a word", &Terminal::Complete);
    el_set(editor_, EL_ADDFN, "tholos-discard", "throws the input away", &Terminal::Discard);
    el_set(editor_, EL_ADDFN, "tholos-up", "the line above, or the history", &Terminal::Up);
    el_set(editor_, EL_ADDFN, "tholos-down", "the line below, or the history", &Terminal::Down);
    el_set(editor_, EL_ADDFN, "tholos-begin", "the begin of the line", &Terminal::Begin);
    el_set(editor_, EL_ADDFN, "tholos-end", "the end of the line", &Terminal::End);
    const char* const kBindings[][2] = {
        {kEndKey, "ed-newline"},           {"^M", "tholos-enter"},      {"^J", "tholos-enter"},
        {"^I", "tholos-complete"},         {"^C", "tholos-discard"},    {"\033[A", "tholos-up"},
        {"\033[B", "tholos-down"},         {"\033OA", "tholos-up"},     {"\033OB", "tholos-down"},
        {"^R", "em-inc-search-prev"},      {"^A", "tholos-begin"},      {"\033[H", "tholos-begin"},
        {"\033OH", "tholos-begin"},        {"\033[1~", "tholos-begin"}, {"^E", "tholos-end"},
        {"\033[F", "tholos-end"},          {"\033OF", "tholos-end"},    {"\033[4~", "tholos-end"},
        {"\033[3~", "ed-delete-next-char"}};
    for (const auto& [key, function] : kBindings) {
      el_set(editor_, EL_BIND, key, function, nullptr);
    }
    // Ctrl-C is a key while a line is edited; while a statement runs it is a signal.
    el_set(editor_, EL_SETTY, "-d", "-isig", nullptr);
  }

  ~Terminal() {
    el_end(editor_);
    history_end(history_);
  }

  std::optional<std::string> Read(const std::string& prompt) {
    prompt_ = prompt;
    discarded_ = false;
    int count = 0;
    const char* line = el_gets(editor_, &count);
    if (discarded_) return "";
    if (line == nullptr || count <= 0) {
      std::puts("");
      return std::nullopt;
    }
    std::string text(line, static_cast<size_t>(count));
    while (text.ends_with('\n')) text.pop_back();
    return text;
  }

  void AddHistory(const std::string& entry) {
    if (entry.empty()) return;
    history(history_, &event_, H_ENTER, entry.c_str());
    if (history_file_.empty()) return;
    const mode_t before = umask(S_IRWXG | S_IRWXO);
    history(history_, &event_, H_SAVE, history_file_.c_str());
    umask(before);
  }

 private:
  static Terminal& Of(EditLine* editor) {
    void* self = nullptr;
    el_get(editor, EL_CLIENTDATA, &self);
    return *static_cast<Terminal*>(self);
  }

  static char* Prompt(EditLine* editor) { return Of(editor).prompt_.data(); }

  // The input, up to the cursor and behind it.
  static std::pair<std::string, std::string> Input(EditLine* editor) {
    const LineInfo* line = el_line(editor);
    return {std::string(line->buffer, line->cursor), std::string(line->cursor, line->lastchar)};
  }

  // The cursor is at the end of the input, and must be shown there first.
  static unsigned char EndInput(EditLine* editor) {
    el_push(editor, kEndKey);
    return CC_REFRESH;
  }

  static unsigned char Enter(EditLine* editor, int) {
    const auto [before, behind] = Input(editor);
    if (Of(editor).hooks_.is_complete(before + behind)) {
      el_cursor(editor, CountCharacters(behind));
      return EndInput(editor);
    }
    return el_insertstr(editor, "\n") == 0 ? CC_REFRESH : CC_ERROR;
  }

  static unsigned char Discard(EditLine* editor, int) {
    Of(editor).discarded_ = true;
    el_cursor(editor, CountCharacters(Input(editor).second));
    el_insertstr(editor, "^C");
    return EndInput(editor);
  }

  static unsigned char Begin(EditLine* editor, int) {
    const std::string before = Input(editor).first;
    const size_t line = before.rfind('\n') + 1;  // 0 if there is none
    el_cursor(editor, -CountCharacters(std::string_view(before).substr(line)));
    return CC_REFRESH;
  }

  static unsigned char End(EditLine* editor, int) {
    const std::string behind = Input(editor).second;
    el_cursor(editor, CountCharacters(std::string_view(behind).substr(0, behind.find('\n'))));
    return CC_REFRESH;
  }

  static unsigned char Complete(EditLine* editor, int) {
    const std::string before = Input(editor).first;
    const size_t blank = before.find_last_of(kWordBreaks);
    const size_t start = blank == std::string::npos ? 0 : blank + 1;
    const std::string word = before.substr(start);
    const std::vector<std::string> words =
        Of(editor).hooks_.complete(before.substr(0, start), word);
    if (words.empty()) return CC_REFRESH_BEEP;
    std::string replacement = CommonPrefix(words);
    if (words.size() == 1) replacement += " ";
    if (replacement.size() > word.size()) {
      el_deletestr(editor, CountCharacters(word));
      return el_insertstr(editor, replacement.c_str()) == 0 ? CC_REFRESH : CC_ERROR;
    }
    List(words);
    return CC_REDISPLAY;
  }

  // In columns, below the input.
  static void List(const std::vector<std::string>& words) {
    size_t width = 0;
    for (const std::string& word : words) width = std::max(width, word.size());
    const size_t columns = std::max<size_t>(1, 80 / (width + 2));
    std::puts("");
    const size_t shown = std::min(words.size(), kListedMax);
    for (size_t i = 0; i < shown; ++i) {
      std::printf("%-*s", static_cast<int>(width + 2), words[i].c_str());
      if ((i + 1) % columns == 0 || i + 1 == shown) std::puts("");
    }
    if (shown < words.size()) std::printf("... and %zu more\n", words.size() - shown);
  }

  // Within the input; beyond it, what the other key says.
  static unsigned char Up(EditLine* editor, int) {
    const std::string before = Input(editor).first;
    const size_t end = before.rfind('\n');
    if (end == std::string::npos) {
      el_push(editor, "\020");  // Ctrl-P
      return CC_NORM;
    }
    const size_t column = before.size() - end - 1;
    const size_t above = end == 0 ? std::string::npos : before.rfind('\n', end - 1);
    const size_t start = above == std::string::npos ? 0 : above + 1;
    const size_t target = std::min(start + column, end);
    el_cursor(editor, -CountCharacters(std::string_view(before).substr(target)));
    return CC_REFRESH;
  }

  static unsigned char Down(EditLine* editor, int) {
    const auto [before, behind] = Input(editor);
    const size_t end = behind.find('\n');
    if (end == std::string::npos) {
      el_push(editor, "\016");  // Ctrl-N
      return CC_NORM;
    }
    const size_t begin = before.rfind('\n');
    const size_t column = before.size() - (begin == std::string::npos ? 0 : begin + 1);
    const size_t next = std::min(behind.find('\n', end + 1), behind.size());
    const size_t target = std::min(end + 1 + column, next);
    el_cursor(editor, CountCharacters(std::string_view(behind).substr(0, target)));
    return CC_REFRESH;
  }

  const std::string history_file_;
  const Hooks hooks_;
  History* history_ = nullptr;
  HistEvent event_ = {};
  EditLine* editor_ = nullptr;
  std::string prompt_;
  bool discarded_ = false;
};

LineEditor::LineEditor(std::string history_file, Hooks hooks)
    : terminal_(std::make_unique<Terminal>(std::move(history_file), std::move(hooks))) {}

LineEditor::~LineEditor() = default;

std::optional<std::string> LineEditor::Read(const std::string& prompt) {
  return terminal_->Read(prompt);
}

void LineEditor::AddHistory(const std::string& entry) { terminal_->AddHistory(entry); }

}  // namespace tholos::cli
