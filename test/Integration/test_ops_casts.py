# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Casts between all types, and data of the types that are only stored, against the onnx package and ml_dtypes."""

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx.reference.ops.op_cast import cast_to
from support import compare_with_reference, compile_model, each_level, run_artefact

INF, NAN = np.inf, np.nan
SMALL_FLOATS = ["FLOAT8E4M3FN", "FLOAT8E4M3FNUZ", "FLOAT8E5M2", "FLOAT8E5M2FNUZ", "FLOAT8E8M0", "FLOAT4E2M1",
                "FLOAT6E2M3", "FLOAT6E3M2"]
SMALL_INTEGERS = ["INT4", "UINT4", "INT2", "UINT2"]
SMALL = SMALL_FLOATS + SMALL_INTEGERS
INTEGERS = ["INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"]
TYPES = ["FLOAT", "BOOL", *INTEGERS, *SMALL_INTEGERS, *SMALL_FLOATS]


def number_of(name):
    return getattr(TensorProto, name)


def dtype_of(name):
    return helper.tensor_dtype_to_np_dtype(number_of(name))


def bits_of(name):
    widths = {"INT4": 4, "UINT4": 4, "INT2": 2, "UINT2": 2, "FLOAT4E2M1": 4, "FLOAT6E2M3": 6, "FLOAT6E3M2": 6}
    return widths.get(name, 8)


def numbers(source, target):
    """Data for a cast: all values of a small type; of a larger one, those for which ONNX states the result."""
    if source in SMALL:
        values = np.arange(2 ** bits_of(source), dtype=np.uint8).view(dtype_of(source))
        wide = values.astype(np.float32)
        fits = np.isfinite(wide)
    elif source == "FLOAT":
        generator = np.random.default_rng(7)
        values = generator.choice([-1, 1], 999) * np.exp(generator.uniform(-12, 12, 999))
        values = np.concatenate([values, np.arange(-40, 40) / 8, [448, 449, 464, 465, 480, 57344, 61440, 1e6, -1e6]])
        values = wide = values.astype(np.float32)
        fits = np.isfinite(wide)
    elif source == "BOOL":
        return np.array([True, False, True])
    else:
        limits = np.iinfo(dtype_of(source))
        values = np.random.default_rng(8).integers(limits.min, limits.max, 99, dtype_of(source), endpoint=True)
        values[:4] = [limits.min, limits.max, 0, 1]
        wide, fits = values, np.ones(values.size, bool)
    if target in INTEGERS + SMALL_INTEGERS and source not in INTEGERS:
        # Floats truncate; those that do not fit are unspecified.
        limits = ml_dtypes.iinfo(dtype_of(target)) if target in SMALL_INTEGERS else np.iinfo(dtype_of(target))
        least = limits.min if source not in SMALL_INTEGERS else -8
        fits &= (wide > least - 1) & (wide < float(limits.max) + (target not in ("INT64", "UINT64", "INT32", "UINT32")))
        if source in SMALL_INTEGERS:
            fits = np.ones(values.size, bool)
    if target == "FLOAT8E8M0":
        # NumPy and the reference differ for all numbers but positive ones.
        fits &= wide > 0
    return values[fits]


def cast_model(sources, targets):
    """Nodes, their inputs and the outputs that are right."""
    nodes, feeds, expected = [], {}, {}
    for source in sources:
        for target in targets:
            if source == target:
                continue
            name = f"{source}_{target}"
            x = feeds[name] = numbers(source, target)
            # NumPy casts no small type to another one, and the reference saturates nothing but floats.
            wide = x.astype(np.float32 if source in SMALL_FLOATS else np.int32) if source in SMALL else x
            saturate = int(source == "FLOAT" or target not in SMALL_FLOATS)
            expected[name + "_out"] = cast_to(wide, number_of(target), saturate)
            nodes.append(helper.make_node("Cast", [name], [name + "_out"], name=name, to=number_of(target),
                                          saturate=saturate))
    return nodes, feeds, expected


@pytest.mark.parametrize("options", [[], ["--target=cuda-emulator"]], ids=["cpu", "gpu"])
@pytest.mark.parametrize("source", ["FLOAT", "others"])
def test_casts(source, options, tmp_path):
    """Every pair of types; with saturation, which is the default."""
    sources = ["FLOAT"] if source == "FLOAT" else [name for name in TYPES if name != "FLOAT"]
    if options and source != "FLOAT":
        sources = ["INT32", "UINT8", "INT4", "FLOAT8E4M3FN", "FLOAT8E5M2FNUZ", "FLOAT8E8M0", "FLOAT4E2M1"]
    nodes, feeds, expected = cast_model(sources, TYPES)
    compare_with_reference(nodes, feeds, tmp_path, options=options, expected=expected)


def test_casts_of_constants(tmp_path):
    """The compiler computes the same, and reads packed initializers."""
    nodes, feeds, expected = cast_model(TYPES, ["FLOAT", "INT32", "UINT8", "BOOL", "INT4"])
    nodes.append(helper.make_node("Cast", ["x"], ["y"], to=TensorProto.INT32))
    x = np.ones(3, np.float32)
    compare_with_reference(nodes, {"x": x}, tmp_path, feeds, expected=expected | {"y": x.astype(np.int32)})


def special(limit):
    return np.array([NAN, INF, -INF, 0.0, -0.0, limit, -limit, 2 * limit, -2 * limit, 1e38, 1e-40, -1e-40], np.float32)


@pytest.mark.parametrize("saturate", [0, 1])
def test_special_values(saturate, tmp_path):
    """NaN, infinities and numbers that are too large become the same codes as in ml_dtypes."""
    nodes, feeds = [], {}
    for target in SMALL_FLOATS:
        if target == "FLOAT8E8M0":
            continue
        dtype = dtype_of(target)
        feeds[target] = special(float(ml_dtypes.finfo(dtype).max))
        nodes.append(helper.make_node("Cast", [target], [target + "_out"], to=number_of(target), saturate=saturate))
        nodes.append(helper.make_node("Cast", [target + "_in"], [target + "_back"], to=TensorProto.FLOAT))
        feeds[target + "_in"] = np.arange(2 ** bits_of(target), dtype=np.uint8).view(dtype)
    compare_with_reference(nodes, feeds, tmp_path)


@pytest.mark.parametrize("mode", ["up", "down", "nearest"])
@pytest.mark.parametrize("saturate", [0, 1])
def test_powers_of_two(saturate, mode, tmp_path):
    """f8E8M0 rounds as its attributes say, and has neither a sign nor a zero."""
    exact = np.ldexp(np.float32(1), np.arange(-126, 128)).astype(np.float32)
    x = np.concatenate([exact * np.float32(factor) for factor in (1, 1.1, 1.5, 1.9)] +
                       [special(1)[1:5], [3.4e38, 1e-38, 1e-39, 8.8e-39]]).astype(np.float32)
    nodes = [helper.make_node("Cast", ["x"], ["y"], to=TensorProto.FLOAT8E8M0, saturate=saturate, round_mode=mode)]
    compare_with_reference(nodes, {"x": x[x >= 0]}, tmp_path)


@pytest.mark.parametrize("level", each_level())
def test_floats_that_do_not_fit(level, tmp_path):
    """They become unspecified integers, which do not depend on the CPU or on the position in a vector."""
    x = np.array([NAN, INF, -INF, 3e9, -3e9, 1e19, -1e19, 300, -129, 70000, 2.0**31, 2.0**63, 2.0**64], np.float32)
    x = np.tile(x, 5)
    nodes = [helper.make_node("Cast", ["x"], [name], to=number_of(name)) for name in INTEGERS + SMALL_INTEGERS]
    outputs = compare_with_reference(nodes, {"x": x}, tmp_path, options=[f"--mcpu={level}"], tolerance=None)
    wrapped = {"INT8": (44, 127), "UINT8": (44, 127), "INT16": (300, -129), "UINT16": (300, 65407)}
    for name, array in outputs.items():
        rows = array.reshape(5, -1)
        assert (rows == rows[0]).all(), name
        assert tuple(int(number) for number in array[7:9]) == wrapped.get(name, tuple(int(n) for n in array[7:9])), name
    # As the limits say, not as a CPU does.
    assert list(outputs["INT32"][:5]) == [0, 2147483520, -(2**31), 2147483520, -(2**31)]
    assert list(outputs["UINT64"][10:13]) == [2**31, 2**63, 2**64 - 2**39]
    assert outputs["UINT32"][3] == 3000000000


def test_cast_like(tmp_path):
    nodes, feeds = [], {}
    for index, target in enumerate(["INT4", "UINT2", "FLOAT8E5M2", "FLOAT4E2M1", "UINT16", "BOOL"]):
        feeds["x"], feeds[target] = np.array([-1.75, 0, 1.5, 2], np.float32)[1:], np.zeros(1, dtype_of(target))
        nodes.append(helper.make_node("CastLike", ["x", target], [f"y{index}"]))
    compare_with_reference(nodes, feeds, tmp_path)


def test_data_movement(tmp_path):
    """Elements of all types can be moved; those of few bits come from packed initializers, too."""
    nodes, feeds, constants = [], {}, {"axes": np.array([1])}
    for name in ["UINT16", "BOOL", *SMALL_INTEGERS, *SMALL_FLOATS]:
        codes = np.arange(15, dtype=np.uint8) & (1 if name == "BOOL" else 2 ** bits_of(name) - 1)
        array = codes.astype(np.uint16) if name == "UINT16" else codes.view(dtype_of(name))
        feeds[name], constants[name + "_c"] = array.reshape(3, 5), array[::-1].reshape(3, 5).copy()
        nodes.append(helper.make_node("Transpose", [name], [name + "_t"]))
        nodes.append(helper.make_node("Concat", [name, name + "_c"], [name + "_j"], axis=0))
        nodes.append(helper.make_node("Gather", [name + "_j", "axes"], [name + "_g"], axis=1))
        nodes.append(helper.make_node("Unsqueeze", [name + "_g", "axes"], [name + "_u"]))
        nodes.append(helper.make_node("Where", ["flags", name, name + "_c"], [name + "_w"]))
        nodes.append(helper.make_node("Identity", [name + "_c"], [name + "_i"]))
    feeds["flags"] = np.arange(15).reshape(3, 5) % 3 == 0
    compare_with_reference(nodes, feeds, tmp_path, constants)


def test_numpy_files(tmp_path):
    """The types of ml_dtypes are bytes without a type in .npy files, and are read as what the model says."""
    graph = helper.make_graph(
        [helper.make_node("Cast", ["x"], ["y"], to=TensorProto.FLOAT8E4M3FN)], "test",
        [helper.make_tensor_value_info("x", TensorProto.INT4, [4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT8E4M3FN, [4])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23)], ir_version=11)
    artefact = compile_model(model, tmp_path)
    x = np.array([-8, -1, 0, 7]).astype(ml_dtypes.int4)
    written = run_artefact(artefact, {"x": x}, ["y"])["y"]
    assert written.dtype == np.dtype("V1")
    assert list(written.view(ml_dtypes.float8_e4m3fn).astype(np.float32)) == [-8, -1, 0, 7]
    assert onnx.numpy_helper.from_array(x).data_type == TensorProto.INT4
