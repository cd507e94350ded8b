#pragma once
#include "base/reason.h"

namespace hz::pool {

inline constexpr Reason reasons[] = {
    {"pool.site_id", Code::invalid, "A site, entity or backend id does not have its form.",
     "Write site:<id>, entity:<id> (or unknown) and backend:<engine>."},
    {"pool.site_name", Code::invalid, "A site has no name that can be shown.",
     "Use 1 to 200 bytes of UTF-8 without control characters."},
    {"pool.jurisdiction", Code::invalid, "The jurisdiction is not a country code.",
     "Use two capital letters (ISO 3166-1), or unknown."},
    {"pool.range", Code::invalid, "A range of figures is empty or negative.", "Give 0 <= min <= max, at most 10^12."},
    {"pool.no_offer", Code::invalid, "The site offers no backend.", "Name at least one with --backend."},
    {"pool.meter", Code::corrupt, "The meter's file is damaged.",
     "Restore the file from a copy; the line named and what follows it cannot be billed from this one."},
    {"pool.product_id", Code::invalid, "A product id does not have its form, or there is none.",
     "Write product:<id>, at least one."},
    {"pool.claim_id", Code::invalid, "A claim id does not have its form.",
     "Use 1 to 64 lower-case letters, digits and hyphens; `hezong pool route set` takes CLAIM,SITE,BACKEND[,WEIGHT]."},
    {"pool.weight", Code::invalid, "A weight is out of range.", "Give 0 to 10000; 0 makes the target a spare."},
    {"pool.target_twice", Code::invalid, "One route names a claim twice, or too many.", "Name each of up to 64 once."},
    {"pool.evidence_id", Code::invalid, "What should name evidence is no statement id.",
     "Give the 64 hex digits that the commands print as `statement`."},
    {"pool.reason", Code::invalid, "The reason of a route cannot be shown.",
     "Use at most 200 bytes of UTF-8 without control characters."},
    {"pool.deadline", Code::invalid, "The deadline of a route is out of range.", "Give 1 ms to one hour."},
    {"pool.no_target", Code::invalid, "The route names no model server.",
     "Name at least one with --target, or end the serving with `hezong pool route clear`."},
    {"pool.no_route", Code::not_found, "This product has no route.", "`hezong pool route list` shows those that have."},
    {"pool.key_id", Code::invalid, "The id of an API key does not have its form.", "It has 16 lower-case hex digits."},
    {"pool.key_name", Code::invalid, "An API key has no name that can be shown.",
     "Use 1 to 200 bytes of UTF-8 without control characters."},
    {"pool.key_hash", Code::invalid, "An API key has no hash of its secret.", "Make keys with `hezong pool key add`."},
    {"pool.quota", Code::invalid, "A quota or an expiry is out of range.", "Give 0 (no limit) to 10^12."},
    {"pool.no_key", Code::not_found, "There is no API key with this id.", "`hezong pool key list` shows them."},
    {"pool.key_file", Code::conflict, "The file for the secret is there already, or cannot be made.",
     "Name a file that does not exist, in a folder that does."},
    {"pool.serving", Code::invalid, "A file in serving/ does not describe a running model server.",
     "Let the site that runs the server write it again; docs/formats/gateway.md draws its form."},
    {"pool.meter_write", Code::unavailable, "The meter cannot be written.",
     "Make room on the disk that holds the member's folder; no request is taken that cannot be metered."},
    {"pool.offer_twice", Code::invalid, "One statement offers a backend twice.", "Name each backend once."},
};
consteval const Reason& why(std::string_view slug) { return registered(reasons, slug); }

}  // namespace hz::pool
