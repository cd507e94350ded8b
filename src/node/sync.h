// Keeps a member in step with the others. One round: pull what is new of every known log into its mirror, then bring
// the own head to the others as witnesses and publish it with what they sign.
//
// A round is a function of the member and one exchange per node, so that `hezong up` runs one every few seconds, the
// command line one, and the simulation thousands over a network that loses and lies. A node that is away, slow or
// lying is a row of the answer and nothing else.
#pragma once
#include <memory>

#include "log/cosign_round.h"
#include "node/contact.h"

namespace hz::node {

struct PeerRow {
  std::string origin, name, state, url;
  std::int64_t stored = 0;       // statements mirrored and proven here
  std::int64_t signed_size = 0;  // its newest head, as its node showed it; -1 when it showed none
  std::int64_t cosigned_s = -1;  // when it cosigned this member's head, POSIX seconds; -1: it did not
  std::string fault;             // what went wrong with it, reason first
  static constexpr auto fields() {
    return rows(row("origin", &PeerRow::origin, "log; of a witness that is no node: the name of its key"),
                row("name", &PeerRow::name, "shown to people"),
                row("state", &PeerRow::state, "its standing in the alliance, or witness: one of the policy file only"),
                row("url", &PeerRow::url, "where it answers"),
                row("stored", &PeerRow::stored, "statements mirrored here, each proven"),
                row("signed_size", &PeerRow::signed_size, "statements in its newest head; -1 when it showed none"),
                row("cosigned_s", &PeerRow::cosigned_s, "when it cosigned this member's head; -1 when it did not"),
                row("fault", &PeerRow::fault, "what went wrong with it", or_default));
  }
};

struct SyncRound {
  std::vector<PeerRow> peers;  // by origin
  std::int64_t head = 0;       // statements in the own log
  std::int64_t witnesses = 0, cosigned = 0;
  bool quorum = false;
  std::string quorum_rule;  // what the quorum is
  std::int64_t bodies_came = 0, bodies_given = 0;
  std::string fault;  // of this node
  static constexpr auto fields() {
    return rows(row("peers", &SyncRound::peers, "every known node, by origin, then the policy's other witnesses"),
                row("head", &SyncRound::head, "statements in this member's log"),
                row("witnesses", &SyncRound::witnesses, "who was asked to cosign it"),
                row("cosigned", &SyncRound::cosigned, "who did"), row("quorum", &SyncRound::quorum, "enough of them"),
                row("quorum_rule", &SyncRound::quorum_rule, "what is enough"),
                row("bodies_came", &SyncRound::bodies_came, "sealed bodies fetched from other nodes", or_default),
                row("bodies_given", &SyncRound::bodies_given,
                    "own bodies given to those who may read them by now: a sealed-until whose time has come, members "
                    "admitted since",
                    or_default),
                row("fault", &SyncRound::fault, "what this node could not do, reason first", or_default));
  }
};

// The quorum of this member: the file `policy` in its home (C2SP tlog-policy), else more than half of the members
// whose witness keys are known here. Errors: log.policy.
struct Quorum {
  log::Policy policy;
  std::string rule;  // for people
};
Result<Quorum> quorum_of(alliance::Member& member, const std::vector<Contact>& known);

// The last round as `hezong up` left it, for `hezong node peers`: peers/round.json.
struct KeptRound {
  std::int64_t at_ms = 0;
  SyncRound round;
  static constexpr auto fields() {
    return rows(row("at_ms", &KeptRound::at_ms, "when it ended"), row("round", &KeptRound::round, "what came of it"));
  }
};
// Errors: base.write.
Result<void> keep_round(const fs::path& home, const SyncRound& round, std::int64_t at_ms);
// Errors: base.read when there was no round yet, base.json_*.
Result<KeptRound> kept_round(const fs::path& home);

struct SyncOptions {
  log::RunAll run_all = log::run_in_threads;
  // Taken before the own log is written and held until the round ends; nobody is asked anything meanwhile, so whoever
  // waits for it waits for no other node.
  std::function<std::shared_ptr<void>()> turn = {};
  Reach reach = {};  // for witnesses of the policy file that are no known node; absent: they are not asked
  std::int64_t cosign_age_s_max = 30;  // an unchanged head is brought to its witnesses again when this old
};

// A log whose own node does not answer is pulled from the others' mirrors of it. Evidence of a fork that a pull found
// is appended as alliance.fork_evidence, once, after the last answer; the next round makes it public. Errors: of the
// own log and views only; a fault of another node stands in its row.
Result<SyncRound> sync_once(alliance::Member& member, const Connect& connect, const SyncOptions& options = {});

}  // namespace hz::node
