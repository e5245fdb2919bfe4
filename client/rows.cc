#include <utility>

#include "client/client.h"
#include "client/impl.h"

namespace tholos::client {

Rows::Rows(std::shared_ptr<Client::Impl> client, Statement statement)
    : client_(std::move(client)), statement_(std::move(statement)) {}

void Rows::FetchNext() {
  if (more_ && !fetching_.has_value()) fetching_ = client_->Execute(statement_);
}

// Waits for the page under way; the next one is asked for before its rows are given out.
bool Rows::TakePage() {
  FetchNext();
  absl::StatusOr<Result> page = std::move(*fetching_).Get();
  fetching_.reset();
  if (!page.ok()) {
    status_ = page.status();
    more_ = false;
    return false;
  }
  page_ = *std::move(page);
  row_ = page_.begin();
  statement_.paging_state = page_.paging_state;
  more_ = !page_.paging_state.empty();
  FetchNext();
  return true;
}

const Row* Rows::Next() {
  if (row_ != page_.end()) ++row_;
  while (row_ == page_.end()) {
    if (!more_ || !TakePage()) return nullptr;
  }
  return &*row_;
}

}  // namespace tholos::client
