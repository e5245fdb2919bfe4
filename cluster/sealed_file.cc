#include "cluster/sealed_file.h"

#include <utility>

#include "base/check.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace tholos::cluster {
namespace {

constexpr size_t kMagicBytes = 8;
constexpr size_t kHeaderBytes = kMagicBytes + 4;
constexpr size_t kChecksumBytes = 8;

absl::StatusOr<std::string> Unseal(const SealedFile& file, std::string_view bytes) {
  if (bytes.size() < kHeaderBytes + kChecksumBytes) {
    return absl::DataLossError(base::StrCat(file.path, ": cut off at ", bytes.size(), " bytes"));
  }
  const std::string_view covered = bytes.substr(0, bytes.size() - kChecksumBytes);
  if (covered.substr(0, kMagicBytes) != file.magic) {
    return absl::DataLossError(base::StrCat(file.path, ": does not begin with ", file.magic));
  }
  if (base::LoadFixed64(bytes.data() + covered.size()) != base::Checksum64(covered)) {
    return absl::DataLossError(base::StrCat(file.path, ": wrong checksum"));
  }
  const uint32_t version = base::LoadFixed32(covered.data() + kMagicBytes);
  if (version != file.version) {
    return absl::FailedPreconditionError(base::StrCat(file.path, ": format version ", version,
                                                      ", this release reads ", file.version));
  }
  return std::string(covered.substr(kHeaderBytes));
}

}  // namespace

base::Task<absl::Status> WriteSealed(base::FileSystem& fs, SealedFile file, std::string body) {
  THOLOS_CHECK(file.magic.size() == kMagicBytes);
  std::string bytes(file.magic);
  base::PutFixed32(&bytes, file.version);
  bytes += body;
  base::PutFixed64(&bytes, base::Checksum64(bytes));
  co_return co_await base::WriteFileAtomically(fs, file.path, std::move(bytes));
}

base::Task<absl::StatusOr<std::optional<std::string>>> ReadSealed(base::FileSystem& fs,
                                                                  SealedFile file) {
  THOLOS_CO_ASSIGN_OR_RETURN(const bool exists, co_await fs.Exists(file.path));
  if (!exists) co_return std::nullopt;
  THOLOS_CO_ASSIGN_OR_RETURN(const std::string bytes,
                             co_await base::ReadFile(fs, file.path, file.bytes_max));
  THOLOS_CO_ASSIGN_OR_RETURN(std::string body, Unseal(file, bytes));
  co_return std::optional<std::string>(std::move(body));
}

}  // namespace tholos::cluster
