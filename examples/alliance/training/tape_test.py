#!/usr/bin/python3
"""Every gradient of the tape against finite differences, in float64. Run: /usr/bin/python3 tape_test.py"""
import sys

import numpy as np

import tape

rng = np.random.default_rng(7)


def leaf(*shape):
    return tape.Var(rng.standard_normal(shape))


def computed(x):
    """x as the result of an operation: some operations skip gradients of plain inputs."""
    return tape.mul(x, tape.Var(np.ones(1)))


CASES = {
    "add": (tape.add, leaf(2, 3, 4), leaf(4)),
    "mul": (tape.mul, leaf(2, 3, 4), leaf(3, 1)),
    "matmul": (tape.matmul, leaf(2, 3, 5), leaf(5, 6)),
    "matmul, batched": (tape.matmul, leaf(2, 3, 4, 5), leaf(2, 3, 5, 6)),
    "power": (lambda a: tape.power(a * a + tape.Var(np.full(1, 0.5)), -0.5), leaf(3, 4)),
    "relu": (tape.relu, leaf(3, 5)),
    "leaky_relu": (lambda a: tape.leaky_relu(a, 0.1), leaf(3, 5)),
    "tanh": (tape.tanh, leaf(3, 5)),
    "sigmoid": (tape.sigmoid, leaf(3, 5)),
    "gelu": (tape.gelu, leaf(3, 5)),
    "reshape": (lambda a: tape.reshape(a, (6, 2)), leaf(3, 4)),
    "transpose": (lambda a: tape.transpose(a, (2, 0, 1)), leaf(2, 3, 4)),
    "concat": (lambda a, b: tape.concat([a, b], 1), leaf(2, 3), leaf(2, 4)),
    "columns": (lambda a: tape.columns(a, 1, 3), leaf(2, 5)),
    "gather": (lambda table: tape.gather(table, np.array([[1, 2, 1], [0, 0, 3]])), leaf(5, 4)),
    "mean": (lambda a: tape.mean(a, (1, 2)), leaf(2, 3, 4)),
    "mean, keepdims": (lambda a: tape.mean(a, (-1,), keepdims=True), leaf(2, 3, 4)),
    "softmax": (tape.softmax, leaf(3, 5)),
    "cross_entropy": (lambda a: tape.cross_entropy(a, np.array([1, 2, 0]), 0.1), leaf(3, 5)),
    "conv2d": (lambda x, w, b: tape.conv2d(computed(x), w, b), leaf(2, 3, 6, 6), leaf(4, 3, 3, 3), leaf(4)),
    "max_pool2": (lambda x: tape.max_pool2(computed(x)), leaf(2, 3, 6, 6)),
}


def worst_error(operation, inputs):
    """Largest relative gap between the tape's slope and a measured one, over a few entries of every input."""
    weight = rng.standard_normal(operation(*inputs).shape)      # any scalar function of the result will do

    def loss():
        out = operation(*inputs)
        return tape.Var((out.value * weight).sum(), (out,), lambda g: (g * weight,))
    tape.backward(loss())
    worst, h = 0.0, 1e-5
    for x in inputs:
        slopes = x.grad
        for _ in range(8):
            at = tuple(rng.integers(size) for size in x.shape)
            kept = x.value[at]
            x.value[at] = kept + h
            above = loss().value
            x.value[at] = kept - h
            below = loss().value
            x.value[at] = kept
            worst = max(worst, abs((above - below) / (2 * h) - slopes[at]) / (1e-3 + abs(slopes[at])))
    return worst


failed = 0
for name, (operation, *inputs) in CASES.items():
    error = worst_error(operation, inputs)
    if error > 1e-4:                                            # gelu is trained with a 1.5e-7 approximation
        failed += 1
        print(f"{name}: gradient is off by {error:.1e}")
print(f"{len(CASES) - failed} passed, {failed} failed")
sys.exit(failed > 0)
