#include "coordinator/write/forward.h"

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
                              std::vector<ring::NodeId> others)
    : forwarder_(forwarder), request_id_(request_id), others_(std::move(others)) {
  for (const ring::NodeId& other : others_) {
    answers_.push_back(std::make_shared<base::Completion<absl::Status>>());
    forwarder_->shards_[request_id_ >> kShardBits]->expected[{request_id_, other}] =
        answers_.back();
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

std::shared_ptr<Forwarder::Expected> Forwarder::Expect(std::vector<ring::NodeId> others) {
  const int shard = deps_.executor.current_shard();
  THOLOS_CHECK(shard >= 0) << "writes are forwarded from a shard";
  const uint64_t id =
      static_cast<uint64_t>(shard) << kShardBits | shards_[static_cast<size_t>(shard)]->next_id++;
  return std::make_shared<Expected>(this, id, std::move(others));
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
    shard.scope.Spawn(HandOn(other, forwarded.request_id, message.from, write, message.deadline));
  }
  if (notes != nullptr)
    notes->Add(base::StrCat("handed on to ", forwarded.others.size(), " more of this datacenter"));
  message.verb = rpc::Verb::kWrite;
  message.body = write->body;
  co_return co_await own.Write(std::move(message), notes);
}

base::Task<void> Forwarder::HandOn(ring::NodeId other, uint64_t request_id, base::Endpoint origin,
                                   std::shared_ptr<const WriteMessage> write,
                                   base::Deadline deadline) {
  absl::Status applied =
      co_await deps_.replicas.Apply(other, rpc::Verb::kWrite, std::move(write), deadline);
  // The mark of what was sent does not travel.
  if (rpc::IsBrokenOff(applied)) applied = absl::DeadlineExceededError(applied.message());
  std::string body;
  base::PutFixed64(&body, request_id);
  body.append(other.AsBytes());
  base::EncodeStatus(applied, &body);
  deps_.transport.Send(
      {.to = std::move(origin), .verb = rpc::Verb::kForwardAnswer, .body = std::move(body)});
}

base::Task<absl::StatusOr<std::string>> Forwarder::HandleAnswer(rpc::Incoming message) {
  base::Reader in(message.body);
  const uint64_t request_id = in.Fixed64();
  const ring::NodeId other = TakeId(&in);
  if (!in.ok()) co_return in.status("answer to a forwarded write");
  std::string_view rest = in.rest();
  absl::Status applied;
  THOLOS_CO_RETURN_IF_ERROR(base::DecodeStatus(&rest, &applied));
  const uint64_t shard = request_id >> kShardBits;
  if (shard >= shards_.size()) co_return absl::DataLossError("an answer to nobody");
  base::Loop& here = base::Loop::Current();
  co_await base::SwitchTo(deps_.executor.shard(static_cast<int>(shard)));
  auto& expected = shards_[shard]->expected;
  if (const auto it = expected.find({request_id, other}); it != expected.end())
    it->second->Set(std::move(applied));
  co_await base::SwitchTo(here);
  co_return std::string();
}

}  // namespace tholos::coordinator
