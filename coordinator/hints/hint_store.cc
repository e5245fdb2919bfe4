#include "coordinator/hints/hint_store.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace tholos::coordinator {
namespace {

// One line of the log for that many hints dropped.
constexpr absl::Duration kWarnInterval = absl::Minutes(1);

}  // namespace

HintStore::HintStore(HintOptions options, HintDeps deps, base::Executor& executor,
                     base::Metrics& metrics)
    : options_(std::move(options)), deps_(deps), executor_(executor), metrics_(metrics) {
  for (int i = 0; i < executor_.shard_count(); ++i) shards_.push_back(std::make_unique<Shard>());
}

HintStore::Shard& HintStore::Here() const {
  const int shard = executor_.current_shard();
  THOLOS_CHECK(shard >= 0) << "hints are of a shard";
  return *shards_[static_cast<size_t>(shard)];
}

base::Task<absl::StatusOr<std::unique_ptr<HintStore>>> HintStore::Open(HintOptions options,
                                                                       HintDeps deps,
                                                                       base::Executor& executor,
                                                                       base::Metrics& metrics) {
  std::unique_ptr<HintStore> store(new HintStore(std::move(options), deps, executor, metrics));
  THOLOS_CO_RETURN_IF_ERROR(co_await store->Recover());
  co_return store;
}

base::Task<absl::Status> HintStore::Recover() {
  THOLOS_CO_RETURN_IF_ERROR(co_await deps_.fs.MakeDirectories(options_.directory));
  const size_t slash = options_.directory.rfind('/');
  if (slash != std::string::npos && slash > 0) {
    THOLOS_CO_RETURN_IF_ERROR(co_await deps_.fs.SyncDirectory(options_.directory.substr(0, slash)));
  }
  THOLOS_CO_ASSIGN_OR_RETURN(const std::vector<base::DirectoryEntry> entries,
                             co_await deps_.fs.List(options_.directory));
  std::vector<HintFileId> found;
  for (const base::DirectoryEntry& entry : entries) {
    if (const auto id = ParseHintFileName(entry.name)) found.push_back(*id);
  }
  std::sort(found.begin(), found.end());
  for (const HintFileId& id : found) THOLOS_CO_RETURN_IF_ERROR(co_await RecoverFile(id));
  co_return absl::OkStatus();
}

base::Task<absl::StatusOr<HintStore::FoundFile>> HintStore::LookInto(HintFileId id) {
  const std::string path = base::StrCat(options_.directory, "/", HintFileName(id));
  THOLOS_CO_ASSIGN_OR_RETURN(const std::unique_ptr<base::File> file,
                             co_await deps_.fs.Open(path, base::OpenMode::kRead));
  FoundFile found;
  THOLOS_CO_ASSIGN_OR_RETURN(found.header, co_await file->Read(0, kHintHeaderBytes));
  THOLOS_CO_ASSIGN_OR_RETURN(found.size, co_await file->Size());
  co_return found;
}

base::Task<absl::Status> HintStore::RecoverFile(HintFileId id) {
  const std::string name = HintFileName(id);
  const absl::StatusOr<FoundFile> found = co_await LookInto(id);
  if (!found.ok()) {
    // A bad sector is no reason not to start: the file is left alone.
    deps_.log.Error("hints",
                    base::StrCat(name, ": not delivered: ", base::ToStd(found.status().message())));
    LogFor(*shards_[0], id.target).Reserve(id.sequence);
    co_return absl::OkStatus();
  }
  const absl::StatusOr<int64_t> created = DecodeHintHeader(id, found->header);
  if (created.ok()) {
    HintLog& log = LogFor(*shards_[0], id.target);
    deps_.faults.hints_forgotten_at_restart ? log.Reserve(id.sequence)
                                            : log.Adopt(id.sequence, found->size, *created);
    co_return absl::OkStatus();
  }
  // A later version's hints would be lost by this one.
  if (absl::IsUnimplemented(created.status())) co_return created.status();
  metrics_.dropped_corrupt.Add();
  deps_.log.Warning("hints",
                    base::StrCat(name, ": ", base::ToStd(created.status().message()), ": removed"));
  co_return co_await deps_.fs.Remove(base::StrCat(options_.directory, "/", name));
}

base::Task<absl::Status> HintStore::Add(ring::NodeId target,
                                        std::shared_ptr<const WriteMessage> message,
                                        int64_t created_micros) {
  if (deps_.faults.hints_dropped) co_return absl::OkStatus();
  if (executor_.current_shard() >= 0) {
    co_return co_await AddHere(target, std::move(message), created_micros);
  }
  co_return co_await base::RunOn(executor_.shard(0),
                                 AddHere(target, std::move(message), created_micros));
}

base::Task<absl::Status> HintStore::AddHere(ring::NodeId target,
                                            std::shared_ptr<const WriteMessage> message,
                                            int64_t created_micros) {
  Shard& shard = Here();
  const base::Gate::Holder inside = shard.adding.Enter();
  if (!inside) co_return absl::UnavailableError("hints are stopping");
  if (IsTooOld(created_micros)) {
    metrics_.dropped_old.Add();
    NeedsRepair(target, *message, "a write was too old for a hint");
    co_return absl::DeadlineExceededError("the write is too old for a hint");
  }
  const size_t bytes = message->body.size();
  HintLog& log = LogFor(shard, target);
  if (absl::Status room = TakeRoom(shard, log, bytes); !room.ok()) {
    NeedsRepair(target, *message, "there was no room for hints");
    co_return room;
  }
  absl::Status appended = co_await log.Append(created_micros, std::move(message));
  totals_.pending_bytes -= bytes;
  co_return appended;
}

void HintStore::NeedsRepair(const ring::NodeId& target, const WriteMessage& message,
                            std::string_view why) {
  if (deps_.repairs != nullptr) deps_.repairs->NoteWrite(target, message.mutation(), why);
}

absl::Status HintStore::TakeRoom(Shard& shard, HintLog& log, size_t bytes) {
  const bool target_full = log.totals().bytes + bytes > options_.target_bytes_max;
  if (!target_full) {
    if (totals_.pending_bytes.fetch_add(bytes) + bytes <= options_.pending_bytes_max)
      return absl::OkStatus();
    totals_.pending_bytes -= bytes;
  }
  metrics_.dropped_full.Add();
  const std::string what =
      target_full
          ? absl::StrCat("hints for node ", log.target().ToString(),
                         " have reached their limit of ", options_.target_bytes_max, " bytes")
          : std::string("too many bytes of hints on their way to disk");
  if (deps_.clock.Now() >= shard.warned_full_until) {
    shard.warned_full_until = deps_.clock.Now() + kWarnInterval;
    deps_.log.Warning("hints", what + ": further ones are dropped");
  }
  return absl::ResourceExhaustedError(what);
}

HintLog& HintStore::LogFor(Shard& shard, const ring::NodeId& target) {
  std::unique_ptr<HintLog>& log = shard.logs[target];
  if (log == nullptr) {
    log = std::make_unique<HintLog>(target, options_, deps_, metrics_, totals_.Of(target),
                                    shard.writing);
  }
  return *log;
}

std::vector<ring::NodeId> HintStore::Targets() const {
  std::vector<ring::NodeId> targets;
  for (const auto& [target, log] : Here().logs) {
    if (!log->empty()) targets.push_back(target);
  }
  return targets;
}

HintLog* HintStore::LogOf(const ring::NodeId& target) {
  const auto& logs = Here().logs;
  const auto found = logs.find(target);
  return found == logs.end() ? nullptr : found->second.get();
}

bool HintStore::IsTooOld(int64_t created_micros) const {
  return absl::Microseconds(deps_.clock.WallMicros() - created_micros) > options_.age_max;
}

base::Task<void> HintStore::Stop() {
  for (size_t i = 0; i < shards_.size(); ++i) {
    base::Loop& loop = executor_.shard(static_cast<int>(i));
    co_await base::RunOn(loop, shards_[i]->adding.Close());
    co_await base::RunOn(loop, shards_[i]->writing.Stop());
  }
}

}  // namespace tholos::coordinator
