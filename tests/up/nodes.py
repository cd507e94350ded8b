"""Nodes as processes, for the tests in this folder."""
import http.client
import json
import os
import pathlib
import subprocess
import sys


class Checks:
    def __init__(self, title):
        self.title, self.faults = title, []

    def __call__(self, what, good, more=""):
        print(("ok    " if good else "FAULT ") + what + ("" if good else f": {more}"))
        if not good:
            self.faults.append(what)

    def end(self):
        print(f"{'FAILED' if self.faults else 'passed'}: {self.title}")
        sys.exit(1 if self.faults else 0)


def run(hezong, home, *words, code=0):
    done = subprocess.run([hezong, "--home", home, "--json", *words], capture_output=True, text=True, timeout=120,
                          env={**os.environ, "HEZONG_PROGRESS": "off"})
    if done.returncode != code:
        sys.exit(f"{words} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return json.loads(done.stdout)


def start(hezong, home, *flags):
    """A node without rounds of its own: the test runs each one, so nothing waits for a clock."""
    process = subprocess.Popen([hezong, "--home", home, "up", "--sync-ms", "0", *flags], stdout=subprocess.DEVNULL,
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
