// What the values of collections, tuples, user types and vectors consist of.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data/types/data_type.h"

namespace tholos::data {

// Reads the parts of a value of a type with parameters one after the other: the elements of a list,
// set or vector, keys and values of a map in turns, the fields of a tuple or UDT. Views into the
// value. Never trusts a length:
//
//   ElementReader in(type, bytes);
//   while (in.Next()) Use(in.type(), in.part());
//   if (!in.ok()) ...   // cut short, too long, a null where there may be none
class ElementReader {
 public:
  ElementReader(const DataType& type, std::string_view bytes);

  bool Next();
  // The part that Next found; nothing for a null field.
  std::optional<std::string_view> part() const { return part_; }
  const DataType& type() const { return *part_type_; }
  bool ok() const { return ok_; }
  // Parts that the value says to have; of a tuple or UDT, the fields of the type.
  size_t count() const { return count_; }
  // Of a tuple or UDT: no bytes are left, so all further fields are null.
  bool OnlyNullsLeft() const;

 private:
  bool TakeCount();
  bool TakeLength(int64_t* length);
  bool Fail();

  const DataType& container_;
  const DataType* part_type_ = nullptr;
  std::string_view rest_;
  std::optional<std::string_view> part_;
  size_t next_ = 0;
  size_t count_ = 0;
  bool ok_ = true;
};

// The parts of a valid value.
std::vector<std::optional<std::string_view>> PartsOf(const DataType& type, std::string_view bytes);
// The same without the nulls that only tuples and UDTs have: of a valid collection or vector.
std::vector<std::string_view> ElementsOf(const DataType& type, std::string_view bytes);

// Values from valid parts. Lists; sets, sorted and once each; maps, sorted by key and once each.
std::string EncodeList(const std::vector<std::string_view>& elements);
std::string EncodeSet(const DataType& type, std::vector<std::string_view> elements);
// Of equal keys the last one counts.
std::string EncodeMap(const DataType& type,
                      std::vector<std::pair<std::string_view, std::string_view>> entries);
// A set or map whose parts are already in order: a map's keys and values in turns.
std::string EncodeSorted(const DataType& type, const std::vector<std::string_view>& parts);
// Tuples and UDTs.
std::string EncodeTuple(const std::vector<std::optional<std::string_view>>& fields);
std::string EncodeTuple(const std::vector<Value>& fields);
std::string EncodeVector(const DataType& type, const std::vector<std::string_view>& elements);

}  // namespace tholos::data
