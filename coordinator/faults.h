// Seeded bugs, one a flag. `tholos-sim --mutants` runs whole clusters with each of them and must
// find it: a simulation that finds nothing proves nothing. A constant of the node; the server
// program has no way to set one. Each is one branch where the bug would be, outside of loops over
// data.
#pragma once

namespace tholos::coordinator {

struct Faults {
  // Which replicas, how many answers.
  bool local_counts_remote = false;    // LOCAL_QUORUM is met by any datacenter's answers
  bool each_quorum_is_quorum = false;  // EACH_QUORUM counts all datacenters together
  bool quorum_of_one = false;          // QUORUM is met by one answer

  // Writes.
  bool hints_count = false;                // a durable hint counts as its replica's answer
  bool timeouts_succeed = false;           // a write that timed out is reported as done
  bool deadlines_ignored = false;          // a write waits for its answers for ever
  bool unavailable_after_sending = false;  // those that are alive get the write all the same
  bool relay_answers_for_all = false;      // its answer counts for whom it hands the write on to
  bool timestamps_forgotten = false;       // a restarted node begins at its wall clock

  // Reads.
  bool digest_ignores_column = false;  // of every row the cell with the largest column id
  bool repairs_skipped = false;        // what a read found is not written back
  bool first_answer_wins = false;      // answers that differ are not merged
  bool short_reads_trusted = false;    // rows behind a replica's limit are taken as they are
  bool shared_with_older = false;      // a read shares the answer of one that began before it
  bool digest_ignores_expiry = false;  // when a value expires or expired, and its TTL
  bool repairs_never_expire = false;   // values are written back without their TTL
  bool later_expiry_wins = false;      // of two values of one timestamp, where answers are merged

  // Hints.
  bool hints_dropped = false;               // counted as written, and forgotten
  bool hints_for_dead_only = false;         // a replica that does not answer gets none
  bool hints_not_awaited = false;           // what the replica did not take counts as delivered
  bool hints_forgotten_at_restart = false;  // what an earlier run left is not delivered
  bool hints_expire_anew = false;           // their TTLs count from their delivery

  // Logged batches.
  bool batch_forgotten_early = false;   // the guards are told that it is done before it is
  bool batch_replayed_as_new = false;   // with timestamps of the replay
  bool batch_replayed_in_part = false;  // its first mutation alone
  bool batch_expires_anew = false;      // its TTLs count from the replay
};

inline constexpr Faults kNoFaults;

}  // namespace tholos::coordinator
