#!/usr/bin/env python3
"""A member's log rots while its node is down. It is named by `hezong log scrub`, and comes back from the mirror that
another member's node serves; a rotten mirror comes back from the log's own node.

usage: tests/up/repair.py HEZONG
"""
import json
import pathlib
import signal
import sqlite3
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from nodes import Checks, ask, run, start, token_sync

hezong = sys.argv[1]
checks = Checks("repair from other members")


def need(home, number):
    run(hezong, home, "talent", "need", "add", f"backend:b{number}", "skill:kernels", "--people-min", "1",
        "--port-hours-per-operator-min", "1", "--port-hours-per-operator-max", "2")


def stop(process):
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=60)


def damage(path, statement):
    with sqlite3.connect(path) as db:
        db.execute(statement)


def scrub(home, *flags, code):
    return run(hezong, home, "log", "scrub", "--mb-per-s", "0", *flags, code=code)


with tempfile.TemporaryDirectory() as folder:
    founder, hall = f"{folder}/founder", f"{folder}/hall"
    running = []
    try:
        for home in (founder, hall):
            name = pathlib.Path(home).name
            run(hezong, home, "init", "--name", name, "--origin", f"{name}.example/log")
        founders, halls = start(hezong, founder), start(hezong, hall)
        running += [founders, halls]
        port = json.loads(pathlib.Path(hall, "node.json").read_text())["url"].rsplit(":", 1)[1]
        run(hezong, founder, "charter", "adopt", "--name", "Repairs")
        run(hezong, founder, "member", "invite", "--out", f"{folder}/invite.json")
        run(hezong, hall, "join", f"{folder}/invite.json")
        run(hezong, founder, "member", "admit", "hall.example/log")
        for number in range(5):
            need(hall, number)
        for home in (founder, hall, founder, hall, founder):
            token_sync(home)
        size = json.loads(ask(hall, "GET", "/v1/status")[1])["statements"]
        checks("a sound folder has nothing to name", scrub(hall, code=0)["damage"] == [])
        stop(halls)

        damage(f"{hall}/log/log.db", "UPDATE entry SET leaf = zeroblob(200) WHERE idx IN (3, 5)")
        damage(f"{hall}/log/log.db", "DELETE FROM tile")
        refused = subprocess.run([hezong, "--home", hall, "status"], capture_output=True, text=True)
        checks("a damaged log does not open", refused.returncode == 8 and "reason: log." in refused.stderr, refused)
        named = scrub(hall, code=3)["damage"]
        checks("the scrub names the statements", any("entry 3" in d["detail"] for d in named)
               and any("entry 5" in d["detail"] for d in named) and not any(d["repaired"] for d in named), named)
        repaired = scrub(hall, "--repair", code=0)["damage"]
        checks("another member's mirror has them", repaired and all(d["repaired"] for d in repaired), repaired)
        whole = run(hezong, hall, "log", "verify")
        checks("the log is whole", whole["statements"] == size, whole)

        halls = start(hezong, hall, "--port", port)
        running.append(halls)
        stop(founders)
        mirror = next(pathlib.Path(founder, "peers").glob("*/log.db"))
        damage(mirror, "UPDATE entry SET leaf = zeroblob(200) WHERE idx = 4")
        named = scrub(founder, code=3)
        checks("a rotten mirror is named by its origin", named["damage"][0]["place"] == "hall.example/log", named)
        repaired = scrub(founder, "--repair", code=0)["damage"]
        checks("and comes back from the log's own node", repaired and all(d["repaired"] for d in repaired), repaired)
        stop(halls)
        damage(f"{hall}/log/log.db", "UPDATE entry SET leaf = zeroblob(200) WHERE idx = 3")
        left = scrub(hall, "--repair", code=3)["damage"]
        checks("when nobody answers, nothing is written and the answer is no",
               any(d["reason"] == "log.repair" for d in left) and not any(d["repaired"] for d in left), left)
    finally:
        for process in running:
            if process.poll() is None:
                stop(process)

checks.end()
