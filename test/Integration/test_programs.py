# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Programs (--emit=exe) for this machine and, under qemu, for AArch64, against ONNX Runtime."""

import platform
import shutil
import subprocess

import numpy as np
import pytest
import support

# Convolutions of every kind, pools, LRN, dense layers, and the activations that need exp and tanh.
NETWORKS = ["tiny_mobilenet", "tiny_densenet", "tiny_conv1d", "tiny_conv3d", "tiny_group_norm"]


def run_program(triple, program, *arguments):
    command = [str(program), *map(str, arguments)]
    if not triple.startswith(platform.machine()):
        emulator = shutil.which("qemu-aarch64") or shutil.which("qemu-aarch64-static")
        assert emulator, "qemu-user is not installed; utils/bootstrap installs it"
        command = [emulator, "-L", "/usr/aarch64-linux-gnu", *command]
    return support.must(subprocess.run(command, capture_output=True, text=True, timeout=300))


def run_as_program(model, feeds, outputs, triple, folder):
    """The outputs (.npy arrays by name) of a model that is compiled to a program for `triple`."""
    support.onnx.save(model, folder / "model.onnx")
    support.must(support.convoy("compile", folder / "model.onnx", "-o", folder / "program", "--emit=exe",
                                f"--mtriple={triple}"))
    arguments = []
    for name, array in feeds.items():
        np.save(folder / f"{name}.npy", array)
        arguments += ["--input", f"{name}={folder / name}.npy"]
    for name in outputs:
        arguments += ["--output", f"{name}={folder / name}.npy"]
    run_program(triple, folder / "program", *arguments)
    return {name: np.load(folder / f"{name}.npy") for name in outputs}


@pytest.mark.parametrize("name,triple", [
    *((name, "aarch64-linux-gnu") for name in NETWORKS),
    ("tiny_mobilenet", f"{platform.machine()}-linux-gnu"),
])
def test_program(name, triple, tmp_path):
    model = support.models.cached(name, batch=1, pre_softmax=True)
    feeds = support.models.random_feeds(model, seed=1)
    expected = support.run_onnxruntime(model, feeds)
    (output,) = expected

    program = tmp_path / "program"
    support.must(support.convoy("compile", model, "-o", program, "--emit=exe", f"--mtriple={triple}"))
    np.save(tmp_path / "in.npy", *feeds.values())
    results = []
    for threads in (1, 2):
        run_program(triple, program, "--input", tmp_path / "in.npy", "--output", tmp_path / "out.npy",
                    "--threads", threads)
        results.append(np.load(tmp_path / "out.npy"))
        support.assert_close(results[-1], expected[output], 2e-5, f"{name}, {threads} thread(s)")
    assert np.array_equal(results[0].view(np.uint32), results[1].view(np.uint32))
