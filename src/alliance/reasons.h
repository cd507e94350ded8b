// Why a member cannot do what it was asked to.
#pragma once
#include "base/reason.h"

namespace hz::alliance {

inline constexpr Reason reasons[] = {
    {"alliance.no_member", Code::not_found, "There is no member in this folder.",
     "Create one with `hezong init --name NAME`, or name the right folder with --home."},
    {"alliance.exists", Code::conflict, "A member lives in this folder already.",
     "Use it, or choose another folder with --home."},
    {"alliance.unfinished", Code::conflict, "A member was begun in this folder and not finished.",
     "Run `hezong init` again with the same name and origin to finish it; nothing was published yet."},
    {"alliance.origin", Code::invalid, "The origin is not a URL prefix without scheme.",
     "Use a host and path of your own, such as hezong.example/acme."},
    {"alliance.name", Code::invalid, "The member's name cannot be shown.",
     "Use 1 to 200 bytes of UTF-8 without control characters."},
    {"alliance.key", Code::invalid, "A key file cannot be used.",
     "Restore the file from your backup; a key that differs from the genesis statement is never accepted."},
    {"alliance.key_open", Code::denied, "A secret key file can be read by other users.",
     "Run chmod 600 on the file and consider the key known to others if they had time to read it."},
    {"alliance.genesis", Code::corrupt, "The log does not begin with a valid genesis statement.",
     "Do not use this log; fetch it again from its member or a mirror."},
    {"alliance.key_mismatch", Code::conflict, "The keys in this folder are not the ones the log's genesis names.",
     "Put the right key files back; never mix the folders of two members."},
    {"alliance.no_root_key", Code::denied, "This statement must be signed by the root key, which is not here.",
     "Bring the offline root key back as keys/root for this one command."},
    {"alliance.unknown_kind", Code::unsupported, "This program has no such statement kind.",
     "Use one listed by `hezong document kinds`."},
    {"alliance.role", Code::denied, "A statement is signed in a role that may not sign its kind.",
     "Ask its issuer to sign it with the right key."},
    {"alliance.idem_conflict", Code::conflict, "The same idempotency key was used for another statement.",
     "Use a new key for new content."},
    {"alliance.no_statement", Code::not_found, "No statement with this id is in the log.",
     "List them with `hezong log show`; an id has 64 hex digits."},
    {"alliance.no_index", Code::not_found, "The log has no statement at this position.",
     "Positions count from 0; `hezong status` shows the size."},
};
consteval const Reason& why(std::string_view slug) { return registered(reasons, slug); }

}  // namespace hz::alliance
