"""Writes a trained model as ONNX: a list of nodes, a dictionary of weights, one input, one output."""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from golden import PRODUCTS


class Graph:
    """Collects nodes; every method call returns the name of the node's output."""

    def __init__(self, product, weights):
        self.product, self.nodes = product, []
        self.weights = dict(weights)

    def __call__(self, op, *inputs, name=None, outputs=None, **attributes):
        outputs = outputs or [name or f"{op.lower()}_{len(self.nodes)}"]
        self.nodes.append(helper.make_node(op, list(inputs), outputs, name=f"{op}_{len(self.nodes)}", **attributes))
        return outputs[0]

    def const(self, name, array):
        self.weights[name] = array
        return name

    def linear(self, x, name, weight, bias):
        """Gemm with the weight stored [classes, features]: the one form every runtime imports."""
        return self("Gemm", x, self.const("out.weight", np.ascontiguousarray(weight.T)),
                    self.const("out.bias", bias), name=name, transB=1)

    def save(self, input_name, input_type, shape, classes, opset=13):
        graph = helper.make_graph(
            self.nodes, self.product,
            [helper.make_tensor_value_info(input_name, input_type, ["N", *shape])],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", classes])],
            [numpy_helper.from_array(a, n) for n, a in self.weights.items()])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)],
                                  producer_name="hezong-examples", ir_version=7)
        onnx.checker.check_model(model, full_check=True)
        path = PRODUCTS / f"{self.product}.onnx"
        path.write_bytes(model.SerializeToString(deterministic=True))
        ops = sorted({n.op_type for n in self.nodes})
        print(f"{path.name}: {path.stat().st_size} bytes, opset {opset}, {len(ops)} operators: {' '.join(ops)}")
