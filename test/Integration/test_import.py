# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The forms that an ONNX file can take: where weights live, how they are stored, names, shapes, outputs."""

import numpy as np
import onnx
import pytest
import support
from onnx import TensorProto, helper, numpy_helper
from support import Case, check_case, make_model, rand

X = rand(1, 5, 8, 8)
W = rand(17, 5, 3, 3)
B = rand(17)


def conv_model(**options):
    """Conv and Relu, the most usual pair; each test varies this model."""
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"], name="conv", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["y"], name="relu"),
    ]
    return make_model(nodes, {"x": X}, ["y"], {"w": W, "b": B}, **options)


def check(model, folder, feeds=None, options=(), tolerance=1e-5):
    check_case(Case("model", model, feeds or {"x": X}, tolerance), folder, options)


@pytest.mark.parametrize("ir_version", [3, 4, 8])
def test_initializers_among_the_inputs(ir_version, tmp_path):
    """Such an input is a weight, and `convoy run` needs no file for it."""
    check(conv_model(opset=7, ir_version=ir_version, list_initializers=True), tmp_path)


def replace_weight(model, name, tensor):
    for index, initializer in enumerate(model.graph.initializer):
        if initializer.name == name:
            model.graph.initializer[index].CopyFrom(tensor)


def test_weights_as_float_data(tmp_path):
    model = conv_model()
    replace_weight(model, "w", helper.make_tensor("w", TensorProto.FLOAT, W.shape, W.ravel().tolist()))
    assert model.graph.initializer[0].float_data
    check(model, tmp_path)


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
@pytest.mark.parametrize("raw", [True, False])
def test_weights_of_other_float_types(dtype, raw, tmp_path):
    """Weights stored as f16 or f64, cast to f32 in the graph."""
    model = conv_model()
    small = W.astype(dtype)
    if raw:
        tensor = numpy_helper.from_array(small, "w_small")
    else:
        tensor = helper.make_tensor("w_small", helper.np_dtype_to_tensor_dtype(small.dtype), W.shape, small.ravel())
    replace_weight(model, "w", tensor)
    model.graph.node.insert(0, helper.make_node("Cast", ["w_small"], ["w"], name="cast", to=TensorProto.FLOAT))
    check(model, tmp_path)


def test_bfloat16_weights(tmp_path):
    model = conv_model()
    bits = (W.view(np.uint32) >> 16).astype(np.uint16)
    tensor = TensorProto(name="w_small", dims=W.shape, data_type=TensorProto.BFLOAT16, raw_data=bits.tobytes())
    replace_weight(model, "w", tensor)
    model.graph.node.insert(0, helper.make_node("Cast", ["w_small"], ["w"], name="cast", to=TensorProto.FLOAT))
    check(model, tmp_path)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.int32, np.int64, np.bool_])
def test_integer_weights(dtype, tmp_path):
    model = conv_model()
    replace_weight(model, "w", numpy_helper.from_array((W * 3).astype(dtype), "w_int"))
    model.graph.node.insert(0, helper.make_node("Cast", ["w_int"], ["w"], name="cast", to=TensorProto.FLOAT))
    check(model, tmp_path)


def test_weights_from_constant_nodes(tmp_path):
    model = conv_model()
    nodes = [helper.make_node("Constant", [], [tensor.name], name=f"constant_{tensor.name}", value=tensor)
             for tensor in model.graph.initializer]
    model.graph.ClearField("initializer")
    for node in reversed(nodes):
        model.graph.node.insert(0, node)
    check(model, tmp_path)


def test_constant_node_attributes(tmp_path):
    nodes = [
        helper.make_node("Constant", [], ["f"], name="f", value_float=1.5),
        helper.make_node("Constant", [], ["fs"], name="fs", value_floats=[1.0, 2.0, 3.0]),
        helper.make_node("Constant", [], ["i"], name="i", value_int=2),
        helper.make_node("Constant", [], ["is"], name="is", value_ints=[2, 3]),
        helper.make_node("Cast", ["i"], ["i_float"], name="cast", to=TensorProto.FLOAT),
        helper.make_node("Mul", ["x", "f"], ["a"], name="mul"),
        helper.make_node("Add", ["a", "fs"], ["b"], name="add"),
        helper.make_node("Sub", ["b", "i_float"], ["c"], name="sub"),
        helper.make_node("Reshape", ["c", "is"], ["y"], name="reshape"),
    ]
    feeds = {"x": rand(1, 2, 3)}
    check(make_model(nodes, feeds, ["y"], opset=13), tmp_path, feeds)


def test_large_constant_of_shape_as_weight(tmp_path):
    """The light models of the onnx package have such weights."""
    model = conv_model(opset=9)
    replace_weight(model, "w", numpy_helper.from_array(np.array(W.shape, np.int64), "w_shape"))
    fill = helper.make_node("ConstantOfShape", ["w_shape"], ["w"], name="fill",
                            value=helper.make_tensor("v", TensorProto.FLOAT, [1], [0.02]))
    model.graph.node.insert(0, fill)
    check(model, tmp_path)


@pytest.mark.parametrize("one_file", [True, False])
def test_external_data(one_file, tmp_path):
    model = conv_model()
    path = tmp_path / "model.onnx"
    onnx.save_model(model, path, save_as_external_data=True, all_tensors_to_one_file=one_file, location="weights.bin"
                    if one_file else None, size_threshold=0)
    expected = support.run_onnxruntime(path, {"x": X})
    artefact = support.compile_model(path, tmp_path)
    # The artefact has its own copy of the weights.
    for file in tmp_path.iterdir():
        if file != artefact:
            file.unlink()
    support.assert_close(support.run_artefact(artefact, {"x": X}, ["y"])["y"], expected["y"], 1e-5)


def test_external_data_in_a_subfolder_with_offset(tmp_path, monkeypatch):
    model = conv_model()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "w.bin").write_bytes(b"\xff" * 64 + W.tobytes() + B.tobytes() + b"\xff")
    for tensor, offset, array in zip(model.graph.initializer, (64, 64 + W.nbytes), (W, B)):
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", "data/w.bin"), ("offset", offset), ("length", array.nbytes)):
            tensor.external_data.add(key=key, value=str(value))
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    expected = support.run_onnxruntime(path, {"x": X})
    monkeypatch.chdir("/")  # The location counts from the model's folder, not from the working folder.
    artefact = support.compile_model(path, tmp_path)
    support.assert_close(support.run_artefact(artefact, {"x": X}, ["y"])["y"], expected["y"], 1e-5)


def make_dynamic(model, *dims):
    """Replaces the input's dimensions, each by an integer, a name, or nothing (None)."""
    shape = model.graph.input[0].type.tensor_type.shape
    for dim, value in zip(shape.dim, dims):
        dim.Clear()
        if isinstance(value, int):
            dim.dim_value = value
        elif value:
            dim.dim_param = value
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")


@pytest.mark.parametrize("dims", [("N", 5, "H", "W"), ("N", 5, "S", "S"), (None, 5, None, None), (-1, 5, "?", "?")],
                         ids=["named", "one name twice", "nameless", "paddle"])
def test_symbolic_shape(dims, tmp_path):
    model = conv_model()
    make_dynamic(model, *dims)
    feeds = {"x": rand(2, 5, 9, 9)}
    check(model, tmp_path, feeds, ["--shape", "x=2x5x9x9"])


def test_input_without_a_shape(tmp_path):
    model = conv_model()
    model.graph.input[0].type.tensor_type.ClearField("shape")
    model.graph.output[0].type.tensor_type.ClearField("shape")
    check(model, tmp_path, options=["--shape", "x=1x5x8x8"])


def test_symbolic_shape_of_two_inputs(tmp_path):
    feeds = {"a": rand(3, 4), "b": rand(3, 4)}
    model = make_model([helper.make_node("Add", ["a", "b"], ["y"], name="add")], feeds, ["y"])
    for value in model.graph.input:
        value.type.tensor_type.shape.dim[0].dim_param = "N"
    model.graph.output[0].type.tensor_type.ClearField("shape")
    check(model, tmp_path, feeds, ["--shape", "a=3x4", "--shape", "b=3x4"])


@pytest.mark.parametrize("declared", [(1, 17, 8, 9), (8, 8)])
def test_wrong_shape_of_an_output(declared, tmp_path):
    """Exporters write them. ONNX Runtime warns."""
    model = conv_model()
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("y", TensorProto.FLOAT, declared))
    check(model, tmp_path)
    process = support.must(support.convoy("compile", tmp_path / "model.onnx", "-o", tmp_path / "m.so", "-v"))
    shape = "x".join(map(str, declared))
    assert f"output 'y' is declared with shape {shape}, its value has 1x17x8x8" in process.stderr


def test_initializers_without_names(tmp_path):
    model = conv_model()
    model.graph.initializer.extend([numpy_helper.from_array(B, "")] * 2)
    check(model, tmp_path)


def test_shape_arithmetic_on_a_symbolic_shape(tmp_path):
    nodes = [
        helper.make_node("Shape", ["x"], ["s"], name="shape"),
        helper.make_node("Slice", ["s", "zero", "one"], ["n"], name="slice"),
        helper.make_node("Concat", ["n", "rest"], ["t"], name="concat", axis=0),
        helper.make_node("Reshape", ["x", "t"], ["y"], name="reshape"),
    ]
    feeds = {"x": rand(2, 5, 4, 3)}
    constants = {"zero": np.array([0], np.int64), "one": np.array([1], np.int64), "rest": np.array([-1], np.int64)}
    model = make_model(nodes, feeds, ["y"], constants)
    make_dynamic(model, "N", 5, "H", "W")
    check(model, tmp_path, feeds, ["--shape", "x=2x5x4x3"])


def test_several_inputs_and_outputs(tmp_path):
    """An intermediate value is an output too, and one input is used by two nodes."""
    nodes = [
        helper.make_node("Conv", ["a", "w", "b"], ["c"], name="conv", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"], name="relu"),
        helper.make_node("Add", ["r", "second"], ["s"], name="add"),
        helper.make_node("MaxPool", ["s"], ["p"], name="pool", kernel_shape=[2, 2], strides=[2, 2]),
    ]
    feeds = {"a": X, "second": rand(1, 17, 8, 8)}
    check(make_model(nodes, feeds, ["p", "c", "s"], {"w": W, "b": B}), tmp_path, feeds)


def test_output_is_an_input_or_a_constant(tmp_path):
    nodes = [
        helper.make_node("Identity", ["x"], ["same"], name="identity"),
        helper.make_node("Identity", ["k"], ["constant"], name="constant"),
        helper.make_node("Relu", ["x"], ["y"], name="relu"),
        helper.make_node("Identity", ["y"], ["y_again"], name="again"),
    ]
    check(make_model(nodes, {"x": X}, ["same", "constant", "y", "y_again"], {"k": B}), tmp_path)


def test_unused_input_and_node(tmp_path):
    nodes = [
        helper.make_node("Relu", ["x"], ["y"], name="relu"),
        helper.make_node("Sigmoid", ["x"], ["dead"], name="dead"),
    ]
    feeds = {"x": X, "unused": rand(2, 2)}
    check(make_model(nodes, feeds, ["y"]), tmp_path, feeds)


def test_names_with_odd_characters(tmp_path):
    nodes = [
        helper.make_node("Relu", ["gpu_0/data:0"], ["a.b-c d"], name='node "quoted" \\ %1 @x'),
        helper.make_node("Sigmoid", ["a.b-c d"], ["out/größe.1"], name=""),
    ]
    feeds = {"gpu_0/data:0": X}
    check(make_model(nodes, feeds, ["out/größe.1"]), tmp_path, feeds)


def test_nodes_without_names(tmp_path):
    model = conv_model()
    for node in model.graph.node:
        node.ClearField("name")
    check(model, tmp_path)


def test_the_onnx_domain_by_name(tmp_path):
    model = conv_model()
    model.opset_import[0].domain = "ai.onnx"
    model.opset_import.add(domain="com.unused", version=1)
    for node in model.graph.node:
        node.domain = "ai.onnx"
    reference = conv_model()
    expected = support.run_onnxruntime(reference, {"x": X})["y"]
    artefact = support.compile_model(model, tmp_path)
    support.assert_close(support.run_artefact(artefact, {"x": X}, ["y"])["y"], expected, 1e-5)


def test_shared_weights(tmp_path):
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], name="first", pads=[1, 1, 1, 1]),
        helper.make_node("BatchNormalization", ["a", "s", "o", "m", "v"], ["n"], name="norm"),
        helper.make_node("Relu", ["n"], ["r"], name="relu"),
        helper.make_node("Conv", ["r", "w"], ["y"], name="second", pads=[1, 1, 1, 1]),
    ]
    feeds = {"x": rand(1, 16, 6, 6)}
    constants = {"w": rand(16, 16, 3, 3), "s": support.positive(16), "o": rand(16), "m": rand(16),
                 "v": support.positive(16)}
    check(make_model(nodes, feeds, ["y"], constants), tmp_path, feeds)


def test_input_from_a_tensor_file(tmp_path):
    """--input also takes the .pb files of ONNX's test data."""
    model = conv_model()
    artefact = support.compile_model(model, tmp_path)
    tensor = tmp_path / "input_0.pb"
    tensor.write_bytes(numpy_helper.from_array(X, "x").SerializeToString())
    support.must(support.convoy("run", artefact, "--input", tensor, "--output", tmp_path / "y.npy"))
    expected = support.run_onnxruntime(model, {"x": X})["y"]
    support.assert_close(np.load(tmp_path / "y.npy"), expected, 1e-5)
