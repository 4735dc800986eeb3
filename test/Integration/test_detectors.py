# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Small detectors, whose outputs depend on data from the first score to the last box, against ONNX Runtime."""

import numpy as np
import pytest
import support
from tiny_detectors import SIZE, TINY_DETECTORS

TOLERANCE = 1e-5


def make_pictures():
    """The more contrast, the more objects."""
    noise = support.models.random_input([1, 3, SIZE, SIZE], seed=2)
    return [np.float32(contrast) * noise for contrast in np.arange(17) / 8]


@pytest.mark.parametrize("name", TINY_DETECTORS)
def test_tiny_detector(name, tmp_path):
    model = TINY_DETECTORS[name]()
    artefact = support.compile_model(model, tmp_path)
    counts = set()
    for picture in make_pictures():
        feeds = {"x": picture}
        expected = support.run_onnxruntime(model, feeds)
        count = len(expected["scores"])
        if count in counts:
            continue
        counts.add(count)
        actual = support.run_artefact(artefact, feeds, expected, threads=len(counts) % 2 + 1)
        for output in expected:
            support.assert_close(actual[output], expected[output], TOLERANCE, f"{name}, {count} objects: {output}")
    assert {0, 1} < counts and max(counts) >= 10, f"pictures must have none, one and many: {counts}"
