#include "base/sim/simulation.h"

#include <algorithm>
#include <cstdlib>

#include "base/check.h"
#include "base/checksum.h"
#include "base/sim/sim_loop.h"
#include "base/sim/sim_node.h"

namespace tholos::base::sim {

namespace {
uint64_t NumberFromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr || *text == '\0' ? otherwise : std::strtoull(text, nullptr, 10);
}
}  // namespace

uint64_t SeedFromEnvironment(uint64_t otherwise) {
  return NumberFromEnvironment("THOLOS_SEED", otherwise);
}

uint64_t SeedCountFromEnvironment(uint64_t otherwise) {
  return NumberFromEnvironment("THOLOS_SEEDS", otherwise);
}

Simulation::Simulation(SimulationOptions options)
    : options_(options), scheduler_(Stream("scheduler")) {}

Simulation::~Simulation() {
  KillAll();
  events_.clear();
}

void Simulation::KillAll() {
  for (auto& node : nodes_) {
    node->CarryOutRequestedCrash();
    if (node->running()) node->Kill();
  }
}

SimNode& Simulation::AddNode(std::string name, NodeOptions options) {
  THOLOS_CHECK(FindNode(name) == nullptr) << "two nodes named " << name;
  nodes_.push_back(std::make_unique<SimNode>(*this, std::move(name), options));
  return *nodes_.back();
}

SimNode* Simulation::FindNode(std::string_view name) {
  for (auto& node : nodes_) {
    if (node->name() == name) return node.get();
  }
  return nullptr;
}

RandomStream Simulation::Stream(std::string_view name) const {
  return RandomStream(Checksum64(name, options_.seed));
}

void Simulation::At(MonotonicTime when, std::string what, absl::AnyInvocable<void()> act) {
  events_.emplace(std::make_pair(std::max(when, now_), next_event_sequence_++),
                  WorldEvent{std::move(what), std::move(act)});
}

void Simulation::RunDueEvent() {
  auto first = events_.begin();
  WorldEvent event = std::move(first->second);
  const uint64_t sequence = first->first.second;
  events_.erase(first);
  trace_.Fold(now_, "world", event.what, sequence);
  Loop::Enter outside(nullptr);
  event.act();
}

void Simulation::CollectRunnable() {
  runnable_.clear();
  for (SimLoop* loop : loops_) {
    if (loop->Runnable()) runnable_.push_back(loop);
  }
}

bool Simulation::Step() {
  ++steps_;
  for (auto& node : nodes_) node->CarryOutRequestedCrash();
  if (!events_.empty() && events_.begin()->first.first <= now_) {
    RunDueEvent();
    return true;
  }
  CollectRunnable();
  if (runnable_.empty()) return false;
  SimLoop* loop = runnable_[scheduler_.Below(runnable_.size())];
  const bool was_in_step = std::exchange(in_step_, true);
  loop->RunOne(scheduler_);
  in_step_ = was_in_step;
  const int64_t cost_max = absl::ToInt64Nanoseconds(options_.step_cost_max);
  now_.nanos += scheduler_.Between(0, cost_max);
  return true;
}

bool Simulation::AdvanceTime(MonotonicTime limit) {
  MonotonicTime next = MonotonicTime::Infinite();
  if (!events_.empty()) next = events_.begin()->first.first;
  for (SimLoop* loop : loops_) next = std::min(next, loop->NextTimerGlobal());
  if (next == MonotonicTime::Infinite()) return false;
  now_ = std::max(now_, std::min(next, limit));
  return true;
}

Simulation::Outcome Simulation::RunUntil(absl::FunctionRef<bool()> predicate, absl::Duration max) {
  THOLOS_CHECK(!in_step_) << "the simulation is run from inside itself";
  const MonotonicTime limit = now_ + max;
  while (!predicate()) {
    if (Step()) {
      if (now_ > limit) return predicate() ? Outcome::kReached : Outcome::kTimeout;
      continue;
    }
    if (now_ >= limit) return Outcome::kTimeout;
    if (!AdvanceTime(limit)) return Outcome::kIdle;
  }
  return Outcome::kReached;
}

void Simulation::RunFor(absl::Duration span) {
  const MonotonicTime end = now_ + span;
  RunUntil([&] { return now_ >= end; }, span);
  now_ = std::max(now_, end);
}

}  // namespace tholos::base::sim
