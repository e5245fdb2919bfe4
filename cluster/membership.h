// Membership: turns what gossip knows of the nodes into the ring that requests use (ClusterState),
// and brings this node into it.
//
// In this version membership spreads by gossip alone: every node publishes what it has heard, and
// nodes may for a second or two disagree about a newcomer. The limits that follow, until topology
// changes go through the replicated log:
//
//  - A joining node becomes a replica at once, without data: nothing is streamed to it. Reads at
//  QUORUM
//    stay right only while fewer than a quorum of a range's replicas are new. Keyspaces that have
//    data should therefore be given time between two joins, and their partitions be read (read
//    repair fills what is read); hints bring what is written while the newcomer is slow. Joining
//    before the data is loaded has no such limit.
//  - Nodes are never removed. One that is gone for good stays in the ring as a dead replica.
//  - A node whose data directory was wiped is a new node with a new id; its old id stays, dead.
//
// Shard 0 only.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/async/event.h"
#include "base/async/scope.h"
#include "base/async/task.h"
#include "base/file_system.h"
#include "base/log.h"
#include "base/random.h"
#include "cluster/join.h"
#include "cluster/local_node.h"
#include "cluster/peers_file.h"
#include "cluster/state_publisher.h"
#include "gossip/gossiper.h"

namespace tholos::cluster {

struct MembershipOptions {
  std::string directory;  // of node.meta and peers.bin
  std::vector<base::Endpoint> seeds;
  base::Endpoint internode;
  base::Endpoint client;
  base::Endpoint native;
  std::string datacenter = "dc1";
  std::string rack = "rack1";
  std::string release;  // version of the program, for the others to see
  // A node that is no seed gives up when no seed told it of a cluster in this time.
  absl::Duration join_timeout = absl::Minutes(1);
  absl::Duration join_retry = absl::Milliseconds(300);
};

struct MembershipDeps {
  base::FileSystem& fs;
  base::Random& random;
  base::Log& log;
  gossip::Gossiper& gossiper;
  StatePublisher& publisher;
};

class Membership {
 public:
  // `local` from OpenLocalNode; the gossiper was made with its id and generation.
  Membership(MembershipOptions options, MembershipDeps deps, LocalNode local);
  ~Membership();
  Membership(const Membership&) = delete;
  Membership& operator=(const Membership&) = delete;

  // After the transport started, before the gossiper does: remembers known peers, at the first
  // start chooses tokens and makes them durable, announces this node, publishes the ring. From then
  // on the ring follows gossip. Errors: kFailedPrecondition - a seed refuses this node (cluster
  // name, host id); kUnavailable - no seed told of a cluster in time; those of the file system.
  base::Task<absl::Status> Join();
  // Once joined: whether the doors for clients are open.
  void SetServing(bool serving);
  // Before the gossiper is destroyed.
  base::Task<void> Stop();

  const LocalNode& local() const { return local_; }

 private:
  base::Task<absl::Status> ChooseTokens();
  absl::Status AddressTaken(const JoinQuestion& question) const;
  std::vector<ring::NodeInfo> NodesOfGossip() const;
  ring::NodeInfo Self() const;
  void OnEvent(const gossip::PeerEvent& event);
  void Refresh();
  base::Task<void> KeepPeersSaved();
  Peers KnownPeers() const;

  const MembershipOptions options_;
  const MembershipDeps deps_;
  LocalNode local_;
  bool joined_ = false;
  bool stopping_ = false;
  base::Event peers_changed_;
  base::Scope scope_;
};

}  // namespace tholos::cluster
