#!/usr/bin/python3
"""Trains `glyph`: reads one printed character from a noisy 24 x 24 picture.

The task. 48 classes: digits, capital letters without I and O (as on licence
plates, where they look like 1 and 0) and 14 Chinese characters. Pictures are
rendered from Debian font packages, then bent, rotated, blurred, lit badly and
covered with noise. The held-out set uses font families that training never saw.

The model. Four 3 x 3 convolutions, three poolings, an average over what is
left, one linear layer: about 64 thousand weights, all trained by `tape.py`.

The simpler idea that failed. Comparing a picture with the mean picture of
each class (or its nearest training neighbour) needs no network; the script
prints that baseline. It breaks as soon as glyphs are rotated by ten degrees or
printed white on black: pixels move, shapes do not. Convolution and pooling
are the cheapest way to say "a shape is a shape wherever it sits".

Run: /usr/bin/python3 train_glyph.py     (README.md beside this file lists the fonts)
"""
import os
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")      # one thread: the same sums in the same order

import glob

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import golden
import tape
from graph import Graph, TensorProto

SEED, SIDE, BASE = 20261101, 24, 32
TRAIN_CASES, TEST_CASES, EPOCHS = 38_400, 1_200, 9
CLASSES = list("0123456789ABCDEFGHJKLMNPQRSTUVWXYZ") + list("合纵芯片算力模型开源标准人才")

FONT_ROOT = "/usr/share/fonts"                            # where Debian puts them
TRAIN_LATIN = ["dejavu/DejaVuSans*.ttf", "dejavu/DejaVuSerif*.ttf", "liberation/Liberation*.ttf",
               "freefont/*.ttf", "unhinted/RobotoCondensed-*.ttf", "open-sans/*.ttf", "cantarell/*.otf",
               "inconsolata/*.otf", "comic-neue/*.otf", "b612/*.otf", "hack/*.ttf", "firacode/*.ttf",
               "fonts-oldstandard/*.ttf", "linux-libertine/LinLibertine_R*.otf", "courier-prime/*Prime*.otf",
               "vollkorn/Vollkorn-*.ttf", "cabin/*.otf"]
TEST_LATIN = ["lato/*.ttf", "ebgaramond/*.otf", "paratype/*.ttf", "quicksand/*.ttf", "opentype/play/*.otf",
              "fonts-go/Go-[!S]*.ttf", "andika/*.ttf", "crosextra/Caladea*.ttf"]
TRAIN_CHINESE = ["noto/Noto*CJK-*.ttc", "wqy/wqy-microhei.ttc", "arphic/uming.ttc", "arphic-gbsn00lp/*.ttf",
                 "lxgw-wenkai/LXGWWenKai-*.ttf", "smiley-sans/*.ttf"]
TEST_CHINESE = ["wqy/wqy-zenhei.ttc", "arphic/ukai.ttc", "arphic-gkai00mp/*.ttf"]


def draw(font, text):
    """The glyph, centred in a BASE x BASE picture, its longer side scaled to fit; None if the font lacks it."""
    mask = Image.new("L", (160, 160))
    ImageDraw.Draw(mask).text((40, 20), text, 255, font=font)
    box = mask.getbbox()
    if box is None:
        return None
    glyph = mask.crop(box)
    factor = (BASE - 8) / max(glyph.size)
    size = [max(2, round(s * factor)) for s in glyph.size]
    glyph = glyph.resize(size, Image.Resampling.BOX if factor < 1 else Image.Resampling.BILINEAR)
    picture = Image.new("L", (BASE, BASE))
    picture.paste(glyph, ((BASE - size[0]) // 2, (BASE - size[1]) // 2))
    return np.asarray(picture, np.float32) / 255


def load_faces(latin, chinese):
    """Per class, a stack of clean pictures: one for every font that has the character."""
    faces = [[] for _ in CLASSES]
    for patterns, is_chinese in ((latin, False), (chinese, True)):
        files = []
        for pattern in patterns:
            found = sorted(glob.glob(f"{FONT_ROOT}/**/{pattern}", recursive=True))
            if not found:
                raise SystemExit(f"no font matches {pattern}: see README.md for the packages")
            files += found
        for file in files:
            font = ImageFont.truetype(file, 64)
            missing = draw(font, "\uffff")
            for label, text in enumerate(CLASSES):
                if (text > "\u2fff") != is_chinese:
                    continue
                picture = draw(font, text)
                if picture is not None and (missing is None or not np.array_equal(picture, missing)):
                    faces[label].append(picture)
    assert min(map(len, faces)) >= 3, "a character is missing from the fonts"
    return [np.stack(f) for f in faces]


def photograph(faces, labels, rng):
    """Bend, rotate, blur, light and spoil: uint8 pictures [n, 1, SIDE, SIDE]."""
    out = []
    for chunk in np.array_split(labels, max(1, len(labels) // 2000)):
        n = len(chunk)
        clean = np.stack([faces[c][rng.integers(len(faces[c]))] for c in chunk])
        near = np.stack([clean, np.roll(clean, 1, 1), np.roll(clean, 1, 2)])
        weight = rng.uniform(-0.5, 0.8, (n, 1, 1))                  # thinner or bolder strokes
        clean += np.where(weight < 0, -weight * (near.min(0) - clean), weight * (near.max(0) - clean))
        angle, shear = rng.uniform(-0.3, 0.3, (2, n, 1, 1))
        shear = shear * 0.7
        zoom_x, zoom_y = rng.uniform(0.8, 1.15, (2, n, 1, 1)) * BASE / SIDE
        shift_x, shift_y = rng.uniform(-2, 2, (2, n, 1, 1))
        y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
        wave_x, wave_y = rng.uniform(0, 1.2, (2, n, 1, 1))          # a smooth bend
        phase = rng.uniform(0, 6.28, (2, n, 1, 1))
        bent_x = x + wave_x * np.sin(y * 0.35 + phase[0])
        bent_y = y + wave_y * np.sin(x * 0.35 + phase[1])
        u = (np.cos(angle) * bent_x - np.sin(angle) * bent_y + shear * bent_y) * zoom_x + shift_x
        v = (np.sin(angle) * bent_x + np.cos(angle) * bent_y) * zoom_y + shift_y
        u, v = (np.clip(t + (BASE - 1) / 2, 0, BASE - 1.001) for t in (u, v))
        iu, iv = u.astype(int), v.astype(int)
        fu, fv, k = u - iu, v - iv, np.arange(n)[:, None, None]
        image = ((1 - fv) * ((1 - fu) * clean[k, iv, iu] + fu * clean[k, iv, iu + 1])
                 + fv * ((1 - fu) * clean[k, iv + 1, iu] + fu * clean[k, iv + 1, iu + 1]))
        soft = (np.roll(image, 1, 1) + np.roll(image, -1, 1) + np.roll(image, 1, 2) + np.roll(image, -1, 2)) / 4
        image += rng.uniform(0, 0.9, (n, 1, 1)) * (soft - image)
        paper = rng.uniform(0, 1, (n, 1, 1))
        contrast = rng.uniform(0.4, 0.95, (n, 1, 1)) * np.where(paper > 0.5, -1, 1)
        slope_x, slope_y = rng.uniform(-0.012, 0.012, (2, n, 1, 1))
        image = paper + contrast * image + slope_x * x + slope_y * y
        image += rng.uniform(0.01, 0.1, (n, 1, 1)) * rng.standard_normal(image.shape)
        scratch = rng.random((n, 1, 1)) < 0.15                      # a scratch across the picture
        tilt = rng.uniform(0, 3.14, (n, 1, 1))
        distance = np.abs(np.cos(tilt) * x + np.sin(tilt) * y - rng.uniform(-7, 7, (n, 1, 1)))
        image = np.where(scratch & (distance < 0.7), paper + contrast * rng.random((n, 1, 1)), image)
        out.append(golden.quantise(np.clip(image, 0, 1), "uint8", -8))
    return np.concatenate(out)[:, None]


def as_input(stored):
    return golden.dequantise(stored, {"scale_log2": -8, "zero": 0}, "float32")


WIDTHS = [1, 16, 32, 48, 96]


def init(rng):
    p = {}
    for i in range(4):
        p[f"conv{i}.weight"] = tape.init(rng, WIDTHS[i + 1], WIDTHS[i], 3, 3, gain=1.4)
        p[f"conv{i}.bias"] = tape.zeros(WIDTHS[i + 1])
    p["out.weight"] = tape.init(rng, WIDTHS[4], len(CLASSES))
    p["out.bias"] = tape.zeros(len(CLASSES))
    return p


def make_forward(mean, variance):
    scale = np.float32(1 / np.sqrt(variance + 1e-5))

    def forward(p, images):
        h = tape.Var((images - mean) * scale)
        for i in range(4):
            h = tape.relu(tape.conv2d(h, p[f"conv{i}.weight"], p[f"conv{i}.bias"]))
            if i < 3:
                h = tape.max_pool2(h)
        return tape.mean(h, (2, 3)) @ p["out.weight"] + p["out.bias"]
    return forward


def export(p, mean, variance):
    g = Graph("glyph", {k: v.value for k, v in p.items()})
    one = lambda name, value: g.const(name, np.array([value], np.float32))
    h = g("BatchNormalization", "image", one("light.scale", 1), one("light.shift", 0),
          one("light.mean", mean), one("light.variance", variance), epsilon=1e-5)
    for i in range(4):
        h = g("Conv", h, f"conv{i}.weight", f"conv{i}.bias", kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[1, 1])
        h = g("Relu", h)
        if i < 3:
            h = g("MaxPool", h, kernel_shape=[2, 2], strides=[2, 2])
    h = g("Flatten", g("GlobalAveragePool", h), axis=1)
    g.linear(h, "logits", p["out.weight"].value, p["out.bias"].value)
    g.save("image", TensorProto.FLOAT, [1, SIDE, SIDE], len(CLASSES))


def baseline(train, labels, test, test_labels):
    """Nearest class mean after centring contrast: the simple idea."""
    def flat(stored):
        x = stored.reshape(len(stored), -1).astype(np.float32)
        x -= x.mean(1, keepdims=True)
        return x / (np.linalg.norm(x, axis=1, keepdims=True) + 1e-6)
    x = flat(train)
    means = np.stack([np.linalg.svd(x[labels == c][:300], full_matrices=False)[2][0] for c in range(len(CLASSES))])
    return float((np.abs(flat(test) @ means.T).argmax(1) == test_labels).mean())


def main():
    rng = np.random.default_rng(SEED)
    train_faces, test_faces = load_faces(TRAIN_LATIN, TRAIN_CHINESE), load_faces(TEST_LATIN, TEST_CHINESE)
    labels = np.arange(TRAIN_CASES) % len(CLASSES)
    stored = photograph(train_faces, labels, rng)
    test_labels = rng.permutation(np.arange(TEST_CASES) % len(CLASSES))
    test = photograph(test_faces, test_labels, np.random.default_rng(SEED + 1))
    print(f"baseline, class means: {baseline(stored, labels, test, test_labels):.4f}")
    mean, variance = np.float32(as_input(stored).mean()), np.float32(as_input(stored).var())
    forward = make_forward(mean, variance)
    params = init(rng)
    fresh = lambda: (as_input(photograph(train_faces, labels, rng)), labels)
    tape.fit(params, forward, fresh, rng=rng, epochs=EPOCHS, batch=96, rate=3e-3, decay=1e-3)
    export(params, mean, variance)
    golden.finish("glyph", input_name="image", stored=test, scale_log2=-8, classes=CLASSES, labels=test_labels,
                  trained_logits=tape.predict(params, forward, as_input(test)))


if __name__ == "__main__":
    main()
