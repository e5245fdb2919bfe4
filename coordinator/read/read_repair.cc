#include "coordinator/read/read_repair.h"

#include <algorithm>
#include <memory>

#include "base/async/when_all.h"
#include "coordinator/write_message.h"

namespace tholos::coordinator {
namespace {

// Held by every task that works on the repair: it may outlive the read.
class Repairing {
 public:
  Repairing(ShardContext& shard, ReadRepair repair)
      : shard_(shard), repair_(std::move(repair)), progress_(repair_.needs) {
    for (const int group : repair_.up_to_date) progress_.Already(group);
    for (const auto& [replica, updates] : repair_.lacking) progress_.Asked(replica.group);
  }

  static base::Task<absl::Status> Run(std::shared_ptr<Repairing> self) {
    ShardContext& shard = self->shard_;
    for (auto& [replica, updates] : self->repair_.lacking) {
      shard.metrics.repaired_partitions.Add(updates.size());
      shard.background.Spawn(BringUpToDate(self, replica, std::move(updates)));
    }
    if (self->progress_.verdict() == Verdict::kEnough) co_return absl::OkStatus();
    co_await self->decided_.WaitUntil(self->repair_.deadline);
    if (self->progress_.verdict() == Verdict::kEnough) co_return absl::OkStatus();
    co_return self->progress_.Error(self->repair_.level, {.data_present = true});
  }

 private:
  static base::Task<void> BringUpToDate(std::shared_ptr<Repairing> self,
                                        ReplicaPlan::Target replica,
                                        std::vector<data::Partition> updates) {
    std::vector<base::Task<absl::Status>> writes;
    for (data::Partition& update : updates) {
      writes.push_back(self->WriteOne(replica.node, {self->repair_.table, std::move(update)}));
    }
    absl::Status outcome;
    for (const absl::Status& status : co_await base::WhenAll(std::move(writes)))
      outcome.Update(status);
    if (outcome.ok()) {
      self->progress_.Answered(replica.group);
    } else {
      TrySpare(self, replica.group);
      self->progress_.Failed(outcome, replica.group);
    }
    if (self->progress_.verdict() != Verdict::kPending) self->decided_.Set();
  }

  base::Task<absl::Status> WriteOne(ring::NodeId replica, data::Mutation mutation) {
    const auto turn = co_await shard_.repairs.Acquire(1);
    co_return co_await shard_.replicas.Apply(replica, rpc::Verb::kRepairWrite,
                                             WriteMessage::Of(mutation), repair_.deadline,
                                             repair_.trace);
  }

  static void TrySpare(const std::shared_ptr<Repairing>& self, int group) {
    std::vector<ReplicaPlan::Target>& spares = self->repair_.spares;
    const auto spare = std::find_if(spares.begin(), spares.end(),
                                    [group](const auto& target) { return target.group == group; });
    if (self->decided_.is_set() || spare == spares.end()) return;
    const ReplicaPlan::Target replica = *spare;
    spares.erase(spare);
    self->progress_.Asked(group);
    self->shard_.background.Spawn(BringUpToDate(self, replica, self->repair_.found));
  }

  ShardContext& shard_;
  ReadRepair repair_;
  Progress progress_;
  base::Event decided_;
  const RequestEpochs::Holder on_its_way_ = shard_.epochs.EnterOldest();
};

}  // namespace

base::Task<absl::Status> Repair(ShardContext& shard, ReadRepair repair) {
  return Repairing::Run(std::make_shared<Repairing>(shard, std::move(repair)));
}

}  // namespace tholos::coordinator
