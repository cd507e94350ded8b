// Host names of services, taken out of URLs and settings. Only the host is ever kept: never a path, a user or a secret.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace hz::supply {

// The host of "https://user:secret@Hub.Example:443/x?y", "27000@licence.example" or "hub.example:80", in lower case.
// nullopt when there is none, or when it is this machine (localhost, loopback addresses).
std::optional<std::string> service_host(std::string_view value);

}  // namespace hz::supply
