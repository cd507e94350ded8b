#!/usr/bin/env python3
"""Two nodes as processes: one changes the key of its log, by its root keys, and the other goes on mirroring it and
cosigning its heads; a third that joins later follows the change from the first statement on.

usage: tests/up/rekey.py HEZONG
"""
import pathlib
import signal
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from nodes import Checks, run, start, token_sync

hezong = sys.argv[1]
checks = Checks("a change of a log's key")


def need(home, most):
    run(hezong, home, "talent", "need", "add", "backend:refrt", "skill:kernels", "--people-min", "1",
        "--port-hours-per-operator-min", "1", "--port-hours-per-operator-max", str(most))


with tempfile.TemporaryDirectory() as folder:
    homes = [f"{folder}/{name}" for name in ("founder", "hall", "lab")]
    origins = [f"{name}.example/log" for name in ("founder", "hall", "lab")]
    processes = []

    def join(i):
        run(hezong, homes[i], "init", "--name", origins[i].split(".")[0], "--origin", origins[i])
        processes.append(start(hezong, homes[i]))
        run(hezong, homes[0], "member", "invite", "--out", f"{folder}/invite{i}.json")
        run(hezong, homes[i], "join", f"{folder}/invite{i}.json")
        run(hezong, homes[0], "member", "admit", origins[i])

    def rounds(count, of):
        return [[token_sync(home) for home in of] for _ in range(count)][-1]

    def rekey(home, number):
        change = f"{folder}/change{number}.json"
        run(hezong, home, "key", "propose", "rotate", "--role", "log", "--out", change)
        run(hezong, home, "key", "sign", change, "--key", f"{home}/keys/root")
        run(hezong, home, "key", "submit", change)

    def log_keys(home):
        return [k["id"] for k in run(hezong, home, "key", "list", "--member", origins[0])["keys"] if k["role"] == "log"]

    def agree(what, of, out):
        checks(f"{what}: no node is at fault", all(not p.get("fault") for o in out for p in o["peers"]), out)
        checks(f"{what}: every head has its quorum", all(o["quorum"] for o in out), out)
        checks(f"{what}: equal frontiers", len({o["frontier"]["digest"] for o in out}) == 1, out)
        digests = {run(hezong, home, "views", "rebuild")["digest"] for home in of}
        checks(f"{what}: byte-equal views", len(digests) == 1, digests)

    try:
        run(hezong, homes[0], "init", "--name", "founder", "--origin", origins[0])
        processes.append(start(hezong, homes[0]))
        run(hezong, homes[0], "charter", "adopt", "--name", "Rekey")
        join(1)
        rounds(3, homes[:2])
        agree("before", homes[:2], rounds(1, homes[:2]))

        rekey(homes[0], 1)
        agree("at the change itself", homes[:2], rounds(2, homes[:2]))
        need(homes[0], 2)
        agree("after it", homes[:2], rounds(3, homes[:2]))
        checks("the other node knows both keys", len(log_keys(homes[1])) == 2, log_keys(homes[1]))

        # Two changes and more statements between two rounds: only the leaves tell whose signature it is.
        rekey(homes[0], 2)
        need(homes[0], 3)
        rekey(homes[0], 3)
        need(homes[0], 4)
        agree("after two at once", homes[:2], rounds(3, homes[:2]))
        checks("the other node knows all four", len(log_keys(homes[1])) == 4, log_keys(homes[1]))

        join(2)
        agree("a newcomer", homes, rounds(6, homes))
        checks("the newcomer knows all four", len(log_keys(homes[2])) == 4, log_keys(homes[2]))
    finally:
        for process in processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(timeout=60)

checks.end()
