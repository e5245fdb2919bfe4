#include "cluster/schema_store.h"

#include <memory>
#include <optional>
#include <utility>

#include "base/status_macros.h"
#include "base/strings.h"
#include "cluster/sealed_file.h"

namespace tholos::cluster {
namespace {

SealedFile FileIn(const std::string& directory) {
  return {.path = directory + "/schema.bin", .magic = "THOLSCHM"};
}

}  // namespace

base::Task<absl::StatusOr<data::Schema::Ptr>> LoadSchema(base::FileSystem& fs,
                                                         std::string directory) {
  THOLOS_CO_ASSIGN_OR_RETURN(const std::optional<std::string> body,
                             co_await ReadSealed(fs, FileIn(directory)));
  if (!body.has_value()) co_return std::make_shared<const data::Schema>();
  auto schema = data::Schema::Decode(*body);
  if (schema.ok()) co_return std::make_shared<const data::Schema>(*std::move(schema));
  co_return absl::DataLossError(
      base::StrCat(FileIn(directory).path, ": ", base::ToStd(schema.status().message())));
}

base::Task<absl::Status> SaveSchema(base::FileSystem& fs, std::string directory,
                                    data::Schema::Ptr schema) {
  co_return co_await WriteSealed(fs, FileIn(directory), schema->Encode());
}

}  // namespace tholos::cluster
