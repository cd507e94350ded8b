#!/usr/bin/env python3
"""A machine is cloned and both copies sign: the others prove it, and every node, the member's own too, counts only what
both histories share and says so.

usage: tests/up/cloned.py HEZONG
"""
import json
import pathlib
import shutil
import signal
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from nodes import Checks, ask, run, start, token_sync

hezong = sys.argv[1]
checks = Checks("a cloned machine")


def need(home, most):
    run(hezong, home, "talent", "need", "add", "backend:refrt", "skill:kernels", "--people-min", "1",
        "--port-hours-per-operator-min", "1", "--port-hours-per-operator-max", str(most))


def stop(process):
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=60)


def status(home):
    code, body = ask(home, "GET", "/v1/status")
    return json.loads(body)


with tempfile.TemporaryDirectory() as folder:
    founder, hall, clone = (f"{folder}/{name}" for name in ("founder", "hall", "clone"))
    running = []
    try:
        for home in (founder, hall):
            name = pathlib.Path(home).name
            run(hezong, home, "init", "--name", name, "--origin", f"{name}.example/log")
        running.append(start(hezong, founder))
        halls = start(hezong, hall)
        port = json.loads(pathlib.Path(hall, "node.json").read_text())["url"].rsplit(":", 1)[1]
        run(hezong, founder, "charter", "adopt", "--name", "Clones")
        run(hezong, founder, "member", "invite", "--out", f"{folder}/invite.json")
        run(hezong, hall, "join", f"{folder}/invite.json")
        run(hezong, founder, "member", "admit", "hall.example/log")
        for home in (founder, hall, founder, hall):
            token_sync(home)
        shared = status(hall)["statements"]
        checks("before, nothing is wrong", status(hall)["faults"] == [] and status(hall)["state"] == "member")
        stop(halls)

        shutil.copytree(hall, clone)
        need(clone, 2)
        halls = start(hezong, clone, "--port", port)
        token_sync(clone)
        token_sync(founder)
        stop(halls)

        need(hall, 3)
        need(hall, 4)
        halls = start(hezong, hall, "--port", port)
        running.append(halls)
        refused = token_sync(hall)
        checks("no witness signs the second history", not refused["quorum"] and refused["cosigned"] == 0, refused)
        rounds = token_sync(founder)
        checks("the founder sees two histories", rounds["peers"][0]["fault"].startswith("log.mirror_forked"), rounds)
        token_sync(founder)  # the evidence is a statement of the round before, public with this one
        token_sync(hall)
        members = {m["origin"]: m["state"] for m in run(hezong, founder, "member", "list")["members"]}
        checks("on the founder's node the log is frozen", members["hall.example/log"] == "frozen", members)
        said = status(hall)
        checks("on its own node too", said["state"] == "frozen", said)
        checks("which says so, with the reason and how much counts",
               len(said["faults"]) == 1 and said["faults"][0].startswith("alliance.frozen")
               and f"{shared} of {shared + 2} statements count" in said["faults"][0], said)
        shown = run(hezong, hall, "status", code=3)
        checks("`hezong status` ends with 3", shown["faults"] == said["faults"])
    finally:
        for process in running:
            if process.poll() is None:
                stop(process)

checks.end()
