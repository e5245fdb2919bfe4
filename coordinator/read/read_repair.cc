#include "coordinator/read/read_repair.h"

#include <algorithm>
#include <memory>

#include "base/async/when_all.h"
#include "base/status_macros.h"
#include "coordinator/expiry_faults.h"
#include "coordinator/read/split_update.h"
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
    self->room_ = shard.read_memory.Take(self->Bytes());
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
    for (data::Partition& update : updates)
      writes.push_back(self->Write(replica.node, std::move(update)));
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

  // Its parts one after the other: a commit log has little more than one of them wait for the disk.
  base::Task<absl::Status> Write(ring::NodeId replica, data::Partition update) {
    for (data::Partition& part :
         SplitUpdate(std::move(update), shard_.options.mutation_bytes_max)) {
      THOLOS_CO_RETURN_IF_ERROR(co_await WriteOne(replica, {repair_.table, std::move(part)}));
    }
    co_return absl::OkStatus();
  }

  base::Task<absl::Status> WriteOne(ring::NodeId replica, data::Mutation mutation) {
    const auto turn = co_await shard_.repairs.Acquire(
        static_cast<int64_t>(data::ApproximateBytes(mutation.update)));
    if (shard_.options.faults.repairs_never_expire) ForgetTtls(&mutation.update);
    auto message = WriteMessage::Of(mutation);
    mutation = {};
    co_return co_await shard_.replicas.Apply(replica, rpc::Verb::kRepairWrite, std::move(message),
                                             repair_.deadline, repair_.trace);
  }

  int64_t Bytes() const {
    uint64_t bytes = 0;
    for (const auto& [replica, updates] : repair_.lacking) {
      for (const data::Partition& update : updates) bytes += data::ApproximateBytes(update);
    }
    for (const data::Partition& update : repair_.found) bytes += data::ApproximateBytes(update);
    return static_cast<int64_t>(bytes);
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
  ReadMemory::Room room_;
  Progress progress_;
  base::Event decided_;
  const RequestEpochs::Holder on_its_way_ = shard_.epochs.EnterOldest();
};

}  // namespace

base::Task<absl::Status> Repair(ShardContext& shard, ReadRepair repair) {
  return Repairing::Run(std::make_shared<Repairing>(shard, std::move(repair)));
}

}  // namespace tholos::coordinator
