# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random numbers: the generator of docs/random-numbers.md, written once more in NumPy, and statistics."""

import numpy as np
import pytest
from support import compile_model, convoy, each_level, helper, numpy_helper, one_line, onnx, run_artefact

MASK = np.uint64(0xFFFFFFFF)


def philox(count, key):
    """The four words of the counters 0 .. count - 1 of Philox4x32-10."""
    index = np.arange(count, dtype=np.uint64)
    words = [index & MASK, index >> np.uint64(32), np.zeros_like(index), np.zeros_like(index)]
    low, high = key
    for _ in range(10):
        first, second = words[0] * np.uint64(0xD2511F53), words[2] * np.uint64(0xCD9E8D57)
        words = [(second >> np.uint64(32)) ^ words[1] ^ np.uint64(low), second & MASK,
                 (first >> np.uint64(32)) ^ words[3] ^ np.uint64(high), first & MASK]
        low, high = (low + 0x9E3779B9) & 0xFFFFFFFF, (high + 0xBB67AE85) & 0xFFFFFFFF
    return words


def key_of(seed=None, name=""):
    if seed is not None:
        return int(np.float32(seed).view(np.uint32)), 0
    value = 2166136261
    for letter in name.encode():
        value = (value ^ letter) * 16777619 & 0xFFFFFFFF
    return 0, value


def uniform(count, key):
    return ((philox(count, key)[0] >> np.uint64(8)).astype(np.float32)) * np.float32(2**-24)


def normal(count, key):
    words = [word >> np.uint64(8) for word in philox(count, key)[:2]]
    return np.sqrt(-2 * np.log((words[0] + np.uint64(1)) * 2.0**-24)) * np.cos(2 * np.pi * (words[1] * 2.0**-24))


SHAPE = (50, 400)
COUNT = 20000
P = np.random.default_rng(1).random(SHAPE, dtype=np.float32)
LOGITS = np.log(np.array([[1, 2, 3, 4], [5, 0.5, 0.5, 4]], np.float32))


def make_model():
    def node(op, output, *inputs, **attributes):
        return helper.make_node(op, list(inputs), [output], name=output, **attributes)

    def value(name, element, shape):
        return helper.make_tensor_value_info(name, element, shape)

    nodes = [node("RandomUniform", "uniform", shape=SHAPE, low=-2.0, high=3.0, seed=7.5),
             node("RandomUniform", "unit", shape=SHAPE),
             node("RandomUniformLike", "like", "p", seed=7.5),
             node("RandomNormal", "normal", shape=SHAPE, seed=3.0),
             node("RandomNormalLike", "scaled", "p", mean=10.0, scale=0.5, seed=4.0),
             node("Bernoulli", "draws", "p", seed=1.0),
             node("Bernoulli", "bits", "p", seed=1.0, dtype=onnx.TensorProto.INT32),
             node("Multinomial", "classes", "logits", sample_size=COUNT, seed=5.0),
             node("Multinomial", "classes64", "logits", sample_size=COUNT, seed=5.0, dtype=onnx.TensorProto.INT64)]
    real, number = onnx.TensorProto.FLOAT, onnx.TensorProto.INT32
    outputs = [*(value(name, real, SHAPE) for name in ("uniform", "unit", "like", "normal", "scaled", "draws")),
               value("bits", number, SHAPE), value("classes", number, (2, COUNT)),
               value("classes64", onnx.TensorProto.INT64, (2, COUNT))]
    graph = helper.make_graph(nodes, "random", [value("p", real, SHAPE), value("logits", real, LOGITS.shape)], outputs)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)


def run(folder, *options, threads=1):
    model = make_model()
    artefact = compile_model(model, folder, *options)
    return run_artefact(artefact, {"p": P, "logits": LOGITS}, [output.name for output in model.graph.output], threads)


@pytest.fixture(scope="module")
def numbers(tmp_path_factory):
    return run(tmp_path_factory.mktemp("random"))


def test_generator(numbers):
    # The known answer of the generator's authors for counter 0 and key 0.
    assert [int(word[0]) for word in philox(1, (0, 0))] == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    unit = uniform(COUNT, key_of(7.5)).reshape(SHAPE)
    assert np.array_equal(numbers["uniform"], unit * np.float32(5) + np.float32(-2))
    assert np.array_equal(numbers["like"], unit)
    assert np.array_equal(numbers["unit"].ravel(), uniform(COUNT, key_of(name="unit")))
    np.testing.assert_allclose(numbers["normal"].ravel(), normal(COUNT, key_of(3)), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(numbers["scaled"].ravel(), 10 + 0.5 * normal(COUNT, key_of(4)), rtol=1e-5)
    draws = uniform(COUNT, key_of(1)).reshape(SHAPE) < P
    assert np.array_equal(numbers["draws"], draws.astype(np.float32))
    assert np.array_equal(numbers["bits"], draws.astype(np.int32))
    weights = np.exp(LOGITS)
    sums = np.cumsum(weights / weights.max(axis=1, keepdims=True), axis=1)
    drawn = uniform(2 * COUNT, key_of(5)).reshape(2, COUNT) * sums[:, -1:]
    expected = np.array([np.searchsorted(row, values, side="right") for row, values in zip(sums, drawn)])
    assert (numbers["classes"] != expected).mean() < 1e-3  # A draw may fall on the border of two classes.
    assert np.array_equal(numbers["classes"], numbers["classes64"])


def test_statistics(numbers):
    assert abs(numbers["unit"].mean() - 0.5) < 0.01 and abs(numbers["unit"].var() - 1 / 12) < 0.002
    assert 0 <= numbers["unit"].min() < 0.001 and 0.999 < numbers["unit"].max() < 1
    assert abs(numbers["normal"].mean()) < 0.03 and abs(numbers["normal"].std() - 1) < 0.02
    assert abs((numbers["normal"] ** 4).mean() - 3) < 0.2
    assert abs(numbers["scaled"].mean() - 10) < 0.02 and abs(numbers["scaled"].std() - 0.5) < 0.01
    neighbours = np.corrcoef(numbers["normal"].ravel()[:-1], numbers["normal"].ravel()[1:])[0, 1]
    assert abs(neighbours) < 0.03
    assert abs((numbers["draws"] - P).mean()) < 0.01
    for row in range(2):
        shares = np.bincount(numbers["classes"][row], minlength=4) / COUNT
        assert np.abs(shares - np.exp(LOGITS[row]) / 10).max() < 0.015


def check_same(actual, numbers):
    for name, array in numbers.items():
        assert np.array_equal(actual[name], array), name


def test_same_for_threads(numbers, tmp_path):
    check_same(run(tmp_path, threads=2), numbers)


@pytest.mark.parametrize("level", each_level())
def test_same_on_each_cpu(numbers, tmp_path, level):
    check_same(run(tmp_path, f"--mcpu={level}"), numbers)


def test_same_on_gpu_kernels(numbers, tmp_path):
    check_same(run(tmp_path, "--target=cuda-emulator"), numbers)


@pytest.mark.parametrize("op, attributes, message", [
    ("RandomUniform", {}, "has no attribute 'shape'"),
    ("RandomNormal", {"shape": [2], "dtype": onnx.TensorProto.INT32}, "no floats"),
    ("Multinomial", {"sample_size": 0}, "positive sample_size"),
])
def test_message(op, attributes, message, tmp_path):
    inputs = ["x"] if op == "Multinomial" else []
    constant = numpy_helper.from_array(LOGITS, "x")
    graph = helper.make_graph([helper.make_node(op, inputs, ["y"], **attributes)], "test", [],
                              [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)], [constant])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)]), tmp_path / "m.onnx")
    assert message in one_line(convoy("compile", tmp_path / "m.onnx", "-o", tmp_path / "m.so"))
