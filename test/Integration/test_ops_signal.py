# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Fourier transforms, windows and mel weights, against onnx's reference evaluator, which computes in f64."""

import numpy as np
import pytest
from support import (Const, batches, case, check_cases, convoy, helper, ints, one_line, onnx, rand, run_reference, scalar,
                     weight)

CASES = []


def add(name, op, *operands, opset=20, **attributes):
    CASES.append(case(name, op, *operands, opset=opset, run=run_reference, **attributes))


def length(value):
    return scalar(value, np.int64)


for parts in (1, 2):
    for onesided in (0, 1):
        flags = dict(onesided=onesided)
        for inverse in (0, 1):
            label = f"{parts}-{onesided}{inverse}"
            add(f"{label}-17", "DFT", rand(2, 12, 3, parts), opset=17, axis=1, inverse=inverse, **flags)
            add(f"{label}-last", "DFT", rand(2, 3, 12, parts), inverse=inverse, **flags)
            for size in (9, 15, 16):
                add(f"{label}-length{size}", "DFT", rand(3, 12, parts), length(size), inverse=inverse, **flags)
            add(f"{label}-first", "DFT", rand(6, 4, parts), None, length(0), inverse=inverse, **flags)
add("prime", "DFT", rand(2, 37, 1))
add("one-sample", "DFT", rand(2, 1, 2))

# Longer than a matrix can be: by steps. One of so many results may be near zero, so that single ones are not compared
# relative to their own size, as they would be with a tolerance of 1e-5.
LONG = dict(tolerance=1.5e-5)
for inverse in (0, 1):
    add(f"4096-{inverse}", "DFT", rand(2, 4096, 2), inverse=inverse, **LONG)
    add(f"mixed-{inverse}", "DFT", rand(1, 2 * 9 * 5 * 67, 2), inverse=inverse, **LONG)
    add(f"onesided-{inverse}", "DFT", rand(1, 2 * 9 * 5 * 67, 2), onesided=1, inverse=inverse, **LONG)
    add(f"padded-{inverse}", "DFT", rand(2, 3000, 2), length(8192), inverse=inverse, **LONG)
    add(f"cut-{inverse}", "DFT", rand(2, 9000, 1), length(6561), onesided=1, inverse=inverse, **LONG)
add("prime-1511", "DFT", rand(1, 1511, 2), **LONG)

for parts in (1, 2):
    for onesided in (0, 1):
        label = f"{parts}{onesided}"
        add(f"{label}-window", "STFT", rand(2, 50, parts), length(8), rand(16), onesided=onesided, opset=17)
        add(f"{label}-both", "STFT", rand(2, 50, parts), length(7), weight(16), length(16), onesided=onesided, opset=17)
        add(f"{label}-length", "STFT", rand(1, 64, parts), length(16), None, length(12), onesided=onesided, opset=17)
add("default", "STFT", rand(1, 64, 1), length(4), rand(8), opset=17)

for window in ("HannWindow", "HammingWindow", "BlackmanWindow"):
    for size in (10, 17):
        add(f"{size}", window, scalar(size, np.int32), opset=17)
        add(f"{size}-symmetric", window, scalar(size, np.int64), opset=17, periodic=0)
    add("int32", window, scalar(12, np.int32), opset=17, output_datatype=6)

for bins, size, rate, low, high in ((8, 16, 8192, 0, 4096), (20, 256, 16000, 20, 7600), (5, 33, 1000, 50, 400)):
    add(f"{bins}", "MelWeightMatrix", scalar(bins, np.int32), scalar(size, np.int32), scalar(rate, np.int32),
        scalar(low), scalar(high), opset=17)


@pytest.mark.parametrize("cases", batches(CASES))
def test_signal(cases, tmp_path):
    check_cases(cases, tmp_path)


def test_on_gpu_kernels(tmp_path):
    some = [a_case for a_case in CASES if any(name in a_case.name for name in ("DFT-1-11", "DFT-cut", "STFT-20-both"))]
    for opset in (17, 20):
        (tmp_path / str(opset)).mkdir()
        group = [a_case for a_case in some if a_case.model.opset_import[0].version == opset]
        assert group
        check_cases(group, tmp_path / str(opset), ["--target=cuda-emulator"])


@pytest.mark.parametrize("op, operands, attributes, message", [
    ("DFT", (rand(2, 8, 3),), {}, "1 or 2 elements in the last dimension"),
    ("DFT", (rand(2, 8, 1), None, length(2)), {}, "the parts of a sample"),
    ("DFT", (rand(2, 8, 1), length(0)), {}, "the length of the transform is 0"),
    ("DFT", (rand(2, 8, 1), np.array(8)), {}, "not a constant"),
    ("STFT", (rand(2, 8, 1), length(2), rand(9)), {}, "has frames of 9 samples"),
    ("STFT", (rand(2, 8, 1), length(0), rand(4)), {}, "frame_step is 0"),
    ("HannWindow", (length(0),), {}, "size is 0"),
    ("MelWeightMatrix", (ints(8), ints(16), ints(4000), scalar(0), scalar(4000)), {}, "outside of the spectrum"),
])
def test_message(op, operands, attributes, message, tmp_path):
    inputs = {f"x{i}": array for i, array in enumerate(operands) if isinstance(array, np.ndarray)}
    constants = {f"x{i}": array.array for i, array in enumerate(operands) if isinstance(array, Const)}
    names = [f"x{i}" if array is not None else "" for i, array in enumerate(operands)]
    graph = helper.make_graph(
        [helper.make_node(op, names, ["y"], **attributes)], "test",
        [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
         for name, array in inputs.items()],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)],
        [onnx.numpy_helper.from_array(array, name) for name, array in constants.items()])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)]), tmp_path / "m.onnx")
    assert message in one_line(convoy("compile", tmp_path / "m.onnx", "-o", tmp_path / "m.so"))
