// The types that statements name.
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "cql/analysis/context.h"
#include "cql/text.h"
#include "data/types/type_rules.h"

namespace tholos::cql {
namespace {

using data::DataType;

class TypeResolver {
 public:
  TypeResolver(std::string_view keyspace, const AnalysisContext& context)
      : keyspace_(keyspace), context_(context) {}

  absl::StatusOr<DataType> Resolve(const TypeName& type, bool inside_frozen) {
    if (type.custom) return NotSupportedAt(type.position, "a custom type");
    const bool native = !type.quoted && type.keyspace.empty();
    if (native && !type.params.empty()) return Parametrised(type, inside_frozen);
    if (type.params.empty()) {
      if (native) {
        if (absl::StatusOr<DataType> simple = DataType::FromName(type.name); simple.ok()) {
          return simple;
        }
      }
      if (const std::shared_ptr<const data::UserType> user = FindUserType(type)) {
        return DataType::Udt(*user, inside_frozen);
      }
    }
    return ErrorAt(type.position, "Unknown type ", Abbreviate(ToCql(type)));
  }

 private:
  std::shared_ptr<const data::UserType> FindUserType(const TypeName& type) const {
    const std::string_view keyspace =
        type.keyspace.empty() ? keyspace_ : std::string_view(type.keyspace);
    return context_.state->schema().FindType(keyspace, type.name);
  }

  absl::StatusOr<DataType> Parametrised(const TypeName& type, bool inside_frozen) {
    const bool freezes = type.name == "frozen";
    std::vector<DataType> parameters;
    for (const TypeName& parameter : type.params) {
      THOLOS_ASSIGN_OR_RETURN(DataType resolved, Resolve(parameter, inside_frozen || freezes));
      parameters.push_back(std::move(resolved));
    }
    absl::StatusOr<DataType> made = Make(type, std::move(parameters));
    if (!made.ok()) return ErrorAt(type.position, made.status().message());
    return inside_frozen ? made->Frozen() : *made;
  }

  absl::StatusOr<DataType> Make(const TypeName& type, std::vector<DataType> parameters) {
    const size_t count = parameters.size();
    if (type.name == "list" && count == 1) return data::MakeList(std::move(parameters[0]));
    if (type.name == "set" && count == 1) return data::MakeSet(std::move(parameters[0]));
    if (type.name == "map" && count == 2) {
      return data::MakeMap(std::move(parameters[0]), std::move(parameters[1]));
    }
    if (type.name == "tuple") return data::MakeTuple(std::move(parameters));
    if (type.name == "frozen" && count == 1) return data::MakeFrozen(std::move(parameters[0]));
    if (type.name == "vector" && count == 1) {
      return data::MakeVector(std::move(parameters[0]), type.dimension);
    }
    return absl::InvalidArgumentError(base::StrCat("Unknown type ", Abbreviate(ToCql(type))));
  }

  const std::string_view keyspace_;
  const AnalysisContext& context_;
};

}  // namespace

absl::StatusOr<DataType> ResolveType(const TypeName& type, std::string_view keyspace,
                                     const AnalysisContext& context) {
  return TypeResolver(keyspace, context).Resolve(type, false);
}

}  // namespace tholos::cql
