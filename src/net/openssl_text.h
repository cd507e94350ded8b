// OpenSSL's own words for what went wrong.
#pragma once
#include <openssl/err.h>

#include <string>

namespace hz::net {

// The oldest error OpenSSL remembers on this thread, as text; forgets the rest.
inline std::string openssl_text() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  char text[160] = "no detail";
  if (code) ERR_error_string_n(code, text, sizeof text);
  return text;
}

}  // namespace hz::net
