# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What depends on constants alone is computed while compiling: numbers against ONNX Runtime, and what is left in the
program."""

import re

import numpy as np
import pytest
from support import (Case, check_case, compile_model, convoy, helper, make_model, must, onnx, rand, run_artefact,
                     run_onnxruntime)

# Operations without work, which may stay in the IR.
FRAME = {"arith.constant", "func.func", "return", "tensor.empty", "tensor.yield"}


def node(op, inputs, outputs, **attributes):
    return helper.make_node(op, inputs.split(), outputs.split(), name=f"{op.lower()}_{outputs.split()[0]}", **attributes)


def ops_left(model, folder, *options):
    """The names of the operations after the simplify phase."""
    onnx.save(model, folder / "model.onnx")
    text = must(convoy("compile", folder / "model.onnx", "--stop-after=simplify", *options)).stdout
    names = re.findall(r"^ *(?:%\S+ = )?(\w+\.\w+|return)\b", text, re.M)
    assert "cnn.inputs" in text and names, text
    return sorted(name for name in names if name not in FRAME)


def ints(*values):
    return np.array(values, np.int64)


def floats(*values):
    return np.array(values, np.float32)


CASES = {}


def add(name, nodes, left, constants, feeds=None, opset=13, tolerance=1e-5):
    """A model with the output y, and the names of the operations that are left of it."""
    feeds = feeds or {"x": rand(1, 4, 6, 6)}
    CASES[name] = (Case(name, make_model(nodes, feeds, ["y"], constants, opset), feeds, tolerance), left)


def addend(name, nodes, constants, shape, left=("cnn.binary",), opset=13):
    """A model that adds the tensor t, which `nodes` make from constants, to its input x."""
    add(name, [*nodes, node("Add", "x t", "y")], list(left), constants, {"x": rand(*shape)}, opset)


# --- Tables -----------------------------------------------------------------------------------------------------------

addend("softmax", [node("Softmax", "a", "t", axis=1)], {"a": rand(5, 7)}, (5, 7))
addend("conv", [node("Conv", "a w b", "t", pads=[1, 1, 1, 1])],
       {"a": rand(1, 3, 8, 8), "w": rand(4, 3, 3, 3), "b": rand(4)}, (1, 4, 8, 8))
# The filter is computed, too, and the constants are large.
addend("conv-of-computed-filter",
       [node("Softmax", "w", "p", axis=1), node("Tanh", "b", "c"), node("Conv", "a p c", "q", pads=[1, 1, 1, 1]),
        node("MaxPool", "q", "t", kernel_shape=[2, 2], strides=[2, 2])],
       {"a": rand(1, 16, 16, 16), "w": rand(16, 16, 3, 3), "b": rand(16)}, (1, 16, 8, 8))
addend("batch-norm-of-computed-parameters",
       [node("Softmax", "s", "p", axis=0), node("BatchNormalization", "a p o m v", "t")],
       {"a": rand(2, 4, 3), "s": rand(4), "o": rand(4), "m": rand(4), "v": np.abs(rand(4))}, (2, 4, 3))
addend("layer-norm", [node("LayerNormalization", "a s o", "t", axis=-1)],
       {"a": rand(3, 16), "s": rand(16), "o": rand(16)}, (3, 16), opset=17)
addend("instance-norm", [node("InstanceNormalization", "a s o", "t")],
       {"a": rand(1, 3, 5, 5), "s": rand(3), "o": rand(3)}, (1, 3, 5, 5))
addend("matmul", [node("MatMul", "a b", "c"), node("MatMul", "c d", "t")],
       {"a": rand(2, 5, 8), "b": rand(2, 8, 6), "d": rand(6, 4)}, (2, 5, 4))
addend("sine-of-positions",
       [node("Mul", "p f", "a"), node("Sin", "a", "s"), node("Cos", "a", "c"), node("Concat", "s c", "t", axis=1)],
       {"p": np.arange(40, dtype=np.float32).reshape(40, 1), "f": rand(1, 16)}, (40, 32))
addend("where", [node("Greater", "a z", "m"), node("Where", "m a b", "c"), node("ReduceMean", "c", "t", axes=[1])],
       {"a": rand(6, 5), "b": rand(6, 5), "z": floats(0)}, (6, 1))
addend("mask-of-bools", [node("LessOrEqual", "i j", "m"), node("Where", "m z n", "t")],
       {"i": ints(*range(40)).reshape(1, 40), "j": ints(*range(40)).reshape(40, 1), "z": floats(0),
        "n": floats(-1e4)}, (1, 2, 40, 40))
addend("resized-table-of-relative-positions",
       [node("Resize", "a e e s", "r", mode="linear", coordinate_transformation_mode="align_corners"),
        node("Reshape", "r h", "f"), node("Transpose", "f", "g", perm=[1, 0]), node("Gather", "g i", "k", axis=0),
        node("Transpose", "k", "t", perm=[2, 0, 1])],
       {"a": rand(1, 3, 7, 7), "e": floats(), "s": ints(1, 3, 13, 13), "h": ints(3, 169),
        "i": np.random.default_rng(1).integers(0, 169, (49, 49))}, (1, 3, 49, 49), opset=11)
# A broadcast that only repeats elements stays: it costs less than the memory of its result.
addend("broadcast-stays", [node("Softmax", "a", "p", axis=0), node("Expand", "p s", "t")],
       {"a": rand(64), "s": ints(512, 64)}, (512, 64), left=["cnn.binary", "cnn.broadcast"])
add("output-is-constant", [node("Softmax", "a", "y"), node("Relu", "x", "z")], [], {"a": rand(3, 3)})

# --- Weights ----------------------------------------------------------------------------------------------------------

# As NFNet standardises its weights.
add("standardised-weights",
    [node("ReduceMean", "w", "m", axes=[1, 2, 3]), node("Sub", "w m", "d"), node("Mul", "d d", "q"),
     node("ReduceMean", "q", "v", axes=[1, 2, 3]), node("Add", "v e", "ve"), node("Sqrt", "ve", "r"),
     node("Div", "d r", "n"), node("Mul", "n g", "f"), node("Conv", "x f b", "c", pads=[1, 1, 1, 1]),
     node("BatchNormalization", "c b2 b b m2", "y")],
    ["cnn.conv"],
    {"w": rand(8, 4, 3, 3), "e": floats(1e-5), "g": rand(8, 1, 1, 1), "b": rand(8), "b2": rand(8),
     "m2": np.abs(rand(8))})
add("normalised-weights-of-dense-layers",
    [node("ReduceL2", "w", "n", axes=[1]), node("Div", "w n", "v"), node("Gemm", "x v b", "h", transB=1),
     node("Softmax", "u", "p", axis=0), node("MatMul", "h p", "y")],
    ["cnn.dense", "cnn.dense"], {"w": rand(12, 9), "b": rand(12), "u": rand(12, 5)}, {"x": rand(3, 9)})

# --- Parameters -------------------------------------------------------------------------------------------------------

# The largest position, 3, comes out of a pool; shapes, axes, pads and so on follow from it.
THREE = [node("MaxPool", "a", "p", kernel_shape=[4]), node("Reshape", "p r1", "f"), node("Cast", "f", "i", to=7)]
THREE_CONSTANTS = {"a": floats(1, 3, 2, 0).reshape(1, 1, 4), "r1": ints(1), "one": ints(1), "zero": ints(0)}
for name, nodes, left in (
    ("shape", [node("Sub", "zero one", "m"), node("Concat", "i m", "s", axis=0), node("Reshape", "x s", "y")],
     ["tensor.collapse_shape", "tensor.expand_shape"]),
    ("axis", [node("ReduceSum", "x i", "y", keepdims=0)], ["cnn.reduce"]),
    ("index", [node("Gather", "x i", "y", axis=2)], ["cnn.gather"]),
    ("slice", [node("Slice", "x one i i", "y")], ["tensor.extract_slice"]),
    ("pads", [node("Concat", "zero zero i one zero zero one i", "s", axis=0), node("Pad", "x s", "y")], ["tensor.pad"]),
    ("repeats", [node("Concat", "one one i one", "s", axis=0), node("Tile", "x s", "y")],
     ["cnn.broadcast", "tensor.collapse_shape", "tensor.expand_shape"]),
    ("sizes", [node("Concat", "one r4 i i", "s", axis=0), node("Resize", "x e e s", "y")], ["cnn.resize"]),
    ("range", [node("Squeeze", "i", "n"), node("Squeeze", "zero", "b"), node("Squeeze", "one", "d"),
               node("Range", "b n d", "k"), node("Gather", "x k", "y", axis=2)], ["cnn.gather"]),
    ("clip", [node("Squeeze", "f", "n"), node("Squeeze", "h", "l"), node("Clip", "x l n", "y")], ["cnn.unary"]),
):
    add(f"computed-{name}", [*THREE, *nodes], left,
        THREE_CONSTANTS | {"r4": ints(4), "e": floats(), "h": floats(-0.5)}, opset=13)


@pytest.mark.parametrize("name", CASES)
def test_computed_constants(name, tmp_path):
    a_case, left = CASES[name]
    assert ops_left(a_case.model, tmp_path) == sorted(left)
    check_case(a_case, tmp_path)


def test_what_depends_on_an_input_stays(tmp_path):
    nodes = [node("Softmax", "x", "p"), node("Softmax", "a", "q"), node("Mul", "p q", "y")]
    feeds = {"x": rand(5, 5)}
    model = make_model(nodes, feeds, ["y"], {"a": rand(5, 5)})
    assert ops_left(model, tmp_path) == ["cnn.binary", "cnn.softmax"]
    check_case(Case("half", model, feeds), tmp_path)


def test_remarks_times_and_dumps(tmp_path):
    model = make_model([node("Softmax", "a", "p"), node("Mul", "x p", "y")], {"x": rand(5, 5)}, ["y"], {"a": rand(5, 5)})
    onnx.save(model, tmp_path / "model.onnx")
    process = must(convoy("compile", tmp_path / "model.onnx", "-o", tmp_path / "model.so", "-v", "--time-passes",
                          f"--dump-ir={tmp_path / 'ir'}"))
    assert ("node 'softmax_p': depends on constants alone: its result of type 'tensor<5x5xf32>' is computed while "
            "compiling") in process.stderr
    assert "EvaluateConstants" in process.stderr
    assert "cnn-evaluate-constants" in (tmp_path / "ir" / "index.txt").read_text()


def test_an_input_cannot_be_a_shape(tmp_path):
    """The error names the operand, as if nothing had tried to evaluate it."""
    a_case, _ = CASES["computed-shape"]
    model = onnx.ModelProto()
    model.CopyFrom(a_case.model)
    [a] = [tensor for tensor in model.graph.initializer if tensor.name == "a"]
    model.graph.initializer.remove(a)
    model.graph.input.append(helper.make_tensor_value_info("a", onnx.TensorProto.FLOAT, a.dims))
    onnx.save(model, tmp_path / "model.onnx")
    process = convoy("compile", tmp_path / "model.onnx", "-o", tmp_path / "model.so")
    assert process.returncode == 1
    assert process.stderr.count("\n") == 1 and "input 1 ('s') is not a constant" in process.stderr


def test_large_results_stay(tmp_path):
    """A table of 32 MiB that is computed from 16 KiB is not stored."""
    nodes = [node("MatMul", "a b", "t"), node("Softmax", "t", "s"), node("ReduceMax", "s", "m", axes=[0], keepdims=0),
             node("Mul", "x t", "z"), node("Mul", "z m", "y")]
    constants = {"a": rand(4096, 1), "b": rand(1, 2048)}
    feeds = {"x": rand(1, 2048)}
    model = make_model(nodes, feeds, ["y"], constants)
    # The maxima are small, so they are computed.
    assert ops_left(model, tmp_path) == ["cnn.binary", "cnn.binary", "cnn.dense"]
    expected = run_onnxruntime(model, feeds)["y"]
    artefact = compile_model(model, tmp_path)
    assert artefact.stat().st_size < 8 << 20
    np.testing.assert_allclose(run_artefact(artefact, feeds, ["y"])["y"], expected, rtol=1e-4, atol=1e-7)
