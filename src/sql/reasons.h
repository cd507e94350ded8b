#pragma once
#include "base/reason.h"

namespace hz::sql {

inline constexpr Reason reasons[] = {
    {"sql.open", Code::unavailable, "A database could not be opened.",
     "Check that its folder exists, that you may write there, and that it lies on a local file system."},
    {"sql.busy", Code::unavailable, "Another process holds the database.",
     "Wait for the other hezong command to end and try again."},
    {"sql.full", Code::unavailable, "The disk is full, so nothing was written.",
     "Free space on the file system named and run the command again."},
    {"sql.io", Code::unavailable, "The operating system could not read or write the database file.",
     "Look at the system log for disk errors; do not go on writing to this disk."},
    {"sql.corrupt", Code::corrupt, "The database file is damaged.",
     "Keep the file for study and restore from a mirror or the static export; rebuildable files may just be deleted."},
    {"sql.constraint", Code::conflict, "A row contradicts a rule of its table.",
     "The message names the rule; correct the row."},
    {"sql.statement", Code::internal, "A database statement failed.", "This is a bug: report the message."},
    {"sql.newer", Code::unsupported, "The database was written by a newer version of the program.",
     "Use the newer version, or delete the file when it is a rebuildable one."},
};
consteval const Reason& why(std::string_view slug) { return registered(reasons, slug); }

}  // namespace hz::sql
