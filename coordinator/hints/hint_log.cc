#include "coordinator/hints/hint_log.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace tholos::coordinator {
namespace {

// One write and one sync.
constexpr size_t kGroupBytesMax = 4 << 20;

}  // namespace

void HintLog::Adopt(uint64_t sequence, uint64_t size, int64_t created_micros) {
  THOLOS_CHECK(files_.empty() || sequence > files_.back().id.sequence) << "hint files out of order";
  files_.push_back({{target_, sequence}, size, created_micros});
  Reserve(sequence);
  CountBytes(static_cast<int64_t>(size));
}

void HintLog::Reserve(uint64_t sequence) { totals_.next_sequence = sequence + 1; }

void HintLog::CountBytes(int64_t change) {
  totals_.bytes.fetch_add(static_cast<uint64_t>(change), std::memory_order_relaxed);
  metrics_.bytes.Add(change);
}

base::Task<absl::Status> HintLog::Append(int64_t created_micros,
                                         std::shared_ptr<const WriteMessage> message) {
  Waiting waiting{created_micros, std::move(message), {}};
  waiting_.push_back(&waiting);
  if (!writing_) {
    writing_ = scope_.Spawn(WriteGroups());
    if (!writing_) {
      waiting_.pop_back();
      co_return absl::UnavailableError("hints are stopping");
    }
  }
  co_return co_await waiting.done.Wait();
}

base::Task<void> HintLog::WriteGroups() {
  while (!waiting_.empty()) {
    std::vector<Waiting*> group;
    size_t bytes = 0;
    while (group.size() < waiting_.size() && bytes < kGroupBytesMax) {
      bytes += waiting_[group.size()]->message->body.size();
      group.push_back(waiting_[group.size()]);
    }
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(group.size()));
    const absl::Status written = co_await WriteGroup(group);
    if (!written.ok()) {
      metrics_.dropped_error.Add(group.size());
      for (const Waiting* waiting : group) NeedsRepair(*waiting->message, "the disk failed");
      deps_.log.Error(
          "hints",
          base::StrCat(group.size(), " hints were not written: ", base::ToStd(written.message())));
    } else {
      metrics_.written.Add(group.size());
    }
    for (Waiting* waiting : group) waiting->done.Set(written);
  }
  writing_ = false;
}

base::Task<absl::Status> HintLog::WriteGroup(std::vector<Waiting*> group) {
  THOLOS_CO_RETURN_IF_ERROR(co_await Roll());
  Segment& segment = files_.back();
  std::string bytes;
  for (const Waiting* waiting : group) {
    AppendHintRecord(segment.id, segment.size + bytes.size(), waiting->created_micros,
                     waiting->message->body, &bytes);
  }
  absl::Status status = co_await appended_->Write(segment.size, bytes);
  if (status.ok()) status = co_await appended_->Sync();
  if (!status.ok()) {
    // What of it is on disk is unknown: the file ends where it ended before.
    appended_.reset();
    co_return status;
  }
  segment.size += bytes.size();
  CountBytes(static_cast<int64_t>(bytes.size()));
  co_return absl::OkStatus();
}

// A file to append to: the last one, unless it is full or old.
base::Task<absl::Status> HintLog::Roll() {
  if (appended_ != nullptr) {
    const absl::Duration age =
        absl::Microseconds(deps_.clock.WallMicros() - files_.back().created_micros);
    if (files_.back().size < options_.file_bytes && age < options_.file_time)
      co_return absl::OkStatus();
    const std::unique_ptr<base::File> full = std::move(appended_);
    THOLOS_CO_RETURN_IF_ERROR(co_await full->Close());
  }
  co_return co_await CreateFile();
}

base::Task<absl::Status> HintLog::CreateFile() {
  const Segment segment{
      {target_, totals_.next_sequence++}, kHintHeaderBytes, deps_.clock.WallMicros()};
  THOLOS_CO_ASSIGN_OR_RETURN(std::unique_ptr<base::File> file,
                             co_await deps_.fs.Open(PathOf(segment.id), base::OpenMode::kCreate));
  const std::string header = EncodeHintHeader(segment.id, segment.created_micros);
  absl::Status status = co_await file->Write(0, header);
  if (status.ok()) status = co_await file->Sync();
  if (status.ok()) status = co_await deps_.fs.SyncDirectory(options_.directory);
  if (!status.ok()) {
    file.reset();
    (void)co_await deps_.fs.Remove(PathOf(segment.id));
    co_return status;
  }
  files_.push_back(segment);
  appended_ = std::move(file);
  CountBytes(static_cast<int64_t>(segment.size));
  co_return absl::OkStatus();
}

base::Task<absl::StatusOr<HintLog::Batch>> HintLog::Read(size_t bytes_max, size_t count_max) {
  while (!files_.empty()) {
    const Segment segment = files_.front();
    if (cursor_ >= segment.size) {
      if (Appending(files_.front())) {
        if (writing_ || !waiting_.empty()) break;
        appended_.reset();
      }
      THOLOS_CO_RETURN_IF_ERROR(co_await RemoveFront());
      continue;
    }
    Batch batch{.sequence = segment.id.sequence};
    THOLOS_CO_ASSIGN_OR_RETURN(std::string chunk, co_await ReadChunk(segment, bytes_max));
    size_t taken = TakeHints(segment, chunk, count_max, &batch.hints);
    if (taken == 0) {
      // To judge what does not verify the whole rest is needed.
      THOLOS_CO_ASSIGN_OR_RETURN(chunk, co_await ReadChunk(segment, segment.size - cursor_));
      taken = SkipCorrupt(segment, chunk);
    }
    batch.end = cursor_ + taken;
    if (!batch.hints.empty()) co_return batch;
    cursor_ = batch.end;
  }
  co_return Batch{};
}

// At least one whole record, if the file has it.
base::Task<absl::StatusOr<std::string>> HintLog::ReadChunk(const Segment& segment,
                                                           size_t bytes_max) {
  // `segment` is the caller's copy: files_ may change meanwhile.
  const uint64_t left = segment.size - cursor_;
  if (read_ == nullptr) {
    THOLOS_CO_ASSIGN_OR_RETURN(read_,
                               co_await deps_.fs.Open(PathOf(segment.id), base::OpenMode::kRead));
  }
  const uint64_t first = std::min<uint64_t>(left, std::max(bytes_max, kHintRecordHeaderBytes));
  THOLOS_CO_ASSIGN_OR_RETURN(std::string chunk, co_await read_->Read(cursor_, first));
  const std::optional<size_t> size = HintRecordSize(chunk);
  if (size.has_value() && *size > chunk.size() && chunk.size() == first && *size <= left) {
    THOLOS_CO_ASSIGN_OR_RETURN(chunk, co_await read_->Read(cursor_, *size));
  }
  co_return chunk;
}

// Takes hints off the front of `chunk`, which starts at the cursor, as long as they verify. Returns
// their size.
size_t HintLog::TakeHints(const Segment& segment, std::string_view chunk, size_t count_max,
                          std::vector<Hint>* hints) {
  size_t at = 0;
  while (hints->size() < count_max) {
    const auto record = DecodeHintRecord(segment.id, cursor_ + at, chunk.substr(at));
    if (!record.ok()) break;
    at += record->size;
    hints->push_back({record->created_micros, std::string(record->body), cursor_ + at});
  }
  return at;
}

// `rest`, the file from the cursor on, starts with what does not verify. Returns how much to skip:
// a record, if a good one follows; else everything: a torn tail.
size_t HintLog::SkipCorrupt(const Segment& segment, std::string_view rest) {
  metrics_.dropped_corrupt.Add();
  if (deps_.repairs != nullptr) deps_.repairs->NoteAll(target_, "a hint did not verify");
  deps_.log.Warning("hints", base::StrCat(HintFileName(segment.id), ": the hint at ", cursor_,
                                          " does not verify"));
  const std::optional<size_t> size = HintRecordSize(rest);
  if (size.has_value() && *size < rest.size() &&
      DecodeHintRecord(segment.id, cursor_ + *size, rest.substr(*size)).ok()) {
    return *size;
  }
  return segment.size - cursor_;
}

base::Task<absl::Status> HintLog::Advance(Batch batch) {
  if (files_.empty() || files_.front().id.sequence != batch.sequence) co_return absl::OkStatus();
  cursor_ = batch.end;
  if (cursor_ < files_.front().size || Appending(files_.front())) co_return absl::OkStatus();
  co_return co_await RemoveFront();
}

// The removal is not synced: a file that comes back after a power loss is delivered twice, which
// changes nothing.
base::Task<absl::Status> HintLog::RemoveFront() {
  const Segment front = files_.front();
  files_.pop_front();
  read_.reset();
  cursor_ = kHintHeaderBytes;
  CountBytes(-static_cast<int64_t>(front.size));
  co_return co_await deps_.fs.Remove(PathOf(front.id));
}

void HintLog::NeedsRepair(const WriteMessage& message, std::string_view why) {
  if (deps_.repairs != nullptr) deps_.repairs->NoteWrite(target_, message.mutation(), why);
}

base::Task<absl::Status> HintLog::DropAll() {
  while (!files_.empty()) {
    if (Appending(files_.front())) {
      if (writing_ || !waiting_.empty()) break;
      appended_.reset();
    }
    metrics_.dropped_removed.Add();
    THOLOS_CO_RETURN_IF_ERROR(co_await RemoveFront());
  }
  co_return absl::OkStatus();
}

base::Task<absl::Status> HintLog::DropOld() {
  const absl::Duration life = options_.age_max + options_.file_time;
  while (!files_.empty()) {
    const absl::Duration age =
        absl::Microseconds(deps_.clock.WallMicros() - files_.front().created_micros);
    if (age <= life) break;
    if (Appending(files_.front())) {
      if (writing_ || !waiting_.empty()) break;
      appended_.reset();
    }
    metrics_.dropped_old.Add();
    if (deps_.repairs != nullptr) deps_.repairs->NoteAll(target_, "hints were too old");
    deps_.log.Warning("hints",
                      base::StrCat(HintFileName(files_.front().id), " is too old: dropped"));
    THOLOS_CO_RETURN_IF_ERROR(co_await RemoveFront());
  }
  co_return absl::OkStatus();
}

}  // namespace tholos::coordinator
