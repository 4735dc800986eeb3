# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Outputs whose shapes depend on data: what the C interface, the commands and programs say about them."""

import ctypes
import json
import platform

import numpy as np
import onnx
import pytest
import support
from onnx import TensorProto, helper
from support import convoy, must, one_line
from test_mpi import mpirun, no_search_for_leaks  # noqa: F401
from test_programs import run_program

SHAPE = (3, 4)
NO_RUN = 15  # CONVOY_ERROR_NO_RUN
# The C interface's largest dimensions, and which of them are upper bounds.
OUTPUTS = {
    "places": (2, (2, 12), (0, 1)),
    "rows": (2, (12, 2), (1, 0)),
    "picked": (2, (3, 4), (1, 1)),
    "stacked": (3, (4, 2, 3), (1, 0, 1)),
    "negative": (2, SHAPE, (0, 0)),
}
DATA = {
    "some": np.float32([[0, 2, 0, 0], [0, 5, 0, 0], [0, 0, 0, -1]]),
    "none": np.zeros(SHAPE, np.float32),
    "all": np.arange(1, 13, dtype=np.float32).reshape(SHAPE),
}


def make_model():
    nodes = [
        helper.make_node("NonZero", ["x"], ["places"]),
        helper.make_node("Transpose", ["places"], ["rows"], perm=[1, 0]),
        # The rows and the columns with positive sums: two sizes in one output, the columns not contiguous.
        helper.make_node("ReduceSum", ["x", "axis1"], ["sums1"], keepdims=0),
        helper.make_node("ReduceSum", ["x", "axis0"], ["sums0"], keepdims=0),
        helper.make_node("Greater", ["sums1", "zero"], ["keeps_row"]),
        helper.make_node("Greater", ["sums0", "zero"], ["keeps_column"]),
        helper.make_node("Compress", ["x", "keeps_row"], ["some_rows"], axis=0),
        helper.make_node("Compress", ["some_rows", "keeps_column"], ["picked"], axis=1),
        helper.make_node("Unsqueeze", ["picked", "axis0"], ["once"]),
        helper.make_node("Concat", ["once", "once"], ["twice"], axis=0),
        helper.make_node("Transpose", ["twice"], ["stacked"], perm=[2, 0, 1]),
        helper.make_node("Neg", ["x"], ["negative"]),
    ]
    constants = {"axis0": np.int64([0]), "axis1": np.int64([1]), "zero": np.float32(0)}
    types = {name: TensorProto.INT64 if name in ("places", "rows") else TensorProto.FLOAT for name in OUTPUTS}
    graph = helper.make_graph(
        nodes, "sizes", [helper.make_tensor_value_info("x", TensorProto.FLOAT, SHAPE)],
        [helper.make_tensor_value_info(name, types[name], [None] * rank) for name, (rank, *_) in OUTPUTS.items()],
        [onnx.numpy_helper.from_array(array, name) for name, array in constants.items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def expect(x):
    picked = x[x.sum(axis=1) > 0][:, x.sum(axis=0) > 0]
    places = np.array(np.nonzero(x))
    return {"places": places, "rows": places.T, "picked": picked,
            "stacked": np.stack([picked, picked]).transpose(2, 0, 1), "negative": -x}


def compare(actual, x):
    for name, array in expect(x).items():
        assert actual[name].shape == array.shape and np.array_equal(actual[name], array), name


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The model, its artefact, and data with the expected outputs of "some"."""
    folder = tmp_path_factory.mktemp("sizes")
    support.compile_model(make_model(), folder)
    for key, x in DATA.items():
        np.save(folder / f"{key}.npy", x)
    for name, array in expect(DATA["some"]).items():
        np.save(folder / f"some_{name}.npy", array)
    return folder


@pytest.mark.parametrize("options", [[], ["--devices=2"], ["--target=cuda-emulator"],
                                     ["--target=cuda-emulator", "--devices=2"]], ids=" ".join)
def test_artefacts(options, tmp_path):
    artefact = support.compile_model(make_model(), tmp_path, *options)
    for x in DATA.values():
        compare(support.run_artefact(artefact, {"x": x}, OUTPUTS, threads=2), x)


def test_onnxruntime_agrees():
    for x in DATA.values():
        compare(support.run_onnxruntime(make_model(), {"x": x}), x)


def test_run_prints_what_is_there(folder):
    def run(key):
        return must(convoy("run", folder / "model.so", "--input", folder / f"{key}.npy")).stdout.splitlines()

    lines = run("some")
    assert lines[0] == "places  2x3xi64  min 0  max 3  mean 1.33333"
    assert lines[1] == "rows  3x2xi64  min 0  max 3  mean 1.33333"
    assert lines[2] == "picked  2x1xf32  min 2  max 5  mean 3.5"
    lines = run("none")
    assert lines[:4] == ["places  2x0xi64", "rows  0x2xi64", "picked  0x0xf32", "stacked  0x2x0xf32"]
    assert run("all")[0].startswith("places  2x12xi64  min 0  max 3")


def test_check_compares_shapes(folder):
    def check(key, *files):
        expected = [word for name in files for word in ("--expect", f"{name}={folder}/some_{name}.npy")]
        return convoy("check", folder / "model.so", "--input", folder / f"{key}.npy", *expected)

    assert must(check("some", *OUTPUTS)).stdout.count(" ok\n") == len(OUTPUTS)
    process = check("all", "rows", "places")
    assert one_line(process).endswith(f"output 'places' is 2x12xi64, but {folder}/some_places.npy holds 2x3xi64")
    assert process.stdout == "places  2x12xi64  DIFFERS\nrows  12x2xi64  DIFFERS\n"
    # Values of the elements that exist.
    np.save(folder / "off.npy", expect(DATA["some"])["rows"] + np.int64([[0, 0], [0, 0], [0, 7]]))
    process = convoy("check", folder / "model.so", "--input", folder / "some.npy", "--expect", f"rows={folder}/off.npy")
    assert one_line(process).endswith("in 1 of 6 elements, first at [2, 1]: 3 instead of 10")
    # Shapes that no data can have.
    for shape in ((2, 13), (3, 3), (2, 3, 1)):
        np.save(folder / "odd.npy", np.zeros(shape, np.int64))
        process = convoy("check", folder / "model.so", "--input", folder / "some.npy", "--expect",
                         f"places={folder}/odd.npy")
        assert one_line(process).endswith("but output 'places' is 2x<=12xi64")


def test_inspect_and_bench(folder):
    lines = must(convoy("inspect", folder / "model.onnx")).stdout.splitlines()
    assert lines[-4:] == [f"output {name} depends on data: {shape}" for name, shape in
                          (("places", "2x<=12"), ("rows", "<=12x2"), ("picked", "<=3x<=4"), ("stacked", "<=4x2x<=3"))]
    outputs = json.loads(must(convoy("inspect", folder / "model.onnx", "--json")).stdout)["outputs"]
    for output, (name, (_, shape, is_bounded)) in zip(outputs, OUTPUTS.items()):
        assert output == {"name": name, "shape": list(shape), "is_bounded": list(map(bool, is_bounded))}
    must(convoy("bench", folder / "model.so", "--runs=3"))


def test_program(folder, tmp_path):
    triple = f"{platform.machine()}-linux-gnu"
    program = tmp_path / "program"
    must(convoy("compile", folder / "model.onnx", "-o", program, "--emit=exe"))
    assert "output stacked: <=4x2x<=3xf32\n" in run_program(triple, program, "--help").stdout
    for key, x in DATA.items():
        files = {name: tmp_path / f"{name}.npy" for name in OUTPUTS}
        words = [word for name, file in files.items() for word in ("--output", f"{name}={file}")]
        run_program(triple, program, "--input", folder / f"{key}.npy", *words)
        compare({name: np.load(file) for name, file in files.items()}, x)


def test_mpi(folder, tmp_path):
    artefact = support.compile_model(folder / "model.onnx", tmp_path, "--devices=2")
    words = [word for name in OUTPUTS for word in ("--output", f"{name}={tmp_path}/{name}.npy")]
    must(mpirun(2, "run", artefact, "--transport=mpi", "--input", folder / "some.npy", *words))
    compare({name: np.load(tmp_path / f"{name}.npy") for name in OUTPUTS}, DATA["some"])


def test_c_interface(folder):
    model = ctypes.CDLL(str(folder / "model.so"))
    assert model.convoy_output_count() == len(OUTPUTS)
    context = ctypes.c_void_p()
    assert model.convoy_create(1, ctypes.byref(context)) == 0
    buffers = {}
    for index, (name, (rank, shape, is_bounded)) in enumerate(OUTPUTS.items()):
        assert [model.convoy_output_is_bounded(index, dim) for dim in range(rank)] == list(is_bounded)
        assert model.convoy_output_dims(context, index, (ctypes.c_int64 * rank)()) == NO_RUN
        buffers[name] = np.full(shape, -9, np.int64 if name in ("places", "rows") else np.float32)
    outputs = (ctypes.c_void_p * len(buffers))(*(array.ctypes.data for array in buffers.values()))
    for x in DATA.values():
        inputs = (ctypes.c_void_p * 1)(x.ctypes.data)
        assert model.convoy_run(context, inputs, outputs) == 0
        actual = {}
        for index, (name, array) in enumerate(buffers.items()):
            dims = (ctypes.c_int64 * array.ndim)()
            assert model.convoy_output_dims(context, index, dims) == 0
            # The layout stays that of the largest shape.
            actual[name] = array[tuple(slice(dim) for dim in dims)]
        compare(actual, x)
    model.convoy_destroy(context)
