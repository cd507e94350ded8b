#!/usr/bin/env python3
"""Holds every #include against src/CMakeLists.txt, or draws the module graph.

  tools/arrows.py          exit 1 and name each include that no DEPENDS line covers, each backward line, each unused arrow
  tools/arrows.py --draw   print the graph as a Mermaid diagram (docs/architecture.md holds a copy)
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SRC = ROOT / "src"
LINE = re.compile(r"^hz_module\((\w+)(.*)\)", re.M)


def modules():
    found = {}
    for name, rest in LINE.findall((SRC / "CMakeLists.txt").read_text()):
        depends = re.search(r"DEPENDS ([\w ]+?)(?: LIBS|$)", rest.strip())
        found[name] = depends.group(1).split() if depends else []
    return found


def includes(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = re.match(r'\s*#\s*include "([^"]+)"', line)
        if match:
            yield number, match.group(1)


def main():
    table = modules()
    order = list(table)
    if "--draw" in sys.argv:
        print("```mermaid\ngraph TD")
        for name in order:
            # Only arrows not implied by another arrow, or the picture is a hairball.
            implied = {d for other in table[name] for d in reach(table, other)}
            for depends in table[name]:
                if depends not in implied:
                    print(f"  {name} --> {depends}")
        print("```")
        return 0
    faults, used = [], {name: set() for name in order}
    for name, depends in table.items():
        for other in depends:
            if other not in order or order.index(other) >= order.index(name):
                faults.append(f"src/CMakeLists.txt: {name} depends on {other}, which is not above it")
    for path in sorted(SRC.rglob("*")):
        if path.suffix not in (".h", ".cc"):
            continue
        module = path.relative_to(SRC).parts[0]
        if module not in table:
            faults.append(f"{path.relative_to(ROOT)}: the folder is no module of src/CMakeLists.txt")
            continue
        for number, target in includes(path):
            other = target.split("/")[0]
            if other == module:
                continue
            where = f"{path.relative_to(ROOT)}:{number}"
            if other not in table:
                faults.append(f"{where}: {target} is outside src")
            elif other not in table[module]:
                faults.append(f"{where}: {module} may not include {target}: its DEPENDS line does not name {other}")
            used[module].add(other)
    for area in ("hosts", "refrt"):
        for path in sorted((ROOT / area).rglob("*.h")) + sorted((ROOT / area).rglob("*.cc")):
            for number, target in includes(path):
                if target.split("/")[0] in table and target.split("/")[0] not in ("base", "onnx", "crypto"):
                    faults.append(f"{path.relative_to(ROOT)}:{number}: {area} may use only base, crypto and onnx, not {target}")
    print("\n".join(faults) or f"{len(order)} modules, every include covered")
    return 1 if faults else 0


def reach(table, name):
    seen, todo = set(), list(table[name])
    while todo:
        one = todo.pop()
        if one not in seen:
            seen.add(one)
            todo += table[one]
    return seen


sys.exit(main())
