// Hint files of arbitrary bytes: decoding neither crashes nor reads beyond the input, and what
// decodes encodes to the same bytes.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "coordinator/hints/hint_format.h"

std::vector<std::string> FuzzSeeds() {
  using namespace tholos::coordinator;
  const HintFileId id{.target = {}, .sequence = 1};
  // A header, and records as they stand at the beginning, where the target looks for them.
  std::string records;
  for (const std::string_view body : {"", "a mutation", "another"}) {
    AppendHintRecord(id, records.size(), 1764324000000000, body, &records);
  }
  return {EncodeHintHeader(id, 1764324000000000), records, HintFileName(id)};
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tholos::coordinator;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const HintFileId id{.target = {}, .sequence = 1};
  if (const auto created = DecodeHintHeader(id, bytes); created.ok()) {
    THOLOS_CHECK(EncodeHintHeader(id, *created) == bytes.substr(0, kHintHeaderBytes));
  }
  for (uint64_t offset = 0; offset < bytes.size();) {
    const auto record = DecodeHintRecord(id, offset, bytes.substr(offset));
    if (!record.ok()) break;
    std::string again;
    AppendHintRecord(id, offset, record->created_micros, record->body, &again);
    THOLOS_CHECK(again == bytes.substr(offset, record->size));
    offset += record->size;
  }
  (void)ParseHintFileName(bytes);
  return 0;
}
