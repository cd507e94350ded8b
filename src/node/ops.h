// Operations on the member, its log and its evidence. They stand here because alliance/ is below api/.
#pragma once
#include <span>

#include "api/op.h"

namespace hz::node {

std::span<const api::Op> member_ops();
std::span<const api::Op> log_ops();
std::span<const api::Op> scrub_ops();
std::span<const api::Op> evidence_ops();
std::span<const api::Op> up_ops();
std::span<const api::Op> key_ops();
std::span<const api::Op> body_ops();
std::span<const api::Op> charter_ops();
std::span<const api::Op> join_ops();
std::span<const api::Op> membership_ops();
std::span<const api::Op> sync_ops();
std::span<const api::Op> fetch_ops();
std::span<const api::Op> ballot_ops();
std::span<const api::Op> status_ops();
std::span<const api::Op> drill_ops();
std::span<const api::Op> job_log_ops();
std::span<const api::Op> drill_live_ops();
std::span<const api::Op> drill_item_ops();
std::span<const api::Op> drill_report_ops();
std::span<const api::Op> drill_watch_ops();

}  // namespace hz::node
