# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reductions, scans, selections and sums of products, one node at a time."""

import numpy as np
import onnx
import pytest
from support import (Const, batches, case, check_cases, convoy, ints, one_line, positive, rand, run_reference, scalar,
                     weight)

CASES = []
I32, I64, I8, U8, U64 = np.int32, np.int64, np.int8, np.uint8, np.uint64


def add(*arguments, **attributes):
    CASES.append(case(*arguments, **attributes))


def numbers(dtype, *shape, low=0, high=100):
    """Random integers."""
    return (np.abs(rand(*shape)) * 1e4).astype(np.int64).__mod__(high - low).__add__(low).astype(dtype)


def special(*shape):
    """Random numbers with NaNs, infinities and equal ones."""
    x = np.round(rand(*shape) * 2) / 2
    x.flat[3], x.flat[8], x.flat[11], x.flat[-2] = np.nan, np.inf, -np.inf, np.nan
    return x


# --- Reductions -------------------------------------------------------------------------------------------------------

REDUCTIONS = {"Sum": 13, "Mean": 18, "Max": 18, "Min": 18, "Prod": 18, "L1": 18, "L2": 18, "SumSquare": 18,
              "LogSum": 18, "LogSumExp": 18}
x = rand(3, 5, 6, 7)
for name, since in REDUCTIONS.items():
    op, data = f"Reduce{name}", positive(3, 5, 6, 7) if name in ("LogSum", "Prod") else x
    for axes in ([0], [1, 3], [-1, 1], [2, 3]):
        for keep in (0, 1):
            add(f"axes{axes}-keep{keep}", op, data, opset=11, axes=axes, keepdims=keep)
            add(f"axes{axes}-keep{keep}", op, data, ints(*axes), opset=since, keepdims=keep)
    add("all", op, data, opset=7)
    add("all", op, data, opset=since, keepdims=0)
    add("noop", op, data, ints(), opset=since, noop_with_empty_axes=1,
        run=None if name in ("Sum", "Mean", "Max", "Min", "Prod") else lambda model, feeds, name=name: {
            "y0": {"L1": np.abs, "L2": np.abs, "SumSquare": np.square, "LogSum": np.log,
                   "LogSumExp": lambda value: value}[name](feeds["x0"])})
    add("empty-axes", op, data, ints(), opset=since)
    if name not in ("LogSum", "LogSumExp", "L2"):
        for dtype in (I32, I64):
            add(f"{np.dtype(dtype)}", op, numbers(dtype, 3, 4, 5, low=-9, high=9), opset=11, axes=[1], keepdims=0)
for name in ("Max", "Min"):
    for dtype in (I8, U8):
        add(f"{np.dtype(dtype)}", f"Reduce{name}", numbers(dtype, 3, 4, 5, low=100, high=128), opset=13, axes=[0, 2],
            run=run_reference)
    add("bool", f"Reduce{name}", rand(3, 4, 5) > 0.5, ints(2), opset=20, run=run_reference)
for dtype in (np.uint32, U64):
    big = numbers(dtype, 3, 4, 5) + (np.array(1, dtype) << np.array(dtype(0).nbytes * 8 - 1, dtype))
    for name in ("Max", "Min"):
        add(f"{np.dtype(dtype)}", f"Reduce{name}", big, opset=13, axes=[0, 2], run=run_reference)
    for name in ("Sum", "Prod", "L1", "SumSquare", "Mean"):
        add(f"{np.dtype(dtype)}", f"Reduce{name}", numbers(dtype, 3, 2, 5), ints(0, 1), opset=18,
            run=lambda model, feeds, dtype=dtype: {"y0": run_reference(model, feeds)["y0"].astype(dtype)})
for name, dtype in (("L2", I32), ("L2", I64)):
    add(f"{np.dtype(dtype)}", f"Reduce{name}", numbers(dtype, 3, 4, 5, low=-9, high=9), opset=11, axes=[1])
for name in ("Max", "Min"):  # A NaN at each position, zeros of both signs, infinities alone.
    data = np.where(np.eye(37, dtype=bool), np.float32(np.nan), rand(37, 37))
    data[5, :5], data[6, :6], data[:7, 7] = np.inf, -np.inf, -np.inf
    for axes in ([0], [1], [0, 1]):
        add(f"nan{axes}", f"Reduce{name}", data, ints(*axes), opset=18, run=run_reference)
        add(f"infinite{axes}", f"Reduce{name}", np.where(np.isnan(data), np.float32(np.inf), data), ints(*axes), opset=18)
add("large", "ReduceLogSumExp", 50 * rand(3, 50) + np.float32(1000), opset=13, axes=[1])
add("infinite", "ReduceLogSumExp", np.array([[-np.inf, -np.inf], [np.inf, 1], [-np.inf, 2], [np.nan, 1]], np.float32),
    opset=13, axes=[1], run=lambda model, feeds: {"y0": np.array([[-np.inf], [np.inf], [2], [np.nan]], np.float32)})

# --- Elements by their order ------------------------------------------------------------------------------------------

for op in ("ArgMax", "ArgMin"):
    data = np.round(rand(3, 5, 6) * 2)
    for opset in (7, 11, 13):
        add("default", op, data, opset=opset)
        add("axis1", op, data, opset=opset, axis=1, keepdims=0)
    for last in (0, 1):
        add(f"last{last}", op, data, opset=13, axis=-1, select_last_index=last)
        add(f"last{last}-nan", op, special(4, 9), opset=13, axis=-1, select_last_index=last, run=run_reference)
    add("long", op, rand(2, 3000), opset=13, axis=1)
    for dtype in (I8, U8, np.int16, np.uint16, I32, np.uint32, I64, U64):
        add(f"{np.dtype(dtype)}", op, numbers(dtype, 4, 30, high=128), opset=13, axis=1, run=run_reference)


def top_k(model, feeds):
    """TopK with ties in the order of their indices, and NaN as the largest value."""
    (node,) = model.graph.node
    attributes = {attribute.name: attribute.i for attribute in node.attribute}
    (data,) = feeds.values()
    k = attributes.get("k", *[int(np.frombuffer(t.raw_data, np.int64)[0]) for t in model.graph.initializer[:1]])
    axis, largest = attributes.get("axis", -1), attributes.get("largest", 1)
    data = np.moveaxis(data, axis, -1)
    rank = np.empty(data.shape, np.int64)  # Equal numbers have equal ranks.
    for place in np.ndindex(data.shape[:-1]):
        rank[place] = np.unique(data[place], return_inverse=True)[1]
    order = np.argsort(-rank if largest else rank, axis=-1, kind="stable")[..., :k]
    values = np.take_along_axis(data, order, -1)
    return {"y0": np.moveaxis(values, -1, axis).copy(), "y1": np.moveaxis(order, -1, axis).copy()}


data = np.round(rand(3, 40, 4) * 4) / 4
add("attribute", "TopK", data, opset=7, outputs=2, k=5, axis=1, run=top_k)
add("opset10", "TopK", data, ints(5), opset=10, outputs=2, axis=1, run=top_k)
for k in (1, 2, 3, 39, 40):
    for largest in (0, 1):
        add(f"k{k}-largest{largest}", "TopK", data, ints(k), opset=11, outputs=2, axis=1, largest=largest, run=top_k)
add("default-axis", "TopK", rand(5, 17), ints(4), opset=11, outputs=2)
add("unsorted", "TopK", rand(5, 17), ints(4), opset=11, outputs=2, sorted=0, run=top_k)
add("nan", "TopK", special(4, 9), ints(9), opset=11, outputs=2, run=top_k)
add("nan-smallest", "TopK", special(4, 9), ints(9), opset=11, outputs=2, largest=0, run=top_k)
add("everything", "TopK", rand(1, 20000), ints(20000), opset=11, outputs=2, run=top_k)
add("long", "TopK", rand(2, 20000), ints(7), opset=11, outputs=2, run=top_k)
for dtype in (I8, U8, I32, I64, U64):
    add(f"{np.dtype(dtype)}", "TopK", numbers(dtype, 4, 30), ints(6), opset=11, outputs=2, run=top_k)

for opset in (7, 11, 13):
    for axis in (0, 1, 2):
        add(f"axis{axis}", "Hardmax", np.round(rand(3, 4, 5) * 2), opset=opset, axis=axis)
    add("default", "Hardmax", rand(3, 4, 5), opset=opset)

# --- Scans ------------------------------------------------------------------------------------------------------------

for op, since in (("CumSum", 11), ("CumSum", 14), ("CumProd", 26)):
    reference = None if op == "CumSum" else run_reference
    for axis in (0, 1, -1):
        for exclusive in (0, 1):
            for reverse in (0, 1):
                add(f"axis{axis}-exclusive{exclusive}-reverse{reverse}", op, rand(3, 5, 7), scalar(axis, I64),
                    opset=since, exclusive=exclusive, reverse=reverse, run=reference)
    for dtype in (I32, I64, np.uint32, U64):
        add(f"{np.dtype(dtype)}", op, numbers(dtype, 3, 5, high=9), scalar(1, I32), opset=since, run=run_reference)
add("axis-vector", "CumSum", rand(3, 5), Const(np.array([1], I32)), opset=14)

# --- Norms ------------------------------------------------------------------------------------------------------------

x = rand(2, 5, 6, 7)
for axis in (-1, 1, 2):
    size = x.shape[axis:]
    for stash in (None, 1):
        attributes = {} if stash is None else {"stash_type": stash}
        add(f"three-outputs-axis{axis}", "LayerNormalization", x, weight(*size), weight(*size), opset=17, axis=axis,
            outputs=3, epsilon=0.01, **attributes)
    add(f"no-bias-axis{axis}", "LayerNormalization", x, weight(*size), opset=17, axis=axis, outputs=3)
    add(f"axis{axis}", "RMSNormalization", x, weight(*size), opset=23, axis=axis)
    add(f"computed-scale-axis{axis}", "RMSNormalization", x, rand(*size), opset=23, axis=axis, epsilon=0.1)
for axis in (-1, 0, 1):
    for p in (1, 2):
        zeros = np.where(np.arange(7) < 3, rand(2, 5, 7), 0).astype(np.float32)
        zeros[0, 2] = 0
        add(f"p{p}-axis{axis}", "LpNormalization", zeros, opset=13, p=p, axis=axis)
for opset in (9, 13):
    add("default", "MeanVarianceNormalization", x, opset=opset)
    add("axes", "MeanVarianceNormalization", x, opset=opset, axes=[1, 3])
computed = [positive(5), rand(5), rand(5), positive(5)]
for opset in (7, 9, 15):
    add("computed", "BatchNormalization", x, *computed, opset=opset, epsilon=0.01)
add("computed-one", "BatchNormalization", x, Const(computed[0]), computed[1], weight(5), Const(computed[3]), opset=15)
positions = (5, 6, 7)
add("positions", "BatchNormalization", x, positive(*positions), rand(*positions), rand(*positions),
    positive(*positions), opset=7, spatial=0)
for groups in (1, 5):
    add(f"computed-groups{groups}", "GroupNormalization", x, rand(5), rand(5), opset=21, num_groups=groups)
add("computed", "GroupNormalization", rand(2, 6, 5), rand(3), rand(3), opset=18, num_groups=3)
add("computed", "InstanceNormalization", x, rand(5), rand(5), opset=7, epsilon=0.1)

# --- Pools ------------------------------------------------------------------------------------------------------------

x = rand(2, 5, 11, 13)
for opset in (7, 11, 18):
    for p in (1, 2, 3):
        add(f"p{p}", "LpPool", x, opset=opset, kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 1, 1], p=p)
        add(f"p{p}", "GlobalLpPool", x, opset=opset, p=p)
for auto_pad in ("SAME_UPPER", "SAME_LOWER", "VALID"):
    add(auto_pad, "LpPool", x, opset=18, kernel_shape=[3, 4], strides=[2, 2], auto_pad=auto_pad)
add("dilations", "LpPool", x, opset=18, kernel_shape=[3, 2], dilations=[2, 3])
add("1d", "LpPool", rand(2, 3, 17), opset=11, kernel_shape=[4])
add("3d", "LpPool", rand(1, 3, 6, 7, 8), opset=11, kernel_shape=[2, 3, 2], strides=[1, 2, 3])
for order in (0, 1):
    for opset in (8, 10, 12):
        add(f"indices-order{order}", "MaxPool", x, opset=opset, outputs=2, kernel_shape=[3, 3], strides=[2, 2],
            pads=[1, 1, 1, 1], storage_order=order)
    add(f"indices-order{order}-3d", "MaxPool", rand(2, 3, 5, 6, 7), opset=12, outputs=2, kernel_shape=[2, 3, 2],
        storage_order=order)
add("indices-dilations", "MaxPool", x, opset=12, outputs=2, kernel_shape=[3, 2], dilations=[2, 3], ceil_mode=1,
    strides=[2, 2], pads=[1, 0, 0, 1])
add("indices-ties", "MaxPool", np.round(x), opset=12, outputs=2, kernel_shape=[4, 4], strides=[3, 3])
add("indices-1d", "MaxPool", rand(2, 3, 17), opset=12, outputs=2, kernel_shape=[4], strides=[2])
for dtype in (I8, U8):
    data = numbers(dtype, 2, 5, 11, 13, low=-100 if dtype == I8 else 0, high=120 if dtype == I8 else 256)
    add(f"{np.dtype(dtype)}", "MaxPool", data, opset=12, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    add(f"{np.dtype(dtype)}-ceil", "MaxPool", data, opset=22, kernel_shape=[2, 3], strides=[2, 2], ceil_mode=1)

# --- Sums of products -------------------------------------------------------------------------------------------------

EQUATIONS = {
    "ij,jk->ik": [(3, 4), (4, 5)], "ij,jk": [(3, 4), (4, 5)], "bij,bjk->bik": [(2, 3, 4), (2, 4, 5)],
    "bhid,bhjd->bhij": [(2, 3, 4, 5), (2, 3, 6, 5)], "bhij,bhjd->bihd": [(2, 3, 4, 6), (2, 3, 6, 5)],
    "ij->ji": [(3, 4)], "ba": [(3, 4)], "ij->": [(3, 4)], "ij->i": [(3, 4)], "ii->i": [(4, 4)], "ii": [(4, 4)],
    "ii->": [(4, 4)], "...ii->...i": [(2, 3, 4, 4)], "i,i": [(5,), (5,)], "i,i->i": [(5,), (5,)], "i,j->ij": [(5,), (4,)],
    "i,j->ji": [(5,), (4,)], "...ij,...jk->...ik": [(2, 3, 4), (2, 4, 5)], "...ij,jk->ik...": [(2, 6, 3, 4), (4, 5)],
    "...,...->...": [(2, 3), (3,)], "a...,...a": [(2, 3), (3, 2)], ",ij->ij": [(), (3, 4)], "->": [()],
    "ijk,jil->kl": [(3, 4, 5), (4, 3, 6)], "ij,ij->": [(3, 4), (3, 4)], "ij,kl->": [(3, 4), (2, 5)],
    "ij,jk,kl->il": [(3, 4), (4, 5), (5, 2)], "ij,ij,ij->i": [(3, 4)] * 3, "a,ab,abc->abc": [(2,), (2, 3), (2, 3, 4)],
    "iij,jk->ik": [(3, 3, 4), (4, 5)], " i j , j k -> i k ": [(3, 4), (4, 5)], "bIa,bIc->bac": [(2, 3, 4), (2, 3, 5)],
    "nctw,cd->ndtw": [(2, 3, 4, 5), (3, 6)], "bij,bjk->bik ": [(1, 3, 4), (2, 4, 5)],
}
for equation, shapes in EQUATIONS.items():
    add(equation.replace(" ", "_"), "Einsum", *[rand(*shape) for shape in shapes], opset=12, equation=equation,
        run=lambda model, feeds, equation=equation: {"y0": np.asarray(np.einsum(equation.replace(" ", ""), *[
            feeds[name] for name in sorted(feeds)]))})
add("weight", "Einsum", rand(2, 3, 8), weight(8, 4, 5), opset=12, equation="abc,cde->abde")
add("weight-left", "Einsum", weight(4, 8), rand(2, 8), opset=12, equation="dc,bc->bd")
for dtype in (I8, U8, I32, U64):
    integers = [numbers(dtype, 3, 4, high=5), numbers(dtype, 4, 5, high=5)]
    for equation in ("ij,jk->ik", "ij,kl->il"):
        add(f"{np.dtype(dtype)}-{equation}", "Einsum", *integers, opset=12, equation=equation,
            run=lambda model, feeds, equation=equation: {
                "y0": np.einsum(equation, *[feeds[name] for name in sorted(feeds)])})
for shape in ((3, 3), (2, 4, 4), (2, 3, 1, 1), (1, 12, 12)):
    add("x".join(map(str, shape)), "Det", rand(*shape), opset=11)
add("singular", "Det", np.array([[[1, 2], [2, 4]], [[0, 1], [1, 0]], [[0, 0], [0, 3]]], np.float32), opset=11)


@pytest.mark.parametrize("cases", batches(CASES))
def test_op(cases, tmp_path):
    check_cases(cases, tmp_path)


# --- Errors -----------------------------------------------------------------------------------------------------------

EINSUM = "attribute 'equation' ('{0}'): {1}"
M34, M45 = (3, 4), (4, 5)


@pytest.mark.parametrize("op, shapes, attributes, message", [
    ("Einsum", [M34, M45], {"equation": "ij->ij"}, EINSUM.format("ij->ij", "has 1 terms for 2 inputs")),
    ("Einsum", [M34], {"equation": "i$->i"}, EINSUM.format("i$->i", "the term 'i$' has '$', expected letters")),
    ("Einsum", [M34], {"equation": "......->"}, EINSUM.format("......->", "the term '......' has two ellipses")),
    ("Einsum", [M34], {"equation": "ijk->i"}, EINSUM.format("ijk->i", "the term 'ijk' has 3 subscripts, but input 0")),
    ("Einsum", [M34, M45], {"equation": "ij,ik"},
     EINSUM.format("ij,ik", "subscript 'i' stands for extents 3 and 4 (input 1 ('x1'))")),
    ("Einsum", [M34], {"equation": "ij->ii"}, EINSUM.format("ij->ii", "the result has the subscript 'i' twice")),
    ("Einsum", [M34], {"equation": "ij->k"}, EINSUM.format("ij->k", "no input has the result's subscript 'k'")),
    ("Einsum", [M34], {}, "has no attribute 'equation'"),
    ("Det", [M34], {}, "input 0 ('x0') holds no square matrices"),
    ("TopK", [M34, ints(5)], {"axis": 0}, "asks for 5 elements, but axis 0 has 3"),
    ("TopK", [M34, ints(1, 2)], {}, "input 1 ('c1') has 2 elements, expected 1"),
    ("CumSum", [M34, scalar(2, I64)], {}, "axis 2 is out of range for rank 2"),
    ("LpNormalization", [M34], {"p": 3}, "attribute 'p' is 3, expected 1 or 2"),
    ("LayerNormalization", [M34, (4,)], {"stash_type": 10}, "attribute 'stash_type' is 10, expected 1 (float) or 16"),
    ("BatchNormalization", [M34, (4,), (3,), (3,), (3,)], {}, "offset has 3 elements, expected one for each of the 4"),
    ("LpPool", [(1, 2, 5, 5)], {"p": 0, "kernel_shape": [2, 2]}, "attribute 'p' is not positive"),
    ("GlobalLpPool", [M34], {}, "has rank 2, expected at least 3"),
])
def test_errors(op, shapes, attributes, message, tmp_path):
    operands = [shape if isinstance(shape, Const) else rand(*shape) for shape in shapes]
    model = case("error", op, *operands, opset=17, run=lambda model, feeds: {"y0": rand(1)}, **attributes).model
    onnx.save(model, tmp_path / "model.onnx")
    error = one_line(convoy("compile", tmp_path / "model.onnx", "-o", tmp_path / "model.so"))
    assert f"node 'the_{op.lower()}' ({op}): " in error and message in error


# --- Sums of many numbers ---------------------------------------------------------------------------------------------

EPSILON = np.finfo(np.float32).eps
LONG = 1 + rand(2, 8, 301, 257) / 8  # Sums whose rounding errors do not cancel.


def softmax(x, axis):
    powers = np.exp(x - x.max(axis, keepdims=True))
    return powers / powers.sum(axis, keepdims=True)


SUMS = {  # Operator, opset, attributes, the same in f64.
    **{f"axes{axes}": ("ReduceMean", 13, {"axes": axes}, lambda x, axes=axes: x.mean(tuple(axes), keepdims=True))
       for axes in ([0], [1], [2], [3], [0, 1], [0, 2], [2, 3], [0, 2, 3], [0, 1, 2], [0, 3], [0, 1, 2, 3])},
    "square": ("ReduceSumSquare", 13, {"axes": [0, 2]}, lambda x: np.square(x).sum((0, 2), keepdims=True)),
    "global": ("GlobalAveragePool", 13, {}, lambda x: x.mean((2, 3), keepdims=True)),
    "window": ("AveragePool", 13, {"kernel_shape": [301, 256]},
               lambda x: np.stack([x[..., :-1].mean((2, 3)), x[..., 1:].mean((2, 3))], -1)[:, :, None]),
    "softmax": ("Softmax", 11, {"axis": 1}, lambda x: softmax(x.reshape(2, -1), 1).reshape(x.shape)),
    "softmax-rows": ("Softmax", 13, {"axis": 2}, lambda x: softmax(x, 2)),
    "norm": ("MeanVarianceNormalization", 13, {},
             lambda x: (x - x.mean((0, 2, 3), keepdims=True)) / x.std((0, 2, 3), keepdims=True)),
}


@pytest.mark.parametrize("target", ["cpu", "cuda-emulator"])
def test_sums_of_many_numbers(target, tmp_path):
    """The error of a sum does not grow with the count of its terms."""
    cases = [case(name, op, LONG, opset=opset, run=lambda model, feeds, formula=formula: {
        "y0": formula(feeds["x0"].astype(np.float64)).astype(np.float32)}, **attributes)
        for name, (op, opset, attributes, formula) in SUMS.items()]
    for a_case in cases:
        a_case.tolerance = (24 if "norm" in a_case.name else 4) * EPSILON
    groups = [parameter.values[0] for parameter in batches(cases)]
    for group in groups:
        check_cases(group, tmp_path, [] if target == "cpu" else [f"--target={target}"])
