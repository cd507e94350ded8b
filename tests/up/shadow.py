#!/usr/bin/env python3
"""A substitute that passes its golden set and lies later is found by the node itself, which rolls the product back.

Once by real requests that are executed again on the incumbent, under load and without any known answers; once by known
answers alone, with the node killed as soon as it has decided; once because the substitute is gone.

usage: tests/up/shadow.py HEZONG SOURCE
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import nodes  # noqa: E402

hezong, source = sys.argv[1], pathlib.Path(sys.argv[2])
check = nodes.Checks("a lying substitute goes back by itself")


def run(*words, codes=(0,)):
    return nodes.run(hezong, home, *words, code=codes, seconds_max=180)


def servers():
    return sorted(path.stem for path in pathlib.Path(home, "serving").glob("*.json"))


def status():
    return run("drill", "status", drill)["products"][0]


def watched(field):
    return status().get("watched", {}).get(field, 0)


def route():
    return [t["claim"] for t in run("pool", "route", "list")["routes"][0]["route"]["targets"]]


def move():
    """A new drill whose product is at its substitute."""
    opened = run("drill", "new", "--lose", "backend:refrt", "--live")["drill"]
    run("drill", "apply", opened)
    return opened


with tempfile.TemporaryDirectory() as folder:
    home = folder + "/home"
    deploy = nodes.drill_house(run, home, source, folder)
    run("job", "submit", "product:reach", "--site", "site:a", "--backend", "backend:refrt", "--claim", "today", "--wait")
    run("pool", "route", "set", "product:reach", "--target", "today,site:a,backend:refrt")
    lie = nodes.turn_wrong(hezong, home, folder, f"os.path.exists('{folder}/programs/lie')") / "lie"
    key, stop, loaded = folder + "/key", folder + "/stop", folder + "/load.json"
    run("pool", "key", "add", "plant", "--product", "product:reach", "--out", key)
    node = nodes.start(hezong, home, "--rerun-every", "3", "--rerun-per-s", "200", "--canary-s", "0")
    url = json.loads(pathlib.Path(home, "node.json").read_text())["url"]
    with open(loaded, "w", encoding="ascii") as out:
        client = subprocess.Popen([sys.executable, str(source / "examples/load.py"), url, "reach",
                                   str(deploy / "products" / "reach.golden"), key, stop], stdout=out)
    try:
        drill = move()
        before = status()
        check("the substitute passes first", before["stage"] == "switched" and before["proof"]["verdict"] == "STRICT", before)
        check.until("real requests are executed again on the incumbent", lambda: watched("compared") >= 40)
        seen = status()
        check("the two agree, and it stays", seen["stage"] == "switched" and seen["watched"]["disagreed"] == 0
              and seen["watched"]["agreed"] == seen["watched"]["compared"] and not seen["watched"]["wrong"], seen)
        check("no known answers were asked", seen["watched"]["canaries"] == 0, seen)
        lie.touch()
        check.until("when it lies it is rolled back, and nobody typed a command", lambda: status()["stage"] == "rolled back")
        seen = status()
        check("why is said, with sample and noise", "real requests: it agrees with the incumbent on" in seen["detail"]
              and "±" in seen["detail"] and seen["watched"]["wrong"] == seen["detail"], seen)
        check("by one step", seen["steps"] == before["steps"] + 1, (before["steps"], seen["steps"]))
        check("its disagreements are counted", seen["watched"]["disagreed"] >= 6, seen["watched"])
        check("the incumbent has the traffic", route() == ["today"], route())
        check.until("and the server that lied is ended", lambda: servers() == ["today"])
        pathlib.Path(stop).touch()
        client.wait(timeout=60)
        load = json.loads(pathlib.Path(loaded).read_text())
        check(f"no request failed ({load['sent']} sent)", load["failed"] == 0 and load["sent"] > 200, load)
        metered = json.dumps(run("pool", "meter", "show"), separators=(",", ":"))
        check(f"each was metered once, and no copy ({seen['watched']['compared']} of them)",
              f"\"whole\":{load['sent']}" in metered, metered)
        shown = subprocess.run([hezong, "--home", home, "drill", "status", drill], capture_output=True, text=True, timeout=60)
        check("a person reads it too", "were executed again on the incumbent" in shown.stdout, shown.stdout)
        bundle = folder + "/exit.hzbundle"
        run("drill", "report", drill, "--out", folder + "/report.html", "--bundle", bundle)
        check("the report shows it", "executed again on the incumbent" in pathlib.Path(folder, "report.html").read_text())
        audit = subprocess.run([hezong, "--home", "/nonexistent", "--json", "audit", "verify", bundle], capture_output=True,
                               text=True, timeout=60)
        told = json.loads(audit.stdout)["bundle"]
        # The node's last word on it may have come after it was looked at above.
        check("and an auditor counts it from the statements", told["holds"] and
              told["exit_plan"]["products"][0]["watched"]["disagreed"] >= seen["watched"]["disagreed"], audit.stdout[:400])

        # Known answers alone, and a node that is killed when it has decided.
        node.send_signal(signal.SIGTERM)
        node.wait(timeout=30)
        lie.unlink()
        node = nodes.start(hezong, home, "--rerun-every", "0", "--canary-s", "1")
        drill = move()
        check.until("known answers ride along", lambda: watched("canaries") >= 1)
        before = status()
        check("and hold", before["stage"] == "switched" and before["watched"]["canaries_short"] == 0
              and before["watched"]["answers"]["cases"] == 100 and before["watched"]["incumbent"]["cases"] == 100, before)
        lie.touch()
        check.until("a lie is seen", lambda: watched("wrong"))
        node.kill()
        node.wait()
        node = nodes.start(hezong, home, "--rerun-every", "0", "--canary-s", "3600")
        check.until("a node that was killed then goes on with it", lambda: status()["stage"] == "rolled back")
        check.until("to the end", lambda: servers() == ["today"])
        seen = status()
        check("for the same reason", seen["detail"].startswith("known answers: ") and
              seen["detail"] == seen["watched"]["wrong"], seen)
        check("once", seen["steps"] == before["steps"] + 1 and route() == ["today"], (before["steps"], seen["steps"], route()))
        check("a command finds nothing left to do", run("drill", "verify", drill, codes=(6,))["error"]["reason"]
              == "drill.nothing_to_do")

        # A substitute that is there no more.
        lie.unlink()
        drill = move()
        before = status()
        [gone] = [claim for claim in servers() if claim != "today"]
        check("it has the traffic", before["stage"] == "switched" and route() == [gone], (before, route()))
        run("job", "cancel", gone)
        check.until("a substitute that is gone is rolled back from", lambda: status()["stage"] == "rolled back")
        seen = status()
        check("which says so", seen["detail"] == f"{gone} does not serve" and seen["steps"] == before["steps"] + 1
              and route() == ["today"], (seen, route()))
        run("log", "verify")
    finally:
        pathlib.Path(stop).touch()
        client.kill()
        for claim in servers():
            run("job", "cancel", claim)
        node.send_signal(signal.SIGTERM)
        node.wait(timeout=30)
check.end()
