#pragma once
#include "base/reason.h"

namespace hz::net {

inline constexpr Reason reasons[] = {
    {"net.url", Code::invalid, "The text is not the URL of a peer.",
     "Write http://HOST:PORT or https://HOST:PORT, without user name, query or fragment."},
    {"net.listen", Code::unavailable, "The address could not be listened on.",
     "Choose another port, or 0 for any free one; stop the program that holds the address."},
    {"net.resolve", Code::unavailable, "The name of a peer has no address.",
     "Check the spelling and this machine's name servers."},
    {"net.connect", Code::unavailable, "A peer could not be reached.",
     "Check that it runs and that the address is right, then try again."},
    {"net.closed", Code::unavailable, "A peer closed the connection in the middle of an exchange.",
     "Try again; the request may or may not have been carried out."},
    {"net.deadline", Code::timeout, "A peer did not finish its answer in time.",
     "Try again, or raise the stated deadline."},
    {"net.response_too_large", Code::exhausted, "A peer's answer is larger than the stated limit.",
     "Ask for less at a time; nothing of the answer was kept."},
    {"net.http_syntax", Code::invalid, "A peer's answer is not HTTP/1.1.",
     "Check that the URL leads to a Hezong node or a plain web server."},
    {"net.peer_key", Code::corrupt, "A peer did not prove that it is who it should be.",
     "Compare the pinned key with the peer's over another channel before trusting either."},
    {"net.tls", Code::unavailable, "A TLS connection could not be made.",
     "Check that both ends speak TLS 1.2 or later on this port."},
    {"net.tls_files", Code::unavailable, "The certificate or key of this node could not be used.",
     "Delete both files to have new ones made; peers that pinned the old key must be told the new pin."},
    {"net.request", Code::internal, "A request was formed that HTTP cannot carry.",
     "Report this: a header or path holds a line break or a space."},
    {"net.range", Code::invalid, "The Range header asks for bytes that do not exist.",
     "Ask within the length that a HEAD request states."},
};
consteval const Reason& why(std::string_view slug) { return registered(reasons, slug); }

}  // namespace hz::net
