// The drill's operations. Reading order: what_if and plan answer, report draws, record signs.
#pragma once
#include <span>

#include "api/op.h"
#include "drill/impact.h"
#include "drill/plan.h"

namespace hz::drill {

struct WhatIf {
  std::vector<std::string> lose;
  std::optional<std::int64_t> control_bp;
  std::optional<std::int64_t> cut_order;
  static constexpr auto fields() {
    return rows(
        row("lose", &WhatIf::lose,
            "what is lost: entity:NAME, jurisdiction:CODE, owner:NAME, component:ID, "
            "service:HOST or any node id; * matches several"),
        row("control_bp", &WhatIf::control_bp, "holders of more than this control, hundredths of a percent (5000)"),
        row("cut_order", &WhatIf::cut_order, "largest set of losses looked for, 0 = none (4)"));
  }
};

struct MakePlan {
  std::vector<std::string> lose;
  std::optional<std::int64_t> control_bp;
  static constexpr auto fields() {
    return rows(
        row("lose", &MakePlan::lose, "what is lost, as in drill what-if"),
        row("control_bp", &MakePlan::control_bp, "holders of more than this control, hundredths of a percent (5000)"));
  }
};

struct WriteReport {
  std::vector<std::string> lose;
  std::optional<std::int64_t> control_bp;
  std::string out;
  static constexpr auto fields() {
    return rows(row("lose", &WriteReport::lose, "what is lost, as in drill what-if"),
                row("control_bp", &WriteReport::control_bp,
                    "holders of more than this control, hundredths of a percent (5000)"),
                row("out", &WriteReport::out, "HTML file to write"));
  }
};

struct Written {
  std::string path, sha256;
  std::int64_t size_bytes = 0, stopped = 0, saved = 0, unsaved = 0;
  std::string frontier;
  static constexpr auto fields() {
    return rows(row("path", &Written::path, "file written"), row("sha256", &Written::sha256, "its digest, hex"),
                row("size_bytes", &Written::size_bytes, "its size"),
                row("stopped", &Written::stopped, "products stopped"),
                row("saved", &Written::saved, "products with a proven substitution in time"),
                row("unsaved", &Written::unsaved, "stopped products left without one, or late"),
                row("frontier", &Written::frontier, "digest of the log heads it rests on"));
  }
};

struct Recorded {
  alliance::Receipt receipt;
  std::int64_t substituted = 0, unsaved = 0;
  static constexpr auto fields() {
    return rows(row("receipt", &Recorded::receipt, "where the statement stands"),
                row("substituted", &Recorded::substituted, "products with a proven substitution"),
                row("unsaved", &Recorded::unsaved, "stopped products left without one, or late"));
  }
};

Result<Impact> what_if(api::Ctx& ctx, const WhatIf& in);
Result<Plan> plan(api::Ctx& ctx, const MakePlan& in);
Result<Written> report(api::Ctx& ctx, const WriteReport& in);
Result<Recorded> record(api::Ctx& ctx, const MakePlan& in);

std::string text(const Impact& out, const api::Style& style);
std::string text(const Plan& out, const api::Style& style);
std::string text(const Written& out, const api::Style& style);
std::string text(const Recorded& out, const api::Style& style);

// Exit code 3: some product stops / is left without a substitution in time.
bool answer_is_no(const Impact& out);
bool answer_is_no(const Plan& out);

std::span<const api::Op> ops();

}  // namespace hz::drill
