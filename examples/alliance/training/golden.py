"""Reads and writes golden sets (docs/formats/golden.md) and finishes a product.

`finish` is the last step of every training script: it runs the oracle on the
exported file, checks that training and oracle agree, and writes the golden set.
"""
import json
import pathlib

import numpy as np

PRODUCTS = pathlib.Path(__file__).resolve().parent.parent / "products"
MAGIC = b"HZG1"


def quantise(values, dtype, scale_log2, zero=0):
    limits = np.iinfo(dtype)
    steps = np.rint(np.asarray(values, np.float64) * 2.0 ** -scale_log2) + zero
    return np.clip(steps, limits.min, limits.max).astype(dtype)


def dequantise(stored, storage, input_dtype):
    if input_dtype == "int64":
        return stored.astype(np.int64) - storage["zero"]
    scale = np.float32(2.0 ** storage["scale_log2"])
    return (stored.astype(np.float32) - np.float32(storage["zero"])) * scale


def write(path, *, product, input_name, input_dtype, stored, scale_log2, zero, classes, labels, logits):
    header = {
        "product": product,
        "cases": len(labels),
        "input": {"name": input_name, "dtype": input_dtype, "shape": list(stored.shape[1:])},
        "storage": {"dtype": stored.dtype.name, "scale_log2": scale_log2, "zero": zero},
        "labels": "class",
        "classes": classes,
        "quality_metric": "top1",
    }
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    little = stored.dtype.newbyteorder("<")
    with open(path, "wb") as out:
        out.write(MAGIC + np.uint32(len(text)).astype("<u4").tobytes() + text)
        out.write(np.ascontiguousarray(stored).astype(little).tobytes())
        out.write(np.asarray(labels).astype("<u2").tobytes())
        out.write(np.asarray(logits).astype("<f4").tobytes())


def read(path):
    """Returns header, inputs as the model wants them, labels, reference logits."""
    raw = pathlib.Path(path).read_bytes()
    assert raw[:4] == MAGIC, "not a golden set"
    size = int.from_bytes(raw[4:8], "little")
    header, at = json.loads(raw[8:8 + size]), 8 + size
    cases, shape, storage = header["cases"], header["input"]["shape"], header["storage"]

    def take(dtype, count):
        nonlocal at
        part = np.frombuffer(raw, np.dtype(dtype).newbyteorder("<"), count, at)
        at += part.nbytes
        return part
    stored = take(storage["dtype"], cases * int(np.prod(shape))).reshape(cases, *shape)
    labels = take("uint16", cases)
    logits = take("float32", cases * len(header["classes"])).reshape(cases, -1)
    assert at == len(raw), "trailing bytes"
    return header, dequantise(stored, storage, header["input"]["dtype"]), labels, logits


def top1(logits, labels):
    return float((np.argmax(logits, -1) == labels).mean())


def finish(product, *, input_name, stored, classes, labels, trained_logits, input_dtype="float32",
           scale_log2=0, zero=0):
    """Oracle pass over the exported model, agreement check, golden file, quality line."""
    import oracle                                   # needs python3-onnx; reading a golden set does not

    storage = {"scale_log2": scale_log2, "zero": zero}
    inputs = dequantise(stored, storage, input_dtype)
    logits = oracle.run(PRODUCTS / f"{product}.onnx", inputs)
    peak = np.abs(logits).max()
    gap = float(np.abs(logits - trained_logits).max() / peak)
    path = PRODUCTS / f"{product}.golden"
    write(path, product=product, input_name=input_name, input_dtype=input_dtype, stored=stored,
          scale_log2=scale_log2, zero=zero, classes=classes, labels=labels, logits=logits)
    print(f"{product}: held-out top-1 {top1(logits, labels):.4f} over {len(labels)} cases, "
          f"training code against oracle {gap:.1e} of peak, golden {path.stat().st_size} bytes")
    assert gap < 1e-4, "the exported graph is not the trained model"
    assert read(path)[0]["cases"] == len(labels)
