# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""--bind makes an input a constant."""

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from support import convoy, must, one_line, rand, run_artefact, run_onnxruntime

AXES = np.array([1, 2])


def make(nodes, inputs, outputs=("y",), initializers=None):
    """inputs: name -> (type, shape or None)."""
    graph = helper.make_graph(
        nodes, "test", [helper.make_tensor_value_info(name, *info) for name, info in inputs.items()],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in (initializers or {}).items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def reduction(axes_shape=(2,), axes_type=TensorProto.INT64):
    return make([helper.make_node("ReduceSum", ["x", "axes"], ["y"], name="sum", keepdims=0)],
                {"x": (TensorProto.FLOAT, (2, 3, 4)), "axes": (axes_type, axes_shape)})


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("axes.npy", AXES)
    (tmp_path / "axes.pb").write_bytes(numpy_helper.from_array(AXES).SerializeToString())
    onnx.save(reduction(), "model.onnx")
    return tmp_path


@pytest.mark.parametrize("file", ["axes.npy", "axes.pb"])
def test_value(folder, file):
    x = rand(2, 3, 4)
    expected = run_onnxruntime("model.onnx", {"x": x, "axes": AXES})
    must(convoy("compile", "model.onnx", "-o", folder / "model.so", "--bind", f"axes={file}"))
    actual = run_artefact(folder / "model.so", {"x": x}, expected)  # The model has one input now.
    np.testing.assert_allclose(actual["y"], expected["y"], rtol=1e-5)


def test_commands(folder):
    """Each command that reads a model takes the option."""
    x = rand(2, 3, 4)
    np.save("x.npy", x)
    np.save("y.npy", x.sum((1, 2)))
    bind = ("--bind", "axes=axes.npy")
    must(convoy("run", "model.onnx", "--input", "x.npy", *bind))
    must(convoy("check", "model.onnx", "--input", "x.npy", "--expect", "y.npy", *bind))
    must(convoy("bench", "model.onnx", "--runs", 1, *bind))
    assert json.loads(must(convoy("inspect", "model.onnx", "--json", *bind)).stdout)
    process = must(convoy("compile", "model.onnx", "--stop-after=simplify", *bind))
    assert "@main(%arg0: tensor<2x3x4xf32>)" in process.stdout and "\"axes\"" not in process.stdout
    assert "no such input" in one_line(convoy("run", "model.onnx", "--input", "axes=axes.npy", *bind, "--random-inputs", 1))


def test_cache_knows_the_content(folder, monkeypatch):
    monkeypatch.setenv("CONVOY_CACHE_DIR", str(folder / "cache"))
    np.save("x.npy", np.ones((2, 3, 4), np.float32))
    for axes, shape in (([1, 2], "2xf32"), ([0, 1], "4xf32"), ([1, 2], "2xf32")):
        np.save("axes.npy", np.array(axes))
        output = must(convoy("run", "model.onnx", "--input", "x.npy", "--bind", "axes=axes.npy")).stdout
        assert output.startswith(f"y  {shape}"), output
    assert len(list((folder / "cache").glob("*.so"))) == 2


def test_open_dimensions(folder):
    """A bound value fixes open dimensions, also those of other inputs that have the same name."""
    model = make([helper.make_node("Add", ["x", "bias"], ["y"])],
                 {"x": (TensorProto.FLOAT, (2, "C")), "bias": (TensorProto.FLOAT, ("C",))})
    x, bias = rand(2, 7), rand(7)
    onnx.save(model, "model.onnx")
    np.save("bias.npy", bias)
    expected = run_onnxruntime(model, {"x": x, "bias": bias})
    for options in ([], ["--shape", "2x7"], ["--shape", "bias=7"]):
        must(convoy("compile", "model.onnx", "-o", folder / "model.so", "--bind", "bias=bias.npy", *options))
        np.testing.assert_array_equal(run_artefact(folder / "model.so", {"x": x}, ["y"])["y"], expected["y"])


def test_input_without_shape(folder):
    onnx.save(reduction(axes_shape=None), "model.onnx")
    must(convoy("compile", "model.onnx", "-o", "model.so", "--bind", "axes=axes.npy"))


def test_types(folder):
    """Values of all kinds: float16 becomes f32, as in an initializer; scalars; no elements; a name with '='."""
    values = {"a": np.float16([1.5, 2.5]), "b=c": np.array(True), "none": np.zeros((0, 2), np.float32),
              "large": rand(60, 70)}
    types = {name: (helper.np_dtype_to_tensor_dtype(array.dtype), array.shape) for name, array in values.items()}
    types["none"] = (TensorProto.FLOAT, ("N", 2))
    nodes = [helper.make_node("Cast", ["a"], ["a32"], to=1), helper.make_node("Where", ["b=c", "x", "a32"], ["y"]),
             helper.make_node("Concat", ["none", "m"], ["z"], axis=0), helper.make_node("Neg", ["large"], ["w"])]
    model = make(nodes, {"x": (TensorProto.FLOAT, (2,)), "m": (TensorProto.FLOAT, (3, 2)), **types}, ["y", "z", "w"])
    onnx.save(model, "model.onnx")
    feeds = {"x": rand(2), "m": rand(3, 2)}
    options = []
    for index, (name, array) in enumerate(values.items()):
        np.save(f"{index}=.npy", array)
        options += ["--bind", f"{name}={index}=.npy"]
    expected = run_onnxruntime(model, {**feeds, **values})
    must(convoy("compile", "model.onnx", "-o", folder / "model.so", *options))
    for name, array in run_artefact(folder / "model.so", feeds, expected).items():
        np.testing.assert_array_equal(array, expected[name])


def test_default_of_an_input(folder):
    """An initializer of an input is its value unless another one is given."""
    model = make([helper.make_node("Add", ["x", "bias"], ["y"])],
                 {"x": (TensorProto.FLOAT, (2,)), "bias": (TensorProto.FLOAT, (2,))},
                 initializers={"bias": np.float32([1, 2])})
    onnx.save(model, "model.onnx")
    np.save("bias.npy", np.float32([10, 20]))
    x = rand(2)
    for options, bias in (([], [1, 2]), (["--bind", "bias=bias.npy"], [10, 20])):
        must(convoy("compile", "model.onnx", "-o", folder / "model.so", *options))
        actual = run_artefact(folder / "model.so", {"x": x}, ["y"])["y"]
        np.testing.assert_array_equal(actual, x + np.float32(bias))


WRONG = {
    "names no input": (["axis=axes.npy"], "'axis', which is no input; the model's inputs are 'x', 'axes'"),
    "twice": (["axes=axes.npy", "axes=axes.pb"], "--bind names 'axes' twice"),
    "no file": (["axes=missing.npy"], "missing.npy': No such file"),
    "not a tensor": (["axes=model.onnx"], "is not a .npy file"),
    "wrong type": (["axes=floats.npy"], "the file holds float32, the model's input is of int64"),
    "wrong shape": (["axes=three.npy"], "three.npy of shape 3 changes dimension 0 of input 'axes', which the model fixes"),
    "wrong rank": (["axes=matrix.npy"], "matrix.npy of shape 1x2 has rank 2, the model's input 'axes' has shape 2"),
    "text": (["axes=text.pb"], "string"),
}


@pytest.mark.parametrize("what", WRONG)
def test_errors(folder, what):
    np.save("floats.npy", np.float32([1, 2]))
    np.save("three.npy", np.arange(3))
    np.save("matrix.npy", np.arange(2).reshape(1, 2))
    (folder / "text.pb").write_bytes(helper.make_tensor("t", TensorProto.STRING, [1], [b"a"]).SerializeToString())
    bindings, text = WRONG[what]
    process = convoy("compile", "model.onnx", "-o", "model.so", *[word for b in bindings for word in ("--bind", b)])
    assert text in one_line(process)
    assert not (folder / "model.so").exists()
    assert text in one_line(convoy("run", "model.onnx", *[word for b in bindings for word in ("--bind", b)]))


def test_another_shape(folder):
    onnx.save(reduction(axes_shape=("N",)), "model.onnx")
    options = ("-o", "model.so", "--bind", "axes=axes.npy")
    must(convoy("compile", "model.onnx", *options, "--shape", "axes=2"))
    message = one_line(convoy("compile", "model.onnx", *options, "--shape", "axes=3"))
    assert "--shape axes=3 changes dimension 0 of input 'axes', which --bind fixes at 2" in message


def test_message_names_what_to_bind(folder):
    """The input itself, or those that the operand is computed from; not what is known without them."""
    process = convoy("compile", "model.onnx", "-o", "model.so")
    assert "node 'sum' (ReduceSum): input 1 ('axes') is not a constant: bind it with --bind axes=FILE" in one_line(process)
    nodes = [helper.make_node("Shape", ["x"], ["shape"]), helper.make_node("Mul", ["n", "n"], ["square"]),
             helper.make_node("Cast", ["m"], ["m64"], to=7), helper.make_node("Concat", ["square", "m64"], ["both"], axis=0),
             helper.make_node("Slice", ["shape", "zero", "one"], ["first"]),
             helper.make_node("Concat", ["first", "both"], ["target"], axis=0),
             helper.make_node("Reshape", ["x", "target"], ["y"], name="view")]
    model = make(nodes, {"x": (1, (2, 12)), "n": (7, (1,)), "m": (6, (1,))},
                 initializers={"zero": np.array([0]), "one": np.array([1])})
    onnx.save(model, "model.onnx")
    message = one_line(convoy("compile", "model.onnx", "-o", "model.so"))
    assert ("input 1 ('target') is not a constant, it is computed from the model's inputs 'n', 'm': bind them with "
            "--bind n=FILE --bind m=FILE") in message
    np.save("n.npy", np.array([2]))
    message = one_line(convoy("compile", "model.onnx", "-o", "model.so", "--bind", "n=n.npy"))
    assert "it is computed from the model's input 'm': bind it with --bind m=FILE" in message
    np.save("m.npy", np.int32([3]))
    must(convoy("compile", "model.onnx", "-o", folder / "model.so", "--bind", "n=n.npy", "--bind", "m=m.npy"))
    x = rand(2, 12)
    np.testing.assert_array_equal(run_artefact(folder / "model.so", {"x": x}, ["y"])["y"], x.reshape(2, 4, 3))
