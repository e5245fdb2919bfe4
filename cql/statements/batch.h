// The writes of a batch gathered into one: BEGIN BATCH ... APPLY BATCH, and the batches of the
// protocols.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "cql/batch_type.h"
#include "cql/plan.h"
#include "data/partition.h"

namespace tholos::cql {

// One execution. Every Add first, then Write, once. The request's `one_timestamp` is set before.
class BatchWrite {
 public:
  explicit BatchWrite(BatchType type) : type_(type) {}

  // The statement's mutations, with the values and the timestamp of `request`. kInvalid if it is no
  // INSERT, UPDATE or DELETE.
  base::Task<absl::Status> Add(const Plan& plan, Request& request);

  // Logged if the type says so and there are several partitions. Refuses what is above the limits.
  base::Task<absl::Status> Write(Request& request);

 private:
  absl::Status CheckSize(const QueryLimits& limits, std::vector<std::string>* warnings) const;
  std::string TableNames() const;

  const BatchType type_;
  std::vector<data::Mutation> mutations_;  // one for each partition of each table
  std::map<std::pair<data::TableId, data::DecoratedKey>, size_t> places_;  // in mutations_
  std::map<data::TableId, std::string> tables_;
};

}  // namespace tholos::cql
