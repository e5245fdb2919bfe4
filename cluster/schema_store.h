// The file schema.bin: this node's schema, durable before it is in force.
//
//   schema.bin = sealed_file.h, magic "THOLSCHM", version 1, body: data::Schema::Encode
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/file_system.h"
#include "data/schema/schema.h"

namespace tholos::cluster {

// The empty schema if there is no such file. kDataLoss names the file if it is damaged.
base::Task<absl::StatusOr<data::Schema::Ptr>> LoadSchema(base::FileSystem& fs,
                                                         std::string directory);
base::Task<absl::Status> SaveSchema(base::FileSystem& fs, std::string directory,
                                    data::Schema::Ptr schema);

}  // namespace tholos::cluster
