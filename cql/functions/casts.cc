// CAST(x AS type): between numbers, to text, and between the types of time.
#include "base/status_macros.h"
#include "base/strings.h"
#include "cql/functions/calendar.h"
#include "cql/functions/function_set.h"
#include "cql/functions/numbers.h"
#include "cql/json/java_text.h"

namespace tholos::cql {
namespace {

using data::DataType;
using data::TypeId;

void AddCast(FunctionSet* set, TypeId from, TypeId to,
             std::function<absl::StatusOr<data::Value>(std::string_view)> convert) {
  Function function;
  function.name = base::StrCat(kCastPrefix, DataType(to).name());
  function.arguments = {DataType(from)};
  function.result = DataType(to);
  function.call =
      OfOne([convert = std::move(convert)](std::string_view bytes) -> absl::StatusOr<data::Value> {
        if (bytes.empty()) return data::Value();
        return convert(bytes);
      });
  set->Add(std::move(function));
}

void AddNumericCasts(FunctionSet* set, TypeId from) {
  for (const TypeId to : kNumericTypes) {
    if (to == from || to == TypeId::kCounter) continue;
    AddCast(set, from, to, [from, to](std::string_view bytes) -> absl::StatusOr<data::Value> {
      THOLOS_ASSIGN_OR_RETURN(const Number number, Convert(from, DecodeNumber(from, bytes), to));
      return data::Value(EncodeNumber(to, number));
    });
  }
}

}  // namespace

void AddCasts(FunctionSet* set) {
  for (const TypeId from : kNumericTypes) AddNumericCasts(set, from);
  constexpr TypeId kWithText[] = {
      TypeId::kTinyint,   TypeId::kSmallint, TypeId::kInt,     TypeId::kBigint,
      TypeId::kFloat,     TypeId::kDouble,   TypeId::kDecimal, TypeId::kVarint,
      TypeId::kCounter,   TypeId::kInet,     TypeId::kBoolean, TypeId::kTimeuuid,
      TypeId::kTimestamp, TypeId::kDate,     TypeId::kTime,    TypeId::kUuid};
  for (const TypeId from : kWithText) {
    for (const TypeId to : {TypeId::kText, TypeId::kAscii}) {
      AddCast(set, from, to, [from](std::string_view bytes) -> absl::StatusOr<data::Value> {
        return data::Value(JavaText(from, bytes));
      });
    }
  }
  AddCast(set, TypeId::kAscii, TypeId::kText,
          [](std::string_view bytes) -> absl::StatusOr<data::Value> {
            return data::Value(std::string(bytes));
          });
  for (const TypeId from : {TypeId::kTimeuuid, TypeId::kTimestamp}) {
    AddCast(set, from, TypeId::kDate,
            [from](std::string_view bytes) { return DateOfMillis(MillisOf(from, bytes)); });
  }
  for (const TypeId from : {TypeId::kTimeuuid, TypeId::kDate}) {
    AddCast(set, from, TypeId::kTimestamp,
            [from](std::string_view bytes) -> absl::StatusOr<data::Value> {
              return data::Value(data::EncodeBigint(MillisOf(from, bytes)));
            });
  }
}

}  // namespace tholos::cql
