#!/usr/bin/env python3
"""A substitute that passes its golden set and lies later is found by the node itself, which rolls the product back.

Once by real requests that are executed again on the incumbent, under load and without any known answers; once with the
node killed shortly before it would have decided, which costs no second window of requests; once by known answers alone,
with the node killed after each of its statements; once because the substitute is gone.

usage: tests/up/shadow.py HEZONG SOURCE CUT_SHIM
"""
import http.client
import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import nodes  # noqa: E402

hezong, source = sys.argv[1], pathlib.Path(sys.argv[2])
sys.path.insert(0, str(source / "examples"))
import load  # noqa: E402

check = nodes.Checks("a lying substitute goes back by itself")


def run(*words, codes=(0,)):
    return house.run(*words, codes=codes)


def servers():
    return house.servers()


def route():
    return house.route()


def status():
    return run("drill", "status", drill)["products"][0]


def watched(field):
    return status().get("watched", {}).get(field, 0)


def move():
    """A new drill whose product is at its substitute."""
    opened = house.drill_opened()
    run("drill", "apply", opened)
    return opened


def ask(count):
    """So many requests of the client, one after the other."""
    node = json.loads(pathlib.Path(house.home, "node.json").read_text())
    line = http.client.HTTPConnection(node["url"].split("://")[1], timeout=60)
    key = pathlib.Path(house.key).read_text().strip()
    head, inputs, _ = load.read_golden(house.deploy / "products" / "reach.golden")
    for values in inputs[:count]:
        line.request("POST", "/v2/models/reach/infer", json.dumps({"inputs": [
            {"name": head["input"]["name"], "shape": [1] + head["input"]["shape"], "datatype": "FP32", "data": values}]}),
            {"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
        answer = line.getresponse()
        answer.read()
        if answer.status != 200:
            sys.exit(f"a request was answered {answer.status}")


def pairs():
    """How many of this drill the node compared, as it keeps them; -1 before it watches it."""
    try:
        kept = json.loads(pathlib.Path(house.home, "watch.json").read_text())["watches"]
    except FileNotFoundError:
        return -1
    return len(kept[0]["pairs"].split()) if kept[0]["counts"]["drill"] == drill else -1


with tempfile.TemporaryDirectory() as folder, nodes.DrillHouse(hezong, source, folder, sys.argv[3]) as house:
    home = house.home
    lie = nodes.turn_wrong(hezong, home, folder, f"os.path.exists('{folder}/programs/lie')") / "lie"
    house.up("--rerun-every", "3", "--rerun-per-s", "200", "--canary-s", "0")
    house.load()
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
    loaded = house.end_load()
    check(f"no request failed ({loaded['sent']} sent)", loaded["failed"] == 0 and loaded["sent"] > 200, loaded)
    metered = json.dumps(run("pool", "meter", "show"), separators=(",", ":"))
    check(f"each was metered once, and no copy ({seen['watched']['compared']} of them)",
          f"\"whole\":{loaded['sent']}" in metered, metered)
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

    # Real requests, and a node that is killed when it has nearly decided: twenty pairs are its smallest window.
    house.down()
    lie.unlink()
    node = house.up("--rerun-every", "1", "--rerun-per-s", "200", "--canary-s", "0")
    drill = move()
    lie.touch()
    check.until("it is watched", lambda: pairs() == 0)
    for more, count in ((6, 6), (6, 12), (5, 17)):
        ask(more)  # no more at a time than the node holds
        check.until(f"{count} wrong answers were compared", lambda: pairs() == count)
    check("that is no verdict yet", status()["stage"] == "switched", status())
    node.kill()
    node.wait()
    house.up("--rerun-every", "1", "--rerun-per-s", "200", "--canary-s", "0")

    def one_more():
        ask(1)
        return status()["stage"] == "rolled back"

    check.until("a few more are, after a kill", one_more)
    seen = status()["watched"]
    check("none was forgotten: less than two windows were needed", 20 <= seen["disagreed"] < 30
          and seen["agreed"] == 0 and "on 0 of the newest 20" in seen["wrong"], seen)
    check.until("its server is ended", lambda: servers() == ["today"])
    check.until("and nothing is watched any more", lambda: not pathlib.Path(home, "watch.json").exists())

    # Known answers alone, and a node that is killed after each of its statements: what it decided, the route, the step.
    house.down()
    lie.unlink()
    node = house.up("--rerun-every", "0", "--canary-s", "1")
    drill = move()
    check.until("known answers ride along", lambda: watched("canaries") >= 1)
    before = status()
    check("and hold", before["stage"] == "switched" and before["watched"]["canaries_short"] == 0
          and before["watched"]["answers"]["cases"] == 100 and before["watched"]["incumbent"]["cases"] == 100, before)
    house.down()
    told = len(house.said_since(drill))
    lie.touch()
    for done in ("what is wrong", "the route", "the step"):
        house.up_cut("--rerun-every", "0", "--canary-s", "1")
        now = status()
        check(f"cut after {done} is signed", (now["stage"] == "rolled back") == (done == "the step")
              and (route() == ["today"]) == (done != "what is wrong") and now["watched"]["wrong"], (now, route()))
    node = house.up("--rerun-every", "0", "--canary-s", "3600")
    check.until("a node that was killed then goes on, to the end", lambda: servers() == ["today"])
    seen = status()
    check("for the same reason", seen["detail"].startswith("known answers: ") and
          seen["detail"] == seen["watched"]["wrong"], seen)
    check("once", seen["steps"] == before["steps"] + 1 and house.said_since(drill)[told:] == ["incumbent 1", "rolled back"],
          (before["steps"], seen["steps"], house.said_since(drill)))
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
check.end()
