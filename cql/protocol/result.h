// RESULT: <kind: [int]> and
//
//   1 void
//   2 rows           <metadata><rows count: [int]><rows: [bytes] each>
//   3 set keyspace   [string]
//   4 prepared       <id: [short bytes]> v5: <result metadata id: [short bytes]> <metadata of the
//                    markers><metadata of the result>
//   5 schema change  see event.h
//
// Metadata: <flags: [int]><columns: [int]>[<paging state: [bytes]>][<new metadata id: [short
// bytes]>] then, of markers from version 4 on, [int] n and n [short] indexes of the partition key;
// then
// [<keyspace><table>] and for each column [<keyspace><table>]<name><type>. Flags:
//
//   0x1 all columns are of one table, named once     0x2 there are more pages: the paging state
//   0x4 no columns follow                            0x8 the metadata is other than the client's:
//                                                        its new id (v5)
//
// The id of metadata is a hash of its columns, equal on every node; 15 bytes, so that a std::string
// of it needs no memory of its own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cql/query_processor.h"

namespace tholos::cql::protocol {

inline constexpr int32_t kMetadataGlobal = 0x1;
inline constexpr int32_t kMetadataMorePages = 0x2;
inline constexpr int32_t kMetadataNone = 0x4;
inline constexpr int32_t kMetadataChanged = 0x8;

// The columns of a result as they go over the wire, encoded once for any number of results.
struct ColumnSpecs {
  int32_t flags = 0;  // kMetadataGlobal or 0
  int32_t count = 0;
  std::string bytes;  // what follows the paging state and the ids
  std::string id;     // MetadataId, where it is needed
};
ColumnSpecs EncodeColumnSpecs(uint8_t version, const std::vector<ResultColumn>& columns);
std::string MetadataId(const std::vector<ResultColumn>& columns);

// What of the metadata goes with rows.
enum class MetadataForm : uint8_t {
  kFull,
  kNone,     // the client has it
  kChanged,  // in full, with its id: the client has another one
};

void PutVoid(std::string* out);
void PutRows(const RowsResult& rows, const ColumnSpecs& specs, MetadataForm form, std::string* out);
void PutSetKeyspace(std::string_view keyspace, std::string* out);
void PutPrepared(uint8_t version, const PreparedStatementInfo& info, std::string* out);

}  // namespace tholos::cql::protocol
