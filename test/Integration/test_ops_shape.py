# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Data movement, Resize and shape arithmetic against ONNX Runtime."""

import numpy as np
import pytest
from onnx import TensorProto
from support import (Case, Const, batches, case, check_cases, floats, helper, ints, make_model, rand, scalar, weight)

CASES = []
X = rand(2, 5, 6, 7)


def add(*arguments, **attributes):
    CASES.append(case(*arguments, **attributes))


def graph(name, nodes, feeds, outputs=("y",), constants=None, opset=13, options=()):
    model = make_model(nodes, feeds, list(outputs), constants, opset)
    CASES.append(Case(f"{name}-opset{opset}", model, feeds, options=options))


def node(op, inputs, outputs, **attributes):
    name = f"{op.lower()}_{outputs.split()[0]}"
    return helper.make_node(op, inputs.split(), outputs.split(), name=name, **attributes)


for axis in (0, 1, 2, 3, -1):
    add(f"axis{axis}", "Concat", X, rand(*X.shape), opset=11, axis=axis)
for opset in (7, 13):
    add("three-different", "Concat", rand(1, 3, 4, 5), rand(1, 17, 4, 5), rand(1, 1, 4, 5), opset=opset, axis=1)
add("one", "Concat", X, axis=1)
add("with-constant", "Concat", rand(1, 3, 4, 5), weight(1, 4, 4, 5), axis=1)
add("aligned-channels", "Concat", rand(1, 16, 4, 5), rand(1, 32, 4, 5), axis=1)
graph("Concat-same-twice", [node("Concat", "x x", "y", axis=1)], {"x": X})

for opset in (7, 11):
    add("attribute", "Split", rand(2, 9, 4), opset=opset, outputs=3, axis=1, split=[2, 3, 4])
    add("equal", "Split", rand(2, 9, 4), opset=opset, outputs=3, axis=1)
add("input", "Split", rand(2, 9, 4), ints(2, 3, 4), opset=13, outputs=3, axis=1)
add("input-missing", "Split", rand(2, 9, 4), opset=13, outputs=3, axis=-2)
add("num-outputs-uneven", "Split", rand(2, 8, 4), opset=18, outputs=3, axis=1, num_outputs=3)
add("axis0", "Split", rand(4, 3), opset=13, outputs=2)
graph("Split-one-part-unused", [node("Split", "x s", "unused y", axis=1)],
      {"x": rand(2, 32, 3, 3)}, constants={"s": np.array([16, 16], np.int64)})

for opset in (7, 9):
    add("attributes", "Slice", X, opset=opset, starts=[1, 2], ends=[4, 6], axes=[1, 3])
    add("no-axes", "Slice", X, opset=opset, starts=[0, 1], ends=[2, 3])
    add("negative-and-far", "Slice", X, opset=opset, starts=[-3, 1], ends=[2**31 - 1, -1], axes=[1, 2])
for opset in (10, 11, 13):
    add("inputs", "Slice", X, ints(1, 2), ints(4, 6), ints(1, 3), opset=opset)
    add("steps", "Slice", X, ints(0, 1), ints(5, 7), ints(1, 3), ints(2, 3), opset=opset)
add("negative-axes", "Slice", X, ints(1), ints(3), ints(-1))
add("reversed", "Slice", X, ints(-1, 4), ints(-(2**63), 0), ints(1, 3), ints(-1, -2))
add("int32", "Slice", X, Const(np.array([1], np.int32)), Const(np.array([3], np.int32)), Const(np.array([2], np.int32)))
add("whole", "Slice", X, ints(0), ints(2**63 - 1), ints(2))
add("focus", "Slice", rand(1, 3, 8, 8), ints(0, 1), ints(2**31, 2**31), ints(2, 3), ints(2, 2))

PADS = [0, 1, 2, 0, 1, 0, 3, 2]
for opset in (7, 10):
    add("constant", "Pad", X, opset=opset, pads=PADS, value=1.5)
    add("edge", "Pad", X, opset=opset, pads=PADS, mode="edge")
    add("reflect", "Pad", X, opset=opset, pads=PADS, mode="reflect")
for opset in (11, 13, 18, 21):
    add("constant", "Pad", X, ints(*PADS), scalar(1.5), opset=opset)
add("no-value", "Pad", X, ints(*PADS))
add("edge", "Pad", X, ints(*PADS), mode="edge")
add("reflect", "Pad", X, ints(*PADS), mode="reflect")
add("wrap", "Pad", X, ints(*PADS), opset=19, mode="wrap")
add("axes", "Pad", X, ints(1, 0, 2, 3), None, ints(3, 1), opset=18)
add("crop", "Pad", X, ints(0, -1, 0, 2, 0, 0, -2, -1))
add("none", "Pad", X, ints(*[0] * 8))
add("minus-infinity", "Pad", rand(1, 4, 5, 5), ints(0, 0, 1, 1, 0, 0, 1, 1), scalar(-np.inf))

for opset in (7, 13, 14, 21):
    add("plain", "Reshape", X, ints(2, 30, 7), opset=opset)
add("zero-and-rest", "Reshape", X, ints(0, -1, 7))
add("flatten", "Reshape", X, ints(2, -1))
add("more-dims", "Reshape", rand(1, 32, 4, 4), ints(1, 2, 16, 4, 4))
add("to-scalar", "Reshape", rand(1, 1), Const(np.zeros(0, np.int64)))
for axis in (0, 1, 2, 4, -1):
    add(f"axis{axis}", "Flatten", X, opset=11, axis=axis)
add("default", "Flatten", X, opset=7)
for perm in ([0, 2, 3, 1], [0, 3, 1, 2], [3, 2, 1, 0], [1, 0, 2, 3], [0, 1, 3, 2], [0, 1, 2, 3]):
    add("".join(map(str, perm)), "Transpose", rand(2, 17, 6, 7), perm=perm)
add("default", "Transpose", rand(33, 20))
add("channel-shuffle", "Transpose", rand(1, 4, 8, 5, 5), perm=[0, 2, 1, 3, 4])
for opset in (7, 11):
    add("attribute", "Squeeze", rand(2, 1, 5, 1), opset=opset, axes=[1, 3])
    add("attribute", "Unsqueeze", rand(2, 5), opset=opset, axes=[0, 3])
add("negative-attribute", "Squeeze", rand(2, 1, 5, 1), opset=11, axes=[-1])
add("negative-attribute", "Unsqueeze", rand(2, 5), opset=11, axes=[-1])
for opset in (13, 21):
    add("input", "Squeeze", rand(2, 1, 5, 1), ints(1, -1), opset=opset)
    add("input", "Unsqueeze", rand(2, 5), ints(-1, 1), opset=opset)
add("all", "Squeeze", rand(2, 1, 5, 1))
add("all", "Squeeze", rand(2, 1, 5, 1), opset=11)

for axis, indices in ((0, [1, 0, 1]), (1, [4, -1]), (3, [[0, 6], [3, 2]]), (-2, [5])):
    add(f"axis{axis}", "Gather", X, Const(np.array(indices, np.int64)), axis=axis)
add("scalar-index", "Gather", X, scalar(2, np.int64), axis=1)
add("int32-index", "Gather", X, Const(np.array([2, 1], np.int32)), opset=7, axis=2)
add("broadcast", "Expand", rand(5, 1), ints(2, 5, 7))
add("ones-keep", "Expand", rand(2, 5, 7), ints(1, 5, 1))
add("opset8", "Expand", rand(1, 5, 1), ints(2, 1, 7), opset=8)


# Resize.
def resize(name, x, scales=None, sizes=None, opset=13, **attributes):
    if opset == 10:
        operands = [x, floats(*scales)]
    else:
        left_out = floats() if opset == 11 else None  # In opset 11 these inputs cannot be missing, only empty.
        operands = [x, left_out, floats(*scales) if scales else left_out] + ([ints(*sizes)] if sizes else [])
    add(name, "Resize", *operands, opset=opset, **attributes)


PICTURE = rand(1, 17, 6, 7)
for opset in (10, 11, 13, 18, 19):
    resize("nearest-x2", PICTURE, [1, 1, 2, 2], opset=opset, mode="nearest")
    resize("linear-x2", PICTURE, [1, 1, 2, 2], opset=opset, mode="linear")
for mode in ("nearest", "linear"):
    for coordinates in ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"):
        for name, sizes in (("up", [1, 17, 13, 17]), ("down", [1, 17, 4, 3]), ("to-one", [1, 17, 1, 7])):
            resize(f"{mode}-{coordinates}-{name}", PICTURE, sizes=sizes, mode=mode,
                   coordinate_transformation_mode=coordinates)
for nearest in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"):
    for coordinates in ("half_pixel", "asymmetric"):
        resize(f"{nearest}-{coordinates}", PICTURE, [1, 1, 2.5, 1.5], mode="nearest", nearest_mode=nearest,
               coordinate_transformation_mode=coordinates)
resize("pytorch-upsample", PICTURE, [1, 1, 2, 2], mode="nearest", nearest_mode="floor",
       coordinate_transformation_mode="asymmetric")
resize("fractional-scales", PICTURE, [1, 1, 1.7, 0.6], mode="linear")
resize("one-direction", PICTURE, [1, 1, 1, 3], mode="nearest")
resize("1d", rand(1, 4, 9), [1, 1, 2], mode="linear")
resize("3d-nearest", rand(1, 4, 3, 4, 5), [1, 1, 2, 2, 2], mode="nearest")
resize("3d-linear", rand(1, 4, 3, 4, 5), [1, 1, 2, 2, 2], mode="linear")
resize("sizes-opset11", PICTURE, sizes=[1, 17, 9, 9], opset=11, mode="linear")
resize("batch2", rand(2, 16, 5, 5), [1, 1, 2, 2], mode="linear")
add("axes", "Resize", PICTURE, None, None, ints(12, 10), opset=18, axes=[2, 3], mode="linear")

# Shape arithmetic, which must be folded. Outputs are tensors of floats that depend on its results.
graph("Shape-pytorch-flatten", [
    node("Shape", "x", "s"), node("Gather", "s zero", "n", axis=0), node("Unsqueeze", "n axis0", "n1"),
    node("Concat", "n1 minus1", "t", axis=0), node("Reshape", "x t", "y")],
    {"x": X}, constants={"zero": np.array(0, np.int64), "axis0": np.array([0], np.int64),
                         "minus1": np.array([-1], np.int64)})
graph("Shape-slice-to-resize", [
    node("Shape", "big", "s"), node("Slice", "s two four", "hw"), node("Shape", "x", "sx"),
    node("Slice", "sx zero two", "nc"), node("Concat", "nc hw", "sizes", axis=0),
    helper.make_node("Resize", ["x", "", "", "sizes"], ["y"], name="resize", mode="linear")],
    {"x": rand(1, 4, 3, 5), "big": rand(1, 2, 9, 10)},
    constants={"zero": np.array([0], np.int64), "two": np.array([2], np.int64), "four": np.array([4], np.int64)})
graph("Shape-start-end", [
    node("Shape", "x", "s", start=1, end=-1), node("ReduceSum", "s", "total", keepdims=1),
    node("Cast", "total", "f", to=1), node("Mul", "x f", "y")], {"x": X}, opset=15)
graph("Shape-divide", [
    node("Shape", "x", "s"), node("Gather", "s one", "c"), node("Div", "c two", "half"),
    node("Unsqueeze", "half axis0", "h"), node("Concat", "zero1 h", "starts", axis=0),
    node("Slice", "x h c1 axis1", "y")], {"x": rand(2, 34, 3, 3)},
    constants={"one": np.array(1, np.int64), "two": np.array(2, np.int64), "axis0": np.array([0], np.int64),
               "zero1": np.array([0], np.int64), "c1": np.array([2**31], np.int64), "axis1": np.array([1], np.int64)})
graph("Range-positions", [
    node("Shape", "x", "s"), node("Gather", "s three", "w"), node("Range", "zero w one", "r"),
    node("Cast", "r", "f", to=1), node("Add", "x f", "y")], {"x": X},
    constants={"zero": np.array(0, np.int64), "one": np.array(1, np.int64), "three": np.array(3, np.int64)})
graph("Range-float", [node("Range", "a b c", "r"), node("Add", "x r", "y")], {"x": rand(3, 4)},
      constants={"a": np.float32(1), "b": np.float32(3), "c": np.float32(0.5)})
graph("Range-int16", [
    node("Range", "a b c", "r"), node("Cast", "r", "f", to=1), node("Add", "x f", "y")], {"x": rand(3, 5)},
    constants={"a": np.array(7, np.int16), "b": np.array(-7, np.int16), "c": np.array(-3, np.int16)})
graph("ConstantOfShape", [
    node("Shape", "x", "s"), helper.make_node("ConstantOfShape", ["s"], ["k"], name="fill",
                                              value=helper.make_tensor("v", 1, [1], [2.5])),
    node("Mul", "x k", "y")], {"x": X}, opset=9)
graph("Where-Equal-Expand", [  # PyTorch's expand(): a size of -1 keeps the dimension.
    node("Shape", "target", "k"), node("ConstantOfShape", "k", "o", value=helper.make_tensor("v", 7, [1], [1])),
    node("Mul", "o minus1", "m"), node("Equal", "target m", "e"), node("Where", "e o target", "t"),
    node("Expand", "x t", "y")], {"x": rand(2, 1, 4)},
    constants={"target": np.array([-1, 3, -1], np.int64), "minus1": np.array(-1, np.int64)})
graph("Cast-round-trip", [node("Cast", "x", "i", to=7), node("Cast", "i", "y", to=1)], {"x": 10 * rand(3, 5)})
graph("Cast-bool", [node("Cast", "x", "b", to=9), node("Cast", "b", "y", to=1)],
      {"x": np.array([[0, 1, -2.5, 0]], np.float32)})

# Tensors without elements: what shape arithmetic makes of parts that are not there.
graph("empty-part-of-concat", [
    node("Slice", "x two two one", "n"), node("Relu", "n", "r"), node("Add", "r row", "a"), node("Transpose", "a", "t",
                                                                                                perm=[0, 2, 1]),
    node("Transpose", "t", "u", perm=[0, 2, 1]), node("Cast", "u", "c", to=TensorProto.FLOAT),
    node("Concat", "c x n", "y", axis=1), node("Shape", "n", "s")], {"x": rand(1, 4, 3)}, outputs=("y", "s"),
    constants={"two": np.array([2], np.int64), "one": np.array([1], np.int64), "row": rand(3)})
graph("empty-part-of-split", [node("Split", "x parts", "a b c", axis=1), node("Concat", "c b a", "y", axis=1)],
      {"x": rand(1, 4, 3)}, constants={"parts": np.array([3, 0, 1], np.int64)})
graph("empty-gather", [node("Gather", "x none", "n", axis=1), node("Concat", "n x", "y", axis=1)], {"x": rand(1, 4, 3)},
      constants={"none": np.zeros(0, np.int64)})
# 19/14, 6/20 and so on are no floats, and an element of the result is in the middle between two of the input.
for before, after in ((14, 19), (20, 6), (18, 21), (26, 7), (7, 38), (11, 26), (7, 2)):
    for coordinates in ("half_pixel", "asymmetric"):
        for rounding in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"):
            add(f"{before}-{after}-{coordinates}-{rounding}", "Resize", rand(1, 2, 3, before), None, None,
                ints(1, 2, 3, after), mode="nearest", coordinate_transformation_mode=coordinates, nearest_mode=rounding)


@pytest.mark.parametrize("cases", batches(CASES))
def test_op(cases, tmp_path):
    check_cases(cases, tmp_path)
