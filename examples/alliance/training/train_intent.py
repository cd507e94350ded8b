#!/usr/bin/python3
"""Trains `intent`: what does this English or Chinese sentence ask for?

The task. Twelve intents of a home and travel assistant. Sentences come from
hand-written templates in both languages (intent_sentences.py), filled with
slots, wrapped in polite noise and given typing errors. The held-out set uses
templates, openings and endings training never saw.

The tokens. No dictionary and no word boundaries, so both languages are one:
position i holds a hash of characters i and i+1, one of 1,023 ids; 0 is padding.
    id = 1 + FNV-1a-32(UTF-8 of the two characters) mod 1023

The model. A table of 32 numbers an id, plus a position table; one attention
block with two heads, layer norms and a GELU, written with plain ONNX
operators; the mean over the sentence; one linear layer. 43 thousand weights.

The simpler idea that failed. Add up one weight a token and class (a linear
bag of character pairs): the script prints that baseline. It is good, not good
enough: "turn the lights on in the hall" and "the hall is too bright, lights off"
share most pairs, and a typing error in the one telling pair decides.

Run: /usr/bin/python3 train_intent.py
"""
import os
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import re

import numpy as np

import golden
import tape
from graph import Graph, TensorProto
from intent_sentences import CLOSERS, INTENTS, OPENERS, SLOTS

SEED, LENGTH, IDS, WIDTH, HEADS, INNER = 20261103, 48, 1024, 32, 2, 64
TRAIN_CASES, TEST_CASES, EPOCHS = 24_000, 1_500, 16
CLASSES = list(INTENTS)


def tokens(sentence):
    """Hashed character pairs, int16 [LENGTH]."""
    ids = np.zeros(LENGTH, np.int16)
    padded = sentence + " "
    for i in range(min(len(sentence), LENGTH)):
        h = 2166136261
        for byte in padded[i:i + 2].encode():
            h = ((h ^ byte) * 16777619) & 0xFFFFFFFF
        ids[i] = 1 + h % (IDS - 1)
    return ids


def choose(rng, options):
    return options[rng.integers(len(options))]


def sentence(intent, language, kind, rng):
    """One sentence: template, slots, opening, ending, typing errors. kind is "" or "_test"."""
    text = choose(rng, INTENTS[intent][language + kind])
    text = re.sub(r"\[([^]]*)\]", lambda m: choose(rng, m[1].split("|")), text)

    def slot(m):
        values = SLOTS[m[1]]
        return choose(rng, values.split(",") if "," in values else values.split())
    text = re.sub(r"\{([^}]*)\}", slot, text)
    text = choose(rng, OPENERS[language + kind]) + text + choose(rng, CLOSERS[language + kind])
    if not kind and rng.random() < 0.35:
        text = jumble(text, language, rng)
    return misspell(text, 0.02 if language == "en" else 0.03, rng)


def jumble(text, language, rng):
    """Training only: lose a fifth of the words and half of the time their order, so that content words count."""
    parts = text.split(" ") if language == "en" else re.findall(r"[^一-鿿]+|..?", text)
    kept = [p for p in parts if rng.random() > 0.2] or parts
    if rng.random() < 0.5:
        kept = [kept[i] for i in rng.permutation(len(kept))]
    return (" " if language == "en" else "").join(kept)


def misspell(text, rate, rng):
    """Drop, double or swap characters, or hit a neighbour."""
    out = list(text)
    i = 0
    while i < len(out):
        if rng.random() < rate:
            kind = rng.integers(4)
            if kind == 0 and len(out) > 4:
                del out[i]
            elif kind == 1:
                out.insert(i, out[i])
                i += 1
            elif kind == 2 and i + 1 < len(out):
                out[i], out[i + 1] = out[i + 1], out[i]
            elif kind == 3:
                out[i] = choose(rng, "abcdefghiklmnoprstuvwy") if out[i].isascii() else choose(rng, "的了是在一个有我你这")
        i += 1
    return "".join(out)


def dataset(count, kind, rng):
    labels = rng.permutation(np.arange(count) % len(CLASSES))
    texts = [sentence(CLASSES[c], "en" if rng.random() < 0.5 else "zh", kind, rng) for c in labels]
    return np.stack([tokens(t) for t in texts]), labels, texts


def init(rng):
    p = {"table": tape.init(rng, IDS, WIDTH, gain=np.sqrt(IDS) * 0.5),
         "place": tape.init(rng, LENGTH, WIDTH, gain=np.sqrt(LENGTH) * 0.1),
         "inner.weight": tape.init(rng, WIDTH, INNER), "inner.bias": tape.zeros(INNER),
         "outer.weight": tape.init(rng, INNER, WIDTH, gain=0.5), "outer.bias": tape.zeros(WIDTH),
         "out.weight": tape.init(rng, WIDTH, len(CLASSES)), "out.bias": tape.zeros(len(CLASSES))}
    for name in "query", "key", "value", "join":
        p[name] = tape.init(rng, WIDTH, WIDTH)
    for norm in "norm1", "norm2", "norm3":
        p[norm + ".scale"] = tape.Var(np.ones(WIDTH, np.float32))
        p[norm + ".shift"] = tape.zeros(WIDTH)
    return p


def layer_norm(p, name, x):
    centred = x - tape.mean(x, (-1,), keepdims=True)
    variance = tape.mean(centred * centred, (-1,), keepdims=True)
    return centred * tape.power(variance + 1e-5, -0.5) * p[name + ".scale"] + p[name + ".shift"]


def forward(p, ids):
    n, depth = len(ids), WIDTH // HEADS
    ids = ids.astype(np.int64)
    keep = (ids != 0).astype(np.float32)
    x = tape.gather(p["table"], ids) + p["place"]
    h = layer_norm(p, "norm1", x)
    heads = lambda name: tape.transpose(tape.reshape(h @ p[name], (n, LENGTH, HEADS, depth)), (0, 2, 1, 3))
    scores = heads("query") @ tape.transpose(heads("key"), (0, 1, 3, 2)) * depth ** -0.5
    blocked = ((1 - keep) * -1e4)[:, None, None, :]
    mixed = tape.transpose(tape.softmax(scores + blocked) @ heads("value"), (0, 2, 1, 3))
    x = x + tape.reshape(mixed, (n, LENGTH, WIDTH)) @ p["join"]
    h = tape.gelu(layer_norm(p, "norm2", x) @ p["inner.weight"] + p["inner.bias"])
    x = x + h @ p["outer.weight"] + p["outer.bias"]
    share = keep / keep.sum(1, keepdims=True)
    pooled = tape.mean(layer_norm(p, "norm3", x) * share[..., None], (1,)) * float(LENGTH)
    return pooled @ p["out.weight"] + p["out.bias"]


def export(p):
    g = Graph("intent", {k: v.value for k, v in p.items()})
    number = lambda name, value: g.const(name, np.array(value, np.float32))
    one, two, tiny = number("one", 1), number("two", 2), number("tiny", 1e-5)

    def norm(name, x):
        centred = g("Sub", x, g("ReduceMean", x, axes=[-1], keepdims=1))
        variance = g("ReduceMean", g("Pow", centred, two), axes=[-1], keepdims=1)
        scaled = g("Div", centred, g("Sqrt", g("Add", variance, tiny)))
        return g("Add", g("Mul", scaled, name + ".scale"), name + ".shift")

    padding = g("Cast", g("Equal", "tokens", g.const("pad", np.array(0, np.int64))), to=TensorProto.FLOAT)
    keep = g("Sub", one, padding)
    blocked = g("Unsqueeze", g("Mul", padding, number("never", -1e4)), g.const("axes12", np.array([1, 2])))
    x = g("Add", g("Gather", "table", "tokens", axis=0), "place")
    h = norm("norm1", x)
    split = g.const("split", np.array([0, LENGTH, HEADS, WIDTH // HEADS]))
    heads = lambda name, perm: g("Transpose", g("Reshape", g("MatMul", h, name), split), perm=perm)
    scores = g("MatMul", heads("query", [0, 2, 1, 3]), heads("key", [0, 2, 3, 1]))
    scores = g("Mul", scores, number("temper", (WIDTH // HEADS) ** -0.5))
    weights = g("Softmax", g("Add", scores, blocked), axis=-1)
    mixed = g("Transpose", g("MatMul", weights, heads("value", [0, 2, 1, 3])), perm=[0, 2, 1, 3])
    joined = g("Reshape", mixed, g.const("merge", np.array([0, LENGTH, WIDTH])))
    x = g("Add", x, g("MatMul", joined, "join"))
    h = g("Add", g("MatMul", norm("norm2", x), "inner.weight"), "inner.bias")
    cdf = g("Add", g("Erf", g("Mul", h, number("root_half", np.sqrt(0.5)))), one)
    h = g("Mul", g("Mul", h, cdf), number("half", 0.5))              # GELU, the exact form
    x = g("Add", x, g("Add", g("MatMul", h, "outer.weight"), "outer.bias"))
    axis1, axis2 = g.const("axis1", np.array([1])), g.const("axis2", np.array([2]))
    share = g("Div", keep, g("ReduceSum", keep, axis1, keepdims=1))
    pooled = g("ReduceSum", g("Mul", norm("norm3", x), g("Unsqueeze", share, axis2)), axis1, keepdims=0)
    g.linear(pooled, "logits", p["out.weight"].value, p["out.bias"].value)
    g.save("tokens", TensorProto.INT64, [LENGTH], len(CLASSES))


def baseline(train, labels, test, test_labels):
    """Naive Bayes over a bag of tokens."""
    count = np.ones((IDS, len(CLASSES)))
    for c in range(len(CLASSES)):
        count[:, c] += np.bincount(train[labels == c].ravel(), minlength=IDS)
    weight = np.log(count / count.sum(0))
    weight[0] = 0
    return golden.top1(weight[test].sum(1), test_labels)


def main():
    rng = np.random.default_rng(SEED)
    train, labels, _ = dataset(TRAIN_CASES, "", rng)
    test, test_labels, texts = dataset(TEST_CASES, "_test", np.random.default_rng(SEED + 1))
    for label, text in list(zip(test_labels, texts))[:6]:
        print(f"  {CLASSES[label]:10s} {text}")
    print(f"baseline, naive Bayes over tokens: {baseline(train, labels, test, test_labels):.4f}", flush=True)
    params = init(rng)

    def fresh():
        train, labels, _ = dataset(TRAIN_CASES, "", rng)
        strange = (train > 0) & (rng.random(train.shape) < 0.08)     # ids it cannot rely on
        return np.where(strange, rng.integers(1, IDS, train.shape), train), labels
    tape.fit(params, forward, fresh, rng=rng, epochs=EPOCHS, batch=64, rate=2e-3, decay=1e-2, smoothing=0.05)
    export(params)
    golden.finish("intent", input_name="tokens", input_dtype="int64", stored=test, classes=CLASSES,
                  labels=test_labels, trained_logits=tape.predict(params, forward, test))


if __name__ == "__main__":
    main()
