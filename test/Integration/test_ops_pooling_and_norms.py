# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Pooling and normalisation, one node at a time, against ONNX Runtime."""

import numpy as np
import pytest
from onnx import helper, numpy_helper
from support import (Const, assert_close, batches, case, check_cases, compare_with_reference, compile_model, each_level,
                     positive, rand, run_artefact, value_info, weight)

CASES = []


def add(*arguments, **attributes):
    CASES.append(case(*arguments, **attributes))


for op in ("MaxPool", "AveragePool"):
    for channels in (1, 3, 16, 17, 48):
        add(f"3x3s2-{channels}", op, rand(1, channels, 11, 12), opset=11, kernel_shape=[3, 3], strides=[2, 2])
    x = rand(2, 20, 11, 13)
    for opset in (7, 8, 10, 11, 12, 19, 22):
        if (op, opset) not in (("AveragePool", 8), ("AveragePool", 12)):
            add("2x2", op, x, opset=opset, kernel_shape=[2, 2], strides=[2, 2])
    add("default-stride", op, x, kernel_shape=[3, 2])
    add("pads", op, x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    add("asymmetric-pads", op, x, kernel_shape=[3, 3], strides=[2, 1], pads=[0, 1, 2, 0])
    add("global-size", op, x, kernel_shape=[11, 13])
    add("stride-beyond-kernel", op, x, kernel_shape=[2, 2], strides=[3, 3])
    add("ceil", op, rand(1, 20, 10, 12), opset=11, kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
    add("ceil-pads", op, rand(1, 20, 10, 12), opset=11, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1],
        ceil_mode=1)
    add("ceil-last-window-in-padding", op, rand(1, 4, 5, 5), opset=19, kernel_shape=[2, 2], strides=[3, 3],
        pads=[0, 0, 1, 1], ceil_mode=1)
    for auto_pad in ("SAME_UPPER", "SAME_LOWER", "VALID"):
        add(f"auto-{auto_pad}", op, x, kernel_shape=[4, 3], strides=[2, 2], auto_pad=auto_pad)
    add("1d", op, rand(1, 17, 23), kernel_shape=[3], strides=[2], pads=[1, 1])
    add("3d", op, rand(1, 17, 6, 7, 8), kernel_shape=[2, 3, 2], strides=[2, 2, 1], pads=[0, 1, 0, 0, 1, 1])
    # All values are negative: padding must not count as zeros.
    add("negative", op, -positive(1, 16, 7, 7), kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
add("dilated", "MaxPool", rand(1, 20, 12, 13), opset=12, kernel_shape=[3, 3], dilations=[2, 3], pads=[1, 1, 1, 1])
add("dilated", "AveragePool", rand(1, 20, 12, 13), opset=19, kernel_shape=[3, 3], dilations=[2, 2])
for opset in (7, 11, 19):
    add("include-pad", "AveragePool", rand(1, 20, 11, 12), opset=opset, kernel_shape=[3, 3], strides=[2, 2],
        pads=[1, 1, 1, 1], count_include_pad=1)
add("include-pad-asymmetric", "AveragePool", rand(1, 5, 11, 12), kernel_shape=[3, 3], pads=[0, 2, 1, 0],
    count_include_pad=1)
add("include-pad-auto", "AveragePool", rand(1, 5, 11, 12), kernel_shape=[3, 3], strides=[2, 2],
    auto_pad="SAME_UPPER", count_include_pad=1)
add("include-pad-ceil", "AveragePool", rand(1, 5, 10, 12), opset=19, kernel_shape=[3, 3], strides=[2, 2],
    pads=[1, 1, 1, 1], count_include_pad=1, ceil_mode=1)
for op in ("GlobalAveragePool", "GlobalMaxPool"):
    for channels in (1, 16, 33):
        add(f"{channels}", op, rand(2, channels, 7, 7), opset=9)
    add("1d", op, rand(1, 17, 40))
    add("3d", op, rand(1, 17, 3, 4, 5))
    add("negative", op, -positive(1, 5, 3, 3))

for channels in (5, 16, 33):
    for size in (3, 5):
        add(f"{channels}-size{size}", "LRN", rand(1, channels, 5, 6), opset=9, size=size, alpha=0.1, beta=0.75)
add("alexnet", "LRN", 20 * rand(1, 96, 5, 5), size=5, alpha=1e-4, beta=0.75, bias=1.0)
add("bias-beta", "LRN", rand(2, 20, 5, 5), size=3, alpha=0.5, beta=0.4, bias=2.0)
add("size-beyond-channels", "LRN", rand(1, 3, 5, 5), size=7, alpha=0.5)
add("defaults", "LRN", rand(1, 8, 5, 5), size=5)


def batch_norm(name, shape, **attributes):
    channels = shape[1]
    add(name, "BatchNormalization", rand(*shape), Const(positive(channels)), weight(channels), weight(channels),
        Const(positive(channels)), **attributes)


for opset in (7, 9, 14, 15):
    batch_norm("plain", [2, 20, 5, 6], opset=opset)
for channels in (1, 3, 16, 33):
    batch_norm(f"{channels}", [1, channels, 4, 5], opset=9)
batch_norm("epsilon", [1, 17, 4, 5], opset=9, epsilon=0.1)
batch_norm("2d", [3, 17], opset=9)
batch_norm("3d", [1, 17, 9], opset=9)
batch_norm("5d", [1, 5, 3, 4, 5], opset=9)
batch_norm("training-mode-0", [1, 17, 4, 5], opset=15, training_mode=0)

for axis in (-1, 1, 2):
    x = rand(2, 5, 37)
    size = x.shape[axis:] if axis >= 0 else x.shape[axis:]
    add(f"axis{axis}", "LayerNormalization", x, weight(*size), weight(*size), opset=17, axis=axis)
add("no-bias", "LayerNormalization", rand(2, 5, 48), weight(48), opset=17)
add("epsilon", "LayerNormalization", rand(2, 5, 48), weight(48), weight(48), opset=17, epsilon=0.1)
add("far-from-zero", "LayerNormalization", rand(4, 64) + np.float32(100), weight(64), weight(64), opset=17,
    tolerance=5e-5)
add("channels-4d", "LayerNormalization", rand(1, 6, 6, 20), weight(20), weight(20), opset=17, axis=-1)
for opset in (7, 9, 22):
    add("plain", "InstanceNormalization", rand(2, 17, 6, 7), weight(17), weight(17), opset=opset)
add("1d-epsilon", "InstanceNormalization", rand(2, 16, 33), weight(16), weight(16), epsilon=0.1)
add("3d", "InstanceNormalization", rand(1, 5, 4, 5, 6), weight(5), weight(5))
add("far-from-zero", "InstanceNormalization", rand(2, 16, 8, 8) + np.float32(100), weight(16), weight(16),
    tolerance=5e-5)
add("groups4", "GroupNormalization", rand(2, 16, 5, 6), weight(16), weight(16), opset=21, num_groups=4)
add("groups1", "GroupNormalization", rand(2, 20, 5, 6), weight(20), weight(20), opset=21, num_groups=1, epsilon=0.1)
add("groups-are-channels", "GroupNormalization", rand(1, 6, 5, 6), weight(6), weight(6), opset=21, num_groups=6)
# Up to opset 20, scale and bias have one value per group.
add("per-group-scale", "GroupNormalization", rand(2, 16, 5, 6), weight(4), weight(4), opset=18, num_groups=4)

for op in ("Softmax", "LogSoftmax"):
    x = rand(2, 5, 4, 7)
    # Up to opset 12, all dimensions from the axis on are one row.
    for opset in (7, 11, 13):
        add("default-axis", op, x, opset=opset)
        for axis in (0, 1, 2, 3):
            add(f"axis{axis}", op, x, opset=opset, axis=axis)
    for opset in (11, 13):
        add("axis-1", op, x, opset=opset, axis=-1)
    add("classes", op, 5 * rand(3, 1000), opset=9)
    add("large-values", op, 10 * rand(3, 33) + np.float32(1000), opset=13)
    add("4d-classes-on-channels", op, rand(1, 1000, 1, 1), opset=9)
    add("segmentation", op, rand(2, 5, 8, 9), opset=13, axis=1)


@pytest.mark.parametrize("cases", batches(CASES))
def test_op(cases, tmp_path):
    check_cases(cases, tmp_path)


@pytest.mark.parametrize("opset", [6, 9, 14, 15])
def test_batch_norm_of_weights_in_training_mode(opset, tmp_path):
    """Networks with standardised weights are exported so: no input of the graph is in it."""
    w, scale, offset = rand(4, 6, 9), positive(6), rand(6)
    mean, variance = (f(w, (0, 2), keepdims=True) for f in (np.mean, np.var))
    norm = (w - mean) / np.sqrt(variance + np.float32(0.01)) * scale.reshape(6, 1) + offset.reshape(6, 1)
    outputs = ["n"] if opset == 6 else ["n", "mean", "variance"] if opset >= 14 else ["n", "mean", "variance", "m2", "v2"]
    norms = helper.make_node("BatchNormalization", ["shifted", "s", "o", "zero", "one"], outputs, epsilon=0.01,
                             **({"training_mode": 1} if opset >= 14 else {}))
    nodes = [helper.make_node("Add", ["w", "w0"], ["shifted"], **({"broadcast": 1} if opset == 6 else {})), norms,
             helper.make_node("Mul", ["x", "n"], ["y"])]
    x = rand(4, 6, 9)
    values = {"w": w - 1, "w0": np.float32([1]), "s": scale, "o": offset, "zero": np.zeros(6, np.float32),
              "one": np.ones(6, np.float32)}
    graph = helper.make_graph(nodes, "test", [value_info("x", x)], [value_info("y", x)],
                              [numpy_helper.from_array(array, name) for name, array in values.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    actual = run_artefact(compile_model(model, tmp_path), {"x": x}, ["y"])["y"]
    assert_close(actual, x * norm, 1e-5)


def largest(x, kernel, strides, pads=(0, 0, 0, 0), dilations=(1, 1)):
    """The largest number in each window of an image. NaN is none, and windows of the padding give -inf."""
    pads = [(0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])]
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations)]

    def reduce(values, ufunc):
        windows = np.lib.stride_tricks.sliding_window_view(values, reach, (2, 3))
        windows = windows[:, :, ::strides[0], ::strides[1], ::dilations[0], ::dilations[1]]
        return ufunc.reduce(windows.reshape(*windows.shape[:4], -1), axis=-1)

    is_empty = reduce(np.pad(np.zeros(x.shape), pads, constant_values=1), np.minimum) == 1
    return np.where(is_empty, -np.inf, reduce(np.pad(x, pads, constant_values=np.nan), np.fmax)).astype(x.dtype)


def with_nans(*shape):
    """Random numbers in few columns, infinities and NaNs: many windows have nothing but one of them."""
    kind = np.abs(rand(*shape))
    return np.select([kind < 1, kind < 1.1, kind < 1.4], [np.nan, np.inf, -np.inf], rand(*shape)).astype(np.float32)


POOLS = {
    "pads": {"kernel": (3, 3), "strides": (2, 2), "pads": (1, 1, 1, 1)},
    "small": {"kernel": (1, 2), "strides": (1, 2)},
    "dilations": {"kernel": (2, 2), "strides": (1, 1), "dilations": (3, 2), "pads": (0, 1, 2, 1)},
    "padding-only": {"kernel": (2, 2), "strides": (1, 1), "dilations": (12, 1), "pads": (11, 0, 11, 1)},
    "global-size": {"kernel": (11, 21), "strides": (1, 1)},
}


def check_max_pools_of_nans(tmp_path, option):
    """ONNX Runtime takes the largest of a part of the window, the part depends on the layout, and the reference
    evaluator goes by the first element. Here NaN is the largest only of nothing but NaNs."""
    feeds = {"plain": with_nans(2, 3, 11, 21), "x": with_nans(2, 32, 11, 21), "f64": with_nans(2, 3, 11, 21).astype(float),
             "few": with_nans(40, 16, 1, 3), "f16": with_nans(2, 3, 11, 21).astype(np.float16)}
    # A convolution by channels makes a blocked layout, and spreads no NaN.
    nodes = [helper.make_node("Conv", [name, f"w{channels}"], [f"{name}_blocked"], group=channels)
             for name, channels in (("x", 32), ("few", 16))]
    constants = {f"w{channels}": np.ones((channels, 1, 1, 1), np.float32) for channels in (16, 32)}
    expected = {}
    for data, source in (("plain", "plain"), ("x_blocked", "x"), ("f64", "f64"), ("f16", "f16")):
        for name, pool in POOLS.items():
            output, outputs = f"{data}-{name}", [f"{data}-{name}"]
            expected[output] = largest(feeds[source], **pool)
            attributes = {"kernel_shape" if key == "kernel" else key: value for key, value in pool.items()}
            nodes.append(helper.make_node("MaxPool", [data], outputs, **attributes))
    for data, source in (("plain", "plain"), ("few_blocked", "few"), ("few", "few"), ("f64", "f64")):
        expected[f"{data}-global"] = np.fmax.reduce(feeds[source], axis=(2, 3), keepdims=True)
        nodes.append(helper.make_node("GlobalMaxPool", [data], [f"{data}-global"]))
    compare_with_reference(nodes, feeds, tmp_path, constants, [option], opset=22, expected=expected)


@pytest.mark.parametrize("level", each_level())
def test_max_pools_pass_over_nans(level, tmp_path):
    check_max_pools_of_nans(tmp_path, f"--mcpu={level}")


def test_max_pools_pass_over_nans_on_gpu(tmp_path):
    check_max_pools_of_nans(tmp_path, "--target=cuda-emulator")


def test_indices_of_max_pools_pass_over_nans(tmp_path):
    x = with_nans(3, 2, 4, 8)
    values = largest(x, (2, 2), (2, 2))
    windows = x.reshape(3, 2, 2, 2, 4, 2).transpose(0, 1, 2, 4, 3, 5).reshape(*values.shape, 4)
    with np.errstate(invalid="ignore"):  # The first of the largest, or of the NaNs.
        first = ((windows == values[..., None]) | np.isnan(values)[..., None]).argmax(-1)
    image, channel, row, column = np.indices(values.shape)
    index = ((image * 2 + channel) * 4 + 2 * row + first // 2) * 8 + 2 * column + first % 2
    expected = {"y": values, "i": index}
    node = helper.make_node("MaxPool", ["x"], ["y", "i"], kernel_shape=[2, 2], strides=[2, 2])
    compare_with_reference([node], {"x": x}, tmp_path, expected=expected)
