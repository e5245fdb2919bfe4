// The simulated executor door: the loops of one incarnation of a node.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/executor.h"
#include "base/sim/sim_loop.h"

namespace tholos::base::sim {

class SimExecutor final : public Executor {
 public:
  SimExecutor(std::vector<std::unique_ptr<SimLoop>> shards,
              std::vector<std::unique_ptr<SimLoop>> background)
      : shards_(std::move(shards)), background_(std::move(background)) {}

  int shard_count() const override { return static_cast<int>(shards_.size()); }
  Loop& shard(int index) override { return *shards_.at(index); }
  Loop& background() override { return *background_[next_background_++ % background_.size()]; }
  int current_shard() const override;

  // Shards first.
  std::vector<SimLoop*> loops() const;

 private:
  std::vector<std::unique_ptr<SimLoop>> shards_;
  std::vector<std::unique_ptr<SimLoop>> background_;
  size_t next_background_ = 0;
};

}  // namespace tholos::base::sim
