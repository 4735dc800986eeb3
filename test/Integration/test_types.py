# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models of f16, bf16 and f64.

The first two are computed in f32 and rounded at the end: the reference is ONNX Runtime in f32, rounded. For f64 it is
the reference of the onnx package, which computes in f64."""

import ml_dtypes
import numpy as np
import onnx
import pytest
import support
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from support import Const, case, floats, ints, positive, rand, scalar, weight

BF16 = np.dtype(ml_dtypes.bfloat16)
TYPES = {"f16": np.dtype(np.float16), "bf16": BF16, "f64": np.dtype(np.float64)}
OPSET = 20

# Operations that compute in f64 if their operands are f64; all others round to f32.
CASES_IN_F64, CASES_IN_F32 = [], []


def add(name, op, *operands, **attributes):
    CASES_IN_F64.append(case(name, op, *operands, opset=OPSET, **attributes))


def add_f32(name, op, *operands, **attributes):
    CASES_IN_F32.append(case(name, op, *operands, opset=OPSET, **attributes))


for op in ("Relu", "Sigmoid", "Tanh", "Exp", "Erf", "Softplus", "Gelu", "Mish", "HardSwish", "Elu", "Selu", "Celu",
           "LeakyRelu", "HardSigmoid", "ThresholdedRelu", "Softsign", "Abs", "Neg", "Floor", "Ceil", "Round", "Sign",
           "Sin", "Cos"):
    add("4d", op, 3 * rand(2, 9, 5, 7))
for op in ("Log", "Sqrt", "Reciprocal"):
    add("4d", op, positive(2, 9, 5, 7))
add("tanh", "Gelu", rand(2, 9), approximate="tanh")
for op in ("Add", "Sub", "Mul", "Div", "Max", "Min", "Equal", "Less", "GreaterOrEqual"):
    add("constant", op, rand(2, 9, 5), Const(positive(9, 1)))
add("inputs", "Add", rand(2, 9, 5), rand(5))
add("mean", "Mean", rand(2, 9), rand(2, 9))
add("inputs", "Pow", positive(2, 9), rand(2, 9))
add("root", "Pow", positive(2, 9), scalar(0.5))
add("slope", "PRelu", rand(2, 9, 5), weight(9, 1))
add("both", "Clip", 3 * rand(2, 9), scalar(-1), scalar(1.5))
add("choice", "Where", rand(2, 9) > 0, rand(2, 9), scalar(0.25))
for op in ("ReduceMean", "ReduceSum", "ReduceMax", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceProd"):
    add("rows", op, positive(3, 4, 9), ints(2), keepdims=0)
    add("columns", op, positive(3, 4, 9), ints(0, 1))
add("last", "LogSoftmax", rand(3, 21))
add("last", "LayerNormalization", rand(3, 21), weight(21), weight(21))
add("2d", "InstanceNormalization", rand(2, 9, 5, 7), weight(9), weight(9))
add("axis1", "Concat", rand(2, 9), weight(2, 3), rand(2, 1), axis=1)
add("axis1", "Gather", rand(2, 9), ints(3, 0, 8), axis=1)
add("axis0", "Gather", rand(20, 9), np.array([3, 19, 0], np.int64))
add("steps", "Slice", rand(4, 9), ints(1, 8), ints(4, 0), ints(0, 1), ints(1, -3))
add("value", "Pad", rand(2, 9), ints(0, 1, 2, 3), scalar(0.1))
add("reflect", "Pad", rand(2, 9), ints(0, 1, 0, 3), mode="reflect")
add("4d", "Transpose", rand(2, 9, 5, 7), perm=[0, 2, 3, 1])
add("constant", "Transpose", weight(3, 9, 5), perm=[2, 0, 1])
add("flat", "Reshape", rand(2, 9), ints(6, 3))
add("rows", "Expand", rand(9, 1), ints(2, 9, 4))
add("twice", "Tile", rand(2, 9), ints(2, 3))
add("parts", "Split", rand(2, 9), ints(2, 7), outputs=2, axis=1)
add("constant", "Range", scalar(1), scalar(4), scalar(0.3))
add("nothing", "Identity", rand(2, 9))

add_f32("2d", "Conv", rand(1, 5, 9, 9), weight(17, 5, 3, 3), weight(17), pads=[1, 1, 1, 1])
add_f32("1x1", "Conv", rand(2, 8, 5, 7), weight(16, 8, 1, 1))
add_f32("depthwise", "Conv", rand(1, 16, 9, 9), weight(16, 1, 3, 3), group=16, strides=[2, 2])
add_f32("2d", "ConvTranspose", rand(1, 5, 6, 6), weight(5, 4, 2, 2), strides=[2, 2])
add_f32("scaled", "Gemm", rand(3, 9), weight(9, 5), weight(5), alpha=0.5, beta=2.0)
add_f32("one-bias", "Gemm", rand(3, 9), weight(5, 9), floats(0.5), beta=0.5, transB=1)
add_f32("computed", "Gemm", rand(3, 9), rand(9, 5), weight(3, 1), alpha=0.5, beta=0.25)
add_f32("constant", "MatMul", rand(2, 3, 9), weight(9, 5))
add_f32("computed", "MatMul", rand(2, 3, 9), rand(2, 9, 5))
add_f32("2d", "MaxPool", rand(1, 9, 8, 8), kernel_shape=[3, 3], strides=[2, 2])
add_f32("2d", "AveragePool", rand(1, 9, 8, 8), kernel_shape=[2, 2], pads=[1, 1, 1, 1])
add_f32("2d", "GlobalAveragePool", rand(2, 9, 5, 7))
add_f32("2d", "BatchNormalization", rand(2, 9, 5, 7), weight(9), weight(9), weight(9), Const(positive(9)))
add_f32("2d", "LRN", rand(1, 9, 5, 5), size=3, alpha=0.5)
add_f32("last", "Softmax", rand(3, 21))
add_f32("linear", "Resize", rand(1, 3, 5, 5), None, floats(1, 1, 2, 2), mode="linear")


IN_F32_BY_REFERENCE = {"Erf", "Gelu", "HardSwish"}


def cast_array(array, dtype):
    return array.astype(dtype) if array.dtype == np.float32 else array


def retype(model, dtype):
    """The model with another type in the place of f32; scales and the like keep theirs."""
    element = helper.np_dtype_to_tensor_dtype(dtype)
    typed = onnx.ModelProto()
    typed.CopyFrom(model)
    scales = {node.input[2] for node in typed.graph.node if node.op_type == "Resize"}
    for tensor in typed.graph.initializer:
        if tensor.name not in scales:
            tensor.CopyFrom(numpy_helper.from_array(cast_array(numpy_helper.to_array(tensor), dtype), tensor.name))
    for value in [*typed.graph.input, *typed.graph.output]:
        if value.type.tensor_type.elem_type == TensorProto.FLOAT:
            value.type.tensor_type.elem_type = element
    return typed


def rounded_model(model, dtype):
    """The same model with weights that are numbers of the type."""
    typed = onnx.ModelProto()
    typed.CopyFrom(model)
    for tensor in typed.graph.initializer:
        array = cast_array(numpy_helper.to_array(tensor), dtype)
        tensor.CopyFrom(numpy_helper.from_array(
            array.astype(np.float32) if array.dtype == dtype else array, tensor.name))
    return typed


def run_typed(artefact, feeds, expected):
    """Runs an artefact, and reads what NumPy calls two bytes as bf16."""
    outputs = support.run_artefact(artefact, feeds, expected)
    return {name: array.view(BF16) if array.dtype.kind == "V" else array for name, array in outputs.items()}


def ulps(dtype):
    """The relative size of a unit in the last place."""
    return float(ml_dtypes.finfo(dtype).eps)


@pytest.mark.parametrize("level", support.each_level())
@pytest.mark.parametrize("name", ["f16", "bf16"])
def test_16_bits(name, level, tmp_path):
    dtype = TYPES[name]
    model, feeds = support.merge_cases(CASES_IN_F64 + CASES_IN_F32)
    feeds = {key: cast_array(array, dtype) for key, array in feeds.items()}
    wide = {key: array.astype(np.float32) if array.dtype == dtype else array for key, array in feeds.items()}
    expected = support.run_onnxruntime(rounded_model(model, dtype), wide)
    artefact = support.compile_model(retype(model, dtype), tmp_path, f"--mcpu={level}")
    actual = run_typed(artefact, feeds, expected)
    for key, array in expected.items():
        what = f"{key} of {model.graph.node[0].name}"
        want = cast_array(array, dtype)
        assert actual[key].dtype == want.dtype and actual[key].shape == want.shape, what
        if want.dtype != dtype:
            assert np.array_equal(actual[key], want), what
            continue
        # Near zero, where the result is the difference of larger numbers, the error is that of f32, or of a constant
        # that the type rounds.
        np.testing.assert_allclose(actual[key].astype(np.float64), array.astype(np.float64), rtol=1.01 * ulps(dtype),
                                   atol=0.1 * ulps(dtype), err_msg=what)


@pytest.mark.parametrize("level", support.each_level())
def test_f64(level, tmp_path):
    cases = CASES_IN_F64 + CASES_IN_F32
    model, feeds = support.merge_cases(cases)
    # Numbers that f32 does not have.
    feeds = {key: array.astype(np.float64) * (1 + 1e-9) if array.dtype == np.float32 else array
             for key, array in feeds.items()}
    typed = retype(model, TYPES["f64"])
    outputs = [output.name for output in typed.graph.output]
    expected = dict(zip(outputs, ReferenceEvaluator(typed).run(None, feeds)))
    narrow = {key: array.astype(np.float32) if array.dtype == np.float64 else array for key, array in feeds.items()}
    in_f32 = support.run_onnxruntime(model, narrow)
    actual = run_typed(support.compile_model(typed, tmp_path, f"--mcpu={level}"), feeds, outputs)
    wrong = []
    for key in outputs:
        number = int(key.split("_")[0].removeprefix("case"))
        a_case = cases[number]
        assert actual[key].dtype == expected[key].dtype and actual[key].shape == expected[key].shape, a_case.name
        if number >= len(CASES_IN_F64):  # The sums of f32 have rounding errors as large as those of their terms.
            support.assert_close(actual[key].astype(np.float32), in_f32[key], support.OF_ONE_OPERATION, a_case.name)
            continue
        # The reference computes some functions in f32.
        tolerance = 1e-5 if a_case.name.split("-")[0] in IN_F32_BY_REFERENCE else 1e-12
        if not np.allclose(actual[key], expected[key], rtol=tolerance, atol=0.1 * tolerance):
            wrong.append(f"{a_case.name}: {np.abs(actual[key] - expected[key]).max()}")
    assert not wrong, "\n".join(wrong)


# --- Functions of f64 -------------------------------------------------------------------------------------------------


def unary_model(ops, dtype, shape):
    element = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    graph = helper.make_graph(
        [helper.make_node(op, ["x"], [op]) for op in ops], "test",
        [helper.make_tensor_value_info("x", element, shape)],
        [helper.make_tensor_value_info(op, element, shape) for op in ops])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)


def test_f64_functions_on_their_whole_range(tmp_path):
    """Large and small arguments, those where the approximations change, and special values."""
    import math
    x = np.concatenate([np.linspace(-750, 750, 1501), np.linspace(-7, 7, 2003), np.geomspace(1e-320, 1e300, 601),
                        -np.geomspace(1e-320, 1e300, 601), [0.0, -0.0, np.inf, -np.inf, np.nan, 1, -1]])
    functions = {"Exp": np.exp, "Log": np.log, "Tanh": np.tanh, "Erf": np.vectorize(math.erf), "Elu": None,
                 "Sigmoid": None}
    with np.errstate(all="ignore"):
        expected = {op: function(x) for op, function in functions.items() if function}
        expected["Elu"] = np.where(x < 0, np.expm1(x), x)
        expected["Sigmoid"] = 1 / (1 + np.exp(-x))
    artefact = support.compile_model(unary_model(functions, np.float64, x.shape), tmp_path)
    actual = run_typed(artefact, {"x": x}, list(functions))
    for op, array in expected.items():
        # The smallest numbers have few bits.
        np.testing.assert_allclose(actual[op], array, rtol=2e-15, atol=1e-322, err_msg=op)
    angles = np.concatenate([np.linspace(-1000, 1000, 4001), np.pi / 2 * np.arange(-50, 50)])
    (tmp_path / "angles").mkdir()
    artefact = support.compile_model(unary_model(["Sin", "Cos"], np.float64, angles.shape), tmp_path / "angles")
    actual = run_typed(artefact, {"x": angles}, ["Sin", "Cos"])
    np.testing.assert_allclose(actual["Sin"], np.sin(angles), rtol=1e-12, atol=1e-17)
    np.testing.assert_allclose(actual["Cos"], np.cos(angles), rtol=1e-12, atol=1e-17)


# --- Casts ------------------------------------------------------------------------------------------------------------


def round_once(x, dtype):
    """Rounds f64 to 16 bits, to nearest, ties to even; ml_dtypes goes through f32."""
    info = ml_dtypes.finfo(dtype)
    digits, least = (11, -24) if dtype == np.float16 else (8, -133)
    with np.errstate(all="ignore"):
        exponent = np.frexp(x)[1]
        quantum = np.ldexp(1.0, np.maximum(exponent - digits, least))
        rounded = np.rint(x / quantum) * quantum
        rounded = np.where(np.abs(rounded) > float(info.max), np.copysign(np.inf, x), rounded)
        return np.where(np.isfinite(x), rounded, x).astype(np.float32).astype(dtype)


def special_values():
    numbers = [0.0, 1.0, 65504.0, 65519.99, 65520.0, 65536.0, 3.38953139e38, 3.3961e38, 3.3962e38, 3.5e38, 1e300, 1e-300,
               2.0**-14, 2.0**-24, 2.0**-25, 1.1 * 2.0**-25, 2.0**-26, 2.0**-126, 2.0**-133, 2.0**-134, 1.5 * 2.0**-134,
               2.0**-149, 1 / 3, 0.1, np.inf, np.nan, 127.0, 255.0, 2049.0, 2051.0]
    for digits in (8, 11):  # Ties, and numbers that f32 rounds to a tie.
        for even in (0, 1):
            tie = 1 + even * 2.0 ** (1 - digits) + 2.0**-digits
            numbers += [tie, tie + 2.0**-40, tie - 2.0**-40, tie * 2.0**-16, (tie + 2.0**-40) * 2.0**-16]
    bits = np.random.default_rng(5).integers(0, 2**64, 4000, dtype=np.uint64)
    few = np.random.default_rng(6).standard_normal(2000) * 2.0 ** np.random.default_rng(7).integers(-30, 20, 2000)
    return np.concatenate([numbers, -np.array(numbers), bits.view(np.float64), few])


def cast_exactly(array, dtype):
    with np.errstate(all="ignore"):
        if dtype in (np.float16, BF16) and array.dtype == np.float64:
            return round_once(array, dtype)
        if dtype == np.bool_:
            return array != 0
        return array.astype(np.float32).astype(dtype) if dtype == BF16 and array.dtype != np.float32 \
            else array.astype(dtype)


def cast_model(sources, targets):
    nodes, outputs = [], []
    for source in sources:
        for target in targets:
            element = helper.np_dtype_to_tensor_dtype(np.dtype(targets[target]))
            nodes.append(helper.make_node("Cast", [source], [f"{source}_to_{target}"], to=element))
            outputs.append(helper.make_tensor_value_info(nodes[-1].output[0], element, sources[source].shape))
    inputs = [support.value_info(name, array) for name, array in sources.items()]
    graph = helper.make_graph(nodes, "test", inputs, outputs)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)


def make_sources():
    x = special_values()
    sources = {"f64": x}
    sources |= {name: cast_exactly(x, np.dtype(dtype))
                for name, dtype in {"f32": np.float32, "f16": np.float16, "bf16": BF16}.items()}
    return sources | {
        "i64": np.array([0, 1, -1, 2049, 2051, -65519, 65520, 16777217, 2**40 + 2**32, -(2**62)], np.int64),
        "i32": np.array([0, -1, 2049, 2051, 65519, 65520, 257, 259, -16777217, 2**31 - 1], np.int32),
        "i8": np.arange(-128, 128).astype(np.int8),
        "flag": np.array([True, False, True])}


def assert_same_numbers(actual, expected, what):
    assert actual.dtype == expected.dtype, what
    bits = {2: np.uint16, 4: np.uint32, 8: np.uint64}.get(expected.dtype.itemsize, np.uint8)
    differs = actual.view(bits) != expected.view(bits)
    if expected.dtype.kind in "fV":
        differs &= ~(np.isnan(actual.astype(np.float64)) & np.isnan(expected.astype(np.float64)))
    where = np.flatnonzero(differs)
    assert not where.size, f"{what}: element {where[0]} is {actual[where[0]]} instead of {expected[where[0]]}"


FLOAT_NAMES = {"float16": np.float16, "bfloat16": BF16, "float32": np.float32, "float64": np.float64}


@pytest.mark.parametrize("level", support.each_level())
def test_casts_between_float_types_are_exact(level, tmp_path):
    sources = make_sources()
    model = cast_model(sources, FLOAT_NAMES)
    expected = {f"{source}_to_{target}": cast_exactly(array, np.dtype(dtype))
                for source, array in sources.items() for target, dtype in FLOAT_NAMES.items()}
    actual = run_typed(support.compile_model(model, tmp_path, f"--mcpu={level}"), sources, expected)
    for key, array in expected.items():
        assert_same_numbers(actual[key], array, key)


def test_casts_to_other_types(tmp_path):
    x = np.array([0.0, -0.0, 0.4, -0.6, 1.5, 100.25, -100.75, 2.0**-14])
    sources = {name: cast_exactly(x, np.dtype(dtype)) for name, dtype in
               {"f64": np.float64, "f16": np.float16, "bf16": BF16}.items()}
    targets = {"int8": np.int8, "int32": np.int32, "int64": np.int64, "bool": np.bool_}
    actual = run_typed(support.compile_model(cast_model(sources, targets), tmp_path), sources,
                       [f"{source}_to_{target}" for source in sources for target in targets])
    for source, array in sources.items():
        for target, dtype in targets.items():
            assert_same_numbers(actual[f"{source}_to_{target}"], cast_exactly(array, np.dtype(dtype)),
                                f"{source} to {target}")


def test_a_cast_rounds_in_the_middle_of_a_model(tmp_path):
    """f32 -> f16 -> f32 is no identity, and f32 -> f64 -> f32 is one."""
    nodes = [helper.make_node("Cast", ["x"], ["half"], to=TensorProto.FLOAT16),
             helper.make_node("Add", ["half", "half"], ["twice"]),
             helper.make_node("Cast", ["twice"], ["y"], to=TensorProto.FLOAT),
             helper.make_node("Cast", ["x"], ["wide"], to=TensorProto.DOUBLE),
             helper.make_node("Cast", ["wide"], ["z"], to=TensorProto.FLOAT)]
    x = rand(5, 37)
    model = support.make_model(nodes, {"x": x}, ["y", "z"])
    actual = run_typed(support.compile_model(model, tmp_path), {"x": x}, ["y", "z"])
    assert np.array_equal(actual["y"], 2 * x.astype(np.float16).astype(np.float32))
    assert np.array_equal(actual["z"], x)


# --- Networks ---------------------------------------------------------------------------------------------------------


def network():
    nodes = [
        helper.make_node("Conv", ["x", "w0", "b0"], ["c0"], pads=[1, 1, 1, 1]),
        helper.make_node("BatchNormalization", ["c0", "s", "o", "m", "v"], ["n0"]),
        helper.make_node("Relu", ["n0"], ["r0"]),
        helper.make_node("MaxPool", ["r0"], ["p0"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Conv", ["p0", "w1"], ["c1"], pads=[1, 1, 1, 1], group=2),
        helper.make_node("Sigmoid", ["c1"], ["g1"]),
        helper.make_node("Mul", ["c1", "g1"], ["a1"]),
        helper.make_node("Add", ["a1", "p0"], ["t1"]),
        helper.make_node("GlobalAveragePool", ["t1"], ["q"]),
        helper.make_node("Flatten", ["q"], ["f"]),
        helper.make_node("Gemm", ["f", "w2", "b2"], ["y"], transB=1),
    ]
    weights = {"w0": rand(16, 3, 3, 3), "b0": rand(16), "s": positive(16), "o": rand(16), "m": rand(16),
               "v": positive(16), "w1": rand(16, 8, 3, 3) / 8, "w2": rand(10, 16), "b2": rand(10)}
    x = rand(2, 3, 16, 16)
    return support.make_model(nodes, {"x": x}, ["y"], weights), x


@pytest.mark.parametrize("name", list(TYPES))
@pytest.mark.parametrize("options", [(), ("--target=cuda-emulator",), ("--devices=2",)], ids=lambda o: "-".join(o))
def test_network(name, options, tmp_path):
    dtype = TYPES[name]
    model, x = network()
    x = x.astype(dtype)
    reference = model if name == "f64" else rounded_model(model, dtype)
    (expected,) = support.run_onnxruntime(reference, {"x": x.astype(np.float32)}).values()
    actual = run_typed(support.compile_model(retype(model, dtype), tmp_path, *options), {"x": x}, ["y"])["y"]
    assert actual.dtype == dtype
    support.assert_close(actual.astype(np.float32), expected, max(ulps(dtype), 1e-5))


def test_external_f16_weights(tmp_path):
    model, x = network()
    x = x.astype(np.float16)
    (expected,) = support.run_onnxruntime(rounded_model(model, np.dtype(np.float16)),
                                          {"x": x.astype(np.float32)}).values()
    path = tmp_path / "net.onnx"
    onnx.save_model(retype(model, np.dtype(np.float16)), path, save_as_external_data=True, location="net.bin",
                    size_threshold=16)
    actual = run_typed(support.compile_model(path, tmp_path), {"x": x}, ["y"])["y"]
    support.assert_close(actual.astype(np.float32), expected, 2e-3)


@pytest.mark.parametrize("name", list(TYPES))
def test_sparse_weights(name, tmp_path):
    dtype = TYPES[name]
    dense = np.zeros((20, 30), dtype)
    dense[3, 4], dense[17, 29] = 1.5, -0.375
    positions = np.flatnonzero(dense.astype(np.float32))
    values = numpy_helper.from_array(dense.ravel()[positions], "w")
    sparse = helper.make_sparse_tensor(values, numpy_helper.from_array(positions.astype(np.int64)), dense.shape)
    element = helper.np_dtype_to_tensor_dtype(dtype)
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "w"], ["y"])], "test", [helper.make_tensor_value_info("x", element, [30])],
        [helper.make_tensor_value_info("y", element, [20, 30])], sparse_initializer=[sparse])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
    x = rand(30).astype(dtype)
    actual = run_typed(support.compile_model(model, tmp_path), {"x": x}, ["y"])["y"]
    assert np.array_equal(actual, x + dense)


# --- The interface ----------------------------------------------------------------------------------------------------


def test_a_file_of_another_type_is_refused(tmp_path):
    artefact = support.compile_model(unary_model(["Relu"], np.float16, [2, 3]), tmp_path)
    np.save(tmp_path / "x.npy", rand(2, 3))
    error = support.one_line(support.convoy("run", artefact, "--input", tmp_path / "x.npy"))
    assert "holds 2x3xf32, but input 'x' is 2x3xf16" in error


@pytest.mark.parametrize("name", list(TYPES))
def test_check_and_random_inputs(name, tmp_path):
    """`check` allows the error of the type by default, and a summary needs no file."""
    dtype = TYPES[name]
    artefact = support.compile_model(unary_model(["Sigmoid"], dtype, [2, 40]), tmp_path)
    x = rand(2, 40).astype(dtype)
    y = (1 / (1 + np.exp(-x.astype(np.float64))))
    np.save(tmp_path / "x.npy", x)
    for factor, code in ((1 + ulps(dtype), 0), (1 + 2.5e-4 + 8 * ulps(dtype), 1)):
        np.save(tmp_path / "y.npy", (y * factor).astype(dtype))
        process = support.convoy("check", artefact, "--input", tmp_path / "x.npy", "--expect", tmp_path / "y.npy")
        assert process.returncode == code, process.stdout + process.stderr
    summary = support.must(support.convoy("run", artefact, "--random-inputs", 1)).stdout
    assert f"2x40x{name}" in summary and "largest of 0" in summary


@pytest.mark.parametrize("triple", ["x86_64-linux-gnu", "aarch64-linux-gnu"])
def test_program(triple, tmp_path):
    """Casts in a program, which reads and writes .npy files by itself, on both architectures."""
    from test_programs import run_as_program
    sources = {name: array for name, array in make_sources().items() if array.dtype.kind in "fV"}
    expected = {f"{source}_to_{target}": cast_exactly(array, np.dtype(dtype))
                for source, array in sources.items() for target, dtype in FLOAT_NAMES.items()}
    results = run_as_program(cast_model(sources, FLOAT_NAMES), sources, expected, triple, tmp_path)
    for name, array in expected.items():
        actual = results[name]
        assert_same_numbers(actual.view(BF16) if actual.dtype.kind == "V" else actual, array, f"{name} on {triple}")
