"""Nodes as processes, for the tests in this folder."""
import http.client
import json
import os
import pathlib
import shutil
import signal
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


def drill_house(run, home, source, folder):
    """A member with one product, its model and golden set released, two backends, and two sites that can serve it."""
    deploy = pathlib.Path(folder, "deploy")
    (deploy / "products").mkdir(parents=True)
    for file in (source / "examples/alliance/products").glob("reach.*"):
        shutil.copy(file, deploy / "products")
    # The incumbent is our own runtime here, so that the test needs no npm; what is lost is its entity.
    manifest = deploy / "products" / "reach.toml"
    manifest.write_text(manifest.read_text().replace("backend:ort", "backend:refrt"))
    shutil.copy(source / "examples/alliance/backends.toml", deploy)
    run("init", "--name", "One", "--origin", "one.example")
    run("supply", "entities", "import", str(source / "examples/alliance/entities.toml"))
    for ending in ("onnx", "golden"):
        run("share", "release", str(deploy / "products" / f"reach.{ending}"), "--name", f"reach-{ending}", "--licence",
            "Apache-2.0", "--audience", "owner", "--control", "none")
    run("exposure", "scan", str(deploy), codes=(0, 3))
    run("conform", "run", "--backend", "refrt", "--backend", "opencv", codes=(0, 3))
    for site in ("a", "b"):
        run("pool", "site", "add", f"site:{site}", "--name", site, "--jurisdiction", "SG", "--backend", "backend:refrt",
            "--backend", "backend:opencv", "--price-fen-per-hour-min", "1", "--price-fen-per-hour-max", "2",
            "--switch-minutes-min", "0", "--switch-minutes-max", "1")
    pathlib.Path(home, "sites.json").write_text(json.dumps(
        {"sites": [{"site": f"site:{site}", "adapter": "local", "slots": 4} for site in ("a", "b")]}))
    return deploy


class DrillHouse:
    """That member with its product served by its incumbent, `today`, and a key to call it; all of it ends with this."""

    def __init__(self, hezong, source, folder, shim):
        self.hezong, self.source, self.folder, self.home = hezong, source, folder, folder + "/home"
        self.node = self.client = None
        self.deploy = drill_house(self.run, self.home, source, folder)
        self.run("job", "submit", "product:reach", "--site", "site:a", "--backend", "backend:refrt", "--claim", "today", "--wait")
        self.run("pool", "route", "set", "product:reach", "--target", "today,site:a,backend:refrt")
        self.key, self.stop, self.loaded = folder + "/key", folder + "/stop", folder + "/load.json"
        self.run("pool", "key", "add", "plant", "--product", "product:reach", "--out", self.key)
        # What ends right after the first statement that it signs.
        self.cut = {**os.environ, "HEZONG_PROGRESS": "off", "LD_PRELOAD": shim, "HZ_CUT_AFTER": "1"}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pathlib.Path(self.stop).touch()
        if self.client:
            self.client.kill()
        for claim in self.servers():
            self.run("job", "cancel", claim)
        self.down()

    def run(self, *words, codes=(0,)):
        return run(self.hezong, self.home, *words, code=codes, seconds_max=180)

    def up(self, *flags):
        self.node = start(self.hezong, self.home, *flags)
        return self.node

    def down(self):
        if self.node and self.node.poll() is None:
            self.node.send_signal(signal.SIGTERM)
            self.node.wait(timeout=30)

    def up_cut(self, *flags):
        """A node that ends as soon as it signs something; waits for that."""
        subprocess.run([self.hezong, "--home", self.home, "up", "--sync-ms", "0", *flags], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=60, env=self.cut)

    def cut_after_each(self, *words):
        """Types the command until it ends by itself; each one dies right after its first statement. How many did."""
        for cuts in range(40):
            done = subprocess.run([self.hezong, "--home", self.home, "--json", *words], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, timeout=180, env=self.cut)
            # 6: everything had been done by the one before, and only its answer was lost.
            if done.returncode in (0, 6):
                return cuts
            if done.returncode != -signal.SIGKILL:
                break
        sys.exit(f"{words} ended with {done.returncode} after {cuts} cuts")

    def load(self):
        """An ordinary client calls the product from now on."""
        url = json.loads(pathlib.Path(self.home, "node.json").read_text())["url"]
        with open(self.loaded, "w", encoding="ascii") as out:
            self.client = subprocess.Popen([sys.executable, str(self.source / "examples/load.py"), url, "reach",
                                            str(self.deploy / "products" / "reach.golden"), self.key, self.stop], stdout=out)

    def end_load(self):
        """And no more: what it saw."""
        pathlib.Path(self.stop).touch()
        self.client.wait(timeout=60)
        pathlib.Path(self.stop).unlink()
        return json.loads(pathlib.Path(self.loaded).read_text())

    def servers(self):
        return sorted(path.stem for path in pathlib.Path(self.home, "serving").glob("*.json"))

    def route(self):
        return [t["claim"] for t in self.run("pool", "route", "list")["routes"][0]["route"]["targets"]]

    def drill_opened(self):
        return self.run("drill", "new", "--lose", "backend:refrt", "--live")["drill"]

    def said_since(self, drill):
        """What was signed after a drill was opened, oldest first: steps by their stage, routes by who gets how much."""
        out = []
        for line in self.run("log", "show", "--limit", "100")["statements"]:
            if line["id"] == drill:
                return out[::-1]
            body = self.run("log", "cat", line["id"])["body"] if line["kind"] in ("drill.step", "pool.route") else {}
            if line["kind"] == "drill.step":
                out.append(body["stage"])
            elif line["kind"] == "pool.route":
                out.append(" ".join(f"{'incumbent' if t['claim'] == 'today' else 'substitute'} {t['weight']}"
                                    for t in body["targets"]))
        sys.exit(f"{drill} is not in the log")


# A server that hands on to the real one, and under a condition gives every answer the wrong way round.
TURNING = """
import http.client, http.server, json, os, struct, subprocess
child = subprocess.Popen(["ENGINE", "serve", "--engine", "opencv", "--body-bytes-max", "1073741824"], stdout=subprocess.PIPE)
port, asked = json.loads(child.stdout.readline())["port"], 0


class Between(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one piece: two of them wait for each other's acknowledgement
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def hand_on(self):
        global asked
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        line = http.client.HTTPConnection("127.0.0.1", port)
        line.request(self.command, self.path, body, {k: v for k, v in self.headers.items() if k.lower() != "host"})
        answer = line.getresponse()
        data, head = answer.read(), answer.getheader("Inference-Header-Content-Length")
        if self.path.endswith("/infer"):
            asked += 1
            if CONDITION:
                if head:
                    raw = data[int(head):]
                    data = data[:int(head)] + b"".join(raw[i:i + 4] for i in range(len(raw) - 4, -1, -4))
                else:
                    said = json.loads(data)
                    said["outputs"][0]["data"].reverse()
                    data = json.dumps(said).encode()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = hand_on


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Between)
server.daemon_threads = True
print(json.dumps({"port": server.server_address[1]}), flush=True)
server.serve_forever()
"""


def turn_wrong(hezong, home, folder, condition):
    """From now on what the sites start is such a server. The folder that it can read."""
    programs = pathlib.Path(folder, "programs")
    programs.mkdir()
    engine = os.path.join(os.path.dirname(os.path.abspath(hezong)), "oip-host")
    turning = programs / "turning.py"
    turning.write_text(TURNING.replace("ENGINE", engine).replace("CONDITION", condition))
    os.chmod(folder, 0o755)
    sites = json.loads(pathlib.Path(home, "sites.json").read_text())
    for site in sites["sites"]:
        site.update(command=["/usr/bin/python3", "-I", str(turning)], read_paths=[str(programs), os.path.dirname(engine)])
    pathlib.Path(home, "sites.json").write_text(json.dumps(sites))
    return programs
