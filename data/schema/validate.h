// What a keyspace and a table must look like, whoever made them: statements or another node's
// bytes.
#pragma once

#include "absl/status/status.h"
#include "data/schema/schema.h"

namespace tholos::data {

inline constexpr size_t kNameBytesMax =
    48;  // of keyspaces, types and tables: some become file names
inline constexpr size_t kColumnNameBytesMax = 255;
inline constexpr size_t kColumnsMax = 4096;
inline constexpr size_t kOptionsMax = 64;             // entries of an option map
inline constexpr size_t kOptionBytesMax = 16 * 1024;  // of one of them, and of a comment

inline constexpr size_t kFieldsMax = 32767;  // of a user type
inline constexpr size_t kDroppedColumnsMax = 16384;

// Invalid request errors that name the keyspace, type, table or column.
absl::Status ValidateKeyspace(const KeyspaceSchema& keyspace);
absl::Status ValidateUserType(const UserType& type);
absl::Status ValidateTable(const TableSchema& table);

}  // namespace tholos::data
