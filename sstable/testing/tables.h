// Tables for tests.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/async/task.h"
#include "base/file_system.h"
#include "data/source.h"
#include "data/testing/sources.h"
#include "sstable/reader.h"
#include "sstable/writer.h"

namespace tholos::sstable {

inline constexpr char kTestDirectory[] = "/tables";
data::TableId TestTable();

// Options for TestTable() in kTestDirectory, with a file id made of `generation`.
WriterOptions TestWriterOptions(uint64_t generation);
// The same with blocks and pages so small that everything spans some.
WriterOptions TinyBlocks(uint64_t generation, base::RandomStream& random);
OpenOptions TestOpenOptions(uint64_t generation, BlockCache* cache = nullptr);

// Makes kTestDirectory, durably.
base::Task<absl::Status> MakeTestDirectory(base::FileSystem& fs);
// The names in it, and the generations of the visible tables among them.
base::Task<std::vector<std::string>> FilesOf(base::FileSystem& fs);
base::Task<std::vector<uint64_t>> VisibleTables(base::FileSystem& fs);

// Makes the directory and writes a table; abandons it after an error.
base::Task<absl::StatusOr<TableMetadata>> WriteTable(base::FileSystem& fs, WriterOptions options,
                                                     std::vector<data::Partition> partitions);

// Everything `selection` gives of a table.
base::Task<absl::StatusOr<std::vector<data::Partition>>> ReadTable(
    std::shared_ptr<const SSTable> table, data::Selection selection = {},
    ReadPattern pattern = ReadPattern::kRandom);
// Opens it first.
base::Task<absl::StatusOr<std::vector<data::Partition>>> OpenAndRead(base::FileSystem& fs,
                                                                     OpenOptions options);

// Puts a file with these contents there, durably.
base::Task<absl::Status> WriteWholeFile(base::FileSystem& fs, std::string path,
                                        std::string contents);

// data::RandomPartitions without those that hold nothing: a table does not keep them.
std::vector<data::Partition> RandomTable(base::RandomStream& random,
                                         const data::WorldShape& shape = {});
// What a table of `partitions` gives for `selection`.
std::vector<data::Partition> Select(const std::vector<data::Partition>& partitions,
                                    const data::Selection& selection);

}  // namespace tholos::sstable
