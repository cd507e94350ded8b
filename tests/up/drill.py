#!/usr/bin/env python3
"""A live drill whose commands are killed anywhere and typed again, under load that must not notice.

Then cut on purpose after each of its statements, and so between a route and the step that tells of it: what is signed
in all is what one command would have signed.

usage: tests/up/drill.py HEZONG SOURCE CUT_SHIM [ROUNDS]
"""
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import nodes  # noqa: E402

hezong, source = sys.argv[1], pathlib.Path(sys.argv[2])
rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 2
seed = 20261129
check = nodes.Checks("a live drill that is cut anywhere")
rng = random.Random(seed)
quiet = {**os.environ, "HEZONG_PROGRESS": "off"}


def run(*words, codes=(0,)):
    return house.run(*words, codes=codes)


def cut_off(*words):
    """Types the command, kills it at a random moment, and types it again until it ends by itself. How often it was cut."""
    cuts = 0
    while True:
        process = subprocess.Popen([hezong, "--home", home, "--json", *words], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, env=quiet)
        try:
            out, err = process.communicate(timeout=rng.uniform(0.05, 1.2) if cuts < 6 else 180)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            cuts += 1
            continue
        # 6: everything had been done by the one before, and only its answer was lost.
        if process.returncode not in (0, 6):
            sys.exit(f"{words} ended with {process.returncode}:\n{out}\n{err}")
        return cuts


def servers():
    return house.servers()


with tempfile.TemporaryDirectory() as folder, nodes.DrillHouse(hezong, source, folder, sys.argv[3]) as house:
    home = house.home
    # Only commands look after the answers here; shadow.py is about the node that does.
    house.up("--rerun-every", "0", "--canary-s", "0")
    house.load()
    print(f"seed {seed}")
    before = run("pool", "route", "list")["routes"]
    table_top = run("drill", "new", "--lose", "backend:refrt")["drill"]
    run("drill", "apply", table_top)
    said = run("drill", "status", table_top)["products"][0]
    check("a table-top drill says the same steps", said["stage"] == "switched" and "on the table" in said["detail"], said)
    check("and moves nothing", run("pool", "route", "list")["routes"] == before and servers() == ["today"], servers())
    run("drill", "verify", table_top)
    run("drill", "fail-back", table_top)
    check("and comes back", run("drill", "status", table_top)["products"][0]["stage"] == "failed back")
    refused = run("drill", "fail-back", "000000", codes=(5,))
    check("a drill that is none is named", refused["error"]["reason"] == "drill.no_drill", refused)
    cuts = 0
    for number in range(rounds):
        opened = run("drill", "new", "--lose", "backend:refrt", "--live")
        would = run("drill", "apply", "--dry-run")["would"]
        check(f"{number}: the plan has a substitute that is not what is lost",
              [line["backend"] for line in would] == ["backend:opencv"], would)
        cuts += cut_off("drill", "apply", opened["drill"])
        state = run("drill", "status", opened["drill"])["products"][0]
        check(f"{number}: the traffic is at the substitute", state["stage"] == "switched", state)
        route = run("pool", "route", "list")["routes"][0]["route"]
        check(f"{number}: and so is the route", [t["claim"] for t in route["targets"]] == [state["claim"]], route)
        run("drill", "verify", opened["drill"], "--cases", "100")
        cuts += cut_off("drill", "fail-back", opened["drill"])
        state = run("drill", "status", opened["drill"])["products"][0]
        check(f"{number}: the incumbent has it back", state["stage"] == "failed back", state)
        route = run("pool", "route", "list")["routes"][0]["route"]
        check(f"{number}: by route", [t["claim"] for t in route["targets"]] == ["today"], route)
        run("drill", "fail-back", opened["drill"], codes=(0, 6))  # ends what a cut left behind
        check(f"{number}: no substitute is left running", servers() == ["today"], servers())
    check(f"commands were cut off on the way ({cuts} times)", cuts >= rounds)
    whole = house.drill_opened()
    run("drill", "apply", whole)
    run("drill", "fail-back", whole)
    whole = house.said_since(whole)
    check("a drill that nobody cuts moves a part of the traffic, all of it, and back",
          [one for one in whole if one.startswith(("incumbent", "substitute"))]
          == ["incumbent 90 substitute 10", "substitute 1", "incumbent 1"] and whole[-1] == "failed back", whole)
    cut = house.drill_opened()
    there = house.cut_after_each("drill", "apply", cut)
    state = run("drill", "status", cut)["products"][0]
    check(f"cut after each of {there} statements it comes to the substitute", state["stage"] == "switched"
          and house.route() == [state["claim"]] and servers() == sorted(["today", state["claim"]]), (state, servers()))
    back = house.cut_after_each("drill", "fail-back", cut)
    run("drill", "fail-back", cut, codes=(0, 6))
    check(f"and back, cut {back} times", house.route() == ["today"] and servers() == ["today"], (house.route(), servers()))
    check("a cut falls between every two of them", there + back == len(whole), (there, back, whole))
    check("and nothing is signed twice, nor left out", house.said_since(cut) == whole, (house.said_since(cut), whole))
    seen = house.end_load()
    check(f"no request failed ({seen['sent']} sent)", seen["failed"] == 0 and seen["sent"] > 100, seen)
    check("the answers stayed right", seen["right"] * 1000 >= seen["sent"] * 930, seen)
    # A substitute that stops answering is found by its known answers, and the product goes back by itself.
    opened = run("drill", "new", "--lose", "backend:refrt", "--live")
    run("drill", "apply", opened["drill"])
    run("job", "cancel", run("drill", "status", opened["drill"])["products"][0]["claim"])
    found = run("drill", "verify", opened["drill"], codes=(3,))["drill"]["products"][0]
    check("a substitute that is gone is rolled back, and why is said",
          found["stage"] == "rolled back" and "does not serve" in found["detail"], found)
    route = run("pool", "route", "list")["routes"][0]["route"]
    check("to the incumbent", [t["claim"] for t in route["targets"]] == ["today"], route)
    run("drill", "apply", opened["drill"])
    state = run("drill", "status", opened["drill"])["products"][0]
    check("applied again it takes a new server", state["stage"] == "switched" and state["claim"] in servers(), state)
    run("drill", "fail-back", opened["drill"])
    # A substitute that passes and turns wrong later is found by its known answers, and the product goes back by itself.
    nodes.turn_wrong(hezong, home, folder, "asked > 40")
    opened = run("drill", "new", "--lose", "backend:refrt", "--live")
    run("drill", "apply", opened["drill"])
    state = run("drill", "status", opened["drill"])["products"][0]
    check("a substitute that will turn wrong passes first", state["stage"] == "switched" and
          state["proof"]["verdict"] == "STRICT" and state["proof"]["noise_milli"] == 0, state)
    check("while it moves the incumbent is asked the same", state["incumbent"]["cases"] == 200 and
          state["answers"]["noise_milli"] > 0, state)
    found = run("drill", "verify", opened["drill"], "--times", "6", "--pause-ms", "0", codes=(3, 6))
    state = run("drill", "status", opened["drill"])["products"][0]
    check("then it is rolled back by itself, and why is said", state["stage"] == "rolled back" and
          ("FAILED" in state["detail"] or "quality fell" in state["detail"]), (state, found))
    check("and its server is ended", servers() == ["today"], servers())
    # The exit plan, checked by somebody who has nothing but the file.
    run("drill", "item", "open", opened["drill"], "--owner", "kernels", "--due", "2027-03-31", codes=(0, 6))
    bundle = folder + "/exit.hzbundle"
    run("drill", "report", opened["drill"], "--out", folder + "/report.html", "--bundle", bundle)

    def audit(path):
        return subprocess.run([hezong, "--home", "/nonexistent", "--json", "audit", "verify", path], capture_output=True,
                              text=True, timeout=60, env=quiet)

    told = json.loads(audit(bundle).stdout)["bundle"]
    check("the exit plan holds on a machine that knows nobody", told["holds"] and
          told["exit_plan"]["products"][0]["recover_ms"] >= 0, told.get("failed_detail"))
    whole, kept = pathlib.Path(bundle).read_bytes(), 0
    for _ in range(40):
        at = rng.randrange(len(whole))
        pathlib.Path(bundle).write_bytes(whole[:at] + bytes([whole[at] ^ (1 << rng.randrange(8))]) + whole[at + 1:])
        kept += audit(bundle).returncode == 0
    check("a changed byte is refused wherever it is", kept == 0, f"{kept} of 40 held")
    metered = run("pool", "meter", "show")
    check("every request is metered once", f"\"whole\":{seen['sent']}" in json.dumps(metered, separators=(",", ":")),
          metered)
    run("log", "verify")
check.end()
