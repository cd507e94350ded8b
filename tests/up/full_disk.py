#!/usr/bin/env python3
"""A node whose disk fills up: it signs its last statements out of its reserve, refuses in words when that is used too,
goes on answering, starts again on the full disk, and works on when there is room.

The disk is a tmpfs of 96 MiB in a mount namespace of this test's own.
usage: tests/up/full_disk.py HEZONG
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from nodes import Checks, ask, run

hezong = sys.argv[1]
reserve_bytes = 16 << 20

if "HZ_FULL_DISK" not in os.environ:
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode != 0:
        print("SKIPPED: up.full_disk: no user and mount namespaces here")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as disk:
        sys.exit(subprocess.run(["unshare", "-rm", sys.executable, __file__, hezong],
                                env={**os.environ, "HZ_FULL_DISK": disk}).returncode)

disk = os.environ["HZ_FULL_DISK"]
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", disk], check=True)
home, filler = f"{disk}/home", f"{disk}/filler"
checks = Checks("a full disk")
number = 0


def start():
    process = subprocess.Popen([hezong, "--home", home, "up", "--sync-ms", "50"], stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True, env={**os.environ, "HEZONG_PROGRESS": "plain"})
    said = ""
    for line in process.stderr:
        said += line
        if "://" in line:
            return process, said
    sys.exit("hezong up ended without an address:\n" + said)


def stop(process):
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=60)[1]
    return process.returncode, said


def fill():
    with open(filler, "ab", buffering=0) as out:
        for size in (1 << 20, 4096, 1):
            try:
                while True:
                    out.write(b"x" * size)
            except OSError:
                pass
    return shutil.disk_usage(disk).free


def sign():
    global number
    number += 1
    body = json.dumps({"component": f"backend:b{number}", "skill": "skill:k", "people_min": 1,
                       "port_hours_per_operator_min": 1, "port_hours_per_operator_max": 2})
    status, answer = ask(home, "POST", "/v1/talent/needs", body)
    return status, json.loads(answer)


def statements():
    status, answer = ask(home, "GET", "/v1/status")
    return json.loads(answer).get("statements") if status == 200 else answer


run(hezong, home, "init", "--name", "Full", "--origin", "full.example/log")
node, _ = start()
reserve = pathlib.Path(home, "reserve")
checks("a node takes a reserve", reserve.stat().st_size == reserve_bytes and reserve.stat().st_blocks * 512 >= reserve_bytes)
acknowledged = [1]
status, _ = sign()
checks("signs while there is room", status == 200, status)
acknowledged.append(status == 200)

checks("the disk is full", fill() < 4096)
# The write-ahead log has pages to use again, so it may take some statements until the reserve is needed.
for _ in range(2000):
    status, answer = sign()
    acknowledged.append(status == 200)
    if status != 200 or not reserve.exists():
        break
checks("signs on out of the reserve", status == 200 and not reserve.exists(), answer)

fill()
refused = 0
for _ in range(4000):
    status, answer = sign()
    acknowledged.append(status == 200)
    if status != 200:
        refused = status
        break
checks("without a reserve it refuses in words", refused >= 500 and answer["error"]["reason"] == "sql.full", answer)
checks("goes on answering", ask(home, "GET", "/v1/version")[0] == 200 and ask(home, "GET", "/v1/node/peers")[0] == 200)
code, said = stop(node)
checks("stops in order", code == 0, code)
checks("and had said that its reserve was used", "was given back" in said, said)

os.unlink(filler)
node, said = start()
checks("with room again it has a reserve", reserve.exists(), said)
checks("nothing acknowledged is lost", statements() == sum(acknowledged), (statements(), sum(acknowledged)))
stop(node)
fill()
views = os.stat(f"{home}/views.sqlite").st_ino
looked = subprocess.run([hezong, "--home", home, "status"], capture_output=True, text=True)
checks("a command says what is wrong, and gives back no reserve", "sql.full" in looked.stderr and reserve.exists(), looked)
node, said = start()
checks("starts on a full disk", statements() == sum(acknowledged), said)
checks("on the views that it had", os.stat(f"{home}/views.sqlite").st_ino == views, said)
status, answer = sign()
acknowledged.append(status == 200)
checks("and signs", status == 200, answer)
os.unlink(filler)
code, said = stop(node)
node, said = start()
checks("the reserve is there again", reserve.exists(), said)
status, answer = sign()
acknowledged.append(status == 200)
checks("it works on", status == 200 and statements() == sum(acknowledged), answer)
stop(node)
whole = run(hezong, home, "log", "verify")
checks("the log is whole", whole["statements"] == sum(acknowledged), whole)
checks.end()
