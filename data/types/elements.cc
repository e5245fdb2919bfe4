#include "data/types/elements.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"
#include "data/types/vint.h"

namespace tholos::data {
namespace {

constexpr size_t kLengthBytes = 4;

void PutPart(std::string* out, std::string_view part) {
  base::PutBigEndian32(out, static_cast<uint32_t>(part.size()));
  out->append(part);
}

bool IsTuple(const DataType& type) {
  return type.id() == TypeId::kTuple || type.id() == TypeId::kUdt;
}

}  // namespace

ElementReader::ElementReader(const DataType& type, std::string_view bytes)
    : container_(type), rest_(bytes) {
  if (IsTuple(type)) {
    count_ = type.arguments().size();
  } else if (type.id() == TypeId::kVector) {
    count_ = type.dimension();
  } else {
    ok_ = TakeCount();
  }
}

bool ElementReader::OnlyNullsLeft() const { return IsTuple(container_) && rest_.empty(); }

bool ElementReader::Fail() {
  ok_ = false;
  part_.reset();
  return false;
}

bool ElementReader::TakeCount() {
  THOLOS_CHECK(container_.is_collection()) << container_.name();
  if (rest_.size() < kLengthBytes) return false;
  const auto count = static_cast<int32_t>(base::LoadBigEndian32(rest_.data()));
  rest_.remove_prefix(kLengthBytes);
  if (count < 0) return false;
  count_ = static_cast<size_t>(count) * container_.arguments().size();
  // Each part has a length.
  return count_ <= rest_.size() / kLengthBytes;
}

bool ElementReader::TakeLength(int64_t* length) {
  if (container_.id() == TypeId::kVector) {
    if (const size_t packed = part_type_->packed_size(); packed != 0) {
      *length = static_cast<int64_t>(packed);
      return true;
    }
    const std::optional<uint64_t> given = TakeUnsignedVint(&rest_);
    if (!given.has_value() || *given > rest_.size()) return false;
    *length = static_cast<int64_t>(*given);
    return true;
  }
  if (rest_.size() < kLengthBytes) return false;
  *length = static_cast<int32_t>(base::LoadBigEndian32(rest_.data()));
  rest_.remove_prefix(kLengthBytes);
  return true;
}

bool ElementReader::Next() {
  if (!ok_) return false;
  if (next_ == count_) return rest_.empty() ? false : Fail();
  const std::vector<DataType>& arguments = container_.arguments();
  part_type_ = &arguments[next_ % arguments.size()];
  ++next_;
  if (OnlyNullsLeft()) {
    // Fields at the end may be missing: they are null.
    part_.reset();
    return true;
  }
  int64_t length = 0;
  if (!TakeLength(&length)) return Fail();
  if (length < 0) {
    if (!IsTuple(container_)) return Fail();
    part_.reset();
    return true;
  }
  if (static_cast<uint64_t>(length) > rest_.size()) return Fail();
  part_ = rest_.substr(0, static_cast<size_t>(length));
  rest_.remove_prefix(static_cast<size_t>(length));
  return true;
}

std::vector<std::optional<std::string_view>> PartsOf(const DataType& type, std::string_view bytes) {
  std::vector<std::optional<std::string_view>> parts;
  ElementReader in(type, bytes);
  parts.reserve(in.count());
  while (in.Next()) parts.push_back(in.part());
  THOLOS_CHECK(in.ok()) << type.name();
  return parts;
}

std::vector<std::string_view> ElementsOf(const DataType& type, std::string_view bytes) {
  std::vector<std::string_view> elements;
  ElementReader in(type, bytes);
  elements.reserve(in.count());
  while (in.Next()) elements.push_back(in.part().value());
  THOLOS_CHECK(in.ok()) << type.name();
  return elements;
}

std::string EncodeList(const std::vector<std::string_view>& elements) {
  std::string out;
  base::PutBigEndian32(&out, static_cast<uint32_t>(elements.size()));
  for (const std::string_view element : elements) PutPart(&out, element);
  return out;
}

std::string EncodeSet(const DataType& type, std::vector<std::string_view> elements) {
  const DataType& element = type.arguments()[0];
  std::sort(elements.begin(), elements.end(),
            [&](std::string_view a, std::string_view b) { return element.Compare(a, b) < 0; });
  const auto end = std::unique(
      elements.begin(), elements.end(),
      [&](std::string_view a, std::string_view b) { return element.Compare(a, b) == 0; });
  elements.erase(end, elements.end());
  return EncodeList(elements);
}

std::string EncodeMap(const DataType& type,
                      std::vector<std::pair<std::string_view, std::string_view>> entries) {
  const DataType& key = type.arguments()[0];
  // Equal keys stay in the order in which they were given.
  std::vector<size_t> order(entries.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    const int keys = key.Compare(entries[a].first, entries[b].first);
    return keys != 0 ? keys < 0 : a < b;
  });
  std::vector<std::string_view> parts;
  parts.reserve(2 * entries.size());
  for (size_t i = 0; i < order.size(); ++i) {
    const auto& [name, value] = entries[order[i]];
    if (i + 1 < order.size() && key.Compare(name, entries[order[i + 1]].first) == 0) continue;
    parts.push_back(name);
    parts.push_back(value);
  }
  return EncodeSorted(type, parts);
}

std::string EncodeSorted(const DataType& type, const std::vector<std::string_view>& parts) {
  std::string out;
  base::PutBigEndian32(&out, static_cast<uint32_t>(parts.size() / type.arguments().size()));
  for (const std::string_view part : parts) PutPart(&out, part);
  return out;
}

std::string EncodeTuple(const std::vector<std::optional<std::string_view>>& fields) {
  std::string out;
  for (const std::optional<std::string_view>& field : fields) {
    if (field.has_value()) {
      PutPart(&out, *field);
    } else {
      base::PutBigEndian32(&out, 0xFFFFFFFFu);
    }
  }
  return out;
}

std::string EncodeTuple(const std::vector<Value>& fields) {
  return EncodeTuple(std::vector<std::optional<std::string_view>>(fields.begin(), fields.end()));
}

std::string EncodeVector(const DataType& type, const std::vector<std::string_view>& elements) {
  THOLOS_CHECK(elements.size() == type.dimension()) << type.name() << " " << elements.size();
  const bool packed = type.arguments()[0].packed_size() != 0;
  std::string out;
  for (const std::string_view element : elements) {
    if (!packed) PutUnsignedVint(&out, element.size());
    out.append(element);
  }
  return out;
}

}  // namespace tholos::data
