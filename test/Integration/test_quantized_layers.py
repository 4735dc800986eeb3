# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Layers between DequantizeLinear and QuantizeLinear, with what their kernels do to the sums before they store them.

All scales are powers of two, so that f32 has no error: results are equal to those of ONNX Runtime, which computes in f32.
"""

import math
import re

import numpy as np
import onnx
import onnxruntime
import pytest
from support import LEVELS, Nodes, compile_model, convoy, cpu_options, must, run_artefact
from test_integer_kernels import CONVS

# Rows, depth, columns. Sums of 33 columns go through memory, since they do not fill their tiles.
PRODUCTS = [(1, 64, 48), (7, 64, 33), (12, 2, 16)]
LAYERS = ["odd-channels", "part-of-a-block", "stride", "groups", "small-map", "3d", "few-channels", "depthwise", "1d"]
# Whether the result is quantised, input, attributes.
POOLS = {
    "pool-3x3": (True, (1, 16, 9, 9), dict(kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])),
    "pool-2x2": (False, (2, 12, 8, 7), dict(kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)),
    "pool-wide": (False, (1, 8, 1, 20), dict(kernel_shape=[1, 9], pads=[0, 4, 0, 4])),
    "pool-3d": (True, (1, 8, 4, 4, 5), dict(kernel_shape=[2, 2, 2], strides=[1, 2, 1])),
    # In f32: with dilations, a window may have nothing but padding.
    "pool-dilated": (False, (1, 8, 5, 5), dict(kernel_shape=[2, 2], dilations=[2, 2], pads=[1, 1, 1, 1])),
}
X_SCALE = 2.0 ** -5


def run_in_f32(model, feeds):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return dict(zip((output.name for output in session.get_outputs()), session.run(None, feeds)))


class Network(Nodes):
    """Chains of layers, each with an input of its own."""

    def __init__(self, data):
        super().__init__()
        self.type = data
        self.rng = np.random.default_rng(23)
        self.zero = 0 if data == np.int8 else 117

    def quantize(self, value, scale, zero):
        """Quantises and dequantises."""
        parameters = [self.constant(f"{value}.scale", np.float32(scale)), self.constant(f"{value}.zero", self.type(zero))]
        return self.node("DequantizeLinear",
                         [self.node("QuantizeLinear", [value, *parameters], f"{value}.q"), *parameters], f"{value}.dq")

    def weights(self, name, shape, axis):
        count = shape[axis]
        scales = self.constant(f"{name}.w.scale", (2.0 ** self.rng.integers(-7, -4, count)).astype(np.float32))
        zero = self.constant(f"{name}.w.zero", np.zeros(count, np.int8))
        array = self.constant(f"{name}.w.q", self.rng.integers(-15, 16, shape).astype(np.int8))
        return self.node("DequantizeLinear", [array, scales, zero], f"{name}.w", axis=axis)

    def bias(self, name, count):
        parameters = [self.constant(f"{name}.b.scale", np.float32(2.0 ** -6)), self.constant(f"{name}.b.zero", np.int32(0))]
        array = self.constant(f"{name}.b.q", self.rng.integers(-64, 65, count).astype(np.int32))
        return self.node("DequantizeLinear", [array, *parameters], f"{name}.b")

    @staticmethod
    def scale_of(scale, terms):
        """The scale of sums of so many products of weights and numbers of scale `scale`."""
        return scale * 2.0 ** round(math.log2(0.14 * math.sqrt(terms)))

    def conv(self, name, value, scale, shape, **attributes):
        """A convolution, and the scale of its result."""
        inputs = [value, self.weights(name, shape, 0), self.bias(name, shape[0])]
        return self.node("Conv", inputs, name, **attributes), self.scale_of(scale, math.prod(shape[1:]))

    def add_conv(self, name, x_shape, w_shape, attributes):
        x = f"{name}.x"
        self.feeds[x] = (self.rng.integers(-9, 10, x_shape) * self.rng.random(x_shape)).astype(np.float32)
        first, scale = self.conv(name, self.quantize(x, X_SCALE, self.zero), X_SCALE, w_shape, **attributes)
        relu = self.quantize(self.node("Relu", [first], f"{name}.relu"), scale, -128 if self.type == np.int8 else 0)
        pointwise = (w_shape[0], w_shape[0]) + (1,) * (len(x_shape) - 2)
        second, scale = self.conv(f"{name}.1x1", relu, scale, pointwise)
        second = self.quantize(second, scale, self.zero)
        added = self.quantize(self.node("Add", [second, relu], f"{name}.add"), scale, self.zero)
        # A hard sigmoid whose numbers f32 represents, times its input.
        gate = self.node("HardSigmoid", [added], f"{name}.gate", alpha=0.25, beta=0.5)
        gate = self.quantize(gate, 2.0 ** -7, 0)
        product = self.quantize(self.node("Mul", [added, gate], f"{name}.product"), scale, self.zero)
        third, scale = self.conv(f"{name}.last", product, scale, pointwise)
        self.outputs += [self.quantize(third, scale, self.zero), added]

    def add_pool(self, name, x_shape, quantizes, **attributes):
        """A convolution, a max pool and another convolution. Some tools do not quantise what a max pool gives."""
        channels, rank = x_shape[1], len(x_shape) - 2
        self.feeds[f"{name}.x"] = (self.rng.integers(-9, 10, x_shape) * self.rng.random(x_shape)).astype(np.float32)
        data = self.quantize(f"{name}.x", X_SCALE, self.zero)
        first, scale = self.conv(name, data, X_SCALE, (channels, channels) + (1,) * rank)
        pool = self.node("MaxPool", [self.quantize(first, scale, self.zero)], f"{name}.pool", **attributes)
        if quantizes:
            pool = self.quantize(pool, scale, self.zero)
        second, scale = self.conv(f"{name}.next", pool, scale, (channels, channels) + (1,) * rank)
        self.outputs += [self.quantize(second, scale, self.zero), self.node("Neg", [pool], f"{name}.other")]

    def add_product(self, rows, depth, columns):
        name = f"{rows}x{depth}x{columns}"
        self.feeds[f"{name}.x"] = self.rng.normal(size=(rows, depth)).astype(np.float32)
        data = self.quantize(f"{name}.x", X_SCALE, self.zero)
        inputs = [data, self.weights(name, (depth, columns), 1), self.bias(name, columns)]
        scale = self.scale_of(X_SCALE, depth)
        result = self.quantize(self.node("Gemm", inputs, name), scale, self.zero)
        inputs = [result, self.weights(f"{name}.next", (columns, columns), 1)]
        second = self.node("MatMul", inputs, f"{name}.next")
        self.outputs.append(self.quantize(self.node("Add", [second, result], f"{name}.add"),
                                          self.scale_of(scale, columns), self.zero))

    def get(self):
        return super().get(run=run_in_f32)


def make_network(data):
    network = Network(data)
    for name in LAYERS:
        network.add_conv(name, *CONVS[name])
    for name, (quantizes, x_shape, attributes) in POOLS.items():
        network.add_pool(name, x_shape, quantizes, **attributes)
    for product in PRODUCTS:
        network.add_product(*product)
    return network


@pytest.mark.parametrize(
    "data, cpu", [(np.uint8, cpu) for cpu in [*LEVELS, "icelake-server", "neoverse-n1"]] +
    [(np.int8, cpu) for cpu in ("x86-64-v3", "icelake-server")])
def test_exact(data, cpu, tmp_path):
    network = make_network(data)
    model = network.get()
    expected = run_in_f32(model, network.feeds)
    artefact = compile_model(model, tmp_path, *cpu_options(cpu))
    for threads in (1, 3):
        actual = run_artefact(artefact, network.feeds, network.outputs, threads=threads)
        for name, array in expected.items():
            # Results are neither all equal nor mostly at the limits of their type.
            assert len(np.unique(array)) > 8 or array.size < 64, name
            assert np.array_equal(actual[name], array), name


def dump(network, folder, cpu="x86-64-v3"):
    """The IR after passes, by their names."""
    onnx.save(network.get(), folder / "model.onnx")
    must(convoy("compile", folder / "model.onnx", "-o", folder / "model.so", f"--mcpu={cpu}", f"--dump-ir={folder / 'dump'}"))
    return {path.stem[4:]: path.read_text() for path in (folder / "dump").glob("*.mlir")}


def test_sums_stay_in_registers(tmp_path):
    """Between two layers there is one kernel: the first one stores the integers that the second one reads."""
    network = Network(np.uint8)
    network.add_conv("layer", *CONVS["3x3"])
    scheduled = dump(network, tmp_path)["cnn-extend-epilogue"]
    assert scheduled.count("cnn.yield") == 3
    assert not re.search(r"-> tensor<[0-9x]*xi32>", scheduled)


@pytest.mark.parametrize("data", [np.uint8, np.int8], ids=["uint8", "int8"])
def test_bytes_stay_bytes(data, tmp_path):
    """With an instruction for dots of four, all that is stored between layers are numbers of 8 bits."""
    network = Network(data)
    network.add_conv("layer", *CONVS["3x3"])
    scheduled = dump(network, tmp_path, "icelake-server")["cnn-extend-epilogue"]
    assert scheduled.count("cnn.yield") == 3
    assert "xi16>" not in scheduled


def test_pools(tmp_path):
    """The largest integers are found, not the largest numbers that they stand for."""
    network = Network(np.uint8)
    for name, (quantizes, x_shape, attributes) in POOLS.items():
        network.add_pool(name, x_shape, quantizes, **attributes)
    raised = dump(network, tmp_path)["cnn-raise-quantization"]
    pools = [line for line in raised.splitlines() if "cnn.max_pool" in line]
    assert ["xi16>" in line for line in pools] == [name != "pool-dilated" for name in POOLS]


def test_small_products(tmp_path):
    """Weights of few elements are integers, too, although the bias is known when the model is imported."""
    network = Network(np.uint8)
    network.add_product(4, 8, 16)
    raised = dump(network, tmp_path)["cnn-raise-quantization"]
    assert raised.count("cnn.dense") == 2
    assert raised.count("-> tensor<4x16xi32>") == 2
