#include "coordinator/write_message.h"

#include "base/coding.h"
#include "coordinator/timestamp_source.h"
#include "data/codec.h"

namespace tholos::coordinator {

std::shared_ptr<const WriteMessage> WriteMessage::Of(const data::Mutation& mutation) {
  auto message = std::make_shared<WriteMessage>();
  message->token = mutation.update.key.token;
  message->body = data::EncodeMutation(mutation, kWriteTrailerBytes);
  base::PutFixed64(&message->body, static_cast<uint64_t>(LargestTimestamp(mutation.update)));
  return message;
}

std::string_view WriteMessage::mutation() const {
  return std::string_view(body).substr(0, body.size() - kWriteTrailerBytes);
}

absl::StatusOr<data::Timestamp> TakeTimestamp(std::string* body) {
  if (body->size() <= kWriteTrailerBytes) return absl::DataLossError("malformed write: too short");
  const size_t mutation_bytes = body->size() - kWriteTrailerBytes;
  const auto timestamp =
      static_cast<data::Timestamp>(base::LoadFixed64(body->data() + mutation_bytes));
  body->resize(mutation_bytes);
  return timestamp;
}

}  // namespace tholos::coordinator
