#include "coordinator/write/forward.h"

#include <algorithm>

#include "base/check.h"
#include "base/coding.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "data/codec.h"

namespace tholos::coordinator {
namespace {

constexpr char kGivenUp[] = "the relay failed";
constexpr int kShardBits = 48;  // the shard is in the bits above
// A write takes no longer.
constexpr uint64_t kStepMicrosMax = uint64_t{24} * 3600 * 1'000'000;

base::Uuid TakeId(base::Reader* in) {
  base::Uuid id;
  for (uint8_t& byte : id.bytes) byte = in->U8();
  return id;
}

}  // namespace

std::string EncodeForwardedWrite(const ForwardedWrite& forwarded) {
  std::string out;
  out.reserve(16 + 16 * forwarded.others.size() + forwarded.write.size());
  base::PutFixed64(&out, forwarded.request_id);
  base::PutVarint(&out, forwarded.others.size());
  for (const ring::NodeId& id : forwarded.others) out.append(id.AsBytes());
  out.append(forwarded.write);
  return out;
}

absl::StatusOr<ForwardedWrite> DecodeForwardedWrite(std::string_view bytes) {
  base::Reader in(bytes);
  ForwardedWrite forwarded;
  forwarded.request_id = in.Fixed64();
  const uint64_t count = in.Varint();
  if (count > ForwardedWrite::kOthersMax) in.Fail();
  for (uint64_t i = 0; i < count && in.ok(); ++i) forwarded.others.push_back(TakeId(&in));
  if (!in.ok()) return in.status("forwarded write");
  forwarded.write = std::string(in.rest());
  return forwarded;
}

std::string EncodeForwardAnswer(const ForwardAnswer& answer) {
  std::string out;
  base::PutFixed64(&out, answer.request_id);
  out.append(answer.other.AsBytes());
  base::EncodeStatus(answer.applied, &out);
  if (answer.events.empty()) return out;
  base::PutVarint(&out, answer.events.size());
  for (const TraceEvent& event : answer.events) {
    base::PutBytes(&out, event.source.ToString());
    base::PutVarint(&out, static_cast<uint64_t>(-event.wall_micros));
    base::PutVarint(&out, static_cast<uint64_t>(event.step.elapsed_micros));
    base::PutBytes(&out, event.step.activity);
  }
  return out;
}

absl::StatusOr<ForwardAnswer> DecodeForwardAnswer(std::string_view bytes) {
  constexpr std::string_view kWhat = "answer to a forwarded write";
  base::Reader ids(bytes);
  ForwardAnswer answer;
  answer.request_id = ids.Fixed64();
  answer.other = TakeId(&ids);
  if (!ids.ok()) return ids.status(kWhat);
  std::string_view rest = ids.rest();
  THOLOS_RETURN_IF_ERROR(base::DecodeStatus(&rest, &answer.applied));
  if (rest.empty()) return answer;
  base::Reader in(rest);
  const uint64_t count = in.Varint();
  if (count > Trace::kEventsMax) in.Fail();
  for (uint64_t i = 0; i < count && in.ok(); ++i) {
    const auto source = base::Endpoint::Parse(in.Bytes());
    const uint64_t before = in.Varint();
    const uint64_t elapsed = in.Varint();
    const std::string_view activity = in.Bytes();
    if (!source.ok() || std::max(before, elapsed) > kStepMicrosMax ||
        activity.size() > Trace::kActivityBytesMax) {
      in.Fail();
      break;
    }
    answer.events.push_back({*source,
                             -static_cast<int64_t>(before),
                             {static_cast<int64_t>(elapsed), std::string(activity)}});
  }
  if (!in.AtEnd()) in.Fail();
  if (!in.ok()) return in.status(kWhat);
  return answer;
}

Forwarder::Forwarder(Deps deps) : deps_(deps) {
  for (int i = 0; i < deps_.executor.shard_count(); ++i)
    shards_.push_back(std::make_unique<Shard>());
}

void Forwarder::RegisterWith(rpc::Transport& transport, ReplicaService& own) {
  own.SetForward([this, &own](rpc::Incoming message, StepNotes* notes) {
    return HandleWrite(std::move(message), notes, own);
  });
  transport.Handle(rpc::Verb::kForwardAnswer,
                   [this](rpc::Incoming message) { return HandleAnswer(std::move(message)); });
}

base::Task<void> Forwarder::Stop() {
  for (int i = 0; i < deps_.executor.shard_count(); ++i) {
    co_await base::SwitchTo(deps_.executor.shard(i));
    co_await shards_[static_cast<size_t>(i)]->scope.Stop();
  }
  co_await base::SwitchTo(deps_.executor.shard(0));
}

Forwarder::Expected::Expected(Forwarder* forwarder, uint64_t request_id,
                              std::vector<ring::NodeId> others, TraceHandle trace)
    : forwarder_(forwarder), request_id_(request_id), others_(std::move(others)) {
  for (const ring::NodeId& other : others_) {
    answers_.push_back(std::make_shared<base::Completion<absl::Status>>());
    forwarder_->shards_[request_id_ >> kShardBits]->expected[{request_id_, other}] = {
        answers_.back(), trace};
  }
}

Forwarder::Expected::~Expected() {
  for (const ring::NodeId& other : others_)
    forwarder_->shards_[request_id_ >> kShardBits]->expected.erase({request_id_, other});
}

void Forwarder::Expected::GiveUp() {
  for (const Answer& answer : answers_) answer->Set(absl::CancelledError(kGivenUp));
}

bool Forwarder::IsGivenUp(const absl::Status& answer) {
  return absl::IsCancelled(answer) && answer.message() == kGivenUp;
}

std::shared_ptr<Forwarder::Expected> Forwarder::Expect(std::vector<ring::NodeId> others,
                                                       TraceHandle trace) {
  const int shard = deps_.executor.current_shard();
  THOLOS_CHECK(shard >= 0) << "writes are forwarded from a shard";
  const uint64_t id =
      static_cast<uint64_t>(shard) << kShardBits | shards_[static_cast<size_t>(shard)]->next_id++;
  return std::make_shared<Expected>(this, id, std::move(others), std::move(trace));
}

// Hands it on before it applies it: the others' time runs as well.
base::Task<absl::StatusOr<std::string>> Forwarder::HandleWrite(rpc::Incoming message,
                                                               StepNotes* notes,
                                                               ReplicaService& own) {
  THOLOS_CO_ASSIGN_OR_RETURN(ForwardedWrite forwarded, DecodeForwardedWrite(message.body));
  auto write = std::make_shared<WriteMessage>();
  write->body = std::move(forwarded.write);
  if (write->body.size() <= kWriteTrailerBytes)
    co_return absl::DataLossError("malformed forwarded write: too short");
  THOLOS_CO_ASSIGN_OR_RETURN(const data::MutationHeader header,
                             data::PeekMutation(write->mutation()));
  write->token = header.key.token;
  Shard& shard = *shards_[static_cast<size_t>(deps_.executor.current_shard())];
  for (const ring::NodeId& other : forwarded.others) {
    shard.scope.Spawn(HandOn(other, forwarded.request_id, message.from, write, message.deadline,
                             /*traced=*/notes != nullptr));
  }
  if (notes != nullptr)
    notes->Add(base::StrCat("handed on to ", forwarded.others.size(), " more of this datacenter"));
  message.verb = rpc::Verb::kWrite;
  message.body = write->body;
  co_return co_await own.Write(std::move(message), notes);
}

base::Task<void> Forwarder::HandOn(ring::NodeId other, uint64_t request_id, base::Endpoint origin,
                                   std::shared_ptr<const WriteMessage> write,
                                   base::Deadline deadline, bool traced) {
  const TraceHandle trace =
      traced ? std::make_shared<Trace>(base::Uuid(), TraceRequest(), deps_.transport.self(),
                                       base::Loop::Current().clock())
             : nullptr;
  absl::Status applied =
      co_await deps_.replicas.Apply(other, rpc::Verb::kWrite, std::move(write), deadline, trace);
  // The mark of what was sent does not travel.
  if (rpc::IsBrokenOff(applied)) applied = absl::DeadlineExceededError(applied.message());
  ForwardAnswer answer{request_id, other, std::move(applied)};
  if (traced) answer.events = trace->TakeForRelay();
  deps_.transport.Send({.to = std::move(origin),
                        .verb = rpc::Verb::kForwardAnswer,
                        .body = EncodeForwardAnswer(answer)});
}

base::Task<absl::StatusOr<std::string>> Forwarder::HandleAnswer(rpc::Incoming message) {
  THOLOS_CO_ASSIGN_OR_RETURN(ForwardAnswer answer, DecodeForwardAnswer(message.body));
  const uint64_t shard = answer.request_id >> kShardBits;
  if (shard >= shards_.size()) co_return absl::DataLossError("an answer to nobody");
  base::Loop& here = base::Loop::Current();
  co_await base::SwitchTo(deps_.executor.shard(static_cast<int>(shard)));
  auto& expected = shards_[shard]->expected;
  const auto it = expected.find({answer.request_id, answer.other});
  if (it != expected.end()) {
    if (it->second.trace != nullptr) it->second.trace->AddRelayed(std::move(answer.events));
    it->second.answer->Set(std::move(answer.applied));
  }
  co_await base::SwitchTo(here);
  co_return std::string();
}

}  // namespace tholos::coordinator
