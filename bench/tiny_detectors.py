# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Small detectors of torchvision's two kinds, node by node as PyTorch's TorchScript exporter writes them.

They have their weights: convolutions have no biases, and an object needs a high score. So a picture of zeros has no
object, and the more contrast a picture has, the more objects are found. Outputs: boxes, scores, labels."""

import math

import numpy as np
from onnx import TensorProto, helper

from tiny_models import IR_VERSIONS, Network

SIZE = 64
CLASSES = 3
END = 2**63 - 1


class Detector(Network):
    def __init__(self, name):
        super().__init__(name, 17, [1, 3, SIZE, SIZE])
        self.generator = np.random.default_rng(1)
        self.count = 0

    def node(self, op, *inputs, outputs=1, **attributes):
        """Names are unique in branches, too."""
        self.count += 1
        names = [f"{op.lower()}_{self.count}_{index}" for index in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, name=names[0], **attributes))
        return names[0] if outputs == 1 else names

    def weight(self, *shape):
        deviation = math.sqrt(2 / math.prod(shape[1:]))
        return self.constant(deviation * self.generator.standard_normal(shape))

    def layer(self, x, channels_in, channels_out, stride=1, bias=None, gain=1, kernel=3):
        """A convolution; with a bias it predicts something, else ReLU follows."""
        filters = gain * self.generator.standard_normal((channels_out, channels_in, kernel, kernel))
        x = self.node("Conv", x, self.constant(filters * math.sqrt(2 / channels_in) / kernel),
                      *([] if bias is None else [self.constant(np.broadcast_to(bias, channels_out))]),
                      kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[kernel // 2] * 4)
        return self.node("Relu", x) if bias is None else x

    def gemm(self, x, features_in, bias, gain=1):
        return self.node("Gemm", x, self.constant(gain * self.generator.standard_normal((len(bias), features_in))
                                                  * math.sqrt(2 / features_in)), self.constant(bias), transB=1)

    def column(self, x, index, axis=1):
        return self.node("Gather", x, self.constant(index, np.int64), axis=axis)

    def slice(self, x, begin, end, axis, step=1):
        end = end if isinstance(end, str) else self.integers(end)
        return self.node("Slice", x, self.integers(begin), end, self.integers(axis), self.integers(step))

    def unsqueeze(self, x, axis):
        return self.node("Unsqueeze", x, self.integers(axis))

    def size(self, x, axis):
        """A dimension, as a list of one number."""
        return self.unsqueeze(self.column(self.node("Shape", x), axis, 0), 0)

    def where(self, condition):
        """torch.where(condition)[0]."""
        places = self.node("Transpose", self.node("NonZero", condition), perm=[1, 0])
        return self.node("Squeeze", self.node("Split", places, self.integers(1), outputs=1, axis=1), self.integers(1))

    def rows(self, places, *tensors):
        return [self.node("Gather", tensor, places, axis=0) for tensor in tensors]

    def flatten_head(self, x, columns):
        """Predictions of a convolution, N x (anchors * columns) x H x W, as N x (H * W * anchors) x columns."""
        batch, height, width = (self.size(x, axis) for axis in (0, 2, 3))
        x = self.node("Reshape", x, self.node("Concat", batch, self.integers(-1), self.integers(columns), height, width,
                                              axis=0))
        x = self.node("Transpose", x, perm=[0, 3, 4, 1, 2])
        return self.node("Reshape", x, self.node("Concat", batch, self.integers(-1), self.integers(columns), axis=0))

    def decode(self, deltas, boxes, weights):
        """Boxes that are moved and scaled: N x (sets * 4) deltas and N x 4 boxes to N x sets x 4."""
        half = self.constant(0.5)
        axes = []
        for first, weight in zip((0, 1), weights):
            low = self.column(boxes, first)
            length = self.node("Sub", self.column(boxes, first + 2), low)
            centre = self.node("Add", low, self.node("Mul", length, half))
            length, centre = self.unsqueeze(length, 1), self.unsqueeze(centre, 1)
            move, scale = (self.node("Div", self.slice(deltas, first + offset, END, 1, 4), self.constant(value))
                           for offset, value in ((0, weight), (2, weights[2 + first])))
            scale = self.node("Clip", scale, "", self.constant(math.log(1000 / 16)))
            centre = self.node("Add", self.node("Mul", move, length), centre)
            reach = self.node("Mul", half, self.node("Mul", self.node("Exp", scale), length))
            axes.append((self.node("Sub", centre, reach), self.node("Add", centre, reach)))
        corners = [self.unsqueeze(axis[side], 2) for side in (0, 1) for axis in axes]
        return self.node("Concat", *corners, axis=2)

    def clip(self, boxes):
        """Keeps N x 4 boxes in the picture."""
        sides = []
        for first in (0, 1):
            side = self.node("Max", self.slice(boxes, first, END, 1, 2), self.constant(0))
            sides.append(self.unsqueeze(self.node("Min", side, self.constant(SIZE)), 2))
        shape = self.node("Concat", self.size(boxes, 0), self.size(boxes, 1), axis=0)
        return self.node("Reshape", self.node("Concat", *sides, axis=2), shape)

    def drop_small(self, boxes, *others):
        sides = [self.node("Sub", self.column(boxes, axis + 2), self.column(boxes, axis)) for axis in (0, 1)]
        wide, high = (self.node("GreaterOrEqual", side, self.constant(0.01)) for side in sides)
        return self.rows(self.where(self.node("And", wide, high)), boxes, *others)

    def branch(self, name, build):
        outer, self.nodes = self.nodes, []
        result = build()
        graph = helper.make_graph(self.nodes, name, [],
                                  [helper.make_tensor_value_info(result, TensorProto.INT64, [None])])
        self.nodes = outer
        return graph

    def best(self, boxes, scores, labels, threshold, count):
        """Places of the best boxes of each label, none of which covers another one: torchvision's batched_nms."""
        def suppress():
            far = self.node("Add", self.node("ReduceMax", boxes, keepdims=0), self.constant(1))
            offsets = self.node("Mul", self.node("Cast", labels, to=TensorProto.FLOAT), far)
            moved = self.node("Add", boxes, self.unsqueeze(self.slice(offsets, 0, END, 0), 1))
            moved, rows = self.unsqueeze(moved, 0), self.unsqueeze(self.unsqueeze(scores, 0), 0)
            kept = self.node("NonMaxSuppression", moved, rows, self.integers(END), self.constant([threshold]))
            return self.node("Squeeze", self.node("Gather", kept, self.integers(2), axis=1), self.integers(1))

        size = self.node("ReduceProd", self.node("Shape", boxes), keepdims=0)
        is_empty = self.node("Cast", self.node("Equal", size, self.constant(0, np.int64)), to=TensorProto.BOOL)
        kept = self.node("If", is_empty,
                         then_branch=self.branch("empty", lambda: self.node(
                             "Constant", value=helper.make_tensor("none", TensorProto.INT64, [0], []))),
                         else_branch=self.branch("suppress", suppress))
        return self.slice(kept, 0, count, 0)

    def at_most(self, count, size):
        return self.node("Reshape", self.node("ReduceMin", self.node("Concat", self.integers(count), size, axis=0),
                                              keepdims=0), self.integers(1))

    def finish_objects(self, boxes, scores, labels):
        names = ["boxes", "scores", "labels"]
        for tensor, name in zip((boxes, scores, labels), names):
            self.nodes.append(helper.make_node("Identity", [tensor], [name]))
        outputs = [helper.make_tensor_value_info(name, TensorProto.INT64 if name == "labels" else TensorProto.FLOAT,
                                                 [None, 4] if name == "boxes" else [None]) for name in names]
        graph = helper.make_graph(self.nodes, self.name, [self.input], outputs, self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)],
                                 ir_version=IR_VERSIONS[self.opset])


def _backbone(net):
    """Features of 8 x 8 and of 4 x 4."""
    x = net.layer("x", 3, 16, stride=2, kernel=5)
    fine = net.layer(net.layer(x, 16, 24, stride=2), 24, 32, stride=2)
    return fine, net.layer(fine, 32, 32, stride=2)


def _anchors(side, sizes):
    """(side * side * sizes) x 4."""
    centres = (np.arange(side) + 0.5) * SIZE / side
    y, x, size = (part.ravel() for part in np.meshgrid(centres, centres, sizes, indexing="ij"))
    return np.stack([x - size / 2, y - size / 2, x + size / 2, y + size / 2], 1)


def _floor_divide(net, a, b):
    """As PyTorch rounds down: truncate, and subtract 1 where signs differ and something is left."""
    zero, one = net.constant(0, np.int64), net.constant(1, np.int64)
    quotient = net.node("Div", a, b)
    differ = net.node("Xor", net.node("Less", a, zero), net.node("Less", b, zero))
    is_left = net.node("Not", net.node("Equal", net.node("Mod", a, b), zero))
    return net.node("Where", net.node("And", differ, is_left), net.node("Sub", quotient, one), quotient)


def tiny_retina_script():
    """One stage: a score for each anchor and class, the best of each level, then of all."""
    net = Detector("tiny_retina_script")
    found = []
    for features, side, sizes in zip(_backbone(net), (8, 4), ((12, 20), (28, 44))):
        scores = net.flatten_head(net.layer(net.layer(features, 32, 32), 32, 2 * CLASSES, bias=-5), CLASSES)
        deltas = net.flatten_head(net.layer(net.layer(features, 32, 32), 32, 8, bias=0, gain=0.05), 4)
        scores, deltas = (net.column(tensor, 0, 0) for tensor in (scores, deltas))
        classes = net.column(net.node("Shape", scores), 1, 0)
        scores = net.node("Reshape", net.node("Sigmoid", scores), net.integers(-1))
        good = net.node("Greater", scores, net.constant(0.05))
        best = net.node("GatherND", scores, net.node("Transpose", net.node("NonZero", good), perm=[1, 0]))
        places = net.where(good)
        best, order = net.node("TopK", best, net.at_most(40, net.size(places, 0)), outputs=2, axis=-1)
        [places] = net.rows(order, places)
        at = _floor_divide(net, places, classes)
        deltas, anchors = net.rows(at, deltas, net.constant(_anchors(side, sizes)))
        boxes = net.node("Reshape", net.decode(deltas, anchors, (1, 1, 1, 1)), net.integers(-1, 4))
        found.append((net.clip(boxes), best, net.node("Mod", places, classes)))
    boxes, scores, labels = (net.node("Concat", *parts, axis=0) for parts in zip(*found))
    kept = net.best(boxes, scores, labels, 0.5, 30)
    return net.finish_objects(*net.rows(kept, boxes, scores, labels))


def _propose(net, levels):
    """Boxes that may have an object: 1 x anchors scores and deltas, the best of each level, then of all."""
    scores, deltas, anchors, starts, start = [], [], [], [], 0
    for features, side, sizes in zip(levels, (8, 4), ((12, 20), (28, 44))):
        x = net.layer(features, 32, 32)
        scores.append(net.flatten_head(net.layer(x, 32, 2, bias=0, kernel=1), 1))
        deltas.append(net.flatten_head(net.layer(x, 32, 8, bias=0, gain=0.05, kernel=1), 4))
        anchors.append(_anchors(side, sizes))
        starts.append(start)
        start += len(anchors[-1])
    tops = []
    for start, level in zip(starts, scores):
        level = net.node("Flatten", level, axis=1)
        _, order = net.node("TopK", level, net.at_most(30, net.size(level, 1)), outputs=2, axis=1)
        tops.append(net.node("Add", order, net.constant(start, np.int64)))
    order = net.node("Squeeze", net.node("Concat", *tops, axis=1), net.integers(0))
    scores, deltas = (net.node("Squeeze", net.node("Concat", *parts, axis=1), net.integers(0))
                      for parts in (scores, deltas))
    levels = np.repeat(np.arange(len(anchors)), [len(part) for part in anchors])
    scores, deltas, anchors, levels = net.rows(order, net.node("Reshape", scores, net.integers(-1)), deltas,
                                               net.constant(np.concatenate(anchors)), net.constant(levels, np.int64))
    boxes = net.node("Reshape", net.decode(deltas, anchors, (1, 1, 1, 1)), net.integers(-1, 4))
    boxes, scores, levels = net.drop_small(net.clip(boxes), net.node("Sigmoid", scores), levels)
    boxes, scores, levels = net.rows(net.where(net.node("GreaterOrEqual", scores, net.constant(0.05))), boxes, scores,
                                     levels)
    return net.rows(net.best(boxes, scores, levels, 0.7, 24), boxes)[0]


def _align(net, levels, boxes):
    """Features of boxes, each from the level that fits its size: torchvision's MultiScaleRoIAlign."""
    index = net.node("ConstantOfShape", net.node("Shape", net.slice(boxes, 0, 1, 1)), value=net.tensor(0))
    regions = net.node("Concat", index, boxes, axis=1)
    width, height = (net.node("Sub", net.column(boxes, axis + 2), net.column(boxes, axis)) for axis in (0, 1))
    side = net.node("Sqrt", net.node("Mul", width, height))
    level = net.node("Div", net.node("Log", net.node("Div", side, net.constant(24))), net.constant(math.log(2)))
    level = net.node("Clip", net.node("Floor", level), net.constant(0), net.constant(1))
    level = net.node("Cast", level, to=TensorProto.INT64)
    result = None
    for number, (features, scale) in enumerate(zip(levels, (1 / 8, 1 / 16))):
        places = net.where(net.node("Equal", level, net.constant(number, np.int64)))
        [some] = net.rows(places, regions)
        image = net.node("Squeeze", net.node("Gather", some, net.integers(0), axis=1), net.integers(1))
        some = net.node("Gather", some, net.integers(1, 2, 3, 4), axis=1)
        aligned = net.node("RoiAlign", features, some, net.node("Cast", image, to=TensorProto.INT64), output_height=5,
                           output_width=5, sampling_ratio=2, spatial_scale=scale, mode="avg",
                           coordinate_transformation_mode="output_half_pixel")
        rest = [net.size(aligned, axis) for axis in (1, 2, 3)]
        result = result or net.node("ConstantOfShape", net.node("Concat", net.size(level, 0), *rest, axis=0),
                                    value=net.tensor(0))
        shape = net.node("Concat", net.size(places, 0), *rest, axis=0)
        places = net.node("Expand", net.node("Reshape", places, net.integers(-1, 1, 1, 1)), shape)
        result = net.node("ScatterElements", result, places, aligned, axis=0)
    return net.node("Flatten", result, axis=1)


def tiny_rcnn_script():
    """Two stages: proposed boxes, then scores of their features."""
    net = Detector("tiny_rcnn_script")
    levels = _backbone(net)
    proposals = _propose(net, levels)
    x = net.node("Relu", net.gemm(_align(net, levels, proposals), 800, np.zeros(64)))
    count = net.size(proposals, 0)
    scores = net.node("Softmax", net.gemm(x, 64, [0] + [-5] * CLASSES, 1.5), axis=-1)
    deltas = net.node("Reshape", net.gemm(x, 64, np.zeros(4 * (CLASSES + 1))), net.node("Concat", count,
                                                                                       net.integers(-1), axis=0))
    boxes = net.decode(deltas, proposals, (10, 10, 5, 5))
    # All but the background, which is class 0.
    boxes = net.node("Reshape", net.slice(boxes, 1, END, 1), net.integers(-1, 4))
    labels = net.node("Reshape", net.node("Range", *[net.constant(value, np.int64) for value in (0, CLASSES + 1, 1)]),
                      net.integers(1, -1))
    labels = net.node("Expand", labels, net.node("Shape", scores))
    scores, labels = (net.node("Reshape", net.slice(tensor, 1, END, 1), net.integers(-1))
                      for tensor in (scores, labels))
    good = net.where(net.node("Greater", scores, net.constant(0.05)))
    boxes, scores, labels = net.drop_small(*net.rows(good, net.clip(boxes), scores, labels))
    kept = net.best(boxes, scores, labels, 0.5, 20)
    return net.finish_objects(*net.rows(kept, boxes, scores, labels))


TINY_DETECTORS = {function.__name__: function for function in (tiny_retina_script, tiny_rcnn_script)}
