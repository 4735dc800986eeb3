# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The comparison that the other tests rely on: it must find errors."""

import numpy as np
import pytest
from support import assert_close, rand, relative_difference

TOLERANCE = 1e-5


def images(size=1e-6, shape=(2, 5, 6, 7)):
    """Random images whose fourth channel is small."""
    array = rand(*shape)
    array[:, 3] *= np.float32(size)
    return array


def change(array, index, factor):
    """A copy whose part at `index` is multiplied by `factor`."""
    changed = array.copy()
    changed[index] *= np.float32(factor)
    return changed


@pytest.mark.parametrize("factor", [0, 0.99, -1, np.nan, np.inf])
def test_a_small_channel_that_is_wrong(factor):
    expected = images()
    actual = change(expected, (slice(None), 3), factor)
    if np.isfinite(factor):
        assert relative_difference(actual, expected) < TOLERANCE, "the tensor as a whole does not show it"
    with pytest.raises(AssertionError, match="channel 3: " if np.isfinite(factor) else "output: max"):
        assert_close(actual, expected, TOLERANCE, "output")


def test_one_element_of_a_small_channel():
    expected = images()
    place = (1, 3, 2, int(np.abs(expected[1, 3, 2]).argmax()))
    with pytest.raises(AssertionError, match="channel 3: "):
        assert_close(change(expected, place, 1.1), expected, TOLERANCE, "output")


def test_roundings_are_none_of_them():
    expected = images()
    assert_close(expected * np.float32(1 + 5e-7), expected, TOLERANCE)
    assert_close(expected, expected, 0)


def test_a_large_channel_that_is_wrong():
    expected = images()
    with pytest.raises(AssertionError, match="output: max"):
        assert_close(change(expected, (slice(None), 0), 1.01), expected, TOLERANCE, "output")


def test_scores():
    """The scores of one operation are compared one by one."""
    expected = np.array([[1.0, 1e-6, 0.5]], np.float32)
    actual = expected + np.array([[0, 5e-6, 0]], np.float32)
    with pytest.raises(AssertionError, match="channel 1: "):
        assert_close(actual, expected, TOLERANCE, "output")
    assert_close(actual, expected, 2 * TOLERANCE, "output")


@pytest.mark.parametrize("tolerance", [TOLERANCE, 2e-5, 3e-3, 2e-2])
def test_a_small_channel_that_is_zero(tolerance):
    """It is found with the tolerance of each precision."""
    expected = images()
    with pytest.raises(AssertionError, match="channel 3: "):
        assert_close(change(expected, (slice(None), 3), 0), expected, tolerance, "output")


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 3), (4, 1), (2, 3, 4, 5, 6)], ids=str)
def test_any_rank(shape):
    expected = np.ones(shape, np.float32)
    assert_close(expected, expected, TOLERANCE)
    if expected.size:
        with pytest.raises(AssertionError):
            assert_close(expected * np.float32(1.1), expected, TOLERANCE)


def test_what_is_not_finite():
    expected = np.array([[1, np.inf, -np.inf, np.nan]], np.float32)
    assert_close(expected, expected, TOLERANCE)
    for place in range(4):
        for value in (np.inf, -np.inf, np.nan):
            if not np.array_equal(expected[0, place], value, equal_nan=True):
                with pytest.raises(AssertionError):
                    assert_close(np.where(np.arange(4) == place, np.float32(value), expected), expected, TOLERANCE)


@pytest.mark.parametrize("actual", [np.zeros((1, 2), np.float32), np.zeros(3, np.float64), np.ones(3, np.float32)])
def test_another_shape_type_or_value(actual):
    with pytest.raises(AssertionError):
        assert_close(actual, np.zeros(3, np.float32), TOLERANCE)


def test_numbers_that_are_not_normal_may_be_zero():
    expected = np.array([[1, 1e-40], [1, 4e-41]], np.float32)
    assert_close(np.where(expected < 1e-38, np.float32(0), expected), expected, TOLERANCE)
    with pytest.raises(AssertionError):
        assert_close(np.where(expected < 1e-38, np.float32(1e-2), expected), expected, TOLERANCE)


def test_scores_of_a_network_are_compared_as_a_whole():
    expected = np.array([[1, 1e-3]], np.float32)
    actual = np.array([[1, 1.002e-3]], np.float32)
    assert_close(actual, expected, TOLERANCE, is_network=True)
    with pytest.raises(AssertionError, match="channel 1: "):
        assert_close(actual, expected, TOLERANCE)
