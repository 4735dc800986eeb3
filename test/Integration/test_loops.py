# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Loop and Scan that are unrolled, against ONNX Runtime; the axes and directions of Scan in loops that are not, too."""

import itertools

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from support import assert_close, compile_model, convoy, one_line, rand, run_artefact, run_onnxruntime

OPSET = 18
F32, I64 = np.float32, np.int64


KINDS = {"i": TensorProto.INT64, "go": TensorProto.BOOL, "more": TensorProto.BOOL, "stay": TensorProto.BOOL}


def value(name):
    return helper.make_tensor_value_info(name, KINDS.get(name, TensorProto.FLOAT), [] if name in KINDS else None)


def body(nodes, inputs, outputs, constants=None):
    """The graph of a loop: the first two inputs of a Loop's are an integer and a bool."""
    return helper.make_graph(nodes, "body", [value(name) for name in inputs], [value(name) for name in outputs],
                             [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()])


def make_model(nodes, feeds, outputs, constants=None):
    return helper.make_model(
        helper.make_graph(nodes, "test",
                          [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
                           for name, array in feeds.items()], [value(name) for name in outputs],
                          [numpy_helper.from_array(np.asarray(array), name) for name, array in (constants or {}).items()]),
        opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)


def check(nodes, feeds, folder, constants=None, outputs=("y",), options=()):
    model = make_model(nodes, feeds, outputs, constants)
    expected = run_onnxruntime(model, feeds)
    actual = run_artefact(compile_model(model, folder, *options), feeds, outputs)
    for name in outputs:
        assert_close(actual[name], expected[name], 1e-5, name)


# A body that adds what it reads from outside, and gives a slice of what it has.
STEP = [helper.make_node("Cast", ["i"], ["f"], to=TensorProto.FLOAT), helper.make_node("Mul", ["x", "f"], ["t"]),
        helper.make_node("Add", ["v", "t"], ["w"]), helper.make_node("ReduceMax", ["w", "axis0"], ["slice"], keepdims=0),
        helper.make_node("Identity", ["go"], ["stay"])]


@pytest.mark.parametrize("trips, condition", [(4, True), (1, True), (3, None), (0, True), (5, False)])
def test_counted(trips, condition, tmp_path):
    """A known number of iterations. The model reads the names of the body's tensors, too."""
    wants_slices = trips > 0 and condition is not False
    loop = helper.make_node("Loop", ["trips", "" if condition is None else "c", "x"], ["v", "s"] if wants_slices else ["v"],
                            name="the_loop", body=body(STEP, ["i", "go", "v"], ["stay", "w"] + ["slice"] * wants_slices))
    nodes = [loop, helper.make_node("Neg", ["v"], ["w"])]
    constants = {"trips": np.array(trips, I64), "axis0": np.array([0], I64)}
    if condition is not None:
        constants["c"] = np.array(condition)
    check(nodes, {"x": rand(3, 4)}, tmp_path, constants, ["w", "s"] if wants_slices else ["w"])


def test_condition_that_is_known(tmp_path):
    """The loop ends by its condition, which is computed from the number of the iteration; a variable changes its shape."""
    nodes = [helper.make_node("Concat", ["v", "x"], ["w"], axis=0), helper.make_node("Less", ["i", "last"], ["more"]),
             helper.make_node("Identity", ["v"], ["slice"])]
    loop = helper.make_node("Loop", ["", "c", "x"], ["y"], body=body(nodes, ["i", "go", "v"], ["more", "w"], {"last": np.array(3, I64)}))
    check([loop], {"x": rand(1, 2)}, tmp_path, {"c": np.array(True)})


def test_nested(tmp_path):
    """A loop in a loop, both with slices, an If in the inner one whose condition is the number of its iteration, and an If
    at run time with a loop in its branch."""
    even = helper.make_node("If", ["is_even"], ["u"], name="parity",
                            then_branch=helper.make_graph([helper.make_node("Sin", ["v2"], ["p"])], "t", [], [value("p")]),
                            else_branch=helper.make_graph([helper.make_node("Add", ["v2", "v"], ["p"])], "e", [], [value("p")]))
    inner = body([helper.make_node("Mod", ["i", "two"], ["m"]), helper.make_node("Equal", ["m", "zero"], ["is_even"]), even,
                  helper.make_node("Identity", ["go"], ["stay"]), helper.make_node("Neg", ["u"], ["slice"])],
                 ["i", "go", "v2"], ["stay", "u", "slice"])
    outer = body([helper.make_node("Loop", ["trips", "", "v"], ["a", "all"], name="inner", body=inner),
                  helper.make_node("ReduceSum", ["all", "axis0"], ["b"], keepdims=0), helper.make_node("Add", ["a", "b"], ["w"]),
                  helper.make_node("Identity", ["go"], ["stay"])], ["i", "go", "v"], ["stay", "w", "b"])
    loop = helper.make_node("Loop", ["two", "", "x"], ["last", "each"], name="outer", body=outer)
    branches = helper.make_node(
        "If", ["c"], ["y"], name="branches", then_branch=helper.make_graph([loop], "t", [], [value("last")]),
        else_branch=helper.make_graph([helper.make_node("Relu", ["x"], ["r"])], "e", [], [value("r")]))
    loop.output[1] = ""
    constants = {"trips": np.array(3, I64), "two": np.array(2, I64), "zero": np.array(0, I64), "axis0": np.array([0], I64)}
    for condition in (False, True):
        check([branches], {"x": rand(2, 3), "c": np.array(condition)}, tmp_path, constants)


def scan_case(index, length, axes, directions, output_axes, output_directions, variables):
    """A Scan over two tensors, with one or no variable and two results that are stacked."""
    shapes = [[3, 4], [3, 4]]
    for shape, axis in zip(shapes, axes):
        shape.insert(axis if axis >= 0 else axis + 3, length)
    names = [f"v{index}"] * variables + [f"a{index}", f"b{index}"]
    nodes = [helper.make_node("Sub", ["a", "b"], ["d"]), helper.make_node("Tanh", ["d"], ["s"])]
    nodes += [helper.make_node("Add", ["v", "s"], ["w"]), helper.make_node("Sin", ["w"], ["e"])] if variables else \
        [helper.make_node("Sin", ["s"], ["e"])]
    graph = body(nodes, ["v"] * variables + ["a", "b"], ["w"] * variables + ["s", "e"])
    outputs = [f"w{index}"] * variables + [f"s{index}", f"e{index}"]
    node = helper.make_node("Scan", names, outputs, num_scan_inputs=2, body=graph, scan_input_axes=axes,
                            scan_input_directions=directions, scan_output_axes=output_axes,
                            scan_output_directions=output_directions)
    feeds = {f"a{index}": rand(*shapes[0]), f"b{index}": rand(*shapes[1])}
    if variables:
        feeds[f"v{index}"] = rand(3, 4)
    return node, feeds, outputs


SCANS = list(itertools.product([(0, 0), (1, 0), (2, -1)], [(0, 0), (1, 0), (0, 1)], [(0, 0), (1, 2), (-1, 0)], [(0, 0), (0, 1)],
                               [0, 1]))


def stacked(axes, directions, output_axes, output_directions, variables, feeds, index):
    """What a scan_case computes."""
    first, second = (np.moveaxis(feeds[f"{name}{index}"].astype(np.float64), axis, 0)[::-1 if direction else 1]
                     for name, axis, direction in zip("ab", axes, directions))
    s = np.tanh(first - second)
    w = np.cumsum(s, axis=0) + feeds[f"v{index}"] if variables else s
    results = [np.moveaxis(array[::-1 if direction else 1], 0, axis)
               for array, axis, direction in zip((s, np.sin(w)), output_axes, output_directions)]
    return [w[-1]] * variables + results


@pytest.mark.parametrize("length, cases", [(5, SCANS), (1100, SCANS[::3])], ids=["unrolled", "loops"])
def test_scans(length, cases, tmp_path):
    """Axes, directions and variables of all kinds, side by side in one model."""
    nodes, feeds, expected = [], {}, {}
    for index, case in enumerate(cases):
        node, own, outputs = scan_case(index, length, *case)
        nodes.append(node)
        feeds |= own
        expected |= dict(zip(outputs, stacked(*case, own, index)))
    artefact = compile_model(make_model(nodes, feeds, expected), tmp_path)
    actual = run_artefact(artefact, feeds, expected)
    assert len(SCANS) == 108
    for name, array in expected.items():
        assert_close(actual[name], array.astype(F32), 1e-5 if length == 5 else 1e-4, name)


def refuse(node, folder, feeds, constants=None):
    onnx.save(make_model([node], feeds, ["y"], constants), folder / "model.onnx")
    return one_line(convoy("compile", folder / "model.onnx", "-o", folder / "model.so"))


def test_messages(tmp_path):
    x = {"x": rand(2, 3)}
    step = body([helper.make_node("Neg", ["v"], ["w"]), helper.make_node("Identity", ["go"], ["stay"])], ["i", "go", "v"], ["stay", "w"])

    def loop(graph, *inputs):
        return helper.make_node("Loop", inputs, ["y"], name="the_loop", body=graph)

    for count, go in (("n", ""), ("", "c")):
        text = refuse(loop(step, count, go, "x"), tmp_path, x, {"n": np.array(2**40, I64), "c": np.array(True)})
        assert "node 'the_loop' (Loop): never ends: it has no trip count (input 0), and its condition is always true" in text
    text = refuse(loop(step, "n", "", "x", "x"), tmp_path, x, {"n": np.array(2, I64)})
    assert "(Loop): has a body with 3 inputs and 2 outputs, expected 4 inputs and at least 3 outputs" in text
    text = refuse(loop(step, "two", "", "x"), tmp_path, x, {"two": np.array([2, 3], I64)})
    assert "(Loop): input 0 ('two') is not one value" in text
    scan = body([helper.make_node("Neg", ["a"], ["s"])], ["a"], ["s"])
    text = refuse(helper.make_node("Scan", ["x"], ["y"], name="the_scan", num_scan_inputs=1, body=scan, scan_input_axes=[4]),
                  tmp_path, x)
    assert "node 'the_scan' (Scan): axis 4 is out of range for rank 2" in text
    text = refuse(helper.make_node("Scan", ["x"], ["y"], name="the_scan", num_scan_inputs=2, body=scan), tmp_path, x)
    assert "(Scan): attribute 'num_scan_inputs' is 2, and there are 1 inputs" in text
