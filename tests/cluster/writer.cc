#include "tests/cluster/writer.h"

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace tholos::cluster_test {

namespace pb = ::tholos::v1;

Writers::Writers(ProcessCluster& cluster, std::vector<int> nodes, std::string table, int count)
    : cluster_(cluster), nodes_(std::move(nodes)), table_(std::move(table)) {
  for (int i = 0; i < count; ++i) threads_.emplace_back([this, i] { Run(i); });
}

void Writers::Stop() {
  stop_ = true;
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void Writers::Run(int writer) {
  for (int64_t n = 0; !stop_; ++n) {
    const int node = nodes_[static_cast<size_t>(n + writer) % nodes_.size()];
    pb::ExecuteResponse response;
    const grpc::Status status = cluster_.Execute(
        node,
        absl::StrCat("INSERT INTO ", table_, " (w, n, v) VALUES (", writer, ", ", n, ", 'row')"),
        pb::CONSISTENCY_QUORUM, &response, absl::Seconds(5));
    if (!status.ok()) {
      ++failed_;
      continue;
    }
    ++acknowledged_;
    absl::MutexLock lock(&mutex_);
    rows_.emplace(writer, n);
  }
}

std::set<std::pair<int, int64_t>> Writers::rows() const {
  absl::MutexLock lock(&mutex_);
  return rows_;
}

std::set<std::pair<int, int64_t>> ReadRows(ProcessCluster& cluster, int n, const std::string& table,
                                           pb::Consistency consistency) {
  std::set<std::pair<int, int64_t>> rows;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  pb::ExecuteRequest request;
  request.set_query(absl::StrCat("SELECT w, n FROM ", table));
  request.set_consistency(consistency);
  auto reader = cluster.cql(n).Query(&context, request);
  pb::ExecuteResponse page;
  while (reader->Read(&page)) {
    for (const auto& row : page.rows().rows())
      rows.emplace(row.values(0).int_(), row.values(1).bigint());
  }
  const grpc::Status status = reader->Finish();
  EXPECT_TRUE(status.ok()) << status.error_message();
  return rows;
}

}  // namespace tholos::cluster_test
