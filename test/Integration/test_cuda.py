# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models on GPUs: the exit codes of what is missing. A driver that fakes GPUs runs artefacts made by hand."""

import os
import subprocess

import onnx
import pytest
import support
from support import good_model, one_line

FAKES = support.BIN.parent / "test" / "FakeCuda"
SINGLE = FAKES / "HandMadeSingle.so"


def convoy(*arguments, driver=FAKES / "driver", **settings):
    """Runs the convoy command with the driver that is in a folder."""
    environment = {**os.environ, "LD_LIBRARY_PATH": str(driver), **settings}
    return subprocess.run([str(support.CONVOY), *map(str, arguments)], capture_output=True, text=True, env=environment,
                          stdin=subprocess.DEVNULL, timeout=support.COMPILE_LIMIT)


@pytest.fixture
def no_driver(tmp_path):
    (tmp_path / "libcuda.so.1").write_text("no library")
    return tmp_path


def test_a_gpu_that_is_there():
    support.must(convoy("run", SINGLE, "--device=cuda:1", "--random-inputs", 1))


@pytest.mark.parametrize("arguments,settings,words", [
    (["--device=cuda:7"], {}, "no such GPU"),
    ([], {"FAKE_CUDA_GPUS": "0"}, "no such GPU"),
    ([], {"FAKE_CUDA_SM": "75"}, "no code for this GPU"),
    ([], {"FAKE_CUDA_DRIVER": "11040"}, "driver is too old"),
    ([], {"FAKE_CUDA_MEMORY": "1000"}, "out of memory"),
    ([], {"FAKE_CUDA_FAIL": "cuGraphLaunch=700"}, "an illegal memory access"),
], ids=str)
def test_what_is_missing_is_one_line(arguments, settings, words):
    message = one_line(convoy("run", SINGLE, *arguments, "--random-inputs", 1, **settings))
    assert words in message and "HandMadeSingle.so" in message


@pytest.mark.parametrize("command", ["run", "bench"])
def test_no_driver(command, no_driver):
    assert "no NVIDIA driver" in one_line(convoy(command, SINGLE, "--random-inputs", 1, driver=no_driver))


def test_the_cpu_needs_no_driver(no_driver, tmp_path):
    artefact = support.compile_model(good_model(), tmp_path)
    support.must(convoy("run", artefact, "--random-inputs", 1, driver=no_driver))
    assert "--target=cuda" in one_line(convoy("run", artefact, "--device=cuda:0", "--random-inputs", 1))


@pytest.mark.parametrize("options", [
    ["--target=cuda", "--gpu-arch=sm_12"], ["--target=cuda", "--gpu-arch=potato"], ["--precision=f16"],
    ["--target=cuda", "--weights=f16"], ["--target=cuda", "--tune"],
], ids=" ".join)
def test_wrong_usage(options, tmp_path):
    onnx.save(good_model(), tmp_path / "model.onnx")
    process = convoy("compile", tmp_path / "model.onnx", "-o", tmp_path / "model.so", *options)
    assert process.returncode == 2 and process.stderr.count("\n") == 1, process.stderr
    assert not (tmp_path / "model.so").exists()
