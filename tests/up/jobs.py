#!/usr/bin/env python3
"""A node and its model servers: the node sees that one became ready, is killed, comes back and finds it again; the
server dies and the node notices by itself; who has no token starts and ends nothing.

usage: tests/up/jobs.py HEZONG
"""
import http.client
import json
import os
import pathlib
import signal
import sys
import tempfile
import time

from nodes import Checks, ask, run, start

hezong = sys.argv[1]
check = Checks("a node and its model servers")
root = pathlib.Path(__file__).resolve().parent.parent.parent
products = root / "examples/alliance/products"


def until(what, ready, seconds=30):
    end = time.time() + seconds
    while not ready():
        if time.time() > end:
            check(what, False, "not in time")
            return False
        time.sleep(0.02)
    check(what, True)
    return True


def metadata(serving):
    connection = http.client.HTTPConnection(serving["address"], serving["port"], timeout=10)
    connection.request("GET", f"/v2/models/{serving['model']}")
    return json.loads(connection.getresponse().read())


def children(pid):
    return [int(p) for p in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


with tempfile.TemporaryDirectory() as folder:
    home = pathlib.Path(folder, "home")
    run(hezong, home, "init", "--name", "Hall")
    run(hezong, home, "exposure", "scan", str(products))
    run(hezong, home, "pool", "site", "add", "site:hall-a", "--name", "Hall A", "--jurisdiction", "CN", "--backend", "backend:refrt",
        "--price-fen-per-hour-min", "1", "--price-fen-per-hour-max", "2", "--switch-minutes-min", "1", "--switch-minutes-max", "2")
    (home / "sites.json").write_text('{"sites":[{"site":"site:hall-a","adapter":"local"}]}')
    serving = home / "serving" / "one.json"
    keeper = home / "site/claims/one/keeper.json"
    node = start(hezong, home)
    job = {"product": "product:glyph", "site": "site:hall-a", "backend": "backend:refrt", "claim": "one", "model": str(products / "glyph.onnx")}
    status, _ = ask(home, "POST", "/v1/pool/jobs", json.dumps(job), token=False)
    check("without the token nothing starts", status == 401 and not keeper.exists(), status)
    status, body = ask(home, "POST", "/v1/pool/jobs", json.dumps(job))
    check("with it a job is taken", status == 200, body)
    if until("the node sees by itself that the server is ready", serving.exists):
        said = json.loads(serving.read_text())
        digest = metadata(said)["parameters"]["hz_digest"]
        check("the file says which bytes the server echoes", said["sha256"] == digest, said)
    status, _ = ask(home, "POST", "/v1/pool/jobs/one/cancel", "{}", token=False)
    check("without the token nothing ends", status == 401 and serving.exists(), status)
    status, _ = ask(home, "GET", "/v1/pool/jobs", token=False)
    check("without the token nothing is listed", status == 401, status)

    node.send_signal(signal.SIGKILL)
    node.wait()
    check("the server does not die with its node", metadata(said)["parameters"]["hz_digest"] == digest)
    serving.unlink()  # as if it had become ready while no node ran
    node = start(hezong, home)
    until("a restarted node finds it again", serving.exists)
    warder = children(json.loads(keeper.read_text())["pid"])[0]
    os.kill(children(warder)[0], signal.SIGKILL)
    until("a node notices by itself that a server died", lambda: not serving.exists())
    jobs = run(hezong, home, "job", "list", "--all")["jobs"]
    check("and says why", jobs[0]["observed"]["reason"] == "pool.job_ended" and "SIGKILL" in jobs[0]["observed"]["detail"], jobs)

    run(hezong, home, "job", "submit", "product:intent", "--site", "site:hall-a", "--backend", "backend:refrt", "--claim", "two",
        "--model", str(products / "intent.onnx"), "--wait")
    status, body = ask(home, "POST", "/v1/pool/jobs/two/cancel", "{}")
    check("a job is ended over HTTP", status == 200 and json.loads(body)["job"]["observed"]["state"] == "ended", body)
    check("and is served no more", not (home / "serving/two.json").exists())
    node.terminate()
    node.wait()
check.end()
