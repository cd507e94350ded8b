#!/usr/bin/env python3
"""Capacity lent between members: the lab's model server runs at the hall's site, reached through the hall's node over
TLS; an unchanged client of the lab's gateway gets right answers; a recall drains without a failed request and ends at
its time, not before; the hall's node is killed at random moments and nothing is lost or started twice.

usage: tests/up/lend.py HEZONG SOURCE
"""
import getpass
import http.client
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import nodes  # noqa: E402

hezong, source = sys.argv[1], pathlib.Path(sys.argv[2])
check = nodes.Checks("capacity lent between members")
products = source / "examples/alliance/products"
seed = 20261129
account = "nobody" if getpass.getuser() == "root" else getpass.getuser()


def run(home, *words, code=0):
    return nodes.run(hezong, home, *words, code=code)


def refused(home, *words):
    """The reason that a command names."""
    done = subprocess.run([hezong, "--home", home, "--json", *words], capture_output=True, text=True, timeout=120,
                          env={**os.environ, "HEZONG_PROGRESS": "off"})
    return json.loads(done.stderr)["error"]["reason"] if done.returncode else "none"


processes = []


def start(home, port, *flags):
    processes.append(nodes.start_in_step(hezong, home, "--port", str(port), *flags))
    return processes[-1]


def node_file(home):
    return json.loads(pathlib.Path(home, "node.json").read_text())


class Client:
    """An OIP client that knows a host, a model and a key, and nothing of alliances."""

    def __init__(self, place, key):
        self.connection = http.client.HTTPConnection(place, timeout=60)
        self.headers = {"Authorization": "Bearer " + key, "Content-Type": "application/json"}

    def infer(self, pixels):
        body = json.dumps({"inputs": [{"name": "image", "datatype": "FP32", "shape": [1, 1, 24, 24], "data": pixels}]})
        self.connection.request("POST", "/v2/models/glyph/infer", body=body, headers=self.headers)
        answer = self.connection.getresponse()
        return answer, answer.read()


def best_class(body):
    logits = json.loads(body)["outputs"][0]["data"]
    return logits.index(max(logits))


def taken(home, claim):
    rows = [r for r in run(home, "job", "list", "--all")["taken"] if r["claim"] == claim]
    return rows[0] if rows else {"state": "none"}


def submit(home, claim, *more, offer="o1", code=0):
    return run(home, "job", "submit", "product:glyph", "--offer", offer, "--backend", "backend:refrt", "--claim", claim,
               *more, code=code)


def keepers(home, lease):
    """Processes that keep this claim of that member's site; what one of them started itself is not counted."""
    mark = str(pathlib.Path(home, "site/claims", lease))
    out = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                if b"hezong-keeper" in words[0] and mark.encode() in words:
                    out.append((int(entry.name), int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])))
            except OSError:
                continue
    return [pid for pid, parent in out if parent not in [other for other, _ in out]]


with tempfile.TemporaryDirectory() as folder:
    hall, lab = f"{folder}/hall", f"{folder}/lab"
    try:
        run(hall, "init", "--name", "Hall", "--origin", "hall.example/log")
        run(lab, "init", "--name", "Lab", "--origin", "lab.example/log")
        # The hall's node speaks TLS only, as every node beyond its own machine does.
        hall_node = start(hall, 0, "--tls", "--gateway-listen", "127.0.0.1")
        hall_port = int(node_file(hall)["url"].rsplit(":", 1)[1])
        start(lab, 0)
        place = node_file(lab)["url"].split("://")[1]
        nodes.lend_between(run, hall, lab, account, 3, folder)
        notice_s = 6
        run(hall, "pool", "offer", "add", "o1", "--site", "site:hall", "--from", "local", "--window", "now..+1h",
            "--recall-notice-s", str(notice_s), "--price-hour", "3600000", "--price-inferences", "7000000")
        check.until("the lab sees the offer", lambda: any(o["offer"] == "o1" and o["free_now"] == 3 and not o["own"]
                                                    for o in run(lab, "pool", "offers")["offers"]))

        # A model that nobody released to the hall is not served there; where data may not be, nothing is claimed.
        run(lab, "exposure", "scan", str(products))
        submit(lab, "unreleased", "--wait", code=3)
        check("without a release it is refused", taken(lab, "unreleased").get("reason") == "pool.lease_model",
              taken(lab, "unreleased"))
        run(lab, "share", "release", str(products / "glyph.onnx"), "--name", "glyph", "--licence", "Apache-2.0",
            "--audience", "members", "--control", "none")
        submit(lab, "far", "--wait", "--data-at", "hall.example/log")
        row = taken(lab, "far")
        check("the server is ready at the hall's site", row["state"] == "ready" and row["site"] == "site:hall", row)
        lease = row["lease"]
        asked = json.loads(pathlib.Path(hall, "site/claims", lease, "request.json").read_text())
        check("as the account that the hall maps", asked["user"] == account, asked)
        file = pathlib.Path(lab, "serving/far.json")
        check("its credential is for the lab's eyes", file.stat().st_mode & 0o077 == 0 and
              json.loads(file.read_text())["pin"] != "", file.read_text())
        hall_log = b"".join(p.read_bytes() for p in pathlib.Path(hall, "log").rglob("*") if p.is_file())
        check("and in no log", json.loads(file.read_text())["secret"].encode() not in hall_log)

        run(lab, "pool", "route", "set", "product:glyph", "--target", "far,site:hall,backend:refrt")
        secret = run(lab, "pool", "key", "add", "app", "--product", "product:glyph")["secret"]
        pictures = nodes.golden_inputs(products / "glyph.golden", 40)
        client = Client(place, secret)
        check.until("the gateway knows the way", lambda: client.infer(pictures[0][0])[0].status == 200)
        right, answers = 0, 40
        for pixels, wanted in pictures:
            answer, body = client.infer(pixels)
            right += answer.status == 200 and best_class(body) == wanted
        check("the unchanged client gets right answers", right == answers, right)
        check("which say where", answer.getheader("hezong-site") == "site:hall", answer.getheaders())

        def metered(home):
            rows = [u for u in run(home, "pool", "meter", "show")["usage"] if u.get("lease") == lease]
            return sum(u["whole"] for u in rows), sum(u["units"] for u in rows), sum(u["answer_bytes"] for u in rows)

        check("both sides metered the same under the lease", metered(hall) == metered(lab) and metered(lab)[0] >= 41,
              (metered(hall), metered(lab)))
        check("the lab reads the log of its job", "log" in run(lab, "job", "logs", "far"))
        stranger = http.client.HTTPSConnection("127.0.0.1", hall_port, timeout=30,
                                               context=__import__("ssl")._create_unverified_context())
        replies = set()
        for path, headers in ((f"/lease/{lease}", {}), (f"/lease/{lease}/log", {}), ("/lease/l-none", {}),
                              (f"/lease/{lease}", {"hezong-peer": "lab.example/log 1 " + "A" * 86 + "=="})):
            stranger.request("GET", path, headers=headers)
            said = stranger.getresponse()
            replies.add((said.status, said.read()))
        check("a stranger learns nothing of a lease", len(replies) == 1 and next(iter(replies))[0] == 404, replies)
        check("the hall does not end it without notice", refused(hall, "job", "cancel", lease) == "pool.lease_running"
              and refused(hall, "pool", "recall", lease, "--after-s", "1") == "pool.recall_notice"
              and refused(lab, "pool", "recall", lease) == "pool.no_lease" and taken(lab, "far")["state"] == "ready")
        quota = run(lab, "pool", "quota")
        check("the quota counts it", [r["lease"] for r in quota["held"]] == [lease] and quota["left"][0]["left"] == 2,
              quota)

        # A second server, at the lab's own site; then the hall takes its own back, under load.
        run(lab, "pool", "site", "add", "site:lab", "--name", "Lab", "--jurisdiction", "CN", "--backend",
            "backend:refrt", "--price-fen-per-hour-min", "1", "--price-fen-per-hour-max", "2", "--switch-minutes-min",
            "1", "--switch-minutes-max", "2")
        pathlib.Path(lab, "sites.json").write_text('{"sites":[{"site":"site:lab","adapter":"local"}]}')
        run(lab, "job", "submit", "product:glyph", "--site", "site:lab", "--backend", "backend:refrt", "--claim",
            "near", "--model", str(products / "glyph.onnx"), "--wait")
        run(lab, "pool", "route", "set", "product:glyph", "--target", "far,site:hall,backend:refrt", "--target",
            "near,site:lab,backend:refrt")
        results, lock, enough = [], threading.Lock(), threading.Event()

        def load():
            mine = Client(place, secret)
            i = 0
            while not enough.is_set():
                pixels, wanted = pictures[i % len(pictures)]
                i += 1
                try:
                    said, content = mine.infer(pixels)
                    good = said.status == 200 and best_class(content) == wanted
                    where = said.getheader("hezong-site")
                except (OSError, http.client.HTTPException) as error:
                    good, where = False, repr(error)
                with lock:
                    results.append((good, where, time.time()))
                threading.Event().wait(0.005)  # the pace of the client, not a wait of the test

        threads = [threading.Thread(target=load) for _ in range(3)]
        for t in threads:
            t.start()
        check.until("both serve", lambda: {w for _, w, _ in list(results)} >= {"site:hall", "site:lab"})
        recall = run(hall, "pool", "recall", lease, "--reason", "own need")["recall"]
        check("once", refused(hall, "pool", "recall", lease) == "pool.recalled")
        keeper = keepers(hall, lease)
        check.until("the lab hears of it", lambda: taken(lab, "far").get("reason") == "recalled")
        drained_at = None
        while keepers(hall, lease):
            gone_before = time.time() * 1000 < recall["ends_ms"]
            if drained_at is None and not file.exists():
                drained_at = time.time() * 1000
            threading.Event().wait(0.05)
            if time.time() * 1000 > recall["ends_ms"] + 20_000:
                break
        ended_ms = time.time() * 1000
        check("the server ends at its time, not before", len(keeper) == 1 and not keepers(hall, lease) and
              recall["ends_ms"] <= ended_ms < recall["ends_ms"] + 5_000, (ended_ms - recall["ends_ms"], keeper))
        check("the lab's gateway had drained before", drained_at is not None and drained_at < recall["ends_ms"],
              (drained_at, recall))
        check.until("the load goes on at the other one", lambda: len([1 for _, _, at in list(results)
                                                                if at * 1000 > recall["ends_ms"] + 500]) > 50)
        enough.set()
        for t in threads:
            t.join()
        check(f"{len(results)} requests over the recall, none failed", all(g for g, _, _ in results),
              [w for g, w, _ in results if not g][:3])
        late = [w for _, w, at in results if at * 1000 > recall["ends_ms"] + 200]
        check("none at the hall after the end", "site:hall" not in late, len(late))
        check.until("the lease is over on both sides", lambda: taken(lab, "far")["state"] == "over" and
              run(hall, "pool", "quota")["lent"] == [])

        # More than there is, and the lab's hall is killed at random moments.
        chance = random.Random(seed)
        claims = [f"k{i}" for i in range(4)]
        hall_node.send_signal(signal.SIGKILL)
        hall_node.wait()
        for claim in claims:
            submit(lab, claim)
        for _ in range(4):
            hall_node = start(hall, hall_port, "--tls")
            threading.Event().wait(chance.uniform(0.05, 1.2))
            hall_node.send_signal(signal.SIGKILL)
            hall_node.wait()
        hall_node = start(hall, hall_port, "--tls")
        check.until("three run, the fourth is refused", lambda: sorted(taken(lab, c)["state"] for c in claims) ==
              ["ready"] * 3 + ["refused"])
        states = {c: taken(lab, c) for c in claims}
        check("for want of devices", [r["reason"] for r in states.values() if r["state"] == "refused"] ==
              ["pool.offer_taken"], states)
        running = [r["lease"] for r in states.values() if r["state"] == "ready"]
        check("each server runs once", [len(keepers(hall, one)) for one in running] == [1, 1, 1],
              [keepers(hall, one) for one in running])
        check("each claim has one answer", len({r["lease"] for r in states.values()}) == 4, states)
        # Killed while leases end: what was given up ends once.
        for claim in claims:
            if states[claim]["state"] == "ready":
                run(lab, "job", "cancel", claim)
        for _ in range(2):
            threading.Event().wait(chance.uniform(0.3, 1.5))
            hall_node.send_signal(signal.SIGKILL)
            hall_node.wait()
            hall_node = start(hall, hall_port, "--tls")
        check.until("what was given up has ended", lambda: not any(keepers(hall, one) for one in running) and
              run(hall, "pool", "quota")["lent"] == [])
        check.until("and all is free again", lambda: run(lab, "pool", "offers")["offers"][0]["free_now"] == 3)

        # Two devices in one server, and another offer of the same three.
        run(hall, "pool", "offer", "add", "o2", "--site", "site:hall", "--from", "local", "--window", "now..+1h")
        check.until("the lab sees both offers", lambda: len(run(lab, "pool", "offers")["offers"]) == 2)
        submit(lab, "wide", "--devices", "2", "--wait")
        wide = taken(lab, "wide")
        asked = json.loads(pathlib.Path(hall, "site/claims", wide["lease"], "request.json").read_text())
        check("a server holds two devices", wide["state"] == "ready" and asked["devices"] == 2, (wide, asked))
        used = wide["heard"]["usage"]
        check("and is metered for both", used["device_ms"] == 2 * used["wall_ms"], used)
        submit(lab, "more", "--devices", "2", "--wait", offer="o2", code=3)
        check("no device is lent twice", taken(lab, "more").get("reason") == "pool.offer_taken", taken(lab, "more"))
        submit(lab, "last", "--wait", offer="o2")
        check("what is left is lent", taken(lab, "last")["state"] == "ready", taken(lab, "last"))
    finally:
        for home in (hall, lab):
            for claim in pathlib.Path(home, "site/claims").glob("*"):
                for pid in keepers(home, claim.name):
                    os.kill(pid, signal.SIGTERM)
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()
check.end()
