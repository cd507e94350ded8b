#!/usr/bin/env python3
"""A ballot among three nodes on loopback: the founder counts without a vote that it could have had, and the voter shows
the head that another voter's witness dated in time.

usage: tests/up/ballot.py HEZONG
"""
import http.client
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

hezong = sys.argv[1]
faults = []
DAY_S = 86400


def check(what, good, more=""):
    print(("ok    " if good else "FAULT ") + what + ("" if good else f": {more}"))
    if not good:
        faults.append(what)


def run(home, *words, code=0, at_s=None):
    env = {**os.environ, "HEZONG_PROGRESS": "off"}
    if at_s is not None:
        env["SOURCE_DATE_EPOCH"] = str(int(at_s))
    done = subprocess.run([hezong, "--home", home, "--json", *words], capture_output=True, text=True, timeout=120,
                          env=env)
    if done.returncode != code:
        sys.exit(f"{words} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return json.loads(done.stdout)


def start(home):
    """A node without rounds of its own: the test runs each one."""
    process = subprocess.Popen([hezong, "--home", home, "up", "--sync-ms", "0"], stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True, env={**os.environ, "HEZONG_PROGRESS": "plain"})
    for line in process.stderr:
        if "://" in line:
            return process
    sys.exit("hezong up ended without an address")


def sync(home):
    place = json.loads(pathlib.Path(home, "node.json").read_text())["url"].split("://")[1]
    connection = http.client.HTTPConnection(place, timeout=60)
    token = pathlib.Path(home, "api_token").read_text().strip()
    connection.request("POST", "/v1/node/sync", body="{}",
                       headers={"Authorization": "Bearer " + token, "Content-Type": "application/json"})
    answer = json.loads(connection.getresponse().read())
    if "error" in answer:
        sys.exit(f"node sync: {answer}")
    return answer


with tempfile.TemporaryDirectory() as folder:
    founder, hall, lab = homes = [f"{folder}/{name}" for name in ("founder", "hall", "lab")]
    origins = [f"{name}.example/log" for name in ("founder", "hall", "lab")]
    processes = []
    try:
        for home, origin in zip(homes, origins):
            run(home, "init", "--name", origin.split(".")[0], "--origin", origin)
            processes.append(start(home))
        run(founder, "charter", "adopt", "--name", "Three")
        for i in (1, 2):
            run(founder, "member", "invite", "--out", f"{folder}/invite{i}.json")
            run(homes[i], "join", f"{folder}/invite{i}.json")
            run(founder, "member", "admit", origins[i])
        for _ in range(4):
            for home in homes:
                sync(home)
        ballot = run(founder, "ballot", "open", "specification", "--subject", "draft 7", "--text", "Draft 7?")["ballot"]
        for home in homes:
            sync(home)
        run(founder, "ballot", "vote", ballot, "yes")
        run(lab, "ballot", "vote", ballot, "no")
        sync(lab)
        sync(founder)
        # The hall votes in time, and its head is brought to the witnesses; the founder does not fetch it.
        run(hall, "ballot", "vote", ballot, "no")
        check("witnesses date the hall's vote", sync(hall)["quorum"])
        later_s = time.time() + 8 * DAY_S
        closed = run(founder, "ballot", "close", ballot, at_s=later_s)
        check("the founder counts without it", (closed["tally"]["yes"], closed["tally"]["no"]) == (1, 1), closed)
        sync(founder)
        sync(hall)
        check("it holds by itself", run(hall, "ballot", "recount", ballot)["closings"][-1]["verdict"] == "holds")
        shown = run(hall, "ballot", "challenge", ballot, "left_out", at_s=later_s)
        check("the challenge is upheld", shown["challenges"][-1]["upheld"] and shown["state"] == "open", shown)
        check("recount says no", run(hall, "ballot", "recount", ballot, code=3)["state"] == "open")
        sync(hall)
        sync(founder)
        again = run(founder, "ballot", "close", ballot, at_s=later_s)
        check("the founder must count it", (again["tally"]["yes"], again["tally"]["no"]) == (1, 2), again)
        run(founder, "ballot", "close", ballot, at_s=later_s + 8 * DAY_S)
        for home in homes + homes:
            sync(home)
        states = {run(home, "ballot", "recount", ballot)["state"] for home in homes}
        check("all see that it failed", states == {"failed"}, states)
        digests = {run(home, "views", "rebuild")["digest"] for home in homes}
        check("byte-equal views", len(digests) == 1, digests)
    finally:
        for process in processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(timeout=60)

print(f"{'FAILED' if faults else 'passed'}: ballot")
sys.exit(1 if faults else 0)
