// An SSTable's contents as JSON lines.
//
//   {"table":"<id>","generation":7,"partitions":2,...}                     the first line
//   {"partition":{"token":-5,"key":"6b31"},"deleted":{...},"static":{...}} then each partition
//   {"row":{"key":"6b31","clustering":"4063"},"timestamp":9,"cells":[...]} and its rows
//   {"range":{"key":"6b31","from":"4064"},"deleted":{...}}                 range tombstones: from
//                                                                          here on; null: none
//
// Keys and values are hexadecimal: an SSTable does not know its table's schema.
#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "base/async/task.h"
#include "base/file_system.h"
#include "sstable/reader.h"

namespace tholos::sstable {

// Opens a file under any name, whatever table and generation it says it is.
base::Task<absl::StatusOr<std::shared_ptr<SSTable>>> OpenFile(base::FileSystem& fs,
                                                              std::string path);

// One line, without the line's end.
std::string MetadataAsJson(const TableMetadata& metadata);

// Calls `line` for each; ends at the first error, which names file and block.
base::Task<absl::Status> DumpJson(std::shared_ptr<SSTable> table,
                                  std::function<void(const std::string&)> line);

}  // namespace tholos::sstable
