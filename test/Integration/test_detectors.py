# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Small detectors, whose outputs depend on data from the first score to the last box, against ONNX Runtime."""

import numpy as np
import pytest
import support
from tiny_detectors import SIZE, TINY_DETECTORS

TOLERANCE = 1e-5
# Seeds, and contrasts for which a picture has no object, one, and many.
PICTURES = {"tiny_retina_script": (3, (0, 0.65, 1.5)), "tiny_rcnn_script": (2, (0, 0.7, 2))}


@pytest.mark.parametrize("name", TINY_DETECTORS)
def test_tiny_detector(name, tmp_path):
    model = TINY_DETECTORS[name]()
    artefact = support.compile_model(model, tmp_path)
    seed, contrasts = PICTURES[name]
    noise = support.models.random_input([1, 3, SIZE, SIZE], seed)
    counts = []
    for contrast in contrasts:
        feeds = {"x": np.float32(contrast) * noise}
        expected = support.run_onnxruntime(model, feeds)
        counts.append(len(expected["scores"]))
        actual = support.run_artefact(artefact, feeds, expected, threads=len(counts) % 2 + 1)
        for output in expected:
            support.assert_close(actual[output], expected[output], TOLERANCE, f"{name}, {counts[-1]} objects: {output}")
    assert counts[:2] == [0, 1] and counts[2] >= 10
