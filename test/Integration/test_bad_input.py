# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Bad models: one clear line on stderr that names what is at fault, exit code 1, nothing left behind."""

import numpy as np
import pytest
import support
from onnx import TensorProto, helper, numpy_helper
from support import good_model, one_line, rand

X = rand(1, 3, 6, 6)
W = rand(4, 3, 3, 3)


def node_model(*nodes, opset=13, x_shape=(1, 3, 6, 6), x_type=TensorProto.FLOAT, constants=None):
    """A model from nodes that may be wrong: x -> y."""
    graph = helper.make_graph(
        nodes, "test",
        [helper.make_tensor_value_info("x", x_type, x_shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()],
    )
    ir_version = support.tiny_models.IR_VERSIONS.get(opset, 8)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir_version)


def refuse(model, folder, *words, options=()):
    """Compiles a bad model (a ModelProto, or a file's bytes) and checks the message and that nothing is left behind."""
    path = folder / "bad_model.onnx"
    path.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
    before = {file.name for file in folder.iterdir()}
    message = one_line(support.convoy("compile", path, "-o", folder / "out.so", *options))
    assert {file.name for file in folder.iterdir()} == before, "a file was left behind"
    for word in ("bad_model.onnx", *words):
        assert word in message, f"{word!r} is not in: {message}"
    return message


def test_the_good_model_compiles(tmp_path):
    support.compile_model(good_model(), tmp_path)


# --- The file ---------------------------------------------------------------------------------------------------------


def test_file_is_missing(tmp_path):
    message = one_line(support.convoy("compile", tmp_path / "absent.onnx", "-o", tmp_path / "out.so"))
    assert "absent.onnx" in message


def test_file_is_a_folder(tmp_path):
    (tmp_path / "folder.onnx").mkdir()
    message = one_line(support.convoy("compile", tmp_path / "folder.onnx", "-o", tmp_path / "out.so"))
    assert "folder.onnx" in message


@pytest.mark.parametrize("content", [b"This is text, not protobuf.\n" * 9, b"", b"\x00" * 100,
                                     b"\x7fELF" + b"\xff" * 99, b"\x89PNG\r\n\x1a\n"],
                         ids=["text", "empty", "zeros", "elf", "png"])
def test_not_protobuf(content, tmp_path):
    refuse(content, tmp_path)


@pytest.mark.parametrize("percent", [5, 25, 50, 75, 99])
def test_truncated(percent, tmp_path):
    data = good_model().SerializeToString()
    refuse(data[: len(data) * percent // 100], tmp_path)


def test_random_bytes_in_the_file(tmp_path):
    """Whatever is broken: exit code 0 or 1, never a crash."""
    data = good_model().SerializeToString()
    for seed in range(40):
        random = np.random.default_rng(seed)
        broken = bytearray(data)
        for _ in range(int(random.integers(1, 6))):
            broken[int(random.integers(len(broken)))] = int(random.integers(256))
        path = tmp_path / "broken.onnx"
        path.write_bytes(broken)
        process = support.convoy("compile", path, "-o", tmp_path / "out.so", "--shape", "x=1x3x6x6")
        assert process.returncode in (0, 1), f"seed {seed}: exit code {process.returncode}\n{process.stderr}"
        if process.returncode == 1:
            one_line(process)
            assert not (tmp_path / "out.so").exists(), f"seed {seed}"
        (tmp_path / "out.so").unlink(missing_ok=True)


# --- The graph --------------------------------------------------------------------------------------------------------


def test_model_without_a_graph(tmp_path):
    model = good_model()
    model.ClearField("graph")
    refuse(model, tmp_path)


def test_no_outputs(tmp_path):
    model = good_model()
    model.graph.ClearField("output")
    refuse(model, tmp_path, "output")


def test_no_opset(tmp_path):
    model = good_model()
    model.ClearField("opset_import")
    refuse(model, tmp_path, "opset")


@pytest.mark.parametrize("opset", [0, -1])
def test_opset_that_is_none(opset, tmp_path):
    message = refuse(node_model(helper.make_node("Relu", ["x"], ["y"]), opset=opset), tmp_path, f"opset {opset} ")
    assert "names no opset" not in message


def test_long_cycle(tmp_path):
    """The message stays a line."""
    nodes = [helper.make_node("Add", ["x", f"t{i}"], [f"t{i + 1}"], name=f"add{i}") for i in range(3000)]
    nodes += [helper.make_node("Relu", ["t3000"], ["t0"], name="back"), helper.make_node("Relu", ["t9"], ["y"])]
    assert len(refuse(node_model(*nodes), tmp_path, "cycle", "and 2985 more")) < 600


def test_attribute_twice(tmp_path):
    node = helper.make_node("LeakyRelu", ["x"], ["y"], name="the_leaky", alpha=0.5)
    node.attribute.append(helper.make_attribute("alpha", 0.25))
    refuse(node_model(node), tmp_path, "the_leaky", "'alpha' twice")


def test_cycle(tmp_path):
    model = node_model(
        helper.make_node("Add", ["x", "b"], ["a"], name="add_one"),
        helper.make_node("Relu", ["a"], ["b"], name="relu_two"),
        helper.make_node("Relu", ["b"], ["y"], name="relu_three"),
    )
    message = refuse(model, tmp_path, "cycle")
    assert "add_one" in message or "relu_two" in message


def test_node_reads_itself(tmp_path):
    refuse(node_model(helper.make_node("Add", ["x", "y"], ["y"], name="ouroboros")), tmp_path, "ouroboros")


def test_missing_tensor(tmp_path):
    refuse(node_model(helper.make_node("Add", ["x", "nowhere"], ["y"], name="adder")), tmp_path, "adder", "nowhere")


def test_missing_output_tensor(tmp_path):
    model = good_model()
    model.graph.output[0].name = "nowhere"
    refuse(model, tmp_path, "nowhere")


def test_tensor_defined_twice(tmp_path):
    model = node_model(
        helper.make_node("Relu", ["x"], ["y"], name="first"),
        helper.make_node("Tanh", ["x"], ["y"], name="second"),
    )
    refuse(model, tmp_path, "y")


def test_missing_operand(tmp_path):
    refuse(node_model(helper.make_node("Conv", ["x"], ["y"], name="bare_conv")), tmp_path, "bare_conv")


def test_too_many_operands(tmp_path):
    refuse(node_model(helper.make_node("Relu", ["x", "x"], ["y"], name="greedy")), tmp_path, "greedy")


def test_missing_attribute(tmp_path):
    refuse(node_model(helper.make_node("Concat", ["x", "x"], ["y"], name="no_axis")), tmp_path, "no_axis", "axis")


def test_attribute_of_the_wrong_type(tmp_path):
    node = helper.make_node("MaxPool", ["x"], ["y"], name="odd_pool", kernel_shape=[2, 2], strides="two")
    refuse(node_model(node), tmp_path, "odd_pool", "strides")


# --- Shapes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape,bias", [((4, 2, 3, 3), 4), ((4, 3, 3), 4), ((4, 3, 3, 3), 5)],
                         ids=["channels", "rank", "bias"])
def test_initializer_of_the_wrong_shape(shape, bias, tmp_path):
    constants = {"w": rand(*shape), "b": rand(bias)}
    refuse(node_model(helper.make_node("Conv", ["x", "w", "b"], ["y"], name="the_conv"), constants=constants),
           tmp_path, "the_conv")


def test_initializer_with_too_little_data(tmp_path):
    model = good_model()
    model.graph.initializer[0].raw_data = model.graph.initializer[0].raw_data[:-4]
    refuse(model, tmp_path, "w")


def test_initializer_with_too_much_data(tmp_path):
    model = good_model()
    model.graph.initializer[0].raw_data += b"\0\0\0\0"
    refuse(model, tmp_path, "w")


def test_initializer_without_data(tmp_path):
    model = good_model()
    model.graph.initializer[0].ClearField("raw_data")
    refuse(model, tmp_path, "w")


@pytest.mark.parametrize("dims", [[2**40, 2**40], [2**62, 4], [2**33, 2**30, 3], [-4, 3, 3, 3]],
                         ids=["product", "bytes", "wraps", "negative"])
def test_initializer_dimensions_that_overflow(dims, tmp_path):
    model = good_model()
    tensor = model.graph.initializer[0]
    tensor.ClearField("dims")
    tensor.dims.extend(dims)
    refuse(model, tmp_path, "w")


@pytest.mark.parametrize("dims", [[2**40, 2**40], [2**62, 3, 6, 6], [2**31, 3, 2**31, 6]])
def test_input_dimensions_that_overflow(dims, tmp_path):
    refuse(node_model(helper.make_node("Relu", ["x"], ["y"], name="relu"), x_shape=dims), tmp_path, "x")


def test_intermediate_dimensions_that_overflow(tmp_path):
    constants = {"size": np.array([2**30, 2**30, 2**30], np.int64)}
    node = helper.make_node("Expand", ["x", "size"], ["y"], name="huge")
    refuse(node_model(node, x_shape=[1, 1, 1], constants=constants), tmp_path, "huge")


def test_attribute_that_overflows(tmp_path):
    node = helper.make_node("MaxPool", ["x"], ["y"], name="pool", kernel_shape=[2, 2], pads=[2**62, 0, 2**62, 0])
    refuse(node_model(node), tmp_path, "pool")


@pytest.mark.parametrize("attributes", [
    {"strides": [0, 1]}, {"strides": [-1, 1]}, {"dilations": [0, 1]}, {"kernel_shape": [2, 2]}, {"group": 2},
    {"group": 0}, {"pads": [1, 1]}, {"strides": [1]}, {"auto_pad": "MIDDLE"}, {"pads": [-9, 0, 0, 0]},
], ids=str)
def test_convolution_attributes(attributes, tmp_path):
    node = helper.make_node("Conv", ["x", "w"], ["y"], name="the_conv", **attributes)
    refuse(node_model(node, constants={"w": W}), tmp_path, "the_conv")


BAD_SHAPES = {
    "kernel beyond image": helper.make_node("MaxPool", ["x"], ["y"], name="n", kernel_shape=[9, 9]),
    "reshape": helper.make_node("Reshape", ["x", "seven"], ["y"], name="n"),
    "concat": helper.make_node("Concat", ["x", "other"], ["y"], name="n", axis=1),
    "concat axis": helper.make_node("Concat", ["x", "x"], ["y"], name="n", axis=4),
    "broadcast": helper.make_node("Add", ["x", "other"], ["y"], name="n"),
    "matmul": helper.make_node("MatMul", ["x", "other"], ["y"], name="n"),
    "transpose": helper.make_node("Transpose", ["x"], ["y"], name="n", perm=[0, 1, 1, 2]),
    "squeeze": helper.make_node("Squeeze", ["x", "one"], ["y"], name="n"),
    "expand": helper.make_node("Expand", ["x", "seven"], ["y"], name="n"),
    "gather": helper.make_node("Gather", ["x", "seven"], ["y"], name="n", axis=1),
    "softmax axis": helper.make_node("Softmax", ["x"], ["y"], name="n", axis=5),
    "batch norm": helper.make_node("BatchNormalization", ["x", *["four"] * 4], ["y"], name="n"),
    "pad": helper.make_node("Pad", ["x", "one"], ["y"], name="n"),
}


@pytest.mark.parametrize("what", BAD_SHAPES)
def test_shapes_that_do_not_fit(what, tmp_path):
    node = helper.make_node("Identity", ["x"], ["y"])
    node.CopyFrom(BAD_SHAPES[what])
    node.name = "misfit"
    constants = {"seven": np.array([7], np.int64), "one": np.array([1], np.int64), "other": rand(1, 3, 5, 5),
                 "four": rand(4)}
    refuse(node_model(node, constants=constants), tmp_path, "misfit")


# --- What is not supported --------------------------------------------------------------------------------------------


def test_all_unsupported_operations_in_one_message(tmp_path):
    model = node_model(
        helper.make_node("TfIdfVectorizer", ["x"], ["a"], name="vectorizer"),
        helper.make_node("Relu", ["a"], ["b"], name="relu"),
        helper.make_node("StringSplit", ["b"], ["c"], name="finder"),
        helper.make_node("FancyOp", ["c"], ["d"], name="fancy", domain="com.example"),
        helper.make_node("TfIdfVectorizer", ["d"], ["y"], name="vectorizer_2"),
    )
    model.opset_import.add(domain="com.example", version=1)
    message = refuse(model, tmp_path, "TfIdfVectorizer", "vectorizer", "vectorizer_2", "StringSplit", "finder", "FancyOp", "fancy",
                     "com.example", "13")
    assert "relu" not in message.replace("Relu", "relu").split("bad_model.onnx", 1)[1]


def test_subgraph(tmp_path):
    branch = helper.make_graph([], "branch", [], [helper.make_tensor_value_info("x", TensorProto.FLOAT, X.shape)])
    node = helper.make_node("Loop", ["", "condition"], ["y"], name="again", body=branch)
    refuse(node_model(node, constants={"condition": np.array(True)}), tmp_path, "Loop", "again")


def test_unsupported_ir_version(tmp_path):
    model = good_model()
    model.ir_version = 2
    refuse(model, tmp_path, "IR version 2")


@pytest.mark.parametrize("kind", ["STRING", "COMPLEX64"])
def test_unsupported_input_type(kind, tmp_path):
    model = node_model(helper.make_node("Identity", ["x"], ["y"], name="identity"),
                       x_type=getattr(TensorProto, kind))
    refuse(model, tmp_path, "x")


def test_unsupported_initializer_type(tmp_path):
    model = good_model()
    model.graph.initializer[1].CopyFrom(helper.make_tensor("b", TensorProto.STRING, [4], [b"a"] * 4))
    refuse(model, tmp_path, "b")


def test_unknown_initializer_type(tmp_path):
    model = good_model()
    model.graph.initializer[1].data_type = 77
    refuse(model, tmp_path, "b", "77")


def test_types_that_do_not_fit(tmp_path):
    model = node_model(helper.make_node("Add", ["x", "k"], ["y"], name="adder"),
                       constants={"k": np.array([1], np.int64)})
    refuse(model, tmp_path, "adder")


@pytest.mark.parametrize("kind", ["INT64", "STRING"])
def test_output_of_another_type(kind, tmp_path):
    model = good_model()
    model.graph.output[0].type.tensor_type.elem_type = getattr(TensorProto, kind)
    refuse(model, tmp_path, "output 'y'", kind.lower(), "f32")


def test_initializer_of_another_type_than_the_input(tmp_path):
    model = good_model()
    model.graph.input.append(helper.make_tensor_value_info("w", TensorProto.INT32, W.shape))
    refuse(model, tmp_path, "'w'", "float32", "int32")


def test_more_than_memory(tmp_path):
    """The line is written without memory, and names the file nevertheless."""
    indices = numpy_helper.from_array(np.array([5], np.int64), "i")
    model = node_model(helper.make_node("MatMul", ["x", "w"], ["y"]), x_shape=[1, 2**19])
    model.graph.sparse_initializer.append(
        helper.make_sparse_tensor(numpy_helper.from_array(rand(1), "w"), indices, [2**19, 2**18]))
    refuse(model, tmp_path, "out of memory")


def test_data_dependent_shape(tmp_path):
    model = node_model(
        helper.make_node("Cast", ["x"], ["size"], name="cast", to=TensorProto.INT64),
        helper.make_node("Reshape", ["k", "size"], ["y"], name="reshaper"),
        x_shape=[2], constants={"k": rand(3, 4)},
    )
    refuse(model, tmp_path, "reshaper")


# --- Batch norm in training mode --------------------------------------------------------------------------------------

BN = {"s": rand(3), "o": rand(3), "m": rand(3), "v": support.positive(3)}


def batch_norm_model(opset, outputs=1, **attributes):
    names = ["y", "mean", "var", "saved_mean", "saved_var"][:outputs]
    node = helper.make_node("BatchNormalization", ["x", "s", "o", "m", "v"], names, name="norm_in_training",
                            **attributes)
    return node_model(node, opset=opset, constants=BN)


@pytest.mark.parametrize("opset,outputs,attributes", [
    (14, 1, {"training_mode": 1}), (14, 3, {"training_mode": 1}), (15, 1, {"training_mode": 1}),
    (15, 3, {"training_mode": 1}), (23, 1, {"training_mode": 1}), (7, 5, {}), (9, 5, {}), (13, 5, {}),
])
def test_batch_norm_in_training_mode(opset, outputs, attributes, tmp_path):
    message = refuse(batch_norm_model(opset, outputs, **attributes), tmp_path, "norm_in_training", "training")
    assert "export" in message.lower() or "eval" in message.lower() or "inference" in message.lower(), (
        "the message does not say what to do: " + message)


def test_batch_norm_with_one_of_five_outputs_named_is_inference(tmp_path):
    """Trailing empty names are no outputs."""
    node = helper.make_node("BatchNormalization", ["x", "s", "o", "m", "v"], ["y", "", "", "", ""], name="norm")
    model = node_model(node, opset=9, constants=BN)
    artefact = support.compile_model(model, tmp_path)
    expected = support.run_onnxruntime(batch_norm_model(9), {"x": X})["y"]
    support.assert_close(support.run_artefact(artefact, {"x": X}, ["y"])["y"], expected, 1e-5)


@pytest.mark.parametrize("attributes", [{}, {"is_test": 0}])
def test_batch_norm_of_opset_6(attributes, tmp_path):
    """is_test=0 is training and is the default there."""
    refuse(batch_norm_model(6, **attributes), tmp_path, "norm_in_training", "training mode (is_test is 0")


def test_batch_norm_of_weights_whose_statistics_are_read(tmp_path):
    """Without an input of the graph it is no training, but running statistics are no weights."""
    node = helper.make_node("BatchNormalization", ["w", "s", "o", "m", "v"], ["n", "mean", "var"], training_mode=1,
                            name="norm_of_weights")
    nodes = [node, helper.make_node("Add", ["x", "n"], ["a"]), helper.make_node("Add", ["a", "var"], ["y"])]
    message = refuse(node_model(*nodes, opset=15, x_shape=[2, 3, 3], constants=BN | {"w": rand(2, 3, 3)}), tmp_path,
                     "norm_of_weights", "'var'", "running statistics")
    assert "training mode" not in message


# --- External data ----------------------------------------------------------------------------------------------------


def external_model(folder, location, offset=0, length=None, write=None):
    model = good_model()
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", offset), ("length", length)):
        if value is not None:
            tensor.external_data.add(key=key, value=str(value))
    if write is not None:
        (folder / "weights.bin").write_bytes(write)
    return model


@pytest.mark.parametrize("what,options", {
    "missing": dict(location="absent.bin"),
    "too short": dict(location="weights.bin", length=W.nbytes, write=W.tobytes()[:-1]),
    "too short without length": dict(location="weights.bin", write=W.tobytes()[:-1]),
    "empty file": dict(location="weights.bin", write=b""),
    "length too small": dict(location="weights.bin", length=8, write=W.tobytes()),
    "length too large": dict(location="weights.bin", length=W.nbytes + 4, write=W.tobytes() + bytes(64)),
    "offset past the end": dict(location="weights.bin", offset=10**6, length=W.nbytes, write=W.tobytes()),
    "offset overflows": dict(location="weights.bin", offset=2**64 - 4, length=W.nbytes, write=W.tobytes()),
    "offset negative": dict(location="weights.bin", offset=-4, length=W.nbytes, write=W.tobytes()),
    "offset not a number": dict(location="weights.bin", offset="12abc", length=W.nbytes, write=W.tobytes()),
    "no location": dict(location=None),
    "folder": dict(location="."),
}.items(), ids=lambda value: value if isinstance(value, str) else "")
def test_external_data(what, options, tmp_path):
    refuse(external_model(tmp_path, **options), tmp_path, "w")


@pytest.mark.parametrize("location", ["../weights.bin", "{absolute}", "sub/../../weights.bin"])
def test_external_data_outside_the_folder(location, tmp_path):
    (tmp_path / "weights.bin").write_bytes(W.tobytes())
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    model = external_model(folder, location.format(absolute=tmp_path / "weights.bin"), length=W.nbytes)
    refuse(model, folder, "w")


def test_external_data_through_a_link_out_of_the_folder(tmp_path):
    (tmp_path / "weights.bin").write_bytes(W.tobytes())
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "link.bin").symlink_to(tmp_path / "weights.bin")
    refuse(external_model(folder, "link.bin", length=W.nbytes), folder, "w")


# --- Shapes from the command line -------------------------------------------------------------------------------------


def symbolic_model(*dims):
    model = good_model()
    for dim, value in zip(model.graph.input[0].type.tensor_type.shape.dim, dims):
        dim.Clear()
        if isinstance(value, int):
            dim.dim_value = value
        elif value:
            dim.dim_param = value
    return model


@pytest.mark.parametrize("dims", [("N", 3, "H", "W"), (None, 3, 6, 6), (-1, 3, 6, 6)], ids=str)
def test_missing_shape(dims, tmp_path):
    refuse(symbolic_model(*dims), tmp_path, "x", "--shape")


@pytest.mark.parametrize("shape", ["x=1x3x6", "x=1x4x6x6", "z=1x3x6x6", "x=1x3x1x1"],
                         ids=["rank", "fixed dimension", "unknown input", "too small for the kernel"])
def test_shape_that_does_not_fit(shape, tmp_path):
    refuse(symbolic_model("N", 3, "H", "W"), tmp_path, options=["--shape", shape])
