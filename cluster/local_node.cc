#include "cluster/local_node.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/coding.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "cluster/sealed_file.h"
#include "storage/directories.h"

namespace tholos::cluster {
namespace {

constexpr size_t kTokensMax = 1024;
constexpr size_t kIdBytes = 16;

SealedFile FileIn(const std::string& directory) {
  return {.path = directory + "/node.meta", .magic = "THOLNODE", .bytes_max = 64 << 10};
}

// A node that has not joined holds no data yet: it may move.
absl::Status CheckPlace(const LocalNode& node, const std::string& directory, const Place& place) {
  if (node.place.cluster_name != place.cluster_name) {
    return absl::FailedPreconditionError(base::StrCat(
        "data directory ", directory, " belongs to cluster \"", node.place.cluster_name,
        "\", but the configured cluster name is \"", place.cluster_name, "\""));
  }
  if (node.place == place || node.tokens.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(base::StrCat(
      "data directory ", directory, " belongs to a node of datacenter \"", node.place.datacenter,
      "\", rack \"", node.place.rack, "\", but the configured ones are \"", place.datacenter,
      "\" and \"", place.rack, "\": its data was placed by those"));
}

// Damage, if other files say that this is not the first start.
base::Task<absl::Status> CheckFirstStart(base::FileSystem& fs, std::string directory) {
  for (const std::string name : {"peers.bin", "schema.bin"}) {
    THOLOS_CO_ASSIGN_OR_RETURN(const bool exists, co_await fs.Exists(directory + "/" + name));
    if (!exists) continue;
    co_return absl::DataLossError(
        base::StrCat(directory, "/node.meta is missing, but ", name,
                     " is there: restore node.meta, or start with an empty directory"));
  }
  co_return absl::OkStatus();
}

}  // namespace

std::string EncodeLocalNode(const LocalNode& node) {
  std::string out;
  base::PutBytes(&out, node.place.cluster_name);
  base::PutBytes(&out, node.place.datacenter);
  base::PutBytes(&out, node.place.rack);
  out.append(node.id.AsBytes());
  base::PutVarint(&out, static_cast<uint64_t>(node.generation));
  base::PutVarint(&out, node.tokens.size());
  for (const data::Token token : node.tokens) base::PutFixed64(&out, static_cast<uint64_t>(token));
  return out;
}

absl::StatusOr<LocalNode> DecodeLocalNode(std::string_view body) {
  base::Reader reader(body);
  LocalNode node;
  node.place.cluster_name = reader.Bytes();
  node.place.datacenter = reader.Bytes();
  node.place.rack = reader.Bytes();
  const auto id = base::Uuid::FromBytes(reader.Raw(kIdBytes));
  if (id.ok()) node.id = *id;
  node.generation = static_cast<int64_t>(reader.Varint());
  const size_t count = reader.Count(sizeof(data::Token));
  for (size_t i = 0; reader.ok() && i < count && i < kTokensMax; ++i) {
    node.tokens.push_back(static_cast<data::Token>(reader.Fixed64()));
  }
  if (!reader.AtEnd() || node.generation < 1) return absl::DataLossError("malformed node.meta");
  return node;
}

base::Task<absl::StatusOr<LocalNode>> OpenLocalNode(base::FileSystem& fs, std::string directory,
                                                    Place place, base::Random& random,
                                                    int64_t wall_seconds) {
  THOLOS_CO_RETURN_IF_ERROR(co_await storage::MakeDirectoriesDurably(fs, directory));
  THOLOS_CO_ASSIGN_OR_RETURN(const std::optional<std::string> body,
                             co_await ReadSealed(fs, FileIn(directory)));
  LocalNode node;
  if (body.has_value()) {
    THOLOS_CO_ASSIGN_OR_RETURN(node, DecodeLocalNode(*body));
    THOLOS_CO_RETURN_IF_ERROR(CheckPlace(node, directory, place));
  } else {
    THOLOS_CO_RETURN_IF_ERROR(co_await CheckFirstStart(fs, directory));
    base::RandomStream ids = random.Stream("host-id");
    node.id = base::Uuid::Random(ids);
  }
  node.place = std::move(place);
  node.generation = std::max(node.generation + 1, wall_seconds);
  const absl::Status saved = co_await SaveLocalNode(fs, directory, node);
  // A full disk keeps a known node from writing, not from reading. Its generation is larger than any
  // before, and as it goes by the clock (or a second start in a second), a later start's is larger.
  const bool goes_on =
      absl::IsResourceExhausted(saved) && body.has_value() && node.generation <= wall_seconds + 1;
  if (!saved.ok() && !goes_on) co_return saved;
  co_return node;
}

base::Task<absl::Status> SaveLocalNode(base::FileSystem& fs, std::string directory,
                                       LocalNode node) {
  co_return co_await WriteSealed(fs, FileIn(directory), EncodeLocalNode(node));
}

}  // namespace tholos::cluster
