# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""--precision=bf16: data and weights of 16 bits in memory, sums in f32.

A bf16 has 8 significant bits. Networks of small integers have no error, and give the bits of f32.
"""

import re

import numpy as np
import pytest
import test_quantized_layers
from support import (OF_ONE_OPERATION, Nodes, assert_close, compile_model, cpu_options, find_loops, models,
                     relative_difference, run_artefact, run_onnxruntime)
from test_integer_kernels import CONVS

# The first computes in f32, the last three multiply pairs of bf16 by an instruction, or tiles of them.
CPUS = ["x86-64-v3", "native", "cooperlake", "sapphirerapids", "neoverse-v1"]
LAYERS = ["odd-channels", "part-of-a-block", "stride", "groups", "small-groups", "small-map", "3d", "few-channels", "depthwise", "1d"]
PRODUCTS = [(1, 64, 40), (7, 64, 33), (20, 1100, 24), (13, 5, 4), (197, 768, 24), (70, 128, 33)]
# Rounding to 8 bits once errs by 2^-9 of a number; a chain of layers adds up a few times as much.
TOLERANCE = 2.0 ** -6


class Network(Nodes):
    """Chains of layers with an input of their own."""

    def __init__(self):
        super().__init__()
        self.rng = np.random.default_rng(31)

    def weights(self, name, shape):
        """Few numbers other than 0, so that sums stay small: about six terms for an output."""
        share = min(1.0, 6 / np.prod(shape[1:]))
        signs = self.rng.choice([-1, 0, 1], shape, p=[share / 2, 1 - share, share / 2])
        return self.constant(f"{name}.w", signs.astype(np.float32))

    def integers(self, name, *shape):
        return self.constant(name, self.rng.integers(-3, 4, shape).astype(np.float32))

    def add_conv(self, name, x_shape, w_shape, attributes):
        self.feeds[f"{name}.x"] = self.rng.integers(-2, 3, x_shape).astype(np.float32)
        inputs = [f"{name}.x", self.weights(name, w_shape), self.integers(f"{name}.b", w_shape[0])]
        first = self.node("Relu", [self.node("Conv", inputs, name, **attributes)], f"{name}.relu")
        pointwise = (w_shape[0], w_shape[0]) + (1,) * (len(x_shape) - 2)
        second = self.node("Conv", [first, self.weights(f"{name}.1x1", pointwise)], f"{name}.1x1")
        added = self.node("Relu", [self.node("Add", [second, first], f"{name}.add")], f"{name}.added")
        gate = self.constant(f"{name}.gate", (2.0 ** self.rng.integers(0, 2, (w_shape[0],) + pointwise[2:])).astype(np.float32))
        product = self.node("Mul", [added, gate], f"{name}.product")
        self.outputs.append(self.node("Conv", [product, self.weights(f"{name}.last", pointwise)], f"{name}.last"))
        self.outputs.append(self.node("MaxPool", [added], f"{name}.pool", kernel_shape=[2] * len(x_shape[2:]),
                                      auto_pad="SAME_UPPER"))

    def add_product(self, rows, depth, columns):
        name = f"{rows}x{depth}x{columns}"
        self.feeds[f"{name}.x"] = self.rng.integers(-2, 3, (rows, depth)).astype(np.float32)
        weights = self.weights(name, (columns, depth))
        first = self.node("Gemm", [f"{name}.x", weights, self.integers(f"{name}.b", columns)], name, transB=1)
        first = self.node("Relu", [first], f"{name}.relu")
        self.outputs.append(self.node("Gemm", [first, self.weights(f"{name}.next", (columns, columns))], f"{name}.next"))


def make_layers():
    network = Network()
    for name in LAYERS:
        network.add_conv(name, *CONVS[name])
    for product in PRODUCTS:
        network.add_product(*product)
    return network


@pytest.mark.parametrize("cpu", CPUS)
def test_layers(cpu, tmp_path):
    network = make_layers()
    model = network.get()
    expected = run_onnxruntime(model, network.feeds)
    artefact = compile_model(model, tmp_path, "--precision=bf16", "--conv-algorithm=direct", *cpu_options(cpu))
    for threads in (1, 3):
        actual = run_artefact(artefact, network.feeds, network.outputs, threads=threads)
        for name in network.outputs:
            assert np.array_equal(actual[name], expected[name]), name


def make_operations():
    """What networks have between and beside convolutions, on random numbers."""
    network = Network()
    rng, node, constant = network.rng, network.node, network.constant

    def normal(name, *shape):
        return constant(name, (rng.normal(size=shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32))

    def conv(name, value, *shape, **attributes):
        return node("Conv", [value, normal(f"{name}.w", *shape), normal(f"{name}.b", shape[0])], name, **attributes)

    def end(value):
        network.outputs.append(node("Neg", [value], f"{value}.end"))

    network.feeds["x"] = rng.normal(size=(2, 3, 20, 18)).astype(np.float32)
    stem = node("Relu", [conv("stem", "x", 32, 3, 3, 3, strides=[2, 2], pads=[1, 1, 1, 1])], "stem.relu")
    data = conv("data", stem, 32, 32, 1, 1)
    # Winograd's tiles, and groups of each kind.
    wide = conv("wide", data, 48, 32, 3, 3, pads=[1, 1, 1, 1])
    end(conv("5x5", wide, 16, 48, 5, 5, pads=[2, 2, 2, 2]))
    end(conv("depthwise", data, 32, 1, 3, 3, group=32, pads=[1, 1, 1, 1]))
    end(conv("small-groups", data, 32, 4, 3, 3, group=8, strides=[2, 2], pads=[1, 1, 1, 1]))
    end(conv("half-groups", data, 32, 8, 3, 3, group=4, strides=[2, 2], pads=[1, 1, 1, 1]))
    end(conv("plain-groups", data, 20, 16, 1, 1, group=2))
    end(node("ConvTranspose", [data, normal("up.w", 32, 12, 2, 2)], "up", strides=[2, 2]))
    # A batch norm and an activation before a convolution.
    statistics = [constant(f"norm.{i}", rng.random(32).astype(np.float32) + 0.5) for i in range(4)]
    norm = node("BatchNormalization", [node("Add", [data, stem], "sum"), *statistics], "norm")
    end(conv("after-norm", node("Relu", [norm], "norm.relu"), 32, 32, 1, 1))
    end("sum")
    # Pools, movement of data, resizing.
    end(node("AveragePool", [data], "average", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]))
    end(node("MaxPool", [data], "largest", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]))
    end(node("LRN", [data], "lrn", size=5, alpha=0.5, beta=0.75))
    end(node("Concat", [data, stem], "concat", axis=1))
    end(node("Pad", [data, constant("pads", np.array([0, 0, 1, 1, 0, 0, 2, 2]))], "pad"))
    scales = constant("scales", np.array([1, 1, 1.5, 2], np.float32))
    end(node("Resize", [data, "", scales], "linear", mode="linear"))
    end(node("Resize", [data, "", scales], "nearest", mode="nearest"))
    end(node("Gather", [data, constant("rows", np.array([3, 1]))], "gather", axis=2))
    end(node("Transpose", [data], "transpose", perm=[0, 2, 3, 1]))
    end(node("Slice", [data, constant("from", np.array([1])), constant("to", np.array([5])), constant("axis", np.array([2]))],
             "slice"))
    # A squeeze-and-excite branch, with a pool of all pixels.
    gate = node("HardSigmoid", [conv("squeeze", node("GlobalAveragePool", [data], "global"), 32, 32, 1, 1)], "gate")
    end(conv("excited", node("Mul", [data, gate], "scaled"), 16, 32, 1, 1))
    # Attention: norms, products of computed matrices, softmax.
    tokens = node("Transpose", [node("Reshape", [data, constant("flat", np.array([2, 32, 90]))], "flat.data")], "tokens",
                  perm=[0, 2, 1])
    tokens = node("LayerNormalization", [tokens, constant("ones", np.ones(32, np.float32))], "layer_norm")
    query, key, value = (node("MatMul", [tokens, normal(f"{name}.w", 32, 32)], name) for name in ("query", "key", "value"))
    scores = node("Softmax", [node("MatMul", [query, node("Transpose", [key], "key.t", perm=[0, 2, 1])], "scores")], "soft")
    end(node("Gelu", [node("MatMul", [scores, value], "attended")], "gelu"))
    # A recurrent layer, and types that stay as they are.
    end(node("Squeeze", [node("GRU", [node("Transpose", [tokens], "steps", perm=[1, 0, 2]), normal("gru.w", 1, 24, 32),
                                      normal("gru.r", 1, 24, 8)], "gru", hidden_size=8)], "states"))
    end(node("Exp", [node("Clip", [data, constant("low", np.float32(-90)), constant("high", np.float32(90))], "clip")], "exp"))
    network.outputs += [node("ArgMax", ["x"], "argmax", axis=1),
                        node("ReduceMean", [data, constant("spatial", np.array([2, 3]))], "mean")]
    flat = node("Flatten", [node("Relu", [data], "last")], "flatten")
    end(node("Gemm", [flat, normal("dense.w", 10, 32 * 90)], "dense", transB=1))
    return network


@pytest.mark.parametrize("options", [["--mcpu=x86-64-v3"], cpu_options("cooperlake"), cpu_options("sapphirerapids"),
                                     ["--mcpu=x86-64-v3", "--conv-algorithm=winograd_4x4_compact"]], ids=lambda options: options[-1].split("=")[1])
def test_operations(options, tmp_path):
    network = make_operations()
    model = network.get(opset=20)
    expected = run_onnxruntime(model, network.feeds)
    actual = run_artefact(compile_model(model, tmp_path, "--precision=bf16", *options), network.feeds, network.outputs,
                          threads=2)
    for name in network.outputs:
        assert_close(actual[name], expected[name], TOLERANCE, name)
        # The option has an effect.
        assert name == "argmax" or relative_difference(actual[name], expected[name]) > OF_ONE_OPERATION, name



@pytest.mark.parametrize("name, cpu", [("tiny_densenet", "x86-64-v3"), ("tiny_transformer", "x86-64-v3"),
                                       ("tiny_group_norm", "cooperlake"), ("tiny_convnext", "sapphirerapids")])
def test_networks(name, cpu, tmp_path):
    model = models.cached(name, batch=1, pre_softmax=True)
    feeds = models.random_feeds(model, seed=1)
    expected = run_onnxruntime(model, feeds)
    actual = run_artefact(compile_model(model, tmp_path, "--precision=bf16", *cpu_options(cpu)), feeds, expected)
    for output in expected:
        assert_close(actual[output], expected[output], TOLERANCE, is_network=True)


def test_quantised_network(tmp_path):
    """What is computed on integers stays so: scales are powers of two, and results have few bits, so bf16 has no error."""
    network = test_quantized_layers.make_network(np.uint8)
    model = network.get()
    expected = test_quantized_layers.run_in_f32(model, network.feeds)
    artefact = compile_model(model, tmp_path, "--precision=bf16", "--mcpu=x86-64-v3")
    actual = run_artefact(artefact, network.feeds, expected)
    for output in expected:
        assert np.array_equal(actual[output], expected[output]), output


def test_devices(tmp_path):
    """Devices exchange bf16, and give the results of one."""
    model = models.cached("tiny_resnext", batch=1, pre_softmax=True)
    feeds = models.random_feeds(model, seed=1)
    outputs = run_onnxruntime(model, feeds)
    one, two = (run_artefact(compile_model(model, tmp_path, "--precision=bf16", "--conv-algorithm=direct", *options), feeds,
                             outputs) for options in ([], ["--devices=2", "--strategy=group"]))
    for output in outputs:
        assert_close(two[output], one[output], TOLERANCE, is_network=True)


def test_numbers_beyond_bf16(tmp_path):
    """Integers that a model counts with keep all their bits, and the largest f32, of a mask, does not become infinite."""
    network = Network()
    constant, node = network.constant, network.node
    network.feeds = {"x": network.rng.normal(size=(3, 16)).astype(np.float32), "keeps": np.zeros((3, 16), bool),
                     "ids": np.array([301, 777, 25518, 19108], np.int64)}
    network.feeds["keeps"][0, 3:9] = True
    floats = node("Cast", ["ids"], "floats", to=1)
    some = node("Slice", [floats, constant("from", np.array([0])), constant("to", np.array([2]))], "some")
    table = constant("table", network.rng.normal(size=(800, 4)).astype(np.float32))
    masked = node("Where", ["keeps", "x", constant("lowest", np.float32(np.finfo(np.float32).min))], "masked")
    network.outputs = [node("Cast", [node("ReduceMax", [floats], "most")], "largest", to=7),
                       node("Gather", [table, node("Cast", [some], "rows", to=7)], "gathered"),
                       node("Softmax", [masked], "soft")]
    model = network.get()
    expected = run_onnxruntime(model, network.feeds)
    actual = run_artefact(compile_model(model, tmp_path, "--precision=bf16"), network.feeds, network.outputs)
    for output in network.outputs:
        assert_close(actual[output], expected[output], TOLERANCE, output)
    assert np.array_equal(actual["soft"][1], np.full(16, 1 / 16, np.float32))



def test_kernels(tmp_path):
    """Pairs are multiplied and sums rounded by instructions, if the CPU has them. Then loops of products touch no stack."""
    network = Network()
    network.feeds["x"] = np.zeros((1, 32, 14, 14), np.float32)
    for i, value in enumerate(["x", "c0", "c1"]):
        network.node("Conv", [value, network.weights(f"c{i}", (32, 32, 1, 1))], f"c{i}")
    network.outputs = ["c2"]
    instructions = {"cooperlake": ("vdpbf16ps", "vcvtneps2bf16"), "znver4": ("vdpbf16ps", "vcvtneps2bf16"),
                    "neoverse-v1": ("bfdot", "bfcvtn"), "x86-64-v4": None, "x86-64-v3": None, "neoverse-n1": None}
    for cpu, expected in instructions.items():
        code = compile_model(network.get(), tmp_path, f"--mcpu={cpu}", "--emit=asm", "--precision=bf16").read_text()
        found = set(re.findall(r"^\s+(v?bf\w+|v\w+bf16\w*)\s", code, re.M))
        if not expected:
            assert not found, cpu
            continue
        product, rounding = expected
        assert {product, rounding} <= found, cpu
        loops = [loop for loop in find_loops(code) if loop.count(product) >= 8]
        assert loops, cpu
        assert not [loop for loop in loops if re.search(r"%rsp|\bsp\b", loop)], cpu


def test_last_lane(tmp_path):
    """The last of 33 outputs is alone in its vector. With AVX-512, LLVM would store four bytes for its two."""
    network = Network()
    network.add_product(7, 64, 33)
    code = compile_model(network.get(), tmp_path, "--mcpu=x86-64-v4", "--emit=asm", "--precision=bf16").read_text()
    assert re.search(r"^\s+(?:movw|vpextrw)\s.*\(%r", code, re.M)
    assert not re.search(r"shrl\s+\$16, (%\w+)\n\s+movl\s+\1, ", code)
