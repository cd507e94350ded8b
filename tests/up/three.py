#!/usr/bin/env python3
"""Three nodes as processes on loopback: they join over HTTP, mirror each other, cosign each other's heads, and a log
whose node was killed is still read from the others.

usage: tests/up/three.py HEZONG
"""
import http.client
import json
import pathlib
import signal
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import nodes
from nodes import Checks, token_sync

hezong = sys.argv[1]
check = Checks("three nodes")


def run(home, *words, code=0):
    return nodes.run(hezong, home, *words, code=code)


def start(home, *flags):
    return nodes.start(hezong, home, *flags)


with tempfile.TemporaryDirectory() as folder:
    homes = [f"{folder}/{name}" for name in ("founder", "hall", "lab")]
    origins = [f"{name}.example/log" for name in ("founder", "hall", "lab")]
    processes = []
    try:
        for home, origin in zip(homes, origins):
            run(home, "init", "--name", origin.split(".")[0], "--origin", origin)
            processes.append(start(home))
        run(homes[0], "charter", "adopt", "--name", "Three")
        for i in (1, 2):
            run(homes[0], "member", "invite", "--out", f"{folder}/invite{i}.json")
            joined = run(homes[i], "join", f"{folder}/invite{i}.json")
            check(f"{origins[i]}: the founder's node takes its card", joined["delivered"], joined)
            run(homes[0], "member", "admit", origins[i])
        run(homes[1], "pool", "site", "add", "site:hall", "--name", "Hall", "--jurisdiction", "CN", "--backend",
            "backend:refrt", "--price-fen-per-hour-min", "1", "--price-fen-per-hour-max", "2", "--switch-minutes-min",
            "1", "--switch-minutes-max", "2")
        # The founder knows both by their cards; they learn of each other from its log, and of each other's keys from
        # its mirrors. Each round spreads that one step further.
        for _ in range(4):
            for home in homes:
                token_sync(home)
        rounds = [token_sync(home) for home in homes]
        for origin, out in zip(origins, rounds):
            check(f"{origin}: no other node is at fault", all(not p.get("fault") for p in out["peers"]), out["peers"])
            check(f"{origin}: two mirrors", len(out["peers"]) == 2 and all(p["stored"] > 0 for p in out["peers"]))
            check(f"{origin}: quorum of its witnesses", out["quorum"], out)
        check("equal frontiers", len({out["frontier"]["digest"] for out in rounds}) == 1,
              [out["frontier"] for out in rounds])
        digests = {run(home, "views", "rebuild")["digest"] for home in homes}
        check("byte-equal views", len(digests) == 1, digests)

        # A stranger learns nothing, not even which paths exist.
        place = json.loads(pathlib.Path(homes[0], "node.json").read_text())["url"].split("://")[1]
        answers = set()
        for path in ("/log/checkpoint", "/log/tile/0/000.p/1", "/mirror/" + "0" * 64 + "/checkpoint", "/nothing"):
            connection = http.client.HTTPConnection(place, timeout=30)
            connection.request("GET", path)
            answer = connection.getresponse()
            answers.add((answer.status, len(answer.read()) > 0))
        check("a stranger gets one answer for everything", answers == {(404, True)}, answers)

        # The hall's node dies without a word; a statement the lab never saw is fetched from the founder's mirror.
        run(homes[1], "talent", "need", "add", "backend:refrt", "skill:kernels", "--people-min", "1",
            "--port-hours-per-operator-min", "1", "--port-hours-per-operator-max", "2")
        token_sync(homes[1])
        token_sync(homes[0])
        processes[1].send_signal(signal.SIGKILL)
        processes[1].wait()
        before = run(homes[2], "member", "list")
        after = token_sync(homes[2])
        hall = next(p for p in after["peers"] if p["origin"] == origins[1])
        known = next(m for m in before["members"] if m["origin"] == origins[1])
        check("the dead node is named", hall["fault"].startswith("net."), hall)
        check("its log goes on from a mirror", hall["stored"] == known["statements"] + 1, (hall, known))
        run(homes[0], "talent", "need", "add", "backend:refrt", "skill:kernels", "--people-min", "1",
            "--port-hours-per-operator-min", "1", "--port-hours-per-operator-max", "3")
        check("without it the founder has no quorum of two, and says so", not token_sync(homes[0])["quorum"])
    
        # What the dead node's member and the founder said goes to an auditor in one file, from the lab's mirrors.
        ids = []
        for home in homes[:2]:
            ids += ["--id", run(home, "log", "show", "--kind", "talent.need", "--limit", "1")["statements"][0]["id"]]
        token_sync(homes[2])
        made = run(homes[2], "audit", "bundle", *ids, "--out", f"{folder}/bundle")
        told = run(f"{folder}/nowhere", "audit", "verify", f"{folder}/bundle")["bundle"]
        check("a bundle of two logs, made from mirrors, holds for a stranger", told["holds"] and made["logs"] == 2 and
              {s["log"] for s in told["statements"]} == set(origins[:2]), told)
        roots = [h["root_fingerprint"] for h in told["heads"]]
        run(f"{folder}/nowhere", "audit", "verify", f"{folder}/bundle", "--root", roots[0], "--root", roots[1])
        told = run(f"{folder}/nowhere", "audit", "verify", f"{folder}/bundle", "--root", roots[0], code=3)["bundle"]
        check("and does not when a root is not the auditor's", told["failed_item"].endswith(": head"), told)
    finally:
        for process in processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(timeout=60)

check.end()
