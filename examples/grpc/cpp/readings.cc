// The gRPC API from C++, with the generated stubs alone.
//
//   readings HOST:PORT KEYSPACE
#include <grpcpp/create_channel.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "proto/tholos/v1/tholos.grpc.pb.h"

namespace {

namespace pb = ::tholos::v1;

// Length (4 bytes, big-endian) and bytes: how raw values stand one after the other.
void AppendRaw(const std::string& bytes, std::string* out) {
  for (int shift = 24; shift >= 0; shift -= 8)
    out->push_back(static_cast<char>(bytes.size() >> shift));
  out->append(bytes);
}

std::string BigEndian(uint64_t value, int size) {
  std::string bytes;
  for (int shift = 8 * (size - 1); shift >= 0; shift -= 8)
    bytes.push_back(static_cast<char>(value >> shift));
  return bytes;
}

pb::ErrorDetail DetailOf(const grpc::Status& status) {
  pb::RpcStatus details;
  pb::ErrorDetail detail;
  if (details.ParseFromString(status.error_details()) && details.details_size() > 0)
    details.details(0).UnpackTo(&detail);
  return detail;
}

void Check(const grpc::Status& status, const std::string& what) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s: %s\n", what.c_str(), status.error_message().c_str());
  std::exit(1);
}

class Readings {
 public:
  Readings(const std::string& host, std::string keyspace)
      : stub_(pb::Tholos::NewStub(grpc::CreateChannel(host, grpc::InsecureChannelCredentials()))),
        keyspace_(std::move(keyspace)) {}

  void Run() {
    Execute("CREATE KEYSPACE IF NOT EXISTS " + keyspace_ +
            " WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
    Execute(
        "CREATE TABLE IF NOT EXISTS readings (sensor text, number int, value double, "
        "tags set<text>, PRIMARY KEY (sensor, number))");
    const pb::PrepareResponse insert =
        Prepare("INSERT INTO readings (sensor, number, value, tags) VALUES (?, ?, ?, ?)");
    WriteTyped(insert.id());
    WriteRaw(insert.id());
    std::printf("values: %d rows\n", Count("single"));
    WriteBatch(insert.id());
    std::printf("batch: %d rows\n", Count("batch"));
    std::printf("pages: %d\n", Pages());
    grpc::ClientContext context;
    pb::ExecuteResponse response;
    const grpc::Status status =
        stub_->Execute(&context, Request("SELECT nothing FROM readings"), &response);
    const pb::ErrorDetail detail = DetailOf(status);
    std::printf("error: %s at %u:%u\n", pb::ErrorDetail::Kind_Name(detail.kind()).c_str(),
                detail.line(), detail.column());
  }

 private:
  pb::ExecuteRequest Request(const std::string& query) const {
    pb::ExecuteRequest request;
    request.set_query(query);
    request.set_keyspace(keyspace_);
    request.set_consistency(pb::CONSISTENCY_QUORUM);
    return request;
  }

  pb::ExecuteResponse Execute(const pb::ExecuteRequest& request) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    pb::ExecuteResponse response;
    Check(stub_->Execute(&context, request, &response), "Execute");
    return response;
  }
  pb::ExecuteResponse Execute(const std::string& query) { return Execute(Request(query)); }

  pb::PrepareResponse Prepare(const std::string& query) {
    grpc::ClientContext context;
    pb::PrepareRequest request;
    request.set_query(query);
    request.set_keyspace(keyspace_);
    pb::PrepareResponse response;
    Check(stub_->Prepare(&context, request, &response), "Prepare");
    return response;
  }

  void WriteTyped(const std::string& prepared_id) {
    pb::ExecuteRequest request;
    request.set_prepared_id(prepared_id);
    request.add_values()->set_text("single");
    request.add_values()->set_int_(1);
    request.add_values()->set_double_(21.5);
    pb::Values* tags = request.add_values()->mutable_list();
    tags->add_values()->set_text("indoor");
    tags->add_values()->set_text("new");
    Execute(request);
  }

  void WriteRaw(const std::string& prepared_id) {
    pb::ExecuteRequest request;
    request.set_prepared_id(prepared_id);
    std::string* raw = request.mutable_raw_values();
    AppendRaw("single", raw);
    AppendRaw(BigEndian(2, 4), raw);
    AppendRaw(BigEndian(0x4035800000000000, 8), raw);  // 21.5
    raw->append("\xFF\xFF\xFF\xFE");                   // unset: no tags
    Execute(request);
  }

  void WriteBatch(const std::string& prepared_id) {
    pb::BatchRequest batch;
    batch.set_keyspace(keyspace_);
    for (int number = 0; number < 10; ++number) {
      pb::BatchStatement* statement = batch.add_statements();
      statement->set_prepared_id(prepared_id);
      statement->add_values()->set_text("batch");
      statement->add_values()->set_int_(number);
      statement->add_values()->set_double_(number);
      statement->add_values();  // null
    }
    grpc::ClientContext context;
    pb::ExecuteResponse response;
    Check(stub_->Batch(&context, batch, &response), "Batch");
  }

  int Count(const std::string& sensor) {
    pb::ExecuteRequest request = Request("SELECT count(*) FROM readings WHERE sensor = :sensor");
    request.add_values()->set_text(sensor);
    request.mutable_values(0)->set_name("sensor");
    return static_cast<int>(Execute(request).rows().rows(0).values(0).bigint());
  }

  int Pages() {
    pb::ExecuteRequest request = Request("SELECT number FROM readings WHERE sensor = 'batch'");
    request.set_page_size(3);
    int pages = 0;
    do {
      const pb::ExecuteResponse response = Execute(request);
      request.set_paging_state(response.rows().paging_state());
      ++pages;
    } while (!request.paging_state().empty());
    return pages;
  }

  const std::unique_ptr<pb::Tholos::Stub> stub_;
  const std::string keyspace_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s HOST:PORT KEYSPACE\n", argv[0]);
    return 2;
  }
  Readings(argv[1], argv[2]).Run();
}
