# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Networks that people run today, as torchvision defines them, at 224 x 224. `models.py` gives them their weights.

The layer tables are from the papers: ResNeXt (arXiv 1611.05431), MobileNetV3 (1905.02244), EfficientNet (1905.11946),
RegNet (2003.13678). Each function returns a model without weights, and the weights' shapes: name -> shape."""

from tiny_models import Network

CLASSES = 1000


def _silu(net, x):
    return net.node("Mul", x, net.node("Sigmoid", x))


def _gate(net, x, channels, squeezed, activation, gate):
    """Squeeze-and-excite."""
    y = activation(net.conv(net.node("GlobalAveragePool", x), channels, squeezed, kernel=1))
    return net.node("Mul", x, gate(net.conv(y, squeezed, channels, kernel=1)))


def resnext50_32x4d():
    """32 groups of 4, 8, 16 and 32 channels."""
    net = Network("resnext50_32x4d", 17, [1, 3, 224, 224])
    x = net.conv_norm("x", 3, 64, kernel=7, stride=2)
    x = net.node("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    channels_in = 64
    for stage, blocks in enumerate((3, 4, 6, 3)):
        width, channels = 128 << stage, 256 << stage
        for block in range(blocks):
            stride = 2 if stage and not block else 1
            y = net.conv_norm(x, channels_in, width, kernel=1)
            y = net.conv_norm(y, width, width, stride=stride, group=32)
            y = net.conv_norm(y, width, channels, kernel=1, activation=None)
            if not block:
                x = net.conv_norm(x, channels_in, channels, kernel=1, stride=stride, activation=None)
            x = net.node("Relu", net.node("Add", y, x))
            channels_in = channels
    return net.finish(net.classifier(x, channels_in, CLASSES))


# Kernel, expanded channels, channels, squeeze-and-excite, HardSwish instead of Relu, stride.
_MOBILENET_V3_SMALL = (
    (3, 16, 16, True, False, 2), (3, 72, 24, False, False, 2), (3, 88, 24, False, False, 1), (5, 96, 40, True, True, 2),
    (5, 240, 40, True, True, 1), (5, 240, 40, True, True, 1), (5, 120, 48, True, True, 1), (5, 144, 48, True, True, 1),
    (5, 288, 96, True, True, 2), (5, 576, 96, True, True, 1), (5, 576, 96, True, True, 1),
)


def mobilenet_v3_small():
    """Depthwise convolutions, squeeze-and-excite, HardSwish."""
    net = Network("mobilenet_v3_small", 17, [1, 3, 224, 224])
    x = net.conv_norm("x", 3, 16, stride=2, activation="HardSwish")
    channels_in = 16
    for kernel, wide, channels, excite, hard_swish, stride in _MOBILENET_V3_SMALL:
        activation = "HardSwish" if hard_swish else "Relu"
        y = net.conv_norm(x, channels_in, wide, kernel=1, activation=activation) if wide != channels_in else x
        y = net.conv_norm(y, wide, wide, kernel=kernel, stride=stride, group=wide, activation=activation)
        if excite:
            squeezed = max(8, (wide // 4 + 4) // 8 * 8)
            y = _gate(net, y, wide, squeezed, lambda v: net.node("Relu", v),
                      lambda v: net.node("HardSigmoid", v, alpha=1 / 6, beta=0.5))
        y = net.conv_norm(y, wide, channels, kernel=1, activation=None)
        x = net.node("Add", x, y) if stride == 1 and channels_in == channels else y
        channels_in = channels
    x = net.conv_norm(x, channels_in, 576, kernel=1, activation="HardSwish")
    x = net.node("Flatten", net.node("GlobalAveragePool", x), axis=1)
    x = net.node("HardSwish", net.node("Gemm", x, net.weight(1024, 576), net.weight(1024), transB=1))
    x = net.node("Gemm", x, net.weight(CLASSES, 1024), net.weight(CLASSES), transB=1)
    return net.finish(net.node("Softmax", x))


# Expansion, kernel, stride, channels, blocks.
_EFFICIENTNET_B0 = ((1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3),
                    (6, 5, 2, 192, 4), (6, 3, 1, 320, 1))


def efficientnet_b0():
    """Inverted residuals with squeeze-and-excite and SiLU, which exporters write as Sigmoid and Mul."""
    net = Network("efficientnet_b0", 17, [1, 3, 224, 224])
    x = _silu(net, net.conv_norm("x", 3, 32, stride=2, activation=None))
    channels_in = 32
    for expansion, kernel, first_stride, channels, blocks in _EFFICIENTNET_B0:
        for block in range(blocks):
            stride, wide = first_stride if not block else 1, channels_in * expansion
            y = _silu(net, net.conv_norm(x, channels_in, wide, kernel=1, activation=None)) if expansion > 1 else x
            y = _silu(net, net.conv_norm(y, wide, wide, kernel=kernel, stride=stride, group=wide, activation=None))
            y = _gate(net, y, wide, channels_in // 4, lambda v: _silu(net, v), lambda v: net.node("Sigmoid", v))
            y = net.conv_norm(y, wide, channels, kernel=1, activation=None)
            x = net.node("Add", x, y) if stride == 1 and channels_in == channels else y
            channels_in = channels
    x = _silu(net, net.conv_norm(x, channels_in, 1280, kernel=1, activation=None))
    return net.finish(net.classifier(x, 1280, CLASSES))


def regnet_y_400mf():
    """Groups of 8 channels, and squeeze-and-excite that is a quarter as wide as the block's input."""
    net = Network("regnet_y_400mf", 17, [1, 3, 224, 224])
    x = net.conv_norm("x", 3, 32, stride=2)
    channels_in = 32
    for channels, blocks in ((48, 1), (104, 3), (208, 6), (440, 6)):
        for block in range(blocks):
            stride = 1 if block else 2
            y = net.conv_norm(x, channels_in, channels, kernel=1)
            y = net.conv_norm(y, channels, channels, stride=stride, group=channels // 8)
            y = _gate(net, y, channels, channels_in // 4, lambda v: net.node("Relu", v),
                      lambda v: net.node("Sigmoid", v))
            y = net.conv_norm(y, channels, channels, kernel=1, activation=None)
            if not block:
                x = net.conv_norm(x, channels_in, channels, kernel=1, stride=stride, activation=None)
            x = net.node("Relu", net.node("Add", x, y))
            channels_in = channels
    return net.finish(net.classifier(x, channels_in, CLASSES))


MODERN_MODELS = {function.__name__: function
                 for function in (resnext50_32x4d, mobilenet_v3_small, efficientnet_b0, regnet_y_400mf)}
