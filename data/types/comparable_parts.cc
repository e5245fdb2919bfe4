#include "data/types/comparable_parts.h"

#include "base/status_macros.h"
#include "data/types/elements.h"

namespace tholos::data {
namespace {

absl::Status Malformed() { return absl::DataLossError("malformed key component"); }

bool IsTuple(const DataType& type) {
  return type.id() == TypeId::kTuple || type.id() == TypeId::kUdt;
}

// The elements of a vector of fixed size follow each other as they are.
bool HasMarks(const DataType& type) {
  return type.id() != TypeId::kVector || type.arguments()[0].packed_size() == 0;
}

void AppendPart(const DataType& type, std::string_view part, std::string* out) {
  if (part.empty() && type.has_empty_value()) {
    out->push_back(kEmptyMark);
    return;
  }
  out->push_back(kPartMark);
  type.AppendComparable(part, false, out);
}

// The marks and parts up to the end mark, or the dimension of a vector.
class PartsTaker {
 public:
  PartsTaker(const DataType& type, std::string_view* in, char flip)
      : type_(type), in_(in), flip_(flip) {}

  absl::StatusOr<std::vector<Value>> Take() {
    const bool vector = type_.id() == TypeId::kVector;
    const std::vector<DataType>& arguments = type_.arguments();
    std::vector<Value> parts;
    while (!vector || parts.size() < type_.dimension()) {
      char mark = kPartMark;
      if (HasMarks(type_) && !TakeMark(&mark)) return Malformed();
      if (mark == kEndMark && !vector) break;
      if (IsTuple(type_) && parts.size() == arguments.size()) return Malformed();
      const DataType& type = arguments[parts.size() % arguments.size()];
      if (mark == kNullMark && IsTuple(type_)) {
        parts.emplace_back();
      } else if (mark == kEmptyMark && type.has_empty_value()) {
        parts.emplace_back("");
      } else if (mark == kPartMark) {
        THOLOS_RETURN_IF_ERROR(TakePart(type, &parts));
      } else {
        return Malformed();
      }
    }
    return parts;
  }

 private:
  bool TakeMark(char* mark) {
    if (in_->empty()) return false;
    *mark = in_->front() ^ flip_;
    in_->remove_prefix(1);
    return true;
  }

  absl::Status TakePart(const DataType& type, std::vector<Value>* parts) {
    const size_t before = in_->size();
    THOLOS_ASSIGN_OR_RETURN(std::string part, type.TakeComparable(in_, flip_ != 0));
    // The empty value has its own mark.
    if (in_->size() == before) return Malformed();
    parts->push_back(std::move(part));
    return absl::OkStatus();
  }

  const DataType& type_;
  std::string_view* const in_;
  const char flip_;
};

std::vector<std::string_view> Views(const std::vector<Value>& parts) {
  std::vector<std::string_view> views;
  views.reserve(parts.size());
  for (const Value& part : parts) views.push_back(*part);
  return views;
}

// Nulls sort first, and those at the end are as if they were not there.
int CompareTuples(const DataType& type, std::string_view a, std::string_view b) {
  ElementReader x(type, a);
  ElementReader y(type, b);
  while (!(x.OnlyNullsLeft() && y.OnlyNullsLeft()) && x.Next() && y.Next()) {
    if (x.part().has_value() != y.part().has_value()) return x.part().has_value() ? 1 : -1;
    if (!x.part().has_value()) continue;
    if (const int order = x.type().Compare(*x.part(), *y.part()); order != 0) return order;
  }
  return 0;
}

}  // namespace

int CompareParts(const DataType& type, std::string_view a, std::string_view b) {
  if (IsTuple(type)) return CompareTuples(type, a, b);
  ElementReader x(type, a);
  ElementReader y(type, b);
  while (true) {
    const bool more = x.Next();
    if (more != y.Next()) return more ? 1 : -1;
    if (!more) return 0;
    if (const int order = x.type().Compare(*x.part(), *y.part()); order != 0) return order;
  }
}

void AppendComparableParts(const DataType& type, std::string_view bytes, std::string* out) {
  ElementReader in(type, bytes);
  size_t nulls = 0;
  while (!in.OnlyNullsLeft() && in.Next()) {
    if (!in.part().has_value()) {
      ++nulls;
      continue;
    }
    // Nulls count only if something follows.
    out->append(nulls, kNullMark);
    nulls = 0;
    if (HasMarks(type)) {
      AppendPart(in.type(), *in.part(), out);
    } else {
      in.type().AppendComparable(*in.part(), false, out);
    }
  }
  if (type.id() != TypeId::kVector) out->push_back(kEndMark);
}

absl::StatusOr<std::string> TakeComparableParts(const DataType& type, std::string_view* in,
                                                char flip) {
  THOLOS_ASSIGN_OR_RETURN(std::vector<Value> parts, PartsTaker(type, in, flip).Take());
  switch (type.id()) {
    case TypeId::kVector:
      return EncodeVector(type, Views(parts));
    case TypeId::kTuple:
    case TypeId::kUdt:
      if (!parts.empty() && !parts.back().has_value()) return Malformed();
      parts.resize(type.arguments().size());
      return EncodeTuple(parts);
    default:
      // A map's last key without its value.
      if (parts.size() % type.arguments().size() != 0) return Malformed();
      return EncodeSorted(type, Views(parts));
  }
}

}  // namespace tholos::data
