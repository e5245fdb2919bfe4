// What is known of each simple type; for the files of data/types.
#pragma once

#include <string_view>

#include "data/types/data_type.h"

namespace tholos::data {

struct SimpleType {
  TypeId id;
  std::string_view name;
  size_t bytes;          // of every value but the empty one; 0: any number
  bool has_empty_value;  // a value of no bytes beside the others
  bool is_packed;        // no lengths in vectors
};

// nullptr if it is no simple type.
const SimpleType* FindSimple(TypeId id);

}  // namespace tholos::data
