// The accumulators behind count, min, max, sum and avg; the functions of collections use them too.
//
// sum and avg keep the type. Integer sums wrap around, as Cassandra's do; averages are computed
// without overflow and cut off. Floating-point sums are compensated (Kahan). The average of
// decimals has the scale of their sum, rounded half even. Over nothing, count, sum and avg are 0,
// min and max null. Nulls do not count.
#pragma once

#include <memory>

#include "cql/functions/function.h"

namespace tholos::cql {

std::unique_ptr<Accumulator> MakeCount();
std::unique_ptr<Accumulator> MakeExtreme(const data::DataType& type, bool max);
// Of numeric types.
std::unique_ptr<Accumulator> MakeSum(data::TypeId type);
std::unique_ptr<Accumulator> MakeAverage(data::TypeId type);

}  // namespace tholos::cql
