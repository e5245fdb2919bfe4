#include "cql/prepared_cache.h"

#include <utility>

#include "base/checksum.h"
#include "base/coding.h"

namespace tholos::cql {
namespace {

// Of one entry, besides its strings.
constexpr size_t kEntryBytes = 200;

}  // namespace

PreparedId MakePreparedId(std::string_view keyspace, std::string_view text) {
  std::string content;
  content.reserve(keyspace.size() + text.size() + 8);
  base::PutBytes(&content, keyspace);
  base::PutBytes(&content, text);
  const base::Hash128 hash = base::ContentHash128(content);
  PreparedId id;
  base::PutBigEndian64(&id, hash.high);
  base::PutBigEndian64(&id, hash.low);
  return id;
}

void PreparedTexts::Put(const PreparedId& id, PreparedText text) {
  const size_t cost = kEntryBytes + text.keyspace.size() + text.text.size();
  const absl::MutexLock lock(&mutex_);
  texts_.Put(id, std::move(text), cost);
}

std::optional<PreparedText> PreparedTexts::Find(const PreparedId& id) {
  const absl::MutexLock lock(&mutex_);
  const PreparedText* text = texts_.Find(id);
  return text == nullptr ? std::nullopt : std::optional<PreparedText>(*text);
}

size_t PreparedTexts::bytes() const {
  const absl::MutexLock lock(&mutex_);
  return texts_.cost();
}

}  // namespace tholos::cql
