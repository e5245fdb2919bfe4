// map_keys, map_values, collection_count, collection_min, _max, _sum and _avg.
#include "base/status_macros.h"
#include "cql/functions/aggregates.h"
#include "cql/functions/function_set.h"
#include "data/types/elements.h"

namespace tholos::cql {
namespace {

using data::DataType;
using data::TypeId;
using Types = std::vector<DataType>;
using Receiver = std::optional<DataType>;
using Made = absl::StatusOr<Function>;

// Every second part of a map: its keys, or its values.
std::vector<std::string_view> Halves(const DataType& type, std::string_view bytes, size_t first) {
  const std::vector<std::string_view> parts = data::ElementsOf(type, bytes);
  std::vector<std::string_view> half;
  for (size_t i = first; i < parts.size(); i += 2) half.push_back(parts[i]);
  return half;
}

Made MapKeys(const Types& types, const Receiver&) {
  Function function;
  function.result = DataType::Set(types[0].arguments()[0].Frozen(), true);
  function.call = OfOne([map = types[0], set = function.result](
                            std::string_view bytes) -> absl::StatusOr<data::Value> {
    return data::Value(data::EncodeSorted(set, Halves(map, bytes, 0)));
  });
  return function;
}

Made MapValues(const Types& types, const Receiver&) {
  Function function;
  function.result = DataType::List(types[0].arguments()[1].Frozen(), true);
  function.call = OfOne([map = types[0]](std::string_view bytes) -> absl::StatusOr<data::Value> {
    return data::Value(data::EncodeList(Halves(map, bytes, 1)));
  });
  return function;
}

Made Count(const Types& types, const Receiver&) {
  Function function;
  function.result = DataType(TypeId::kInt);
  function.call = OfOne([type = types[0]](std::string_view bytes) -> absl::StatusOr<data::Value> {
    const size_t parts = data::ElementsOf(type, bytes).size();
    const size_t count = type.id() == TypeId::kMap ? parts / 2 : parts;
    return data::Value(data::EncodeInt(static_cast<int32_t>(count)));
  });
  return function;
}

// Runs an aggregate over the elements.
Made Aggregate(const Types& types, std::function<std::unique_ptr<Accumulator>()> make) {
  Function function;
  function.result = types[0].arguments()[0];
  function.call = OfOne([type = types[0], make = std::move(make)](
                            std::string_view bytes) -> absl::StatusOr<data::Value> {
    const std::unique_ptr<Accumulator> accumulator = make();
    for (const std::string_view element : data::ElementsOf(type, bytes)) {
      const data::Value value{std::string(element)};
      THOLOS_RETURN_IF_ERROR(accumulator->Add({&value, 1}));
    }
    return accumulator->Finish();
  });
  return function;
}

}  // namespace

void AddCollectionFunctions(FunctionSet* set) {
  const Parameter map{.kind = Parameter::Kind::kMap};
  const Parameter set_or_list{.kind = Parameter::Kind::kSetOrList};
  const Parameter numbers{.kind = Parameter::Kind::kNumericSetOrList};
  set->Add(Rule{"map_keys", {map}, MapKeys});
  set->Add(Rule{"map_values", {map}, MapValues});
  set->Add(Rule{"collection_count", {{.kind = Parameter::Kind::kCollection}}, Count});
  set->Add(Rule{"collection_min", {set_or_list}, [](const Types& types, const Receiver&) {
                  return Aggregate(
                      types, [type = types[0].arguments()[0]] { return MakeExtreme(type, false); });
                }});
  set->Add(Rule{"collection_max", {set_or_list}, [](const Types& types, const Receiver&) {
                  return Aggregate(
                      types, [type = types[0].arguments()[0]] { return MakeExtreme(type, true); });
                }});
  set->Add(Rule{"collection_sum", {numbers}, [](const Types& types, const Receiver&) {
                  return Aggregate(types,
                                   [id = types[0].arguments()[0].id()] { return MakeSum(id); });
                }});
  set->Add(Rule{"collection_avg", {numbers}, [](const Types& types, const Receiver&) {
                  return Aggregate(types,
                                   [id = types[0].arguments()[0].id()] { return MakeAverage(id); });
                }});
}

}  // namespace tholos::cql
