#include "cql/functions/aggregates.h"

#include <cmath>

#include "base/status_macros.h"
#include "cql/functions/function_set.h"
#include "cql/functions/numbers.h"

namespace tholos::cql {
namespace {

using data::DataType;
using data::TypeId;

class CountRowsAccumulator final : public Accumulator {
 public:
  absl::Status Add(std::span<const data::Value>) override {
    ++count_;
    return absl::OkStatus();
  }
  absl::StatusOr<data::Value> Finish() override { return data::Value(data::EncodeBigint(count_)); }

 private:
  int64_t count_ = 0;
};

class CountAccumulator final : public Accumulator {
 public:
  absl::Status Add(std::span<const data::Value> arguments) override {
    if (arguments[0]) ++count_;
    return absl::OkStatus();
  }
  absl::StatusOr<data::Value> Finish() override { return data::Value(data::EncodeBigint(count_)); }

 private:
  int64_t count_ = 0;
};

class ExtremeAccumulator final : public Accumulator {
 public:
  ExtremeAccumulator(DataType type, bool max) : type_(std::move(type)), max_(max) {}

  absl::Status Add(std::span<const data::Value> arguments) override {
    const data::Value& value = arguments[0];
    if (!value) return absl::OkStatus();
    const int order = best_ ? type_.Compare(*value, *best_) : 0;
    if (!best_ || (max_ ? order > 0 : order < 0)) best_ = value;
    return absl::OkStatus();
  }
  absl::StatusOr<data::Value> Finish() override { return best_; }

 private:
  const DataType type_;
  const bool max_;
  data::Value best_;
};

// Integers of up to 64 bits.
class IntegerAccumulator final : public Accumulator {
 public:
  IntegerAccumulator(TypeId type, bool average) : type_(type), average_(average) {}

  absl::Status Add(std::span<const data::Value> arguments) override {
    if (!arguments[0]) return absl::OkStatus();
    sum_ += std::get<int64_t>(DecodeNumber(type_, *arguments[0]));
    ++count_;
    return absl::OkStatus();
  }
  absl::StatusOr<data::Value> Finish() override {
    const __int128 result = average_ && count_ > 0 ? sum_ / count_ : sum_;
    return data::Value(EncodeNumber(type_, static_cast<int64_t>(result)));
  }

 private:
  const TypeId type_;
  const bool average_;
  __int128 sum_ = 0;
  int64_t count_ = 0;
};

class FloatAccumulator final : public Accumulator {
 public:
  FloatAccumulator(TypeId type, bool average) : type_(type), average_(average) {}

  absl::Status Add(std::span<const data::Value> arguments) override {
    if (!arguments[0]) return absl::OkStatus();
    const Number number = DecodeNumber(type_, *arguments[0]);
    const auto* single = std::get_if<float>(&number);
    const double v = single != nullptr ? *single : std::get<double>(number);
    simple_ += v;
    const double corrected = v - error_;
    const double next = sum_ + corrected;
    error_ = (next - sum_) - corrected;
    sum_ = next;
    ++count_;
    return absl::OkStatus();
  }
  absl::StatusOr<data::Value> Finish() override {
    // Compensation makes a NaN of an infinite sum.
    double sum = std::isnan(sum_) && std::isinf(simple_) ? simple_ : sum_;
    if (average_ && count_ > 0) sum /= static_cast<double>(count_);
    if (type_ == TypeId::kFloat) return data::Value(data::EncodeFloat(static_cast<float>(sum)));
    return data::Value(data::EncodeDouble(sum));
  }

 private:
  const TypeId type_;
  const bool average_;
  double sum_ = 0;
  double error_ = 0;
  double simple_ = 0;
  int64_t count_ = 0;
};

// varint and decimal.
class BigAccumulator final : public Accumulator {
 public:
  BigAccumulator(TypeId type, bool average) : type_(type), average_(average) {}

  absl::Status Add(std::span<const data::Value> arguments) override {
    if (!arguments[0]) return absl::OkStatus();
    THOLOS_ASSIGN_OR_RETURN(const Number number,
                            Widen(DecodeNumber(type_, *arguments[0]), TypeId::kDecimal));
    THOLOS_ASSIGN_OR_RETURN(sum_, cql::Add(sum_, std::get<Decimal>(number)));
    ++count_;
    return absl::OkStatus();
  }
  absl::StatusOr<data::Value> Finish() override {
    if (type_ == TypeId::kVarint) {
      const BigInteger& sum = sum_.unscaled;
      const bool divides = average_ && count_ > 0;
      return data::Value(
          EncodeNumber(type_, divides ? BigInteger::DivMod(sum, BigInteger(count_)).first : sum));
    }
    Decimal result = sum_;
    if (average_ && count_ > 0) {
      THOLOS_ASSIGN_OR_RETURN(
          result, DivideTo(sum_, Decimal{BigInteger(count_), 0}, sum_.scale, Rounding::kHalfEven));
    }
    return data::Value(EncodeNumber(type_, result));
  }

 private:
  const TypeId type_;
  const bool average_;
  Decimal sum_;
  int64_t count_ = 0;
};

std::unique_ptr<Accumulator> MakeNumeric(TypeId type, bool average) {
  switch (type) {
    case TypeId::kFloat:
    case TypeId::kDouble:
      return std::make_unique<FloatAccumulator>(type, average);
    case TypeId::kVarint:
    case TypeId::kDecimal:
      return std::make_unique<BigAccumulator>(type, average);
    default:
      return std::make_unique<IntegerAccumulator>(type, average);
  }
}

}  // namespace

std::unique_ptr<Accumulator> MakeCount() { return std::make_unique<CountAccumulator>(); }
std::unique_ptr<Accumulator> MakeExtreme(const DataType& type, bool max) {
  return std::make_unique<ExtremeAccumulator>(type, max);
}
std::unique_ptr<Accumulator> MakeSum(TypeId type) { return MakeNumeric(type, false); }
std::unique_ptr<Accumulator> MakeAverage(TypeId type) { return MakeNumeric(type, true); }

void AddAggregates(FunctionSet* set) {
  Function rows;
  rows.name = kCountRows;
  rows.result = DataType(TypeId::kBigint);
  rows.accumulate = [] { return std::make_unique<CountRowsAccumulator>(); };
  set->Add(std::move(rows));

  const Parameter any{.kind = Parameter::Kind::kAny, .from_receiver = true};
  set->Add(Rule{"count", {{.kind = Parameter::Kind::kAny}}, [](const auto&, const auto&) {
                  Function function;
                  function.result = DataType(TypeId::kBigint);
                  function.accumulate = MakeCount;
                  return absl::StatusOr<Function>(std::move(function));
                }});
  for (const bool max : {false, true}) {
    set->Add(Rule{max ? "max" : "min", {any}, [max](const auto& types, const auto&) {
                    Function function;
                    function.result = types[0].Frozen();
                    function.accumulate = [type = types[0], max] { return MakeExtreme(type, max); };
                    return absl::StatusOr<Function>(std::move(function));
                  }});
  }
  for (const TypeId type : kNumericTypes) {
    for (const bool average : {false, true}) {
      Function function;
      function.name = average ? "avg" : "sum";
      function.arguments = {DataType(type)};
      function.result = DataType(type);
      function.accumulate = [type, average] { return MakeNumeric(type, average); };
      set->Add(std::move(function));
    }
  }
}

}  // namespace tholos::cql
