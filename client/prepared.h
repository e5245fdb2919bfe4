// Prepared statements as the nodes described them, by their text.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "client/result.h"
#include "client/statement.h"
#include "data/key.h"
#include "data/types/data_type.h"
#include "proto/tholos/v1/tholos.pb.h"

namespace tholos::client {

// Immutable.
struct Prepared {
  struct Marker {
    std::string name;
    data::DataType type;
  };
  std::string id;
  std::vector<Marker> markers;
  // The markers that make up the partition key, in its order; none: the statement does not tell its
  // partition, or not by markers alone.
  std::vector<uint32_t> key_markers;
  std::string keyspace;  // of the table
  Columns columns;       // of the result
  std::string result_id;
};

// kDataLoss if the message contradicts itself.
absl::StatusOr<std::shared_ptr<const Prepared>> PreparedFrom(
    const tholos::v1::PrepareResponse& message);
absl::StatusOr<Columns> ColumnsFrom(
    const google::protobuf::RepeatedPtrField<tholos::v1::Column>& messages);

// Values as they are sent, and the partition they lead to.
struct BoundStatement {
  std::string raw_values;  // as ExecuteRequest.raw_values
  std::optional<data::Token> token;
};
// kInvalid names the value that does not fit, a marker without one, or a name without a marker.
absl::StatusOr<BoundStatement> BindValues(const Prepared& prepared, const Statement& statement);

// Keeps the statements that were used last. Thread-safe.
class PreparedCache {
 public:
  explicit PreparedCache(size_t entries_max) : entries_max_(entries_max) {}

  // Null if it is not there.
  std::shared_ptr<const Prepared> Find(const std::string& keyspace, const std::string& text);
  void Put(const std::string& keyspace, const std::string& text,
           std::shared_ptr<const Prepared> prepared);
  size_t size() const;

 private:
  struct Entry {
    std::string key;
    std::shared_ptr<const Prepared> prepared;
  };
  using Entries = std::list<Entry>;  // the last used one first

  const size_t entries_max_;
  mutable base::Mutex mutex_;
  Entries entries_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, Entries::iterator> by_key_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tholos::client
