# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random small networks against ONNX Runtime. test_random_graph[17] is the same network each time."""

import numpy as np
import pytest
import support
from onnx import TensorProto, helper

COUNT = 60
CHANNELS = (3, 5, 8, 12, 16, 17, 20, 24, 32, 33, 48)


class RandomNetwork:
    """Grows a graph in random steps. The operands of a step are from a pool of tensors whose shapes are known."""

    def __init__(self, seed):
        self.random = np.random.default_rng([seed, 77])
        self.batch = int(self.random.choice([1, 1, 2, 3]))
        height, width = (int(size) for size in self.random.integers(9, 24, 2))
        channels = int(self.random.choice([1, 3, 3, 4, 16]))
        opset = int(self.random.choice([9, 11, 13, 17, 21]))
        self.net = support.tiny_models.Network(f"random_{seed}", opset, [self.batch, channels, height, width])
        self.pool = [("x", (channels, height, width))]

    def pick(self, choices):
        return choices[int(self.random.integers(len(choices)))]

    def value(self):
        """A recent tensor more often than an old one."""
        return self.pool[-1] if self.random.random() < 0.7 else self.pick(self.pool)

    def keep(self, name, *shape):
        self.pool.append((name, tuple(int(size) for size in shape)))

    def activation(self, name):
        kind = self.pick(["Relu", "Relu", "Relu", "LeakyRelu", "Sigmoid", "Tanh", "Elu", "silu", "relu6", None])
        if kind == "silu":
            return self.net.node("Mul", name, self.net.node("Sigmoid", name))
        if kind == "relu6":
            return self.net.relu6(name)
        return self.net.node(kind, name) if kind else name

    def step_conv(self):
        name, (channels, height, width) = self.value()
        kernel = self.pick([1, 1, 3, 3, 3, 5])
        stride = self.pick([1, 1, 1, 2]) if min(height, width) >= 4 else 1
        dilation = self.pick([1, 1, 1, 2]) if kernel == 3 else 1
        out, group = int(self.random.choice(CHANNELS)), 1
        kind = self.random.random()
        if kind < 0.2:
            out = group = channels
        elif kind < 0.4:
            group = self.pick([g for g in (1, 2, 3, 4, 8) if channels % g == 0])
            out = group * self.pick([1, 3, 4, 8, 16])
        bias = bool(self.random.random() < 0.5)
        y = self.net.conv(name, channels, out, kernel, stride, group, bias=bias, dilation=dilation)
        if self.random.random() < 0.6:
            y = self.net.norm(y, out)
        self.keep(self.activation(y), out, -(-height // stride), -(-width // stride))

    def step_norm_first(self):
        name, (channels, height, width) = self.value()
        y = self.net.node("Relu", self.net.norm(name, channels))
        out = int(self.random.choice(CHANNELS))
        self.keep(self.net.conv(y, channels, out, self.pick([1, 3]), bias=False), out, height, width)

    def step_pool(self):
        name, (channels, height, width) = self.value()
        if min(height, width) < 4:
            return
        op, kernel, pad = self.pick(["MaxPool", "AveragePool"]), self.pick([2, 3]), self.pick([0, 1])
        sizes = [(size + 2 * pad - kernel) // 2 + 1 for size in (height, width)]
        extra = {"count_include_pad": self.pick([0, 1])} if op == "AveragePool" else {}
        y = self.net.node(op, name, kernel_shape=[kernel] * 2, strides=[2, 2], pads=[pad] * 4, **extra)
        self.keep(y, channels, *sizes)

    def step_join(self):
        """Concat, Add, Sum, Sub or Max of two tensors. If their channels do not fit, a 1x1 convolution comes first."""
        name, (channels, height, width) = self.value()
        partners = [value for value in self.pool if value[1][1:] == (height, width)]
        other, (other_channels, _, _) = self.pick(partners)
        if self.random.random() < 0.4:
            self.keep(self.net.node("Concat", name, other, axis=1), channels + other_channels, height, width)
            return
        if other_channels != channels:
            other = self.net.conv(other, other_channels, channels, 1)
        op = self.pick(["Add", "Add", "Add", "Sum", "Sub", "Max"])
        y = self.net.node("Add" if other == name else op, name, other)  # x - x would be 0.
        self.keep(self.activation(y), channels, height, width)

    def step_residual(self):
        name, (channels, height, width) = self.value()
        y = self.net.conv_norm(name, channels, channels)
        y = self.net.conv_norm(y, channels, channels, activation=None)
        self.keep(self.net.node("Relu", self.net.node("Add", y, name)), channels, height, width)

    def step_gate(self):
        name, (channels, height, width) = self.value()
        y = self.net.conv(self.net.node("GlobalAveragePool", name), channels, channels, 1)
        self.keep(self.net.node("Mul", name, self.net.node("Sigmoid", y)), channels, height, width)

    def step_scale(self):
        """Caffe's Scale layer, or a lone batch norm."""
        name, (channels, height, width) = self.value()
        if self.random.random() < 0.5:
            y = self.net.norm(name, channels)
        else:
            y = self.net.node("Mul", name, self.net.weight(channels, 1, 1))
            y = self.net.node("Add", y, self.net.weight(channels, 1, 1))
        self.keep(y, channels, height, width)

    def step_shuffle(self):
        name, (channels, height, width) = self.value()
        groups = self.pick([g for g in (1, 2, 3, 4) if channels % g == 0])
        y = self.net.node("Reshape", name, self.net.integers(self.batch, groups, channels // groups, height, width))
        y = self.net.node("Transpose", y, perm=[0, 2, 1, 3, 4])
        y = self.net.node("Reshape", y, self.net.integers(self.batch, channels, height, width))
        self.keep(y, channels, height, width)

    def step_upsample(self):
        name, (channels, height, width) = self.value()
        if height * width > 200:
            return
        if self.net.opset >= 13 and self.random.random() < 0.5:
            y = self.net.node("Resize", name, "", self.net.constant([1, 1, 2, 2]),
                              mode=self.pick(["nearest", "linear"]))
            out = channels
        else:
            out = int(self.random.choice(CHANNELS))
            y = self.net.node("ConvTranspose", name, self.net.weight(channels, out, 2, 2), self.net.weight(out),
                              kernel_shape=[2, 2], strides=[2, 2])
        self.keep(y, out, 2 * height, 2 * width)

    def step_recurrent(self):
        """The pixels of a map, one after the other."""
        name, (channels, height, width) = self.value()
        op, gates = self.pick([("RNN", 1), ("GRU", 3), ("LSTM", 4)])
        hidden, directions = int(self.random.choice(CHANNELS)), self.pick([1, 2])
        y = self.net.node("Reshape", name, self.net.integers(self.batch, channels, height * width))
        weights = [self.net.weight(directions, gates * hidden, size) for size in (channels, hidden, 2)]
        bias = self.net.node("Reshape", weights.pop(), self.net.integers(directions, 2 * gates * hidden))
        y = self.net.node(op, self.net.node("Transpose", y, perm=[2, 0, 1]), *weights, bias, hidden_size=hidden,
                          direction=self.pick(["forward", "reverse"]) if directions == 1 else "bidirectional")
        y = self.net.node("Transpose", y, perm=[2, 1, 3, 0])
        out = directions * hidden
        self.keep(self.net.node("Reshape", y, self.net.integers(self.batch, out, height, width)), out, height, width)

    def subgraph(self, write, inputs=(), first=()):
        """A graph of the nodes that `write` adds, and whose result it returns. first: names of results before it."""
        begin = len(self.net.nodes)
        result = write()
        nodes, self.net.nodes[begin:] = self.net.nodes[begin:], []
        return helper.make_graph(nodes, "inner", inputs, [*first, helper.make_tensor_value_info(result, TensorProto.FLOAT, None)])

    def step_branch(self):
        """One of two branches, by the sum of a map."""
        name, (channels, height, width) = self.value()
        condition = self.net.node("Greater", self.net.node("ReduceSum", name, keepdims=0), self.net.constant(0))
        branches = {"then_branch": self.subgraph(lambda: self.net.conv(name, channels, channels)),
                    "else_branch": self.subgraph(lambda: self.net.node("Tanh", self.net.node("Neg", name)))}
        self.keep(self.net.node("If", condition, **branches), channels, height, width)

    def step_loop(self):
        """A few iterations, each with the same convolution."""
        name, (channels, height, width) = self.value()
        value, kinds = helper.make_tensor_value_info, TensorProto
        inputs = [value("i", kinds.INT64, []), value("goes_on", kinds.BOOL, []), value("v", kinds.FLOAT, None)]
        body = self.subgraph(lambda: self.net.node("Add", self.net.node("Tanh", self.net.conv("v", channels, channels)), name), inputs,
                             [value("goes_on", kinds.BOOL, [])])
        count = self.net.constant(self.pick([1, 2, 3]), np.int64)
        self.keep(self.net.node("Loop", count, "", name, body=body), channels, height, width)

    def step_find(self):
        """A gate by the sum of those elements that are above a limit."""
        name, (channels, height, width) = self.value()
        flat = self.net.node("Reshape", name, self.net.integers(-1))
        places = self.net.node("NonZero", self.net.node("Greater", flat, self.net.constant(self.pick([0, 0.5, 99]))))
        found = self.net.node("Gather", flat, self.net.node("Reshape", places, self.net.integers(-1)))
        gate = self.net.node("Tanh", self.net.node("ReduceSum", self.net.node("Sqrt", found), keepdims=0))
        self.keep(self.net.node("Mul", name, self.net.node("Add", gate, self.net.constant(1))), channels, height, width)

    def grow(self, last=None):
        steps = [self.step_conv] * 5 + [self.step_join] * 3 + [
            self.step_pool, self.step_norm_first, self.step_residual, self.step_gate, self.step_scale,
            self.step_shuffle, self.step_upsample]
        self.step_conv()
        for _ in range(int(self.random.integers(3, 10))):
            self.pick(steps)()
        if last:
            last()
        name, (channels, _, _) = self.pool[-1]
        if name == "x":
            name = self.net.node("Relu", name)
        if self.random.random() < 0.4:
            y = self.net.node("Flatten", self.net.node("GlobalAveragePool", name), axis=1)
            name = self.net.node("Gemm", y, self.net.weight(10, channels), self.net.weight(10), transB=1)
        return name


@pytest.mark.parametrize("seed", range(COUNT))
def test_random_graph(seed, tmp_path):
    grower = RandomNetwork(seed)
    # Other networks stay the same when a kind of step is added.
    last = {1: grower.step_branch, 2: grower.step_loop, 4: grower.step_find, 5: grower.step_recurrent}
    output = grower.grow(last.get(seed % 6))
    a_case = support.network_case(f"random {seed}", grower.net, output, seed, tolerance=2e-5)
    levels = support.cpu_levels()
    options = [f"--mcpu={levels[seed % len(levels)]}"] if levels else []
    support.check_case(a_case, tmp_path, options, threads=1 + seed % 2)
