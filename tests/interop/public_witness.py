#!/usr/bin/env python3
"""The small questions of public_witness.sh.

usage: public_witness.py log_key                  of `hezong --json key list` on standard input
       public_witness.py wait PORT PID            until the port is open; 1 when the process ended
       public_witness.py know DATABASE ORIGIN KEY the witness is to know this log
       public_witness.py round FILE yes|no        a round's answer: cosigned by the witness with its quorum, or neither
       public_witness.py status FILE              its name among the cosigners of the own head, quorum met
"""
import json
import pathlib
import socket
import sqlite3
import sys
import time


def log_key():
    return next(k["key"] for k in json.load(sys.stdin)["keys"] if k["role"] == "log")


def wait(port, pid):
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", int(port)), timeout=1).close()
            return True
        except OSError:
            stat = pathlib.Path(f"/proc/{pid}/stat")
            if not stat.exists() or stat.read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return False
            select_nothing()
    return False


def select_nothing():
    """A pause between two looks at a program that tells nobody when it listens."""
    import select
    select.select([], [], [], 0.05)


def know(database, origin, key):
    empty = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="  # SHA-256 of nothing, the root of an empty tree
    with sqlite3.connect(database) as db:
        db.execute("INSERT INTO log(origin, tree_size, tree_hash) VALUES(?, 0, ?)", (origin, empty))
        db.execute("INSERT INTO key(origin, key) VALUES(?, ?)", (origin, key))


def round_is(file, wanted):
    said = json.loads(pathlib.Path(file).read_text())
    row = next(p for p in said["peers"] if p["state"] == "witness")
    if wanted == "yes":
        return said["quorum"] and row["cosigned_s"] > 0 and not row.get("fault")
    return not said["quorum"] and row["cosigned_s"] < 0 and bool(row.get("fault"))


def status(file):
    said = json.loads(pathlib.Path(file).read_text())
    own = next(h for h in said["heads"] if h["own"])
    return said["quorum"] and own["size"] == 16 and any("public" in c for c in own["cosigners"])


verb, rest = sys.argv[1], sys.argv[2:]
if verb == "log_key":
    print(log_key())
elif verb == "know":
    know(*rest)
else:
    sys.exit(0 if {"wait": wait, "round": round_is, "status": status}[verb](*rest) else 1)
