# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Unique against NumPy: all outputs, types and axes; inputs whose size depends on data, and constants."""

import numpy as np
import onnx
import pytest
from support import compile_model, convoy, helper, numpy_helper, one_line, run_artefact, run_onnxruntime, value_info

NAMES = ("y", "indices", "inverse", "counts")
RNG = np.random.default_rng(11)
TYPES = (np.float32, np.float64, np.float16, np.int64, np.int32, np.int8, np.uint8, np.uint64, np.bool_)


def unique(x, axis=None, is_sorted=True):
    """What ONNX specifies; NaNs are equal."""
    rows = x.reshape(-1, 1) if axis is None else np.moveaxis(x, axis, 0).reshape(x.shape[axis], x.size // max(x.shape[axis], 1))
    kept, inverse = [], []
    keys = [tuple("NaN" if e != e else e + 0 for e in row) for row in rows.tolist()]
    for number, key in enumerate(keys):
        if key not in [keys[i] for i in kept]:
            kept.append(number)
        inverse.append(next(i for i in kept if keys[i] == key))
    if is_sorted:
        kept.sort(key=lambda i: [(e == "NaN", 0 if e == "NaN" else e) for e in keys[i]])
    numbers = np.array([kept.index(i) for i in inverse], np.int64)
    y = x.reshape(-1)[kept] if axis is None else np.take(x, kept, axis)
    return y, np.array(kept, np.int64), numbers, np.bincount(numbers, minlength=len(kept)).astype(np.int64)


def draw(dtype, *shape, most=3):
    array = RNG.integers(0, most, shape)
    if np.dtype(dtype).kind in "if":
        array = array - 1
    return array.astype(dtype)


def check(nodes, inputs, expected, folder, constants=None, options=()):
    """`inputs` are sets of inputs of the same shapes, `expected` the outputs of each."""
    outputs = [name for node in nodes for name in node.output if name in expected[0]]
    graph = helper.make_graph(
        nodes, "unique", [value_info(name, array) for name, array in inputs[0].items()],
        [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(expected[0][name].dtype),
                                       [None] * expected[0][name].ndim) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    artefact = compile_model(model, folder, *options)
    for feeds, right in zip(inputs, expected):
        actual = run_artefact(artefact, feeds, outputs, threads=2)
        for name in outputs:
            got, array = actual[name], right[name]
            assert got.dtype == array.dtype and got.shape == array.shape, f"{name}: {got.shape}, not {array.shape}"
            assert np.array_equal(got, array, equal_nan=array.dtype.kind == "f"), name


def make_cases():
    for dtype in TYPES:
        yield draw(dtype, 4, 5), {}
        yield draw(dtype, 7, 2), {"axis": 0, "sorted": RNG.integers(2)}
    x = draw(np.float32, 3, 4, 2, most=2)
    for axis in (None, 0, 1, -1):
        for is_sorted in (0, 1):
            yield x, {"sorted": is_sorted} | ({} if axis is None else {"axis": axis})
    yield np.float32([3, np.nan, -0.0, 1, np.nan, 0.0, -np.inf, np.inf, -3, np.inf]), {}
    yield np.float32([3, np.nan, -0.0, 1, np.nan, 0.0, -np.inf, np.inf, -3, np.inf]), {"sorted": 0}
    yield np.float32([[1, np.nan], [0, 3], [1, np.nan], [np.nan, 0], [-0.0, 3]]), {"axis": 0}
    yield np.array(5, np.int64), {}
    yield np.uint8([250, 3, 250]), {}
    yield np.arange(300, dtype=np.int32)[::-1] // 7, {}


CASES = list(make_cases())


def run_cases(folder, options, constant=False):
    nodes, inputs, expected = [], {}, {}
    for number, (x, attributes) in enumerate(CASES):
        names = [f"{name}{number}" for name in NAMES]
        nodes.append(helper.make_node("Unique", [f"x{number}"], names, name=f"unique{number}",
                                      **{key: int(value) for key, value in attributes.items()}))
        inputs[f"x{number}"] = x
        expected |= zip(names, unique(x, attributes.get("axis"), bool(attributes.get("sorted", 1))))
    if not constant:
        return check(nodes, [inputs], [expected], folder, options=options)
    x = np.float32([7])
    nodes.append(helper.make_node("Identity", ["x"], ["z"]))
    return check(nodes, [{"x": x}], [expected | {"z": x}], folder, inputs, options)


@pytest.mark.parametrize("options", ((), ("--devices=2",), ("--target=cuda-emulator",)), ids=str)
def test_types_and_axes(options, tmp_path):
    run_cases(tmp_path, options)


def test_constants(tmp_path):
    run_cases(tmp_path, (), constant=True)


def test_onnxruntime_agrees():
    for x, attributes in CASES:
        if x.dtype not in (np.float32, np.float64, np.int64, np.int8) or (x != x).any():
            continue
        node = helper.make_node("Unique", ["x"], NAMES, **{key: int(value) for key, value in attributes.items()})
        graph = helper.make_graph([node], "unique", [value_info("x", x)],
                                  [onnx.ValueInfoProto(name=name) for name in NAMES])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        for got, right in zip(run_onnxruntime(model, {"x": x}).values(),
                              unique(x, attributes.get("axis"), bool(attributes.get("sorted", 1)))):
            assert np.array_equal(got, right)


def test_some_outputs(tmp_path):
    """Only the inverse is read, or only the first output is named."""
    x = draw(np.int64, 9)
    nodes = [helper.make_node("Unique", ["x"], ["", "", "inverse"], name="a"),
             helper.make_node("Unique", ["x"], ["y"], name="b", sorted=0)]
    check(nodes, [{"x": x}], [{"inverse": unique(x)[2], "y": unique(x, is_sorted=False)[0]}], tmp_path)


def test_inputs_whose_size_depends_on_data(tmp_path):
    """Of the rows that were found, those that are different; and of columns of which only some elements count."""
    nodes = [
        helper.make_node("Compress", ["x", "keeps"], ["some"], axis=0),
        helper.make_node("Unique", ["some"], ["y0", "i0", "v0", "c0"], name="rows", axis=0),
        helper.make_node("Unique", ["some"], ["y1", "i1", "v1", "c1"], name="columns", axis=1, sorted=0),
        helper.make_node("Compress", ["line", "keeps"], ["part"]),
        helper.make_node("Unique", ["part"], ["y2", "i2", "v2", "c2"], name="flat"),
        helper.make_node("ReduceSum", ["c2"], ["sum"], keepdims=0),
    ]
    inputs, expected = [], []
    for keeps in ([1, 0, 1, 1, 0, 1], [0] * 6, [1] * 6, [0, 0, 0, 0, 1, 0]):
        keeps = np.array(keeps, bool)
        x, line = draw(np.float32, 6, 4, most=2), draw(np.int32, 6)
        inputs.append({"x": x, "line": line, "keeps": keeps})
        parts = unique(x[keeps], 0), unique(x[keeps], 1, False), unique(line[keeps])
        expected.append({f"{letter}{number}": array for number, part in enumerate(parts)
                         for letter, array in zip("yivc", part)} | {"sum": np.array(keeps.sum(), np.int64)})
    for options in ((), ("--target=cuda-emulator",)):
        check(nodes, inputs, expected, tmp_path, options=options)


@pytest.mark.parametrize("shape, axis, sizes", (((0,), None, (0, 0, 0, 0)), ((0, 3), 0, ((0, 3), 0, 0, 0)),
                                                ((3, 0), 0, ((1, 0), 1, 3, 1)), ((2, 0), None, (0, 0, 0, 0))))
def test_without_elements(shape, axis, sizes, tmp_path):
    node = helper.make_node("Unique", ["x"], NAMES, **({} if axis is None else {"axis": axis}))
    graph = helper.make_graph([node], "unique", [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, shape)],
                              [onnx.ValueInfoProto(name=name) for name in NAMES])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    x = np.zeros(shape, np.float32)
    artefact = compile_model(model, tmp_path, f"--shape=x={'x'.join(map(str, shape))}")
    actual = run_artefact(artefact, {"x": x}, NAMES)
    assert tuple(actual[name].shape for name in NAMES) == tuple(np.zeros(size).shape for size in sizes)
    assert actual["counts"].tolist() == [shape[0]] * len(actual["counts"]) and not actual["inverse"].any()


def refuse(node, folder, *before):
    inputs = [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [2, 3]),
              helper.make_tensor_value_info("keeps", onnx.TensorProto.BOOL, [2])]
    graph = helper.make_graph([*before, node], "unique", inputs, [onnx.ValueInfoProto(name="y")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), folder / "model.onnx")
    return one_line(convoy("compile", folder / "model.onnx", "-o", folder / "model.so"))


def test_messages(tmp_path):
    line = refuse(helper.make_node("Unique", ["x"], ["y"], name="u", axis=2), tmp_path)
    assert "'u'" in line and "axis" in line and "2" in line
    compress = helper.make_node("Compress", ["x", "keeps"], ["some"], axis=0)
    line = refuse(helper.make_node("Unique", ["some"], ["y"], name="u"), tmp_path, compress)
    assert "'u'" in line and "flattens an input whose size depends on data" in line
