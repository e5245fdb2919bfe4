// similarity_cosine, similarity_euclidean and similarity_dot_product of vector<float, n>: from 0 to
// 1 for unit vectors, the more alike the greater, as Cassandra's vector search defines them.
#include <cmath>

#include "base/status_macros.h"
#include "base/strings.h"
#include "cql/functions/function_set.h"
#include "data/types/elements.h"

namespace tholos::cql {
namespace {

using data::DataType;
using data::TypeId;

std::vector<float> Floats(const DataType& type, std::string_view bytes) {
  std::vector<float> floats;
  for (const std::string_view element : data::ElementsOf(type, bytes)) {
    floats.push_back(data::DecodeFloat(element));
  }
  return floats;
}

float Dot(const std::vector<float>& a, const std::vector<float>& b) {
  float sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

absl::StatusOr<float> Cosine(const std::vector<float>& a, const std::vector<float>& b) {
  const float norms = Dot(a, a) * Dot(b, b);
  if (norms == 0) {
    return absl::InvalidArgumentError(
        "Function system.similarity_cosine doesn't support all-zero vectors.");
  }
  return (1 + static_cast<float>(Dot(a, b) / std::sqrt(static_cast<double>(norms)))) / 2;
}

absl::StatusOr<float> Euclidean(const std::vector<float>& a, const std::vector<float>& b) {
  float square = 0;
  for (size_t i = 0; i < a.size(); ++i) square += (a[i] - b[i]) * (a[i] - b[i]);
  return 1 / (1 + square);
}

absl::StatusOr<float> DotProduct(const std::vector<float>& a, const std::vector<float>& b) {
  return (1 + Dot(a, b)) / 2;
}

using Similarity = absl::StatusOr<float> (*)(const std::vector<float>&, const std::vector<float>&);

void AddSimilarity(FunctionSet* set, std::string_view name, Similarity similarity) {
  const Parameter vector{.kind = Parameter::Kind::kFloatVector};
  set->Add(Rule{std::string(name),
                {vector, vector},
                [similarity](const auto& types, const auto&) -> absl::StatusOr<Function> {
                  if (types[0] != types[1]) {
                    return absl::InvalidArgumentError(base::StrCat(
                        "All arguments must have the same vector dimensions, but found ",
                        types[0].name(), " and ", types[1].name()));
                  }
                  Function function;
                  function.result = DataType(TypeId::kFloat);
                  function.call = NullIfAnyNull(
                      [type = types[0], similarity](
                          std::span<const data::Value> arguments) -> absl::StatusOr<data::Value> {
                        THOLOS_ASSIGN_OR_RETURN(
                            const float result,
                            similarity(Floats(type, *arguments[0]), Floats(type, *arguments[1])));
                        return data::Value(data::EncodeFloat(result));
                      });
                  return function;
                }});
}

}  // namespace

void AddVectorFunctions(FunctionSet* set) {
  AddSimilarity(set, "similarity_cosine", Cosine);
  AddSimilarity(set, "similarity_euclidean", Euclidean);
  AddSimilarity(set, "similarity_dot_product", DotProduct);
}

}  // namespace tholos::cql
