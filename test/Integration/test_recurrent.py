# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""RNN, GRU and LSTM against a loop in f64, and that loop against ONNX Runtime."""

from dataclasses import dataclass, field

import numpy as np
import pytest
import recurrent_reference
from support import (TensorProto, assert_close, compile_model, convoy, each_level, helper, must, numpy_helper, one_line,
                     onnx, run_artefact, run_onnxruntime, value_info)

OPERATORS = ("RNN", "GRU", "LSTM")
NAMES = ("x", "w", "r", "b", "lengths", "initial_h", "initial_c", "p")
SPELLINGS = {name.lower(): name for name in ("Affine", "Elu", "HardSigmoid", "LeakyRelu", "Relu", "ScaledTanh", "Sigmoid",
                                             "Softplus", "Softsign", "Tanh", "ThresholdedRelu")}


@dataclass
class Layer:
    """A node, its operands by name, and which of its outputs are used."""

    op: str
    operands: dict
    attributes: dict
    outputs: tuple
    fed: set = field(default_factory=lambda: {"x"})  # The operands that are inputs of the model.

    def expected(self):
        return recurrent_reference.run(self.op, **self.operands, **self.attributes)

    def names(self, prefix):
        count = max(self.outputs) + 1
        return [f"{prefix}y{index}" if index in self.outputs else "" for index in range(count)]

    def node(self, prefix):
        inputs = [prefix + name if self.operands.get(name) is not None else "" for name in NAMES]
        while not inputs[-1]:
            inputs.pop()
        return helper.make_node(self.op, inputs, self.names(prefix), name=f"{prefix}the_{self.op.lower()}", **self.attributes)


def make_layer(random, op, steps, batch, features, hidden, *, directions=1, bias=True, lengths=None, h=False, c=False, p=False,
               outputs=(0, 1), scale=1.0, **attributes):
    """A layer with random operands."""
    gates = recurrent_reference.GATES[op]

    def rand(*shape, scale=1.0):
        return (random.standard_normal(shape) * scale).astype(np.float32)

    first = attributes.get("layout", 0)
    state = (batch, directions, hidden) if first else (directions, batch, hidden)
    operands = {
        "x": rand(batch, steps, features) if first else rand(steps, batch, features),
        "w": rand(directions, gates * hidden, features, scale=scale / max(features, 1) ** 0.5),
        "r": rand(directions, gates * hidden, hidden, scale=scale / hidden ** 0.5),
        "b": rand(directions, 2 * gates * hidden, scale=0.3) if bias else None,
        "lengths": None if lengths is None else np.array(lengths, np.int32),
        "initial_h": rand(*state) if h else None,
    }
    if op == "LSTM":
        operands["initial_c"] = rand(*state) if c else None
        operands["p"] = rand(directions, 3 * hidden) if p else None
    if directions == 2:
        attributes["direction"] = "bidirectional"
    return Layer(op, operands, attributes | {"hidden_size": hidden}, outputs)


def random_layer(seed):
    """A layer whose every option is drawn."""
    random = np.random.default_rng([seed, 5])

    def draw(*choices):
        return choices[int(random.integers(len(choices)))]

    op = OPERATORS[seed % 3]
    steps, batch, features = draw(1, 2, 3, 6), draw(1, 1, 1, 2, 3, 5, 8, 9), draw(1, 3, 8, 20)
    hidden, directions = draw(1, 3, 8, 16, 16, 17, 24, 32, 33, 40, 64, 80), draw(1, 1, 2)
    attributes, functions = {"layout": draw(0, 0, 1)}, recurrent_reference.DEFAULTS[op]
    if directions == 1:
        attributes["direction"] = draw("forward", "reverse")
    if random.random() < 0.2:
        attributes["clip"] = float(draw(0.25, 0.5, 2.0))
    if random.random() < 0.4:
        # Functions that grow would make the states overflow.
        known = ["hardsigmoid", "scaledtanh", "sigmoid", "softsign", "tanh"] + ["relu", "elu", "leakyrelu", "affine", "softplus",
                                                                              "thresholdedrelu"] * (hidden < 20)
        same = draw(True, False)
        names = [draw(*known) for _ in functions] * directions if same else [draw(*known) for _ in functions * directions]
        attributes["activations"] = [SPELLINGS[name] for name in names]
        attributes["activation_alpha"] = [round(float(random.uniform(0.1, 0.6)), 2) for name in names
                                          if name in recurrent_reference.ALPHAS]
        attributes["activation_beta"] = [round(float(random.uniform(0.1, 0.6)), 2) for name in names
                                         if name in recurrent_reference.BETAS]
        attributes = {key: value for key, value in attributes.items() if value != []}
    if op == "GRU":
        attributes["linear_before_reset"] = draw(0, 1)
    if op == "LSTM":
        attributes["input_forget"] = draw(0, 0, 1)
    count = 3 if op == "LSTM" else 2
    outputs = tuple(index for index in range(count) if random.random() < 0.6) or (int(random.integers(count)),)
    lengths = [int(random.integers(0, steps + 1)) for _ in range(batch)] if random.random() < 0.35 else None
    flags = {name: draw(True, False) for name in ("bias", "h", "c", "p")}
    layer = make_layer(random, op, steps, batch, features, hidden, directions=directions, lengths=lengths, outputs=outputs,
                       scale=0.7, **flags, **attributes)
    # Most models have constant weights.
    often, seldom = ("lengths", "initial_h", "initial_c"), ("w", "r", "b", "p")
    layer.fed |= {name for name in often if draw(True, True, False)} | {name for name in seldom if draw(True, False, False, False)}
    return layer


def merge(layers, opset=14):
    """One model of all layers, its inputs and the expected outputs."""
    nodes, feeds, constants, expected = [], {}, {}, {}
    for number, layer in enumerate(layers):
        prefix = f"l{number}_"
        nodes.append(layer.node(prefix))
        for name, array in layer.operands.items():
            if array is not None:
                (feeds if name in layer.fed else constants)[prefix + name] = array
        results = layer.expected()
        for index in layer.outputs:
            expected[f"{prefix}y{index}"] = results[index].astype(np.float32)
    graph = helper.make_graph(nodes, "recurrent", [value_info(name, array) for name, array in feeds.items()],
                              [value_info(name, array) for name, array in expected.items()],
                              [numpy_helper.from_array(array, name) for name, array in constants.items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8), feeds, expected


def compare(layers, actual, expected, tolerance):
    wrong = []
    for name, array in expected.items():
        layer = layers[int(name[1:name.index("_")])]
        shapes = {key: value.shape for key, value in layer.operands.items() if value is not None}
        try:
            assert_close(actual[name], array, tolerance, f"{name}: {layer.op} {layer.attributes} {shapes}")
        except AssertionError as error:
            wrong.append(str(error))
    assert not wrong, f"{len(wrong)} of {len(expected)} outputs:\n" + "\n".join(wrong[:20])


def check(layers, folder, options=(), threads=1, tolerance=1e-5, opset=14):
    model, feeds, expected = merge(layers, opset)
    compare(layers, run_artefact(compile_model(model, folder, *options), feeds, expected, threads), expected, tolerance)


# --- The grid ---------------------------------------------------------------------------------------------------------

CASES, CASES_OF_A_MODEL = 450, 75


@pytest.mark.parametrize("first", range(0, CASES, CASES_OF_A_MODEL))
def test_random_layers(first, tmp_path):
    check([random_layer(seed) for seed in range(first, first + CASES_OF_A_MODEL)], tmp_path)


def test_reference_agrees_with_onnx_runtime():
    """But for what ONNX Runtime lacks (layout 1) or does in another way: it does not clip the argument of an LSTM's last
    function, and the states after no step are zero."""
    layers = []
    for layer in map(random_layer, range(CASES)):
        layer.attributes.pop("layout")
        layer.attributes.pop("clip", None)
        if layer.operands["lengths"] is not None:
            layer.operands["lengths"] = np.maximum(layer.operands["lengths"], 1)
        for name in ("x", "initial_h", "initial_c"):  # Now with the batch as dimension 1.
            if (array := layer.operands.get(name)) is not None:
                layer.operands[name] = np.resize(array, reshape_to_sequence_first(layer, name))
        layers.append(layer)
    model, feeds, expected = merge(layers)
    compare(layers, run_onnxruntime(model, feeds), expected, tolerance=1e-5)


def reshape_to_sequence_first(layer, name):
    shape = layer.operands[name].shape
    directions = layer.operands["w"].shape[0]
    batch_first = name != "x" and shape[0] != directions
    return (shape[1], shape[0], shape[2]) if batch_first else shape
