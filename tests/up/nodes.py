"""Nodes as processes, for the tests in this folder."""
import http.client
import json
import os
import pathlib
import struct
import subprocess
import sys
import threading
import time


class Checks:
    def __init__(self, title):
        self.title, self.faults = title, []

    def __call__(self, what, good, more=""):
        print(("ok    " if good else "FAULT ") + what + ("" if good else f": {more}"))
        if not good:
            self.faults.append(what)
        return good

    def until(self, what, ready, seconds=60):
        return self(what, wait(ready, seconds), "not in time")

    def end(self):
        print(f"{'FAILED' if self.faults else 'passed'}: {self.title}")
        sys.exit(1 if self.faults else 0)


def wait(ready, seconds, pause=0.05):
    """Whether that came true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if ready():
            return True
        threading.Event().wait(pause)
    return False


def run(hezong, home, *words, code=0, seconds_max=120):
    """What a command answers, which ends with this exit code or one of these."""
    done = subprocess.run([hezong, "--home", home, "--json", *words], capture_output=True, text=True,
                          timeout=seconds_max, env={**os.environ, "HEZONG_PROGRESS": "off"})
    if done.returncode not in (code if isinstance(code, tuple) else (code,)):
        sys.exit(f"{words} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return json.loads(done.stdout or done.stderr)


def start_in_step(hezong, home, *flags):
    """A node with rounds of its own, for tests of what happens without anybody asking."""
    process = start(hezong, home, *flags, sync_ms=300)
    threading.Thread(target=lambda: [None for _ in process.stderr], daemon=True).start()
    return process


def lend_between(run, hall, lab, account, slots, folder):
    """The lab, whose node runs as the hall's does, becomes a member beside it, and the hall has a site that lends."""
    run(hall, "charter", "adopt", "--name", "Two")
    run(hall, "member", "invite", "--out", f"{folder}/invite.json")
    run(lab, "join", f"{folder}/invite.json")
    run(hall, "member", "admit", "lab.example/log")
    run(hall, "pool", "site", "add", "site:hall", "--name", "Hall", "--jurisdiction", "CN", "--backend",
        "backend:refrt", "--price-fen-per-hour-min", "1", "--price-fen-per-hour-max", "2", "--switch-minutes-min", "1",
        "--switch-minutes-max", "2")
    sites = {"sites": [{"site": "site:hall", "adapter": "local", "slots": slots, "lend_user": account}]}
    pathlib.Path(hall, "sites.json").write_text(json.dumps(sites))


def golden_inputs(golden, count):
    """The first pictures of a golden set of 24 x 24 ones, as float32, with their reference class."""
    data = pathlib.Path(golden).read_bytes()
    length = struct.unpack_from("<I", data, 4)[0]
    head = json.loads(data[8:8 + length])
    size, classes, cases = 24 * 24, len(head["classes"]), head["cases"]
    zero, scale = head["storage"]["zero"], 2.0 ** head["storage"]["scale_log2"]
    at = 8 + length
    reference = at + cases * size + cases * 2
    out = []
    for i in range(count):
        pixels = [(b - zero) * scale for b in data[at + i * size:at + (i + 1) * size]]
        logits = struct.unpack_from(f"<{classes}f", data, reference + i * classes * 4)
        out.append((pixels, logits.index(max(logits))))
    return out


def start(hezong, home, *flags, sync_ms=0):
    """A node without rounds of its own: the test runs each one, so nothing waits for a clock."""
    process = subprocess.Popen([hezong, "--home", home, "up", "--sync-ms", str(sync_ms), *flags], stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True, env={**os.environ, "HEZONG_PROGRESS": "plain"})
    for line in process.stderr:
        if "://" in line:
            return process
    sys.exit("hezong up ended without an address")


def ask(home, method, path, body=None, token=True):
    """One request to the running node of a home: status and body."""
    node = json.loads(pathlib.Path(home, "node.json").read_text())
    connection = http.client.HTTPConnection(node["url"].split("://")[1], timeout=60)
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = "Bearer " + pathlib.Path(home, "api_token").read_text().strip()
    connection.request(method, path, body=body, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


def token_sync(home):
    """A round inside the running node, so that it also learns who is known now."""
    answer = json.loads(ask(home, "POST", "/v1/node/sync", "{}")[1])
    if "error" in answer:
        sys.exit(f"node sync: {answer}")
    return answer
