// Watches the cluster on shard 0 and tells the native server's clients what changed. It looks five
// times a second: what came and went in between is not told, and a burst of changes is one batch.
#pragma once

#include "base/async/event.h"
#include "base/async/scope.h"
#include "node/native/changes.h"
#include "node/native/server.h"
#include "node/node.h"

namespace tholos::node::native {

// Confined to shard 0. All outlive it.
class EventSource {
 public:
  EventSource(const base::Clock& clock, const Node& node, Server& server)
      : clock_(clock), node_(node), server_(server) {}

  void Start();
  // Tells what has changed until now, then ends.
  base::Task<void> Stop();

 private:
  base::Task<void> Run();
  void Look();
  ClusterView View() const;

  const base::Clock& clock_;
  const Node& node_;
  Server& server_;
  ClusterView last_;
  base::Event stopping_;
  base::Scope scope_;
};

}  // namespace tholos::node::native
