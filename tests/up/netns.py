#!/usr/bin/env python3
"""Three nodes in three network namespaces, over TLS: one is cut off, heals, another is killed and comes back.

A loopback test cannot lose a cable: connections are refused at once there. Here packets vanish, as they do between
sites. Every round is run by hand, so nothing waits for a clock but the nodes' own deadlines.

usage: tests/up/netns.py HEZONG      needs root and iproute2; says SKIPPED and ends with 77 without them
"""
import http.client
import json
import os
import pathlib
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile

PORT = 8443  # each namespace has all ports to itself


def sync(home):
    """A round inside the running node; called in its namespace."""
    node = json.loads(pathlib.Path(home, "node.json").read_text())
    trust = ssl.create_default_context()
    trust.check_hostname = False
    trust.verify_mode = ssl.CERT_NONE  # the operator's own node, on its own machine
    connection = http.client.HTTPSConnection(node["url"].split("://")[1], timeout=120, context=trust)
    token = pathlib.Path(home, "api_token").read_text().strip()
    connection.request("POST", "/v1/node/sync", body="{}",
                       headers={"Authorization": "Bearer " + token, "Content-Type": "application/json"})
    print(connection.getresponse().read().decode())


if sys.argv[1] == "--sync":
    sync(sys.argv[2])
    sys.exit(0)

hezong = sys.argv[1]
faults = []


def skip(why):
    print(f"SKIPPED: nodes in network namespaces: {why}")
    sys.exit(77)


def check(what, good, more=""):
    print(("ok    " if good else "FAULT ") + what + ("" if good else f": {more}"), flush=True)
    if not good:
        faults.append(what)


def ip(*words):
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"ip {' '.join(words)}: {done.stderr.strip()}")


class Site:
    def __init__(self, number, name, folder):
        self.name, self.origin = name, f"{name}.example/log"
        self.home = f"{folder}/{name}"
        self.space = f"hz{os.getpid()}-{name}"
        self.address = f"10.77.0.{number + 1}"
        self.cable = f"port{number}"  # its end at the switch
        self.process = None

    def within(self, *words):
        return ["ip", "netns", "exec", self.space, *words]

    def run(self, *words, code=0):
        done = subprocess.run(self.within(hezong, "--home", self.home, "--json", *words), capture_output=True,
                              text=True, timeout=120, env={**os.environ, "HEZONG_PROGRESS": "off"})
        if done.returncode != code:
            raise RuntimeError(f"{self.name}: {words} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return json.loads(done.stdout)

    def start(self):
        self.process = subprocess.Popen(
            self.within(hezong, "--home", self.home, "up", "--sync-ms", "0", "--tls", "--listen", self.address,
                        "--port", str(PORT)),
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "HEZONG_PROGRESS": "plain"})
        for line in self.process.stderr:
            if "://" in line:
                return
        raise RuntimeError(f"{self.name}: hezong up ended without an address")

    def stop(self, sign=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(sign)  # `ip netns exec` has become the program: this is the node itself
            self.process.wait(timeout=120)

    def sync(self):
        done = subprocess.run(self.within(sys.executable, __file__, "--sync", self.home), capture_output=True,
                              text=True, timeout=300)
        out = json.loads(done.stdout)
        if "error" in out:
            raise RuntimeError(f"{self.name}: node sync: {out}")
        return out

    def says(self, people):
        self.run("talent", "need", "add", "backend:refrt", "skill:kernels", "--people-min", str(people),
                 "--port-hours-per-operator-min", "1", "--port-hours-per-operator-max", "2")


def fault_of(round_, site):
    return next(p for p in round_["peers"] if p["origin"] == site.origin).get("fault", "")


def rounds_until_equal(sites, rounds=6):
    """The last round of each, once all have one frontier; a bounded number of rounds, no clock."""
    last = []
    for _ in range(rounds):
        last = [site.sync() for site in sites]
        if len({out["frontier"]["digest"] for out in last}) == 1 and all(out["quorum"] for out in last):
            break
    return last


def check_in_step(when, sites):
    last = rounds_until_equal(sites)
    check(f"{when}: no node is at fault", all(not p.get("fault") for out in last for p in out["peers"]), last)
    check(f"{when}: every node has its quorum", all(out["quorum"] for out in last), last)
    check(f"{when}: equal frontiers", len({out["frontier"]["digest"] for out in last}) == 1, last)
    digests = {site.run("views", "rebuild")["digest"] for site in sites}
    check(f"{when}: byte-equal views", len(digests) == 1, digests)


def story(founder, hall, lab, switch):
    sites = (founder, hall, lab)
    for site in sites:
        site.run("init", "--name", site.name, "--origin", site.origin)
        site.start()
    founder.run("charter", "adopt", "--name", "Three sites")
    for site in (hall, lab):
        invitation = f"{site.home}.json"
        founder.run("member", "invite", "--out", invitation)
        joined = site.run("join", invitation)
        check(f"{site.origin}: the founder's node takes its card", joined["delivered"], joined)
        founder.run("member", "admit", site.origin)
    for site, jurisdiction in zip(sites, ("SG", "CN", "DE")):
        site.run("node", "describe", "--jurisdiction", jurisdiction)
    # The founder is content with one of the others; they need both.
    keys = {site: next(k["key"] for k in site.run("key", "list")["keys"] if k["role"] == "witness") for site in sites}
    pathlib.Path(founder.home, "policy").write_text(
        f"witness hall {keys[hall]}\nwitness lab {keys[lab]}\ngroup one any hall lab\nquorum one\n")
    check_in_step("at first", sites)
    founder.run("status", "--check")
    check("status: the founder's quorum survives every single loss", True)
    losses = {loss["jurisdiction"]: loss["quorum"] for loss in hall.run("status", "--check", code=3)["losses"]}
    check("status: the hall's does not, and the places are named", losses == {"SG": "fails", "DE": "fails"}, losses)

    ip("-n", switch, "link", "set", lab.cable, "down")
    for people, site in enumerate(sites, 1):
        site.says(people)
    alone = lab.sync()
    check("cut off: the lab goes on alone, without a quorum, and names both others",
          not alone["quorum"] and fault_of(alone, founder).startswith("net.") and
          fault_of(alone, hall).startswith("net."), alone)
    out = hall.sync()
    check("cut off: the hall has lost its quorum and names the lab",
          not out["quorum"] and fault_of(out, lab).startswith("net."), out)
    out = founder.sync()
    check("cut off: the founder's quorum outlives it", out["quorum"] and fault_of(out, lab).startswith("net."), out)
    frontiers = {site.run("status")["frontier"]["digest"] for site in sites}
    check("cut off: the lab does not know what the others said", len(frontiers) > 1, frontiers)

    ip("-n", switch, "link", "set", lab.cable, "up")
    check_in_step("healed", sites)

    hall.stop(signal.SIGKILL)
    founder.says(7)
    lab.says(8)
    out = lab.sync()
    check("killed: the lab has lost its quorum and names the hall",
          not out["quorum"] and fault_of(out, hall).startswith("net."), out)
    hall.start()
    check_in_step("restored", sites)


if os.geteuid() != 0:
    skip("not root")
if not shutil.which("ip"):
    skip("no iproute2")
with tempfile.TemporaryDirectory() as folder:
    sites = [Site(i, name, folder) for i, name in enumerate(("founder", "hall", "lab"))]
    switch = f"hz{os.getpid()}-switch"
    made = []
    try:
        try:
            for space in (switch, *(site.space for site in sites)):
                ip("netns", "add", space)
                made.append(space)
            ip("-n", switch, "link", "add", "bridge", "type", "bridge")
            ip("-n", switch, "link", "set", "bridge", "up")
            for site in sites:
                ip("-n", switch, "link", "add", site.cable, "type", "veth", "peer", "name", "eth0", "netns", site.space)
                ip("-n", switch, "link", "set", site.cable, "master", "bridge", "up")
                ip("-n", site.space, "address", "add", site.address + "/24", "dev", "eth0")
                for device in ("lo", "eth0"):
                    ip("-n", site.space, "link", "set", device, "up")
        except RuntimeError as error:
            skip(str(error))
        story(*sites, switch)
    finally:
        for site in sites:
            site.stop()
        for space in made:
            subprocess.run(["ip", "netns", "delete", space], capture_output=True)

print(f"{'FAILED' if faults else 'passed'}: three nodes in three network namespaces")
sys.exit(1 if faults else 0)
