#include "node/native/answer_room.h"

#include "absl/hash/hash.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace tholos::node::native {
namespace {

constexpr size_t kTextLookedAt = 128;

}  // namespace

uint64_t AnswerSizes::KeyOfText(std::string_view statement) {
  statement = statement.substr(0, kTextLookedAt);
  statement = statement.substr(0, statement.find_first_of("0123456789'\"$"));
  return absl::HashOf(statement);
}

uint64_t AnswerSizes::KeyOfId(std::string_view prepared_id) { return absl::HashOf(prepared_id); }

bool AnswerSizes::IsWrite(std::string_view statement) {
  size_t start = 0;
  while (start < statement.size() && absl::ascii_isspace(statement[start])) ++start;
  const absl::string_view word(statement.data() + start,
                               std::min<size_t>(statement.size() - start, 6));
  return absl::EqualsIgnoreCase(word, "insert") || absl::EqualsIgnoreCase(word, "update") ||
         absl::EqualsIgnoreCase(word, "delete") || absl::StartsWithIgnoreCase(word, "begin");
}

int64_t& AnswerSizes::Entry(uint64_t key, int64_t first) {
  if (const auto found = expected_.find(key); found != expected_.end()) return found->second;
  if (expected_.size() >= kStatementsMax) expected_.clear();
  return expected_.emplace(key, first).first->second;
}

void AnswerSizes::Answered(uint64_t key, int64_t bytes) {
  int64_t& expected = Entry(key, bytes);
  expected = std::max(bytes, expected - expected / 8);
}

void AnswerSizes::Failed(uint64_t key, int64_t expected) {
  int64_t& entry = Entry(key, expected);
  entry -= entry / 8;
}

}  // namespace tholos::node::native
