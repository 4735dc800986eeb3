# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Other operations than convolutions, dense layers and pools, shared between devices, against ONNX Runtime."""

import numpy as np
import onnx
import pytest
import support
from test_partition import check_partitions, inspect

BATCH, CHANNELS, HEIGHT, WIDTH = 4, 12, 10, 6


def start(net, channels=CHANNELS, x="x"):
    """The operand of the tested operation: a convolution, which devices share as the strategy wants it."""
    return net.node("Relu", net.conv(x, CHANNELS, channels, 3))


def conv_transpose(group, **attributes):
    def build(net):
        operands = [start(net), net.weight(CHANNELS, 18 // group, 3, 2), net.weight(18)]
        return net.node("ConvTranspose", *operands, kernel_shape=[3, 2], group=group, **attributes)
    return build


def group_norm(groups):
    return lambda net: net.node("GroupNormalization", start(net), net.weight(CHANNELS), net.weight(CHANNELS),
                                num_groups=groups)


def instance_norm(net):
    y = net.node("InstanceNormalization", start(net), net.weight(CHANNELS), net.weight(CHANNELS))
    # The same tensor is scale and bias.
    both = net.constant(np.linspace(0.5, 2, CHANNELS))
    return net.node("InstanceNormalization", y, both, both)


def layer_norm(axis):
    size = [CHANNELS, HEIGHT, WIDTH][axis - 1:]
    return lambda net: net.node("LayerNormalization", start(net), net.weight(*size), net.weight(*size), axis=axis)


def matmul_of_matrices(net):
    """A matrix with a row for each image, times a matrix with a row for each channel."""
    y = start(net)
    left = net.node("Flatten", net.node("GlobalAveragePool", y), axis=1)
    right = net.node("Reshape", y, net.integers(CHANNELS, -1))
    return net.node("MatMul", left, right)


def matmul_of_three(net):
    y = start(net)
    left = net.node("Reshape", y, net.integers(BATCH, CHANNELS, -1))
    return net.node("MatMul", left, net.node("Reshape", net.node("Sigmoid", y), net.integers(BATCH, -1, CHANNELS)))


def matmul_of_four(net):
    """Like the heads of an attention. The right operand is the same for all images of the batch."""
    return net.node("MatMul", start(net), net.weight(CHANNELS, WIDTH, 7))


def matmul_with_itself(net):
    y = net.conv("x", CHANNELS, CHANNELS, 3, 2)
    y = net.node("Reshape", y, net.integers(BATCH, CHANNELS // 2, 5, 6))
    y = net.node("Slice", y, net.integers(0), net.integers(5), net.integers(3))
    return net.node("MatMul", y, y)


def select(net):
    y = start(net)
    mask = net.constant(np.arange(CHANNELS).reshape(-1, 1, 1) % 3 == 0, bool)
    rows = net.constant(np.linspace(-1, 1, HEIGHT).reshape(-1, 1))
    y = net.node("Where", mask, y, rows)
    pictures = net.constant(np.arange(1, BATCH + 1).reshape(-1, 1, 1, 1))
    return net.node("Where", net.node("Greater", y, net.constant(0.1)), y, pictures)


def reduce(op, *axes, keepdims=1):
    return lambda net: net.node(op, start(net), net.integers(*axes), keepdims=keepdims)


def gather(axis, indices):
    return lambda net: net.node("Gather", start(net), net.constant(indices, np.int64), axis=axis)


def broadcast(*shape):
    def build(net):
        y = net.node("ReduceMax", start(net), net.integers(2), keepdims=1)
        return net.node("Expand", y, net.integers(*shape))
    return build


def resize(mode, scales, **attributes):
    return lambda net: net.node("Resize", start(net), "", net.constant([1, 1, *scales]), mode=mode, **attributes)


ASYMMETRIC = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}

# Name -> (network, operation, its factors under the strategies batch, group and rows).
CASES = {
    "conv_transpose": (conv_transpose(1, strides=[2, 2], pads=[1, 0, 1, 1], output_padding=[1, 0]),
                       "conv_transpose", "batch", "output_channel", None),
    "conv_transpose-groups": (conv_transpose(6, strides=[2, 1]), "conv_transpose", "batch", "group", None),
    "conv_transpose-3-groups": (conv_transpose(3, dilations=[2, 1]), "conv_transpose", "batch", "group", None),
    "instance_norm": (instance_norm, "instance_norm", "batch", "channel", None),
    "group_norm": (group_norm(6), "group_norm", "batch", "group", None),
    "group_norm-uneven": (group_norm(4), "group_norm", "batch", "group", None),
    "layer_norm-axis1": (layer_norm(1), "layer_norm", "batch", None, None),
    "layer_norm-axis2": (layer_norm(2), "layer_norm", "batch", "channel", None),
    "layer_norm-axis3": (layer_norm(3), "layer_norm", "batch", "channel", "height"),
    "matmul-2d": (matmul_of_matrices, "matmul", "batch", "output_channel", None),
    "matmul-3d": (matmul_of_three, "matmul", "batch", "channel", None),
    "matmul-4d": (matmul_of_four, "matmul", "batch", "channel", "height"),
    "matmul-itself": (matmul_with_itself, "matmul", "batch", None, "height"),
    "select": (select, "select", "batch", "channel", "height"),
    "reduce-width": (reduce("ReduceL2", 3, keepdims=0), "reduce_l2", "batch", "channel", "height"),
    "reduce-channels": (reduce("ReduceMax", 1), "reduce_max", "batch", None, "height"),
    "reduce-channels-away": (reduce("ReduceSum", 1, keepdims=0), "reduce_sum", "batch", None, "height"),
    "reduce-batch": (reduce("ReduceMean", 0), "reduce_mean", None, "channel", "height"),
    "gather-batch": (gather(0, [3, 0, -1, 1, 1]), "gather", "batch", "channel", "height"),
    "gather-channels": (gather(1, [7, 3, -1, 0, 3]), "gather", "batch", None, "height"),
    "gather-row": (gather(2, 4), "gather", "batch", "channel", "height"),
    "gather-columns": (gather(3, [[4, 0], [1, -2]]), "gather", "batch", "channel", "height"),
    "broadcast": (broadcast(5, 1), "broadcast", "batch", "channel", "height"),
    "broadcast-rank5": (broadcast(3, 1, 1, 1, 1), "broadcast", "batch", None, "height"),
    "resize": (resize("nearest", [2, 3], **ASYMMETRIC), "resize", "batch", "channel", "height"),
    "resize-centres": (resize("nearest", [3, 1]), "resize", "batch", "channel", "height"),
    # Each row is computed from rows that may belong to two devices.
    "resize-linear": (resize("linear", [2, 2]), "resize", "batch", "channel", None),
    "resize-ceil": (resize("nearest", [2, 1], nearest_mode="ceil"), "resize", "batch", "channel", None),
    "resize-fraction": (resize("nearest", [1.5, 1], **ASYMMETRIC), "resize", "batch", "channel", None),
}


@pytest.mark.parametrize("name", CASES)
def test_rule(name, tmp_path):
    build, op, *factors = CASES[name]
    net = support.tiny_models.Network(name, 21, [BATCH, CHANNELS, HEIGHT, WIDTH])
    case = support.network_case(name, net, build(net))
    onnx.save(case.model, tmp_path / "model.onnx")
    partitions = []
    for index, (strategy, factor) in enumerate(zip(("batch", "group", "rows"), factors)):
        for devices in (2, 3):
            layers = inspect(tmp_path / "model.onnx", devices, strategy)["layers"]
            found = {layer.get("factor") for layer in layers if layer["op"] == op}
            assert found == {factor}, f"{strategy}, {devices} devices"
        if factor:  # Strategies and operations take turns with two and three devices, to save time.
            partitions.append((f"--devices={2 + (index + list(CASES).index(name)) % 2}", f"--strategy={strategy}"))
    # A link that costs nothing makes the search share whatever can be shared.
    partitions.append(("--devices=3", "--strategy=auto", "--link=1000TB/s,0s"))
    check_partitions(case.model, case.feeds, tmp_path, partitions)


def test_pad(tmp_path):
    """A pad that nothing absorbs has a region, which uses a constant outside of it: each device needs its own."""
    net = support.tiny_models.Network("pad", 13, [BATCH, CHANNELS, HEIGHT, WIDTH])
    y = net.node("Pad", start(net), net.integers(0, 0, 1, 1, 0, 0, 1, 0), net.constant(2.0))
    y = net.node("Pad", net.node("MaxPool", y, kernel_shape=[2, 2]), net.integers(0, 0, 0, 1, 0, 0, 0, 1),
                 net.constant(2.0))
    case = support.network_case("pad", net, net.conv(y, CHANNELS, 8, 3))
    check_partitions(case.model, case.feeds, tmp_path,
                     [(f"--devices={devices}", f"--strategy={strategy}")
                      for devices, strategy in ((2, "batch"), (3, "group"), (3, "rows"), (2, "auto"))])
