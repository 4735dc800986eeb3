# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Quantised operators: the same integers as ONNX Runtime's."""

import numpy as np
import onnx.reference
import pytest
from support import (Case, Const, batches, case, check_cases, compile_model, convoy, helper, make_model, one_line, onnx,
                     run_artefact, scalar)

CASES = []
MICROSOFT = "com.microsoft"
RNG = np.random.default_rng(7)
U8, I8, U16, I16 = np.uint8, np.int8, np.uint16, np.int16


def add(*arguments, **attributes):
    CASES.append(case(*arguments, **attributes))


def integers(dtype, *shape, bits=None):
    """Random integers of all bits, or of fewer: where bytes of both signs meet, ONNX Runtime needs filters of 7 bits on
    CPUs whose only instruction saturates sums of two products."""
    limits = np.iinfo(dtype)
    low, high = (limits.min, limits.max + 1) if bits is None else (limits.min // 2, (limits.max + 1) // 2)
    return RNG.integers(low, high, shape).astype(dtype)


def numbers(*shape):
    """Numbers that are exact quotients and halves of 1/4, and some that are out of every range."""
    array = RNG.integers(-3000, 3000, shape).astype(np.float32) / 8
    array.flat[:4] = [1e9, -1e9, np.inf, -np.inf]
    return array


def vector(values, dtype=np.float32):
    return Const(np.array(values, dtype))


def scales(count):
    return vector(RNG.uniform(0.01, 0.2, count))


def zeros(dtype, count, bits=None):
    return Const(integers(dtype, count, bits=bits))


# --- QuantizeLinear and DequantizeLinear ------------------------------------------------------------------------------

X = numbers(2, 3, 4, 5)
for opset, types in ((10, (U8, I8)), (13, (U8, I8)), (19, (I8,)), (21, (U8, I8, U16, I16)), (23, (U8, I16))):
    for dtype in types:
        name = np.dtype(dtype).name
        zero = scalar(np.iinfo(dtype).min // 2 + 77, dtype)
        add(f"{name}", "QuantizeLinear", X, scalar(0.25), zero, opset=opset)
        add(f"{name}", "DequantizeLinear", integers(dtype, 3, 4, 5), scalar(0.3), zero, opset=opset)
        if opset < 13:
            continue
        for axis in (0, -2):
            count = X.shape[axis]
            add(f"{name}-axis{axis}", "QuantizeLinear", X, scales(count), zeros(dtype, count), opset=opset, axis=axis)
            add(f"{name}-axis{axis}", "DequantizeLinear", integers(dtype, 2, 3, 4, 5), scales(count),
                zeros(dtype, count), opset=opset, axis=axis)
add("no-zero-point", "QuantizeLinear", X, scalar(0.5))
add("one-element", "QuantizeLinear", X, vector([0.5]), vector([3], U8))
add("scale-is-input", "QuantizeLinear", X, np.array(0.5, np.float32), np.array(3, U8))
add("list", "QuantizeLinear", numbers(6), scales(6), zeros(U8, 6), axis=0)
add("scalar", "QuantizeLinear", np.array(3.5, np.float32), scalar(1.0), scalar(3, U8))
add("dtype", "QuantizeLinear", X, scalar(0.5), opset=21, output_dtype=onnx.TensorProto.INT16)
add("no-zero-point", "DequantizeLinear", integers(U8, 3, 4), scalar(0.7))
add("int32", "DequantizeLinear", integers(np.int32, 3, 4), scalar(0.7))
add("int32-axis", "DequantizeLinear", integers(np.int32, 3, 4), scales(4))
for axis, block in ((1, 2), (1, 3), (-1, 4)):
    shape = list(X.shape)
    shape[axis] = -(-shape[axis] // block)
    parameters = Const(RNG.uniform(0.1, 0.9, shape).astype(np.float32)), Const(integers(I8, *shape))
    add(f"block{block}-axis{axis}", "QuantizeLinear", X, *parameters, opset=21, axis=axis, block_size=block)
    add(f"block{block}-axis{axis}", "DequantizeLinear", integers(I8, *X.shape), *parameters, opset=21, axis=axis,
        block_size=block)
    add(f"constant-block{block}-axis{axis}", "DequantizeLinear", Const(integers(I8, *X.shape)), *parameters, opset=21,
        axis=axis, block_size=block)
add("constant-axis", "DequantizeLinear", Const(integers(I8, 4, 5)), scales(4), zeros(I8, 4), axis=0)
for op, data in (("QuantizeLinear", X), ("DequantizeLinear", integers(I8, *X.shape))):
    add("microsoft", op, data, scalar(0.4), scalar(-3, I8), domain=MICROSOFT)
    add("microsoft-axis", op, data, scales(3), zeros(I8, 3), domain=MICROSOFT, axis=1)
for data in (X[0, 1:], np.abs(X[0, 1:]), -np.abs(X[0, 1:]), np.zeros((2, 3), np.float32), np.float32([[7]])):
    add(f"{data.min():.0f}-{data.max():.0f}", "DynamicQuantizeLinear", data, outputs=3)

# --- Products ---------------------------------------------------------------------------------------------------------

MATRICES = [((4, 7), (7, 5)), ((3, 33), (33, 2)), ((2, 3, 4, 6), (6, 5)), ((2, 1, 4, 6), (3, 6, 5))]
for a_type, b_type in ((U8, I8), (U8, U8), (I8, I8)):
    for a_shape, b_shape in MATRICES:
        a, b = integers(a_type, *a_shape), integers(b_type, *b_shape, bits=7)
        name = f"{np.dtype(a_type).name}-{np.dtype(b_type).name}-{len(a_shape)}d-{len(b_shape)}d"
        a_zero, b_zero = scalar(integers(a_type), a_type), scalar(integers(b_type, bits=7), b_type)
        add(name, "MatMulInteger", a, b, a_zero, b_zero)
        add(f"{name}-constant", "MatMulInteger", a, Const(b), a_zero)
        add(name, "QLinearMatMul", a, scalar(0.02), a_zero, b, scalar(0.03), b_zero, scalar(0.07), scalar(3, a_type))
    a, b, columns = integers(a_type, 4, 7), integers(b_type, 7, 5, bits=7), 5
    add(f"{name}-columns", "MatMulInteger", a, b, None, zeros(b_type, columns, bits=7))
    add(f"{name}-columns", "QLinearMatMul", a, scalar(0.02), a_zero, b, scales(columns), zeros(b_type, columns, bits=7),
        scalar(0.07), scalar(3, a_type))
    for trans_a, trans_b in ((0, 0), (1, 1)):
        for bias in (None, Const(integers(np.int32, 5, bits=7) >> 18)):
            operands = (a.T.copy() if trans_a else a, scalar(0.02), a_zero, Const(b.T.copy() if trans_b else b),
                        scales(5), zeros(b_type, 5, bits=7), bias)
            name = f"{np.dtype(a_type).name}-{np.dtype(b_type).name}-trans{trans_a}-{'bias' if bias else 'plain'}"
            options = dict(domain=MICROSOFT, transA=trans_a, transB=trans_b, alpha=0.5)
            add(name, "QGemm", *operands, scalar(0.05), scalar(1, a_type), **options)
            add(f"{name}-float", "QGemm", *operands, **options)
    if b_type == I8:
        add(name, "MatMulIntegerToFloat", a, b, scalar(0.02), scales(5), a_zero, zeros(b_type, 5, bits=7),
            Const(RNG.standard_normal(5).astype(np.float32)), domain=MICROSOFT)
for b_type in (U8, I8):
    add(np.dtype(b_type).name, "DynamicQuantizeMatMul", numbers(5, 7)[1:], Const(integers(b_type, 7, 6, bits=7)), scales(6),
        zeros(b_type, 6, bits=7), Const(RNG.standard_normal(6).astype(np.float32)), domain=MICROSOFT)

add("without-zero-points", "DynamicQuantizeMatMul", numbers(5, 7)[1:], Const(integers(I8, 7, 7, bits=7)), scales(7), domain=MICROSOFT)
add("without-bias", "DynamicQuantizeMatMul", numbers(5, 7)[1:], Const(integers(I8, 7, 7, bits=7)), scales(7), zeros(I8, 7, bits=7),
    domain=MICROSOFT)

# --- Convolutions -----------------------------------------------------------------------------------------------------

CONVS = {
    "1x1": ((2, 5, 6, 7), (4, 5, 1, 1), {}),
    "3x3-pads": ((1, 3, 6, 7), (4, 3, 3, 3), dict(pads=[1, 0, 2, 1])),
    "stride": ((1, 17, 9, 9), (3, 17, 3, 3), dict(strides=[2, 3], pads=[1, 1, 1, 1])),
    "dilation": ((1, 3, 9, 8), (4, 3, 3, 2), dict(dilations=[2, 3])),
    "group": ((1, 6, 5, 5), (4, 3, 3, 3), dict(group=2, pads=[1, 1, 1, 1])),
    "depthwise": ((2, 4, 5, 5), (4, 1, 3, 3), dict(group=4, pads=[1, 1, 1, 1])),
    "same-upper": ((1, 2, 6, 5), (2, 2, 2, 3), dict(auto_pad="SAME_UPPER", strides=[2, 2])),
    "same-lower": ((1, 2, 6, 5), (2, 2, 2, 3), dict(auto_pad="SAME_LOWER")),
    "one-element": ((1, 16, 3, 3), (1, 16, 3, 3), {}),
    "1d": ((2, 3, 9), (4, 3, 3), dict(pads=[1, 1])),
    "3d": ((1, 2, 4, 5, 6), (3, 2, 2, 3, 2), dict(pads=[1, 0, 1, 0, 1, 1])),
}
for name, (x_shape, w_shape, attributes) in CONVS.items():
    for x_type, w_type in ((U8, I8), (U8, U8), (I8, I8)):
        x, w = integers(x_type, *x_shape), integers(w_type, *w_shape, bits=7)
        x_zero, w_zero = scalar(integers(x_type), x_type), scalar(integers(w_type, bits=7), w_type)
        types = f"{name}-{np.dtype(x_type).name}-{np.dtype(w_type).name}"
        if x_type == U8:
            add(types, "ConvInteger", x, Const(w), x_zero, w_zero, **attributes)
        bias = Const(RNG.integers(-9999, 9999, w_shape[0]).astype(np.int32))
        add(types, "QLinearConv", x, scalar(0.02), x_zero, Const(w), scalar(0.03), w_zero, scalar(0.1),
            scalar(5, x_type), **attributes)
        w_zero = vector([0] * w_shape[0], w_type)  # The only ones that ONNX Runtime takes for signed filters.
        add(f"{types}-channels", "QLinearConv", x, scalar(0.02), x_zero, Const(w), scales(w_shape[0]), w_zero,
            scalar(0.1), scalar(5, x_type), bias, **attributes)
add("no-zero-points", "ConvInteger", integers(U8, 1, 3, 5, 5), integers(U8, 2, 3, 3, 3))
add("channels-last", "QLinearConv", integers(U8, 1, 6, 7, 3), scalar(0.02), scalar(9, U8), Const(integers(I8, 4, 3, 3, 3, bits=7)),
    scalar(0.03), scalar(0, I8), scalar(0.1), scalar(5, U8), domain=MICROSOFT, channels_last=1, pads=[1, 1, 1, 1])

# Sums that f32 cannot represent: the layers are cut. In the last one, Winograd's algorithm would round.
def large(*shape):
    return RNG.integers(240, 256, shape).astype(U8)


add("cut", "ConvInteger", large(1, 40, 6, 6), Const(large(3, 40, 3, 3)), pads=[1, 1, 1, 1])
add("cut-kernel", "ConvInteger", large(1, 3, 20, 20), Const(large(2, 3, 17, 17)), scalar(3, U8), scalar(2, U8))
add("cut-groups", "ConvInteger", large(1, 80, 5, 5), Const(large(4, 40, 3, 3)), group=2)
add("cut", "MatMulInteger", large(5, 700), Const(large(700, 6)))
add("cut-columns", "MatMulInteger", large(2, 3, 700), Const(large(700, 6)), None, zeros(U8, 6))
add("exact", "ConvInteger", integers(U8, 1, 32, 20, 20), Const(integers(I8, 32, 32, 3, 3, bits=7)), pads=[1, 1, 1, 1])

# --- Element-wise operators and pools of com.microsoft ----------------------------------------------------------------



def softmax(name, x, scale, zero, **attributes):
    """The attribute `opset` is that of the Softmax which was quantised."""
    node = helper.make_node("QLinearSoftmax", ["x", "s", "z", "t", "u"], ["y"], name="softmax", domain=MICROSOFT, **attributes)
    constants = {"s": scale.array, "z": zero.array, "t": np.array(1 / 256, np.float32),
                 "u": np.array(np.iinfo(x.dtype).min, x.dtype)}
    CASES.append(Case(f"QLinearSoftmax-{name}", make_model([node], {"x": x}, ["y"], constants), {"x": x}))


for dtype in (U8, I8):
    def operand(*shape, scale=None):
        return (integers(dtype, *shape), scalar(scale or RNG.uniform(0.01, 0.1)), scalar(integers(dtype), dtype))

    def result(scale=None):
        return operand(1, scale=scale)[1:]

    name = np.dtype(dtype).name
    for op in ("QLinearAdd", "QLinearMul"):
        add(f"{name}-equal", op, *operand(2, 3, 40), *operand(2, 3, 40), *result(), domain=MICROSOFT)
        add(f"{name}-ties", op, *operand(2, 3, 40, scale=0.25), *operand(2, 3, 40, scale=0.5), *result(1.0), domain=MICROSOFT)
        add(f"{name}-broadcast", op, *operand(2, 3, 40), *operand(3, 1), *result(), domain=MICROSOFT)
    add(name, "QLinearSigmoid", *operand(2, 200), *result(), domain=MICROSOFT)
    add(name, "QLinearLeakyRelu", *operand(2, 200), *result(), domain=MICROSOFT, alpha=0.2)
    add(name, "QLinearConcat", *result(), *operand(2, 3, 4), *operand(2, 5, 4), domain=MICROSOFT, axis=1)
    add(name, "QLinearWhere", RNG.integers(0, 2, (3, 4)).astype(bool), *operand(3, 4), *operand(4), *result(), domain=MICROSOFT)
    for opset, axis in ((12, 1), (13, 1), (13, -1)):
        softmax(f"{name}-opset{opset}-axis{axis}", *operand(2, 3, 40), opset=opset, axis=axis)
    for last in (0, 1):
        data = operand(2, 5, 6, 7)
        add(f"{name}-last{last}", "QLinearGlobalAveragePool", *data, *result(), domain=MICROSOFT, channels_last=last)
        add(f"{name}-last{last}", "QLinearAveragePool", *data, *result(data[1].array), domain=MICROSOFT,
            channels_last=last, kernel_shape=[2, 2], strides=[2, 1])
    for include in (0, 1):
        add(f"{name}-pads-include{include}", "QLinearAveragePool", *operand(1, 3, 7, 8), *result(), domain=MICROSOFT,
            kernel_shape=[3, 2], strides=[2, 2], pads=[1, 1, 1, 0], count_include_pad=include)
    add(f"{name}-ceil", "MaxPool", integers(dtype, 1, 3, 8, 8), kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
    add(f"{name}-pads", "MaxPool", integers(dtype, 1, 3, 7, 8), kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 1, 1])

# --- The tests --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cases", batches(CASES))
def test_op(cases, tmp_path):
    check_cases(cases, tmp_path)


@pytest.mark.parametrize("cases", batches(CASES[::5]))
def test_on_gpu(cases, tmp_path):
    check_cases(cases, tmp_path, ["--target=cuda-emulator"])


# What ONNX Runtime does not run: name -> operator, operands, attributes.
REFERENCE = {
    "int32-input": ("QuantizeLinear", [integers(np.int32, 3, 5) >> 20, np.float32(0.5), np.uint8(3)], {}),
    "row-zero-points": ("MatMulInteger", [integers(U8, 4, 7), integers(I8, 7, 5), integers(U8, 4, 1)], {}),
    "batch-zero-points": ("MatMulInteger", [integers(U8, 2, 4, 7), integers(U8, 2, 7, 5), integers(U8, 2, 4, 1),
                                            integers(U8, 2, 1, 5)], {}),
    "row-scales": ("QLinearMatMul", [integers(U8, 4, 7), scales(4).array.reshape(4, 1), integers(U8, 4, 1),
                                     integers(I8, 7, 5), scales(5).array, integers(I8, 5), np.float32(0.3),
                                     np.uint8(4)], {}),
}


@pytest.mark.parametrize("name", REFERENCE)
def test_reference(name, tmp_path):
    op, operands, attributes = REFERENCE[name]
    feeds = {f"x{index}": np.asarray(array) for index, array in enumerate(operands)}
    node = helper.make_node(op, list(feeds), ["y"], name="node", **attributes)
    dtypes = {"MatMulInteger": np.int32}
    info = [helper.make_tensor_value_info(key, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
            for key, array in feeds.items()]
    output = helper.make_tensor_value_info("y", helper.np_dtype_to_tensor_dtype(np.dtype(dtypes.get(op, U8))), None)
    model = helper.make_model(helper.make_graph([node], "test", info, [output]), ir_version=11,
                              opset_imports=[helper.make_opsetid("", 23)])
    expected, = onnx.reference.ReferenceEvaluator(model).run(None, feeds)
    actual = run_artefact(compile_model(model, tmp_path), feeds, ["y"])["y"]
    assert actual.dtype == expected.dtype
    assert np.array_equal(actual, expected)


ERRORS = {
    "has shape 3, expected 4 for axis 1 of 2x4": ("QuantizeLinear", [X[0, :2, :, 0], scales(3).array], {}),
    "expected 2x2 for axis 1": ("QuantizeLinear", [X[0, :2, :, 0], np.ones((2, 3), np.float32)], dict(block_size=2)),
    "is not of the type of input 0": ("DequantizeLinear", [integers(U8, 2, 4), np.float32(1), np.int8(1)], {}),
    "has element type f32, expected int8 or uint8": ("MatMulInteger", [X[0, 0], X[0, 0]], {}),
    "columns and": ("MatMulInteger", [integers(U8, 2, 4), integers(U8, 3, 4)], {}),
    "expected one number for each row": ("MatMulInteger", [integers(U8, 4, 4), integers(U8, 4, 4), integers(U8, 1, 4)], {}),
    "the zero point of the data is not of its type": ("ConvInteger", [integers(U8, 1, 1, 5, 5), integers(U8, 1, 1, 3, 3), np.int8(1)],
                                                      {}),
    "the zero point of the right matrix is not of its type": ("MatMulInteger", [integers(U8, 4, 4), integers(I8, 4, 4), np.uint8(1),
                                                                                np.uint8(1)], {}),
    "does not fit in 2 groups": ("ConvInteger", [integers(U8, 1, 4, 5, 5), integers(U8, 2, 4, 3, 3)], dict(group=2)),
    "the padded input 2": ("ConvInteger", [integers(U8, 1, 1, 2, 5), integers(U8, 2, 1, 3, 3)], {}),
    "expected one element or 2": ("ConvInteger", [integers(U8, 1, 1, 5, 5), integers(U8, 2, 1, 3, 3), np.uint8(1),
                                                  integers(U8, 3)], {}),
}


@pytest.mark.parametrize("message", ERRORS)
def test_error(message, tmp_path):
    op, operands, attributes = ERRORS[message]
    info = [helper.make_tensor_value_info(f"x{index}", helper.np_dtype_to_tensor_dtype(np.asarray(array).dtype), np.shape(array))
            for index, array in enumerate(operands)]
    node = helper.make_node(op, [value.name for value in info], ["y"], name="node", **attributes)
    model = helper.make_model(helper.make_graph([node], "test", info, [onnx.ValueInfoProto(name="y")]), ir_version=10,
                              opset_imports=[helper.make_opsetid("", 21)])
    onnx.save(model, tmp_path / "model.onnx")
    line = one_line(convoy("compile", tmp_path / "model.onnx", "-o", tmp_path / "model.so"))
    assert message in line and f"node 'node' ({op})" in line


@pytest.mark.parametrize("scale", [0.0, -0.5, np.inf, np.nan])
def test_bad_scale(scale, tmp_path):
    """A scale is a positive number. One that nothing is divided by may be 0, as that of a channel of zeros."""
    def compile_node(op, index, operands):
        constants = [onnx.numpy_helper.from_array(np.asarray(array), f"x{i}") for i, array in enumerate(operands)]
        constants[index] = onnx.numpy_helper.from_array(np.float32(scale), f"x{index}")
        inputs = [helper.make_tensor_value_info("x0", constants[0].data_type, np.shape(operands[0]))]
        node = helper.make_node(op, [array.name for array in constants], ["y"], name="node")
        graph = helper.make_graph([node], "test", inputs, [onnx.ValueInfoProto(name="y")], constants[1:])
        onnx.save(helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 21)]), tmp_path / "model.onnx")
        return convoy("compile", tmp_path / "model.onnx", "-o", tmp_path / "model.so")

    one, zero = np.float32(1), np.uint8(0)
    matrix = integers(U8, 4, 4)
    nodes = [("QuantizeLinear", 1, [X, one, zero]), ("DequantizeLinear", 1, [matrix, one, zero])]
    nodes += [("QLinearMatMul", index, [matrix, one, zero, matrix, one, zero, one, zero]) for index in (1, 4, 6)]
    for op, index, operands in nodes:
        process = compile_node(op, index, operands)
        if scale == 0 and (op, index) not in [("QuantizeLinear", 1), ("QLinearMatMul", 6)]:
            assert process.returncode == 0
            continue
        line = one_line(process)
        assert f"node 'node' ({op}): input {index} ('x{index}') has the scale {scale:g}" in line
