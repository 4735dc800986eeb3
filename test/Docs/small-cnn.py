"""Writes a small network with random weights, and pictures: small-cnn.py MODEL FOLDER. It compiles quickly."""

import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper
from PIL import Image

rng = np.random.default_rng(0)
constants = {}


def layer(name, *shape):
    constants[name] = (rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))).astype(np.float32)
    constants[f"{name}.bias"] = (rng.standard_normal(shape[0]) * 0.1).astype(np.float32)
    return [name, f"{name}.bias"]


node = helper.make_node
nodes = [
    node("Conv", ["x", *layer("first", 16, 3, 3, 3)], ["a"], pads=[1, 1, 1, 1]), node("Relu", ["a"], ["b"]),
    node("Conv", ["b", *layer("depthwise", 16, 1, 3, 3)], ["c"], group=16, pads=[1, 1, 1, 1]),
    node("Add", ["b", "c"], ["d"]), node("Relu", ["d"], ["e"]),
    node("Conv", ["e", *layer("pointwise", 128, 16, 1, 1)], ["f"]), node("Relu", ["f"], ["g"]),
    node("GlobalAveragePool", ["g"], ["h"]), node("Flatten", ["h"], ["i"]),
    node("Gemm", ["i", *layer("classes", 10, 128)], ["y"], transB=1),
]
graph = helper.make_graph(
    nodes, "small", [helper.make_tensor_value_info("x", 1, [1, 3, 32, 32])],
    [helper.make_tensor_value_info("y", 1, [1, 10])],
    [numpy_helper.from_array(array, name) for name, array in constants.items()])
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), sys.argv[1])
for number in range(4):
    Image.fromarray(rng.integers(0, 256, (40, 50, 3), np.uint8)).save(Path(sys.argv[2]) / f"{number}.png")
