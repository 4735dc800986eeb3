# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""DynamicQuantizeLSTM of com.microsoft against ONNX Runtime, which defines it.

A state that lies next to the border between two integers may be rounded to another one, which changes all later states a
little. So almost all elements must agree closely, and the others must not be far off. Without quantised states almost none
would agree closely."""

import numpy as np
import pytest
from support import (compile_model, convoy, each_level, helper, make_model, numpy_helper, one_line, onnx, run_artefact,
                     run_onnxruntime)

OP = "DynamicQuantizeLSTM"
INPUTS = ("x", "w", "r", "b", "lengths", "h", "c", "p", "w_scale", "w_zero", "r_scale", "r_zero")
CLOSE, FAR = 1e-6, 1e-2


def quantize(random, shape, dtype, by_column):
    """Weights, scales and zero points. Signed ones have 7 bits, because the only instruction of some CPUs saturates."""
    low, high = (0, 256) if dtype is np.uint8 else (-64, 64)
    axes = (shape[0], shape[2]) if by_column else (shape[0],)
    integers = random.integers(low, high, shape).astype(dtype)
    # ONNX Runtime wants the same for all columns.
    zeros = np.full(axes, random.integers(100, 150) if dtype is np.uint8 else 0)
    scale = 4 * random.uniform(0.6, 1.4, axes) / shape[1] ** 0.5 / (high - low)
    return integers, scale.astype(np.float32), zeros.astype(dtype)


def make_layer(seed, dtype=np.uint8, steps=6, batch=1, features=7, hidden=17, directions=1, by_column=False, lengths=None,
               states=False, peepholes=False, bias=True, **attributes):
    """A node and its operands by name."""
    random = np.random.default_rng(seed)
    rand = lambda *shape: random.standard_normal(shape).astype(np.float32)  # noqa: E731
    operands = {"x": rand(steps, batch, features)}
    for name, size in (("w", features), ("r", hidden)):
        operands[name], operands[f"{name}_scale"], operands[f"{name}_zero"] = quantize(
            random, (directions, size, 4 * hidden), dtype, by_column)
    if bias:
        operands["b"] = 0.3 * rand(directions, 8 * hidden)
    if lengths:
        operands["lengths"] = np.array(lengths, np.int32)
    if states:
        operands |= {"h": 0.5 * rand(directions, batch, hidden), "c": rand(directions, batch, hidden)}
    if peepholes:
        operands["p"] = rand(directions, 3 * hidden)
    if directions == 2:
        attributes["direction"] = "bidirectional"
    node = helper.make_node(OP, [name if name in operands else "" for name in INPUTS], ["y", "last_h", "last_c"],
                            name="layer", domain="com.microsoft", hidden_size=hidden, **attributes)
    return node, operands


LAYERS = [make_layer(number, **arguments) for number, arguments in enumerate((
    {},
    {"dtype": np.int8, "by_column": True},
    {"hidden": 8, "directions": 2, "states": True},
    {"hidden": 40, "batch": 3, "direction": "reverse"},
    {"hidden": 33, "batch": 5, "directions": 2, "by_column": True, "dtype": np.int8, "steps": 4},
    {"peepholes": True, "bias": False},
    {"input_forget": 1, "states": True, "by_column": True},
    {"activations": ["HardSigmoid", "Relu", "Tanh"], "batch": 2},
    {"hidden": 64, "features": 100, "steps": 30},
    {"batch": 3, "lengths": [6, 2, 4], "directions": 2, "states": True, "hidden": 9},
))]


def merge(layers):
    """One model of all layers, and its inputs: the data and the states."""
    nodes, feeds, constants = [], {}, {}
    for number, (node, operands) in enumerate(layers):
        prefix = f"l{number}_"
        copy = onnx.NodeProto.FromString(node.SerializeToString())
        copy.name = prefix + "layer"
        copy.input[:] = [name and prefix + name for name in node.input]
        copy.output[:] = [prefix + name for name in node.output]
        nodes.append(copy)
        for name, array in operands.items():
            (feeds if name in ("x", "h", "c") else constants)[prefix + name] = array
    outputs = [name for node in nodes for name in node.output]
    return make_model(nodes, feeds, outputs, constants), feeds, outputs


def compare(layers, folder, *options, threads=1):
    model, feeds, outputs = merge(layers)
    # With several threads, ONNX Runtime quantises the states of some sequences apart from others.
    expected = run_onnxruntime(model, feeds, threads=1)
    actual = run_artefact(compile_model(model, folder, *options), feeds, outputs, threads)
    errors = []
    for name in outputs:
        assert actual[name].shape == expected[name].shape and actual[name].dtype == expected[name].dtype, name
        error = np.abs(actual[name] - expected[name]) / max(np.abs(expected[name]).max(), 1)
        assert error.max() < FAR, f"{name}: {error.max()}"
        errors.append(error.ravel())
    assert np.quantile(np.concatenate(errors), 0.9) < CLOSE


@pytest.mark.parametrize("level", each_level())
def test_layers(level, tmp_path):
    compare(LAYERS, tmp_path, f"--mcpu={level}")


def test_devices(tmp_path):
    compare(LAYERS[4:5], tmp_path, "--devices=2", threads=2)


def test_weights_are_inputs(tmp_path):
    node, operands = LAYERS[4]
    model = make_model([node], operands, node.output)
    actual = run_artefact(compile_model(model, tmp_path), operands, node.output)
    for name, array in run_onnxruntime(model, operands, threads=1).items():
        assert np.abs(actual[name] - array).max() < FAR, name


BAD = {
    "input 8 ('w_scale') has shape 3, expected 1 or 1x68": ("w_scale", np.ones(3, np.float32)),
    "input 11 ('r_zero') has shape 1x17, expected 1 or 1x68": ("r_zero", np.zeros((1, 17), np.uint8)),
    "input 1 ('w') has shape 1x68x7, expected 1x7x68": ("w", np.zeros((1, 68, 7), np.uint8)),
    "has no input 10": ("r_scale", None),
    "input 2 ('r') has element type f32, expected": ("r", np.zeros((1, 17, 68), np.float32)),
}


@pytest.mark.parametrize("message", BAD)
def test_messages(message, tmp_path):
    node, operands = make_layer(0)
    name, array = BAD[message]
    operands = {**operands, name: array}
    if array is None:
        node.input[INPUTS.index(name)] = ""
        del operands[name]
    graph = helper.make_graph([node], "bad", [helper.make_tensor_value_info("x", 1, [6, 1, 7])],
                              [onnx.ValueInfoProto(name="y")],
                              [numpy_helper.from_array(array, name) for name, array in operands.items() if name != "x"])
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid("com.microsoft", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), tmp_path / "model.onnx")
    assert message in one_line(convoy("compile", tmp_path / "model.onnx", "-o", tmp_path / "model.so"))
