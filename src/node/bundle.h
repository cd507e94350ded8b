// An audit bundle: statements of several logs in one file that an auditor checks offline, without a member, a node or
// trust in whoever made it. Format: docs/formats/bundle.md.
//
// One evidence file (evidence.h) proves one statement. A pile of them proves no more about each other than its sender
// says: two could stand under two heads of one log, and who witnessed is left to the reader. A bundle has one head per
// log, the keys that changed below it, the cosignatures, and the policy that says which witnesses were meant.
//
// Nothing in it is believed for being there. A signature line whose key neither the log nor the policy names is
// refused, so no byte of a head goes unchecked. The policy itself is the maker's word: only the auditor's own policy or
// root fingerprints make more of a bundle than a consistent story.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/json.h"
#include "drill/exit_plan.h"
#include "log/policy.h"
#include "log/proof.h"

namespace hz::node {

// C2SP tlog-proofs of one log with their leaves, rising by index, all of one head: the genesis, then changes of keys
// and the statements.
struct BundleLog {
  std::string origin;
  std::vector<std::string> proofs;
  // Fields of sealed bodies of these statements (statement/field_tree.h), rising by index.
  struct Shown {
    std::uint64_t index = 0;
    std::string disclosure;
    bool operator==(const Shown&) const = default;
  };
  std::vector<Shown> shown = {};
  bool operator==(const BundleLog&) const = default;
};
// What opens a sealed body (statement/sealed.h), by the statement's id.
struct BundleBody {
  std::string statement, opening;
  bool operator==(const BundleBody&) const = default;
};
// A file that a statement of the bundle names by its SHA-256.
struct BundleFile {
  std::string name, bytes;
  bool operator==(const BundleFile&) const = default;
};
struct Bundle {
  std::string policy_name;              // for people
  std::string policy;                   // C2SP tlog-policy, verbatim
  std::vector<BundleLog> logs;          // by origin
  std::vector<BundleBody> bodies = {};  // by statement
  std::vector<BundleFile> files = {};   // by name
  bool operator==(const Bundle&) const = default;
};

inline constexpr std::size_t bundle_size_bytes_max = 32u << 20;
inline constexpr std::size_t bundle_logs_max = 256;
inline constexpr std::size_t bundle_proofs_max = 8192;  // of all logs together
inline constexpr std::size_t bundle_opening_bytes_max = 4u << 20, bundle_file_bytes_max = 16u << 20;
inline constexpr std::size_t bundle_files_max = 16;

std::string format_bundle(const Bundle& bundle);
// One bundle has one text. The SHA-256 at the end finds damage; it proves nothing. Errors: node.bundle_syntax (names
// the part), base.too_large.
Result<Bundle> parse_bundle(std::string_view text);
bool is_bundle(std::string_view text);  // by its first line

// What the auditor believes beforehand.
struct BundleTrust {
  std::vector<std::string> roots;     // fingerprints, compared over another channel
  std::optional<log::Policy> policy;  // of the auditor
};

struct BundleHead {
  std::string log, name, root_fingerprint, root_hash;
  std::int64_t size = 0;
  std::vector<std::string> witnesses;
  std::int64_t cosigned_s = -1;
  bool quorum = false;
  static constexpr auto fields() {
    return rows(row("log", &BundleHead::log, "origin of the log"), row("name", &BundleHead::name, "its member"),
                row("root_fingerprint", &BundleHead::root_fingerprint, "its root keys"),
                row("root_hash", &BundleHead::root_hash, "Merkle root of the head, hex"),
                row("size", &BundleHead::size, "statements below the head"),
                row("witnesses", &BundleHead::witnesses, "names of the witness keys that cosigned the head"),
                row("cosigned_s", &BundleHead::cosigned_s, "newest of their times, POSIX seconds; -1 without any"),
                row("quorum", &BundleHead::quorum, "they are a quorum, by the auditor's policy or else the enclosed"));
  }
};
struct Disclosed {
  std::string path, value;
  static constexpr auto fields() {
    return rows(row("path", &Disclosed::path, "where in the body"), row("value", &Disclosed::value, "as JSON"));
  }
};
struct BundleStatement {
  std::string id, kind, log, claimed_time, role;
  std::int64_t index = 0;
  std::vector<std::string> keys;
  bool changes_keys = false;
  json::Value body;
  std::optional<std::string> sealed;
  std::vector<Disclosed> disclosed;
  static constexpr auto fields() {
    return rows(row("id", &BundleStatement::id, "statement id"), row("kind", &BundleStatement::kind, "kind"),
                row("log", &BundleStatement::log, "the log it stands in, whose member says it"),
                row("claimed_time", &BundleStatement::claimed_time, "time its member claims"),
                row("role", &BundleStatement::role, "author, or root for what needs the offline keys"),
                row("index", &BundleStatement::index, "position in the log"),
                row("keys", &BundleStatement::keys, "verifier keys that signed and spoke at this position"),
                row("changes_keys", &BundleStatement::changes_keys, "here for the chain of keys"),
                row("body", &BundleStatement::body, "what was signed; null when it is sealed and not opened here"),
                row("sealed", &BundleStatement::sealed, "to whom the body is sealed, and the commitment signed"),
                row("disclosed", &BundleStatement::disclosed, "fields of it that the bundle proves"));
  }
};
struct BundleAttached {
  std::string name, sha256, statement;
  std::int64_t size_bytes = 0;
  static constexpr auto fields() {
    return rows(row("name", &BundleAttached::name, "file name"),
                row("sha256", &BundleAttached::sha256, "its digest, hex"),
                row("statement", &BundleAttached::statement, "the statement that names the digest"),
                row("size_bytes", &BundleAttached::size_bytes, "its size"));
  }
};
struct BundleAnswer {
  bool holds = false;
  std::string failed_item, failed_reason, failed_detail;
  std::string trust;
  std::string policy_name, policy_sha256;
  std::vector<BundleHead> heads;
  std::vector<BundleStatement> statements;
  std::vector<BundleAttached> files;
  std::optional<drill::ExitPlan> exit_plan;
  std::vector<std::string> not_checked;
  static constexpr auto fields() {
    return rows(row("holds", &BundleAnswer::holds, "every item holds"),
                row("failed_item", &BundleAnswer::failed_item, "the first that does not"),
                row("failed_reason", &BundleAnswer::failed_reason, "reason slug"),
                row("failed_detail", &BundleAnswer::failed_detail, "what is wrong with it"),
                row("trust", &BundleAnswer::trust, "what the auditor gave to check against"),
                row("policy_name", &BundleAnswer::policy_name, "the enclosed policy, as its maker calls it"),
                row("policy_sha256", &BundleAnswer::policy_sha256, "SHA-256 of the enclosed policy, hex"),
                row("heads", &BundleAnswer::heads, "one per log"),
                row("statements", &BundleAnswer::statements, "what is proven"),
                row("files", &BundleAnswer::files, "files in it, each named by a statement"),
                row("exit_plan", &BundleAnswer::exit_plan, "of a drill, borne out by its statements"),
                row("not_checked", &BundleAnswer::not_checked, "what this check says nothing about"));
  }
};

// Pure. Per log: the genesis is signed by its own root keys and each change of keys by those before it; the one head is
// signed by the log key that speaks at its size; every leaf leads to its root; every statement is signed by keys that
// spoke at its position; every other signature on the head is a cosignature of a witness of the enclosed policy. Every
// opening opens its statement's seal, every file is named by a statement, and an exit plan is what its drill's steps
// say. Then the auditor's own terms. Facts found before the first failure are kept. Cost: about 0.1 ms per statement.
BundleAnswer check_bundle(std::string_view text, const BundleTrust& trust);

}  // namespace hz::node
