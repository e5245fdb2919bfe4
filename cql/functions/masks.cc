// mask_null, mask_default, mask_replace, mask_inner, mask_outer and mask_hash: values that are not
// to be seen.
#include <openssl/evp.h>

#include <array>

#include "base/check.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "base/uuid.h"
#include "cql/functions/function_set.h"
#include "data/types/date.h"
#include "data/types/duration.h"
#include "data/types/elements.h"

namespace tholos::cql {
namespace {

using data::DataType;
using data::TypeId;
using Types = std::vector<DataType>;
using Receiver = std::optional<DataType>;
using Made = absl::StatusOr<Function>;

// ---- mask_null, mask_replace ----

Made MaskNull(const Types& types, const Receiver&) {
  Function function;
  function.result = types[0];
  function.call = [](FunctionContext&,
                     std::span<const data::Value>) -> absl::StatusOr<data::Value> {
    return data::Value();
  };
  return function;
}

Made MaskReplace(const Types& types, const Receiver&) {
  Function function;
  function.result = types[1];
  function.call = [](FunctionContext&,
                     std::span<const data::Value> arguments) -> absl::StatusOr<data::Value> {
    return arguments[1];
  };
  return function;
}

// ---- mask_default ----

std::string DefaultOf(const DataType& type) {
  switch (type.id()) {
    case TypeId::kAscii:
    case TypeId::kText:
      return "****";
    case TypeId::kBlob:
      return "";
    case TypeId::kBoolean:
      return data::EncodeBoolean(false);
    case TypeId::kDecimal:
      return std::string(5, '\0');
    case TypeId::kVarint:
      return std::string(1, '\0');
    case TypeId::kInet:
      return std::string(4, '\0');
    case TypeId::kTimeuuid:
      return std::string(base::Uuid::Parse("00000000-0000-1000-8000-000000000000")->AsBytes());
    case TypeId::kDate:
      return data::EncodeDate(data::kEpochDay);
    case TypeId::kDuration:
      return data::EncodeDuration({});
    case TypeId::kList:
    case TypeId::kSet:
    case TypeId::kMap:
      return std::string(4, '\0');
    case TypeId::kTuple:
    case TypeId::kUdt: {
      std::vector<data::Value> fields;
      for (const DataType& field : type.arguments()) fields.emplace_back(DefaultOf(field));
      return data::EncodeTuple(fields);
    }
    case TypeId::kVector: {
      const std::string element = DefaultOf(type.arguments()[0]);
      return data::EncodeVector(type, std::vector<std::string_view>(type.dimension(), element));
    }
    default:
      return std::string(type.fixed_size(), '\0');
  }
}

Made MaskDefault(const Types& types, const Receiver&) {
  Function function;
  function.result = types[0].Frozen();
  function.call = [mask = DefaultOf(types[0])](FunctionContext&, std::span<const data::Value>)
      -> absl::StatusOr<data::Value> { return data::Value(mask); };
  return function;
}

// ---- mask_inner, mask_outer ----

// The characters of UTF-8.
std::vector<std::string_view> Characters(std::string_view text) {
  std::vector<std::string_view> characters;
  while (!text.empty()) {
    size_t length = 1;
    while (length < text.size() && (text[length] & 0xC0) == 0x80) ++length;
    characters.push_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return characters;
}

absl::StatusOr<data::Value> MaskPart(const std::string& name, bool inner,
                                     std::span<const data::Value> arguments) {
  if (!arguments[0]) return data::Value();
  const int64_t begin = arguments[1] ? data::DecodeInt(*arguments[1]) : 0;
  const int64_t end = arguments[2] ? data::DecodeInt(*arguments[2]) : 0;
  std::string padding = "*";
  if (arguments.size() == 4 && arguments[3]) padding = *arguments[3];
  if (const size_t size = Characters(padding).size(); size != 1) {
    return absl::InvalidArgumentError(base::StrCat("The padding argument for function system.",
                                                   name, " should be single-character, but '",
                                                   padding, "' has ", size, " characters."));
  }
  const std::vector<std::string_view> characters = Characters(*arguments[0]);
  const int64_t last = static_cast<int64_t>(characters.size()) - 1 - end;
  std::string masked;
  for (int64_t i = 0; i < static_cast<int64_t>(characters.size()); ++i) {
    const bool is_inner = i >= begin && i <= last;
    masked += is_inner == inner ? std::string_view(padding) : characters[static_cast<size_t>(i)];
  }
  return data::Value(std::move(masked));
}

void AddMaskPart(FunctionSet* set, const std::string& name, bool inner) {
  const Parameter text{.kind = Parameter::Kind::kFixed,
                       .types = {DataType(TypeId::kText), DataType(TypeId::kAscii)}};
  const Parameter number{.kind = Parameter::Kind::kFixed, .types = {DataType(TypeId::kInt)}};
  const Parameter padding{
      .kind = Parameter::Kind::kFixed, .types = {DataType(TypeId::kText)}, .optional = true};
  set->Add(Rule{name,
                {text, number, number, padding},
                [name, inner](const Types& types, const Receiver&) -> Made {
                  Function function;
                  function.result = types[0];
                  function.call = [name, inner](FunctionContext&,
                                                std::span<const data::Value> arguments) {
                    return MaskPart(name, inner, arguments);
                  };
                  return function;
                }});
}

// ---- mask_hash ----

absl::StatusOr<data::Value> Hash(const std::string& bytes, const std::string& algorithm) {
  const EVP_MD* digest = EVP_get_digestbyname(algorithm.c_str());
  if (digest == nullptr) {
    return absl::InvalidArgumentError(
        base::StrCat("Hash algorithm ", algorithm, " was not found on this node"));
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  THOLOS_CHECK(EVP_Digest(bytes.data(), bytes.size(), out.data(), &size, digest, nullptr) == 1);
  return data::Value(std::string(reinterpret_cast<const char*>(out.data()), size));
}

Made MaskHash(const Types&, const Receiver&) {
  Function function;
  function.result = DataType(TypeId::kBlob);
  function.call = [](FunctionContext&,
                     std::span<const data::Value> arguments) -> absl::StatusOr<data::Value> {
    if (!arguments[0]) return data::Value();
    const bool chosen = arguments.size() == 2 && arguments[1];
    return Hash(*arguments[0], chosen ? *arguments[1] : "SHA-256");
  };
  return function;
}

}  // namespace

void AddMaskFunctions(FunctionSet* set) {
  const Parameter any{.kind = Parameter::Kind::kAny, .from_receiver = true};
  set->Add(Rule{"mask_null", {any}, MaskNull});
  set->Add(Rule{"mask_default", {any}, MaskDefault});
  set->Add(Rule{"mask_replace", {any, {.kind = Parameter::Kind::kSameAsFirst}}, MaskReplace});
  AddMaskPart(set, "mask_inner", true);
  AddMaskPart(set, "mask_outer", false);
  set->Add(Rule{
      "mask_hash",
      {{.kind = Parameter::Kind::kAny},
       {.kind = Parameter::Kind::kFixed, .types = {DataType(TypeId::kText)}, .optional = true}},
      MaskHash});
}

}  // namespace tholos::cql
