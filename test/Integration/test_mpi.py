# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Devices as MPI ranks: the same results as on one device, and a clear error for every fault."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
import support
from support import convoy, must, one_line
from test_partition import TOLERANCE, grouped_network, load
from test_random_graphs import RandomNetwork

# Open MPI does not free all its memory, which is nothing that the sanitizer should find.
ASAN_OPTIONS = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
# Open MPI's mpirun runs as root only if both variables are set.
ENVIRONMENT = dict(os.environ, ASAN_OPTIONS=ASAN_OPTIONS, OMPI_ALLOW_RUN_AS_ROOT="1",
                   OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
LIMIT = 120  # Seconds; nothing may hang.


@pytest.fixture(autouse=True)
def no_search_for_leaks(monkeypatch):
    monkeypatch.setenv("ASAN_OPTIONS", ASAN_OPTIONS)


def mpirun(ranks, *arguments):
    """Runs the convoy command on `ranks` ranks, even if there are fewer cores."""
    command = ["mpirun", "--oversubscribe", "-n", str(ranks), str(support.CONVOY), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, env=ENVIRONMENT)


def check_by_mpi(model, feeds, folder, partitions):
    """Compares partitions, each a number of devices and options, with ONNX Runtime."""
    (name, data), = feeds.items()
    onnx.save(model, folder / "model.onnx")
    ((output, expected),) = support.run_onnxruntime(folder / "model.onnx", feeds).items()
    np.save(folder / "in.npy", data)
    for devices, *options in partitions:
        artefact = support.compile_model(folder / "model.onnx", folder, f"--devices={devices}", *options)
        must(mpirun(devices, "run", artefact, "--transport=mpi", "--threads=1", "--input",
                    f"{name}={folder / 'in.npy'}", "--output", f"{output}={folder / 'out.npy'}"))
        support.assert_close(np.load(folder / "out.npy"), expected, TOLERANCE, f"{devices} ranks {' '.join(options)}",
                             is_network=True)
        (folder / "out.npy").unlink()


@pytest.mark.slow
@pytest.mark.parametrize("name, partition", [("alexnet", (2, "--strategy=group")),
                                             ("resnext50_32x4d", (3, "--strategy=auto"))])
def test_network(name, partition, tmp_path):
    check_by_mpi(*load(name), tmp_path, [partition])


@pytest.mark.parametrize("groups", [2, 4, 6])
def test_only_grouped_layers(groups, tmp_path):
    case = grouped_network(groups)
    check_by_mpi(case.model, case.feeds, tmp_path, [(devices, "--strategy=group") for devices in (2, 3, 4)])


@pytest.mark.parametrize("name", ["tiny_resnext", "tiny_shuffle", "tiny_densenet", "tiny_unet"])
def test_tiny_model(name, tmp_path):
    """With a batch of two, so that the part of a device is not contiguous."""
    check_by_mpi(*load(name, batch=2), tmp_path, [(3, "--strategy=group"), (2, "--strategy=batch")])


def test_lrn(tmp_path):
    """Halos of a batch of two and of ranks with two neighbours; sums over input channels."""
    net = support.tiny_models.Network("lrn", 13, [2, 3, 9, 9])
    y = net.conv("x", 3, 24, 3)
    y = net.node("LRN", y, size=3, alpha=0.1)
    y = net.conv(y, 24, 18, 3, 1, 6)
    y = net.node("LRN", y, size=5, alpha=0.1)
    y = net.node("Flatten", net.node("GlobalAveragePool", y), axis=1)
    y = net.node("Gemm", y, net.weight(10, 18), net.weight(10), transB=1)
    case = support.network_case("lrn", net, y)
    check_by_mpi(case.model, case.feeds, tmp_path,
                 [(3, "--strategy=group"), (3, "--strategy=auto", "--link=1000TB/s,0s")])


@pytest.mark.parametrize("seed", range(12))
def test_random_graph(seed, tmp_path):
    grower = RandomNetwork(2000 + seed)
    case = support.network_case(f"random {seed}", grower.net, grower.grow(), seed)
    options = [f"--strategy={('group', 'auto', 'rows')[seed % 3]}", "--link=1000TB/s,0s"]
    check_by_mpi(case.model, case.feeds, tmp_path, [(3, *options)])


# --- Faults -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def artefact(tmp_path_factory):
    folder = tmp_path_factory.mktemp("artefact")
    return support.compile_model(support.models.cached("tiny_resnext", pre_softmax=True), folder, "--devices=2")


def lines_of(process):
    return [line for line in process.stderr.splitlines() if line.startswith("convoy:")]


@pytest.mark.parametrize("ranks", [1, 3])
def test_wrong_number_of_ranks(artefact, ranks):
    process = mpirun(ranks, "run", artefact, "--transport=mpi", "--random-inputs=1")
    assert process.returncode == 1
    (line,) = lines_of(process)
    assert line.endswith(f"is for 2 devices, but MPI runs {ranks} ranks: start it with mpirun -n 2")


def test_without_mpirun(artefact):
    process = convoy("run", artefact, "--transport=mpi", "--random-inputs=1")
    assert "start it with mpirun -n 2" in one_line(process)


def test_no_gpus():
    process = mpirun(3, "run", support.BIN.parent / "test" / "FakeCuda" / "HandMadeParts.so", "--transport=mpi")
    assert process.returncode == 1
    (line,) = lines_of(process)
    assert line.endswith("HandMadeParts.so: --transport=mpi does not reach GPUs")


def test_bad_input_on_the_first_rank(artefact, tmp_path):
    """The other rank reads no files, and it must not wait for ever."""
    process = mpirun(2, "run", artefact, "--transport=mpi", "--input", tmp_path / "absent.npy")
    assert process.returncode == 1
    (line,) = lines_of(process)
    assert "absent.npy" in line
    process = mpirun(2, "run", artefact, "--transport=mpi", "--random-inputs=1", "--output",
                     tmp_path / "no-such-folder" / "out.npy")
    assert process.returncode == 1
    (line,) = lines_of(process)
    assert "no-such-folder" in line


def test_a_rank_dies(artefact):
    command = ["mpirun", "--oversubscribe", "-n", "2", str(support.CONVOY), "bench", str(artefact), "--transport=mpi",
               "--seconds=100"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
    try:
        ranks = []
        for _ in range(200):
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
            ranks = [int(word) for word in children.split()]
            if len(ranks) == 2:
                break
            time.sleep(0.1)
        assert len(ranks) == 2, "mpirun started no ranks"
        time.sleep(1)
        os.kill(ranks[1], signal.SIGKILL)
        _, errors = process.communicate(timeout=15)
    finally:
        process.kill()
    assert process.returncode != 0
    assert "signal 9" in errors, errors


def test_without_the_library(artefact, tmp_path):
    """A copy of the program that has no libConvoyMpi.so beside it."""
    (tmp_path / "bin").mkdir()
    program = shutil.copy(support.CONVOY, tmp_path / "bin" / "convoy")
    process = subprocess.run([program, "run", artefact, "--transport=mpi", "--random-inputs=1"], capture_output=True,
                             text=True, timeout=LIMIT)
    assert "was built without MPI" in one_line(process)
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "libConvoyMpi.so").write_text("not a library")
    process = subprocess.run([program, "run", artefact, "--transport=mpi", "--random-inputs=1"], capture_output=True,
                             text=True, timeout=LIMIT)
    assert "the MPI library cannot be loaded" in one_line(process)


def test_bench(artefact):
    process = must(mpirun(2, "bench", artefact, "--transport=mpi", "--seconds=0.2"))
    assert process.stdout.count("median") == 1


def test_wrong_usage(artefact):
    process = convoy("run", artefact, "--transport=pigeons", "--random-inputs=1")
    assert process.returncode == 2 and "'pigeons' is not threads or mpi" in process.stderr
