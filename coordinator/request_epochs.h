// RequestEpochs: waits for everything of a shard that is on its way to replicas already, and for
// nothing that begins later.
//
//   const RequestEpochs::Holder inside = epochs.Enter();     a write until its last replica has
//                                                            answered, a read with its repairs, ...
//   co_await epochs.WaitForOlder(deadline)                    all that entered before have left
//
// Confined to its shard.
#pragma once

#include <cstdint>
#include <deque>
#include <utility>

#include "base/async/event.h"
#include "base/async/loop.h"
#include "base/async/task.h"
#include "base/time.h"

namespace tholos::coordinator {

class RequestEpochs {
  struct Epoch {
    uint64_t number = 0;
    uint64_t inside = 0;
  };

 public:
  // Outlived by the epochs.
  class Holder {
   public:
    Holder() = default;
    Holder(Holder&& o) noexcept
        : epochs_(std::exchange(o.epochs_, nullptr)), epoch_(std::exchange(o.epoch_, nullptr)) {}
    Holder& operator=(Holder&& o) noexcept {
      std::swap(epochs_, o.epochs_);
      std::swap(epoch_, o.epoch_);
      return *this;
    }
    ~Holder() {
      if (epochs_ != nullptr && !base::Loop::CurrentCrashed()) epochs_->Leave(*epoch_);
    }

   private:
    friend class RequestEpochs;
    Holder(RequestEpochs* epochs, Epoch* epoch) : epochs_(epochs), epoch_(epoch) {}
    RequestEpochs* epochs_ = nullptr;
    Epoch* epoch_ = nullptr;
  };

  [[nodiscard]] Holder Enter() {
    ++epochs_.back().inside;
    return Holder(this, &epochs_.back());
  }

  // For what somebody who is inside leaves behind: counts as one of the oldest.
  [[nodiscard]] Holder EnterOldest() {
    ++epochs_.front().inside;
    return Holder(this, &epochs_.front());
  }

  // False: the deadline has passed before.
  base::Task<bool> WaitForOlder(base::Deadline deadline) {
    const uint64_t older = epochs_.back().number;
    epochs_.push_back({older + 1});
    RemoveEmpty();
    while (epochs_.front().number <= older) {
      if (!co_await changed_.WaitUntil(deadline)) co_return false;
    }
    co_return true;
  }

 private:
  void Leave(Epoch& epoch) {
    if (--epoch.inside == 0 && epochs_.size() > 1) {
      RemoveEmpty();
      changed_.Pulse();
    }
  }
  void RemoveEmpty() {
    while (epochs_.size() > 1 && epochs_.front().inside == 0) epochs_.pop_front();
  }

  std::deque<Epoch> epochs_{Epoch{}};  // whoever is inside keeps the place of its epoch
  base::Event changed_;
};

}  // namespace tholos::coordinator
