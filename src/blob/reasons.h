#pragma once
#include "base/reason.h"

namespace hz::blob {

inline constexpr Reason reasons[] = {
    {"blob.write", Code::unavailable, "Bytes could not be stored.",
     "Check free space and permissions of the blob folder, then run the command again."},
    {"blob.missing", Code::not_found, "No bytes with this digest are stored here.",
     "Fetch them from a member that has them, or run the step that makes them again."},
    {"blob.corrupt", Code::corrupt, "Stored bytes no longer match their digest.",
     "Delete the named file and fetch the bytes again; check the disk."},
    {"blob.digest", Code::invalid, "Bytes arrived that do not have the digest they were announced with.",
     "Compute SHA-256 of the file again and send it to the address with that digest."},
    {"blob.busy", Code::conflict, "Another process is fetching these bytes.",
     "Wait for it, or stop it; what it has fetched is kept."},
};
consteval const Reason& why(std::string_view slug) { return registered(reasons, slug); }

}  // namespace hz::blob
