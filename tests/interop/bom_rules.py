#!/usr/bin/env python3
"""spec/cyclonedx/rules.json is what tools/cyclonedx_rules.py makes, up to what the npm package changed in its schemas.

usage: bom_rules.py SOURCE_DIR NODE_MODULES
exit: 0 the same rules; 1 not; 77 the package is missing

@cyclonedx/cyclonedx-library ships the specification's schemas with two changes that decide anything (its
res/schema/README.md, changes 4 and 5): `version` is not required, and old versions allow any `$schema`. Rules are
compared by walking both lists from each version's root, since a changed rule moves the numbers of all later ones.
"""
import json
import pathlib
import subprocess
import sys

source, modules = map(pathlib.Path, sys.argv[1:3])
schemas = modules / "@cyclonedx/cyclonedx-library/res/schema"
if not schemas.is_dir():
    print("SKIPPED: @cyclonedx/cyclonedx-library is missing (./dev deps installs it)")
    sys.exit(77)
made = json.loads(subprocess.run([sys.executable, source / "tools/cyclonedx_rules.py", schemas], check=True,
                                 capture_output=True).stdout)
kept = json.loads((source / "spec/cyclonedx/rules.json").read_text())
# Parts whose values are numbers of other rules; the rest of a rule is compared as it stands.
LISTS = ("oneOf", "anyOf", "allOf")
seen, faults, known = set(), [], 0


def own_part(rule):
    return {key: value for key, value in rule.items() if key not in ("at", "members", "items", "cases", *LISTS)}


def changed_by_package(a, b, version):
    """The one required name, or the list of `$schema` words, that the package takes out."""
    if version in ("1.2", "1.3", "1.4") and b.get("required") == [*a.get("required", []), "version"]:
        return own_part({**a, "required": b["required"]}) == own_part(b)
    return (version in ("1.2", "1.3", "1.4", "1.5") and b["at"].endswith("#/$schema") and len(b.get("words", [])) == 1
            and own_part({**a, "words": b["words"]}) == own_part(b))


def walk(version, i, j, path):
    global known
    if (i, j) in seen:
        return
    seen.add((i, j))
    a, b = made["rules"][i], kept["rules"][j]
    if own_part(a) != own_part(b):
        if changed_by_package(a, b, version):
            known += 1
        else:
            faults.append(f"{path}: made {own_part(a)}, kept {own_part(b)}")
    if list(a.get("members", {})) != list(b.get("members", {})):
        faults.append(f"{path}: members {list(a.get('members', {}))}, kept {list(b.get('members', {}))}")
        return
    below = [(f"{path}/{name}", to, b["members"][name]) for name, to in a.get("members", {}).items()]
    for key in LISTS:
        if len(a.get(key, [])) != len(b.get(key, [])):
            faults.append(f"{path}: {key} has {len(a.get(key, []))} rules, kept {len(b.get(key, []))}")
        below += [(f"{path}/{key}", *pair) for pair in zip(a.get(key, []), b.get(key, []))]
    if ("items" in a) != ("items" in b):
        faults.append(f"{path}: items in one of the two only")
    elif "items" in a:
        below.append((f"{path}[]", a["items"], b["items"]))
    if [case[:2] for case in a.get("cases", [])] != [case[:2] for case in b.get("cases", [])]:
        faults.append(f"{path}: cases differ")
    below += [(f"{path}?{x[1]}", x[2], y[2]) for x, y in zip(a.get("cases", []), b.get("cases", []))]
    for where, x, y in below:
        walk(version, x, y, where)


sys.setrecursionlimit(10000)
if list(made["versions"]) != list(kept["versions"]):
    faults.append(f"versions {list(made['versions'])}, kept {list(kept['versions'])}")
for version in made["versions"]:
    walk(version, made["versions"][version], kept["versions"][version], version)
if {j for _, j in seen} != set(range(len(kept["rules"]))):
    faults.append("rules that no version reaches")
for fault in faults[:20]:
    print(fault)
print(f"{len(seen)} pairs of rules, {known} changed by the package, {len(faults)} faults")
sys.exit(1 if faults else 0)
