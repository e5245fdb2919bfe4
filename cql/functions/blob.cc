// int_as_blob(v) and blob_as_int(b), for every simple type: the bytes of a value, as they are.
#include "base/strings.h"
#include "cql/functions/function_set.h"

namespace tholos::cql {
namespace {

using data::DataType;
using data::TypeId;

void AddPair(FunctionSet* set, DataType type, std::string_view name) {
  const DataType blob(TypeId::kBlob);
  Function to_blob;
  to_blob.name = base::StrCat(name, "_as_blob");
  to_blob.arguments = {type};
  to_blob.result = blob;
  to_blob.call = OfOne([](std::string_view bytes) -> absl::StatusOr<data::Value> {
    return data::Value(std::string(bytes));
  });
  Function from_blob;
  from_blob.name = base::StrCat("blob_as_", name);
  from_blob.arguments = {blob};
  from_blob.result = type;
  from_blob.call = OfOne(
      [type, function = from_blob.name](std::string_view bytes) -> absl::StatusOr<data::Value> {
        if (type.Validate(bytes).ok()) return data::Value(std::string(bytes));
        return absl::InvalidArgumentError(
            base::StrCat("In call to function system.", function, ", value ",
                         DataType(TypeId::kBlob).ToDisplay(bytes),
                         " is not a valid binary representation for type ", type.name()));
      });
  const std::string to_name = to_blob.name;
  const std::string from_name = from_blob.name;
  set->Add(std::move(to_blob));
  set->Add(std::move(from_blob));
  set->AddAlias(base::StrCat(name, "asblob"), to_name);
  set->AddAlias(base::StrCat("blobas", name), from_name);
}

}  // namespace

void AddBlobFunctions(FunctionSet* set) {
  for (const TypeId id : data::kSimpleTypes) {
    if (id == TypeId::kBlob) continue;
    const DataType type(id);
    AddPair(set, type, type.name());
    if (id == TypeId::kText) AddPair(set, type, "varchar");
  }
}

}  // namespace tholos::cql
