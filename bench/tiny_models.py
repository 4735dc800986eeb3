# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Small networks, one for each way in which convolutional networks are built. `models.py` gives them their weights.

Each function in TINY_MODELS returns a model without weights, and the weights' shapes: name -> shape."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

# Opset -> the lowest IR version that allows it.
IR_VERSIONS = {7: 3, 8: 3, 9: 4, 10: 5, 11: 6, 12: 7, 13: 7, 14: 7, 15: 8, 16: 8, 17: 8, 18: 8, 19: 9, 20: 9, 21: 10,
               22: 10, 23: 11}


class Network:
    """Builds a graph node by node; tensors are names."""

    def __init__(self, name, opset, input_shape):
        self.name = name
        self.opset = opset
        self.nodes = []
        self.constants = []
        self.shapes = {}
        self.input = helper.make_tensor_value_info("x", TensorProto.FLOAT, input_shape)

    def node(self, op, *inputs, outputs=1, **attributes):
        """Adds a node; returns its output's name, or a list when it has several."""
        label = f"{op.lower()}_{len(self.nodes)}"
        names = [label] if outputs == 1 else [f"{label}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, name=label, **attributes))
        return names[0] if outputs == 1 else names

    def weight(self, *shape):
        name = f"w{len(self.shapes)}"
        self.shapes[name] = shape
        return name

    def constant(self, value, dtype=np.float32):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    @staticmethod
    def tensor(value, dtype=np.float32):
        """An attribute with one element."""
        return numpy_helper.from_array(np.array([value], dtype))

    def integers(self, *values):
        return self.constant(values, np.int64)

    def conv(self, x, channels_in, channels_out, kernel=3, stride=1, group=1, rank=2, bias=True, dilation=1):
        operands = [x, self.weight(channels_out, channels_in // group, *[kernel] * rank)]
        if bias:
            operands.append(self.weight(channels_out))
        return self.node("Conv", *operands, kernel_shape=[kernel] * rank, strides=[stride] * rank, group=group,
                         dilations=[dilation] * rank, pads=[dilation * (kernel - 1) // 2] * (2 * rank))

    def norm(self, x, channels):
        return self.node("BatchNormalization", x, *[self.weight(channels) for _ in range(4)], epsilon=1e-5)

    def conv_norm(self, x, channels_in, channels_out, activation="Relu", **options):
        x = self.norm(self.conv(x, channels_in, channels_out, bias=False, **options), channels_out)
        return self.node(activation, x) if activation else x

    def dense(self, x, features_in, features_out):
        return self.node("Add", self.node("MatMul", x, self.weight(features_in, features_out)),
                         self.weight(features_out))

    def layer_norm(self, x, width):
        """Of the last dimension."""
        return self.node("LayerNormalization", x, self.weight(width), self.weight(width), axis=-1, epsilon=1e-6)

    def relu6(self, x):
        if self.opset < 11:
            return self.node("Clip", x, min=0.0, max=6.0)
        return self.node("Clip", x, self.constant(0), self.constant(6))

    def classifier(self, x, channels, classes=10):
        x = self.node("Flatten", self.node("GlobalAveragePool", x), axis=1)
        x = self.node("Gemm", x, self.weight(classes, channels), self.weight(classes), transB=1)
        return self.node("Softmax", x)

    def finish(self, output):
        result = helper.make_tensor_value_info(output, TensorProto.FLOAT, None)
        graph = helper.make_graph(self.nodes, self.name, [self.input], [result], self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)],
                                  ir_version=IR_VERSIONS[self.opset])
        return model, self.shapes


def tiny_resnet():
    """Basic residual blocks, opset 9, among them a strided one with a projection."""
    net = Network("tiny_resnet", 9, [1, 3, 32, 32])
    x = net.conv_norm("x", 3, 16, kernel=5, stride=2)
    x = net.node("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    for channels_in, channels, stride in ((16, 16, 1), (16, 40, 2)):
        y = net.conv_norm(x, channels_in, channels, stride=stride)
        y = net.conv_norm(y, channels, channels, activation=None)
        if stride != 1:
            x = net.conv_norm(x, channels_in, channels, kernel=1, stride=stride, activation=None)
        x = net.node("Relu", net.node("Add", y, x))
    return net.finish(net.classifier(x, 40))


def tiny_resnext():
    """Bottleneck blocks with 3x3 convolutions of 32 groups of 4 channels (ResNeXt-50 32x4d's first stage), opset 13."""
    net = Network("tiny_resnext", 13, [1, 3, 32, 32])
    x = net.conv_norm("x", 3, 64, kernel=3, stride=2)
    for channels_in, stride in ((64, 1), (256, 2), (256, 1)):
        y = net.conv_norm(x, channels_in, 128, kernel=1)
        y = net.conv_norm(y, 128, 128, stride=stride, group=32)
        y = net.conv_norm(y, 128, 256, kernel=1, activation=None)
        if channels_in != 256 or stride != 1:
            x = net.conv_norm(x, channels_in, 256, kernel=1, stride=stride, activation=None)
        x = net.node("Relu", net.node("Add", y, x))
    return net.finish(net.classifier(x, 256))


def tiny_mobilenet():
    """Inverted residuals: depthwise convolutions and ReLU6, opset 11."""
    net = Network("tiny_mobilenet", 11, [1, 3, 48, 48])
    x = net.relu6(net.conv_norm("x", 3, 16, stride=2, activation=None))
    for channels_in, channels, stride, kernel in ((16, 24, 2, 3), (24, 24, 1, 3), (24, 40, 2, 5)):
        wide = 6 * channels_in
        y = net.relu6(net.conv_norm(x, channels_in, wide, kernel=1, activation=None))
        y = net.relu6(net.conv_norm(y, wide, wide, kernel=kernel, stride=stride, group=wide, activation=None))
        y = net.conv_norm(y, wide, channels, kernel=1, activation=None)
        x = net.node("Add", x, y) if channels_in == channels and stride == 1 else y
    return net.finish(net.classifier(x, 40))


def _squeeze_excite(net, x, channels, gate):
    y = net.node("GlobalAveragePool", x)
    y = net.node("Relu", net.conv(y, channels, channels // 4, kernel=1))
    return net.node("Mul", x, gate(net.conv(y, channels // 4, channels, kernel=1)))


def tiny_se():
    """Squeeze-and-excite with HardSwish and HardSigmoid as operations, as in MobileNetV3, opset 14."""
    net = Network("tiny_se", 14, [1, 3, 32, 32])
    x = net.conv_norm("x", 3, 16, stride=2, activation="HardSwish")
    y = net.conv_norm(x, 16, 64, kernel=1, activation="HardSwish")
    y = net.conv_norm(y, 64, 64, kernel=5, group=64, activation="HardSwish")
    y = _squeeze_excite(net, y, 64, lambda v: net.node("HardSigmoid", v, alpha=1 / 6, beta=0.5))
    x = net.node("Add", x, net.conv_norm(y, 64, 16, kernel=1, activation=None))
    return net.finish(net.classifier(x, 16))


def tiny_se_decomposed():
    """A network like tiny_se, written with Add, Clip, Mul, Div and Sigmoid, as exporters do, opset 12."""
    net = Network("tiny_se_decomposed", 12, [1, 3, 32, 32])

    def hard_swish(v):
        gate = net.node("Clip", net.node("Add", v, net.constant(3)), net.constant(0), net.constant(6))
        return net.node("Div", net.node("Mul", v, gate), net.constant(6))

    def silu(v):
        return net.node("Mul", v, net.node("Sigmoid", v))

    x = hard_swish(net.conv_norm("x", 3, 16, stride=2, activation=None))
    y = silu(net.conv_norm(x, 16, 64, kernel=1, activation=None))
    y = hard_swish(net.conv_norm(y, 64, 64, kernel=5, group=64, activation=None))
    y = _squeeze_excite(net, y, 64, lambda v: net.node("Sigmoid", v))
    x = net.node("Add", x, net.conv_norm(y, 64, 16, kernel=1, activation=None))
    return net.finish(net.classifier(x, 16))


def tiny_unet():
    """A U-Net: skips, one ConvTranspose and one Resize on the way up, opset 13. The output is a picture."""
    net = Network("tiny_unet", 13, [1, 3, 32, 40])
    a = net.conv_norm("x", 3, 12)
    b = net.conv_norm(net.node("MaxPool", a, kernel_shape=[2, 2], strides=[2, 2]), 12, 24)
    c = net.conv_norm(net.node("MaxPool", b, kernel_shape=[2, 2], strides=[2, 2]), 24, 48)
    up = net.node("ConvTranspose", c, net.weight(48, 24, 2, 2), net.weight(24), kernel_shape=[2, 2], strides=[2, 2])
    b = net.conv_norm(net.node("Concat", up, b, axis=1), 48, 24)
    up = net.node("Resize", b, "", net.constant([1, 1, 2, 2]), mode="linear",
                  coordinate_transformation_mode="half_pixel")
    a = net.conv_norm(net.node("Concat", up, a, axis=1), 36, 12)
    return net.finish(net.node("Sigmoid", net.conv(a, 12, 2, kernel=1)))


def tiny_densenet():
    """Batch norm, ReLU, then convolution, with growing concatenations, opset 9. Some norms cannot fold."""
    net = Network("tiny_densenet", 9, [1, 3, 32, 32])
    x = net.conv("x", 3, 16, stride=2, bias=False)
    channels = 16
    for layers in (2, 2):
        for _ in range(layers):
            y = net.node("Relu", net.norm(x, channels))
            y = net.node("Relu", net.norm(net.conv(y, channels, 32, kernel=1, bias=False), 32))
            x = net.node("Concat", x, net.conv(y, 32, 8, bias=False), axis=1)
            channels += 8
        x = net.conv(net.node("Relu", net.norm(x, channels)), channels, channels // 2, kernel=1, bias=False)
        channels //= 2
        x = net.node("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2])
    return net.finish(net.classifier(net.node("Relu", net.norm(x, channels)), channels))


def tiny_conv1d():
    """A network on a one-dimensional signal, dilated convolutions, opset 13."""
    net = Network("tiny_conv1d", 13, [1, 2, 96])
    x = net.conv_norm("x", 2, 16, kernel=7, stride=2, rank=1)
    for dilation in (1, 2, 4):
        y = net.conv_norm(x, 16, 16, kernel=3, dilation=dilation, rank=1)
        x = net.node("Add", x, y)
    x = net.node("MaxPool", x, kernel_shape=[2], strides=[2])
    return net.finish(net.classifier(x, 16))


def tiny_conv3d():
    """A network on a volume, opset 13."""
    net = Network("tiny_conv3d", 13, [1, 1, 8, 12, 16])
    x = net.conv_norm("x", 1, 8, rank=3)
    x = net.node("MaxPool", x, kernel_shape=[2, 2, 2], strides=[2, 2, 2])
    x = net.conv_norm(x, 8, 24, rank=3)
    x = net.node("AveragePool", x, kernel_shape=[2, 2, 2], strides=[2, 2, 2])
    return net.finish(net.classifier(x, 24))


def tiny_transformer():
    """A patch embedding and one attention block: layer norm, matmul, softmax, GELU by Erf, opset 17."""
    net = Network("tiny_transformer", 17, [1, 3, 32, 32])
    width, heads, tokens = 48, 3, 16
    x = net.node("Conv", "x", net.weight(width, 3, 8, 8), net.weight(width), kernel_shape=[8, 8], strides=[8, 8])
    x = net.node("Reshape", x, net.integers(0, width, tokens))
    x = net.node("Add", net.node("Transpose", x, perm=[0, 2, 1]), net.weight(1, tokens, width))

    def split_heads(v, perm):
        return net.node("Transpose", net.node("Reshape", v, net.integers(0, tokens, heads, width // heads)), perm=perm)

    y = net.layer_norm(x, width)
    query = split_heads(net.dense(y, width, width), [0, 2, 1, 3])
    key = split_heads(net.dense(y, width, width), [0, 2, 3, 1])
    value = split_heads(net.dense(y, width, width), [0, 2, 1, 3])
    scores = net.node("Div", net.node("MatMul", query, key), net.constant(np.sqrt(width // heads)))
    y = net.node("MatMul", net.node("Softmax", scores, axis=-1), value)
    y = net.node("Reshape", net.node("Transpose", y, perm=[0, 2, 1, 3]), net.integers(0, tokens, width))
    x = net.node("Add", x, net.dense(y, width, width))

    y = net.dense(net.layer_norm(x, width), width, 2 * width)
    erf = net.node("Erf", net.node("Div", y, net.constant(np.sqrt(2))))
    y = net.node("Mul", net.node("Mul", y, net.node("Add", erf, net.constant(1))), net.constant(0.5))
    x = net.layer_norm(net.node("Add", x, net.dense(y, 2 * width, width)), width)
    x = net.node("ReduceMean", x, axes=[1], keepdims=0)
    x = net.node("Gemm", x, net.weight(10, width), net.weight(10), transB=1)
    return net.finish(net.node("Softmax", x, axis=-1))


def tiny_shuffle():
    """Channel split and shuffle, as in ShuffleNetV2, opset 13."""
    net = Network("tiny_shuffle", 13, [1, 3, 32, 32])
    x = net.conv_norm("x", 3, 24, stride=2)
    for _ in range(2):
        left, right = net.node("Split", x, net.integers(12, 12), outputs=2, axis=1)
        right = net.conv_norm(right, 12, 12, kernel=1)
        right = net.conv_norm(right, 12, 12, group=12, activation=None)
        right = net.conv_norm(right, 12, 12, kernel=1)
        x = net.node("Concat", left, right, axis=1)
        x = net.node("Reshape", x, net.integers(0, 2, 12, 16, 16))
        x = net.node("Reshape", net.node("Transpose", x, perm=[0, 2, 1, 3, 4]), net.integers(0, 24, 16, 16))
    return net.finish(net.classifier(x, 24))


def tiny_group_norm():
    """Group and instance normalisation in place of batch norm, opset 21. The output is a picture."""
    net = Network("tiny_group_norm", 21, [1, 3, 24, 24])
    x = net.conv("x", 3, 16)
    x = net.node("GroupNormalization", x, net.weight(16), net.weight(16), num_groups=4, epsilon=1e-5)
    x = net.conv(net.node("Relu", x), 16, 20, stride=2)
    x = net.node("InstanceNormalization", x, net.weight(20), net.weight(20), epsilon=1e-5)
    return net.finish(net.conv(net.node("LeakyRelu", x, alpha=0.1), 20, 6))


TINY_MODELS = {
    function.__name__: function
    for function in (tiny_resnet, tiny_resnext, tiny_mobilenet, tiny_se, tiny_se_decomposed, tiny_unet, tiny_densenet,
                     tiny_conv1d, tiny_conv3d, tiny_transformer, tiny_shuffle, tiny_group_norm)
}
