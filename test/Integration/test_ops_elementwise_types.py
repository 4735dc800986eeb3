# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Element-wise operations and reductions on all integer types, special values of floats, and elementary functions.

The reference is NumPy, by way of the onnx package: ONNX Runtime lacks many of the types."""

import numpy as np
import onnx
import pytest
from onnx import helper
from support import compare_with_reference, convoy, each_level, one_line

INTEGERS = [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64]
EMULATED = ["--target=cuda-emulator"]


class Nodes:
    """Nodes side by side, each of which makes an output of the model."""

    def __init__(self):
        self.nodes, self.count = [], 0

    def add(self, op, *inputs, **attributes):
        self.count += 1
        self.nodes.append(helper.make_node(op, inputs, [f"y{self.count}_{op}"], name=f"{op}{self.count}", **attributes))
        return self.nodes[-1].output[0]


def integers(dtype, seed, count=67):
    """Random numbers of all sizes, and the ends of the range."""
    limits = np.iinfo(dtype)
    generator = np.random.default_rng(seed)
    numbers = generator.integers(limits.min, limits.max, count, dtype, endpoint=True)
    numbers >>= generator.integers(0, limits.bits, count).astype(dtype)
    ends = np.array([limits.min, limits.max, limits.min, limits.max, 0, 1, limits.max // 2 + 1], dtype)
    numbers[:ends.size] = ends
    return numbers


def integer_model(dtype):
    """The operations on an integer type, and their operands."""
    limits, net = np.iinfo(dtype), Nodes()
    x, y, shift = integers(dtype, 1), integers(dtype, 2), integers(dtype, 3)
    y[:4] = [limits.max if limits.min == 0 else -1, 3, 2, limits.max]
    y[y == 0] = 5
    shift[:6] = [0, 1, limits.bits - 1, limits.bits, limits.max, limits.min]
    shift[6:] = np.abs(shift[6:] % (limits.bits + 2))
    feeds = {"x": x, "y": y, "shift": shift, "row": x[:8].reshape(1, 8), "column": y[:5].reshape(5, 1),
             "table": integers(dtype, 4, 105).reshape(3, 5, 7), "is": x > y}
    for op in ("Add", "Sub", "Mul", "Div", "Mod", "Max", "Min", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Equal",
               "Less", "LessOrEqual", "Greater", "GreaterOrEqual"):
        net.add(op, "x", "y")
        net.add(op, "row", "column")
    net.add("Mod", "x", "y", fmod=1)
    net.add("Max", "x", "y", "shift")
    for direction in ("LEFT", "RIGHT"):
        net.add("BitShift", "x", "shift", direction=direction)
    for op in ("Abs", "Sign", "BitwiseNot", *(["Neg", "Relu"] if limits.min else [])):
        net.add(op, "x")
    low, high = net.add("Min", "row", "row"), net.add("ReduceMax", "y", keepdims=0)
    net.add("Clip", "x", net.add("ReduceMin", low, keepdims=0), high)
    net.add("Clip", "x", "", high)
    net.add("Where", "is", "x", "y")
    if limits.bits <= 32:  # The reference computes in f64.
        net.add("Shrink", "y", lambd=1.5, bias=1.0)
    if limits.bits >= 32:
        # Of 32 bits, NumPy returns some sums in 64.
        for op in ("ReduceSum", "ReduceProd", *(["ReduceSumSquare", "ReduceL1"] if limits.bits == 64 else [])):
            net.add(op, "table", "axes")
    for op in ("ReduceMax", "ReduceMin"):
        net.add(op, "table", "axes")
        net.add(op, "table", keepdims=0)
    net.add("Cast", "x", to=helper.np_dtype_to_tensor_dtype(np.dtype(np.float32)))
    return net, feeds, {"axes": np.array([0, 2])}


@pytest.mark.parametrize("dtype", INTEGERS, ids=lambda dtype: dtype.__name__)
def test_integers(dtype, tmp_path):
    net, feeds, constants = integer_model(dtype)
    compare_with_reference(net.nodes, feeds, tmp_path, constants)


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.uint32], ids=lambda dtype: dtype.__name__)
def test_integers_on_gpu(dtype, tmp_path):
    net, feeds, constants = integer_model(dtype)
    compare_with_reference(net.nodes, feeds, tmp_path, constants, EMULATED)


@pytest.mark.parametrize("dtype", INTEGERS, ids=lambda dtype: dtype.__name__)
def test_integers_at_compile_time(dtype, tmp_path):
    """The compiler computes the same numbers from constants."""
    net, feeds, constants = integer_model(dtype)
    net.add("Add", "x", "input")
    compare_with_reference(net.nodes, {"input": feeds["x"]}, tmp_path, feeds | constants)


@pytest.mark.parametrize("level", each_level())
def test_no_traps(level, tmp_path):
    """Neither zeros nor overflows of divisors, nor numbers that do not fit, end the program."""
    net, feeds = Nodes(), {}
    for dtype in INTEGERS:
        name, limits = dtype.__name__, np.iinfo(dtype)
        feeds[name] = np.array([limits.min, limits.max, 0, 1, 7] * 7, dtype)
        feeds[name + "_by"] = np.array([0] * 5 + [limits.max if limits.min == 0 else -1] * 30, dtype)
        for op, attributes in (("Div", {}), ("Mod", {}), ("Mod", {"fmod": 1})):
            net.add(op, name, name + "_by", **attributes)
    with np.errstate(all="ignore"):
        compare_with_reference(net.nodes, feeds, tmp_path, options=[f"--mcpu={level}"], opset=28)


POWERS = [(np.int32, np.int64), (np.int64, np.int32), (np.int32, np.uint8), (np.int32, np.float32),
          (np.int64, np.float32), (np.float32, np.int64), (np.float32, np.uint16), (np.float32, np.int8)]


def test_pow(tmp_path):
    """Bases and exponents of all kinds; exact for integers."""
    net, feeds = Nodes(), {}
    for base, exponent in POWERS:
        names = base.__name__, f"{exponent.__name__}_exponent"
        feeds[names[0]] = np.array([1, 2, 3, -1, -3, 7, -2, 0, 10, 5], base)
        feeds[names[1]] = np.array([5, 10, 13, 7, 3, 4, 9, 3, 0, 8], exponent)
        net.add("Pow", *names)
    feeds["fractions"] = np.array([0.5, 1.5, 2.5, 2, 3, 0.5, 2, 3, 1.25, 0.3], np.float32)
    feeds["positive"] = np.array([5, 10, 13, 7, 3, 4, 9, 3, 1, 8], np.int32)
    net.add("Pow", "positive", "fractions")
    net.add("Pow", "int32", "two")
    net.add("Pow", "int64", "whole")
    constants = {"two": np.array(2, np.int32), "whole": np.array([3.0], np.float32)}
    compare_with_reference(net.nodes, feeds, tmp_path, constants, tolerance=2e-6)


# --- Floats -----------------------------------------------------------------------------------------------------------

INF, NAN = np.inf, np.nan
SPECIAL = np.array([NAN, INF, -INF, 0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, -2.5, 3.5, 1e-30, -1e30, 7, -7], np.float32)


@pytest.mark.parametrize("options", [[], EMULATED], ids=["cpu", "gpu"])
def test_special_values(options, tmp_path):
    """NaN and infinities in comparisons, extremes, remainders and classifications, as in NumPy."""
    net = Nodes()
    x, y = (grid.ravel() for grid in np.meshgrid(SPECIAL, SPECIAL))
    feeds = {"x": x, "y": y, "special": SPECIAL, "signs": np.sign(y + np.float32(0.1))}
    for op in ("Max", "Min", "Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Mod"):
        net.add(op, "x", "y")
    net.add("Mod", "x", "y", fmod=1)
    net.add("Max", "special", "nan")
    net.add("Min", "nan", "special")
    for op in ("IsNaN", "IsInf", "Relu", "Sign", "Abs", "Neg", "Round", "Floor", "Ceil"):
        net.add(op, "special")
    for negative, positive in ((0, 1), (1, 0), (0, 0)):
        net.add("IsInf", "special", detect_negative=negative, detect_positive=positive)
    net.add("Clip", "special", "low", "high")
    net.add("ReduceMax", "special")
    net.add("ThresholdedRelu", "special", alpha=0.5)
    net.add("Shrink", "special", lambd=0.75, bias=0.25)
    constants = {"nan": np.array(NAN, np.float32), "low": np.array(-1, np.float32), "high": np.array(2, np.float32)}
    with np.errstate(all="ignore"):
        compare_with_reference(net.nodes, feeds, tmp_path, constants, options, opset=28)


EXPONENTS = (0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 4.0, -4.0, 5.0, -5.0, 0.5, -0.5, 0.25, -0.25, 0.75, -0.75, 1.5,
             -1.5, 2.5, -2.5, 16777216.0, -16777215.0, 1e30, -1e30, INF, -INF, NAN)
BASES = (0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 2.5, -3.0, INF, -INF, NAN)


@pytest.mark.parametrize("options", [["--mcpu=x86-64-v3"], [], EMULATED], ids=["v3", "cpu", "gpu"])
def test_special_powers(options, tmp_path):
    """The special cases of C, for exponents that are known while compiling and for those that are not; the quotient
    tells the zeros apart."""
    net, feeds, constants, expected = Nodes(), {}, {}, {}

    def check(x, y, base, exponent):
        one = f"one_{base.dtype}"
        constants[one] = np.array(1, base.dtype)
        with np.errstate(all="ignore"):
            expected[net.add("Div", one, net.add("Pow", x, y))] = 1 / np.power(base, exponent)

    for dtype in (np.float32, np.float64):
        base, exponent = (grid.ravel() for grid in np.meshgrid(np.array(BASES, dtype), np.array(EXPONENTS, dtype)))
        name = np.dtype(dtype).name
        feeds |= {f"x_{name}": base, f"y_{name}": exponent, f"base_{name}": np.array(BASES, dtype)}
        check(f"x_{name}", f"y_{name}", base, exponent)
        for index, number in enumerate(EXPONENTS):
            constants[f"{name}_{index}"] = np.array(number, dtype)
            # NumPy takes the root for the power of one 0.5, which differs for -inf.
            check(f"base_{name}", f"{name}_{index}", np.array(BASES, dtype), np.full(len(BASES), number, dtype))
    compare_with_reference(net.nodes, feeds, tmp_path, constants, options, tolerance=2e-6, expected=expected)


def test_remainders(tmp_path):
    """Exact, no matter how large the quotient is."""
    generator = np.random.default_rng(5)
    x, y = (np.float32(generator.choice([-1, 1], 600) * np.exp(generator.uniform(-80, 80, 600))) for _ in range(2))
    x[:4], y[:4] = [3.4e38, -3.4e38, 1e-45, 3], [1e-45, 3e-39, 3.4e38, 1e-44]
    net = Nodes()
    net.add("Mod", "x", "y", fmod=1)
    net.add("Mod", "x", "y")
    compare_with_reference(net.nodes, {"x": x, "y": y}, tmp_path, opset=28)


def spread(low, high):
    """Numbers of both signs of all sizes in between, and some in linear steps."""
    sizes = np.concatenate([np.geomspace(low, high, 4000), np.linspace(low, min(high, 100), 2000)])
    return np.concatenate([sizes, -sizes, [0.0, -0.0, INF, -INF, NAN]]).astype(np.float32)


EVERYWHERE = spread(1e-37, 3.4e38)
FUNCTIONS = {  # The function, its arguments, and the largest error in units in the last place.
    "Sin": (np.sin, EVERYWHERE, 4), "Cos": (np.cos, EVERYWHERE, 4), "Tan": (np.tan, EVERYWHERE, 5),
    "Asin": (np.arcsin, spread(1e-37, 1.001), 4), "Acos": (np.arccos, spread(1e-37, 1.001), 4),
    "Atan": (np.arctan, EVERYWHERE, 3), "Sinh": (np.sinh, spread(1e-37, 95), 5),
    "Cosh": (np.cosh, spread(1e-37, 95), 5), "Asinh": (np.arcsinh, EVERYWHERE, 5),
    "Acosh": (np.arccosh, np.concatenate([EVERYWHERE, 1 + spread(1e-7, 2)]), 5),
    "Atanh": (np.arctanh, spread(1e-37, 1.001), 5),
}


def check_functions(tmp_path, options=()):
    """Compares with f64. Multiples of pi / 2 show whether the reduction of large angles is exact."""
    net, feeds, expected = Nodes(), {}, {}
    for op, (function, x, limit) in FUNCTIONS.items():
        if op in ("Sin", "Cos", "Tan"):
            x = np.concatenate([x, (np.arange(1, 3000) * (np.pi / 2)).astype(np.float32),
                                (np.geomspace(1, 1e30, 1000) * np.pi).astype(np.float32),
                                np.float32([16367173 * 2**72])])
        feeds["x_" + op] = x
        with np.errstate(all="ignore"):
            expected[net.add(op, "x_" + op)] = function(x.astype(np.float64)), limit, op
    actual = compare_with_reference(net.nodes, feeds, tmp_path, options=options, tolerance=None)
    for name, (exact, limit, op) in expected.items():
        x, got = feeds["x_" + op], actual[name].astype(np.float64)
        with np.errstate(all="ignore"):
            rounded = exact.astype(np.float32)
            same = (np.isnan(rounded) & np.isnan(got)) | (rounded == got)
            unit = np.maximum(np.spacing(np.abs(rounded)), np.finfo(np.float32).tiny * 2**-22).astype(np.float64)
            error = np.where(same, 0, np.abs(got - exact) / unit)
        # Overflow may come one step early.
        error = np.where(np.isinf(got) & (np.abs(exact) > 3.4028e38) & (np.sign(got) == np.sign(exact)), 0, error)
        worst = int(np.nan_to_num(error, nan=INF).argmax())
        assert not error[worst] > limit and not np.isnan(error[worst]), (
            f"{op}({x[worst]!r}) is {got[worst]!r}, exactly {exact[worst]!r}: {error[worst]:.1f} ulp")


@pytest.mark.parametrize("level", each_level())
def test_functions(level, tmp_path):
    check_functions(tmp_path, [f"--mcpu={level}"])


def test_functions_on_gpu(tmp_path):
    check_functions(tmp_path, EMULATED)


def test_gates(tmp_path):
    """Swish and SwiGLU, and functions that are made of others."""
    x = np.linspace(-20, 20, 333, dtype=np.float32)
    net = Nodes()
    for attributes in ({}, {"alpha": 0.5}, {"alpha": -1.5}):
        net.add("Swish", "x", **attributes)
        net.add("SwiGLU", "x", "y", **attributes)
    for op, attributes in (("Celu", {"alpha": 0.7}), ("Mish", {}), ("HardSwish", {}), ("Selu", {}), ("Softsign", {})):
        net.add(op, "x", **attributes)
    compare_with_reference(net.nodes, {"x": x, "y": x[::-1].copy()}, tmp_path, opset=28, tolerance=1e-6)


def test_bit_cast(tmp_path):
    net, feeds = Nodes(), {"bool": np.array([True, False, True])}
    same_size = [("float32", "int32", "uint32"), ("int8", "uint8"), ("int16", "uint16"), ("int64", "uint64")]
    for group in same_size:
        for dtype in group:
            feeds[dtype] = np.frombuffer(np.random.default_rng(1).bytes(88), dtype)
            for to in group:
                net.add("BitCast", dtype, to=helper.np_dtype_to_tensor_dtype(np.dtype(to)))
    net.add("BitCast", "bool", to=onnx.TensorProto.UINT8)
    feeds["float32"] = np.array([1.5, -0.0, INF, 1e-42], np.float32)
    compare_with_reference(net.nodes, feeds, tmp_path, opset=28)


def refuse(tmp_path, node, *inputs):
    """The message about a model of one node."""
    infos = [helper.make_tensor_value_info(name, dtype, [4]) for name, dtype in inputs]
    graph = helper.make_graph([node], "test", infos, [onnx.ValueInfoProto(name="y")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 25)], ir_version=12), tmp_path / "m.onnx")
    return one_line(convoy("compile", tmp_path / "m.onnx", "-o", tmp_path / "m.so"))


def test_refused(tmp_path):
    kinds = onnx.TensorProto
    line = refuse(tmp_path, helper.make_node("Add", ["x", "x"], ["y"], name="n"), ("x", kinds.FLOAT8E5M2))
    assert "node 'n' (Add): input 0 ('x') has element type f8E5M2, which ONNX only stores" in line
    line = refuse(tmp_path, helper.make_node("Neg", ["x"], ["y"], name="n"), ("x", kinds.INT4))
    assert "has element type i4, which ONNX only stores" in line
    line = refuse(tmp_path, helper.make_node("Cast", ["x"], ["y"], name="n", to=kinds.STRING), ("x", kinds.INT4))
    assert "asks for element type string, which is not supported" in line
    node = helper.make_node("ScatterElements", ["x", "i", "x"], ["y"], name="n", reduction="add")
    line = refuse(tmp_path, node, ("x", kinds.FLOAT8E4M3FN), ("i", kinds.INT64))
    assert "computes with elements of type f8E4M3FN, which ONNX only stores" in line
    node = helper.make_node("BitShift", ["x", "x"], ["y"], name="n", direction="UP")
    line = refuse(tmp_path, node, ("x", kinds.UINT8))
    assert "attribute 'direction' is 'UP'" in line
