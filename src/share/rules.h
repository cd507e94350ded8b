// Pure decisions about releases.
#pragma once
#include "share/kinds.h"

namespace hz::share {

// An SPDX licence expression by its grammar (identifiers, WITH, AND, OR, parentheses), or `unknown`. That an identifier
// is in the SPDX list is not checked: LicenseRef- names are legal and lists age.
bool is_licence(std::string_view text);

// What may be signed. Errors: share.digest, share.name, share.licence, share.release_gate.
Result<void> check(const Release& release);

}  // namespace hz::share
