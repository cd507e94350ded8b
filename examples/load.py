#!/usr/bin/env python3
"""An ordinary client of the Open Inference Protocol v2, without a line that knows of Hezong.

Sends cases of a golden set over HTTP as JSON, one after the other on a kept connection, until a file appears; compares
each answer's largest logit with the case's label. Prints one line of JSON: how many were sent, failed, right, the
longest wait, and which backend answered how many.

usage: load.py URL PRODUCT GOLDEN KEY_FILE STOP_FILE [STATUS_FILE]
"""
import http.client
import json
import os
import struct
import sys
import time
import urllib.parse


def read_golden(path):
    """Inputs as lists, labels, and what the input is called (docs/formats/golden.md)."""
    with open(path, "rb") as f:
        data = f.read()
    if data[:4] != b"HZG1":
        sys.exit(f"{path}: not a golden set")
    size = struct.unpack_from("<I", data, 4)[0]
    head = json.loads(data[8 : 8 + size])
    store = head["storage"]
    code = {"uint8": "B", "int8": "b", "int16": "h", "int32": "i", "float32": "f"}[store["dtype"]]
    count = 1
    for d in head["input"]["shape"]:
        count *= d
    at = 8 + size
    inputs = []
    for _ in range(head["cases"]):
        values = struct.unpack_from(f"<{count}{code}", data, at)
        at += count * struct.calcsize(code)
        scale = 2.0 ** store["scale_log2"]
        if head["input"]["dtype"] == "int64":
            inputs.append([int(v - store["zero"]) for v in values])
        else:
            inputs.append([(v - store["zero"]) * scale for v in values])
    labels = struct.unpack_from(f"<{head['cases']}H", data, at)
    return head, inputs, labels


def main():
    url, product, golden, key_file, stop_file = sys.argv[1:6]
    status_file = sys.argv[6] if len(sys.argv) > 6 else None
    with open(key_file, encoding="ascii") as f:
        key = f.read().strip()
    head, inputs, labels = read_golden(golden)
    name, shape = head["input"]["name"], [1] + head["input"]["shape"]
    datatype = "INT64" if head["input"]["dtype"] == "int64" else "FP32"
    bodies = [
        json.dumps({"inputs": [{"name": name, "shape": shape, "datatype": datatype, "data": values}]})
        for values in inputs
    ]
    address = urllib.parse.urlsplit(url)
    line = None
    seen = {"product": product, "sent": 0, "failed": 0, "right": 0, "longest_ms": 0, "by": {}, "last_fault": ""}
    begun = shown = time.monotonic()
    while not os.path.exists(stop_file):
        at = seen["sent"] % len(bodies)
        seen["sent"] += 1
        before = time.monotonic()
        try:
            if line is None:
                line = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
            line.request(
                "POST",
                f"/v2/models/{product}/infer",
                bodies[at],
                {"content-type": "application/json", "authorization": f"Bearer {key}"},
            )
            answer = line.getresponse()
            body = answer.read()
            if answer.status != 200:
                raise ValueError(f"{answer.status} {body[:200]!r}")
            logits = json.loads(body)["outputs"][0]["data"]
            seen["right"] += logits.index(max(logits)) == labels[at]
            backend = answer.getheader("hezong-backend") or answer.getheader("hezong-route") or "?"
            seen["by"][backend] = seen["by"].get(backend, 0) + 1
        except (OSError, http.client.HTTPException, ValueError, KeyError, IndexError) as fault:
            seen["failed"] += 1
            seen["last_fault"] = str(fault)[:300]
            line = None
            time.sleep(0.01)  # a client that is refused does not hammer
        now = time.monotonic()
        seen["longest_ms"] = max(seen["longest_ms"], round((now - before) * 1000))
        if status_file and now - shown > 0.2:
            shown = now
            seen["per_second"] = round(seen["sent"] / (now - begun))
            with open(status_file + ".next", "w", encoding="ascii") as f:
                json.dump(seen, f)
            os.replace(status_file + ".next", status_file)
    seen["per_second"] = round(seen["sent"] / max(0.001, time.monotonic() - begun))
    print(json.dumps(seen))


if __name__ == "__main__":
    main()
