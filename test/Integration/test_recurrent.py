# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""RNN, GRU and LSTM against a loop in f64, and that loop against ONNX Runtime."""

import re
from dataclasses import dataclass, field

import numpy as np
import pytest
import recurrent_reference
from support import (TensorProto, assert_close, compile_model, convoy, each_level, fixed_shapes, helper,
                     numpy_helper, one_line, onnx, run_artefact, run_fails, run_onnxruntime, value_info)
from test_programs import run_as_program

OPERATORS = ("RNN", "GRU", "LSTM")
NAMES = ("x", "w", "r", "b", "lengths", "initial_h", "initial_c", "p")
SPELLINGS = {name.lower(): name for name in (
    "Affine", "Elu", "HardSigmoid", "LeakyRelu", "Relu", "ScaledTanh", "Sigmoid", "Softplus", "Softsign", "Tanh",
    "ThresholdedRelu")}


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
        name = f"{prefix}the_{self.op.lower()}"
        return helper.make_node(self.op, inputs, self.names(prefix), name=name, **self.attributes)


def make_layer(random, op, steps, batch, features, hidden, *, directions=1, bias=True, lengths=None, h=False, c=False,
               p=False, outputs=(0, 1), scale=1.0, **attributes):
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


def drawer(*seed):
    random = np.random.default_rng(seed)
    return random, lambda *choices: choices[int(random.integers(len(choices)))]


def draw_functions(random, draw, op, directions, hidden):
    # Functions that grow would make the states of many units overflow.
    known = ["hardsigmoid", "scaledtanh", "sigmoid", "softsign", "tanh"]
    known += ["relu", "elu", "leakyrelu", "affine", "softplus", "thresholdedrelu"] if hidden < 20 else []
    count = len(recurrent_reference.DEFAULTS[op])
    names = [draw(*known) for _ in range(count)] * directions if draw(True, False) else [
        draw(*known) for _ in range(count * directions)]
    made = {"activations": [SPELLINGS[name] for name in names]}
    for attribute, known in (("activation_alpha", recurrent_reference.ALPHAS),
                             ("activation_beta", recurrent_reference.BETAS)):
        if constants := [round(float(random.uniform(0.1, 0.6)), 2) for name in names if name in known]:
            made[attribute] = constants
    return made


def random_layer(seed, for_runtime=False):
    """A layer whose every option is drawn, or every one that ONNX Runtime computes as specified."""
    op = OPERATORS[seed % 3]
    # Two layers share what their kernel depends on, because most of the time is spent on compiling kernels.
    random, draw = drawer(seed % 3, seed // 6, 5)
    steps, batch = draw(1, 3, 3), draw(1, 1, 2, 5)
    hidden, directions = draw(1, 8, 17, 33), draw(1, 1, 2)
    attributes = {} if directions == 2 else {"direction": draw("forward", "reverse")}
    if random.random() < 0.2:
        attributes["clip"] = float(draw(0.25, 0.5, 2.0))
    if random.random() < 0.4:
        attributes |= draw_functions(random, draw, op, directions, hidden)
    if op == "GRU":
        attributes["linear_before_reset"] = draw(0, 1)
    if op == "LSTM":
        attributes["input_forget"] = draw(0, 0, 1)
    count = 3 if op == "LSTM" else 2
    outputs = tuple(index for index in range(count) if random.random() < 0.6) or (draw(*range(count)),)
    has_lengths = random.random() < 0.35
    flags = {name: draw(True, False) for name in ("h", "c", "p")}
    fed = {name for name in ("r", "p") if draw(True, *[False] * 5)}

    random, draw = drawer(seed, 6)
    attributes["layout"] = draw(0, 0, 0, 0, 1)
    if for_runtime:
        attributes = {name: value for name, value in attributes.items() if name not in ("layout", "clip")}
    lengths = [int(random.integers(for_runtime, steps + 1)) for _ in range(batch)] if has_lengths else None
    layer = make_layer(random, op, steps, batch, 3, hidden, directions=directions, lengths=lengths,
                       outputs=outputs, scale=0.7, bias=draw(True, True, False), **flags, **attributes)
    # Most models have constant weights.
    layer.fed |= fed | {name for name in ("lengths", "initial_h", "initial_c") if draw(True, True, False)}
    layer.fed |= {name for name in ("w", "b") if draw(True, *[False] * 5)}
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

CASES, CASES_OF_A_MODEL = 408, 102


@pytest.mark.parametrize("first", range(0, CASES, CASES_OF_A_MODEL))
def test_random_layers(first, tmp_path):
    check([random_layer(seed) for seed in range(first, first + CASES_OF_A_MODEL)], tmp_path, tolerance=2e-5)


def test_reference_agrees_with_onnx_runtime():
    """But for what ONNX Runtime lacks (layout 1) or does in another way: it does not clip the argument of an LSTM's
    last function, and its states after no step are zero."""
    layers = [random_layer(seed, for_runtime=True) for seed in range(CASES)]
    model, feeds, expected = merge(layers)
    compare(layers, run_onnxruntime(model, feeds), expected, tolerance=5e-5)



# --- Sizes, types and opsets ------------------------------------------------------------------------------------------


def some_layers(outputs=(0, 1), **sizes):
    """An RNN, a GRU of each kind and an LSTM."""
    random = np.random.default_rng(len(sizes))
    options = {"RNN": [{}], "GRU": [{}, {"linear_before_reset": 1}], "LSTM": [{}]}
    return [make_layer(random, op, **sizes, outputs=outputs, **more) for op in OPERATORS for more in options[op]]


@pytest.mark.parametrize("level", each_level())
def test_levels_and_threads(level, tmp_path):
    """Several blocks of units, tiles of sequences, and tasks; the same bits for every number of threads."""
    layers = (some_layers(steps=9, batch=1, features=20, hidden=100, directions=2, h=True)
              + some_layers(steps=5, batch=19, features=12, hidden=80, lengths=[5, 0, 1, 4] * 4 + [3, 2, 5])
              + some_layers(steps=3, batch=9, features=8, hidden=300))
    model, feeds, expected = merge(layers)
    artefact = compile_model(model, tmp_path, f"--mcpu={level}")
    first = run_artefact(artefact, feeds, expected, threads=1)
    compare(layers, first, expected, tolerance=1e-5)
    for threads in (2, 5):
        again = run_artefact(artefact, feeds, expected, threads)
        assert all(np.array_equal(first[name], again[name]) for name in expected)


def test_program_for_aarch64(tmp_path):
    layers = (some_layers(steps=3, batch=1, features=5, hidden=37, directions=2)
              + some_layers(steps=3, batch=7, features=5, hidden=70))
    model, feeds, expected = merge(layers)
    actual = run_as_program(model, feeds, expected, "aarch64-linux-gnu", tmp_path)
    compare(layers, actual, expected, tolerance=1e-5)


def test_accuracy(tmp_path):
    """As near to the exact result as ONNX Runtime's, over many steps."""
    layers = (some_layers(steps=200, batch=1, features=64, hidden=256)
              + some_layers(steps=60, batch=7, features=64, hidden=48))
    model, feeds, expected = merge(layers)
    exact = {f"l{number}_y{index}": layer.expected()[index]
             for number, layer in enumerate(layers) for index in layer.outputs}
    actual, other = run_artefact(compile_model(model, tmp_path), feeds, expected), run_onnxruntime(model, feeds)
    for name in expected:
        ours, theirs = (np.sqrt(np.mean((made[name] - exact[name]) ** 2)) for made in (actual, other))
        assert ours <= 1.5 * theirs + 1e-8, f"{name}: {ours:.2e}, ONNX Runtime {theirs:.2e}"


def test_states_carried_over_calls(tmp_path):
    """A sequence in pieces, each with the states that the one before has left."""
    whole = make_layer(np.random.default_rng(3), "LSTM", 12, 2, 5, 24, h=True, c=True, outputs=(0, 1, 2))
    expected = whole.expected()
    piece = Layer("LSTM", {**whole.operands, "x": whole.operands["x"][:4]}, whole.attributes, (0, 1, 2),
                  {"x", "initial_h", "initial_c"})
    model, feeds, _ = merge([piece])
    artefact = compile_model(model, tmp_path)
    for first in range(0, 12, 4):
        feeds["l0_x"] = whole.operands["x"][first:first + 4]
        made = run_artefact(artefact, feeds, ["l0_y0", "l0_y1", "l0_y2"])
        assert_close(made["l0_y0"], expected[0][first:first + 4].astype(np.float32), 1e-5)
        feeds["l0_initial_h"], feeds["l0_initial_c"] = made["l0_y1"], made["l0_y2"]
    assert_close(made["l0_y2"], expected[2].astype(np.float32), 1e-5)


@pytest.mark.parametrize("opset", (1, 3, 6, 7, 14, 22))
def test_opsets(opset, tmp_path):
    layers = some_layers(steps=3, batch=2, features=4, hidden=5)
    if opset < 7:
        layers = [layer for layer in layers if opset > 1 or "linear_before_reset" not in layer.attributes]
        for layer in layers:
            layer.attributes["output_sequence"] = 1
    model, feeds, expected = merge(layers, opset)
    compare(layers, run_artefact(compile_model(model, tmp_path), feeds, expected), expected, 1e-5)


@pytest.mark.parametrize("dtype, tolerance", ((np.float16, 2e-3), (np.float64, 1e-5)))
def test_types(dtype, tolerance, tmp_path):
    layers = some_layers(steps=3, batch=2, features=4, hidden=5, h=True)
    for layer in layers:
        layer.operands = {name: array.astype(dtype) for name, array in layer.operands.items() if array is not None}
        layer.fed.add("initial_h")
    model, feeds, expected = merge(layers)
    for output in model.graph.output:
        output.type.tensor_type.elem_type = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    actual = run_artefact(compile_model(model, tmp_path), feeds, expected)
    for name, array in expected.items():
        assert_close(actual[name], array.astype(dtype), tolerance, name)


def test_bfloat16(tmp_path):
    """NumPy has no bf16: casts are around the layer."""
    layer = make_layer(np.random.default_rng(1), "LSTM", 3, 2, 4, 5)
    model, feeds, expected = merge([layer], opset=22)
    node = model.graph.node[0]
    casts = [helper.make_node("Cast", [name], [name + "_bf16"], to=TensorProto.BFLOAT16) for name in node.input]
    results = [helper.make_node("Cast", [name + "_bf16"], [name], to=TensorProto.FLOAT) for name in node.output]
    node.input[:], node.output[:] = [name + "_bf16" for name in node.input], [name + "_bf16" for name in node.output]
    nodes = [*casts, onnx.NodeProto.FromString(node.SerializeToString()), *results]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    compare([layer], run_artefact(compile_model(model, tmp_path), feeds, expected), expected, 2e-2)


def test_without_elements(tmp_path):
    """No step, no sequence, and no feature."""
    layers = [*some_layers(steps=0, batch=2, features=3, hidden=4, h=True),
              *some_layers(steps=3, batch=0, features=3, hidden=4),
              *some_layers(steps=3, batch=2, features=0, hidden=4, layout=1)]
    for layer in layers:
        layer.fed.add("initial_h")
    model, feeds, expected = merge(layers)
    artefact = compile_model(model, tmp_path, *fixed_shapes(feeds))
    compare(layers, run_artefact(artefact, feeds, expected), expected, 1e-5)


def test_lengths_out_of_range_at_run_time(tmp_path):
    """The run fails, no other memory is read, and the next run is as good as any."""
    layers = [make_layer(np.random.default_rng(4), "GRU", 4, 4, 8, 20, lengths=[4, 0, 2, 1], **more)
              for more in ({"directions": 2}, {"direction": "reverse"})]
    for layer in layers:
        layer.fed.add("lengths")
    model, feeds, expected = merge(layers)
    for options in ((), ("--devices=2",)):
        artefact = compile_model(model, tmp_path, *options)
        lengths_fail(artefact, feeds, [2**31 - 1, -2**31, 2, 5], np.int32)
        compare(layers, run_artefact(artefact, feeds, expected, threads=2), expected, 1e-5)


def lengths_fail(artefact, feeds, lengths, dtype):
    wild = {name: np.array(lengths, dtype) if name.endswith("lengths") else array for name, array in feeds.items()}
    text = run_fails(artefact, wild)
    assert "a sequence is longer than the input" in text
    assert re.search(r"\('\w+': \d+ is not between 0 and \d\)$", text), text


def test_reverse_sequence_out_of_range(tmp_path):
    """On GPUs, which the host does not read, lengths count as the nearest that are possible."""
    node = helper.make_node("ReverseSequence", ["x", "lengths"], ["y"], name="turn", batch_axis=0, time_axis=1)
    x, right = np.arange(8, dtype=np.float32).reshape(2, 4), np.array([3, 2], np.int64)
    graph = helper.make_graph([node], "turn", [value_info("x", x), value_info("lengths", right)],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, 4])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 10)], ir_version=8)
    wild = np.array([5, -1], np.int64)
    for target in ("cpu", "cuda-emulator"):
        artefact = compile_model(model, tmp_path, f"--target={target}")
        if target != "cpu":
            y = run_artefact(artefact, {"x": x, "lengths": wild}, ["y"])["y"]
            assert np.array_equal(y, [[3, 2, 1, 0], [4, 5, 6, 7]])
        else:
            lengths_fail(artefact, {"x": x, "lengths": right}, wild, np.int64)
        y = run_artefact(artefact, {"x": x, "lengths": right}, ["y"])["y"]
        assert np.array_equal(y, [[2, 1, 0, 3], [5, 4, 6, 7]])


def test_devices_compute_a_recurrence_alike(tmp_path):
    check(some_layers(steps=3, batch=4, features=8, hidden=20), tmp_path, ("--devices=2",), threads=2)


# --- Bad input --------------------------------------------------------------------------------------------------------


def bad(tmp_path, change, op="LSTM", options=(), **more):
    layer = make_layer(np.random.default_rng(2), op, 4, 2, 3, 5, **{"lengths": [4, 2], **more})
    change(layer)
    fed = {name: layer.operands[name] for name in layer.fed}
    constants = {name: array for name, array in layer.operands.items() if array is not None and name not in layer.fed}
    node = layer.node("")
    graph = helper.make_graph([node], "bad", [value_info(name, array) for name, array in fed.items()],
                              [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in node.output],
                              [numpy_helper.from_array(array, name) for name, array in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    onnx.save(model, tmp_path / "model.onnx")
    return one_line(convoy("compile", tmp_path / "model.onnx", "-o", tmp_path / "model.so", *options))


def set_attribute(name, value):
    return lambda layer: layer.attributes.__setitem__(name, value)


def set_operand(name, *shape, dtype=np.float32):
    return lambda layer: layer.operands.__setitem__(name, np.ones(shape, dtype))


BAD = {
    "direction": (set_attribute("direction", "backward"), "attribute 'direction' is 'backward'"),
    "hidden-size": (set_attribute("hidden_size", 6),
                    "attribute 'hidden_size' is 6, but input 2 ('r') is for 5 hidden units"),
    "function": (set_attribute("activations", ["Sigmoid", "Tanh", "Sin"]),
                 "attribute 'activations' has 'Sin', expected one of"),
    "functions": (set_attribute("activations", ["Tanh"]), "attribute 'activations' has 1 entries, expected 3"),
    "clip": (set_attribute("clip", -1.0), "attribute 'clip' is -1"),
    "x": (set_operand("x", 4, 3), "input 0 ('x') has rank 2, expected 3"),
    "w": (set_operand("w", 1, 15, 3), "input 1 ('w') has shape 1x15x3, expected 1x20x3"),
    "r": (set_operand("r", 2, 20, 5), "input 2 ('r') has shape 2x20x5, expected 1x20x5"),
    "b": (set_operand("b", 1, 20), "input 3 ('b') has shape 1x20, expected 1x40"),
    "lengths": (set_operand("lengths", 3, dtype=np.int32), "input 4 ('lengths') has shape 3, expected 2"),
    "h": (set_operand("initial_h", 2, 1, 5), "input 5 ('initial_h') has shape 2x1x5, expected 1x2x5"),
    "c": (set_operand("initial_c", 1, 2, 6), "input 6 ('initial_c') has shape 1x2x6, expected 1x2x5"),
    "p": (set_operand("p", 1, 20), "input 7 ('p') has shape 1x20, expected 1x15"),
    "type": (set_operand("b", 1, 40, dtype=np.float64), "input 3 ('b') has another element type than input 0"),
    "type-of-lengths": (set_operand("lengths", 2, dtype=np.int64), "input 4 ('lengths')"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_layer(name, tmp_path):
    change, message = BAD[name]
    line = bad(tmp_path, change)
    assert message in line and "node 'the_lstm' (LSTM)" in line


@pytest.mark.parametrize("length", (-1, 5))
def test_constant_length_out_of_range(length, tmp_path):
    line = bad(tmp_path, lambda layer: None, lengths=[3, length])
    assert f"input 4 ('lengths') says that sequence 1 has {length} steps, expected 0 to 4" in line


def test_gpus_have_no_kernel(tmp_path):
    line = bad(tmp_path, lambda layer: None, op="GRU", options=["--target=cuda-emulator"])
    assert "node 'the_gru': has no GPU kernel: compile the model for a CPU" in line
