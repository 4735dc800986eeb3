# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Limits for whole architectures: the batch norms that are left, the memory of the compiler, the size of the code."""

import os
import re
import struct
import subprocess
import sys

import pytest
import support

MIB = 2**20


def simplify(name, folder):
    """The IR after the phase `simplify`, and the remarks until then."""
    text = folder / "simplified.mlir"
    model = support.models.cached(name, batch=1, pre_softmax=True)
    process = support.must(support.convoy("compile", model, "--stop-after=simplify", "--elide-weights", "-v",
                                          "-o", text))
    return text.read_text(), [line for line in process.stderr.splitlines() if "remark" in line]


def count_batch_norms(name):
    graph = support.onnx.load(support.models.cached(name, batch=1, pre_softmax=True)).graph
    return sum(node.op_type == "BatchNormalization" for node in graph.node)


@pytest.mark.parametrize("name", ["resnet50", "inception_v2"])
def test_every_batch_norm_folds(name, tmp_path):
    assert count_batch_norms(name) > 50
    text, _ = simplify(name, tmp_path)
    assert "cnn.conv" in text
    assert "cnn.batch_norm" not in text
    assert "cnn.scale_shift" not in text, "a batch norm is left as a multiply-add per channel"


def test_a_batch_norm_that_cannot_fold_says_why(tmp_path):
    """DenseNet-121 normalises before its convolutions. After a concatenation there is no convolution to fold into."""
    before = count_batch_norms("densenet121")
    text, remarks = simplify("densenet121", tmp_path)
    assert "cnn.batch_norm" not in text
    left = text.count("cnn.scale_shift")
    assert 0 < left < before, "the batch norms between two convolutions fold"
    reason = re.compile(r"node 'n\d+': becomes one multiply-add per channel: it reads ")
    reasons = [line for line in remarks if reason.search(line)]
    assert len(reasons) == left


MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdin=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
"""


def peak_bytes(*arguments):
    """The peak resident memory of a convoy command. A small process starts it: Linux counts the parent's memory, too."""
    process = subprocess.run([sys.executable, "-c", MEASURE, str(support.CONVOY), *map(str, arguments)],
                             capture_output=True, text=True, check=True)
    return int(process.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("name,limit", [
    ("resnet50", lambda weights: weights + 1024 * MIB),
    ("vgg19", lambda weights: 2.5 * weights),
], ids=["resnet50", "vgg19"])
def test_memory_of_the_compiler(name, limit, tmp_path):
    model = support.models.cached(name, batch=1, pre_softmax=True)
    artefact = tmp_path / "model.so"
    peak = peak_bytes("compile", model, "-o", artefact)
    # Filters that Winograd's algorithm has transformed may be larger than the filters of the model.
    weights = max(os.path.getsize(model), os.path.getsize(artefact))
    artefact.unlink()
    assert peak < limit(weights), f"{peak // MIB} MiB for {weights // MIB} MiB of weights"


def section_sizes(path):
    """Name -> bytes of the sections of a 64-bit little-endian ELF file."""
    with open(path, "rb") as file:
        header = file.read(64)
        offset, = struct.unpack_from("<Q", header, 40)
        size, count, names = struct.unpack_from("<HHH", header, 58)
        file.seek(offset)
        sections = [struct.unpack_from("<IIQQQQ", file.read(size)) for _ in range(count)]
        file.seek(sections[names][4])
        text = file.read(sections[names][5])
    return {text[s[0]:text.index(0, s[0])].decode(): s[5] for s in sections}


@pytest.mark.slow
@pytest.mark.parametrize("level", support.each_level())
def test_code_is_small(level, tmp_path):
    """Kernels are shared between equal layers, and their loops stay rolled."""
    model = support.models.cached("resnet50", batch=1, pre_softmax=True)
    sizes = section_sizes(support.compile_model(model, tmp_path, f"--mcpu={level}"))
    assert sizes[".convoy.weights"] > 90 * MIB
    assert 0 < sizes[".text"] < 2 * MIB
