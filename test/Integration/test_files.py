# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Which files the commands read and write, and the options that name them."""

import os
import subprocess

import numpy as np
import onnx
import pytest
from onnx import helper
from support import convoy, good_model, make_model, must, one_line, rand

INPUT = "is an input"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a model, its artefact, its weights in another file, and data."""
    monkeypatch.chdir(tmp_path)
    onnx.save(good_model(), "model.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0)
    must(convoy("compile", "model.onnx", "-o", "model.so"))
    np.save("x.npy", rand(1, 3, 6, 6))
    return tmp_path


def refuse(folder, *arguments, text=INPUT):
    """The command must say why it writes nothing, and change no file."""
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert text in one_line(convoy(*arguments))
    assert before == {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_compile_keeps_its_inputs(folder):
    os.link("model.onnx", "hard.so")
    os.symlink("model.onnx", "soft.so")
    for output in ("model.onnx", "./model.onnx", "hard.so", "soft.so", "weights.bin"):
        refuse(folder, "compile", "model.onnx", "-o", output)
    refuse(folder, "compile", "model.onnx", "-o", "model.onnx", "--stop-after=import")
    refuse(folder, "compile", "model.onnx", "-o", "x.npy", "--bind", "x=x.npy")


def test_run_keeps_its_inputs(folder):
    for model in ("model.so", "model.onnx"):
        for output in (model, "x.npy"):
            refuse(folder, "run", model, "--input", "x.npy", "--output", output)
    refuse(folder, "run", "model.onnx", "--input", "x.npy", "--output", "weights.bin")


def test_inspect_keeps_its_inputs(folder):
    for option in ("--svg", "--onnx-out"):
        refuse(folder, "inspect", "model.onnx", "--devices=2", option, "model.onnx")
        refuse(folder, "inspect", "model.onnx", "--devices=2", option, "weights.bin")


def test_program_keeps_its_inputs(folder):
    must(convoy("compile", "model.onnx", "-o", "program", "--emit=exe"))
    before = (folder / "x.npy").read_bytes()
    process = subprocess.run(["./program", "--input", "x.npy", "--output", "x.npy"], capture_output=True, text=True)
    assert INPUT in one_line(process)
    assert (folder / "x.npy").read_bytes() == before
    # By default, an output has its own name.
    os.rename("x.npy", "y.npy")
    process = subprocess.run(["./program", "--input", "y.npy"], capture_output=True, text=True)
    assert INPUT in one_line(process)
    assert (folder / "y.npy").read_bytes() == before


def test_two_outputs(folder):
    model = make_model([helper.make_node("Relu", ["x"], ["a"]), helper.make_node("Neg", ["x"], ["b"])],
                       {"x": rand(2)}, ["a", "b"])
    onnx.save(model, "two.onnx")
    both = ("run", "two.onnx", "--random-inputs", 1)
    refuse(folder, *both, "--output", "a=y.npy", "--output", "b=y.npy", text="is given for two outputs")
    must(convoy(*both, "--output", "a=/dev/null", "--output", "b=/dev/null"))


def test_exit_codes_of_programs(folder):
    """A program ends with the same code as `convoy run`: 1 for tensors at fault, 2 for wrong usage."""
    must(convoy("compile", "model.onnx", "-o", "program", "--emit=exe"))
    for code, *words in ((1,), (1, "--input", "x.npy", "--input", "x.npy"), (1, "--input", "missing.npy"),
                         (2, "--potato"), (2, "--threads", "many"), (2, "--input")):
        program = subprocess.run(["./program", *words], capture_output=True, text=True)
        process = convoy("run", "model.so", *words)
        assert (program.returncode, process.returncode) == (code, code), words
        assert len(program.stderr.splitlines()) == 1


def test_text_goes_to_standard_output(folder):
    for kind, text in (("asm", "convoy_model"), ("llvm-ir", "define "), ("mlir", "func.func")):
        assert text in must(convoy("compile", "model.onnx", f"--emit={kind}")).stdout


def test_stop_after_and_emit(folder):
    for kind in ("asm", "llvm-ir", "obj", "exe"):
        process = convoy("compile", "model.onnx", "--stop-after=codegen", f"--emit={kind}", "-o", "out")
        assert process.returncode == 2 and "--stop-after" in process.stderr and not (folder / "out").exists()
    must(convoy("compile", "model.onnx", "--stop-after=codegen", "--emit=mlir"))


def test_neither_model_nor_artefact(folder):
    """Options of a compilation do not hide what is wrong with the file."""
    os.rename("model.onnx", "model.bin")
    assert "model.bin is not a compiled model" in one_line(convoy("run", "model.bin", "--shape", "x=1x3x6x6"))
    assert "No such file" in one_line(convoy("run", "missing.so", "--shape", "x=1x3x6x6"))
    process = convoy("run", "model.so", "--shape", "x=1x3x6x6", "--random-inputs", 1)
    assert process.returncode == 2 and "model.so is compiled already" in process.stderr


@pytest.mark.parametrize("triple", ["x86_64-apple-darwin", "riscv64-linux-gnu", "x86_64-pc-windows-msvc", "potato"])
def test_unsupported_triples(folder, triple):
    process = convoy("compile", "model.onnx", "-o", "out.so", "--mtriple", triple)
    assert process.returncode == 2
    assert f"unsupported target triple '{triple}': use x86_64-linux-gnu or aarch64-linux-gnu" in process.stderr


def test_help_of_a_command():
    for name in ("compile", "run", "bench", "check", "inspect"):
        assert must(convoy("help", name)).stdout == must(convoy(name, "--help")).stdout
    assert convoy("help", "potato").returncode == 2
    assert "commands:" in must(convoy("help")).stdout


def test_device_without_number(folder):
    messages = [convoy("run", "model.so", "--random-inputs", 1, f"--device={word}").stderr for word in ("cuda", "cuda:0")]
    assert messages[0] == messages[1] and "has no code for NVIDIA GPUs" in messages[0]


def test_dump_replaces_an_older_one(folder):
    dump = folder / "dump"
    dump.mkdir()
    (dump / "001-not-mine.mlir").touch()
    must(convoy("compile", "model.onnx", "-o", "model.so", "--dump-ir=dump"))
    assert (dump / "001-not-mine.mlir").exists()  # There was no dump.
    (dump / "999-old.mlir").touch()
    (dump / "notes.txt").touch()
    must(convoy("compile", "model.onnx", "--stop-after=simplify", "--dump-ir=dump"))
    files = {path.name for path in dump.iterdir()}
    changed = [line.split() for line in (dump / "index.txt").read_text().splitlines() if not line.endswith("unchanged")]
    assert files == {f"{number}-{name}.mlir" for number, name, *_ in changed} | {"index.txt", "notes.txt"}


def test_tolerance_grows_with_the_values(folder):
    """An element near 0 of an output with large values may be off by what these are rounded by."""
    model = make_model([helper.make_node("Identity", ["x"], ["y"])], {"x": rand(2)}, ["y"])
    onnx.save(model, "identity.onnx")
    np.save("x.npy", np.float32([0.01, 10000]))
    np.save("y.npy", np.float32([0.05, 10000]))
    check = ("check", "identity.onnx", "--input", "x.npy", "--expect", "y.npy")
    must(convoy(*check))
    assert "differs from" in one_line(convoy(*check, "--atol", "1e-5"))
    np.save("y.npy", np.float32([0.5, 10000]))
    assert "differs from" in one_line(convoy(*check))


def test_layers_of_a_node_have_names_of_their_own(folder):
    nodes = [helper.make_node("AveragePool", ["x"], ["p"], name="pool", kernel_shape=[3, 3]),
             helper.make_node("Softplus", ["p"], ["s"], name="soft"), helper.make_node("Conv", ["s", "w"], ["y"], name="conv")]
    onnx.save(make_model(nodes, {"x": rand(1, 16, 9, 9)}, ["y"], {"w": rand(16, 16, 3, 3)}), "pool.onnx")
    table = must(convoy("bench", "pool.onnx", "--runs", 1, "--profile")).stdout.split("\n\n")[1]
    names = [line.split()[0] for line in table.splitlines()[1:]]
    assert len(names) == len(set(names)), table
