#!/usr/bin/env python3
"""Runs scenario files: text stories of commands and their expected output.

  tools/scenario.py --bin BUILD/bin FILE...

A file is a story. Lines starting with `#` are prose. A line `$ command` runs in bash; the lines below, up to the next
command or blank-line-then-prose, are its expected output, stdout and stderr together. `[exit N]` as the last expected line
states an exit code other than 0. Expected lines may hold named placeholders, never loose patterns:

  <hex>   lower-case hex digits      <n>  a number, digits with , . _ between      <path>  no spaces
  <text>  anything on one line       ...  alone on a line: any number of lines

Commands run in a fresh folder with HEZONG_HOME inside it, SRC naming the repository, no colours, and the clock held by
SOURCE_DATE_EPOCH. HZ_BLESS=1 rewrites the expected output of commands that have none yet or that differ.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PLACEHOLDERS = {"<hex>": r"[0-9a-f]+", "<n>": r"-?[0-9][0-9,._]*", "<path>": r"\S+", "<text>": r".*"}


def pattern(line):
    parts = re.split("(" + "|".join(map(re.escape, PLACEHOLDERS)) + ")", line)
    return re.compile("".join(PLACEHOLDERS.get(p, re.escape(p)) for p in parts) + r"\Z")


def matches(expected, actual):
    """Whether the expected lines, with their `...` gaps, cover exactly the actual lines."""
    if not expected:
        return not actual
    if expected[0] == "...":
        return any(matches(expected[1:], actual[i:]) for i in range(len(actual) + 1))
    return bool(actual) and bool(pattern(expected[0]).match(actual[0])) and matches(expected[1:], actual[1:])


def read(path):
    """[(prose lines before, command, expected lines)] and the trailing prose."""
    steps, prose, lines, i = [], [], path.read_text().splitlines(), 0
    while i < len(lines):
        if not lines[i].startswith("$ "):
            prose.append(lines[i])
            i += 1
            continue
        command, expected = lines[i][2:], []
        i += 1
        while i < len(lines) and not lines[i].startswith(("$ ", "# ")):
            expected.append(lines[i])
            i += 1
        while expected and expected[-1] == "":
            expected.pop()
        steps.append((prose, command, expected))
        prose = []
    return steps, prose


def main():
    binaries = pathlib.Path(sys.argv[sys.argv.index("--bin") + 1]).resolve()
    files = [pathlib.Path(a) for a in sys.argv[1:] if a.endswith(".txt")]
    bless, failed, ran = os.environ.get("HZ_BLESS") == "1", 0, 0
    for path in files:
        steps, tail = read(path)
        out = []
        with tempfile.TemporaryDirectory(prefix="hezong-scenario.") as folder:
            env = dict(os.environ, PATH=f"{binaries}:{os.environ['PATH']}", HEZONG_HOME=f"{folder}/home", SRC=str(ROOT),
                       NO_COLOR="1", HEZONG_PROGRESS="off", SOURCE_DATE_EPOCH="1795000000", LC_ALL="C.UTF-8", COLUMNS="100")
            for prose, command, expected in steps:
                done = subprocess.run(["bash", "-c", command], cwd=folder, env=env, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=300)
                actual = [l.rstrip() for l in done.stdout.decode("utf-8", "replace").splitlines()]
                while actual and actual[-1] == "":
                    actual.pop()
                if done.returncode != 0:
                    actual.append(f"[exit {done.returncode}]")
                ran += 1
                good = matches(expected, actual)
                if not good and not bless:
                    failed += 1
                    print(f"{path}: $ {command}\n--- expected\n" + "\n".join(expected) + "\n--- got\n" + "\n".join(actual) + "\n")
                blank = [""] if prose or command != steps[-1][1] else []
                out += prose + [f"$ {command}"] + (expected if good else actual) + blank
        if bless:
            path.write_text(re.sub(r"\n{3,}", "\n\n", "\n".join(out + tail)).strip() + "\n")
    print(f"{ran - failed} passed, {failed} failed")
    return 1 if failed or not ran else 0


sys.exit(main())
