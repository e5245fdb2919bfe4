#include "coordinator/trace_store.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "base/check.h"
#include "base/coding.h"
#include "coordinator/system_schema.h"
#include "data/key.h"
#include "data/types/inet.h"

namespace tholos::coordinator {
namespace {

constexpr absl::Duration kStoreTime = absl::Seconds(10);

// Cells of one row, by column id.
class RowMaker {
 public:
  RowMaker(const data::TableSchema& table, data::Timestamp timestamp, int64_t now_seconds)
      : table_(table), timestamp_(timestamp), now_seconds_(now_seconds) {
    row_.liveness = data::Liveness::Expiring(timestamp, kTraceTtlSeconds, now_seconds);
  }

  RowMaker& Set(std::string_view column, std::string value) {
    const data::ColumnSchema* schema = table_.Find(column);
    THOLOS_CHECK(schema != nullptr) << "no column " << std::string(column);
    row_.cells.push_back(data::Cell::Expiring(schema->id, timestamp_, std::move(value),
                                              kTraceTtlSeconds, now_seconds_));
    return *this;
  }
  // Hosts that are names have no address to show.
  RowMaker& SetAddress(std::string_view column, const std::string& host) {
    auto address = data::ParseInet(host);
    if (address.ok()) Set(column, *std::move(address));
    return *this;
  }
  data::Row Take(std::string clustering) {
    std::sort(row_.cells.begin(), row_.cells.end(),
              [](const data::Cell& a, const data::Cell& b) { return a.column < b.column; });
    row_.clustering = std::move(clustering);
    return std::move(row_);
  }

 private:
  const data::TableSchema& table_;
  const data::Timestamp timestamp_;
  const int64_t now_seconds_;
  data::Row row_;
};

void AppendElement(std::string_view bytes, std::string* out) {
  base::PutBigEndian32(out, static_cast<uint32_t>(bytes.size()));
  out->append(bytes);
}

std::string EncodeTextMap(const std::map<std::string, std::string>& map) {
  std::string out;
  base::PutBigEndian32(&out, static_cast<uint32_t>(map.size()));
  for (const auto& [key, value] : map) {
    AppendElement(key, &out);
    AppendElement(value, &out);
  }
  return out;
}

int32_t Int32(int64_t value) {
  return static_cast<int32_t>(std::clamp<int64_t>(value, 0, INT32_MAX));
}

data::DecoratedKey KeyOf(const base::Uuid& session) {
  return data::DecoratedKey::Of(std::string(session.AsBytes()));
}

}  // namespace

// 100-nanosecond steps since 1582-10-15; the clock sequence and the node are random, the node with
// the bit that says so.
base::Uuid TimeUuid(int64_t wall_micros, base::RandomStream& random, int tenth) {
  constexpr uint64_t kGregorianOffset = 0x01B21DD213814000;
  const uint64_t time =
      static_cast<uint64_t>(wall_micros) * 10 + static_cast<uint64_t>(tenth) + kGregorianOffset;
  base::Uuid uuid = base::Uuid::Random(random);
  const auto put = [&](int at, int bytes, uint64_t value) {
    for (int i = bytes - 1; i >= 0; --i, value >>= 8)
      uuid.bytes[static_cast<size_t>(at + i)] = static_cast<uint8_t>(value);
  };
  put(0, 4, time & 0xFFFFFFFF);
  put(4, 2, (time >> 32) & 0xFFFF);
  put(6, 2, ((time >> 48) & 0x0FFF) | 0x1000);
  uuid.bytes[10] |= 1;
  return uuid;
}

data::Mutation SessionMutation(const Trace& trace, const base::Endpoint& coordinator,
                               data::Timestamp timestamp, int64_t now_seconds) {
  RowMaker row(SessionsTable(), timestamp, now_seconds);
  row.SetAddress("client", trace.request().client)
      .Set("command", "QUERY")
      .SetAddress("coordinator", coordinator.host)
      .Set("coordinator_port", data::EncodeInt(coordinator.port))
      .Set("duration", data::EncodeInt(Int32(trace.elapsed_micros())))
      .Set("parameters", EncodeTextMap(trace.request().parameters))
      .Set("request", trace.request().request)
      .Set("started_at", data::EncodeBigint(trace.started_wall_micros() / 1000));
  data::Mutation mutation{.table = SessionsTable().id, .update = {.key = KeyOf(trace.session())}};
  mutation.update.rows.push_back(row.Take(""));
  return mutation;
}

data::Mutation EventsMutation(const base::Uuid& session, const std::vector<TraceEvent>& events,
                              base::RandomStream& random, data::Timestamp timestamp,
                              int64_t now_seconds) {
  data::Mutation mutation{.table = EventsTable().id, .update = {.key = KeyOf(session)}};
  // Steps of one microsecond stay in the order they were noted in.
  absl::flat_hash_map<int64_t, int> of_micro;
  for (const TraceEvent& event : events) {
    const base::Uuid id =
        TimeUuid(event.wall_micros, random, std::min(of_micro[event.wall_micros]++, 9));
    const auto clustering = data::EncodeClustering(EventsTable(), {std::string(id.AsBytes())});
    THOLOS_CHECK(clustering.ok()) << clustering.status();
    RowMaker row(EventsTable(), timestamp, now_seconds);
    row.Set("activity", event.step.activity)
        .SetAddress("source", event.source.host)
        .Set("source_elapsed", data::EncodeInt(Int32(event.step.elapsed_micros)))
        .Set("source_port", data::EncodeInt(event.source.port));
    mutation.update.rows.push_back(row.Take(*clustering));
  }
  std::sort(mutation.update.rows.begin(), mutation.update.rows.end(),
            [](const data::Row& a, const data::Row& b) { return a.clustering < b.clustering; });
  return mutation;
}

TraceHandle TraceStore::Begin(TraceRequest request) {
  const base::Uuid session = TimeUuid(shard_.clock.WallMicros(), random_);
  return std::make_shared<Trace>(session, std::move(request), self_, shard_.clock);
}

void TraceStore::End(TraceHandle trace) {
  if (trace == nullptr || trace->finished()) return;
  const data::Timestamp timestamp = shard_.timestamps.Next();
  const int64_t now_seconds = shard_.clock.WallSeconds();
  shard_.background.Spawn(Store(SessionMutation(*trace, self_, timestamp, now_seconds)));
  // Captured by value: the trace, which holds the function, may not hold itself.
  const base::Uuid session = trace->session();
  const std::vector<TraceEvent> events = trace->Finish([this, session](TraceEvent event) {
    shard_.background.Spawn(
        Store(EventsMutation(session, {std::move(event)}, random_, shard_.timestamps.Next(),
                             shard_.clock.WallSeconds())));
  });
  if (events.empty()) return;
  shard_.background.Spawn(Store(EventsMutation(session, events, random_, timestamp, now_seconds)));
}

base::Task<void> TraceStore::Store(data::Mutation mutation) {
  const absl::Status stored = co_await writer_.Write(
      std::move(mutation), {ConsistencyLevel::kOne, shard_.clock.Now() + kStoreTime});
  if (!stored.ok()) shard_.metrics.traces_lost.Add();
}

}  // namespace tholos::coordinator
