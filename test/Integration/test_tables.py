# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Functions of one 8-bit number are looked up in tables, and have the bits that kernels would compute."""

import numpy as np
import onnx
import pytest
from support import Nodes, compile_model, convoy, cpu_options, must, run_artefact

FUNCTIONS = ["swish", "hard_swish", "sigmoid", "tanh"]
SCALE, GATE_SCALE, RESULT_SCALE = np.float32(0.047), np.float32(1 / 255), np.float32(0.031)


class Network(Nodes):
    """Functions between two quantisations."""

    def __init__(self, data):
        super().__init__()
        self.type, self.zero = data, -5 if data == np.int8 else 117
        self.constants = {"scale": SCALE, "zero": data(self.zero), "gate.scale": GATE_SCALE, "gate.zero": data(self.least),
                          "result.scale": RESULT_SCALE}

    @property
    def least(self):
        return np.iinfo(self.type).min

    def quantize(self, value, output, scale, zero="zero"):
        return self.node("QuantizeLinear", [value, scale, zero], output)

    def add_function(self, kind, x, name):
        """The function of `x`, a float, quantised."""
        if kind in ("swish", "hard_swish"):
            gate = (self.node("Sigmoid", [x], f"{name}.gate") if kind == "swish" else
                    self.node("HardSigmoid", [x], f"{name}.gate", alpha=1 / 6, beta=0.5))
            gate = self.quantize(gate, f"{name}.gate.q", "gate.scale", "gate.zero")
            gate = self.node("DequantizeLinear", [gate, "gate.scale", "gate.zero"], f"{name}.gate.dq")
            value = self.node("Mul", [x, gate], f"{name}.product")
        else:
            value = self.node(kind.capitalize(), [x], f"{name}.value")
        self.outputs.append(self.quantize(value, name, "result.scale"))

    def add_conv(self, name, random):
        """A convolution, quantised; an output, too."""
        self.feeds[f"{name}.x"] = random.integers(0, 256, (1, 8, 19, 7)).astype(np.uint8).view(self.type)
        self.constants |= {f"{name}.w": random.integers(-99, 100, (24, 8, 1, 1)).astype(np.int8),
                           "w.scale": np.full(24, 0.01, np.float32), "w.zero": np.zeros(24, np.int8)}
        x = self.node("DequantizeLinear", [f"{name}.x", "scale", "zero"], f"{name}.x.dq")
        w = self.node("DequantizeLinear", [f"{name}.w", "w.scale", "w.zero"], f"{name}.w.dq", axis=0)
        self.outputs.append(self.quantize(self.node("Conv", [x, w], f"{name}.sums"), name, "scale"))
        return name

    def add_depthwise(self, x):
        """A swish and a depthwise convolution, which reads floats that are integers. Negative ones are bytes, too."""
        self.add_function("swish", x, "depthwise.swish")
        self.constants |= {"depthwise.w": np.random.default_rng(5).integers(-99, 100, (8, 1, 3, 3)).astype(np.int8),
                           "depthwise.scale": np.full(8, 0.01, np.float32), "depthwise.zero": np.zeros(8, np.int8)}
        swish = self.node("DequantizeLinear", [self.outputs.pop(), "result.scale", "zero"], "depthwise.x")
        w = self.node("DequantizeLinear", ["depthwise.w", "depthwise.scale", "depthwise.zero"], "depthwise.w.dq", axis=0)
        sums = self.node("Conv", [swish, w], "depthwise.sums", group=8)
        self.outputs.append(self.quantize(sums, "depthwise", "scale"))

    def compile(self, folder, name, cpu):
        """The artefact, and how many tables it has."""
        folder = folder / name
        folder.mkdir()
        model = self.get()
        onnx.save(model, folder / "scheduled.onnx")
        scheduled = must(convoy("compile", folder / "scheduled.onnx", "--stop-after=schedule", f"--mcpu={cpu}")).stdout
        return compile_model(model, folder, *cpu_options(cpu)), scheduled.count("vector.extract")


@pytest.mark.parametrize("cpu", ["x86-64-v3", "icelake-server", "neoverse-n1"])
@pytest.mark.parametrize("data", [np.uint8, np.int8], ids=["uint8", "int8"])
def test_same_bits(data, cpu, tmp_path):
    """All functions of all numbers, which the program reads or a convolution makes."""
    numbers = np.arange(256, dtype=np.uint8).view(data)
    floats = (numbers.astype(np.float32) - Network(data).zero) * SCALE
    # The functions of floats have no tables.
    plain = Network(data)
    plain.feeds["x"] = floats
    for kind in FUNCTIONS:
        plain.add_function(kind, "x", kind)
    pictures = np.random.default_rng(3).permutation(np.tile(numbers, 3)[:8 * 9 * 10]).reshape(1, 8, 9, 10)
    plain.feeds["pictures"] = (pictures.astype(np.float32) - plain.zero) * SCALE
    plain.add_depthwise("pictures")
    artefact, tables = plain.compile(tmp_path, "plain", cpu)
    assert tables == 0
    expected = run_artefact(artefact, plain.feeds, plain.outputs)

    network = Network(data)
    random = np.random.default_rng(31)
    for kind in FUNCTIONS:
        # A size that fills no vectors.
        network.feeds[f"{kind}.q"] = np.concatenate([numbers, numbers[::-1], numbers[:77]])
        for source, value in (("input", f"{kind}.q"), ("conv", network.add_conv(f"{kind}.conv", random))):
            name = f"{kind}.of_{source}"
            network.add_function(kind, network.node("DequantizeLinear", [value, "scale", "zero"], f"{name}.x"), name)
    network.feeds["pictures"] = pictures
    network.add_depthwise(network.node("DequantizeLinear", ["pictures", "scale", "zero"], "pictures.x"))
    artefact, tables = network.compile(tmp_path, "tables", cpu)
    assert tables == 2 * len(FUNCTIONS) + 1
    for threads in (1, 3):
        actual = run_artefact(artefact, network.feeds, network.outputs, threads=threads)
        assert len(np.unique(expected["depthwise"])) > 20
        assert np.array_equal(actual["depthwise"], expected["depthwise"])
        for kind in FUNCTIONS:
            assert len(np.unique(expected[kind])) > 20, kind
            for source in ("q", "conv"):
                indices = network.feeds[f"{kind}.q"] if source == "q" else actual[f"{kind}.conv"]
                assert len(np.unique(indices)) > 150, kind
                looked_up = expected[kind][indices.view(np.uint8)]
                assert np.array_equal(actual[f"{kind}.of_{'input' if source == 'q' else 'conv'}"], looked_up), (kind, source)
