"""A recogniser of the size of `w600k_r50` with random weights: its speed, and nothing else.

The improved residual network of ArcFace (Deng et al. 2019): units of batch norm, convolution,
batch norm, PReLU and a strided convolution, in four stages of 3, 4, 14 and 3 units.
"""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

STAGES = ((64, 3), (128, 4), (256, 14), (512, 3))
DIMENSION = 512


class _Graph:
    """Nodes and weights, added one behind the other."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self._random = np.random.default_rng(0)

    def weight(self, *shape: int, scale: float | None = None) -> str:
        values = self._random.standard_normal(shape).astype(np.float32)
        spread = scale if scale is not None else (2 / int(np.prod(shape[1:]))) ** 0.5
        return self._keep(values * np.float32(spread))

    def constant(self, value: float, *shape: int) -> str:
        return self._keep(np.full(shape, value, np.float32))

    def _keep(self, values: NDArray[np.float32]) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def add(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        name = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def convolution(self, x: str, before: int, width: int, size: int, stride: int) -> str:
        edge = size // 2
        return self.add(
            "Conv",
            [x, self.weight(width, before, size, size)],
            kernel_shape=[size, size],
            strides=[stride, stride],
            pads=[edge] * 4,
        )

    def normal(self, x: str, width: int) -> str:
        scale, shift = self.constant(1, width), self.constant(0, width)
        mean, variance = self.constant(0, width), self.constant(1, width)
        return self.add("BatchNormalization", [x, scale, shift, mean, variance])

    def prelu(self, x: str, width: int) -> str:
        return self.add("PRelu", [x, self.constant(0.25, width, 1, 1)])

    def unit(self, x: str, before: int, width: int, stride: int) -> str:
        y = self.normal(x, before)
        y = self.prelu(self.normal(self.convolution(y, before, width, 3, 1), width), width)
        y = self.normal(self.convolution(y, width, width, 3, stride), width)
        if before != width or stride != 1:
            x = self.normal(self.convolution(x, before, width, 1, stride), width)
        return self.add("Add", [x, y])


def write_resnet50(path: Path) -> Path:
    """Write the model (about 170 MB) in the form that insightface loads as a recogniser."""
    graph = _Graph()
    x = graph.prelu(graph.normal(graph.convolution("input.1", 3, 64, 3, 1), 64), 64)
    before = 64
    for width, units in STAGES:
        for number in range(units):
            x = graph.unit(x, before, width, 2 if number == 0 else 1)
            before = width
    x = graph.add("Flatten", [graph.normal(x, before)], axis=1)
    x = graph.add("Gemm", [x, graph.weight(DIMENSION, before * 7 * 7)], transB=1)
    shift = [graph.constant(value, DIMENSION) for value in (1, 0, 0, 1)]
    x = graph.add("BatchNormalization", [x, *shift])
    graph.nodes[-1].output[0] = "embedding"
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "r50",
            [helper.make_tensor_value_info("input.1", TensorProto.FLOAT, ["n", 3, 112, 112])],
            [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", DIMENSION])],
            graph.weights,
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path
