#pragma once
#include "base/reason.h"

namespace hz::node {

inline constexpr Reason reasons_table[] = {
    {"node.unknown_reason", Code::not_found, "No reason with this slug is registered.",
     "List them all with `hezong explain`."},
    {"node.unknown_document", Code::usage, "There is no generated document with this name.",
     "Choose cli, reasons, kinds, openapi or man."},
    {"node.evidence_syntax", Code::corrupt, "The file is not a whole evidence file.",
     "Ask for the file again; docs/formats/evidence.md draws its form."},
    {"node.bundle_syntax", Code::corrupt, "The file is not a whole audit bundle.",
     "Ask for the file again; docs/formats/bundle.md draws its form."},
    {"node.bundle_wrong", Code::corrupt, "An item of the audit bundle does not prove what it should.",
     "Do not rely on the bundle; ask its maker, and another member for the same statements."},
    {"node.bundle_empty", Code::usage, "It is not said what the bundle should hold.",
     "Name statements with --id, or a loss whose plan they support with --lose."},
    {"node.up_already", Code::conflict, "This member is served by another process.",
     "Use that node, or stop it with SIGTERM first; node.json in the member's folder names its address and process."},
    {"node.token_file", Code::denied, "The operator's token cannot be trusted.",
     "Delete api_token in the member's folder; the next `hezong up` makes a new one with mode 0600."},
    {"node.port", Code::usage, "There is no such TCP port.", "Choose 1 to 65535, or 0 for a free one."},
    {"node.no_address", Code::unavailable, "It is not known where this member's node answers.",
     "Ask the member for its card and add it with `hezong peer add FILE`."},
    {"node.log_ended", Code::conflict, "This member has ended its log.",
     "Nothing more will come; what is mirrored stays readable."},
    {"node.card_refused", Code::denied, "The node that invited this member did not take its card.",
     "Ask for a new invitation, or hand the card over as a file (`hezong join FILE --card OUT`)."},
    {"node.not_given", Code::not_found, "This node does not give these bytes to us.",
     "Ask another holder; the releasing member knows who may have them."},
    {"node.holder_busy", Code::unavailable, "This node gives too much at once already.", "Try again later."},
    {"node.bad_piece", Code::corrupt, "What came is not the piece that was asked for.",
     "Ask another holder, and tell the member that runs this node."},
    {"node.wrong_bytes", Code::corrupt, "The bytes that this node gave do not have the released digest.",
     "Ask another holder, and tell the member that runs this node."},
    {"node.fetch_failed", Code::unavailable, "No node gave the whole of these bytes.",
     "Try again when a holder answers; what was fetched is kept and the next fetch goes on there."},
    {"node.writer_busy", Code::unavailable, "Another request is signing statements.",
     "Try again when it is done; requests that only read are answered meanwhile."},
    {"node.accept_head", Code::usage, "Accepting the stored head as the newest one needs an explicit --yes.",
     "If a newer copy of this log exists anywhere, this signs a second history, and every member can prove it. Ask "
     "mirrors and witnesses first; then repeat with --yes."},
    {"node.gateway_body", Code::invalid, "The body of a request to the gateway cannot be read.",
     "Send a JSON object with one member `model`."},
    {"node.no_vote", Code::not_found, "This member's secret vote is not in its folder.",
     "Restore votes/ of the folder from your backup; a vote that is not revealed counts as an abstention."},
    {"node.unknown_shell", Code::usage, "Completion is written for bash, zsh and fish only.",
     "Run `hezong completion bash`, `zsh` or `fish`."},
};
consteval const Reason& why(std::string_view slug) { return registered(reasons_table, slug); }

}  // namespace hz::node
