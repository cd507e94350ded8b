#include "share/licence_terms.h"

#include <algorithm>

namespace hz::share {
namespace {

// From general knowledge of these licences, not checked row by row against https://spdx.org/licenses/ID.html; `source`
// names the clause meant. Left out, so unknown:
// what we did not read, and what permits copies only for some uses (BUSL-1.1, Elastic-2.0). Non-commercial licences say
// no: members are companies.
constexpr LicenceTerms table[] = {
    {"0BSD", true, true, "first paragraph"},
    {"AFL-3.0", true, true, "section 1"},
    {"AGPL-3.0-only", true, true, "sections 4 to 6"},
    {"AGPL-3.0-or-later", true, true, "sections 4 to 6"},
    {"Apache-2.0", true, true, "sections 2 and 4"},
    {"Artistic-2.0", true, true, "sections 2 to 8"},
    {"BlueOak-1.0.0", true, true, "Copyright"},
    {"BSD-1-Clause", true, true, "first paragraph"},
    {"BSD-2-Clause", true, true, "first paragraph"},
    {"BSD-2-Clause-Patent", true, true, "first paragraph"},
    {"BSD-3-Clause", true, true, "first paragraph"},
    {"BSD-3-Clause-Clear", true, true, "first paragraph"},
    {"BSD-4-Clause", true, true, "first paragraph"},
    {"BSL-1.0", true, true, "first paragraph"},
    {"C-UDA-1.0", true, true, "section 3"},
    {"CC-BY-2.0", true, true, "section 3"},
    {"CC-BY-3.0", true, true, "section 3"},
    {"CC-BY-4.0", true, true, "section 2(a)(1)"},
    {"CC-BY-NC-3.0", false, false, "section 4(b)"},
    {"CC-BY-NC-4.0", false, false, "section 2(a)(1): NonCommercial purposes only"},
    {"CC-BY-NC-ND-3.0", false, false, "section 4(b)"},
    {"CC-BY-NC-ND-4.0", false, false, "section 2(a)(1): NonCommercial purposes only"},
    {"CC-BY-NC-SA-3.0", false, false, "section 4(c)"},
    {"CC-BY-NC-SA-4.0", false, false, "section 2(a)(1): NonCommercial purposes only"},
    {"CC-BY-ND-3.0", true, false, "section 3: no adaptations"},
    {"CC-BY-ND-4.0", true, false, "section 2(a)(1)(B): adapted material is not shared"},
    {"CC-BY-SA-3.0", true, true, "section 3"},
    {"CC-BY-SA-4.0", true, true, "section 2(a)(1)"},
    {"CC-PDDC", true, true, "whole"},
    {"CC0-1.0", true, true, "sections 2 and 3"},
    {"CDDL-1.0", true, true, "section 2"},
    {"CDDL-1.1", true, true, "section 2"},
    {"CDLA-Permissive-1.0", true, true, "section 2"},
    {"CDLA-Permissive-2.0", true, true, "section 2"},
    {"CDLA-Sharing-1.0", true, true, "section 2"},
    {"ECL-2.0", true, true, "sections 2 and 4"},
    {"EPL-1.0", true, true, "section 2"},
    {"EPL-2.0", true, true, "section 2"},
    {"EUPL-1.2", true, true, "section 2"},
    {"GPL-2.0-only", true, true, "sections 1 to 3"},
    {"GPL-2.0-or-later", true, true, "sections 1 to 3"},
    {"GPL-2.0", true, true, "sections 1 to 3; deprecated id"},
    {"GPL-3.0-only", true, true, "sections 4 to 6"},
    {"GPL-3.0-or-later", true, true, "sections 4 to 6"},
    {"GPL-3.0", true, true, "sections 4 to 6; deprecated id"},
    {"ISC", true, true, "first paragraph"},
    {"LGPL-2.1-only", true, true, "sections 1 to 4"},
    {"LGPL-2.1-or-later", true, true, "sections 1 to 4"},
    {"LGPL-3.0-only", true, true, "section 4"},
    {"LGPL-3.0-or-later", true, true, "section 4"},
    {"MIT", true, true, "first paragraph"},
    {"MIT-0", true, true, "first paragraph"},
    {"MPL-2.0", true, true, "sections 2.1 and 3"},
    {"MS-PL", true, true, "section 2"},
    {"MulanPSL-1.0", true, true, "section 1"},
    {"MulanPSL-2.0", true, true, "section 1"},
    {"NCSA", true, true, "first paragraph"},
    {"ODbL-1.0", true, true, "section 3"},
    {"ODC-By-1.0", true, true, "section 3"},
    {"OFL-1.1", true, true, "permission and conditions"},
    {"PDDL-1.0", true, true, "section 3"},
    {"PostgreSQL", true, true, "first paragraph"},
    {"Python-2.0", true, true, "section 2"},
    {"Unlicense", true, true, "second paragraph"},
    {"UPL-1.0", true, true, "first paragraph"},
    {"WTFPL", true, true, "section 0"},
    {"Zlib", true, true, "second paragraph"},
};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
// SPDX ids are matched without regard to case.
bool same(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

Permission ask(const Spdx& licence, bool LicenceTerms::* question) {
  if (licence.kind == Spdx::Kind::licence) {
    const auto found = std::ranges::find_if(table, [&](const LicenceTerms& row) { return same(row.id, licence.id); });
    if (found == std::end(table)) return Permission::unknown;
    return *found.*question ? Permission::yes : Permission::no;
  }
  const bool any = licence.kind == Spdx::Kind::any;
  const Permission decides = any ? Permission::yes : Permission::no;
  Permission out = any ? Permission::no : Permission::yes;
  for (const Spdx& part : licence.parts) {
    const Permission one = ask(part, question);
    if (one == decides) return one;
    if (one == Permission::unknown) out = one;
  }
  return out;
}
Permission ask(std::string_view text, bool LicenceTerms::* question) {
  const auto parsed = Spdx::parse(text);
  return parsed && text != "unknown" ? ask(*parsed, question) : Permission::unknown;
}

}  // namespace

std::span<const LicenceTerms> licence_terms() { return table; }
Permission may_copy(const Spdx& licence) { return ask(licence, &LicenceTerms::copies); }
Permission may_derive(const Spdx& licence) { return ask(licence, &LicenceTerms::derived); }
Permission may_copy(std::string_view licence) { return ask(licence, &LicenceTerms::copies); }
Permission may_derive(std::string_view licence) { return ask(licence, &LicenceTerms::derived); }

}  // namespace hz::share
