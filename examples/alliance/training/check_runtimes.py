#!/usr/bin/python3
"""Runs every product's golden set on the runtimes this Python can import: quality, speed, difference.

    /usr/bin/python3 check_runtimes.py [product ...]

`onnxruntime` (PyPI) and `cv2` (python3-opencv) are both optional; what is
missing is said so. Every runtime is tried with the whole set in one batch and,
if that fails, with one case at a time. The difference is the largest
|runtime - oracle| over the whole set, divided by the largest |oracle|.
"""
import sys
import time

import numpy as np

import golden

NAMES = sys.argv[1:] or sorted(p.stem for p in golden.PRODUCTS.glob("*.golden"))


def with_onnxruntime(path):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda x: session.run(["logits"], {name: x})[0]


def with_opencv(path):
    import cv2
    cv2.setNumThreads(1)
    net = cv2.dnn.readNetFromONNX(str(path))

    def run(x):
        net.setInput(x)
        return net.forward("logits").reshape(len(x), -1).copy()
    return run


def attempt(make, product, inputs):
    """Logits, seconds and how they were reached; or the reason why not."""
    try:
        run = make(golden.PRODUCTS / f"{product}.onnx")
    except ImportError:
        return None, 0, "not installed"
    except Exception as error:
        return None, 0, "cannot load: " + short(error)
    for how, batch in ("one batch", len(inputs)), ("batch 1", 1):
        try:
            start = time.perf_counter()
            out = np.concatenate([run(inputs[i:i + batch]) for i in range(0, len(inputs), batch)])
            return out, time.perf_counter() - start, how
        except Exception as error:
            reason = short(error)
    return None, 0, "cannot run: " + reason


def short(error):
    return " ".join(str(error).split())[:150]


for product in NAMES:
    header, inputs, labels, reference = golden.read(golden.PRODUCTS / f"{product}.golden")
    top = np.sort(reference, -1)
    sure = top[:, -1] - top[:, -2] > 1e-4 * np.abs(reference).max()
    print(f"{product}: {len(labels)} cases, oracle {golden.top1(reference, labels):.4f}, "
          f"{len(labels) - sure.sum()} near ties")
    for name, make in ("onnxruntime", with_onnxruntime), ("opencv", with_opencv):
        logits, seconds, how = attempt(make, product, inputs)
        if logits is None:
            print(f"  {name:12s} {how}")
            continue
        gap = np.abs(logits - reference).max() / np.abs(reference).max()
        agree = (logits.argmax(-1) == reference.argmax(-1))[sure].mean()
        print(f"  {name:12s} quality {golden.top1(logits, labels):.4f}  difference {gap:.1e} of peak  "
              f"same top-1 {agree:.4f}  {seconds * 1000:.0f} ms ({how})")
