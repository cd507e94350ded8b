#include "supply/json_words.h"

#include <algorithm>
#include <array>

namespace hz::supply {

namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }
bool lower(char c) { return c >= 'a' && c <= 'z'; }
bool upper(char c) { return c >= 'A' && c <= 'Z'; }
bool letter(char c) { return lower(c) || upper(c); }
bool lower_hex(char c) { return digit(c) || (c >= 'a' && c <= 'f'); }

// Hashes and addresses are most of a BOM's bytes: for these two, one look-up per byte instead of six comparisons.
struct ByteSet {
  std::array<bool, 256> in{};
  constexpr bool has(char c) const { return in[static_cast<unsigned char>(c)]; }
};
constexpr ByteSet hex_set = [] {
  ByteSet set;
  for (const char c : std::string_view("0123456789abcdefABCDEF")) set.in[static_cast<unsigned char>(c)] = true;
  return set;
}();
// Never in an address, or (% and #) only in their place.
constexpr ByteSet odd_in_iri = [] {
  ByteSet set;
  for (int c = 0; c <= ' '; ++c) set.in[static_cast<std::size_t>(c)] = true;
  for (const char c : std::string_view("\x7f<>\"{}|\\^`%#[]")) set.in[static_cast<unsigned char>(c)] = true;
  return set;
}();
bool hex(char c) { return hex_set.has(c); }

template <class F>
bool all(std::string_view text, F&& good) {
  return std::all_of(text.begin(), text.end(), good);
}

// ECMA's "." leaves out LF, CR, U+2028 and U+2029.
bool one_line(std::string_view text) {
  return text.find_first_of("\r\n") == std::string_view::npos && text.find("\xe2\x80\xa8") == std::string_view::npos &&
         text.find("\xe2\x80\xa9") == std::string_view::npos;
}

bool hash(std::string_view text) {
  const std::size_t size = text.size();
  return (size == 32 || size == 40 || size == 64 || size == 96 || size == 128) && all(text, hex);
}

bool media_type(std::string_view text) {
  const auto slash = text.find('/');
  const auto good = [](char c) { return digit(c) || lower(c) || c == '-' || c == '+' || c == '.'; };
  return slash != std::string_view::npos && slash > 0 && slash + 1 < text.size() && all(text.substr(0, slash), good) &&
         all(text.substr(slash + 1), good);
}

bool uuid(std::string_view text) {
  constexpr std::string_view form = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  if (text.size() != form.size()) return false;
  for (std::size_t i = 0; i < form.size(); ++i)
    if (form[i] == '-' ? text[i] != '-' : !lower_hex(text[i])) return false;
  return true;
}

bool uuid_urn(std::string_view text) { return text.starts_with("urn:uuid:") && uuid(text.substr(9)); }

bool locale(std::string_view text) {
  return (text.size() == 2 || text.size() == 5) && all(text.substr(0, 2), lower) &&
         (text.size() == 2 || (text[2] == '-' && all(text.substr(3), upper)));
}

bool positive(std::string_view text) { return !text.empty() && text[0] != '0' && all(text, digit); }

bool bom_link(std::string_view text) {
  return text.starts_with("urn:cdx:") && text.size() > 45 && uuid(text.substr(8, 36)) && text[44] == '/' &&
         positive(text.substr(45));
}

bool bom_element_link(std::string_view text) {
  const auto mark = text.find('#');
  return mark != std::string_view::npos && bom_link(text.substr(0, mark)) && mark + 1 < text.size() &&
         one_line(text.substr(mark + 1));
}

bool common_requirement(std::string_view text) {
  if (!text.starts_with("CRE:")) return false;
  text.remove_prefix(4);
  const auto dash = text.find('-');
  return dash != std::string_view::npos && dash > 0 && dash + 1 < text.size() && all(text.substr(0, dash), digit) &&
         all(text.substr(dash + 1), digit);
}

bool country(std::string_view text) { return text.size() == 2 && all(text, upper); }

bool patent_number(std::string_view text) {
  const auto end = [](char c) { return letter(c) || digit(c); };
  return text.size() >= 2 && text.size() <= 30 && end(text.front()) && end(text.back()) && all(text, [&](char c) {
           return end(c) || std::string_view("-/.() \t\n\v\f\r").find(c) != std::string_view::npos;
         });
}

// Digits of a fixed width as a number; -1 when they are not all digits.
int number(std::string_view text) {
  int value = 0;
  for (const char c : text) {
    if (!digit(c)) return -1;
    value = value * 10 + (c - '0');
  }
  return value;
}

// RFC 3339 full-date.
bool date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  const int year = number(text.substr(0, 4)), month = number(text.substr(5, 2)), day = number(text.substr(8, 2));
  if (year < 0 || month < 1 || month > 12 || day < 1) return false;
  constexpr int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return day <= days[month - 1] + (month == 2 && leap ? 1 : 0);
}

// RFC 3339 date-time: an offset is required; second 60 only where a leap second can be, at 23:59 UTC.
bool date_time(std::string_view text) {
  if (text.size() < 20 || !date(text.substr(0, 10)) || (text[10] != 'T' && text[10] != 't')) return false;
  if (text[13] != ':' || text[16] != ':') return false;
  const int hour = number(text.substr(11, 2)), minute = number(text.substr(14, 2)), second = number(text.substr(17, 2));
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return false;
  text.remove_prefix(19);
  if (text[0] == '.') {
    std::size_t end = 1;
    while (end < text.size() && digit(text[end])) ++end;
    if (end == 1) return false;
    text.remove_prefix(end);
  }
  int offset = 0;
  if (text != "Z" && text != "z") {
    if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return false;
    const int hours = number(text.substr(1, 2)), minutes = number(text.substr(4, 2));
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return false;
    offset = (hours * 60 + minutes) * (text[0] == '-' ? -1 : 1);
  }
  constexpr int day = 24 * 60;
  return second < 60 || (hour * 60 + minute - offset + 2 * day) % day == day - 1;
}

// The characters of RFC 3987 (anything above ASCII is allowed), escapes whole, at most one fragment, and brackets
// around an address only.
bool iri_characters(std::string_view text) {
  bool fragment = false, brackets = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (!odd_in_iri.has(c)) continue;
    if (c == '#') {
      if (fragment) return false;
      fragment = true;
    } else if (c == '%') {
      if (i + 2 >= text.size() || !hex(text[i + 1]) || !hex(text[i + 2])) return false;
    } else if (c == '[' || c == ']') {
      brackets = true;
    } else {
      return false;
    }
  }
  if (!brackets) return true;
  const auto bracket = text.find('[');
  if (bracket == std::string_view::npos) return text.find(']') == std::string_view::npos;
  const auto close = text.find(']', bracket);
  const auto authority = text.find("//");
  return close != std::string_view::npos && authority != std::string_view::npos &&
         text.find_first_of("/?#", authority + 2) > close &&
         text.find_first_of("[]", close + 1) == std::string_view::npos;
}

// The length of the scheme, 0 when there is none; npos when something stands before ':' that is none.
std::size_t scheme_size(std::string_view text) {
  const auto colon = text.find_first_of(":/?#");
  if (colon == std::string_view::npos || text[colon] != ':') return 0;
  const auto good = [](char c) { return letter(c) || digit(c) || c == '+' || c == '-' || c == '.'; };
  return colon > 0 && letter(text[0]) && all(text.substr(0, colon), good) ? colon : std::string_view::npos;
}

bool iri_reference(std::string_view text) {
  return iri_characters(text) && scheme_size(text) != std::string_view::npos;
}

bool uri(std::string_view text) {
  const std::size_t scheme = scheme_size(text);
  return scheme != 0 && scheme != std::string_view::npos && scheme + 1 < text.size() && iri_characters(text) &&
         all(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// A mailbox, RFC 6531: something before the last '@', labels behind it.
bool email(std::string_view text) {
  const auto at = text.rfind('@');
  if (at == std::string_view::npos || at == 0 || at + 1 == text.size()) return false;
  const std::string_view local = text.substr(0, at), domain = text.substr(at + 1);
  const auto blank = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; };
  if (std::any_of(domain.begin(), domain.end(), blank)) return false;
  if (domain.front() == '.' || domain.back() == '.' || domain.find("..") != std::string_view::npos) return false;
  if (local.front() == '"') return local.size() > 2 && local.back() == '"';
  return std::none_of(local.begin(), local.end(), blank) &&
         local.find_first_of("()<>[]:;@\\,\"") == std::string_view::npos && local.front() != '.' &&
         local.back() != '.' && local.find("..") == std::string_view::npos;
}

#define HZ_UUID "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
constexpr WordForm forms[] = {
    {"one_line", "^(.*)$", "on one line", one_line},
    {"hash", "^([a-fA-F0-9]{32}|[a-fA-F0-9]{40}|[a-fA-F0-9]{64}|[a-fA-F0-9]{96}|[a-fA-F0-9]{128})$",
     "32, 40, 64, 96 or 128 hex digits", hash},
    {"media_type", "^[-+a-z0-9.]+/[-+a-z0-9.]+$", "a media type in lower case, such as text/plain", media_type},
    {"uuid_urn", "^urn:uuid:" HZ_UUID "$", "urn:uuid: and a UUID in lower case", uuid_urn},
    {"locale", "^([a-z]{2})(-[A-Z]{2})?$", "a language such as en or en-US", locale},
    {"bom_link", "^urn:cdx:" HZ_UUID "/[1-9][0-9]*$", "urn:cdx:, a UUID, / and a version", bom_link},
    {"bom_element_link", "^urn:cdx:" HZ_UUID "/[1-9][0-9]*#.+$", "urn:cdx:, a UUID, /, a version, # and a bom-ref",
     bom_element_link},
    {"common_requirement", "^CRE:[0-9]+-[0-9]+$", "CRE:, digits, - and digits", common_requirement},
    {"country", "^[A-Z]{2}$", "two capital letters", country},
    {"patent_number", "^[A-Za-z0-9][A-Za-z0-9\\-/.()\\s]{0,28}[A-Za-z0-9]$", "a patent number of 2 to 30 characters",
     patent_number},
    {"date_time", "", "a time as RFC 3339 writes it, such as 2026-01-31T12:00:00Z", date_time},
    {"date", "", "a date such as 2026-01-31", date},
    {"iri_reference", "", "an IRI reference (RFC 3987)", iri_reference},
    {"email", "", "a mail address", email},
    {"uri", "", "a URI (RFC 3986)", uri},
};
#undef HZ_UUID

}  // namespace

const WordForm* word_form(std::string_view name) {
  const auto* found =
      std::find_if(std::begin(forms), std::end(forms), [&](const WordForm& f) { return f.name == name; });
  return found == std::end(forms) ? nullptr : found;
}

}  // namespace hz::supply
