# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""GPU kernels: run by the emulator against ONNX Runtime, and assembled for real GPUs."""

import json

import numpy as np
import pytest
import support
import test_ops_convolution
import test_ops_elementwise
import test_ops_pooling_and_norms
import test_ops_shape
from support import check_case, convoy, must, one_line

EMULATED = "--target=cuda-emulator"
# Factors have 11 significant bits; a sum of random products is off by about one rounding of its terms.
ROUNDED = {"tf32": 3e-3, "f16": 3e-3}

CONVOLUTIONS = test_ops_convolution.CASES
OTHERS = [*test_ops_elementwise.CASES, *test_ops_pooling_and_norms.CASES, *test_ops_shape.CASES]


@pytest.mark.parametrize("a_case", [*CONVOLUTIONS, *OTHERS], ids=lambda a_case: a_case.id)
def test_operation(a_case, tmp_path):
    check_case(a_case, tmp_path, [EMULATED])


@pytest.mark.parametrize("precision", ROUNDED)
@pytest.mark.parametrize("a_case", CONVOLUTIONS[::4], ids=lambda a_case: a_case.id)
def test_tensor_cores(a_case, precision, tmp_path):
    rounded = support.Case(a_case.name, a_case.model, a_case.feeds, ROUNDED[precision])
    check_case(rounded, tmp_path, [EMULATED, f"--precision={precision}"])


def emulate(name, tmp_path, *options, batch=1):
    """The output of a network's emulated kernels, and ONNX Runtime's."""
    model = support.models.cached(name, batch=batch, pre_softmax=True)
    graph = support.onnx.load(model, load_external_data=False).graph
    known = {tensor.name for tensor in graph.initializer}
    value = next(value for value in graph.input if value.name not in known)
    shape = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
    feeds = {value.name: support.models.random_input(shape, seed=1)}
    expected = support.run_onnxruntime(model, feeds)
    artefact = support.compile_model(model, tmp_path, EMULATED, *options)
    try:
        actual = support.run_artefact(artefact, feeds, expected, threads=2)
    finally:
        artefact.unlink()
    (output,) = expected
    return actual[output], expected[output]


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("name", support.tiny_models.TINY_MODELS)
def test_tiny_model(name, batch, tmp_path):
    support.assert_close(*emulate(name, tmp_path, batch=batch), 2e-5, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", support.models.LIGHT_MODELS)
def test_architecture(name, tmp_path):
    support.assert_close(*emulate(name, tmp_path), 2e-5, name)


@pytest.mark.parametrize("devices", [2, 3])
@pytest.mark.parametrize("name", support.tiny_models.TINY_MODELS)
def test_shared_by_devices(name, devices, tmp_path):
    shared = emulate(name, tmp_path, f"--devices={devices}", "--strategy=group")
    support.assert_close(*shared, 2e-5, name)


@pytest.mark.parametrize("precision", ROUNDED)
def test_precision_of_a_network(precision, tmp_path):
    actual, expected = emulate("squeezenet", tmp_path, f"--precision={precision}")
    difference = support.relative_difference(actual, expected)
    assert 1e-6 < difference < 1e-2, "tensor cores are not used, or lose more than they may"


def test_check_prints_what_a_precision_costs(tmp_path):
    a_case = test_ops_convolution.CASES[10]
    support.onnx.save(a_case.model, tmp_path / "m.onnx")
    ((name, value),) = a_case.feeds.items()
    np.save(tmp_path / "x.npy", value)
    (expected,) = support.run_onnxruntime(a_case.model, a_case.feeds).values()
    np.save(tmp_path / "y.npy", expected)
    arguments = ["check", tmp_path / "m.onnx", EMULATED, "--precision=f16", "--input", tmp_path / "x.npy", "--expect",
                 tmp_path / "y.npy"]
    assert "max |difference|" in must(convoy(*arguments, "--rtol=1e-2", "--atol=1e-1")).stdout
    assert "differs from" in one_line(convoy(*arguments, "--rtol=1e-7", "--atol=0"))


# The most that a kernel may take, so that several blocks fit on a multiprocessor.
MAX_REGISTERS, MAX_SHARED = 168, 48 * 1024


@pytest.mark.slow
@pytest.mark.parametrize("arch", ["sm_80", "sm_90"])
@pytest.mark.parametrize("name", support.models.LIGHT_MODELS)
def test_kernels_fit(name, arch, tmp_path):
    model = support.models.cached(name)
    report = json.loads(must(convoy("inspect", model, "--target=cuda", f"--gpu-arch={arch}", "--json")).stdout)
    assert report["arch"] == int(arch[3:])
    assert sum(launch["flops"] for launch in report["launches"]) > 1e8
    for launch in report["launches"]:
        kernel = f"{name}, {launch['kernel']}"
        assert launch["registers"] > 0, f"{kernel} was not assembled"
        assert launch["spill_stores"] == launch["spill_loads"] == 0, f"{kernel} spills"
        assert launch["registers"] <= MAX_REGISTERS, f"{kernel} takes {launch['registers']} registers"
        assert launch["shared_bytes"] <= MAX_SHARED, f"{kernel} takes {launch['shared_bytes']} bytes of shared memory"
        assert 0 < launch["occupancy"] <= 1, kernel
        assert launch["roofline_seconds"] >= 0, kernel


def test_tensor_core_kernels_fit(tmp_path):
    model = support.models.cached("squeezenet")
    for precision in ROUNDED:
        report = json.loads(must(convoy("inspect", model, "--target=cuda", "--json",
                                        f"--precision={precision}")).stdout)
        for launch in report["launches"]:
            assert launch["spill_stores"] == launch["spill_loads"] == 0, f"{precision}, {launch['kernel']} spills"
            assert launch["registers"] <= MAX_REGISTERS, f"{precision}, {launch['kernel']}"
