#include "coordinator/write/batchlog.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/async/when_all.h"
#include "base/check.h"
#include "base/coding.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "coordinator/expiry_faults.h"
#include "coordinator/system_schema.h"
#include "data/codec.h"

namespace tholos::coordinator {
namespace {

constexpr size_t kIdBytes = 16;
constexpr size_t kBatchesAtOnce = 16;
constexpr uint32_t kRecoverPageRows = 1000;

data::ColumnId MutationsColumn() { return BatchesTable().Find("mutations")->id; }

base::Uuid IdOf(std::string_view bytes) {
  return *base::Uuid::FromBytes(bytes.substr(0, kIdBytes));
}

std::string StoreMutation(const base::Uuid& id, data::Timestamp timestamp, std::string value) {
  data::Mutation mutation{.table = BatchesTable().id, .update = {.key = BatchKey(id)}};
  data::Row row{.clustering = "", .liveness = data::Liveness::At(timestamp)};
  row.cells.push_back(data::Cell::Value(MutationsColumn(), timestamp, std::move(value)));
  mutation.update.rows.push_back(std::move(row));
  return data::EncodeMutation(mutation);
}

// An id is used once, so the tombstone may have any timestamp above that of the row, and a Remove
// that overtakes its Store wins.
std::string RemoveMutation(const base::Uuid& id, int64_t now_seconds) {
  data::Mutation mutation{.table = BatchesTable().id, .update = {.key = BatchKey(id)}};
  mutation.update.deletion = {2, now_seconds};
  return data::EncodeMutation(mutation);
}

constexpr data::Timestamp kStoreTimestamp = 1;

// What a replay must not do: what was written after the batch would lose to it.
void Restamp(data::Timestamp timestamp, data::Partition* update) {
  for (data::Row& row : update->rows) {
    for (data::Cell& cell : row.cells) cell.timestamp = timestamp;
  }
}

}  // namespace

std::string EncodeBatch(const LoggedBatch& batch) {
  std::string out(batch.id.AsBytes());
  base::PutFixed64(&out, static_cast<uint64_t>(batch.created_micros));
  base::PutVarint(&out, batch.mutations.size());
  for (const std::string& mutation : batch.mutations) base::PutBytes(&out, mutation);
  return out;
}

absl::StatusOr<LoggedBatch> DecodeBatch(std::string_view bytes) {
  if (bytes.size() < kIdBytes) return absl::DataLossError("malformed batch: too short");
  LoggedBatch batch{.id = IdOf(bytes)};
  base::Reader in(bytes.substr(kIdBytes));
  batch.created_micros = static_cast<int64_t>(in.Fixed64());
  const uint64_t count = in.Varint();
  for (uint64_t i = 0; i < count && in.ok(); ++i) batch.mutations.emplace_back(in.Bytes());
  if (!in.AtEnd()) return absl::DataLossError("malformed batch");
  return batch;
}

data::DecoratedKey BatchKey(const base::Uuid& id) {
  return data::DecoratedKey::Of(std::string(id.AsBytes()));
}

data::Token GuardToken(std::string_view encoded_batch) {
  return BatchKey(IdOf(encoded_batch)).token;
}

Batchlog::Batchlog(BatchlogOptions options, Deps deps, std::vector<Writer*> writers)
    : options_(options),
      deps_(deps),
      writers_(std::move(writers)),
      stored_(deps.metrics.AddCounter("tholos_batchlog_stored_total",
                                      "Logged batches that this node guarded")),
      replayed_(deps.metrics.AddCounter(
          "tholos_batchlog_replayed_total",
          "Logged batches that this node completed in place of their coordinators")) {
  for (int i = 0; i < deps_.executor.shard_count(); ++i)
    shards_.push_back(std::make_unique<Shard>());
}

Batchlog::Shard& Batchlog::Here() {
  const int shard = deps_.executor.current_shard();
  THOLOS_CHECK(shard >= 0) << "the batchlog is used on a shard";
  return *shards_[static_cast<size_t>(shard)];
}

void Batchlog::RegisterWith(rpc::Transport& transport) {
  transport.Handle(rpc::Verb::kBatchStore,
                   [this](rpc::Incoming message) { return HandleStore(std::move(message)); });
  transport.Handle(rpc::Verb::kBatchRemove,
                   [this](rpc::Incoming message) { return HandleRemove(std::move(message)); });
}

base::Task<absl::StatusOr<std::string>> Batchlog::HandleStore(rpc::Incoming message) {
  const absl::Status stored = co_await StoreHere(std::move(message.body), message.deadline);
  if (!stored.ok()) co_return stored;
  co_return std::string();
}

base::Task<absl::StatusOr<std::string>> Batchlog::HandleRemove(rpc::Incoming message) {
  const auto id = base::Uuid::FromBytes(message.body);
  if (!id.ok()) co_return absl::DataLossError("malformed batch id");
  const absl::Status removed = co_await RemoveHere(*id, message.deadline);
  if (!removed.ok()) co_return removed;
  co_return std::string();
}

base::Task<absl::Status> Batchlog::Store(std::string encoded, base::Deadline deadline) {
  const data::Token token = GuardToken(encoded);
  base::Loop& caller = base::Loop::Current();
  co_await base::SwitchTo(
      deps_.executor.shard(base::ShardOfToken(token, deps_.executor.shard_count())));
  absl::Status stored = co_await StoreHere(std::move(encoded), deadline);
  co_await base::SwitchTo(caller);
  co_return stored;
}

base::Task<absl::Status> Batchlog::Remove(base::Uuid id, base::Deadline deadline) {
  const data::Token token = BatchKey(id).token;
  base::Loop& caller = base::Loop::Current();
  co_await base::SwitchTo(
      deps_.executor.shard(base::ShardOfToken(token, deps_.executor.shard_count())));
  absl::Status removed = co_await RemoveHere(id, deadline);
  co_await base::SwitchTo(caller);
  co_return removed;
}

base::Task<absl::Status> Batchlog::StoreHere(std::string encoded, base::Deadline deadline) {
  if (encoded.size() < kIdBytes) co_return absl::DataLossError("malformed batch: too short");
  const base::Uuid id = IdOf(encoded);
  const base::MonotonicTime due =
      std::min(deadline, deps_.clock.Now() + options_.request_time_max) + options_.grace;
  THOLOS_CO_RETURN_IF_ERROR(co_await deps_.engine.Apply(
      StoreMutation(id, kStoreTimestamp, std::move(encoded)), deadline));
  stored_.Add();
  Here().due[id] = due;
  co_return absl::OkStatus();
}

base::Task<absl::Status> Batchlog::RemoveHere(base::Uuid id, base::Deadline deadline) {
  Here().due.erase(id);
  co_return co_await deps_.engine.Apply(RemoveMutation(id, deps_.clock.WallSeconds()), deadline);
}

base::Task<absl::Status> Batchlog::Recover() {
  data::ReadCommand command{.table = BatchesTable().id};
  command.row_limit = kRecoverPageRows;
  command.now_seconds = deps_.clock.WallSeconds();
  const base::MonotonicTime due = deps_.clock.Now() + options_.grace;
  while (true) {
    THOLOS_CO_ASSIGN_OR_RETURN(const data::ReadResult page,
                               co_await deps_.engine.Read(command, base::Deadline::Infinite()));
    for (const data::Partition& partition : page.partitions) {
      const auto id = base::Uuid::FromBytes(partition.key.key);
      if (id.ok() && !partition.rows.empty()) shards_[0]->due[*id] = due;
    }
    if (!page.more) co_return absl::OkStatus();
    command.after = data::LastPosition(page);
  }
}

void Batchlog::Start() {
  started_ = true;
  for (int i = 0; i < deps_.executor.shard_count(); ++i) {
    deps_.executor.shard(i).Post(
        [this, i] { shards_[static_cast<size_t>(i)]->scope.Spawn(Run(i)); });
  }
}

base::Task<void> Batchlog::Stop() {
  if (!started_) co_return;
  for (int i = 0; i < deps_.executor.shard_count(); ++i) {
    co_await base::SwitchTo(deps_.executor.shard(i));
    shards_[static_cast<size_t>(i)]->stopping.Set();
    co_await shards_[static_cast<size_t>(i)]->scope.Stop();
  }
  co_await base::SwitchTo(deps_.executor.shard(0));
}

base::Task<void> Batchlog::Run(int shard) {
  base::Event& stopping = shards_[static_cast<size_t>(shard)]->stopping;
  while (!co_await stopping.WaitUntil(deps_.clock.Now() + options_.replay_interval)) {
    co_await ReplayDue(shard);
  }
}

base::Task<void> Batchlog::ReplayDue(int shard) {
  auto& due = shards_[static_cast<size_t>(shard)]->due;
  const base::MonotonicTime now = deps_.clock.Now();
  // Who has waited longest comes first: those that cannot be completed yet hold nobody up.
  std::vector<std::pair<base::MonotonicTime, base::Uuid>> waiting;
  for (const auto& [id, when] : due) {
    if (when <= now) waiting.emplace_back(when, id);
  }
  const size_t count = std::min(waiting.size(), kBatchesAtOnce);
  std::partial_sort(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(count),
                    waiting.end());
  std::vector<base::Uuid> ids;
  for (size_t i = 0; i < count; ++i) ids.push_back(waiting[i].second);
  std::vector<base::Task<absl::Status>> replays;
  for (const base::Uuid& id : ids) replays.push_back(Replay(shard, id));
  const std::vector<absl::Status> outcomes = co_await base::WhenAll(std::move(replays));
  for (size_t i = 0; i < ids.size(); ++i) {
    if (outcomes[i].ok()) {
      due.erase(ids[i]);
      continue;
    }
    deps_.log.Info("batchlog", base::StrCat("batch ", ids[i].ToString(),
                                            " waits: ", base::ToStd(outcomes[i].message())));
    if (const auto it = due.find(ids[i]); it != due.end())
      it->second = deps_.clock.Now() + options_.grace;
  }
}

base::Task<absl::Status> Batchlog::Replay(int shard, base::Uuid id) {
  THOLOS_CO_ASSIGN_OR_RETURN(std::optional<LoggedBatch> batch, co_await Load(id));
  if (!batch.has_value()) co_return absl::OkStatus();
  if (deps_.faults.batch_replayed_in_part) batch->mutations.resize(1);
  std::vector<base::Task<absl::Status>> writes;
  Writer* writer = writers_[static_cast<size_t>(shard)];
  std::vector<data::Mutation> mutations = DecodeParts(*batch);
  if (IsTooOld(*batch, mutations)) {
    deps_.log.Warning("batchlog", base::StrCat("batch ", id.ToString(),
                                               " is dropped: older than the gc_grace_seconds of a "
                                               "table of it"));
    mutations.clear();
  }
  for (data::Mutation& mutation : mutations)
    writes.push_back(ReplayMutation(writer, std::move(mutation), batch->created_micros));
  absl::Status outcome;
  for (const absl::Status& one : co_await base::WhenAll(std::move(writes))) outcome.Update(one);
  THOLOS_CO_RETURN_IF_ERROR(outcome);
  if (!mutations.empty()) replayed_.Add();
  co_return co_await deps_.engine.Apply(RemoveMutation(id, deps_.clock.WallSeconds()),
                                        base::Deadline::Infinite());
}

// Nothing: it was removed, or cannot be read (then it is lost, and said so).
base::Task<absl::StatusOr<std::optional<LoggedBatch>>> Batchlog::Load(base::Uuid id) {
  data::ReadCommand command{.table = BatchesTable().id, .key = BatchKey(id)};
  command.now_seconds = deps_.clock.WallSeconds();
  THOLOS_CO_ASSIGN_OR_RETURN(
      const data::ReadResult result,
      co_await deps_.engine.Read(std::move(command),
                                 deps_.clock.Now() + options_.request_time_max));
  for (const data::Partition& partition : result.partitions) {
    for (const data::Row& row : partition.rows) {
      if (row.cells.empty() || row.cells[0].tombstone) continue;
      absl::StatusOr<LoggedBatch> batch = DecodeBatch(row.cells[0].value);
      if (batch.ok()) co_return std::optional<LoggedBatch>(*std::move(batch));
      deps_.log.Error("batchlog", base::StrCat("batch ", id.ToString(), " is lost: ",
                                               base::ToStd(batch.status().message())));
    }
  }
  co_return std::optional<LoggedBatch>();
}

std::vector<data::Mutation> Batchlog::DecodeParts(const LoggedBatch& batch) {
  std::vector<data::Mutation> mutations;
  for (const std::string& encoded : batch.mutations) {
    absl::StatusOr<data::Mutation> mutation = data::DecodeMutation(encoded);
    if (mutation.ok()) {
      mutations.push_back(*std::move(mutation));
    } else {
      deps_.log.Error("batchlog", base::StrCat("a mutation of a batch is lost: ",
                                               base::ToStd(mutation.status().message())));
    }
  }
  return mutations;
}

// The smallest gc_grace_seconds decides for all parts: a batch is never completed in part.
bool Batchlog::IsTooOld(const LoggedBatch& batch,
                        const std::vector<data::Mutation>& mutations) const {
  const int64_t age_seconds = (deps_.clock.WallMicros() - batch.created_micros) / 1'000'000;
  const ring::ClusterState::Ptr state = deps_.cluster.Get();
  return std::any_of(mutations.begin(), mutations.end(), [&](const data::Mutation& mutation) {
    const auto table = state->schema().FindTable(mutation.table);
    return table != nullptr && age_seconds > table->gc_grace_seconds;
  });
}

base::Task<absl::Status> Batchlog::ReplayMutation(Writer* writer, data::Mutation mutation,
                                                  int64_t created_micros) {
  const auto table = deps_.cluster.Get()->schema().FindTable(mutation.table);
  if (table == nullptr) co_return absl::OkStatus();
  const RequestEpochs::Holder on_its_way = writer->EnterEpoch();
  using Fate = Truncations::Fate;
  const Fate fate = deps_.truncations.FateOf(table->id, created_micros, deps_.clock.Now());
  if (fate == Fate::kDrop) co_return absl::OkStatus();
  if (fate == Fate::kWait) co_return absl::UnavailableError("a table of it is being truncated");
  if (deps_.faults.batch_replayed_as_new) Restamp(deps_.clock.WallMicros(), &mutation.update);
  if (deps_.faults.batch_expires_anew) RestartTtls(&mutation.update, deps_.clock.WallSeconds());
  const absl::Status written = co_await writer->WriteAgain(
      mutation, {.consistency = ConsistencyLevel::kQuorum,
                 .deadline = deps_.clock.Now() + options_.replay_time_max,
                 .background = true});
  // What is invalid now stays so.
  co_return absl::IsInvalidArgument(written) ? absl::OkStatus() : written;
}

}  // namespace tholos::coordinator
