// An applicant hands in its card (card.h) at the node that invited it. The code of the invitation is the only proof
// that a stranger has, so every refusal looks alike.
#pragma once
#include "base/fs.h"
#include "base/http.h"

namespace hz::node {

// POST /cards. True when the card holds, asks to join here and proves a code that is still open; it is then kept, so
// that the applicant's log can be fetched. Admission is another step, by a person.
[[nodiscard]] bool receive_card(const fs::path& home, const http::Request& request);

}  // namespace hz::node
