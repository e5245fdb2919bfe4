// What drivers are told of the cluster: the difference between two views of it. Pure.
#pragma once

#include <map>
#include <vector>

#include "base/endpoint.h"
#include "cql/protocol/event.h"
#include "data/schema/schema.h"
#include "ring/cluster_state.h"

namespace tholos::node::native {

// The cluster as this node sees it at one moment.
struct ClusterView {
  struct Member {
    base::Endpoint native;
    bool up = false;  // alive, and its doors are open
    friend bool operator==(const Member&, const Member&) = default;
  };
  std::map<ring::NodeId, Member> members;  // of status NORMAL or LEAVING
  data::Schema::Ptr schema;
};

// From `before` to `after`, topology first, then status, then the schema (keyspaces before what is
// in them; drops the other way round). A member is new when it is up for the first time, so that no
// driver hears of a node that does not serve yet; a node that was a member all the time and is up
// again is UP.
std::vector<cql::protocol::Event> ChangesBetween(const ClusterView& before,
                                                 const ClusterView& after);

}  // namespace tholos::node::native
