#include "sstable/block_builder.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/coding.h"

namespace tholos::sstable {

void BlockBuilder::Add(std::string_view key, std::string_view value) {
  size_t shared = 0;
  if (empty()) first_key_ = key;
  if (empty() || since_restart_ == kRestartInterval) {
    restarts_.push_back(static_cast<uint32_t>(payload_.size()));
    since_restart_ = 0;
  } else {
    const size_t limit = std::min(key.size(), last_key_.size());
    while (shared < limit && key[shared] == last_key_[shared]) ++shared;
  }
  THOLOS_CHECK(empty() || key > last_key_) << "entries out of order";
  base::PutVarint(&payload_, shared);
  base::PutVarint(&payload_, key.size() - shared);
  base::PutVarint(&payload_, value.size());
  payload_.append(key.substr(shared));
  payload_.append(value);
  last_key_.resize(shared);
  last_key_.append(key.substr(shared));
  ++since_restart_;
}

std::string BlockBuilder::Finish() {
  for (const uint32_t restart : restarts_) base::PutFixed32(&payload_, restart);
  base::PutFixed32(&payload_, static_cast<uint32_t>(restarts_.size()));
  restarts_.clear();
  first_key_.clear();
  last_key_.clear();
  since_restart_ = 0;
  return std::exchange(payload_, {});
}

}  // namespace tholos::sstable
