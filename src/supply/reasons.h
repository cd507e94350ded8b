// Every way the supply pillar can refuse, in one table.
#pragma once
#include "base/reason.h"

namespace hz::supply {

inline constexpr Reason reasons[] = {
    {"supply.toml", Code::invalid, "The text is not TOML.", "Correct the text at the line named."},
    {"supply.field", Code::invalid, "A field of a manifest or list is missing, unknown or out of range.",
     "Compare the named line with docs/formats/product_manifest.md or docs/formats/entity_list.md."},
    {"supply.component", Code::invalid, "A component reference does not have a known form.",
     "Write `model`, or `<namespace>:<name>` with one of backend, npm, deb, file, service, site, skill, chip, driver, "
     "pkg."},
    {"supply.requirement", Code::invalid, "A requirement is not a formula that can be decided.",
     "Use exactly one of all = [...], any = [...], or k = N with of = [...], and 1 <= k <= number of parts."},
    {"supply.cycle", Code::invalid, "Products need each other in a circle, so none of them can be decided.",
     "Remove one of the needs named in the chain."},
    {"supply.product_twice", Code::invalid, "Two manifests declare the same product.", "Give one of them another id."},
    {"supply.missing_file", Code::invalid, "A manifest names a file that is not there.",
     "Correct the path; it is relative to the manifest."},
    {"supply.outside", Code::invalid, "A manifest names a file outside the scanned folder.",
     "Keep models and golden sets inside the folder that is scanned, and name them relative to the manifest."},
    {"supply.elf", Code::invalid, "The file is not an ELF library this reader understands.",
     "Only 64-bit little-endian ELF is read; check that the file is complete."},
    {"supply.library", Code::not_found, "A backend's library was not found.",
     "Install it, correct backends.toml, or pass --library-dir."},
    {"supply.bom", Code::invalid, "The file is not a CycloneDX JSON BOM of version 1.2 to 1.7.",
     "Correct the JSON path named; `cyclonedx validate` shows the whole schema."},
    {"supply.npm", Code::invalid, "The npm file does not have the fields npm writes.",
     "Run `npm install` again so that npm writes the file anew (lock file version 2 or 3)."},
    {"supply.dpkg", Code::invalid, "The package database does not have the form dpkg writes.",
     "Check the file with `dpkg --audit`."},
    {"supply.config", Code::invalid, "A configuration file could not be read as text.", "Save the file as UTF-8 text."},
    {"supply.limit", Code::exhausted, "The input has more entries than the stated limit.",
     "Scan a smaller folder, or leave the large part out."},
    {"supply.refused", Code::invalid, "Some files were refused, so nothing was recorded.",
     "Correct the files named, or use --keep-going to record the others and list the refused ones."},
    {"supply.nothing", Code::usage, "There is nothing to scan.",
     "Name a folder: `hezong exposure scan DIR`, or use --host."},
    {"supply.no_node", Code::not_found, "No statement mentions this component.",
     "List what is known with `hezong supply product list`, or scan first: `hezong exposure scan DIR`."},
};
consteval const Reason& why(std::string_view slug) { return registered(reasons, slug); }

}  // namespace hz::supply
