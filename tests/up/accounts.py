#!/usr/bin/env python3
"""Two companies settle a real lease: the lab's server ran at the hall's site and was called through both nodes. The hall's
node bills it, the lab's node counter-signs what its own meter confirms, a bill for more than that is left unsigned, the
period is closed, and both nodes count the same bytes; the hall's node is killed while it bills and bills nothing twice.

usage: tests/up/accounts.py HEZONG SOURCE
"""
import getpass
import http.client
import json
import os
import pathlib
import signal
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import nodes  # noqa: E402

hezong, source = sys.argv[1], pathlib.Path(sys.argv[2])
check = nodes.Checks("a lease is billed, counter-signed and settled")
products = source / "examples/alliance/products"
account = "nobody" if getpass.getuser() == "root" else getpass.getuser()
processes = []


def run(home, *words, code=0):
    return nodes.run(hezong, home, *words, code=code)


def start(home, *flags):
    processes.append(nodes.start_in_step(hezong, home, *flags))
    return processes[-1]


def bills(home):
    return run(home, "meter", "receipts")["bills"]


def state(home, bill):
    return next((b["state"] for b in bills(home) if b["bill"]["bill"] == bill), "unknown")


with tempfile.TemporaryDirectory() as folder:
    hall, lab = f"{folder}/hall", f"{folder}/lab"
    try:
        run(hall, "init", "--name", "Hall", "--origin", "hall.example/log")
        run(lab, "init", "--name", "Lab", "--origin", "lab.example/log")
        hall_node = start(hall, "--tls")
        hall_port = json.loads(pathlib.Path(hall, "node.json").read_text())["url"].rsplit(":", 1)[1]
        start(lab)
        nodes.lend_between(run, hall, lab, account, 2, folder)
        run(hall, "pool", "offer", "add", "o1", "--site", "site:hall", "--from", "local", "--window", "now..+1h",
            "--recall-notice-s", "1", "--price-hour", "3600000000", "--price-inferences", "7000000")
        run(lab, "exposure", "scan", str(products))
        run(lab, "share", "release", str(products / "glyph.onnx"), "--name", "glyph", "--licence", "Apache-2.0",
            "--audience", "members", "--control", "none")
        check.until("the lab sees the offer", lambda: run(lab, "pool", "offers")["offers"])
        run(lab, "job", "submit", "product:glyph", "--offer", "o1", "--backend", "backend:refrt", "--claim", "far",
            "--wait")
        run(lab, "pool", "route", "set", "product:glyph", "--target", "far,site:hall,backend:refrt")
        secret = run(lab, "pool", "key", "add", "app", "--product", "product:glyph")["secret"]
        place = json.loads(pathlib.Path(lab, "node.json").read_text())["url"].split("://")[1]
        client = http.client.HTTPConnection(place, timeout=60)
        body = json.dumps({"inputs": [{"name": "image", "datatype": "FP32", "shape": [1, 1, 24, 24],
                                       "data": [0.0] * 576}]})

        def call():
            client.request("POST", "/v2/models/glyph/infer", body=body,
                           headers={"Authorization": "Bearer " + secret, "Content-Type": "application/json"})
            answer = client.getresponse()
            answer.read()
            return answer.status == 200

        check.until("the gateway knows the way", call)
        check("calls are answered", all(call() for _ in range(30)))
        today = time.strftime("%Y-%m-%d", time.gmtime())
        yesterday = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86400))

        rows = run(hall, "meter", "reconcile", today)["lines"]
        check("used and not billed is seen", [r["status"] for r in rows] == ["one_sided"] and
              rows[0]["next"] == "hall.example/log", rows)
        # The operators let their nodes act: from here on nobody types a bill or a signature.
        automatic = {"bill": True, "period": "day", "every_s": 1}
        pathlib.Path(lab, "accounts.json").write_text(json.dumps(automatic))
        pathlib.Path(hall, "accounts.json").write_text(json.dumps(automatic))
        check.until("the lab's node counter-signed", lambda: [b["state"] for b in bills(lab)] == ["accepted"])
        first = bills(lab)[0]
        whole = run(lab, "meter", "receipts", first["bill"]["bill"])["bills"][0]["receipts"][0]
        check("devices and requests are in it", whole["used"]["device_ms"] > 0 and whole["used"]["units"] == 31, whole)
        log = b"".join(p.read_bytes() for p in pathlib.Path(hall, "log").rglob("*") if p.is_file())
        check("the sum is in the log, the receipts are not",
              first["bill"]["details"].encode() in log and b'"device_ms"' not in log)

        # Killed at any moment around the bill of the rest, it bills once.
        run(lab, "job", "cancel", "far")
        for _ in range(3):
            threading.Event().wait(0.4)
            hall_node.send_signal(signal.SIGKILL)
            hall_node.wait()
            hall_node = start(hall, "--tls", "--port", hall_port)

        def billed(what):
            return sum(r["used"][what] for b in bills(lab)
                       for r in run(lab, "meter", "receipts", b["bill"]["bill"])["bills"][0]["receipts"])

        def kept():
            return json.loads(next(pathlib.Path(hall, "site/claims").glob("*/usage.json")).read_text())["device_ms"]

        check.until("the ended lease is billed and signed, each device-millisecond and call once", lambda: len(bills(lab)) >= 2
              and all(b["state"] == "accepted" for b in bills(lab)) and billed("device_ms") == kept() and
              not [r for r in run(hall, "meter", "reconcile", today)["lines"] if r["status"] == "one_sided"])
        check("no call twice", billed("units") == 31, billed("units"))

        # More than was used: the lab's node leaves it to a person.
        more = {"usage": [{"member": "lab.example/log", "subject": whole["subject"], "what": whole["what"],
                           "used": {"device_ms": kept() + 86_400_000, "units": 31},
                           "price": whole["price"]}]}
        pathlib.Path(folder, "more.json").write_text(json.dumps(more))
        false_bill = run(hall, "meter", "bill", today, "--file", f"{folder}/more.json")["bills"][0]["bill"]
        check.until("it arrives", lambda: state(lab, false_bill) == "open")
        check.until("it is called a mismatch", lambda: any(r["bill"] == false_bill and r["status"] == "mismatched" for r in
                                                     run(lab, "meter", "reconcile", today, code=(0, 3))["lines"]))
        run(lab, "meter", "reconcile", today, code=3)
        run(lab, "meter", "dispute", false_bill, "--cause", "it had ended")
        check.until("the hall hears why", lambda: any("it had ended" in "".join(r["differs"]) and r["status"] == "disputed" for r
                                                in run(hall, "meter", "reconcile", today, code=(0, 3))["lines"])
              if state(hall, false_bill) == "disputed" else False)
        run(hall, "meter", "reconcile", today, code=3)
        run(hall, "meter", "withdraw", false_bill)

        owed = sum(b["bill"]["amount_micro"] for b in bills(lab) if b["state"] == "accepted")
        closed = run(hall, "pool", "close", yesterday, "--step-micro", "1")
        got = {t["member"]: int(t["amount_micro"]) for t in closed["close"]["transfers"]}
        check("one netted transfer each", got == {"hall.example/log": owed, "lab.example/log": -owed}, (got, owed))
        check.until("the lab's node counted again and signed", lambda: len(run(hall, "pool", "recount", yesterday)["signed_by"])
              == 2)
        check.until("both logs are on both sides", lambda: run(hall, "pool", "ledger")["frontier"]["digest"] ==
              run(lab, "pool", "ledger")["frontier"]["digest"])
        counts = [run(home, "pool", "recount", yesterday) for home in (hall, lab)]
        check("both count the same", counts[0] == counts[1] and counts[0]["verdict"] == "holds", counts)
        check("nothing is left to pay", all(a["balance"] == "0" for a in run(lab, "pool", "ledger")["books"]["accounts"]))
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()
        for home in (hall, lab):
            for claim in pathlib.Path(home, "site/claims").glob("*"):
                mark = str(claim)
                for entry in pathlib.Path("/proc").iterdir():
                    if entry.name.isdigit():
                        try:
                            words = (entry / "cmdline").read_bytes().split(b"\0")
                        except OSError:
                            continue
                        if b"hezong-keeper" in words[0] and mark.encode() in words:
                            os.kill(int(entry.name), signal.SIGTERM)
check.end()
