# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Element-wise operations and reductions, one node at a time, against ONNX Runtime."""

import numpy as np
import pytest
from support import (Case, Const, batches, case, check_cases, floats, helper, ints, make_model, positive, rand,
                     scalar, weight)

CASES = []


def add(*arguments, **attributes):
    CASES.append(case(*arguments, **attributes))


# Values far beyond the points at which the functions saturate, and values near 0, where the approximations change.
WIDE = np.concatenate([np.linspace(-100, 100, 401), np.linspace(-1, 1, 101), [-0.0, 0.0, 1e-30, -1e-30]])
WIDE = WIDE.astype(np.float32)

for op, opsets in {"Relu": (7, 13, 14), "Sigmoid": (7, 13), "Tanh": (7, 13), "Erf": (9, 13), "HardSwish": (14, 22),
                   "HardSigmoid": (7, 22), "Elu": (7, 22), "LeakyRelu": (7, 16), "Identity": (7, 13, 21)}.items():
    for opset in opsets:
        add("4d", op, rand(2, 17, 5, 7), opset=opset)
    add("wide", op, WIDE, opset=opsets[-1])
    add("scalar", op, rand(), opset=opsets[-1])
    add("one-element", op, rand(1, 1, 1, 1), opset=opsets[-1])
add("4d", "Exp", rand(2, 17, 5, 7), opset=7)
add("range", "Exp", np.linspace(-87, 30, 301, dtype=np.float32))
add("overflow-and-underflow", "Exp", np.array([-200, -104, -90, 88.7, 89, 100], np.float32))
add("4d", "Sqrt", positive(2, 17, 5, 7), opset=7)
add("zero", "Sqrt", np.array([0, 1e-12, 4, 1e30], np.float32))
add("alpha", "LeakyRelu", rand(2, 17, 5, 7), alpha=0.3)
add("alpha", "Elu", rand(2, 17, 5, 7), alpha=0.3)
add("alpha-beta", "HardSigmoid", rand(2, 17, 5, 7), alpha=0.1, beta=0.4)
add("alpha-beta-wide", "HardSigmoid", WIDE, alpha=1 / 6, beta=0.5)
for opset in (7, 9, 16):
    add("per-channel", "PRelu", rand(2, 17, 5, 7), weight(17, 1, 1), opset=opset)
add("shared", "PRelu", rand(2, 17, 5, 7), floats(0.25))
add("full", "PRelu", rand(2, 5, 4), weight(5, 4))

x = 4 * rand(2, 17, 5, 7)
add("attributes", "Clip", x, opset=7, min=-1.0, max=2.0)
add("attribute-min", "Clip", x, opset=7, min=-1.0)
add("attribute-max", "Clip", x, opset=9, max=1.0)
add("no-attributes", "Clip", x, opset=10)
for opset in (11, 12, 13):
    add("inputs", "Clip", x, scalar(-1), scalar(2), opset=opset)
add("input-min", "Clip", x, scalar(0), opset=11)
add("input-max", "Clip", x, None, scalar(6), opset=11)
add("no-inputs", "Clip", x, opset=13)

SHAPES = {
    "same": ([2, 17, 5, 7], [2, 17, 5, 7]),
    "scalar": ([2, 17, 5, 7], []),
    "one": ([2, 17, 5, 7], [1]),
    "row": ([2, 17, 5, 7], [7]),
    "channel": ([2, 17, 5, 7], [17, 1, 1]),
    "channel4d": ([2, 17, 5, 7], [1, 17, 1, 1]),
    "gate": ([2, 17, 5, 7], [2, 17, 1, 1]),
    "picture": ([2, 17, 5, 7], [2, 1, 5, 7]),
    "both-ways": ([2, 1, 5, 1], [17, 1, 7]),
    "left-smaller": ([7], [2, 5, 7]),
}
for op in ("Add", "Sub", "Mul", "Div"):
    for opset in (7, 13, 14):
        add("same", op, rand(2, 17, 5, 7), positive(2, 17, 5, 7), opset=opset)
    for name, (left, right) in SHAPES.items():
        if name != "same":
            add(name, op, rand(*left), positive(*right))
            add(f"{name}-constant", op, rand(*left), Const(positive(*right)))
    add("constant-left", op, Const(positive(17, 1, 1)), positive(2, 17, 5, 7))
twice = rand(3, 20)
nodes = [helper.make_node("Mul", ["x", "x"], ["y"], name="square")]
CASES.append(Case("Mul-same-tensor-twice", make_model(nodes, {"x": twice}, ["y"]), {"x": twice}))
for op in ("Min", "Max", "Sum", "Mean"):
    for opset in (8, 13):
        add("two", op, rand(2, 17, 5), rand(2, 17, 5), opset=opset)
    add("one", op, rand(2, 17, 5))
    add("three-broadcast", op, rand(2, 17, 5), rand(17, 1), rand(1))
    add("with-constant", op, rand(2, 17, 5), weight(17, 1))
    add("four-opset7", op, *[rand(2, 17, 5) for _ in range(4)], opset=7)
for exponent in (2.0, 0.5, 3.0, -1.0, 1.7):
    for opset in (7, 13):
        add(f"{exponent}", "Pow", positive(2, 17, 5), scalar(exponent), opset=opset)
add("tensor", "Pow", positive(2, 17, 5), rand(17, 1), opset=13)
add("negative-base-square", "Pow", rand(2, 17, 5), scalar(2.0), opset=13)
add("integer-exponent", "Pow", rand(2, 17, 5), scalar(3, np.int64), opset=13)

x = rand(3, 5, 6, 7)
for op, since in (("ReduceMean", 18), ("ReduceMax", 18), ("ReduceSum", 13)):
    for opset in (7, 11):
        add("axes", op, x, opset=opset, axes=[2, 3])
    add("axes", op, x, ints(2, 3), opset=since)
    old = dict(opset=11)
    add("no-keepdims", op, x, axes=[1], keepdims=0, **old)
    add("negative-axes", op, x, axes=[-1, 1], **old)
    add("first", op, x, axes=[0], **old)
    add("middle", op, x, axes=[1], **old)
    add("outer-and-inner", op, x, axes=[0, 3], keepdims=0, **old)
    add("all", op, x, **old)
    add("all-no-keepdims", op, x, keepdims=0, **old)
    add("no-keepdims", op, x, ints(-1), opset=since, keepdims=0)
    add("all", op, x, opset=since)
    add("noop", op, x, opset=since, noop_with_empty_axes=1)
    add("long", op, rand(2, 5000), opset=11, axes=[1])
    add("channels-17-spatial", op, rand(2, 17, 6, 7), opset=11, axes=[2, 3])
add("negative", "ReduceMax", -positive(3, 20), opset=11, axes=[1])

# Comparison and selection.
same = np.where(rand(3, 20) > 0, np.float32(1), np.float32(0))
feeds = {"a": same, "b": np.ones((3, 20), np.float32), "x": rand(3, 20), "z": rand(20)}
for opset in (11, 19):
    nodes = [helper.make_node("Equal", ["a", "b"], ["e"], name="equal"),
             helper.make_node("Where", ["e", "x", "z"], ["y"], name="where")]
    CASES.append(Case(f"Equal-Where-opset{opset}", make_model(nodes, feeds, ["y"], opset=opset), feeds))
mask = (np.arange(60).reshape(3, 20) % 3 == 0)
add("constant-condition", "Where", Const(mask), rand(3, 20), scalar(-1))

for opset, attributes in ((7, {"ratio": 0.3}), (10, {}), (12, {}), (13, {})):
    add("inference", "Dropout", rand(2, 17, 5), opset=opset, **attributes)
add("ratio-input", "Dropout", rand(2, 17, 5), scalar(0.3), opset=13)
add("training-mode-false", "Dropout", rand(2, 17, 5), scalar(0.3), scalar(False, np.bool_), opset=13)
for opset in (12, 13):
    add("mask", "Dropout", rand(2, 17), opset=opset, outputs=2)
add("ratio-0", "Dropout", rand(2, 17), scalar(0), scalar(True, np.bool_), opset=13, outputs=2)
nodes = [helper.make_node("Dropout", ["x"], ["d", "mask"], name="dropout"),
         helper.make_node("Relu", ["d"], ["y"], name="relu")]
x = rand(2, 17)
CASES.append(Case("Dropout-unused-mask", make_model(nodes, {"x": x}, ["y"], opset=9), {"x": x}))
# Longer than what is joined into one loop nest; in the second, each tensor has two readers.
for name, back in (("chain", False), ("ladder", True)):
    steps = ["x", "x", *(f"t{step}" for step in range(299)), "y"]
    nodes = [helper.make_node("Sub", [steps[step + 1], steps[step] if back else "x"], [steps[step + 2]])
             for step in range(300)]
    CASES.append(Case(f"long-{name}", make_model(nodes, {"x": x}, ["y"], opset=9), {"x": x}, 1e-4))


@pytest.mark.parametrize("cases", batches(CASES))
def test_op(cases, tmp_path):
    check_cases(cases, tmp_path)
