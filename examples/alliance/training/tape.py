"""A reverse-mode autodiff tape: enough of one to train the four demo products.

How it works, in one paragraph. Every operation below computes its result with
numpy at once and remembers two things: the variables it came from and a
function that turns "how the loss changes with my result" into "how the loss
changes with each input". `backward` walks those memories from the loss to the
parameters. There is no graph compiler and nothing hidden: reading this file
top to bottom is the course.

Why not a framework: the demo must be retrainable from a Debian installation
with nothing but python3-numpy, and a learner should be able to read all of it.
"""
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


class Var:
    """An array on the tape. `grad` is filled by `backward`."""
    __slots__ = ("value", "grad", "inputs", "pull")

    def __init__(self, value, inputs=(), pull=None):
        self.value, self.inputs, self.pull, self.grad = value, inputs, pull, None

    shape = property(lambda self: self.value.shape)
    __add__ = lambda a, b: add(a, b)
    __sub__ = lambda a, b: add(a, mul(b, -1.0))
    __mul__ = lambda a, b: mul(a, b)
    __rmul__ = __mul__
    __radd__ = __add__
    __matmul__ = lambda a, b: matmul(a, b)
    __rsub__ = lambda a, b: add(mul(a, -1.0), b)


def var(x):
    return x if isinstance(x, Var) else Var(np.asarray(x, np.float32))


def unbroadcast(grad, shape):
    """Sum a gradient over the axes numpy broadcasting had repeated."""
    while grad.ndim > len(shape):
        grad = grad.sum(0)
    for axis, size in enumerate(shape):
        if size == 1 and grad.shape[axis] != 1:
            grad = grad.sum(axis, keepdims=True)
    return grad


def backward(loss):
    order, seen, stack = [], set(), [(loss, False)]
    while stack:                                   # depth first, without recursion
        node, done = stack.pop()
        if done:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((i, False) for i in node.inputs)
    for node in order:
        node.grad = None
    loss.grad = np.ones_like(loss.value)
    for node in reversed(order):
        if node.pull is None or node.grad is None:
            continue
        for source, grad in zip(node.inputs, node.pull(node.grad)):
            if grad is not None:
                source.grad = grad if source.grad is None else source.grad + grad


# ---- arithmetic -------------------------------------------------------------
def add(a, b):
    a, b = var(a), var(b)
    return Var(a.value + b.value, (a, b),
               lambda g: (unbroadcast(g, a.shape), unbroadcast(g, b.shape)))


def mul(a, b):
    a, b = var(a), var(b)
    return Var(a.value * b.value, (a, b),
               lambda g: (unbroadcast(g * b.value, a.shape), unbroadcast(g * a.value, b.shape)))


def matmul(a, b):
    def pull(g):
        if b.value.ndim == 2:                      # weights shared by every batch axis
            flat_a, flat_g = a.value.reshape(-1, a.shape[-1]), g.reshape(-1, g.shape[-1])
            return g @ b.value.T, flat_a.T @ flat_g
        return g @ b.value.swapaxes(-1, -2), a.value.swapaxes(-1, -2) @ g
    return Var(a.value @ b.value, (a, b), pull)


def power(a, exponent):
    return Var(a.value ** exponent, (a,), lambda g: (g * exponent * a.value ** (exponent - 1),))


def pointwise(a, value, slope):
    return Var(value, (a,), lambda g: (g * slope,))


def relu(a):
    return pointwise(a, np.maximum(a.value, 0), (a.value > 0).astype(a.value.dtype))


def leaky_relu(a, alpha):
    slope = np.where(a.value > 0, 1.0, alpha).astype(a.value.dtype)
    return pointwise(a, a.value * slope, slope)


def tanh(a):
    t = np.tanh(a.value)
    return pointwise(a, t, 1 - t * t)


def sigmoid(a):
    s = 1 / (1 + np.exp(-np.clip(a.value, -60, 60)))
    return pointwise(a, s, s * (1 - s))


def erf_approx(x):
    """Abramowitz and Stegun 7.1.26, |error| < 1.5e-7: good enough to train with."""
    t = 1 / (1 + 0.3275911 * np.abs(x))
    poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    return np.sign(x) * (1 - poly * np.exp(-x * x))


def gelu(a):
    x = a.value
    cdf = 0.5 * (1 + erf_approx(x * np.float32(0.70710678)))
    return pointwise(a, x * cdf, cdf + x * np.exp(-0.5 * x * x) * np.float32(0.39894228))


# ---- shape ------------------------------------------------------------------
def reshape(a, shape):
    return Var(a.value.reshape(shape), (a,), lambda g: (g.reshape(a.shape),))


def transpose(a, axes):
    back = np.argsort(axes)
    return Var(a.value.transpose(axes), (a,), lambda g: (g.transpose(back),))


def concat(parts, axis):
    ends = np.cumsum([p.shape[axis] for p in parts])[:-1]
    return Var(np.concatenate([p.value for p in parts], axis), tuple(parts),
               lambda g: np.split(g, ends, axis))


def columns(a, start, stop):
    """Slice of the last axis."""
    def pull(g):
        full = np.zeros_like(a.value)
        full[..., start:stop] = g
        return (full,)
    return Var(a.value[..., start:stop], (a,), pull)


def gather(table, ids):
    """Rows of `table`: an embedding look-up."""
    def pull(g):
        full, flat = np.zeros_like(table.value), g.reshape(-1, g.shape[-1])
        order = np.argsort(ids.ravel(), kind="stable")          # add.at, but fast
        rows, starts = np.unique(ids.ravel()[order], return_index=True)
        full[rows] = np.add.reduceat(flat[order], starts, axis=0)
        return (full,)
    return Var(table.value[ids], (table,), pull)


# ---- reductions -------------------------------------------------------------
def mean(a, axes, keepdims=False):
    count = np.prod([a.shape[i] for i in axes]).astype(a.value.dtype)

    def pull(g):
        g = g if keepdims else np.expand_dims(g, axes)
        return (np.broadcast_to(g / count, a.shape).astype(a.value.dtype),)
    return Var(a.value.mean(axes, keepdims=keepdims), (a,), pull)


def softmax(a):
    e = np.exp(a.value - a.value.max(-1, keepdims=True))
    s = e / e.sum(-1, keepdims=True)
    return Var(s, (a,), lambda g: (s * (g - (g * s).sum(-1, keepdims=True)),))


def cross_entropy(logits, labels, smoothing=0.0):
    z = logits.value - logits.value.max(-1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(-1, keepdims=True))
    n, k = z.shape
    want = np.full((n, k), smoothing / k, z.dtype)
    want[np.arange(n), labels] += 1 - smoothing
    return Var(-(want * log_p).sum() / n, (logits,), lambda g: (g * (np.exp(log_p) - want) / n,))


# ---- images (NCHW) ----------------------------------------------------------
def conv2d(x, weight, bias):
    """3x3-style convolution, stride 1, zero padding that keeps the size: im2col and one matmul."""
    out_c, in_c, kh, kw = weight.shape
    ph, pw = kh // 2, kw // 2

    def patches(image):
        padded = np.pad(image, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
        n, c, h, w = image.shape
        view = sliding_window_view(padded, (kh, kw), (2, 3))     # n c h w kh kw
        return view.transpose(0, 2, 3, 1, 4, 5).reshape(n * h * w, c * kh * kw)

    n, _, h, w = x.shape
    cols = patches(x.value)
    flat = weight.value.reshape(out_c, -1)
    out = (cols @ flat.T + bias.value).reshape(n, h, w, out_c).transpose(0, 3, 1, 2)

    def pull(g):
        rows = g.transpose(0, 2, 3, 1).reshape(-1, out_c)
        g_weight = (rows.T @ cols).reshape(weight.shape)
        if x.pull is None:                         # the picture itself needs no gradient
            return None, g_weight, rows.sum(0)
        turned = weight.value[:, :, ::-1, ::-1].transpose(1, 0, 2, 3).reshape(in_c, -1)
        g_x = (patches(np.ascontiguousarray(g)) @ turned.T).reshape(n, h, w, in_c).transpose(0, 3, 1, 2)
        return g_x, g_weight, rows.sum(0)
    return Var(np.ascontiguousarray(out), (x, weight, bias), pull)


def max_pool2(x):
    n, c, h, w = x.shape
    blocks = x.value.reshape(n, c, h // 2, 2, w // 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(n, c, h // 2, w // 2, 4)
    pick = blocks.argmax(-1)[..., None]

    def pull(g):
        full = np.zeros_like(blocks)
        np.put_along_axis(full, pick, g[..., None], -1)
        full = full.reshape(n, c, h // 2, w // 2, 2, 2).transpose(0, 1, 2, 4, 3, 5)
        return (full.reshape(x.shape),)
    return Var(np.take_along_axis(blocks, pick, -1)[..., 0], (x,), pull)


# ---- training ---------------------------------------------------------------
class Adam:
    """Adam with a warm-up, a cosine schedule and decoupled weight decay on matrices."""

    def __init__(self, params, rate, steps, decay=0.0):
        self.params, self.rate, self.steps, self.decay, self.step_no = params, rate, steps, decay, 0
        self.m = {k: np.zeros_like(p.value) for k, p in params.items()}
        self.v = {k: np.zeros_like(p.value) for k, p in params.items()}

    def step(self):
        self.step_no += 1
        t = self.step_no
        rate = self.rate * min(1.0, t / 100) * (0.5 + 0.5 * np.cos(np.pi * min(1.0, t / self.steps)))
        norm = np.sqrt(sum(float((p.grad ** 2).sum()) for p in self.params.values()))
        clip = min(1.0, 5.0 / (norm + 1e-9))
        for k, p in self.params.items():
            g = p.grad * np.float32(clip)
            self.m[k] += 0.1 * (g - self.m[k])
            self.v[k] += 0.01 * (g * g - self.v[k])
            update = (self.m[k] / (1 - 0.9 ** t)) / (np.sqrt(self.v[k] / (1 - 0.99 ** t)) + 1e-8)
            if p.value.ndim > 1:
                update = update + self.decay * p.value
            p.value -= (rate * update).astype(np.float32)


def init(rng, *shape, gain=1.0):
    """Normal weights scaled by fan-in: rows for matrices, all but the first axis for kernels."""
    fan_in = np.prod(shape[1:]) if len(shape) == 4 else shape[0]
    return Var((rng.standard_normal(shape) * gain / np.sqrt(fan_in)).astype(np.float32))


def zeros(*shape):
    return Var(np.zeros(shape, np.float32))


def fit(params, forward, make_cases, *, rng, epochs, batch, rate, decay=0.0, smoothing=0.0):
    """Minimise cross entropy; print one line an epoch. `make_cases()` gives fresh inputs and labels every epoch."""
    adam = None
    for epoch in range(epochs):
        inputs, labels = make_cases()
        count = len(labels)
        adam = adam or Adam(params, rate, steps=epochs * (count // batch), decay=decay)
        order, total, right = rng.permutation(count), 0.0, 0
        for start in range(0, count - batch + 1, batch):
            pick = order[start:start + batch]
            logits = forward(params, inputs[pick])
            loss = cross_entropy(logits, labels[pick], smoothing)
            backward(loss)
            adam.step()
            total += float(loss.value) * batch
            right += int((logits.value.argmax(-1) == labels[pick]).sum())
        print(f"epoch {epoch + 1:2d}  loss {total / count:.4f}  train top-1 {right / count:.4f}", flush=True)


def predict(params, forward, inputs, batch=256):
    return np.concatenate([forward(params, inputs[i:i + batch]).value for i in range(0, len(inputs), batch)])
