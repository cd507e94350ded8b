// Every way the drill can refuse, and the findings it reports beside an answer.
#pragma once
#include "base/reason.h"

namespace hz::drill {

inline constexpr Reason reasons[] = {
    {"drill.target", Code::usage, "A loss target does not have a form this command knows.",
     "Write entity:NAME, jurisdiction:CODE, owner:NAME, component:ID, service:HOST, site:ID or a node id such as "
     "npm:NAME@VERSION; * and ? match several."},
    {"drill.no_target", Code::usage, "The drill was not told what is lost.",
     "Add at least one --lose, for example --lose entity:NAME."},
    {"drill.control_bp", Code::usage, "The control threshold is not a share.",
     "Give --control-bp between 0 and 9999: holders of more than this many hundredths of a percent control."},
    {"drill.unknown_target", Code::not_found, "Nothing known here matches the loss target.",
     "Use one of the nearest names, or fill the supply graph first: `hezong exposure scan DIR`."},
    {"drill.no_product", Code::not_found, "No product is declared, so nothing can be tested for continuity.",
     "Declare one: `hezong product add FILE.toml`."},
    {"drill.graph_size", Code::exhausted, "The requirement graph is larger than 32-bit ids can number.",
     "Split the alliance's products over several nodes."},
    {"drill.row", Code::corrupt, "A row of a public view contradicts docs/views.md.",
     "Rebuild the views; if it stays, report the row named here as a bug of the pillar that owns the view."},
    {"drill.cycle", Code::invalid, "Components require each other in a circle.",
     "This is a finding, not a failure: members that all need each other count as one; alternatives must be supported "
     "from outside the circle. Correct the requirement if it is a mistake."},
    {"drill.impossible", Code::invalid, "A requirement asks for more inputs than it has.",
     "Correct k or add inputs; until then whatever needs it counts as stopped before any loss."},
    {"drill.no_drill", Code::not_found, "No drill of this member begins with this id.",
     "List them with `hezong drill list`; the first 6 digits of the id are enough."},
    {"drill.not_live", Code::conflict, "This drill is a table-top drill: nothing is ended or taken away in it.",
     "Open a live one with `hezong drill new --live`."},
    {"drill.nothing_to_do", Code::conflict, "No product of this drill is in the state for this.",
     "Look at `hezong drill status`: it says where each product stands."},
    {"drill.under_way", Code::conflict, "Somebody else moves a drill of this member just now.",
     "Wait until the other command, or the node's own roll back, has ended, then try again."},
    {"drill.block_late", Code::conflict, "Servers of this drill run already with what would be taken away.",
     "Fail back first (`hezong drill fail-back`), then apply with --deny-list."},
    {"drill.item", Code::usage, "An item of a drill needs an owner and a day.",
     "Give --owner NAME and --due YYYY-MM-DD."},
    {"drill.no_item", Code::not_found, "No open item of this member begins with this id.",
     "List them with `hezong drill items`."},
    {"drill.cut_set_budget", Code::exhausted, "The cut sets of a product exceed the work limit even for single losses.",
     "Ask for one product, or for the answer without cut sets: --cut-order 0."},
};
consteval const Reason& why(std::string_view slug) { return registered(reasons, slug); }

}  // namespace hz::drill
