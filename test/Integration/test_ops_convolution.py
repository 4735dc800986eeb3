# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Convolution, transposed convolution, Gemm and MatMul, one node at a time, against ONNX Runtime."""

import re

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from support import (Case, Const, assert_close, batches, case, check_case, check_cases, compile_model, convoy, each_level, floats,
                     graded, make_model, must, positive, rand, run_artefact, run_onnxruntime, weight)

F32 = np.float32
CASES = []


def add(*arguments, **attributes):
    CASES.append(case(*arguments, **attributes))


def conv(name, x_shape, channels_out, kernel, bias=True, opset=11, group=1, **attributes):
    operands = [rand(*x_shape), weight(channels_out, x_shape[1] // group, *kernel)]
    if bias:
        operands.append(weight(channels_out))
    if group != 1:
        attributes["group"] = group
    add(name, "Conv", *operands, opset=opset, kernel_shape=list(kernel), **attributes)


# Numbers of channels around the widths of vectors, with all common kinds of kernels.
for channels_in, channels_out in ((1, 1), (1, 16), (3, 5), (5, 3), (16, 16), (16, 17), (17, 16), (17, 33), (33, 48),
                                  (48, 33), (64, 64), (130, 24)):
    conv(f"3x3-{channels_in}to{channels_out}", [1, channels_in, 9, 11], channels_out, [3, 3], pads=[1, 1, 1, 1])
    conv(f"1x1-{channels_in}to{channels_out}", [1, channels_in, 7, 5], channels_out, [1, 1])
for channels_in, channels_out in ((3, 64), (3, 17), (4, 16)):
    conv(f"first-7x7s2-{channels_in}to{channels_out}", [1, channels_in, 30, 33], channels_out, [7, 7],
         strides=[2, 2], pads=[3, 3, 3, 3])
conv("first-11x11s4", [1, 3, 51, 47], 32, [11, 11], strides=[4, 4])
conv("first-11x11s4-padded", [2, 3, 40, 64], 48, [11, 11], strides=[4, 4], pads=[2, 2, 2, 2])
conv("batch3", [3, 20, 8, 8], 24, [3, 3], pads=[1, 1, 1, 1])
conv("batch3-1x1s2", [3, 32, 9, 9], 24, [1, 1], strides=[2, 2])
conv("no-bias", [1, 16, 8, 8], 16, [3, 3], bias=False)
conv("no-kernel-shape-pads-wide-image", [1, 8, 3, 97], 16, [3, 3], pads=[1, 1, 1, 1])
conv("tall-image", [1, 8, 97, 1], 16, [3, 1], pads=[1, 0, 1, 0])
conv("kernel-1x7", [1, 20, 6, 15], 20, [1, 7], pads=[0, 3, 0, 3])
conv("kernel-7x1", [1, 20, 15, 6], 20, [7, 1], pads=[3, 0, 3, 0])
conv("kernel-2x2", [1, 20, 8, 8], 20, [2, 2])
conv("kernel-5x5-covers-all", [1, 10, 5, 5], 20, [5, 5])
conv("kernel-larger-than-image", [1, 10, 2, 2], 20, [5, 5], pads=[2, 2, 2, 2])
conv("stride-2x1", [1, 16, 11, 11], 16, [3, 3], strides=[2, 1], pads=[1, 1, 1, 1])
conv("stride-1x3", [1, 16, 11, 13], 16, [3, 3], strides=[1, 3], pads=[1, 1, 1, 1])
conv("stride-beyond-kernel", [1, 16, 13, 13], 16, [2, 2], strides=[3, 3])
conv("dilation-2", [1, 16, 12, 12], 20, [3, 3], dilations=[2, 2], pads=[2, 2, 2, 2])
conv("dilation-1x3", [1, 16, 12, 12], 20, [3, 3], dilations=[1, 3])
conv("dilation-2-stride-2", [1, 16, 14, 14], 20, [3, 3], dilations=[2, 2], strides=[2, 2], pads=[2, 2, 2, 2])
conv("asymmetric-pads", [1, 16, 9, 9], 16, [3, 3], pads=[0, 1, 2, 3])
conv("asymmetric-pads-stride", [1, 3, 16, 16], 24, [3, 3], pads=[0, 0, 1, 1], strides=[2, 2])
conv("pads-beyond-kernel", [1, 6, 5, 5], 16, [3, 3], pads=[4, 4, 4, 4])
for auto_pad in ("SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET"):
    conv(f"auto-{auto_pad}", [1, 6, 10, 11], 16, [4, 3], auto_pad=auto_pad)
    conv(f"auto-{auto_pad}-s2", [1, 6, 10, 11], 16, [4, 3], auto_pad=auto_pad, strides=[2, 3])
for group, channels_in, channels_out in ((2, 8, 6), (2, 96, 64), (3, 9, 12), (4, 16, 64), (4, 68, 136), (8, 32, 32),
                                         (32, 128, 128), (5, 10, 5)):
    conv(f"group{group}-{channels_in}to{channels_out}", [1, channels_in, 8, 9], channels_out, [3, 3], group=group,
         pads=[1, 1, 1, 1])
conv("group6-of-8", [2, 48, 9, 11], 48, [3, 3], group=6, pads=[1, 1, 1, 1])
conv("group4-of-8-stride2", [1, 32, 30, 31], 32, [3, 3], group=4, pads=[1, 1, 1, 1], strides=[2, 2])
conv("group4-of-8-1x1", [1, 32, 5, 5], 32, [1, 1], group=4)
conv("group5-of-4", [2, 20, 9, 30], 20, [3, 3], group=5, pads=[1, 1, 1, 1])
conv("group5-of-8", [1, 40, 7, 7], 40, [3, 3], group=5, pads=[1, 1, 1, 1])
conv("group13-of-8-stride2", [1, 104, 12, 11], 104, [3, 3], group=13, pads=[1, 1, 1, 1], strides=[2, 2])
conv("group3-of-4-5x5-dilated", [1, 12, 15, 40], 12, [5, 5], group=3, dilations=[1, 2], pads=[2, 3, 2, 4])
conv("depthwise-1x31", [1, 17, 3, 40], 17, [1, 31], group=17, pads=[0, 15, 0, 15])
conv("group4-1x1-pixels", [2, 28, 5, 9], 84, [1, 1], group=4)
conv("group2-1x1-one-vector", [1, 12, 4, 4], 10, [1, 1], group=2, bias=False)
conv("group3-1x1-1d", [2, 9, 40], 51, [1], group=3)
conv("group4-1x1", [1, 28, 6, 6], 112, [1, 1], group=4)
conv("group2-5x5-stride2", [2, 12, 11, 11], 20, [5, 5], group=2, strides=[2, 2], pads=[2, 2, 2, 2])
for channels in (1, 3, 8, 16, 17, 33, 48):
    conv(f"depthwise-{channels}", [1, channels, 9, 10], channels, [3, 3], group=channels, pads=[1, 1, 1, 1])
conv("depthwise-5x5s2", [1, 40, 13, 13], 40, [5, 5], group=40, strides=[2, 2], pads=[2, 2, 2, 2])
conv("depthwise-stride-2x1", [1, 24, 12, 12], 24, [3, 3], group=24, strides=[2, 1], pads=[1, 1, 1, 1])
conv("depthwise-dilated", [1, 24, 12, 12], 24, [3, 3], group=24, dilations=[2, 2], pads=[2, 2, 2, 2])
conv("depthwise-multiplier-2", [1, 12, 9, 9], 24, [3, 3], group=12, pads=[1, 1, 1, 1])
conv("depthwise-no-bias-batch2", [2, 20, 7, 7], 20, [3, 3], group=20, bias=False)
conv("1d", [1, 6, 30], 16, [3], pads=[1, 1])
conv("1d-stride-dilation", [2, 17, 40], 20, [5], strides=[2], dilations=[3], pads=[4, 2])
# Along a single column.
conv("column", [1, 6, 30, 1], 16, [3, 1], pads=[1, 0, 1, 0])
conv("column-stride-dilation", [2, 17, 40, 1], 20, [5, 1], strides=[2, 3], dilations=[3, 2], pads=[4, 0, 2, 0])
conv("column-groups", [1, 18, 21, 1], 18, [3, 1], group=18, bias=False)
conv("column-auto-SAME_LOWER", [1, 32, 15, 1], 32, [4, 1], strides=[2, 1], auto_pad="SAME_LOWER")
conv("column-wide-kernel", [1, 6, 30, 1], 16, [3, 3], pads=[1, 1, 1, 1])
conv("1d-depthwise", [1, 18, 21], 18, [3], group=18, pads=[1, 1])
conv("1d-auto-SAME_UPPER", [1, 4, 15], 8, [4], strides=[2], auto_pad="SAME_UPPER")
conv("3d", [1, 3, 5, 6, 7], 16, [3, 3, 3], pads=[1, 1, 1, 1, 1, 1])
conv("3d-stride", [1, 17, 6, 8, 8], 20, [2, 3, 3], strides=[2, 2, 1], pads=[0, 1, 1, 1, 1, 1])
conv("3d-group", [1, 8, 4, 5, 6], 12, [3, 3, 3], group=4, pads=[1, 1, 1, 1, 1, 1])
conv("3d-dilated", [1, 4, 7, 7, 7], 6, [3, 2, 3], dilations=[2, 1, 2])
for opset in (7, 8, 9, 10, 13, 17, 21, 22, 23):
    conv("plain", [1, 4, 6, 6], 8, [3, 3], opset=opset)
add("no-kernel-shape", "Conv", rand(1, 4, 6, 6), weight(8, 4, 3, 3), pads=[1, 1, 1, 1])

for channels_in, channels_out in ((3, 5), (16, 16), (17, 33)):
    add(f"2x2s2-{channels_in}to{channels_out}", "ConvTranspose", rand(1, channels_in, 6, 7),
        weight(channels_in, channels_out, 2, 2), weight(channels_out), opset=11, strides=[2, 2])
    add(f"3x3s2-{channels_in}to{channels_out}", "ConvTranspose", rand(1, channels_in, 6, 7),
        weight(channels_in, channels_out, 3, 3), weight(channels_out), opset=11, strides=[2, 2], pads=[1, 1, 1, 1],
        output_padding=[1, 1])
transposed = (rand(1, 6, 7, 8), weight(6, 10, 3, 3), weight(10))
add("stride1", "ConvTranspose", *transposed)
add("no-bias", "ConvTranspose", *transposed[:2])
add("opset7", "ConvTranspose", *transposed, opset=7, strides=[2, 2])
add("stride-3x2", "ConvTranspose", *transposed, strides=[3, 2])
add("stride-beyond-kernel", "ConvTranspose", *transposed, strides=[4, 4])
add("asymmetric-pads", "ConvTranspose", *transposed, pads=[0, 1, 2, 1], strides=[2, 2])
add("dilated", "ConvTranspose", *transposed, dilations=[2, 2], strides=[2, 2])
add("output-padding", "ConvTranspose", *transposed, strides=[3, 3], output_padding=[2, 1])
add("output-shape", "ConvTranspose", *transposed, strides=[2, 2], output_shape=[14, 16])
add("auto-SAME_UPPER", "ConvTranspose", *transposed, strides=[2, 2], auto_pad="SAME_UPPER")
add("auto-SAME_LOWER", "ConvTranspose", *transposed, strides=[2, 2], auto_pad="SAME_LOWER")
add("auto-VALID", "ConvTranspose", *transposed, strides=[2, 2], auto_pad="VALID")
add("group2", "ConvTranspose", rand(1, 8, 5, 6), weight(8, 5, 3, 3), weight(10), group=2, strides=[2, 2])
add("depthwise", "ConvTranspose", rand(1, 18, 5, 6), weight(18, 1, 4, 4), group=18, strides=[2, 2], pads=[1, 1, 1, 1])
add("batch2", "ConvTranspose", rand(2, 8, 5, 6), weight(8, 5, 4, 4), strides=[2, 2], pads=[1, 1, 1, 1])
add("1d", "ConvTranspose", rand(1, 8, 11), weight(8, 5, 4), weight(5), strides=[2], pads=[1, 1])
add("3d", "ConvTranspose", rand(1, 4, 3, 4, 5), weight(4, 6, 2, 2, 2), weight(6), strides=[2, 2, 2])

for opset in (7, 9, 11, 13):
    add("plain", "Gemm", rand(3, 20), weight(20, 17), weight(17), opset=opset)
for rows, inner, columns in ((1, 1, 1), (1, 300, 100), (1, 65, 1000), (2, 33, 17), (5, 16, 48), (70, 40, 50)):
    add(f"transB-{rows}x{inner}x{columns}", "Gemm", rand(rows, inner), weight(columns, inner), weight(columns),
        opset=11, transB=1)
add("alpha-beta", "Gemm", rand(3, 20), weight(20, 17), weight(17), alpha=0.5, beta=2.0)
add("beta-0", "Gemm", rand(3, 20), weight(20, 17), weight(17), beta=0.0)
add("transA", "Gemm", rand(20, 3), weight(20, 17), weight(17), transA=1)
add("transA-transB", "Gemm", rand(20, 3), weight(17, 20), weight(17), transA=1, transB=1)
for index, shape in enumerate(([], [1], [17], [1, 17], [3, 1], [3, 17], [1, 1])):
    add(f"C-computed-{index}", "Gemm", rand(3, 20), weight(20, 17), rand(*shape), alpha=0.5, beta=2.0)
    add(f"all-computed-{index}", "Gemm", rand(3, 20), rand(20, 17), rand(*shape))
add("no-C", "Gemm", rand(3, 20), weight(20, 17))
add("C-1xN", "Gemm", rand(3, 20), weight(20, 17), weight(1, 17))
add("C-Mx1", "Gemm", rand(3, 20), weight(20, 17), weight(3, 1))
add("C-MxN", "Gemm", rand(3, 20), weight(20, 17), weight(3, 17))
add("C-1", "Gemm", rand(3, 20), weight(20, 17), floats(0.75))
add("C-is-an-input", "Gemm", rand(3, 20), weight(20, 17), rand(3, 17))
add("all-inputs", "Gemm", rand(3, 20), rand(20, 17), rand(17))
add("all-inputs-transB", "Gemm", rand(3, 20), rand(17, 20), rand(17), transB=1)

for opset in (7, 9, 13, 23):
    add("2d-constant", "MatMul", rand(5, 20), weight(20, 17), opset=opset)
add("3d-by-2d-constant", "MatMul", rand(2, 5, 20), weight(20, 17))
add("4d-by-2d-constant", "MatMul", rand(2, 3, 5, 20), weight(20, 33))
add("2d-inputs", "MatMul", rand(5, 20), rand(20, 17))
add("3d-inputs", "MatMul", rand(4, 5, 20), rand(4, 20, 17))
add("4d-inputs-large", "MatMul", rand(2, 3, 37, 20), rand(2, 3, 20, 41))
add("broadcast-left", "MatMul", rand(5, 20), rand(3, 20, 17))
add("broadcast-batch", "MatMul", rand(2, 1, 5, 20), rand(3, 20, 17))
add("constant-left", "MatMul", weight(5, 20), rand(2, 20, 17))
add("vector-right", "MatMul", rand(5, 20), rand(20))
add("vector-left", "MatMul", rand(20), weight(20, 17))
add("batched-constant", "MatMul", rand(3, 5, 20), weight(3, 20, 17))

# Weights whose output channels differ in size, down to 1e-5, for each kernel that reads weights.
for name, x_shape, channels_out, kernel, group in (
        ("direct", [1, 20, 9, 9], 33, [3, 3], 1), ("winograd", [1, 32, 12, 12], 48, [3, 3], 1),
        ("small-group", [1, 24, 8, 8], 24, [3, 3], 6), ("depthwise", [1, 17, 8, 8], 17, [3, 3], 17),
        ("pixelwise", [2, 12, 6, 8], 20, [1, 1], 2), ("1x1", [1, 16, 7, 7], 40, [1, 1], 1)):
    add(f"graded-{name}", "Conv", rand(*x_shape), graded(channels_out, x_shape[1] // group, *kernel),
        graded(channels_out), opset=11, group=group)
add("graded", "ConvTranspose", rand(1, 16, 5, 6), graded(16, 20, 3, 3, axis=1), graded(20), strides=[2, 2])
add("graded", "Gemm", rand(16, 70), graded(100, 70), graded(100), opset=11, transB=1)
add("graded", "MatMul", rand(1, 24, 16), graded(3, 16, 24, axis=2))

# Five vectors of output channels, of 8 or 16 lanes: the last tile of two vectors is partly filled.
for channels in (40, 80):
    conv(f"half-tile-1x1-{channels}", [2, 64, 7, 9], channels, [1, 1])
    conv(f"half-tile-group2-{channels}", [1, 64, 6, 6], 2 * channels, [1, 1], group=2)
    conv(f"half-tile-1d-{channels}", [2, 1, 900], channels - 5, [64], strides=[20])
    add(f"half-tile-{channels}", "ConvTranspose", rand(1, 32, 6, 7), weight(32, channels, 1, 1), weight(channels))
# Blocked data of three spatial dimensions; a kernel of one plane.
conv("3d-blocked", [2, 33, 4, 7, 9], 40, [3, 3, 3], pads=[1, 1, 1, 1, 1, 1])
conv("3d-plane", [1, 48, 3, 9, 16], 32, [1, 3, 3], pads=[0, 1, 1, 0, 1, 1])
conv("3d-depthwise", [1, 24, 5, 6, 7], 24, [3, 3, 3], group=24, strides=[2, 1, 1])
conv("3d-1x1x1", [1, 40, 3, 5, 6], 24, [1, 1, 1])
add("3d-blocked", "ConvTranspose", rand(1, 20, 3, 4, 5), weight(20, 17, 2, 2, 2), weight(17), strides=[2, 2, 2])


@pytest.mark.parametrize("cases", batches(CASES))
def test_op(cases, tmp_path):
    check_cases(cases, tmp_path)


# Convolutions that Winograd's algorithm can compute, on maps that are a multiple of its tiles of 2x2 and 4x4, or not,
# or smaller than a tile. Some have several strips, or several chunks of input channels.
FILTERED = []
for kernel, x_shape, outputs, attributes in (
    (3, [1, 16, 12, 16], 16, {"pads": [1, 1, 1, 1]}),
    (3, [1, 17, 7, 7], 33, {"pads": [1, 1, 1, 1]}),
    (3, [1, 3, 13, 9], 20, {}),
    (3, [1, 40, 1, 5], 24, {"pads": [1, 1, 1, 1]}),
    (3, [3, 24, 6, 5], 48, {"pads": [0, 1, 2, 3]}),
    (3, [1, 8, 4, 4], 8, {"pads": [4, 4, 4, 4]}),
    (3, [1, 64, 10, 10], 96, {"group": 2, "pads": [1, 1, 1, 1]}),
    (3, [2, 32, 33, 27], 40, {"pads": [1, 1, 1, 1]}),
    (3, [1, 200, 6, 7], 24, {"pads": [1, 1, 1, 1]}),
    (3, [1, 520, 14, 14], 40, {"pads": [1, 1, 1, 1]}),
    (5, [1, 20, 13, 14], 36, {"pads": [2, 2, 2, 2]}),
    (5, [1, 64, 27, 27], 32, {"group": 2, "pads": [2, 2, 2, 2]}),
):
    group = attributes.get("group", 1)
    FILTERED.append(case(
        f"{'x'.join(map(str, x_shape))}-{kernel}x{kernel}-to{outputs}", "Conv", rand(*x_shape),
        weight(outputs, x_shape[1] // group, kernel, kernel), weight(outputs), opset=11, **attributes))


@pytest.mark.parametrize("algorithm", ["direct", "winograd_2x2", "winograd_4x4", "winograd_4x4_compact"])
@pytest.mark.parametrize("level", each_level())
@pytest.mark.parametrize("cases", batches(FILTERED))
def test_algorithm(cases, level, algorithm, tmp_path):
    """Every algorithm on every shape that it allows; several threads share the strips."""
    check_cases(cases, tmp_path, [f"--mcpu={level}", f"--conv-algorithm={algorithm}"], threads=(1, 3))


def residual_model(channels, kernel, group, size):
    """Convolutions with residuals: their own input (b, e), or a tensor that nothing reads afterwards (c, d)."""
    nodes, constants = [], {}

    def add_conv(name, data, residual):
        constants.update({f"w_{name}": weight(channels, channels // group, kernel, kernel).array,
                          f"b_{name}": weight(channels).array})
        nodes.append(helper.make_node("Conv", [data, f"w_{name}", f"b_{name}"], [f"conv_{name}"], group=group,
                                      pads=[kernel // 2] * 4))
        nodes.append(helper.make_node("Add", [f"conv_{name}", residual], [name]))

    nodes.append(helper.make_node("Relu", ["x"], ["a"]))
    add_conv("b", "a", "a")
    add_conv("c", "b", "a")
    add_conv("d", "c", "b")
    add_conv("e", "d", "d")
    nodes.append(helper.make_node("Sub", ["e", "c"], ["y"]))
    feeds = {"x": rand(2, channels, *size)}
    return make_model(nodes, feeds, ["y"], constants), feeds


@pytest.mark.parametrize("level", each_level())
@pytest.mark.parametrize("channels, kernel, group, size, algorithm", [
    (40, 3, 1, (9, 11), "direct"), (33, 1, 1, (7, 5), "direct"), (64, 3, 1, (9, 10), "winograd_2x2"),
    (32, 3, 1, (13, 9), "winograd_4x4"), (32, 3, 1, (13, 9), "winograd_4x4_compact"), (20, 3, 20, (8, 8), "direct"),
    (12, 1, 2, (6, 8), "direct")])
def test_residual(channels, kernel, group, size, algorithm, level, tmp_path):
    model, feeds = residual_model(channels, kernel, group, size)
    options = [f"--mcpu={level}", f"--conv-algorithm={algorithm}"]
    expected = run_onnxruntime(model, feeds)
    artefact = compile_model(model, tmp_path, *options)
    for threads in (1, 3):
        assert_close(run_artefact(artefact, feeds, expected, threads)["y"], expected["y"], 1e-5)
    must(convoy("compile", tmp_path / "model.onnx", *options, "--stop-after=bufferize", "-o", tmp_path / "ir.mlir"))
    updates = re.findall(r"residual\((%\w+)\) outs\(\1\)", (tmp_path / "ir.mlir").read_text())
    # c is the last reader of its residual a, and d is the last reader of its residual b.
    assert len(updates) == 2


def prologue_model(channels, outputs, batch, size, activation, residual):
    """A concatenation, a batch norm, an activation and a 1x1 convolution, whose residual may be the concatenation."""
    parameters = {name: rand(channels) for name in ("scale", "offset", "mean")}
    parameters["variance"] = positive(channels)
    filters = {"w_a": rand(32, 3, 3, 3), "w_b": rand(channels - 32, 3, 1, 1), "w": rand(outputs, channels, 1, 1),
               "b": rand(outputs)}
    nodes = [helper.make_node("Conv", ["x", "w_a"], ["part_a"], pads=[1, 1, 1, 1]),
             helper.make_node("Conv", ["x", "w_b"], ["part_b"]),
             helper.make_node("Concat", ["part_a", "part_b"], ["joined"], axis=1),
             helper.make_node("BatchNormalization", ["joined", *parameters], ["normalized"]),
             helper.make_node(activation, ["normalized"], ["activated"]),
             helper.make_node("Conv", ["activated", "w", "b"], ["conv"])]
    if residual:
        nodes.append(helper.make_node("Add", ["conv", "joined"], ["sum"]))
    nodes.append(helper.make_node("Relu", ["sum" if residual else "conv"], ["y"]))
    feeds = {"x": rand(batch, 3, *size)}
    return make_model(nodes, feeds, ["y"], parameters | filters), feeds


# Maps of DenseNet, and odd maps, whose last run of pixels is shorter; also channels that do not fill a block.
@pytest.mark.parametrize("level", each_level())
@pytest.mark.parametrize("channels, outputs, batch, size, activation, residual", [
    (64, 128, 1, (56, 56), "Relu", False), (96, 40, 1, (28, 28), "Relu", False),
    (256, 33, 1, (14, 14), "Relu", False), (40, 24, 3, (12, 11), "Relu", False), (37, 17, 1, (13, 11), "Relu", False),
    (33, 1, 2, (9, 17), "LeakyRelu", False), (48, 16, 1, (1, 131), "Sigmoid", False),
    (45, 48, 1, (12, 12), "Tanh", False), (64, 64, 3, (12, 12), "Relu", True), (41, 41, 1, (15, 9), "Relu", True)])
def test_prologue(channels, outputs, batch, size, activation, residual, level, tmp_path):
    """The same bits for any number of threads, and without a prologue: if the normalised data is an output, too."""
    model, feeds = prologue_model(channels, outputs, batch, size, activation, residual)
    expected = run_onnxruntime(model, feeds)["y"]
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    watched.graph.output.append(helper.make_tensor_value_info("activated", onnx.TensorProto.FLOAT, None))
    results = []
    for whole, prologues in ((model, 1), (watched, 0)):
        artefact = compile_model(whole, tmp_path, f"--mcpu={level}")
        schedule = must(convoy("compile", tmp_path / "model.onnx", f"--mcpu={level}", "--stop-after=schedule", "-o", "-"))
        assert schedule.stdout.count("prologue(") == prologues
        results += [run_artefact(artefact, feeds, ["y"], threads)["y"] for threads in (1, 2, 3)]
    assert_close(results[0], expected, 1e-5)
    assert all(np.array_equal(result, results[0]) for result in results[1:])


# One case for each kernel that reads packed weights.
HALF = [
    case("direct", "Conv", rand(1, 20, 9, 9), weight(33, 20, 3, 3), weight(33), opset=11, strides=[2, 2]),
    case("winograd", "Conv", rand(1, 32, 12, 12), weight(48, 32, 3, 3), weight(48), opset=11),
    case("pixelwise", "Conv", rand(1, 12, 6, 8), weight(20, 6, 1, 1), weight(20), opset=11, group=2),
    case("depthwise", "Conv", rand(1, 17, 8, 8), weight(17, 1, 3, 3), weight(17), opset=11, group=17),
    case("transposed", "ConvTranspose", rand(1, 16, 5, 6), weight(16, 20, 3, 3), weight(20), strides=[2, 2]),
    case("dense", "Gemm", rand(1, 70), weight(100, 70), weight(100), opset=11, transB=1),
    case("dense-rows", "Gemm", rand(5, 70), weight(100, 70), weight(100), opset=11, transB=1),
    # F(4x4) in f32, which would magnify the error of a transformed filter that is rounded.
    case("large-map", "Conv", rand(1, 64, 56, 56), weight(64, 64, 3, 3), weight(64), opset=11, tolerance=2e-5),
    case("large-map-5x5", "Conv", rand(1, 32, 24, 24), weight(32, 32, 5, 5), weight(32), opset=11, tolerance=2e-5),
]


def round_bf16(array):
    """The nearest values with 8 significant bits, ties to even."""
    bits = array.view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32)


@pytest.mark.parametrize("kind", ["f16", "bf16"])
@pytest.mark.parametrize("level", each_level())
@pytest.mark.parametrize("a_case", HALF, ids=lambda c: c.id)
def test_weights_in_half_size(a_case, level, kind, tmp_path):
    """The same result as with a filter that was rounded before. Winograd's algorithm rounds the transformed filter."""
    is_winograd = "winograd" in a_case.name
    model = onnx.ModelProto()
    model.CopyFrom(a_case.model)
    for tensor in model.graph.initializer:
        if tensor.name == "c1" and not is_winograd:
            array = numpy_helper.to_array(tensor)
            rounded = array.astype(np.float16).astype(np.float32) if kind == "f16" else round_bf16(array.copy())
            tensor.CopyFrom(numpy_helper.from_array(rounded, "c1"))
    expected = run_onnxruntime(model, a_case.feeds)
    artefact = compile_model(a_case.model, tmp_path, f"--mcpu={level}", f"--weights={kind}")
    actual = run_artefact(artefact, a_case.feeds, expected)
    tolerance = {"f16": 2e-3, "bf16": 1.5e-2}[kind] if is_winograd else a_case.tolerance
    for name in expected:
        assert_close(actual[name], expected[name], tolerance, f"{a_case.name}, output {name}")


def test_weights_too_large_for_f16(tmp_path):
    a_case = case("large", "Gemm", rand(1, 8), Const(np.full((4, 8), 7e4, np.float32)), opset=11, transB=1)
    with pytest.raises(Exception, match="node 'the_gemm'.* has a weight of .*too large for f16: use --weights=bf16"):
        compile_model(a_case.model, tmp_path, "--weights=f16")


@pytest.mark.parametrize("options", [[], ["--mcpu=x86-64-v3"], ["--target=cuda-emulator"], ["--devices=2"]], ids=" ".join)
def test_volumes(options, tmp_path):
    """Operations of all kinds on blocked data of three spatial dimensions, and plain data between them."""
    nodes = [
        helper.make_node("Conv", ["x", "w0", "b0"], ["c0"], pads=[1] * 6, strides=[1, 2, 2]),
        helper.make_node("Relu", ["c0"], ["r0"]), helper.make_node("MaxPool", ["r0"], ["p0"], kernel_shape=[2, 3, 3], pads=[0, 1, 1, 0, 1, 1]),
        helper.make_node("BatchNormalization", ["p0", "scale", "b0", "b0", "scale"], ["n0"]),
        helper.make_node("Conv", ["n0", "w1"], ["c1"], pads=[1] * 6), helper.make_node("Add", ["c1", "n0"], ["a1"]),
        helper.make_node("Mul", ["a1", "per_channel"], ["m1"]), helper.make_node("Add", ["m1", "per_plane"], ["m2"]),
        helper.make_node("Mul", ["m2", "per_column"], ["m3"]), helper.make_node("Concat", ["m3", "n0"], ["cat"], axis=1),
        helper.make_node("Pad", ["cat", "pads"], ["padded"]), helper.make_node("Slice", ["padded", "one", "two", "axis"], ["cut"]),
        helper.make_node("ReduceMean", ["cut"], ["mean"], axes=[2, 3, 4], keepdims=1), helper.make_node("Sigmoid", ["mean"], ["gate"]),
        helper.make_node("Mul", ["cut", "gate"], ["gated"]),
        helper.make_node("AveragePool", ["gated"], ["pooled"], kernel_shape=[1, 2, 2], strides=[1, 2, 2]),
        helper.make_node("Resize", ["pooled", "", "scales"], ["resized"], mode="nearest"),
        helper.make_node("Conv", ["resized", "w2"], ["c2"]), helper.make_node("GlobalAveragePool", ["c2"], ["g"]),
        helper.make_node("Transpose", ["c2"], ["t"], perm=[0, 2, 3, 4, 1])]
    constants = {"w0": rand(32, 3, 3, 3, 3) / 9, "b0": rand(32), "w1": rand(32, 32, 3, 3, 3) / 30, "scale": np.abs(rand(32)) + 1,
                 "per_channel": rand(32, 1, 1, 1), "per_plane": rand(1, 1, 4, 1, 1), "per_column": rand(6),
                 "pads": np.array([0, 0, 1, 0, 0, 0, 0, 0, 0, 1], np.int64), "one": np.array([1], np.int64), "two": np.array([5], np.int64),
                 "axis": np.array([2], np.int64), "scales": np.array([1, 1, 1, 2, 2], F32), "w2": rand(17, 64, 1, 1, 1) / 8}
    model = helper.make_model(
        helper.make_graph(nodes, "volumes", [helper.make_tensor_value_info("x", 1, [2, 3, 5, 11, 12])],
                          [helper.make_tensor_value_info(name, 1, None) for name in ("g", "t")],
                          [numpy_helper.from_array(array, name) for name, array in constants.items()]),
        opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    check_case(Case("volumes", model, {"x": rand(2, 3, 5, 11, 12)}, 1e-5), tmp_path, options)
