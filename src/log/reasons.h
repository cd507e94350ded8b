#pragma once
#include "base/reason.h"

namespace hz::log {

inline constexpr Reason reasons[] = {
    // Formats.
    {"log.note", Code::invalid, "The text is not a signed note.",
     "Fetch it again; a note is text, an empty line and at least one signature line (docs/formats/log.md)."},
    {"log.vkey", Code::invalid, "The text is not a verifier key.",
     "Ask the key's owner for the line `name+key id+key` again."},
    {"log.note_unsigned", Code::denied, "No key that you trust signed this note.",
     "Check that you have the verifier key of this log, and that the file belongs to it."},
    {"log.note_signature", Code::corrupt, "A signature under a key that you trust does not verify.",
     "Do not use the file; fetch it again from its log or a mirror."},
    {"log.checkpoint", Code::invalid, "The text is not a checkpoint.",
     "A checkpoint has exactly three lines: origin, size, root (docs/formats/log.md)."},
    {"log.checkpoint_origin", Code::denied, "The checkpoint belongs to another log.",
     "Use the checkpoint and the key of the same log."},
    {"log.tile_path", Code::invalid, "The path names no tile.", "See the table of paths in docs/formats/log.md."},
    {"log.bundle", Code::corrupt, "An entry bundle does not hold the entries its path promises.",
     "Fetch the bundle again from the log or a mirror."},
    {"log.proof_syntax", Code::invalid, "The text is not a log proof.",
     "Export it again: `hezong log prove`; the form is in docs/formats/log.md."},
    {"log.proof_leaf", Code::invalid, "The proof does not carry its leaf.",
     "Use a proof exported by hezong, or give the leaf beside it."},
    {"log.proof_wrong", Code::corrupt, "The proof does not lead from the leaf to the signed root.",
     "Do not trust the file; ask its log for a fresh proof."},
    // The stored log.
    {"log.exists", Code::conflict, "There is a log in this folder already.", "Open it, or choose an empty folder."},
    {"log.missing", Code::not_found, "There is no log in this folder.",
     "Check the path, or create a member first: `hezong init`."},
    {"log.locked", Code::unavailable, "Another process is writing to this log.",
     "Wait for the other hezong command to end and try again."},
    {"log.wrong_key", Code::denied, "The signing key is not the key of this log.",
     "Put back the key file that belongs to this log's folder."},
    {"log.read_only", Code::denied, "The log was opened for reading.", "Open it as its writer."},
    {"log.origin", Code::invalid, "The text cannot name a log.",
     "Use a schema-less URL prefix without spaces, plus signs or a slash at the end, at most 255 bytes."},
    {"log.entry", Code::invalid, "An entry cannot be stored.", "An entry has 1 to 65535 bytes."},
    {"log.idem_conflict", Code::conflict, "This idempotency key was used for another statement.",
     "Use a fresh key for a new statement, or repeat the old one unchanged."},
    {"log.range", Code::not_found, "The position lies outside the log.", "Ask below the size of the log's head."},
    {"log.rolled_back", Code::corrupt, "The stored log is older than a head that this member has signed before.",
     "Restore the newer copy of the log folder, or fetch the missing entries from a mirror; do not delete the mark."},
    {"log.forked", Code::corrupt, "The stored log contradicts a head that this member has signed before.",
     "Two copies of this log were written to. Keep both, and go on only with the one that others have seen."},
    {"log.mark_missing", Code::corrupt, "The high-water mark of this log is missing.",
     "Restore the mark folder. Only if no newer copy of this log exists anywhere, accept the stored head as the "
     "newest."},
    {"log.leaf_corrupt", Code::corrupt, "A stored entry was changed after it was signed into the log.",
     "Restore the entry from a mirror or an export; check the disk."},
    {"log.tile_corrupt", Code::corrupt, "A stored tile was changed after it was signed into the log.",
     "Restore the log folder from a copy; the entries themselves may still be intact."},
    {"log.head_corrupt", Code::corrupt, "The stored head does not match its signed checkpoint.",
     "Restore the log folder from a copy, then fetch newer entries from a mirror."},
    {"log.root_mismatch", Code::corrupt, "The stored entries do not give the root that was signed.",
     "Run the full check; restore the log folder from a copy or a mirror."},
    {"log.index_corrupt", Code::corrupt, "The index columns of an entry do not match the entry.",
     "Restore the log folder from a copy or a mirror."},
    {"log.export", Code::unavailable, "The log could not be exported.",
     "Check free space and permissions of the folder."},
};
consteval const Reason& why(std::string_view slug) { return registered(reasons, slug); }

}  // namespace hz::log
