#include "cluster/peers_file.h"

#include <optional>
#include <utility>

#include "base/coding.h"
#include "base/status_macros.h"
#include "cluster/sealed_file.h"

namespace tholos::cluster {
namespace {

constexpr size_t kIdBytes = 16;

SealedFile FileIn(const std::string& directory) {
  return {.path = directory + "/peers.bin", .magic = "THOLPEER"};
}

}  // namespace

std::string EncodePeers(const Peers& peers) {
  std::string out;
  base::PutVarint(&out, peers.size());
  for (const auto& [id, values] : peers) {
    out.append(id.AsBytes());
    base::PutVarint(&out, values.size());
    for (const auto& [key, value] : values) {
      base::PutU8(&out, static_cast<uint8_t>(key));
      base::PutBytes(&out, value);
    }
  }
  return out;
}

absl::StatusOr<Peers> DecodePeers(std::string_view body) {
  base::Reader reader(body);
  Peers peers;
  const size_t count = reader.Count(kIdBytes + 1);
  for (size_t i = 0; reader.ok() && i < count; ++i) {
    const auto id = base::Uuid::FromBytes(reader.Raw(kIdBytes));
    if (!id.ok()) break;
    PeerValues& values = peers[*id];
    const size_t value_count = reader.Count(2);
    for (size_t j = 0; reader.ok() && j < value_count; ++j) {
      const auto key = static_cast<gossip::StateKey>(reader.U8());
      values[key] = std::string(reader.Bytes());
    }
  }
  if (!reader.AtEnd()) return absl::DataLossError("malformed peers.bin");
  return peers;
}

base::Task<absl::Status> SavePeers(base::FileSystem& fs, std::string directory, Peers peers) {
  co_return co_await WriteSealed(fs, FileIn(directory), EncodePeers(peers));
}

base::Task<absl::StatusOr<Peers>> LoadPeers(base::FileSystem& fs, std::string directory) {
  THOLOS_CO_ASSIGN_OR_RETURN(const std::optional<std::string> body,
                             co_await ReadSealed(fs, FileIn(directory)));
  if (!body.has_value()) co_return Peers();
  co_return DecodePeers(*body);
}

}  // namespace tholos::cluster
