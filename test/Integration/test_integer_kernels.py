# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Convolutions and dense layers of integers: every sum is exact, with data and filters of all bits.

NumPy computes what is expected: on CPUs whose only instruction saturates, ONNX Runtime is not exact with filters of 8 bits.
"""

import re
from itertools import groupby, pairwise

import numpy as np
import pytest
from support import EMULATED, LEVELS, compile_model, cpu_options, find_loops, helper, make_model, run_artefact

RNG = np.random.default_rng(19)

# Input, filter, attributes.
CONVS = {
    "1x1": ((1, 8, 5, 7), (16, 8, 1, 1), {}),
    "3x3": ((2, 16, 9, 9), (8, 16, 3, 3), dict(pads=[1, 1, 1, 1])),
    "odd-channels": ((1, 5, 6, 6), (7, 5, 1, 1), {}),
    "part-of-a-block": ((2, 9, 8, 8), (24, 9, 3, 3), dict(pads=[0, 1, 1, 0])),
    "stride": ((1, 16, 15, 17), (32, 16, 3, 3), dict(strides=[2, 2], pads=[1, 1, 1, 1])),
    "dilation": ((1, 8, 12, 11), (16, 8, 3, 2), dict(dilations=[2, 3])),
    "groups": ((1, 32, 10, 10), (48, 16, 3, 3), dict(group=2, pads=[1, 1, 1, 1])),
    "small-groups": ((1, 32, 9, 7), (32, 4, 3, 3), dict(group=8, pads=[1, 1, 1, 1])),
    "three-vectors": ((1, 24, 14, 14), (48, 24, 1, 1), {}),
    "small-map": ((1, 64, 7, 7), (64, 64, 3, 3), dict(pads=[1, 1, 1, 1])),
    "wide": ((1, 8, 3, 70), (33, 8, 3, 3), {}),
    "5x1": ((1, 16, 9, 1), (16, 16, 5, 1), dict(pads=[2, 0, 2, 0])),
    "3d": ((1, 8, 4, 5, 6), (16, 8, 2, 3, 2), dict(pads=[1, 0, 1, 0, 1, 1])),
    # These have no kernel of dots, and are computed in f32.
    "few-channels": ((1, 3, 9, 9), (16, 3, 3, 3), dict(strides=[2, 2])),
    "depthwise": ((1, 16, 8, 8), (16, 1, 3, 3), dict(group=16, pads=[1, 1, 1, 1])),
    "1d": ((2, 8, 9), (16, 8, 3), dict(pads=[1, 1])),
}
# Rows, depth, columns. An odd depth has no kernel of dots.
PRODUCTS = [(1, 64, 40), (7, 64, 33), (20, 1100, 24), (13, 5, 4), (12, 2, 17), (1, 1030, 100), (70, 128, 33), (32, 64, 64)]


def convolve(x, w, strides=None, pads=None, dilations=None, group=1):
    """The sums of a convolution, in i64."""
    rank = x.ndim - 2
    strides, dilations, pads = strides or [1] * rank, dilations or [1] * rank, pads or [0] * 2 * rank
    x = np.pad(x, [(0, 0), (0, 0)] + [(pads[i], pads[rank + i]) for i in range(rank)])
    out = [(x.shape[i + 2] - (w.shape[i + 2] - 1) * dilations[i] - 1) // strides[i] + 1 for i in range(rank)]
    parts = []
    for data, filters in zip(np.split(x, group, 1), np.split(w, group, 0)):
        total = 0
        for position in np.ndindex(*w.shape[2:]):
            window = tuple(slice(p * d, p * d + (o - 1) * s + 1, s)
                           for p, d, o, s in zip(position, dilations, out, strides))
            total = total + np.einsum("nc...,oc->no...", data[(..., *window)], filters[(..., *position)])
        parts.append(total)
    return np.concatenate(parts, 1)


def draw(shape, low, high, extreme):
    """Random integers, or only the smallest and largest ones."""
    return RNG.choice([low, high], shape) if extreme else RNG.integers(low, high + 1, shape)


def make_network(weights):
    """A model with every layer; for two runs, its inputs and what its outputs are. The zero points make data, and with
    `nine-bits` weights, of more than 8 bits. The second run's data and every other output channel's weights are only the
    smallest and largest numbers."""
    nodes, constants, runs = [], {}, [({}, {}), ({}, {})]
    zero_x, zero_w = (0, 127) if weights == "nine-bits" else (255, 0)

    def add(name, op, x_shape, w_shape, compute, **attributes):
        w = draw(w_shape, -128, 127, False)
        odd = (slice(1, None, 2),) if op == "ConvInteger" else (slice(None), slice(1, None, 2))
        w[odd] = draw(w[odd].shape, -128, 127, True)
        constants[f"{name}.w"] = w.astype(np.int8)
        nodes.append(helper.make_node(op, [f"{name}.x", f"{name}.w", "zero_x", "zero_w"], [name], name=name, **attributes))
        for extreme, (feeds, expected) in enumerate(runs):
            x = draw(x_shape, 0, 255, extreme)
            feeds[f"{name}.x"] = x.astype(np.uint8)
            expected[name] = compute(x - zero_x, w - zero_w).astype(np.int32)

    for name, (x_shape, w_shape, attributes) in CONVS.items():
        add(name, "ConvInteger", x_shape, w_shape, lambda x, w: convolve(x, w, **attributes), **attributes)
    for rows, depth, columns in PRODUCTS:
        add(f"{rows}x{depth}x{columns}", "MatMulInteger", (rows, depth), (depth, columns), np.matmul)
    constants.update(zero_x=np.uint8(zero_x), zero_w=np.int8(zero_w))
    return make_model(nodes, runs[0][0], [node.name for node in nodes], constants), runs


def check(weights, folder, *options):
    model, runs = make_network(weights)
    artefact = compile_model(model, folder, *options)
    for threads, (feeds, expected) in zip((3, 1), runs):
        actual = run_artefact(artefact, feeds, list(expected), threads=threads)
        for name, sums in expected.items():
            assert np.array_equal(actual[name], sums), name


@pytest.mark.parametrize("cpu", [*LEVELS, *EMULATED])
def test_bytes(cpu, tmp_path):
    check("eight-bits", tmp_path, *cpu_options(cpu))


@pytest.mark.parametrize("algorithm", ["direct", "winograd_2x2"])
@pytest.mark.parametrize("cpu", LEVELS)
def test_pairs(cpu, algorithm, tmp_path):
    """Weights of nine bits are multiplied in pairs. Winograd's algorithm has no error either, where it is possible."""
    check("nine-bits", tmp_path, *cpu_options(cpu), f"--conv-algorithm={algorithm}")


@pytest.mark.parametrize("algorithm", ["direct", "winograd_2x2"])
def test_algorithms(algorithm, tmp_path):
    check("eight-bits", tmp_path, "--mcpu=x86-64-v3", f"--conv-algorithm={algorithm}")


def test_kernels(tmp_path):
    """Layers are computed by the instruction that multiplies dots of four, or else of two. With VNNI both add to the sum."""
    shape, filters = (1, 16, 14, 14), (16, 16, 3, 3)
    model = make_model([helper.make_node("ConvInteger", ["x", "w"], ["y"], name="layer")],
                       {"x": np.zeros(shape, np.uint8)}, ["y"], {"w": RNG.integers(-9, 9, filters).astype(np.int8)})
    instructions = {"x86-64-v3": "vpmaddwd", "x86-64-v4": "vpmaddwd", "icelake-server": "vpdpbusd", "znver4": "vpdpbusd",
                    "alderlake": "vpdpbusd", "neoverse-n1": "sdot", "neoverse-v1": "usdot"}
    for cpu, instruction in instructions.items():
        code = compile_model(model, tmp_path, f"--mcpu={cpu}", "--emit=asm").read_text()
        assert re.findall(r"\b(v?u?s?(?:dot|pmaddwd|pdp\w+))\s", code) == [instruction] * code.count(instruction), cpu
        assert instruction in code, cpu
        # Sums stay in registers.
        products = [loop for loop in find_loops(code) if loop.count(instruction) >= 8]
        assert products, cpu
        assert not [loop for loop in products if re.search(r"%rsp|\bsp\b", loop)], cpu


@pytest.mark.parametrize("precision, instruction", [("f32", "tdpbusd"), ("bf16", "tdpbf16ps")])
def test_tiles(precision, instruction, tmp_path):
    """A CPU with tiles multiplies them, four for two of inputs and two of weights, and lets them go at the end of a task."""
    shape, filters = (1, 64, 14, 14), (64, 64, 3, 3)
    kind, dtype = ("ConvInteger", np.int8) if precision == "f32" else ("Conv", np.float32)
    inputs = {"x": np.zeros(shape, np.uint8 if precision == "f32" else np.float32)}
    nodes = [helper.make_node(kind, ["x", "w"], ["y"], name="layer")]
    model = make_model(nodes, inputs, ["y"], {"w": RNG.integers(-9, 9, filters).astype(dtype)})
    code = compile_model(model, tmp_path, "--mcpu=sapphirerapids", f"--precision={precision}", "--emit=asm").read_text()
    runs = [(name, len(list(run))) for name, run in groupby(re.findall(r"^\s+(tile\w+|tdp\w+)", code, re.M))]
    steps = {(before, run) for before, run in pairwise(runs) if run[0] == instruction}
    assert steps == {(("tileloadd", 4), (instruction, 4)), (("tileloadd", 3), (instruction, 2))}
    assert code.count("tilerelease") == code.count("ldtilecfg") > 0
    assert not re.search(r"vpdpbusd|vdpbf16ps", code)
