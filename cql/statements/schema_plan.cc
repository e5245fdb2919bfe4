#include "cql/statements/schema_plan.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "base/status_macros.h"
#include "cql/analysis/context.h"
#include "cql/text.h"

namespace tholos::cql {
namespace {

constexpr size_t kEntityNameBytesMax = 48;

}  // namespace

base::Task<absl::Status> SchemaPlan::Execute(Request& request) const {
  if (spec_.already_done && spec_.already_done(request.state->schema())) {
    co_return absl::OkStatus();
  }
  // The change outlives this frame if the deadline passes, and may run on another thread.
  auto nothing_to_do = std::make_shared<std::atomic<bool>>(false);
  cluster::SchemaService::Change change = [spec = spec_, nothing_to_do](
                                              const data::Schema& current,
                                              int64_t now_micros) -> absl::StatusOr<data::Schema> {
    *nothing_to_do = spec.already_done && spec.already_done(current);
    if (*nothing_to_do) return current;
    return spec.change(current, now_micros);
  };
  THOLOS_CO_RETURN_IF_ERROR(
      co_await request.services->schema.Apply(std::move(change), request.routing.deadline));
  if (!*nothing_to_do) request.result.result = spec_.result;
  co_return absl::OkStatus();
}

absl::Status CheckEntityName(const std::string& name, std::string_view what, Position position) {
  const bool ok = name.size() <= kEntityNameBytesMax && std::ranges::all_of(name, [](char c) {
                    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_';
                  });
  if (ok) return absl::OkStatus();
  return ErrorAt(position, "expected at most ", kEntityNameBytesMax,
                 " letters, digits and underscores as the name of a ", what, ", found '",
                 Abbreviate(name), "'");
}

}  // namespace tholos::cql
