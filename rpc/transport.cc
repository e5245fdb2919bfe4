#include "rpc/transport.h"

#include "absl/strings/cord.h"

namespace tholos::rpc {
namespace {

constexpr char kBrokenOffUrl[] = "tholos/broken_off";

}  // namespace

std::string_view VerbName(Verb verb) {
  switch (verb) {
    case Verb::kEcho:
      return "ECHO";
    case Verb::kGossipSyn:
      return "GOSSIP_SYN";
    case Verb::kGossipAck:
      return "GOSSIP_ACK";
    case Verb::kWrite:
      return "WRITE";
    case Verb::kReadData:
      return "READ_DATA";
    case Verb::kReadDigest:
      return "READ_DIGEST";
    case Verb::kHint:
      return "HINT";
    case Verb::kRepairWrite:
      return "REPAIR_WRITE";
    case Verb::kForwardWrite:
      return "FORWARD_WRITE";
    case Verb::kForwardAnswer:
      return "FORWARD_ANSWER";
    case Verb::kTraced:
      return "TRACED";
    case Verb::kBatchStore:
      return "BATCH_STORE";
    case Verb::kBatchRemove:
      return "BATCH_REMOVE";
    case Verb::kTruncate:
      return "TRUNCATE";
    case Verb::kSchemaPull:
      return "SCHEMA_PULL";
    case Verb::kSchemaPush:
      return "SCHEMA_PUSH";
    case Verb::kReplayWrite:
      return "REPLAY_WRITE";
    case Verb::kRepairRead:
      return "REPAIR_READ";
    case Verb::kRepairDigest:
      return "REPAIR_DIGEST";
  }
  return "UNKNOWN";
}

VerbClass ClassOf(Verb verb) {
  switch (verb) {
    case Verb::kEcho:
    case Verb::kGossipSyn:
    case Verb::kGossipAck:
    case Verb::kSchemaPull:
    case Verb::kSchemaPush:
      return VerbClass::kUrgent;
    case Verb::kWrite:
    case Verb::kReadData:
    case Verb::kReadDigest:
    case Verb::kRepairWrite:
    case Verb::kForwardWrite:
    case Verb::kForwardAnswer:
    case Verb::kTraced:
    case Verb::kBatchStore:
    case Verb::kBatchRemove:
    case Verb::kTruncate:
      return VerbClass::kBulk;
    case Verb::kHint:
    case Verb::kReplayWrite:
      return VerbClass::kHints;
    case Verb::kRepairRead:
    case Verb::kRepairDigest:
      return VerbClass::kRepair;
  }
  return VerbClass::kBulk;
}

std::string_view ClassName(VerbClass stream_class) {
  switch (stream_class) {
    case VerbClass::kUrgent:
      return "urgent";
    case VerbClass::kBulk:
      return "bulk";
    case VerbClass::kHints:
      return "hints";
    case VerbClass::kRepair:
      return "repair";
    case VerbClass::kStreaming:
      return "streaming";
  }
  return "unknown";
}

absl::Status BrokenOff(absl::Status why) {
  why.SetPayload(kBrokenOffUrl, absl::Cord());
  return why;
}

bool IsBrokenOff(const absl::Status& answer) {
  return absl::IsUnavailable(answer) && answer.GetPayload(kBrokenOffUrl).has_value();
}

}  // namespace tholos::rpc
