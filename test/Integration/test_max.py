# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""--max says how large an input of integers can be, from which sizes are computed."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from support import compile_model, convoy, one_line, run_artefact, run_fails

F32, I64, I32 = TensorProto.FLOAT, TensorProto.INT64, TensorProto.INT32
CONSTANTS = {"zero": np.array(0), "one": np.array(1), "starts": np.array([0, 0]), "zero1": np.array([0]),
             "minus": np.array([-1])}


def make_model():
    nodes = [
        helper.make_node("Range", ["zero", "n", "one"], ["counted"], name="count"),
        helper.make_node("Cast", ["counted"], ["floats"], to=F32),
        helper.make_node("Mul", ["floats", "floats"], ["squares"]),
        helper.make_node("Expand", ["row", "shape"], ["expanded"], name="expand"),
        helper.make_node("ConstantOfShape", ["shape"], ["zeros"], name="fill"),
        helper.make_node("Slice", ["x", "starts", "shape"], ["corner"], name="cut"),
        helper.make_node("ReduceSum", ["expanded"], ["sum"], keepdims=0),
        helper.make_node("Unsqueeze", ["n", "zero1"], ["n1"]),
        helper.make_node("Slice", ["x", "zero1", "n1", "minus"], ["columns"], name="cut2"),
    ]
    inputs = {"n": (I64, []), "shape": (I64, [2]), "row": (F32, [1, 1]), "x": (F32, [4, 6])}
    outputs = {"squares": (F32, [None]), "expanded": (F32, [None] * 2), "zeros": (F32, [None] * 2),
               "corner": (F32, [None] * 2), "sum": (F32, []), "columns": (F32, [None] * 2)}
    graph = helper.make_graph(nodes, "max", [helper.make_tensor_value_info(name, *info) for name, info in inputs.items()],
                              [helper.make_tensor_value_info(name, *info) for name, info in outputs.items()],
                              [numpy_helper.from_array(array, name) for name, array in CONSTANTS.items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


LIMITS = ("--max", "n=7", "--max=shape=5")
X = np.arange(24, dtype=np.float32).reshape(4, 6)


def feed(n, *shape):
    return {"n": np.array(n), "shape": np.array(shape), "row": np.float32([[3]]), "x": X}


def expect(n, *shape):
    return {"squares": np.arange(n, dtype=np.float32) ** 2, "expanded": np.full(shape, 3, np.float32),
            "zeros": np.zeros(shape, np.float32), "corner": X[:shape[0], :shape[1]],
            "sum": np.array(3 * shape[0] * shape[1], np.float32), "columns": X[:, :n]}


def compare(artefact, given, meant=None):
    expected = expect(*(meant or given))
    actual = run_artefact(artefact, feed(*given), expected, threads=2)
    for name, array in expected.items():
        assert actual[name].shape == array.shape and np.array_equal(actual[name], array), name


def fails(artefact, given):
    line = run_fails(artefact, feed(*given))
    assert "an input is beyond its --max, or one of these is negative ('" in line
    assert "('n': " in line or "('shape': " in line, line


def test_sizes_of_each_run(tmp_path):
    artefact = compile_model(make_model(), tmp_path, *LIMITS)
    for given in ((3, 2, 5), (7, 5, 5), (1, 1, 1)):
        compare(artefact, given)
    for given in ((8, 2, 5), (-1, 2, 5), (3, 2, 6), (3, -2, 5)):
        fails(artefact, given)
    compare(artefact, (0, 3, 1))


def test_on_gpu(tmp_path):
    """The host does not read the data of a GPU, so a larger number counts as the largest one."""
    artefact = compile_model(make_model(), tmp_path, *LIMITS, "--target=cuda-emulator")
    compare(artefact, (3, 2, 4))
    compare(artefact, (9, 7, 4), (7, 5, 4))


def test_int32(tmp_path):
    nodes = [helper.make_node("Cast", ["n"], ["n64"], to=I64), helper.make_node("ConstantOfShape", ["n64"], ["y"])]
    graph = helper.make_graph(nodes, "max", [helper.make_tensor_value_info("n", I32, [1])],
                              [helper.make_tensor_value_info("y", F32, [None])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    artefact = compile_model(model, tmp_path, "--max=n=9")
    for n in (0, 4, 9):
        assert run_artefact(artefact, {"n": np.int32([n])}, ["y"])["y"].shape == (n,)


def test_usage():
    for word in ("n", "n=-1", "=3", "n=9999999999"):
        process = convoy("compile", "model.onnx", "-o", "model.so", f"--max={word}")
        assert process.returncode == 2
        assert f"'{word}' is not an input and its largest value, expected NAME=100" in process.stderr


BAD = {
    "--max m=3 names 'm', which is no input; the model's inputs are 'n', 'shape', 'row', 'x'": ["--max=m=3"],
    "--max names 'n' twice": ["--max=n=3", "--max=n=4"],
    "--max x=3: the input is of float32, expected int32 or int64": ["--max=x=3"],
    "--max n=3 names an input that --bind makes a constant": ["--max=n=3", "--bind=n=n.npy"],
    "node 'count' (Range)": ["--max=shape=5"],
    "bind it with --bind shape=FILE, say how large it can be with --max shape=N, or export": ["--max=n=7"],
}


@pytest.mark.parametrize("message", BAD)
def test_messages(message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("n.npy", np.array(3))
    onnx.save(make_model(), "model.onnx")
    assert message in one_line(convoy("compile", "model.onnx", "-o", "model.so", *BAD[message]))
