// The decisions of ReplicaQueue, against a model of a replica under an open-loop load.
#include "coordinator/replica_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

namespace tholos::coordinator {
namespace {

using absl::Microseconds;
using absl::Milliseconds;
using absl::Seconds;

// What a replica is like, until told otherwise.
struct Behaviour {
  absl::Duration service;  // of each request, one after the other: the capacity
  absl::Duration way;      // to the replica and back
  bool silent = false;     // what is sent meanwhile is never answered
};

// Requests arrive at a rate, whoever is served; those that wait longer than two seconds are lost,
// and their work is done all the same.
class Model {
 public:
  static constexpr absl::Duration kPatience = Seconds(2);

  struct Counts {
    int offered = 0, refused = 0, answered = 0, lost = 0;
    absl::Duration longest;
  };

  // What happens in `span` of `per_second` requests.
  Counts Run(const Behaviour& replica, double per_second, absl::Duration span) {
    counts_ = {};
    const base::MonotonicTime end = now_ + span;
    const absl::Duration gap = Seconds(1 / per_second);
    while (now_ < end) {
      Arrive(replica);
      const base::MonotonicTime next = now_ + gap;
      PassTo(next);
    }
    return counts_;
  }
  // Nothing is offered.
  void Rest(absl::Duration span) { PassTo(now_ + span); }
  Counts Burst(const Behaviour& replica, int count) {
    counts_ = {};
    for (int i = 0; i < count; ++i) Arrive(replica);
    return counts_;
  }
  const ReplicaQueue& queue() const { return queue_; }

 private:
  struct Request {
    base::MonotonicTime sent;
    bool lost = false;
    bool timed = false;
  };

  void Arrive(const Behaviour& replica) {
    ++counts_.offered;
    if (queue_.limited() && queue_.Full(now_)) {
      ++counts_.refused;
      return;
    }
    const bool timed = ++arrived_ % 4 == 0;
    timed ? queue_.SentAt(now_) : queue_.Sent();
    base::MonotonicTime answer = base::MonotonicTime::Infinite();
    if (!replica.silent) {
      served_until_ = std::max(served_until_, now_) + replica.service;
      answer = served_until_ + replica.way;
    }
    const base::MonotonicTime given_up = now_ + kPatience;
    pending_.emplace(std::min(answer, given_up), Request{now_, given_up < answer, timed});
  }

  void PassTo(base::MonotonicTime until) {
    while (!pending_.empty() && pending_.begin()->first <= until) {
      const auto [when, request] = *pending_.begin();
      pending_.erase(pending_.begin());
      if (request.lost) {
        ++counts_.lost;
        queue_.Lost();
        continue;
      }
      ++counts_.answered;
      counts_.longest = std::max(counts_.longest, when - request.sent);
      request.timed ? queue_.AnsweredAt(when, request.sent) : queue_.Answered();
    }
    now_ = until;
  }

  ReplicaQueue queue_;
  base::MonotonicTime now_ = base::MonotonicTime() + Seconds(100);
  base::MonotonicTime served_until_;
  std::multimap<base::MonotonicTime, Request> pending_;
  int arrived_ = 0;
  Counts counts_;
};

TEST(ReplicaQueueTest, WhoeverIsNotInTroubleNeverMeetsIt) {
  const struct {
    std::string what;
    Behaviour replica;
    double per_second;
  } cases[] = {
      {"a fast replica", {Microseconds(50), Microseconds(300)}, 10000},
      {"one at nine tenths of what it can", {Microseconds(100), Microseconds(300)}, 9000},
      {"a slow disk", {Milliseconds(5), Milliseconds(20)}, 150},
      {"another continent", {Microseconds(50), Milliseconds(240)}, 5000},
      {"a way that is longer than the bound", {Microseconds(50), Milliseconds(600)}, 5000},
      {"little to do", {Milliseconds(1), Milliseconds(1)}, 3},
  };
  for (const auto& each : cases) {
    Model model;
    EXPECT_EQ(model.Run(each.replica, each.per_second, Seconds(20)).refused, 0) << each.what;
  }
}

TEST(ReplicaQueueTest, ACrowdAtOnceIsNoQueue) {
  const Behaviour replica{Microseconds(50), Milliseconds(1)};
  Model model;
  EXPECT_EQ(model.Burst(replica, 4000).refused, 0) << "200 ms of work, before anything is known";
  model.Rest(Seconds(3));
  model.Run(replica, 1000, Seconds(3));
  EXPECT_EQ(model.Burst(replica, 4000).refused, 0);
  EXPECT_EQ(model.Run(replica, 1000, Seconds(3)).refused, 0);
}

TEST(ReplicaQueueTest, AReplicaThatIsTenTimesSlowerDoesWhatItCan) {
  const struct {
    absl::Duration service;
    double per_second;
  } cases[] = {{Microseconds(400), 1500},
               {Microseconds(400), 2400},
               {Microseconds(100), 5000},
               {Microseconds(50), 2500},
               {Milliseconds(1), 900}};
  for (const auto& each : cases) {
    SCOPED_TRACE(absl::StrCat(absl::FormatDuration(each.service), " ", each.per_second));
    Model model;
    const Behaviour healthy{each.service, Milliseconds(1)};
    const Behaviour slow{10 * each.service, Milliseconds(1)};
    EXPECT_EQ(model.Run(healthy, each.per_second, Seconds(5)).refused, 0);
    // What came until the queue was seen: a third of a second, of ten times what can be done.
    model.Run(slow, each.per_second, Seconds(6));
    const double capacity = 1 / absl::ToDoubleSeconds(slow.service);
    for (int round = 0; round < 10; ++round) {
      const Model::Counts counts = model.Run(slow, each.per_second, Seconds(5));
      const double could = std::min(capacity, each.per_second) * 5;
      EXPECT_GE(counts.answered, 0.9 * could) << "round " << round;
      EXPECT_EQ(counts.lost, 0) << "round " << round;
      EXPECT_LE(counts.longest, Milliseconds(1000)) << "round " << round;
    }
    // It recovers.
    model.Run(healthy, each.per_second, Seconds(3));
    const Model::Counts after = model.Run(healthy, each.per_second, Seconds(5));
    EXPECT_EQ(after.refused, 0);
    EXPECT_FALSE(model.queue().limited());
  }
}

TEST(ReplicaQueueTest, ALongerWayIsLearnt) {
  Model model;
  EXPECT_EQ(model.Run({Microseconds(50), Milliseconds(1)}, 1000, Seconds(20)).refused, 0);
  const Behaviour further{Microseconds(50), Milliseconds(700)};
  model.Run(further, 1000, Seconds(10));
  EXPECT_EQ(model.Run(further, 1000, Seconds(20)).refused, 0);
}

TEST(ReplicaQueueTest, SilenceFillsItAndAnAnswerEmptiesIt) {
  const Behaviour healthy{Microseconds(50), Milliseconds(1)};
  Model model;
  model.Run(healthy, 1000, Seconds(5));
  const Model::Counts silent = model.Run({.silent = true}, 1000, Seconds(8));
  EXPECT_GT(silent.refused, 7000) << "nobody waits for it in vain who need not";
  EXPECT_LT(silent.lost, 700);
  model.Run(healthy, 1000, Seconds(5));
  EXPECT_EQ(model.Run(healthy, 1000, Seconds(5)).refused, 0);
}

TEST(ReplicaQueueTest, AProcessThatStoodStillConcludesNothing) {
  ReplicaQueue queue;
  base::MonotonicTime now = base::MonotonicTime() + Seconds(100);
  for (int i = 0; i < 1000; ++i) {
    queue.SentAt(now);
    queue.AnsweredAt(now + Milliseconds(1), now);
    now = now + Milliseconds(1);
  }
  for (int i = 0; i < 300; ++i) queue.SentAt(now);
  const base::MonotonicTime sent = now;
  now = now + Seconds(10);
  for (int i = 0; i < 300; ++i) queue.AnsweredAt(now, sent);
  EXPECT_FALSE(queue.limited());
  EXPECT_FALSE(queue.Full(now));
  EXPECT_EQ(queue.under_way(), 0u);
}

}  // namespace
}  // namespace tholos::coordinator
