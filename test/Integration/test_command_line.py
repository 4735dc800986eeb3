# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The command line: a file that cannot be read or written gives one clear line and exit code 1, wrong usage gives 2."""

import numpy as np
import onnx
import pytest
import support
from support import good_model, one_line, rand

X = rand(1, 3, 6, 6)


# --- Output files -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("output", ["absent/out.so", "folder"])
def test_unwritable_artefact(output, tmp_path):
    (tmp_path / "folder").mkdir()
    onnx.save(good_model(), tmp_path / "model.onnx")
    message = one_line(support.convoy("compile", tmp_path / "model.onnx", "-o", tmp_path / output))
    assert output in message
    assert {file.name for file in tmp_path.rglob("*")} == {"folder", "model.onnx"}


def test_a_failed_compile_keeps_the_old_artefact(tmp_path):
    artefact = support.compile_model(good_model(), tmp_path)
    before = artefact.read_bytes()
    (tmp_path / "bad.onnx").write_bytes(b"nonsense")
    one_line(support.convoy("compile", tmp_path / "bad.onnx", "-o", artefact))
    assert artefact.read_bytes() == before


# --- Running ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def artefact(tmp_path_factory):
    return support.compile_model(good_model(), tmp_path_factory.mktemp("good"))


BAD_INPUTS = {
    "wrong shape": rand(1, 3, 6, 7),
    "wrong rank": rand(3, 6, 6),
    "wrong type": X.astype(np.float64),
    "integers": X.astype(np.int32),
    "big-endian": X.astype(">f4"),
}


@pytest.mark.parametrize("what", BAD_INPUTS)
def test_run_with_a_bad_input(what, artefact, tmp_path):
    np.save(tmp_path / "bad_input.npy", BAD_INPUTS[what])
    message = one_line(
        support.convoy("run", artefact, "--input", tmp_path / "bad_input.npy", "--output", tmp_path / "y.npy"))
    assert "bad_input.npy" in message and "x" in message
    assert not (tmp_path / "y.npy").exists()


def npy_bytes(folder):
    np.save(folder / "good.npy", X)
    return (folder / "good.npy").read_bytes()


@pytest.mark.parametrize("what,change", {
    "truncated data": lambda data: data[:-4],
    "truncated header": lambda data: data[:40],
    "empty": lambda data: b"",
    "not npy": lambda data: b"1 2 3\n",
    "wrong version": lambda data: data[:6] + b"\x09\x00" + data[8:],
    "header is nonsense": lambda data: data[:10] + b"x" * 118 + data[128:],
    "huge dimensions": lambda data: data.replace(b"(1, 3, 6, 6)", b"(1, 3, 6, %d)" % 2**62)[: len(data)],
}.items(), ids=lambda value: value if isinstance(value, str) else "")
def test_run_with_a_broken_file(what, change, artefact, tmp_path):
    (tmp_path / "broken.npy").write_bytes(change(npy_bytes(tmp_path)))
    message = one_line(
        support.convoy("run", artefact, "--input", tmp_path / "broken.npy", "--output", tmp_path / "y.npy"))
    assert "broken.npy" in message
    assert not (tmp_path / "y.npy").exists()


def test_run_with_a_missing_file(artefact, tmp_path):
    message = one_line(support.convoy("run", artefact, "--input", tmp_path / "absent.npy"))
    assert "absent.npy" in message


def test_run_without_an_input(artefact, tmp_path):
    message = one_line(support.convoy("run", artefact, "--output", tmp_path / "y.npy"))
    assert "x" in message


@pytest.mark.parametrize("direction", ["--input", "--output"])
def test_run_with_an_unknown_name(direction, artefact, tmp_path):
    np.save(tmp_path / "x.npy", X)
    arguments = {"--input": tmp_path / "x.npy", "--output": tmp_path / "y.npy"}
    arguments[direction] = f"stranger={arguments[direction]}"
    message = one_line(support.convoy("run", artefact, *[word for pair in arguments.items() for word in pair]))
    assert "stranger" in message
    assert not (tmp_path / "y.npy").exists()


@pytest.mark.parametrize("output", ["absent/y.npy", "folder"])
def test_run_with_an_unwritable_output(output, artefact, tmp_path):
    (tmp_path / "folder").mkdir()
    np.save(tmp_path / "x.npy", X)
    message = one_line(
        support.convoy("run", artefact, "--input", tmp_path / "x.npy", "--output", tmp_path / output))
    assert output in message


@pytest.mark.parametrize("content", [b"", b"not a library", b"\x7fELF" + bytes(60)], ids=["empty", "text", "elf head"])
def test_run_something_that_is_no_artefact(content, tmp_path):
    (tmp_path / "strange.so").write_bytes(content)
    message = one_line(support.convoy("run", tmp_path / "strange.so", "--random-inputs", "1"))
    assert "strange.so" in message


def test_run_a_library_of_another_kind():
    library = onnx.onnx_cpp2py_export.__file__
    assert "onnx_cpp2py_export" in one_line(support.convoy("run", library, "--random-inputs", "1"))


def test_run_a_truncated_artefact(artefact, tmp_path):
    data = artefact.read_bytes()
    (tmp_path / "cut.so").write_bytes(data[: len(data) // 2])
    assert "cut.so" in one_line(support.convoy("run", tmp_path / "cut.so", "--random-inputs", "1"))


def test_run_a_missing_artefact(tmp_path):
    assert "absent.so" in one_line(support.convoy("run", tmp_path / "absent.so", "--random-inputs", "1"))


# --- Wrong usage ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [
    [], ["no-such-command"], ["--no-such-option"], ["compile"], ["compile", "{model}"],
    ["compile", "{model}", "-o"], ["compile", "{model}", "{model}", "-o", "{out}"],
    ["compile", "{model}", "-o", "{out}", "--no-such-option"], ["compile", "{model}", "-o", "{out}", "--emit=potato"],
    ["compile", "{model}", "-o", "{out}", "--stop-after=potato"],
    ["compile", "{model}", "-o", "{out}", "--shape", "x"],
    ["compile", "{model}", "-o", "{out}", "--shape", "x=1xbx3"],
    ["compile", "{model}", "-o", "{out}", "--shape", "x="],
    ["compile", "{model}", "-o", "{out}", "--shape", "x=1x-3x6x6"],
    ["compile", "{model}", "-o", "{out}", "--mcpu=potato"],
    ["run"], ["run", "{artefact}", "--threads", "0", "--random-inputs", "1"],
    ["run", "{artefact}", "--threads", "many", "--random-inputs", "1"],
    ["run", "{artefact}", "--threads", "-1", "--random-inputs", "1"], ["run", "{artefact}", "--random-inputs", "seven"],
    ["run", "{artefact}", "--no-such-option"],
], ids=lambda words: " ".join(words) or "nothing")
def test_wrong_usage(arguments, artefact, tmp_path):
    onnx.save(good_model(), tmp_path / "model.onnx")
    places = {"model": tmp_path / "model.onnx", "out": tmp_path / "out.so", "artefact": artefact}
    process = support.convoy(*[word.format(**places) for word in arguments])
    assert process.returncode == 2, f"exit code {process.returncode}\n{process.stdout}{process.stderr}"
    assert process.stderr.strip()
    assert not (tmp_path / "out.so").exists()


@pytest.mark.parametrize("arguments", [["--help"], ["compile", "--help"], ["run", "--help"], ["--version"]],
                         ids=" ".join)
def test_help(arguments):
    process = support.must(support.convoy(*arguments))
    assert process.stdout.strip()
