#!/usr/bin/env python3
"""A model of 20 MB travels between three nodes: a fetch that is killed and resumed, a releaser that dies, a node that
lies in every way there is, a stranger who learns nothing, and an expelled member who is served no longer.

usage: tests/up/models.py HEZONG
"""
import hashlib
import http.client
import http.server
import json
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

hezong = sys.argv[1]
faults = []
names = ("founder", "hall", "lab")
size = 20_000_000
seed = 20261127


def check(what, good, more=""):
    print(("ok    " if good else "FAULT ") + what + ("" if good else f": {more}"))
    if not good:
        faults.append(what)


def command(home, *words):
    return [hezong, "--home", home, "--json", *words]


quiet = {**os.environ, "HEZONG_PROGRESS": "off"}


def run(home, *words, code=0):
    done = subprocess.run(command(home, *words), capture_output=True, text=True, timeout=120, env=quiet)
    if done.returncode != code:
        sys.exit(f"{words} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return json.loads(done.stdout or done.stderr)


def start(home, *flags):
    """A node without rounds of its own: the test runs each one, so nothing waits for a clock."""
    process = subprocess.Popen([hezong, "--home", home, "up", "--sync-ms", "0", *flags], stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True, env={**os.environ, "HEZONG_PROGRESS": "plain"})
    for line in process.stderr:
        if "://" in line:
            return process
    sys.exit("hezong up ended without an address")


def place_of(home):
    return json.loads(pathlib.Path(home, "node.json").read_text())["url"].split("://")[1]


def token_sync(home):
    """A round inside the running node, so that it also learns who is known and what is here now."""
    connection = http.client.HTTPConnection(place_of(home), timeout=60)
    token = pathlib.Path(home, "api_token").read_text().strip()
    connection.request("POST", "/v1/node/sync", body="{}",
                       headers={"Authorization": "Bearer " + token, "Content-Type": "application/json"})
    answer = json.loads(connection.getresponse().read())
    if "error" in answer:
        sys.exit(f"node sync: {answer}")
    return answer


class Gate:
    """A TCP relay that can be told to stop in the middle: `hold(n)` lets n more bytes through and then waits."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.to = None
        self.left = None
        self.held, self.open = threading.Event(), threading.Event()
        self.passed = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def hold(self, count):
        self.held.clear()
        self.open.clear()
        self.left = count

    def release(self):
        self.left = None
        self.open.set()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            try:
                server = socket.create_connection(self.to)
            except OSError:
                client.close()
                continue
            threading.Thread(target=self.relay, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self.relay, args=(server, client, True), daemon=True).start()

    def relay(self, source, sink, counted):
        try:
            while data := source.recv(65536):
                if counted:
                    self.passed += len(data)
                    if self.left is not None:
                        self.left -= len(data)
                        if self.left < 0:
                            self.held.set()
                            self.open.wait(60)
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Liar(http.server.BaseHTTPRequestHandler):
    """Stands where a member's node stood, knows everything it knew, and lies as `mode` says."""
    protocol_version = "HTTP/1.1"
    mode, model, statement = "", b"", ""
    given = 0

    def log_message(self, *_):
        pass

    def do_GET(self):
        asked = re.match(r"bytes=(\d+)-(\d+)$", self.headers.get("Range", ""))
        first, last = int(asked[1]), min(int(asked[2]), len(self.model) - 1)
        body = self.model[first:last + 1]
        total = len(self.model)
        if self.mode == "wrong bytes":
            body = bytes(len(body))
        if self.mode == "too long":
            total += 1
        if self.mode == "too short":
            body = body[:-1]
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{last}/{total}")
        self.send_header("hezong-release", self.statement)
        try:
            if self.mode == "endless":
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                while True:
                    self.wfile.write(b"10000\r\n" + bytes(65536) + b"\r\n")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.mode == "slow drip":
                for byte in body:
                    self.wfile.write(bytes([byte]))
                    time.sleep(0.05)  # the pace of the liar, not a wait of the test
            self.wfile.write(body)
        except OSError:
            self.close_connection = True


def answer_of(place, path, headers):
    connection = http.client.HTTPConnection(place, timeout=30)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    return answer.status, sorted((k, v) for k, v in answer.getheaders() if k.lower() != "date"), answer.read()


def round_of_all(homes, times=1):
    for _ in range(times):
        for home in homes:
            token_sync(home)


with tempfile.TemporaryDirectory() as folder:
    homes = [f"{folder}/{name}" for name in names]
    founder, hall, lab = homes
    origins = [f"{name}.example/log" for name in names]
    processes = {}
    gate = Gate()
    try:
        for home, origin in zip(homes, origins):
            run(home, "init", "--name", origin.split(".")[0], "--origin", origin)
            processes[home] = start(home)
        place = place_of(founder).split(":")
        gate.to = (place[0], int(place[1]))
        # Its charter lets the founder expel without a ballot, which would take a week.
        run(founder, "charter", "adopt", "--name", "Three")
        charter = run(founder, "charter", "show")["charter"]
        charter["version"] = 2
        charter["rules"] = [rule for rule in charter["rules"] if rule["act"] != "expel"]
        pathlib.Path(folder, "charter.json").write_text(json.dumps(charter))
        run(founder, "charter", "adopt", "--file", f"{folder}/charter.json")
        for home, origin in zip(homes[1:], origins[1:]):
            run(founder, "member", "invite", "--out", f"{home}.json", "--url", gate.url)
            run(home, "join", f"{home}.json")
            run(founder, "member", "admit", origin)
        round_of_all(homes, 5)

        # The founder releases.
        model = pathlib.Path(folder, "model.bin")
        content = random.Random(seed).randbytes(size)
        model.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        released = run(founder, "share", "release", str(model), "--name", "model", "--licence", "Apache-2.0",
                       "--audience", "members", "--control", "none")
        round_of_all(homes, 2)
        listed = run(lab, "share", "list")["releases"]
        check("the lab sees the release and has no bytes", [r["held"] for r in listed] == [False], listed)

        # The lab's fetch is killed in the middle, and goes on there.
        gate.hold(size // 2)
        fetcher = subprocess.Popen(command(lab, "share", "fetch", "model"), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, env=quiet)
        check("the fetch comes to the middle", gate.held.wait(60))
        fetcher.send_signal(signal.SIGKILL)
        fetcher.wait()
        gate.release()
        check("nothing is visible of it", not run(lab, "share", "list")["releases"][0]["held"])
        gate.passed = 0
        got = run(lab, "share", "fetch", "model", "--out", f"{folder}/copy.bin")
        check("resumed, not begun again", 0 < got["resumed_at"] and gate.passed < size - got["resumed_at"] + 100_000,
              (got, gate.passed))
        check("the founder gave it", got["from"] == origins[:1] and got["releaser"] == origins[0], got)
        check("the copy has the bytes", pathlib.Path(folder, "copy.bin").read_bytes() == content)
        check("a second fetch finds them here", run(lab, "share", "fetch", digest)["was_here"])

        # The founder dies; the hall gets the bytes from the lab, which nobody told to serve them.
        token_sync(lab)
        processes[founder].send_signal(signal.SIGKILL)
        processes[founder].wait()
        got = run(hall, "share", "fetch", "model")
        check("from the third member", got["from"] == origins[2:] and got["releaser"] == origins[0], got)
        check("the dead node is named", [f["holder"] for f in got["faults"]] == origins[:1], got)

        # A stranger gets one answer, whatever is there.
        unknown = hashlib.sha256(b"never was").hexdigest()
        forged = f"{origins[1]} {int(time.time())} " + "A" * 86 + "=="
        answers = {str(answer_of(place_of(lab), path, headers)): path
                   for path in (f"/artifact/{digest}", f"/artifact/{unknown}", "/artifact/x")
                   for headers in ({}, {"hezong-peer": forged}, {"hezong-peer": forged.replace("hall", "nobody")})}
        check("a stranger gets one 404 for everything", len(answers) == 1 and "404" in next(iter(answers)), answers)

        # The hall's node is replaced by a liar. Every lie is refused with its reason, and nothing of it is kept.
        where = place_of(hall).split(":")
        processes[hall].send_signal(signal.SIGTERM)
        processes[hall].wait(timeout=60)
        Liar.model, Liar.statement = content, released["receipt"]["id"]
        liar = http.server.ThreadingHTTPServer((where[0], int(where[1])), Liar)
        liar.daemon_threads = True
        threading.Thread(target=liar.serve_forever, daemon=True).start()

        def forget(home):
            blob = pathlib.Path(home, "blobs", digest[:2], digest[2:])
            blob.chmod(0o600)
            blob.unlink()

        forget(lab)
        for mode, reason in (("wrong bytes", "node.wrong_bytes"), ("too long", "node.bad_piece"),
                             ("too short", "node.bad_piece"), ("slow drip", "net.deadline"),
                             ("endless", "net.response_too_large")):
            Liar.mode = mode
            refused = run(lab, "share", "fetch", "model", "--from", origins[1], "--patience-ms", "1500", code=7)
            check(f"{mode}: refused as {reason}", reason in json.dumps(refused), refused)
            partial = pathlib.Path(lab, "blobs", "partial", digest)
            check(f"{mode}: nothing visible, nothing kept",
                  not run(lab, "share", "list")["releases"][0]["held"] and partial.stat().st_size == 0)
        processes[founder] = start(founder)
        place = place_of(founder).split(":")
        gate.to = (place[0], int(place[1]))
        Liar.mode = "wrong bytes"
        # The liar gives the first half by order of the caller, the founder the rest: the digest tells, and the founder
        # alone gives the whole.
        half = pathlib.Path(lab, "blobs", "partial", digest)
        half.write_bytes(bytes(size // 2))
        got = run(lab, "share", "fetch", "model")
        check("a wrong half is thrown away", got["from"] == origins[:1] and got["resumed_at"] == 0, got)
        liar.shutdown()
        liar.server_close()

        # The hall is expelled. It does not know yet, and asks everybody; to both it is a stranger by now, who gets the one
        # 404 and leaves no trace in the served log.
        processes[hall] = start(hall)
        forget(hall)
        token_sync(lab)
        check("before, the lab gives to the hall",
              run(hall, "share", "fetch", "model", "--from", origins[2])["from"] == origins[2:])
        forget(hall)
        run(founder, "member", "expel", origins[1], "--cause", "test")
        round_of_all([founder, lab], 2)
        refused = run(hall, "share", "fetch", "model", code=7)
        check("an expelled member is served no longer", json.dumps(refused).count("node.not_given") == 2, refused)
        for home in (founder, lab):
            token_sync(home)
            rows = [row for row in run(home, "share", "served")["answers"] if row["reader"] == origins[1]]
            check("given before and nothing after, in the served log",
                  [row["given"] for row in rows] == ([] if home == founder else [True]), rows)
    finally:
        for process in processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(timeout=60)

print(f"{'FAILED' if faults else 'passed'}: models between three nodes")
sys.exit(1 if faults else 0)
