#!/usr/bin/env python3
"""A running node whose clock goes back, and one whose folder is replaced by a backup while it runs.

usage: tests/up/time_and_backup.py HEZONG CLOCK_SHIM
"""
import base64
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from nodes import Checks, ask, run, start, token_sync

hezong, shim = sys.argv[1:]
checks = Checks("clock and backup")


def need(home, number):
    body = json.dumps({"component": f"backend:b{number}", "skill": "skill:k", "people_min": 1,
                       "port_hours_per_operator_min": 1, "port_hours_per_operator_max": 2})
    status, answer = ask(home, "POST", "/v1/talent/needs", body)
    return status, json.loads(answer)


def witness_time(home):
    """When the founder last cosigned the log of this node, as its public checkpoint says."""
    with sqlite3.connect(f"file:{home}/log/log.db?mode=ro", uri=True) as db:
        note = db.execute("SELECT checkpoint FROM published").fetchone()[0]
    for line in note.split("\n"):
        if line.startswith("— founder"):
            return struct.unpack(">Q", base64.b64decode(line.split(" ")[2])[4:12])[0]
    return 0


with tempfile.TemporaryDirectory() as folder:
    founder, hall = f"{folder}/founder", f"{folder}/hall"
    running = []
    clock = pathlib.Path(folder, "clock")
    clock.write_text("0")
    try:
        for home in (founder, hall):
            name = pathlib.Path(home).name
            run(hezong, home, "init", "--name", name, "--origin", f"{name}.example/log")
        before = dict(os.environ)
        os.environ.update(LD_PRELOAD=shim, HZ_CLOCK_FILE=str(clock))
        running.append(start(hezong, founder))
        os.environ.clear()
        os.environ.update(before)
        running.append(start(hezong, hall))
        run(hezong, founder, "charter", "adopt", "--name", "Clocks")
        run(hezong, founder, "member", "invite", "--out", f"{folder}/invite.json")
        run(hezong, hall, "join", f"{folder}/invite.json")
        run(hezong, founder, "member", "admit", "hall.example/log")
        for home in (founder, hall, founder, hall):
            token_sync(home)

        # 200 s back: calls between the nodes still hold.
        first = witness_time(hall)
        clock.write_text("-200")
        status, answer = need(founder, 1)
        checks("a node whose clock went back signs", status == 200, answer)
        need(hall, 1)
        rounds = token_sync(hall)
        checks("it cosigns heads of others", rounds["quorum"] and rounds["cosigned"] == 1, rounds)
        second = witness_time(hall)
        checks("with a time that does not go back", second >= first > 0, (first, second))
        rounds = token_sync(founder)
        checks("its own head is cosigned", rounds["quorum"], rounds)

        # An hour back: others take its calls for old ones, and say so; nothing else breaks.
        clock.write_text("-3600")
        rounds = token_sync(founder)
        checks("an hour off, the others refuse its calls and it says so", rounds["peers"][0]["fault"] != "", rounds)
        status, answer = need(founder, 2)
        checks("it signs all the same", status == 200, answer)
        clock.write_text("0")
        token_sync(founder)
        rounds = token_sync(founder)
        checks("with the right time it is in step again", rounds["quorum"] and not rounds["peers"][0]["fault"], rounds)
        token_sync(hall), token_sync(founder)
        verified = run(hezong, founder, "log", "verify")
        checks("its log is whole", verified["statements"] >= 4, verified)

        # A backup of the hall's log takes the place of the log while the node runs.
        with sqlite3.connect(f"file:{hall}/log/log.db?mode=ro", uri=True) as db:
            db.execute("VACUUM INTO ?", (f"{folder}/backup.db",))
        status, answer = need(hall, 2)
        checks("after the backup it signs one more", status == 200, answer)
        token_sync(hall)
        stored = token_sync(founder)["peers"][0]["stored"]
        for suffix in ("-wal", "-shm"):
            pathlib.Path(hall, "log", "log.db" + suffix).unlink(missing_ok=True)
        shutil.move(f"{folder}/backup.db", f"{hall}/log/log.db")
        status, answer = ask(hall, "GET", "/v1/status")
        checks("with a backup in its place it refuses to read", json.loads(answer)["error"]["reason"] == "log.rolled_back",
               answer)
        status, answer = need(hall, 3)
        checks("and to sign", answer.get("error", {}).get("reason") == "log.rolled_back", answer)
        rounds = token_sync(founder)
        checks("what others mirrored stays", rounds["peers"][0]["stored"] == stored == 4, (stored, rounds))
    finally:
        for process in running:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(timeout=60)

checks.end()
