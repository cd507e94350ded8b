"""An oracle: evaluates a small ONNX graph in float64, one operator definition a line.

It reads the *exported file*, not the training code, and shares nothing with
it. So the reference logits in a golden set are an independent second opinion
on what the model says, and runtimes are compared with it, not with each other.
Only the operators of the demo products are here; any other raises KeyError.
"""
import math

import numpy as np
import onnx
from onnx import numpy_helper

_erf = np.vectorize(math.erf, otypes=[np.float64])


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _conv(x, w, b, a):
    """Sum over kernel taps of shifted images: the textbook definition, slow and plain."""
    top, left, bottom, right = a.get("pads", [0, 0, 0, 0])
    stride_y, stride_x = a.get("strides", [1, 1])
    assert a.get("group", 1) == 1 and a.get("dilations", [1, 1]) == [1, 1]
    x = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))
    out_h = (x.shape[2] - w.shape[2]) // stride_y + 1
    out_w = (x.shape[3] - w.shape[3]) // stride_x + 1
    out = np.zeros((x.shape[0], w.shape[0], out_h, out_w)) + b[None, :, None, None]
    for i in range(w.shape[2]):
        for j in range(w.shape[3]):
            tap = x[:, :, i:i + out_h * stride_y:stride_y, j:j + out_w * stride_x:stride_x]
            out += np.einsum("nchw,oc->nohw", tap, w[:, :, i, j], optimize=True)
    return out


def _max_pool(x, a):
    assert a["kernel_shape"] == [2, 2] and a["strides"] == [2, 2] and "pads" not in a
    n, c, h, w = x.shape
    return x.reshape(n, c, h // 2, 2, w // 2, 2).max((3, 5))


def _gru(x, w, r, b, a):
    """ONNX GRU, forward direction, gates in the order z, r, h, linear_before_reset = 1."""
    assert a["linear_before_reset"] == 1 and len(w) == 1
    size, w, r, wb, rb = a["hidden_size"], w[0], r[0], *np.split(b[0], 2)
    h, seq = np.zeros((x.shape[1], size)), []
    for step in x:
        from_x, from_h = step @ w.T + wb, h @ r.T + rb
        z = _sigmoid(from_x[:, :size] + from_h[:, :size])
        reset = _sigmoid(from_x[:, size:2 * size] + from_h[:, size:2 * size])
        new = np.tanh(from_x[:, 2 * size:] + reset * from_h[:, 2 * size:])
        h = (1 - z) * new + z * h
        seq.append(h)
    return np.stack(seq)[:, None], h[None]


def _norm(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def _gemm(x, w, b, a):
    assert not a.get("transA") and a.get("alpha", 1) == 1 and a.get("beta", 1) == 1
    return x @ (w.T if a.get("transB") else w) + b


def _reshape(x, shape):
    return x.reshape([x.shape[i] if s == 0 else int(s) for i, s in enumerate(shape)])


def _column(v):
    return v[None, :, None, None]


OPS = {
    "Add": lambda i, a: i[0] + i[1],
    "Sub": lambda i, a: i[0] - i[1],
    "Mul": lambda i, a: i[0] * i[1],
    "Div": lambda i, a: i[0] / i[1],
    "Pow": lambda i, a: i[0] ** i[1],
    "Sqrt": lambda i, a: np.sqrt(i[0]),
    "Sin": lambda i, a: np.sin(i[0]),
    "Cos": lambda i, a: np.cos(i[0]),
    "Tanh": lambda i, a: np.tanh(i[0]),
    "Erf": lambda i, a: _erf(i[0]),
    "Relu": lambda i, a: np.maximum(i[0], 0),
    "LeakyRelu": lambda i, a: np.where(i[0] > 0, i[0], a["alpha"] * i[0]),
    "MatMul": lambda i, a: i[0] @ i[1],
    "Gemm": lambda i, a: _gemm(*i, a),
    "Conv": lambda i, a: _conv(*i, a),
    "MaxPool": lambda i, a: _max_pool(i[0], a),
    "GlobalAveragePool": lambda i, a: i[0].mean((2, 3), keepdims=True),
    "BatchNormalization": lambda i, a: (i[0] - _column(i[3])) / np.sqrt(_column(i[4]) + a["epsilon"])
                                       * _column(i[1]) + _column(i[2]),
    "Flatten": lambda i, a: i[0].reshape(len(i[0]), -1),
    "Transpose": lambda i, a: i[0].transpose(a["perm"]),
    "Reshape": lambda i, a: _reshape(*i),
    "Squeeze": lambda i, a: np.squeeze(i[0], tuple(int(v) for v in i[1])),
    "Unsqueeze": lambda i, a: np.expand_dims(i[0], tuple(int(v) for v in i[1])),
    "Concat": lambda i, a: np.concatenate(i, a["axis"]),
    "Gather": lambda i, a: np.take(i[0], i[1], axis=a.get("axis", 0)),
    "Softmax": lambda i, a: _norm(i[0], a["axis"]),
    "ReduceMean": lambda i, a: i[0].mean(tuple(a["axes"]), keepdims=bool(a.get("keepdims", 1))),
    "ReduceSum": lambda i, a: i[0].sum(tuple(int(v) for v in i[1]), keepdims=bool(a.get("keepdims", 1))),
    "Equal": lambda i, a: i[0] == i[1],
    "Cast": lambda i, a: i[0].astype(np.float64 if a["to"] == onnx.TensorProto.FLOAT else np.int64),
    "GRU": lambda i, a: _gru(i[0], i[1], i[2], i[3], a),
}


def attribute(a):
    value = onnx.helper.get_attribute_value(a)
    return list(value) if isinstance(value, (tuple, list)) or hasattr(value, "extend") else value


def wide(array):
    """float32 becomes float64, integers stay integers."""
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def run(model_file, inputs, batch=128):
    """Logits of every input, float64."""
    graph = onnx.load(model_file).graph
    fixed = {t.name: wide(numpy_helper.to_array(t)) for t in graph.initializer}
    out = []
    for start in range(0, len(inputs), batch):
        values = dict(fixed)
        values[graph.input[0].name] = wide(inputs[start:start + batch])
        for node in graph.node:
            args = [values[name] for name in node.input if name]
            result = OPS[node.op_type](args, {a.name: attribute(a) for a in node.attribute})
            results = result if isinstance(result, tuple) else (result,)
            values.update({name: r for name, r in zip(node.output, results) if name})
        out.append(values[graph.output[0].name])
    return np.concatenate(out)
