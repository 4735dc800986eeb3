# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Operations that move elements by computed indices, one node at a time, against ONNX Runtime."""

import numpy as np
import pytest
from onnx import helper, numpy_helper
from support import Case, Const, batches, case, check_cases, ints, rand, run_reference, value_info

CASES = []
random = np.random.default_rng(5)


def add(*arguments, **attributes):
    CASES.append(case(*arguments, tolerance=0, **attributes))


def indices(low, high, *shape, dtype=np.int64):
    return random.integers(low, high, shape).astype(dtype)


def distinct(extent, *shape):
    """Indices that differ along the last dimension."""
    return np.argsort(random.random((*shape[:-1], extent)), axis=-1)[..., :shape[-1]].astype(np.int64)


x = rand(3, 5, 7)
whole = indices(-99, 99, 3, 5, 7, dtype=np.int32)
for k in (None, -9, -2, 0, 3, 9):
    for upper in (0, 1):
        add(f"{k}-{upper}", "Trilu", x, None if k is None else Const(np.array(k)), opset=14, upper=upper)
add("computed-k", "Trilu", x, np.array(1), opset=14)
add("int32", "Trilu", whole, opset=14)

picture = rand(2, 3, 4, 6)
add("default", "SpaceToDepth", picture, opset=28, run=run_reference, blocksize=2)
for mode in ("DCR", "CRD"):
    add(mode, "SpaceToDepth", picture, opset=28, run=run_reference, blocksize=2, mode=mode)

add("square", "EyeLike", whole[0], opset=9)
for k in (-2, 0, 3, 90):
    add(f"float-{k}", "EyeLike", whole[0], opset=9, k=k, dtype=1)

for axis in (0, 1, -1):
    shape = [3, 5, 7]
    shape[axis] = 4
    low = -x.shape[axis]
    add(f"axis{axis}", "GatherElements", x, indices(low, x.shape[axis], *shape), opset=13, axis=axis)
    add(f"int32-axis{axis}", "GatherElements", whole, indices(low, x.shape[axis], *shape, dtype=np.int32), opset=11, axis=axis)
add("smaller", "GatherElements", x, indices(-5, 5, 2, 4, 3), opset=13, axis=1)
add("constant-indices", "GatherElements", x, Const(indices(0, 3, 2, 5, 7)), opset=13, axis=0)

add("elements", "GatherND", x, indices(-3, 3, 6, 3), opset=12)
add("rows", "GatherND", x, indices(-3, 3, 2, 4, 2), opset=13)
add("batch", "GatherND", x, indices(-5, 5, 3, 2, 1), opset=12, batch_dims=1)
add("batch2", "GatherND", x, indices(-7, 7, 3, 5, 1), opset=13, batch_dims=2)
add("int64", "GatherND", whole.astype(np.int64), indices(0, 3, 4, 1), opset=13)

for axis in (0, 1, 2):
    place = np.moveaxis(distinct(x.shape[axis], *(np.delete((3, 5, 7), axis) - 1), 3), -1, axis)
    add(f"axis{axis}", "ScatterElements", x, place - x.shape[axis] * (place % 2), rand(*place.shape), opset=13, axis=axis)
for reduction in ("add", "mul", "max", "min"):
    for values in (x, whole):
        updates = rand(4, 5, 7) if values is x else indices(-9, 9, 4, 5, 7, dtype=np.int32)
        add(f"{reduction}-{values.dtype}", "ScatterElements", values, indices(-3, 3, 4, 5, 7), updates, opset=18,
            reduction=reduction)
add("old", "Scatter", x, distinct(7, 3, 5, 4), rand(3, 5, 4), opset=10, axis=2)


def scatter_rows(name, data, axis, *indices, reduction="none"):
    """ScatterElements after ScatterElements, each with an index for each whole row along the axis."""
    rank, nodes, arrays, last = data.ndim, [], {"x": data}, "x"
    for number, index in enumerate(indices):
        shape = np.array(data.shape)
        shape[axis] = len(index)
        column = [len(index) if dim == axis else 1 for dim in range(rank)]
        arrays |= {f"i{number}": index.reshape(column), f"u{number}": rand(*shape).astype(data.dtype)}
        nodes += [helper.make_node("Expand", [f"i{number}", f"s{number}"], [f"e{number}"]),
                  helper.make_node("ScatterElements", [last, f"e{number}", f"u{number}"], [f"y{number}"], axis=axis, reduction=reduction)]
        arrays[f"s{number}"] = shape
        last = f"y{number}"
    constants = [numpy_helper.from_array(arrays.pop(f"s{number}"), f"s{number}") for number in range(len(indices))]
    outputs = [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(data.dtype), None) for name in {last, "y0"}]
    graph = helper.make_graph(nodes, "rows", [value_info(*pair) for pair in arrays.items()], outputs, constants)
    CASES.append(Case(f"ScatterRows-{name}", helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), arrays, 0))


for axis in (0, 1, 2):
    scatter_rows(f"axis{axis}", x, axis, np.int64([1, -1]), np.int64([0, -2, 1]))
# Of several updates of one row the last one counts. Rows of 600 elements are copied in pieces.
scatter_rows("repeated", rand(6, 20, 30), 0, np.int64([3, 0, 3, -1, 3]), np.int64([5, -3, 5]), np.int64([2]))
scatter_rows("int32", whole, 1, np.int64([4, -4, 2]))
scatter_rows("add", x, 0, np.int64([1, 1, 2]), reduction="add")

rows = distinct(15, 6)
add("rows", "ScatterND", x, np.stack([rows // 5, rows % 5 - 5], -1), rand(6, 7), opset=11)
for first, count in ((0, 2), (1, 1), (-2, 2), (0, 3)):
    run = np.arange(first, first + count, dtype=np.int64).reshape(count, 1)
    add(f"run-{first}-{count}", "ScatterND", x, Const(run), rand(count, 5, 7), opset=13)
add("slices", "ScatterND", x, np.array([[2], [0]], np.int64), rand(2, 5, 7), opset=13)
places = distinct(105, 3, 4)
places = np.stack(np.unravel_index(places, (3, 5, 7)), -1)
add("elements", "ScatterND", x, places[:1], rand(1, 4), opset=13)
for reduction in ("add", "mul", "max", "min"):
    add(reduction, "ScatterND", x, indices(-3, 3, 9, 2), rand(9, 7), opset=18, reduction=reduction)

for lengths in ([1, 4, 7, 2, 3], [7, 7, 7, 7, 7]):
    add(f"time-{lengths[0]}", "ReverseSequence", rand(7, 5, 3), np.array(lengths, np.int64), opset=10)
add("batch-first", "ReverseSequence", x, np.array([1, 5, 3], np.int64), opset=10, batch_axis=0, time_axis=1)

for axis in (0, 1, -1):
    add(f"axis{axis}", "OneHot", indices(-6, 9, 4, 3), Const(np.array(6)), np.array([-1, 2], np.float32), opset=11, axis=axis)
add("int32", "OneHot", indices(-6, 6, 5, dtype=np.int32), Const(np.array([6], np.int32)), np.array([0, 1], np.float32), opset=11)
add("float-indices", "OneHot", indices(0, 6, 5).astype(np.float32), Const(np.array([6], np.float32)), np.array([0, 1], np.float32),
    opset=11)

for axis in (0, 2):
    condition = random.random(x.shape[axis]) > 0.4
    condition[0] = True
    add(f"axis{axis}", "Compress", x, Const(condition), opset=11, axis=axis)
add("flat", "Compress", x, Const(np.arange(50) % 3 == 0), opset=9)
add("short", "Compress", x, Const(np.array([True, False, True])), opset=11, axis=1)

for shape in ([4, 4, 4], [1, 8, 7], [6, 5, 10]):
    add("x".join(map(str, shape)), "CenterCropPad", x, ints(*shape), opset=18)
add("axes", "CenterCropPad", x, ints(10, 2), opset=18, axes=[2, -2])

columns = rand(2, 12, 25)
add("plain", "Col2Im", columns, ints(5, 8), ints(1, 4), opset=18)
CASES[-1].tolerance = 1e-6
columns = rand(1, 18, 9)
add("strides-pads", "Col2Im", columns, ints(5, 5), ints(3, 3), opset=18, strides=[2, 2], pads=[1, 1, 1, 1])
CASES[-1].tolerance = 1e-6
columns = rand(1, 8, 16)
add("dilations", "Col2Im", columns, ints(6, 6), ints(2, 2), opset=18, dilations=[2, 2])
CASES[-1].tolerance = 1e-6

pooled, place = rand(1, 2, 3, 3), np.zeros((1, 2, 3, 3), np.int64)
for channel in range(2):
    for row in range(3):
        for column in range(3):
            place[0, channel, row, column] = 36 * channel + 6 * (2 * row + row % 2) + 2 * column + column % 2
add("2x2", "MaxUnpool", pooled, place, opset=11, kernel_shape=[2, 2], strides=[2, 2])


@pytest.mark.parametrize("cases", batches(CASES))
def test_op(cases, tmp_path):
    check_cases(cases, tmp_path)


@pytest.mark.parametrize("cases", batches(CASES)[:3])
def test_gpu_kernels(cases, tmp_path):
    check_cases(cases, tmp_path, options=["--target=cuda-emulator"])
