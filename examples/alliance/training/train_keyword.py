#!/usr/bin/python3
"""Trains `keyword`: which of ten command words was spoken, in noise.

The task. espeak-ng speaks ten commands and a set of other words in many
voices, accents, speeds and pitches. White, rumbling and babbling noise is
mixed in at 5 to 25 dB, the word sits anywhere in a window of 0.8 s. Features
are log-mel energies: 40 frames of 20 ms with 20 bands, centred per clip, in
int8. The held-out set uses voice variants and accents training never heard.

The model. One GRU with 64 units reads the frames in order; the mean of its
states goes through one linear layer. About 17 thousand weights.

The simpler idea that failed. Average the features over time and classify
with a linear layer: the script prints that baseline. "no" and "on" have
the same average; order in time is the information. A recurrent net keeps order
without caring when exactly the word begins.

(This script is not called keyword.py: that name would hide Python's own
module `keyword` from every script in this folder.)

Run: /usr/bin/python3 train_keyword.py    (needs the package espeak-ng)
"""
import os
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import io
import subprocess
import wave

import numpy as np

import golden
import tape
from graph import Graph, TensorProto

SEED, FRAMES, BANDS, HIDDEN = 20261102, 40, 20, 64
RATE, HOP, WINDOW = 16_000, 320, 512
CLASSES = ["stop", "go", "left", "right", "up", "down", "on", "no", "yes", "help", "other"]
OTHERS = {"train": "seven water table music garden window paper monday yellow people under light lift "
                   "top round known hope cup town three nine open close please sister market winter summer again "
                   "drive bread apple hotel music never little black white green house figure".split(),
          "test": "river pencil orange doctor evening rest brown computer hello banana eight picture finger Tuesday city".split()}
TRAIN_ACCENTS = ["en-gb", "en-us", "en-gb-scotland", "en-gb-x-rp"]
TEST_ACCENTS = ["en-gb", "en-us", "en-gb-x-gbclan", "en-us-nyc", "en-029"]
TRAIN_VARIANTS = ("m1 m2 m3 m4 m5 f1 f2 f3 Alex Alicia Andrea Andy Annie Denis Diogo Gene Hugo Jacky Lee Marco Mario "
                  "Mike adam anika antonio belinda boris caleb david edward grandpa iven john klatt linda max "
                  "michel pablo quincy rob sandro shelby steph travis zac").split()
TEST_VARIANTS = "m6 m7 m8 f4 f5 Gene2 Henrique Michael Nguyen aunty benjamin ed grandma klatt3 miguel norbert pedro robert steph2 victor".split()
TRAIN_UTTERANCES, NOISY_COPIES, TEST_CASES, EPOCHS = 6_600, 2, 1_100, 12


def speak(text, voice, speed, pitch):
    """One utterance as samples at RATE, silence trimmed, loudness one."""
    raw = subprocess.run(["espeak-ng", "-v", voice, "-s", str(speed), "-p", str(pitch), "--stdout", text],
                         check=True, capture_output=True).stdout
    with wave.open(io.BytesIO(raw[:4] + b"\xff\xff\xff\x7f" + raw[8:])) as w:
        rate, sound = w.getframerate(), np.frombuffer(raw[44:len(raw) // 2 * 2], "<i2").astype(np.float64)
    positions = np.arange(0, len(sound) - 1, rate / RATE)
    sound = np.interp(positions, np.arange(len(sound)), sound)
    loud = np.flatnonzero(np.abs(sound) > 0.02 * np.abs(sound).max())
    sound = sound[loud[0]:loud[-1] + 1]
    return sound / (np.sqrt((sound ** 2).mean()) + 1e-9)


def utterances(count, accents, variants, others, rng):
    labels = np.arange(count) % len(CLASSES)
    sounds = []
    for label in labels:
        word = CLASSES[label] if CLASSES[label] != "other" else others[rng.integers(len(others))]
        voice = f"{accents[rng.integers(len(accents))]}+{variants[rng.integers(len(variants))]}"
        sounds.append(speak(word, voice, int(rng.integers(120, 230)), int(rng.integers(15, 85))))
    return sounds, labels


def mel_bank():
    """Triangles on the mel scale: [spectrum bins, BANDS]."""
    to_mel = lambda f: 2595 * np.log10(1 + f / 700)
    edges = 700 * (10 ** (np.linspace(to_mel(80), to_mel(7600), BANDS + 2) / 2595) - 1)
    bins = np.fft.rfftfreq(WINDOW, 1 / RATE)[:, None]
    up = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    down = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return np.clip(np.minimum(up, down), 0, None)


BANK = mel_bank()
LENGTH = HOP * (FRAMES - 1) + WINDOW


def log_mel(samples):
    frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP] * np.hanning(WINDOW)
    energy = np.log((np.abs(np.fft.rfft(frames)) ** 2) @ BANK + 1e-3)
    return (energy - energy.mean()) / 2.5


def in_noise(sound, sounds, stretch, rng):
    """Play at another speed, place a word in the window, add noise, return stored features."""
    sound = np.interp(np.arange(0, len(sound) - 1, stretch), np.arange(len(sound)), sound)
    if len(sound) > LENGTH:
        sound = sound[:LENGTH]
    clip = np.zeros(LENGTH)
    start = rng.integers(LENGTH - len(sound) + 1)
    clip[start:start + len(sound)] = sound
    kind = rng.integers(3)
    noise = rng.standard_normal(LENGTH)
    if kind == 1:
        noise = np.cumsum(noise)
        noise -= np.convolve(noise, np.ones(801) / 801, "same")      # rumble
    elif kind == 2:
        noise = np.zeros(LENGTH)
        for _ in range(4):                                           # babble: four other speakers
            noise += np.resize(np.roll(sounds[rng.integers(len(sounds))], rng.integers(LENGTH)), LENGTH)
    noise /= np.sqrt((noise ** 2).mean())
    clip += noise * 10 ** (-rng.uniform(5, 25) / 20)
    return golden.quantise(log_mel(clip), "int8", -5)


def noisy(sounds, rng, spread=0.0):
    """Features of every sound; `spread` varies the speed and so invents new throats."""
    return np.stack([in_noise(s, sounds, rng.uniform(1 - spread, 1 + spread), rng) for s in sounds])


def as_input(stored):
    return golden.dequantise(stored, {"scale_log2": -5, "zero": 0}, "float32")


def init(rng):
    return {"gru.x": tape.init(rng, BANDS, 3 * HIDDEN), "gru.xb": tape.zeros(3 * HIDDEN),
            "gru.h": tape.init(rng, HIDDEN, 3 * HIDDEN), "gru.hb": tape.zeros(3 * HIDDEN),
            "out.weight": tape.init(rng, HIDDEN, len(CLASSES)), "out.bias": tape.zeros(len(CLASSES))}


def forward(p, x):
    """The ONNX GRU, gates in the order z (keep), r (reset), h (new), linear_before_reset = 1."""
    n = len(x)
    state, total = tape.Var(np.zeros((n, HIDDEN), x.dtype)), 0.0
    for t in range(FRAMES):
        from_x = tape.Var(x[:, t]) @ p["gru.x"] + p["gru.xb"]
        from_h = state @ p["gru.h"] + p["gru.hb"]
        gates = tape.sigmoid(tape.columns(from_x, 0, 2 * HIDDEN) + tape.columns(from_h, 0, 2 * HIDDEN))
        keep, reset = tape.columns(gates, 0, HIDDEN), tape.columns(gates, HIDDEN, 2 * HIDDEN)
        new = tape.tanh(tape.columns(from_x, 2 * HIDDEN, 3 * HIDDEN)
                        + reset * tape.columns(from_h, 2 * HIDDEN, 3 * HIDDEN))
        state = new + keep * (state - new)
        total = state + total
    return (total * (1 / FRAMES)) @ p["out.weight"] + p["out.bias"]


def export(p):
    v = {k: x.value for k, x in p.items()}
    g = Graph("keyword", {"gru.W": v["gru.x"].T[None].copy(), "gru.R": v["gru.h"].T[None].copy(),
                          "gru.B": np.concatenate([v["gru.xb"], v["gru.hb"]])[None]})
    frames = g("Transpose", "logmel", perm=[1, 0, 2])                # frame, case, band
    states = g("GRU", frames, "gru.W", "gru.R", "gru.B", outputs=["states"],
               hidden_size=HIDDEN, linear_before_reset=1)            # frame, direction, case, unit
    mean = g("ReduceMean", states, axes=[0], keepdims=0)             # direction, case, unit
    flat = g("Squeeze", mean, g.const("direction", np.array([0])))
    g.linear(flat, "logits", v["out.weight"], v["out.bias"])
    g.save("logmel", TensorProto.FLOAT, [FRAMES, BANDS], len(CLASSES))


def baseline(train, labels, test, test_labels):
    """Time averages through ridge regression."""
    x, y = (np.c_[s.astype(np.float64).mean(1), np.ones(len(s))] for s in (train, test))
    weights = np.linalg.solve(x.T @ x + np.eye(x.shape[1]), x.T @ np.eye(len(CLASSES))[labels])
    return golden.top1(y @ weights, test_labels)


def main():
    rng = np.random.default_rng(SEED)
    sounds, labels = utterances(TRAIN_UTTERANCES, TRAIN_ACCENTS, TRAIN_VARIANTS, OTHERS["train"], rng)
    test_rng = np.random.default_rng(SEED + 1)
    test_sounds, test_labels = utterances(TEST_CASES, TEST_ACCENTS, TEST_VARIANTS, OTHERS["test"], test_rng)
    test = noisy(test_sounds, test_rng)
    print(f"baseline, time average and a linear layer: {baseline(noisy(sounds, rng), labels, test, test_labels):.4f}", flush=True)
    params = init(rng)
    fresh = lambda: (as_input(np.concatenate([noisy(sounds, rng, 0.15) for _ in range(NOISY_COPIES)])),
                     np.tile(labels, NOISY_COPIES))
    tape.fit(params, forward, fresh, rng=rng, epochs=EPOCHS, batch=64, rate=5e-3, decay=1e-3)
    export(params)
    golden.finish("keyword", input_name="logmel", stored=test, scale_log2=-5, classes=CLASSES, labels=test_labels,
                  trained_logits=tape.predict(params, forward, as_input(test)))


if __name__ == "__main__":
    main()
