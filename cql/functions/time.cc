// uuid(), now() and its kin, conversions between the types of time, floor().
#include "base/status_macros.h"
#include "base/uuid.h"
#include "cql/functions/calendar.h"
#include "cql/functions/function_set.h"
#include "cql/time_uuid.h"
#include "data/types/date.h"
#include "data/types/duration.h"

namespace tholos::cql {
namespace {

using data::DataType;
using data::TypeId;

constexpr TypeId kTimeTypes[] = {TypeId::kTimestamp, TypeId::kDate, TypeId::kTimeuuid};

data::Value Bytes(const base::Uuid& uuid) { return std::string(uuid.AsBytes()); }

void AddSource(FunctionSet* set, std::string_view name, TypeId result,
               std::function<data::Value(FunctionContext&)> value) {
  Function function;
  function.name = name;
  function.result = DataType(result);
  function.pure = false;
  function.call = [value = std::move(value)](FunctionContext& context, std::span<const data::Value>)
      -> absl::StatusOr<data::Value> { return value(context); };
  set->Add(std::move(function));
}

void AddConversion(FunctionSet* set, std::string_view name, TypeId from, TypeId to,
                   std::function<absl::StatusOr<data::Value>(std::string_view)> convert) {
  Function function;
  function.name = name;
  function.arguments = {DataType(from)};
  function.result = DataType(to);
  function.call =
      OfOne([convert = std::move(convert)](std::string_view bytes) -> absl::StatusOr<data::Value> {
        if (bytes.empty()) return data::Value();
        return convert(bytes);
      });
  set->Add(std::move(function));
}

data::Value TimeUuid(FunctionContext& context) {
  return Bytes(context.time_uuids.Next(context.wall_micros));
}

void AddSources(FunctionSet* set) {
  AddSource(set, "uuid", TypeId::kUuid,
            [](FunctionContext& context) { return Bytes(base::Uuid::Random(context.random)); });
  AddSource(set, "now", TypeId::kTimeuuid, TimeUuid);
  AddSource(set, "current_timeuuid", TypeId::kTimeuuid, TimeUuid);
  AddSource(set, "current_timestamp", TypeId::kTimestamp, [](FunctionContext& context) {
    return data::Value(data::EncodeBigint(context.wall_micros / 1000));
  });
  AddSource(set, "current_date", TypeId::kDate, [](FunctionContext& context) {
    return DateOfMillis(context.wall_micros / 1000).value_or(data::Value());
  });
  AddSource(set, "current_time", TypeId::kTime, [](FunctionContext& context) {
    return data::Value(data::EncodeBigint(context.wall_micros % (kMillisPerDay * 1000) * 1000));
  });
  set->AddAlias("currenttimeuuid", "current_timeuuid");
  set->AddAlias("currenttimestamp", "current_timestamp");
  set->AddAlias("currentdate", "current_date");
  set->AddAlias("currenttime", "current_time");
}

void AddConversions(FunctionSet* set) {
  for (const TypeId from : kTimeTypes) {
    const auto millis = [from](std::string_view bytes) -> absl::StatusOr<data::Value> {
      return data::Value(data::EncodeBigint(MillisOf(from, bytes)));
    };
    if (from != TypeId::kDate) {
      AddConversion(set, "to_date", from, TypeId::kDate,
                    [from](std::string_view bytes) { return DateOfMillis(MillisOf(from, bytes)); });
    }
    if (from != TypeId::kTimestamp) {
      AddConversion(set, "to_timestamp", from, TypeId::kTimestamp, millis);
    }
    AddConversion(set, "to_unix_timestamp", from, TypeId::kBigint, millis);
  }
  AddConversion(set, "min_timeuuid", TypeId::kTimestamp, TypeId::kTimeuuid,
                [](std::string_view bytes) -> absl::StatusOr<data::Value> {
                  return Bytes(MinTimeUuid(data::DecodeBigint(bytes)));
                });
  AddConversion(set, "max_timeuuid", TypeId::kTimestamp, TypeId::kTimeuuid,
                [](std::string_view bytes) -> absl::StatusOr<data::Value> {
                  return Bytes(MaxTimeUuid(data::DecodeBigint(bytes)));
                });
  set->AddAlias("todate", "to_date");
  set->AddAlias("totimestamp", "to_timestamp");
  set->AddAlias("tounixtimestamp", "to_unix_timestamp");
  set->AddAlias("mintimeuuid", "min_timeuuid");
  set->AddAlias("maxtimeuuid", "max_timeuuid");
}

// floor(time, duration): within the day.
absl::StatusOr<data::Value> FloorOfTime(std::string_view time, std::string_view bytes) {
  THOLOS_ASSIGN_OR_RETURN(const data::Duration duration, data::DecodeDuration(bytes));
  if (duration.months != 0 || duration.days != 0 || duration.nanos > data::kNanosPerDay) {
    return absl::InvalidArgumentError(
        "For time values, the floor can only be computed for durations smaller that a day");
  }
  if (duration.nanos < 0) {
    return absl::InvalidArgumentError("Negative durations are not supported by the floor function");
  }
  const int64_t nanos = data::DecodeBigint(time);
  if (duration.nanos == 0) return data::Value(std::string(time));
  return data::Value(data::EncodeBigint(nanos - nanos % duration.nanos));
}

void AddFloor(FunctionSet* set, TypeId type, bool with_start) {
  const TypeId result = type == TypeId::kTimeuuid ? TypeId::kTimestamp : type;
  Function function;
  function.name = "floor";
  function.arguments = {DataType(type), DataType(TypeId::kDuration)};
  if (with_start) function.arguments.emplace_back(result);
  function.result = DataType(result);
  function.call = NullIfAnyNull([=](std::span<const data::Value> arguments) {
    if (type == TypeId::kTime) return FloorOfTime(*arguments[0], *arguments[1]);
    return FloorToDuration(type, *arguments[0], *arguments[1],
                           with_start ? std::string_view(*arguments[2]) : std::string_view());
  });
  set->Add(std::move(function));
}

}  // namespace

void AddTimeFunctions(FunctionSet* set) {
  AddSources(set);
  AddConversions(set);
  for (const TypeId type : kTimeTypes) {
    AddFloor(set, type, false);
    AddFloor(set, type, true);
  }
  AddFloor(set, TypeId::kTime, false);
}

}  // namespace tholos::cql
