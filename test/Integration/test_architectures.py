# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The nine architectures of the onnx package and four newer ones, against ONNX Runtime before the last softmax."""

import numpy as np
import pytest
import support

TOLERANCE = 2e-5
LEVELS = support.cpu_levels() or ["native"]

NAMES = [*support.models.LIGHT_MODELS, *support.models.modern_models.MODERN_MODELS]


# To save time, few networks are tested with all levels, and with a batch.
FEW = ["alexnet", "squeezenet", "shufflenet", "mobilenet_v3_small"]


@pytest.mark.slow
@pytest.mark.parametrize("name, level", [(name, level) for name in NAMES for level in LEVELS
                                         if level == LEVELS[-1] or name in FEW])
def test_architecture(name, level, tmp_path):
    check_architecture(name, 1, level, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", FEW)
def test_batch(name, tmp_path):
    check_architecture(name, 3, LEVELS[-1], tmp_path)


def check_architecture(name, batch, level, tmp_path):
    """Compares a network with ONNX Runtime. All runs, with any number of threads, must have the same bits."""
    model = support.models.cached(name, batch=batch, pre_softmax=True)
    feeds = support.models.random_feeds(model, seed=1)
    expected = support.run_onnxruntime(model, feeds)
    (output,) = expected

    artefact = support.compile_model(model, tmp_path, f"--mcpu={level}")
    try:
        first = support.run_artefact(artefact, feeds, expected, threads=1, named=batch != 1)[output]
        support.assert_close(first, expected[output], TOLERANCE, name)
        for threads in (1, 2):
            again = support.run_artefact(artefact, feeds, expected, threads=threads)[output]
            assert np.array_equal(first.view(np.uint32), again.view(np.uint32)), (
                f"{name}: the bits differ in another run with {threads} thread(s)"
            )
    finally:
        artefact.unlink()


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("name", support.tiny_models.TINY_MODELS)
def test_tiny_model(name, batch, tmp_path):
    check_tiny_model(name, batch, tmp_path)


@pytest.mark.parametrize("name", support.models.tiny_transformers.TINY_TRANSFORMERS)
def test_tiny_transformer(name, tmp_path):
    """As exporters write them."""
    check_tiny_model(name, 1, tmp_path)


def check_tiny_model(name, batch, tmp_path):
    model = support.models.cached(name, batch=batch, pre_softmax=True)
    feeds = support.models.random_feeds(model, seed=1)
    expected = support.run_onnxruntime(model, feeds)
    artefact = support.compile_model(model, tmp_path, f"--mcpu={LEVELS[batch % len(LEVELS)]}")
    for threads in (1, 2):
        actual = support.run_artefact(artefact, feeds, expected, threads=threads)
        for output in expected:
            support.assert_close(actual[output], expected[output], TOLERANCE, f"{name}, {threads} thread(s)")


def test_with_softmax(tmp_path):
    """The whole network, the softmax included: probabilities that sum to 1."""
    model = support.models.cached("squeezenet")
    feeds = {"data_0": support.models.random_input([1, 3, 224, 224], seed=1)}
    expected = support.run_onnxruntime(model, feeds)["softmaxout_1"]
    artefact = support.compile_model(model, tmp_path)
    actual = support.run_artefact(artefact, feeds, ["softmaxout_1"], threads=2, named=False)["softmaxout_1"]
    support.assert_close(actual, expected, TOLERANCE, "squeezenet")
    assert abs(actual.sum() - 1) < 1e-4
