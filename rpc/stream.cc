#include "rpc/stream.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "rpc/frame.h"

namespace tholos::rpc {
namespace {

// What counts against a window.
uint64_t EnvelopeBytes(const Stream::Section& section) {
  return section.batch.size() - std::min(section.batch.size(), kBatchHeaderBytes);
}

}  // namespace

bool Stream::BeginWriting() {
  base::MutexLock lock(&mutex_);
  THOLOS_CHECK(!began_);
  began_ = true;
  if (closed_) return false;
  writing_ = true;
  return true;
}

void Stream::SetWindows(uint64_t peer, uint64_t own) {
  base::MutexLock lock(&mutex_);
  window_ = peer;
  own_window_ = own;
}

void Stream::Push(Section section) {
  std::string frame;
  uint64_t credit = 0;
  {
    base::MutexLock lock(&mutex_);
    if (closed_) return;
    waiting_.push_back(std::move(section));
    if (!began_ || writing_ || !MayTake()) return;
    frame = TakeFrame();
    credit = TakeCredit();
  }
  StartWriting(std::move(frame), credit);
}

absl::Status Stream::OnCredit(uint64_t total) {
  std::string frame;
  uint64_t credit = 0;
  {
    base::MutexLock lock(&mutex_);
    if (total > sent_) return absl::DataLossError("a peer was done with what it never got");
    credit_ = std::max(credit_, total);
    if (closed_ || !began_ || writing_ || !MayTake()) return absl::OkStatus();
    frame = TakeFrame();
    credit = TakeCredit();
  }
  StartWriting(std::move(frame), credit);
  return absl::OkStatus();
}

void Stream::Finished(size_t bytes) {
  finished_.fetch_add(bytes, std::memory_order_relaxed);
  if (!OwesCredit()) return;
  uint64_t credit = 0;
  {
    base::MutexLock lock(&mutex_);
    // What is being written does not have it; WriteDone() looks again.
    if (closed_ || !began_ || writing_ || !OwesCredit()) return;
    writing_ = true;
    credit = TakeCredit();
  }
  StartWriting({}, credit);
}

bool Stream::OwesCredit() const {
  const uint64_t owed =
      finished_.load(std::memory_order_relaxed) - told_.load(std::memory_order_relaxed);
  return owed > 0 && owed >= own_window_.load(std::memory_order_relaxed) / 4;
}

uint64_t Stream::TakeCredit() {
  const uint64_t credit = finished_.load(std::memory_order_relaxed);
  told_.store(credit, std::memory_order_relaxed);
  return credit;
}

bool Stream::MayTake() const { return !waiting_.empty() && sent_ - credit_ < window_; }

std::string Stream::TakeFrame() {
  writing_ = true;
  std::string frame;
  TakeSection(&frame);
  while (MayTake() && frame.size() + waiting_.front().batch.size() <= kFrameBytesTarget) {
    TakeSection(&frame);
  }
  return frame;
}

void Stream::TakeSection(std::string* frame) {
  Section& section = waiting_.front();
  sent_ += EnvelopeBytes(section);
  if (frame->empty()) {
    *frame = std::move(section.batch);
  } else {
    *frame += section.batch;
  }
  being_written_.push_back(std::move(section.hold));
  waiting_.pop_front();
}

void Stream::WriteDone(bool ok) {
  // Destroyed after the lock is released: giving bytes back may start a read.
  std::vector<ByteBudget::Hold> written;
  std::deque<Section> dropped;
  std::string frame;
  uint64_t credit = 0;
  bool ended = false;
  bool more = false;
  {
    base::MutexLock lock(&mutex_);
    THOLOS_CHECK(writing_);
    writing_ = false;
    written.swap(being_written_);
    if (!ok) closed_ = true;
    if (closed_) {
      dropped.swap(waiting_);
      ended = true;
    } else if (MayTake() || OwesCredit()) {
      more = true;
      if (MayTake()) frame = TakeFrame();
      writing_ = true;
      credit = TakeCredit();
    }
  }
  if (ended) EndWriting();
  if (more) StartWriting(std::move(frame), credit);
}

void Stream::Close() {
  std::deque<Section> dropped;
  bool ended = false;
  {
    base::MutexLock lock(&mutex_);
    if (closed_) return;
    closed_ = true;
    dropped.swap(waiting_);
    ended = !writing_;
  }
  if (ended) EndWriting();
}

bool Stream::closed() const {
  base::MutexLock lock(&mutex_);
  return closed_;
}

}  // namespace tholos::rpc
