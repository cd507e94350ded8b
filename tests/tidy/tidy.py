#!/usr/bin/env python3
"""Small rules that keep the tree honest. Each prints what it found; exit 1 when any did.

  doc links    every relative link in a Markdown file leads somewhere
  dead headers every header is included by some other file
  words        no file is named after a missing noun (util, helper, manager, ...)
  awaits       co_await appears in src/net only, with nothing in its expression that g++ 12 miscompiles
  loops        no range-based for over a member of a temporary: clang 19 keeps it alive (P2718), g++ 12 does not
  readmes      every module has a README of at most one screen (60 lines)
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FILES = [ROOT / f for f in subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).splitlines()]
faults = []


def text(path):
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


for path in FILES:
    rel = path.relative_to(ROOT)
    if path.suffix == ".md":
        prose = re.sub(r"```.*?```", "", text(path), flags=re.S)
        for target in re.findall(r"\]\(([^)#\s]+)", prose):
            if "://" not in target and not (path.parent / target).exists():
                faults.append(f"{rel}: dead link {target}")
    if re.search(r"(util|helper|manager|service|handler|processor|misc|common)s?\.(h|cc|py|sh)$", path.name):
        faults.append(f"{rel}: the name says what is missing, not what is there")
    if path.suffix in (".h", ".cc") and rel.parts[0] == "src" and rel.parts[1] != "net":
        if re.search(r"\bco_await\b", re.sub(r"//.*", "", text(path))):
            faults.append(f"{rel}: co_await outside src/net")
    if path.suffix in (".h", ".cc") and rel.parts[:2] == ("src", "net"):
        # docs/decisions/0002: a statement expression, a braced temporary, a capturing lambda.
        for awaited in re.findall(r"\bco_await\b([^;]*);", re.sub(r"//.*", "", text(path))):
            if re.search(r"\(\{|\w\{|\[[^\]]+\]\s*[({]|HZ_TRY", awaited):
                faults.append(f"{rel}: co_await{awaited.strip()[:60]}: name its parts first")

    if path.suffix in (".h", ".cc"):
        for over in re.findall(r"\bfor \([^;\n]* : (.*(?:\)->|\.value\(\)\.)\w+)\)(?: |$)", text(path), flags=re.M):
            faults.append(f"{rel}: for (... : {over}): name the value first, the call's may be gone")

code = {p: text(p) for p in FILES if p.suffix in (".h", ".cc")}
for path in code:
    if path.suffix == ".h":
        needle = re.compile(r'#\s*include "(?:[^"]*/)?' + re.escape(path.name) + '"')
        if not any(needle.search(body) for other, body in code.items() if other != path):
            faults.append(f"{path.relative_to(ROOT)}: no file includes this header")

for line in text(ROOT / "src/CMakeLists.txt").splitlines():
    match = re.match(r"hz_module\((\w+)", line)
    if match:
        readme = ROOT / "src" / match.group(1) / "README.md"
        if not readme.exists():
            faults.append(f"src/{match.group(1)}: no README.md")
        elif len(text(readme).splitlines()) > 60:
            faults.append(f"{readme.relative_to(ROOT)}: longer than one screen")

print("\n".join(faults) or f"{len(FILES)} files, nothing to tidy")
sys.exit(1 if faults else 0)
