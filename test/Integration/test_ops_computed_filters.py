# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Convolutions whose filter or bias is computed at run time, against ONNX Runtime."""

import pytest
from support import batches, case, check_cases, rand, weight

CASES = []


def add(*arguments, **attributes):
    CASES.append(case(*arguments, **attributes))


def conv(name, op, shape, kernel, outputs, group=1, bias=True, **attributes):
    filter_shape = (outputs, shape[1] // group) if op == "Conv" else (shape[1], outputs // group)
    add(name, op, rand(*shape), rand(*filter_shape, *kernel), rand(outputs) if bias else None, group=group, **attributes)


for op in ("Conv", "ConvTranspose"):
    conv("1d", op, (2, 3, 9), [3], 4)
    conv("2d", op, (2, 4, 7, 6), [3, 2], 6, strides=[2, 1], pads=[1, 0, 2, 1], bias=False)
    conv("3d", op, (1, 2, 4, 5, 3), [2, 3, 1], 3, strides=[1, 2, 1], pads=[0, 1, 0, 1, 0, 0])
    conv("groups", op, (2, 6, 5, 5), [3, 3], 4, group=2, dilations=[1, 2])
    conv("depthwise", op, (1, 5, 6, 6), [3, 3], 5, group=5, pads=[1, 1, 1, 1])
    for pad in ("SAME_UPPER", "SAME_LOWER", "VALID"):
        conv(pad, op, (1, 3, 7, 8), [3, 3], 2, auto_pad=pad, strides=[2, 2])
    for computed_filter in (False, True):
        a, b = rand(5, 5, 3, 3), rand(5)
        add(f"only-{computed_filter}", op, rand(1, 5, 8, 8), *((a, weight(5)) if computed_filter else (weight(5, 5, 3, 3), b)))
conv("output-padding", "ConvTranspose", (1, 3, 4, 5), [3, 3], 2, strides=[3, 2], output_padding=[1, 1], pads=[1, 1, 0, 1])
conv("output-shape", "ConvTranspose", (1, 3, 4, 5), [3, 3], 2, strides=[3, 2], output_shape=[10, 8])
# Large enough for a matrix product.
conv("large", "Conv", (2, 16, 20, 20), [3, 3], 24, pads=[1, 1, 1, 1])
conv("large-strides", "Conv", (1, 32, 33, 20), [3, 5], 48, strides=[2, 1], dilations=[1, 2])


@pytest.mark.parametrize("cases", batches(CASES))
def test_op(cases, tmp_path):
    check_cases(cases, tmp_path)


@pytest.mark.parametrize("cases", batches(CASES))
def test_gpu_kernels(cases, tmp_path):
    check_cases(cases, tmp_path, options=["--target=cuda-emulator"])
