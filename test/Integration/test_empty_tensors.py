# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tensors without elements, and tensors of rank 0, against ONNX Runtime."""

import ctypes
import subprocess

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator
from support import (Case, Const, batches, case, check_cases, compile_model, convoy, fixed_shapes, floats, helper, ints,
                     make_model, must, one_line, rand, run_artefact, run_onnxruntime, scalar, value_info, weight)

CASES = []


def add(*arguments, **attributes):
    CASES.append(case(*arguments, **attributes))


def graph(name, nodes, feeds, outputs=("y",), constants=None, opset=13):
    CASES.append(Case(name, make_model(nodes, feeds, list(outputs), constants, opset), feeds))


def node(op, inputs, outputs, **attributes):
    return helper.make_node(op, inputs.split(), outputs.split(), name=f"{op.lower()}_{outputs.split()[0]}", **attributes)


# Element-wise.
for op in ("Relu", "Exp", "Neg", "Identity", "Softplus", "Selu", "HardSwish"):
    add("none", op, rand(2, 0, 3), opset=14)
for op in ("Add", "Mul", "Div", "Pow", "PRelu"):
    add("none-and-one", op, rand(2, 0), rand(1))
    add("none-and-one-to-spread", op, rand(2, 0), rand(2, 1))
    add("none-and-constant", op, rand(2, 0), weight(1))
for op in ("Sum", "Mean", "Max", "Min"):
    add("none", op, rand(0, 3), rand(3), rand(1, 1))
add("none", "Equal", rand(0, 3).astype(np.int64), rand(1, 3).astype(np.int64))
add("none", "And", rand(0, 3) > 0, rand(1, 3) > 0)
add("none", "Not", rand(0, 3) > 0)
add("none", "Where", rand(2, 0) > 0, rand(1), rand(2, 1))
add("none", "Cast", rand(2, 0), to=onnx.TensorProto.INT64)
add("none", "Clip", rand(0, 2), scalar(0), scalar(1))

# Shapes.
add("keeps", "Reshape", rand(0, 3), ints(0, 0))
add("rest", "Reshape", rand(0, 3), ints(-1, 3))
add("to-other", "Reshape", rand(0, 3), ints(2, 5, 0), opset=14, allowzero=1)
add("none", "Transpose", rand(0, 3, 2))
add("none", "Flatten", rand(0, 3, 2), axis=1)
add("in-the-middle", "Flatten", rand(2, 0, 2), axis=1)
add("none", "Squeeze", rand(1, 0))
add("none", "Unsqueeze", rand(0), ints(0))
add("none", "DepthToSpace", rand(0, 4, 2, 2), blocksize=2)
add("none", "SpaceToDepth", rand(1, 4, 0, 2), blocksize=2)
add("none", "Shape", rand(2, 0))
add("none", "Size", rand(2, 0))
add("none", "ConstantOfShape", ints(2, 0))
add("to-none", "Expand", rand(2, 1), ints(2, 0))
add("of-none", "Expand", rand(0), ints(3, 1))
add("no-times", "Tile", rand(2, 3), ints(0, 1))
add("of-none", "Tile", rand(0, 3), ints(2, 1))

# Parts.
for axis, shapes in ((1, [(2, 0), (2, 3)]), (1, [(0, 3), (0, 4)]), (0, [(2, 3), (0, 3), (1, 3)]), (0, [(0, 3), (2, 3)])):
    add("x".join(map(str, sum(shapes, ()))) + f"-axis{axis}", "Concat", *[rand(*shape) for shape in shapes], axis=axis)
add("to-nothing", "Slice", rand(4, 3), ints(2), ints(2))
add("of-nothing", "Slice", rand(0, 3), ints(0), ints(5))
add("of-nothing-reversed", "Slice", rand(0, 3), ints(-1), ints(-9), ints(0), ints(-1))
add("parts-of-none", "Split", rand(0, 3), ints(0, 0), outputs=2)
add("none-and-all", "Split", rand(4, 3), ints(0, 4), outputs=2)
add("nothing-picked", "Gather", rand(3, 2), Const(np.zeros(0, np.int64)))
add("nothing-picked-at-run-time", "Gather", rand(3, 2), np.zeros((2, 0), np.int64))
add("of-none", "Gather", rand(3, 0), ints(1, 2))
add("of-none-at-run-time", "Gather", rand(3, 0), np.array([1, 2]))
add("of-none", "Pad", rand(0, 2), ints(1, 0, 0, 1), scalar(5))
add("of-none-by-zeros", "Pad", rand(0, 2), ints(1, 0, 0, 1))
add("cuts-all", "Pad", rand(2, 2), ints(-2, 0, 0, 0))
add("cuts-all-and-adds", "Pad", rand(2, 2), ints(-2, 0, 1, 3), scalar(2))
add("edge-of-none", "Pad", rand(0, 2), ints(0, 1, 0, 0), mode="edge")

# Sums of nothing.
for op in ("Sum", "Prod", "Max", "Min", "L1", "L2", "SumSquare", "LogSum"):
    add("no-numbers", f"Reduce{op}", rand(2, 0, 3), ints(1), opset=18)
    add("no-results", f"Reduce{op}", rand(2, 0, 3), ints(2), opset=18)
    add("everything", f"Reduce{op}", rand(2, 0, 3), opset=18, keepdims=0)
for op in ("Sum", "Prod", "Max", "Min"):
    for dtype in (np.int32, np.int64):
        add(dtype.__name__, f"Reduce{op}", rand(40, 0, 30).astype(dtype), ints(1), opset=18, keepdims=0)
add("large", "ReduceMax", rand(0, 60, 70), ints(0), opset=18)
for name, shapes in {"matrices": [(2, 0), (0, 3)], "vectors": [(0,), (0,)], "batch": [(2, 3, 0), (0,)],
                     "no-rows": [(0, 2, 3), (3, 2)], "no-columns": [(2, 3), (3, 0)]}.items():
    add(name, "MatMul", *[rand(*shape) for shape in shapes])
    add(name + "-constant", "MatMul", rand(*shapes[0]), weight(*shapes[1]))
for c in ([], [rand(3)], [weight(3)], [weight(2, 3)], [rand(1, 1)]):
    add(f"none-{len(c)}", "Gemm", rand(2, 0), rand(0, 3), *c, beta=2.0, alpha=0.5)
    add(f"constant-{len(c)}", "Gemm", rand(2, 0), weight(3, 0), *c, transB=1)
add("no-rows", "Gemm", rand(0, 2), weight(2, 3), weight(3))

# Convolutions, pools, norms and resizes.
add("no-batch", "Conv", rand(0, 3, 5, 5), weight(4, 3, 3, 3), weight(4), pads=[1, 1, 1, 1])
add("no-channels", "Conv", rand(1, 0, 5, 5), weight(4, 0, 3, 3))
add("no-channels-bias", "Conv", rand(1, 0, 5, 5), weight(4, 0, 3, 3), weight(4))
add("no-filters", "Conv", rand(1, 3, 5, 5), weight(0, 3, 3, 3))
add("grouped", "Conv", rand(0, 4, 5, 5), weight(8, 2, 3, 3), group=2)
add("no-batch", "ConvTranspose", rand(0, 3, 5, 5), weight(3, 4, 3, 3), weight(4))
add("no-rows", "ConvTranspose", rand(1, 3, 0, 5), weight(3, 4, 3, 3), weight(4))
for op in ("MaxPool", "AveragePool"):
    add("no-batch", op, rand(0, 3, 5, 5), kernel_shape=[2, 2], strides=[2, 2])
add("no-batch", "GlobalAveragePool", rand(0, 3, 5, 5))
add("no-batch", "GlobalMaxPool", rand(0, 3, 5, 5))
for op in ("Softmax", "LogSoftmax"):
    for opset in (11, 13):
        add("no-numbers", op, rand(2, 0, 3), opset=opset, axis=1)
        add("no-rows", op, rand(0, 3), opset=opset, axis=1)
add("no-batch", "BatchNormalization", rand(0, 3, 2), weight(3), weight(3), weight(3), weight(3))
add("no-channels", "BatchNormalization", rand(2, 0, 2), weight(0), weight(0), weight(0), weight(0))
add("no-batch", "InstanceNormalization", rand(0, 3, 2), weight(3), weight(3))
add("no-pixels", "InstanceNormalization", rand(1, 3, 0), weight(3), weight(3))
add("no-rows", "LayerNormalization", rand(0, 3), weight(3), weight(3), opset=17)
add("no-batch", "LRN", rand(0, 3, 2, 2), size=3)
add("no-batch", "Resize", rand(0, 3, 2, 2), None, floats(1, 1, 2, 2))
add("no-rows", "Resize", rand(1, 3, 0, 2), None, floats(1, 1, 2, 2))
add("to-no-rows", "Resize", rand(1, 3, 2, 2), None, floats(1, 1, 0.25, 2))

# Where nothing passes through a network.
graph("network", [node("Conv", "x w", "c"), node("Relu", "c", "r"), node("GlobalAveragePool", "r", "g"),
                  node("Flatten", "g", "f"), node("Gemm", "f v", "d"), node("Softmax", "d", "y")],
      {"x": rand(0, 3, 9, 9)}, constants={"w": rand(8, 3, 3, 3), "v": rand(8, 5)})
graph("part-of-a-network", [node("Slice", "x s s", "none"), node("Concat", "none x", "all", axis=0),
                            node("Relu", "all", "y"), node("ReduceSum", "none", "sum")],
      {"x": rand(2, 3)}, outputs=("y", "sum", "none", "also"),
      constants={"s": np.array([1]), "also": np.zeros((0, 2), np.float32)})
graph("twice", [node("Slice", "x s s", "a"), node("Identity", "a", "b"), node("Relu", "x", "c")],
      {"x": rand(2, 3)}, outputs=("a", "b", "c"), constants={"s": np.array([1])})
graph("unused-and-read", [node("Relu", "x", "y"), node("Shape", "nothing", "shape")],
      {"x": rand(2), "nothing": rand(3, 0)}, outputs=("y", "shape"))
for dtype in (np.bool_, np.int8, np.uint8, np.int16, np.int32, np.int64, np.float32):
    graph(f"passed-on-{dtype.__name__}", [node("Identity", "x", "y")], {"x": np.zeros((0, 2), dtype)})

# Rank 0.
ONE = np.array(3.5, np.float32)
for op in ("Relu", "Exp", "Neg", "Identity", "Softsign", "Selu"):
    add("scalar", op, ONE)
for op in ("Add", "Div", "Max"):
    add("scalars", op, ONE, rand())
    add("scalar-and-list", op, ONE, rand(3))
    add("scalar-and-constant", op, ONE, scalar(2))
add("scalars", "Where", np.array(True), ONE, rand())
add("scalar", "Cast", ONE, to=onnx.TensorProto.INT32)
add("scalar", "Reshape", ONE, ints(1, 1))
add("to-scalar", "Reshape", rand(1, 1), Const(np.zeros(0, np.int64)))
add("scalar", "Transpose", ONE)
add("scalar", "Unsqueeze", ONE, ints(0, 1))
add("to-scalar", "Squeeze", rand(1, 1))
add("scalar", "Expand", ONE, ints(2, 3))
add("scalar-to-scalar", "Expand", ONE, Const(np.zeros(0, np.int64)))
add("scalar", "Shape", ONE)
add("scalar", "Size", ONE)
add("scalar-index", "Gather", rand(3), np.array(1))
add("scalar-index-of-matrix", "Gather", rand(3, 2), scalar(-1, np.int64), axis=1)
add("scalar", "ReduceSum", ONE)
add("to-scalar", "ReduceMax", rand(3, 4), keepdims=0)
add("to-scalar", "MatMul", rand(4), rand(4))
add("scalar", "Flatten", ONE, axis=0)
add("scalar", "Tile", ONE, Const(np.zeros(0, np.int64)))
add("of-scalars", "ConstantOfShape", Const(np.zeros(0, np.int64)))
graph("scalar-network", [node("Mul", "x x", "s"), node("Unsqueeze", "s a", "u"), node("Concat", "u u", "y", axis=0)],
      {"x": ONE}, outputs=("s", "y"), constants={"a": np.array([0])})


@pytest.mark.parametrize("cases", batches(CASES))
def test_empty_and_scalar(cases, tmp_path):
    check_cases(cases, tmp_path)


@pytest.mark.parametrize("options", [("--target=cuda-emulator",), ("--devices=2",)], ids=["gpu", "devices"])
def test_on_other_targets(tmp_path, options):
    names = ("network", "part-of-a-network", "twice", "scalar-network", "unused-and-read")
    check_cases([a_case for a_case in CASES if a_case.name in names], tmp_path, options)


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_mean_of_nothing(tmp_path, dtype):
    """Is NaN, as the reference says (ONNX Runtime: 0). Integers have no NaN."""
    x = np.zeros((2, 0, 3), dtype)
    nodes = [node("ReduceMean", "x a", "y", keepdims=0)]
    model = make_model(nodes, {"x": x}, ["y"], {"a": np.array([1])}, opset=18)
    actual = run_artefact(compile_model(model, tmp_path, "--shape", "x=2x0x3"), {"x": x}, ["y"])["y"]
    expected = ReferenceEvaluator(model).run(None, {"x": x})[0] if dtype == np.float32 else np.zeros((2, 3), dtype)
    np.testing.assert_array_equal(actual, expected)


REFUSED = {
    "pools over no elements": ("GlobalAveragePool", [rand(1, 3, 0, 5)], {}),
    "the padded input has only 0": ("MaxPool", [rand(1, 3, 0, 5)], {"kernel_shape": [2, 2]}),
    "kernel reaches over 3 elements": ("Conv", [rand(1, 3, 0, 5), rand(4, 3, 3, 3)], {}),
    "out of range for the 0 elements of dimension 0": ("Gather", [rand(0, 2), ints(0)], {}),
    "dimension 0 of input 0 has no elements to pick": ("Gather", [rand(0, 2), np.array([0])], {}),
    "no elements in dimension 0 that mode 'edge' could repeat":
        ("Pad", [rand(0, 2), ints(1, 0, 0, 0), None], {"mode": "edge"}),
    "resizes dimension 2 to 2": ("Resize", [rand(1, 1, 0, 2), None, None, ints(1, 1, 2, 4)], {}),
    "no value of -1 fits": ("Reshape", [rand(0, 3), ints(0, -1)], {}),
    "does not broadcast: 0 against 3": ("Add", [rand(0), rand(3)], {}),
    "cuts dimension 0 of 2 elements to -1": ("Pad", [rand(2, 2), ints(-3, 0, 0, 0)], {}),
    "input 1 ('x1') has rank 1, expected 2": ("Concat", [rand(2, 3), rand(0)], {"axis": 0}),
}


@pytest.mark.parametrize("text", REFUSED)
def test_refused(tmp_path, text):
    """What has no meaning is refused, and ONNX Runtime refuses it, too."""
    op, operands, attributes = REFUSED[text]
    names = ["" if operand is None else f"x{index}" for index, operand in enumerate(operands)]
    feeds = {name: operand for name, operand in zip(names, operands) if isinstance(operand, np.ndarray)}
    constants = {name: operand.array for name, operand in zip(names, operands) if isinstance(operand, Const)}
    graph = helper.make_graph(
        [helper.make_node(op, names, ["y"], **attributes)], "test",
        [value_info(name, array) for name, array in feeds.items()], [helper.make_empty_tensor_value_info("y")],
        [onnx.numpy_helper.from_array(array, name) for name, array in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    with pytest.raises(Exception):
        run_onnxruntime(model, feeds)
    onnx.save(model, tmp_path / "model.onnx")
    process = convoy("compile", tmp_path / "model.onnx", "-o", tmp_path / "model.so", *fixed_shapes(feeds))
    assert text in one_line(process)


def test_commands(tmp_path):
    """run, check, bench and a program of its own take and write files without elements."""
    x = np.zeros((0, 3), np.float32)
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "test",
                              [helper.make_tensor_value_info("x", 1, ["N", 3])], [helper.make_empty_tensor_value_info("y")])
    model = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7), model)
    np.save(tmp_path / "x.npy", x)
    (tmp_path / "x.pb").write_bytes(onnx.numpy_helper.from_array(x).SerializeToString())
    shape = ("--shape", "x=0x3")
    assert must(convoy("run", model, "--input", tmp_path / "x.npy", *shape)).stdout == "y  0x3xf32\n"
    must(convoy("check", model, "--input", tmp_path / "x.pb", "--expect", tmp_path / "x.npy", *shape))
    must(convoy("bench", model, "--runs", 3, "--profile", *shape))
    must(convoy("inspect", model, *shape))
    must(convoy("compile", model, "-o", tmp_path / "program", "--emit=exe", *shape))
    subprocess.run([tmp_path / "program", "--input", tmp_path / "x.npy", "--output", tmp_path / "y.npy"], check=True)
    assert np.load(tmp_path / "y.npy").shape == (0, 3)


def test_no_memory_needed(tmp_path):
    """A null pointer will do for a buffer of no bytes."""
    model = make_model([node("Concat", "x z", "y", axis=0), node("Identity", "x", "also")],
                       {"x": rand(0, 3)}, ["y", "also"], {"z": rand(1, 3)})
    library = ctypes.CDLL(str(compile_model(model, tmp_path, "--shape", "x=0x3")))
    context, y = ctypes.c_void_p(), np.zeros((1, 3), np.float32)
    assert library.convoy_create(1, ctypes.byref(context)) == 0
    assert library.convoy_run(context, (ctypes.c_void_p * 1)(None), (ctypes.c_void_p * 2)(y.ctypes.data, None)) == 0
    library.convoy_destroy(context)
    assert np.array_equal(y, onnx.numpy_helper.to_array(model.graph.initializer[0]))
