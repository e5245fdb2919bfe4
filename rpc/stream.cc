#include "rpc/stream.h"

#include <utility>

#include "base/check.h"

namespace tholos::rpc {

bool Stream::BeginWriting() {
  base::MutexLock lock(&mutex_);
  THOLOS_CHECK(!began_);
  began_ = true;
  if (closed_) return false;
  writing_ = true;
  return true;
}

void Stream::Push(Section section) {
  std::string frame;
  {
    base::MutexLock lock(&mutex_);
    if (closed_) return;
    waiting_.push_back(std::move(section));
    if (!began_ || writing_) return;
    frame = TakeFrame();
  }
  StartWriting(std::move(frame));
}

std::string Stream::TakeFrame() {
  writing_ = true;
  std::string frame = std::move(waiting_.front().batch);
  being_written_.push_back(std::move(waiting_.front().hold));
  waiting_.pop_front();
  while (!waiting_.empty() && frame.size() + waiting_.front().batch.size() <= kFrameBytesTarget) {
    frame += waiting_.front().batch;
    being_written_.push_back(std::move(waiting_.front().hold));
    waiting_.pop_front();
  }
  return frame;
}

void Stream::WriteDone(bool ok) {
  // Destroyed after the lock is released: giving bytes back may start a read.
  std::vector<ByteBudget::Hold> written;
  std::deque<Section> dropped;
  std::string frame;
  bool ended = false;
  {
    base::MutexLock lock(&mutex_);
    THOLOS_CHECK(writing_);
    writing_ = false;
    written.swap(being_written_);
    if (!ok) closed_ = true;
    if (closed_) {
      dropped.swap(waiting_);
      ended = true;
    } else if (!waiting_.empty()) {
      frame = TakeFrame();
    }
  }
  if (ended) EndWriting();
  if (!frame.empty()) StartWriting(std::move(frame));
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
