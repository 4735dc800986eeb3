# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A trained network on real input: PP-OCR's text-orientation classifier tells upright lines from turned ones."""

import sys

import pytest
import support

sys.path.insert(0, str(support.ROOT / "utils"))
import quickstart  # noqa: E402

TEXTS = ["Convoy compiles networks", "Which way up is this?", "ONNX in, native code out", "Hello, Convoy!"]


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    model = quickstart.fetch_classifier()
    folder = tmp_path_factory.mktemp("orientation")
    return model, support.compile_model(model, folder, "--shape", "x=1x3x48x192")


@pytest.mark.parametrize("degrees", [0, 180])
@pytest.mark.parametrize("text", TEXTS)
def test_orientation(text, degrees, classifier):
    model, artefact = classifier
    feeds = {"x": quickstart.preprocess(quickstart.render(text).rotate(degrees))}
    expected = support.run_onnxruntime(model, feeds)
    for threads in (1, 2):
        actual = support.run_artefact(artefact, feeds, expected, threads)
        for name in expected:
            support.assert_close(actual[name], expected[name], 2e-5, text)
            assert (0, 180)[int(actual[name][0].argmax())] == degrees


def test_batch(tmp_path):
    """The same model file with another shape: four lines of text at once."""
    model = quickstart.fetch_classifier()
    pictures = [quickstart.preprocess(quickstart.render(text)) for text in TEXTS]
    feeds = {"x": support.np.concatenate(pictures)}
    expected = support.run_onnxruntime(model, feeds)
    artefact = support.compile_model(model, tmp_path, "--shape", "x=4x3x48x192")
    actual = support.run_artefact(artefact, feeds, expected, threads=2)
    for name in expected:
        support.assert_close(actual[name], expected[name], 2e-5, name)
