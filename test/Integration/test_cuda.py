# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models on GPUs: the errors if something is missing. A fake driver runs artefacts that are written by hand."""

import os
import subprocess

import numpy as np
import onnx
import pytest
import support
from support import good_model, one_line

FAKES = support.BIN.parent / "test" / "FakeCuda"
SINGLE = FAKES / "HandMadeSingle.so"
PARTS = FAKES / "HandMadeParts.so"


def convoy(*arguments, driver=FAKES / "driver", **settings):
    """Runs the convoy command with the driver of the folder `driver`; `settings` are environment variables."""
    environment = {**os.environ, "LD_LIBRARY_PATH": str(driver), **settings}
    return subprocess.run([str(support.CONVOY), *map(str, arguments)], capture_output=True, text=True, env=environment,
                          stdin=subprocess.DEVNULL, timeout=support.COMPILE_LIMIT)


@pytest.fixture
def no_driver(tmp_path):
    (tmp_path / "libcuda.so.1").write_text("no library")
    return tmp_path


def test_a_gpu_that_is_there():
    support.must(convoy("run", SINGLE, "--device=cuda:1", "--random-inputs", 1))


def test_an_output_of_unknown_size(tmp_path):
    np.save(tmp_path / "a.npy", np.full(300032, 7, np.float32))
    done = support.must(convoy("run", SINGLE, "--input", f"a={tmp_path}/a.npy", "--random-inputs", 1))
    assert done.stdout.splitlines()[1].startswith("twice  7xf32  min ")


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


@pytest.fixture
def no_nccl(tmp_path):
    (tmp_path / "libnccl.so.2").write_text("no library")
    return f"{tmp_path}:{FAKES / 'driver'}"


def test_sums_of_gpus(no_nccl, tmp_path):
    """Three devices compute the formula of HandMade.h, whether NCCL adds or the host."""
    x = np.random.default_rng(1).integers(-50, 50, (4, 24)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    z = np.pad(np.roll(x, -35, axis=1) + 5, ((0, 0), (1, 2)))
    np.save(tmp_path / "y.npy", z[:, 1:-2] + 10 * (z[:, :-3] + z[:, 1:-2] + z[:, 3:]) + 100 * x)
    files = ["--input", tmp_path / "x.npy", "--expect", tmp_path / "y.npy"]
    for settings in ({"CONVOY_NCCL": "1"}, {"CONVOY_NCCL": "0"}, {"driver": no_nccl}, {"FAKE_CUDA_GPUS": "1"},
                     {"FAKE_CUDA_FAIL": "ncclCommInitAll=2"}):
        done = support.must(convoy("check", PARTS, *files, **{"FAKE_CUDA_GPUS": "3", **settings}))
        assert "max |difference| 0 " in done.stdout, settings


@pytest.mark.parametrize("settings,words", [
    ({"FAKE_CUDA_GPUS": "2"}, "devices 0 and 2 share GPU 0"),
    ({"FAKE_NCCL": "2804"}, "version 2.8, not 2.9"),
    ({"driver": FAKES / "old-driver"}, "libnccl.so.2 has no ncclCommAbort"),
    ({"FAKE_CUDA_FAIL": "ncclCommInitAll=2"}, "ncclCommInitAll: unhandled system error"),
    ({"FAKE_CUDA_FAIL": "ncclAllReduce=1@2"}, "GPU 2 Fake GPU, ncclAllReduce: unhandled cuda error"),
], ids=str)
def test_why_nccl_does_not_add(settings, words):
    settings = {"CONVOY_NCCL": "1", "FAKE_CUDA_GPUS": "3", **settings}
    message = one_line(convoy("run", PARTS, "--random-inputs", 1, **settings))
    assert words in message and "CONVOY_NCCL=0 does without it" in message


def test_no_nccl(no_nccl):
    message = one_line(convoy("run", PARTS, "--random-inputs", 1, driver=no_nccl, CONVOY_NCCL="1", FAKE_CUDA_GPUS="3"))
    assert "libnccl.so.2" in message


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
