// The system call filter of a model server: what no inference engine needs, and what leads out of its namespaces.
//
// A list of what is allowed would be tighter, and broke on the first engine that was updated: engines of several
// vendors, their thread pools and their C libraries use a different set in every release. So this is a list of what is
// refused; the namespaces carry the weight, and the filter closes the doors that namespaces leave open (new namespaces,
// ptrace of a neighbour, io_uring, kernel keys, BPF, sockets of families that know no namespace).
#pragma once
#include <linux/filter.h>

#include <vector>

namespace hz::sandbox {

// `outgoing`: the process may open connections. It may inside a network namespace of its own, where nothing is to be
// reached; without one, connect, datagram sockets and TCP fast open are refused, so that accepting is all it can do.
// `watched`: opening a file and connecting wait for the answer of whoever holds the filter's listener.
std::vector<sock_filter> server_filter(bool outgoing, bool watched = false);

// Makes the filter binding for this thread and what it starts; no_new_privs must be set. 0, or errno.
int install_filter(const std::vector<sock_filter>& filter);
// The same for a watched one: its listener, or -1 with errno.
int install_watched_filter(const std::vector<sock_filter>& filter);

}  // namespace hz::sandbox
