#include "node/native/event_source.h"

#include <utility>

#include "base/clock.h"

namespace tholos::node::native {
namespace {
constexpr absl::Duration kInterval = absl::Milliseconds(200);
}  // namespace

void EventSource::Start() {
  last_ = View();
  scope_.Spawn(Run());
}

base::Task<void> EventSource::Stop() {
  stopping_.Set();
  co_await scope_.Stop();
  Look();
}

ClusterView EventSource::View() const {
  ClusterView view;
  const ring::ClusterState::Ptr state = node_.cluster();
  for (const auto& [id, node] : state->nodes()) {
    const bool up = node.serving && node_.liveness().IsAlive(id);
    if (node.status == ring::NodeStatus::kJoining) continue;
    // A node that was never up is no member yet.
    if (!up && !last_.members.contains(id)) continue;
    view.members[id] = {node.native, up};
  }
  view.schema = state->schema_ptr();
  return view;
}

void EventSource::Look() {
  ClusterView now = View();
  std::vector<cql::protocol::Event> events = ChangesBetween(last_, now);
  last_ = std::move(now);
  if (!events.empty()) server_.SendEvents(std::move(events));
}

base::Task<void> EventSource::Run() {
  while (!stopping_.is_set()) {
    co_await stopping_.WaitUntil(clock_.Now() + kInterval);
    Look();
  }
}

}  // namespace tholos::node::native
