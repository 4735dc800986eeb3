# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Opsets 1 to 28 and IR versions 3 to 14: what each meant, functions of the model's own, sparse tensors.

ONNX Runtime does not take opsets below 7, so expected values are computed by numpy."""

import numpy as np
import onnx
import pytest
import support
from onnx import TensorProto, helper, numpy_helper
from support import compile_model, convoy, one_line, positive, rand, run_artefact

IR_VERSION = 8


def make(nodes, feeds, outputs, opset, constants=None, ir_version=IR_VERSION, functions=(), imports=()):
    """A model whose types are those of the arrays."""
    graph = helper.make_graph(
        nodes, "test", [support.value_info(name, array) for name, array in feeds.items()],
        [support.value_info(name, array) for name, array in outputs.items()],
        [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset), *imports], ir_version=ir_version,
                             functions=functions)


def check(model, feeds, expected, folder, tolerance=1e-5, options=()):
    actual = run_artefact(compile_model(model, folder, *options), feeds, expected)
    for name, array in expected.items():
        support.assert_close(actual[name], array, tolerance, name)


# --- Every version ----------------------------------------------------------------------------------------------------

X, W, B = rand(1, 5, 8, 8), rand(17, 5, 3, 3), rand(17)


def conv_model(opset, ir_version=IR_VERSION):
    """Conv and Relu mean the same in each opset; the expected value is ONNX Runtime's in opset 13."""
    nodes = [helper.make_node("Conv", ["x", "w", "b"], ["c"], name="conv", pads=[1, 1, 1, 1]),
             helper.make_node("Relu", ["c"], ["y"], name="relu")]
    reference = support.make_model(nodes, {"x": X}, ["y"], {"w": W, "b": B}, opset=13)
    expected = support.run_onnxruntime(reference, {"x": X})
    return make(nodes, {"x": X}, expected, opset, {"w": W, "b": B}, ir_version), expected


@pytest.mark.parametrize("opset", [*range(1, 29), 999])
def test_opset(opset, tmp_path):
    model, expected = conv_model(opset)
    check(model, {"x": X}, expected, tmp_path)


@pytest.mark.parametrize("ir_version", [*range(4, 15), 99])  # 3 lists initializers among the inputs: test_import.py.
def test_ir_version(ir_version, tmp_path):
    model, expected = conv_model(13, ir_version)
    check(model, {"x": X}, expected, tmp_path)


@pytest.mark.parametrize("opset, ir_version, remark", [(999, 8, "opset 999 is newer"), (13, 99, "IR version 99 is newer")])
def test_newer_than_known_is_remarked(opset, ir_version, remark, tmp_path):
    onnx.save(conv_model(opset, ir_version)[0], tmp_path / "m.onnx")
    process = support.must(convoy("compile", tmp_path / "m.onnx", "-o", tmp_path / "m.so", "-v"))
    assert remark in process.stderr


# --- Opsets 1 to 6 ----------------------------------------------------------------------------------------------------

PICTURE, CHANNEL, ROW = rand(2, 3, 4, 5), rand(3), rand(5)
PLANE, MATRIX = rand(3, 4), rand(4, 5)


def over(array, axis, rank=4):
    """The array with its first dimension at `axis` of so many."""
    return array.reshape([1] * axis + list(array.shape) + [1] * (rank - axis - array.ndim))


def softmax_2d(x):
    flat = np.exp(x.reshape(len(x), -1) - x.reshape(len(x), -1).max(1, keepdims=True))
    return (flat / flat.sum(1, keepdims=True)).reshape(x.shape)


# Opsets, operator, operands, attributes, expected outputs. An operand is an array (an input) or a Const.
Const = support.Const
OLD = [
    ((1, 6), "Add", [PICTURE, PICTURE[::-1].copy()], {}, [PICTURE + PICTURE[::-1]]),
    ((1, 6), "Add", [PICTURE, Const(CHANNEL)], {"broadcast": 1, "axis": 1}, [PICTURE + over(CHANNEL, 1)]),
    ((1, 6), "Sub", [PICTURE, PLANE], {"broadcast": 1, "axis": 1}, [PICTURE - over(PLANE, 1)]),
    ((1, 6), "Mul", [PICTURE, MATRIX], {"broadcast": 1}, [PICTURE * MATRIX]),
    ((1, 6), "Mul", [PICTURE, MATRIX], {"broadcast": 1, "axis": -2}, [PICTURE * MATRIX]),
    ((1, 6), "Div", [PICTURE, positive(2)], {"broadcast": 1, "axis": 0}, None),
    ((1, 6), "Div", [PICTURE, Const(np.float32(3))], {"broadcast": 1}, [PICTURE / np.float32(3)]),
    ((1, 6), "Pow", [positive(2, 3, 4, 5), CHANNEL], {"broadcast": 1, "axis": 1}, None),
    ((1, 6), "Greater", [PICTURE, CHANNEL], {"broadcast": 1, "axis": 1}, [PICTURE > over(CHANNEL, 1)]),
    ((1, 6), "PRelu", [PICTURE, Const(CHANNEL)], {}, [np.where(PICTURE < 0, over(CHANNEL, 1) * PICTURE, PICTURE)]),
    ((1, 6), "PRelu", [PICTURE, Const(CHANNEL[:1])], {}, [np.where(PICTURE < 0, CHANNEL[0] * PICTURE, PICTURE)]),
    ((1, 6), "Gemm", [rand(2, 4), Const(MATRIX), Const(ROW)], {"broadcast": 1}, None),
    ((1, 1), "Relu", [PICTURE], {"consumed_inputs": [0]}, [np.maximum(PICTURE, 0)]),
    ((1, 1), "Selu", [PICTURE], {}, [np.float32(1.0507) * np.where(PICTURE > 0, PICTURE,
                                                                    np.float32(1.6732) * np.expm1(PICTURE))]),
    ((1, 5), "Cast", [PICTURE], {"to": "INT32"}, [PICTURE.astype(np.int32)]),
    ((6, 6), "Cast", [PICTURE], {"to": TensorProto.INT32}, [PICTURE.astype(np.int32)]),
    ((1, 6), "Clip", [PICTURE], {"min": -0.5, "max": 0.25}, [PICTURE.clip(-0.5, 0.25)]),
    ((1, 4), "Reshape", [PICTURE], {"shape": [0, -1]}, [PICTURE.reshape(2, -1)]),
    ((1, 3), "Concat", [PICTURE, PICTURE], {}, [np.concatenate([PICTURE] * 2, 1)]),
    ((1, 1), "Pad", [PICTURE], {"paddings": [0, 0, 1, 2, 0, 0, 3, 0], "value": 2.0},
     [np.pad(PICTURE, [(0, 0), (0, 0), (1, 3), (2, 0)], constant_values=2)]),
    ((2, 6), "Pad", [PICTURE], {"pads": [0, 0, 1, 2, 0, 0, 3, 0], "mode": "edge"},
     [np.pad(PICTURE, [(0, 0), (0, 0), (1, 3), (2, 0)], mode="edge")]),
    ((1, 6), "Slice", [PICTURE], {"axes": [1, 3], "starts": [1, -3], "ends": [99, 5]}, [PICTURE[:, 1:, :, -3:]]),
    ((1, 1), "Split", [PICTURE, Const(np.array([1, 2], np.float32))], {"axis": 1}, [PICTURE[:, :1], PICTURE[:, 1:]]),
    ((2, 6), "Split", [PICTURE], {"axis": 3, "split": [2, 3]}, [PICTURE[..., :2], PICTURE[..., 2:]]),
    ((1, 5), "Tile", [PICTURE, Const(np.float32(2)), Const(np.float32(3))], {}, [np.tile(PICTURE, [1, 1, 1, 2])]),
    ((6, 6), "Tile", [PICTURE, support.ints(1, 2, 1, 1)], {}, [np.tile(PICTURE, [1, 2, 1, 1])]),
    ((1, 6), "Upsample", [PICTURE], {"height_scale": 2.0, "width_scale": 3.0},
     [PICTURE.repeat(2, 2).repeat(3, 3)]),
    ((7, 8), "Upsample", [(9 * PICTURE).astype(np.int32)], {"scales": [1.0, 1.0, 2.0, 3.0]},
     [(9 * PICTURE).astype(np.int32).repeat(2, 2).repeat(3, 3)]),
    ((1, 6), "Softmax", [PICTURE], {}, [softmax_2d(PICTURE)]),
    ((1, 6), "Dropout", [PICTURE], {"is_test": 1, "ratio": 0.25}, [PICTURE]),
    ((1, 6), "BatchNormalization", [PICTURE, *map(Const, (CHANNEL, CHANNEL + 1, CHANNEL - 1, CHANNEL**2))],
     {"is_test": 1, "epsilon": 0.5}, [over(CHANNEL, 1) * (PICTURE - over(CHANNEL - 1, 1))
                                      / np.sqrt(over(CHANNEL**2, 1) + np.float32(0.5)) + over(CHANNEL + 1, 1)]),
    ((1, 6), "ReduceSum", [PICTURE], {"axes": [2, 3], "keepdims": 0}, [PICTURE.sum((2, 3))]),
    ((1, 6), "Squeeze", [rand(2, 1, 3)], {"axes": [1]}, None),
    ((1, 9), "ImageScaler", [PICTURE], {"scale": 0.5, "bias": CHANNEL.tolist()},
     [PICTURE * np.float32(0.5) + over(CHANNEL, 1)]),
    ((1, 9), "Crop", [PICTURE], {"border": [1, 0, 2, 1]}, [PICTURE[:, :, :3, 1:3]]),
    ((1, 9), "Crop", [PICTURE], {"border": [1, 2, 0, 0], "scale": [2, 3]}, [PICTURE[:, :, 2:4, 1:4]]),
    ((1, 9), "Affine", [PICTURE], {"alpha": 2.0, "beta": 0.5}, [2 * PICTURE + np.float32(0.5)]),
    ((1, 9), "Scale", [PICTURE], {"scale": 3.0}, [3 * PICTURE]),
    ((1, 9), "ScaledTanh", [PICTURE], {"alpha": 2.0, "beta": 0.5}, [2 * np.tanh(PICTURE / 2)]),
    ((1, 9), "ParametricSoftplus", [PICTURE], {"alpha": 2.0, "beta": 0.5}, [2 * np.log1p(np.exp(PICTURE / 2))]),
]


def compute(operator, operands):
    """Expected values that are long to write in the table."""
    arrays = [operand.array if isinstance(operand, Const) else operand for operand in operands]
    if operator == "Div":
        return [arrays[0] / over(arrays[1], 0)]
    if operator == "Pow":
        return [arrays[0] ** over(arrays[1], 1)]
    if operator == "Gemm":
        return [arrays[0] @ arrays[1] + arrays[2]]
    return [arrays[0].reshape(2, 3)]


@pytest.mark.parametrize("opset", [1, 2, 3, 4, 5, 6, 9])
def test_operators_of_the_first_opsets(opset, tmp_path):
    """All that mean something else since, or are there no more, in one model."""
    nodes, feeds, constants, expected = [], {}, {}, {}
    for number, ((since, until), operator, operands, attributes, values) in enumerate(OLD):
        if not since <= opset <= until:
            continue
        names = []
        for index, operand in enumerate(operands):
            names.append(f"x{number}_{index}")
            target = constants if isinstance(operand, Const) else feeds
            target[names[-1]] = operand.array if isinstance(operand, Const) else operand
        values = compute(operator, operands) if values is None else values
        outputs = [f"y{number}_{operator}_{index}" for index in range(len(values))]
        expected |= dict(zip(outputs, values))
        nodes.append(helper.make_node(operator, names, outputs, name=f"n{number}_{operator}", **attributes))
    assert len(nodes) >= 6
    check(make(nodes, feeds, expected, opset, constants), feeds, expected, tmp_path)


@pytest.mark.parametrize("operands, attributes, words", [
    ([PICTURE, CHANNEL], {}, ["2x3x4x5 and 3", "'broadcast' is 0"]),
    ([PICTURE, CHANNEL], {"broadcast": 1}, ["2x3x4x5 and 3", "does not broadcast"]),
    ([PICTURE, PLANE], {"broadcast": 1, "axis": 3}, ["2x3x4x5 and 3x4", "from axis 3 on"]),
    ([PICTURE, CHANNEL], {"broadcast": 1, "axis": 4}, ["axis 4", "rank 4"]),
    ([CHANNEL, PICTURE], {"broadcast": 1}, ["3 and 2x3x4x5", "does not broadcast"]),
])
def test_operands_that_do_not_broadcast(operands, attributes, words, tmp_path):
    node = helper.make_node("Add", ["a", "b"], ["y"], name="the_add", **attributes)
    onnx.save(make([node], dict(zip("ab", operands)), {"y": PICTURE}, 6), tmp_path / "m.onnx")
    message = one_line(convoy("compile", tmp_path / "m.onnx", "-o", tmp_path / "m.so"))
    assert all(word in message for word in ["the_add", *words]), message


def test_gemm_of_opset_6_without_broadcast(tmp_path):
    node = helper.make_node("Gemm", ["a", "b", "c"], ["y"], name="the_gemm")
    feeds = {"a": rand(2, 4), "b": MATRIX, "c": ROW}
    onnx.save(make([node], feeds, {"y": rand(2, 5)}, 6), tmp_path / "m.onnx")
    message = one_line(convoy("compile", tmp_path / "m.onnx", "-o", tmp_path / "m.so"))
    assert all(word in message for word in ["the_gemm", "'c'", "shape 5", "2x5", "'broadcast' is 0"]), message


@pytest.mark.parametrize("opset", [1, 6])
def test_dropout_in_training_mode(opset, tmp_path):
    node = helper.make_node("Dropout", ["x"], ["y"], name="the_dropout")
    onnx.save(make([node], {"x": X}, {"y": X}, opset), tmp_path / "m.onnx")
    message = one_line(convoy("compile", tmp_path / "m.onnx", "-o", tmp_path / "m.so"))
    assert "the_dropout" in message and "training mode" in message


# --- Functions --------------------------------------------------------------------------------------------------------

DOMAIN = "test.functions"


def function(name, inputs, outputs, nodes, opset=13, attributes=(), defaults=()):
    imports = [helper.make_opsetid("", opset), helper.make_opsetid(DOMAIN, 1)]
    return helper.make_function(DOMAIN, name, inputs, outputs, nodes, imports, attributes, defaults)


def call(name, inputs, outputs, **attributes):
    return helper.make_node(name, inputs, outputs, name=f"{name}_{outputs[0]}", domain=DOMAIN, **attributes)


def reference(node, name, attribute_type):
    """Gives a node of a function an attribute that the caller sets."""
    attribute = node.attribute.add()
    attribute.name, attribute.ref_attr_name, attribute.type = name, name, attribute_type
    return node


def make_functions(nodes, feeds, outputs, *functions, opset=13):
    return make(nodes, feeds, outputs, opset, functions=functions, imports=[helper.make_opsetid(DOMAIN, 1)])


LEAKY = function("Leaky", ["x"], ["y"], [reference(helper.make_node("LeakyRelu", ["x"], ["y"]), "alpha",
                                                   onnx.AttributeProto.FLOAT)], attributes=["alpha"])


def leaky(x, alpha):
    return np.where(x < 0, np.float32(alpha) * x, x)


def test_function(tmp_path):
    """Called twice; its inner tensors have the names of outer ones; one function calls another."""
    twice = function("Twice", ["x"], ["z"], [call("Leaky", ["x"], ["y"], alpha=0.5),
                                             helper.make_node("Add", ["y", "y"], ["z"])])
    nodes = [call("Twice", ["x"], ["y"]), call("Twice", ["y"], ["z"])]
    expected = {"y": 2 * leaky(X, 0.5), "z": 2 * leaky(2 * leaky(X, 0.5), 0.5)}
    check(make_functions(nodes, {"x": X}, expected, LEAKY, twice), {"x": X}, expected, tmp_path)


def test_attributes_of_a_function(tmp_path):
    """Given by the caller; left out, which leaves the operator's default; with a default of the function's own."""
    own = function("Own", ["x"], ["y"], [reference(helper.make_node("LeakyRelu", ["x"], ["y"]), "alpha",
                                                   onnx.AttributeProto.FLOAT)],
                   defaults=[helper.make_attribute("alpha", 0.75)])
    nodes = [call("Leaky", ["x"], ["a"], alpha=0.25), call("Leaky", ["x"], ["b"]), call("Own", ["x"], ["c"]),
             call("Own", ["x"], ["d"], alpha=0.5)]
    expected = {name: leaky(X, alpha) for name, alpha in zip("abcd", (0.25, 0.01, 0.75, 0.5))}
    check(make_functions(nodes, {"x": X}, expected, LEAKY, own), {"x": X}, expected, tmp_path)


def test_opset_of_a_function(tmp_path):
    """Softmax sums over all dimensions from axis 1 on in opset 11, over the last one in 13."""
    old = function("Old", ["x"], ["y"], [helper.make_node("Softmax", ["x"], ["y"])], opset=11)
    expected = {"y": softmax_2d(PICTURE)}
    check(make_functions([call("Old", ["x"], ["y"])], {"x": PICTURE}, expected, old), {"x": PICTURE}, expected, tmp_path)


def test_optional_inputs_and_outputs_of_a_function(tmp_path):
    """A maximum that is left out; an output that nobody reads; an output that is an input."""
    clip = function("Clipped", ["x", "low", "high"], ["y", "x", "z"], [
        helper.make_node("Clip", ["x", "low", "high"], ["y"]), helper.make_node("Neg", ["x"], ["z"])])
    nodes = [helper.make_node("Constant", [], ["low"], value_float=0.25), call("Clipped", ["x", "low"], ["y", "same"])]
    expected = {"y": np.maximum(X, 0.25), "same": X}
    check(make_functions(nodes, {"x": X}, expected, clip), {"x": X}, expected, tmp_path)


def refuse_functions(nodes, functions, folder, *words, **options):
    onnx.save(make_functions(nodes, {"x": X}, {"y": X}, *functions, **options), folder / "m.onnx")
    message = one_line(convoy("compile", folder / "m.onnx", "-o", folder / "m.so"))
    assert all(word in message for word in words), message
    assert len(message) < 1000


def test_function_that_calls_itself(tmp_path):
    first = function("First", ["x"], ["y"], [call("Second", ["x"], ["y"])])
    second = function("Second", ["x"], ["y"], [call("First", ["x"], ["y"])])
    refuse_functions([call("First", ["x"], ["y"])], [first, second], tmp_path, "First_y", "calls itself")


def test_function_that_calls_itself_where_nobody_looks(tmp_path):
    """Neither in the graph nor in a function."""
    endless = function("Endless", ["x"], ["y"], [call("Endless", ["x"], ["y"])])
    both = function("Both", ["x"], ["y", "z"], [helper.make_node("Relu", ["x"], ["y"]), call("Endless", ["x"], ["z"])])
    expected = {"y": np.maximum(X, 0)}
    nodes = [call("Endless", ["x"], ["dead"]), call("Both", ["x"], ["y", "z"])]
    check(make_functions(nodes, {"x": X}, expected, endless, both), {"x": X}, expected, tmp_path)


def test_function_with_too_many_inputs(tmp_path):
    refuse_functions([call("Leaky", ["x", "x"], ["y"])], [LEAKY], tmp_path, "Leaky_y", "2 inputs")


@pytest.mark.parametrize("last", [[helper.make_node("Relu", ["x"], ["y"])], []], ids=["operator", "empty"])
def test_functions_that_grow_without_end(last, tmp_path):
    """Each calls the next one twice: 2^40 calls."""
    functions = [function(f"F{i}", ["x"], ["y"], [call(f"F{i + 1}", ["x"], ["m"]), call(f"F{i + 1}", ["m"], ["y"])])
                 for i in range(40)]
    functions.append(function("F40", ["x"], ["y"] if last else ["x"], last))
    refuse_functions([call("F0", ["x"], ["y"])], functions, tmp_path, "F0_y", "2^20 nodes")


def test_functions_in_a_long_chain(tmp_path):
    functions = [function(f"F{i}", ["x"], ["y"], [call(f"F{i + 1}", ["x"], ["y"])]) for i in range(20000)]
    functions.append(function("F20000", ["x"], ["y"], [helper.make_node("Relu", ["x"], ["y"])]))
    refuse_functions([call("F0", ["x"], ["y"])], functions, tmp_path, "F0_y", "deep")
    check(make_functions([call("F19900", ["x"], ["y"])], {"x": X}, {"y": X}, *functions), {"x": X},
          {"y": np.maximum(X, 0)}, tmp_path)


def test_names_that_a_function_makes_are_free(tmp_path):
    """"f/t" may be the name of an input, an initializer or a sparse one that no node reads."""
    twice = function("Twice", ["x"], ["y"], [helper.make_node("Neg", ["x"], ["t"]), helper.make_node("Neg", ["t"], ["u"]),
                                             helper.make_node("Identity", ["u"], ["v"]),
                                             helper.make_node("Add", ["v", "u"], ["y"])])
    node = helper.make_node("Twice", ["x"], ["y"], name="f", domain=DOMAIN)
    feeds, expected = {"x": X, "f/t": X}, {"y": 2 * X}
    model = make_functions([node], feeds, expected, twice)
    model.graph.initializer.append(numpy_helper.from_array(CHANNEL, "f/u"))
    model.graph.sparse_initializer.append(sparse("f/v", MATRIX, True))
    check(model, feeds, expected, tmp_path)


def test_function_that_reads_what_it_does_not_define(tmp_path):
    """An initializer of the graph may have the name that the tensor would get."""
    bad = function("Bad", ["x"], ["y"], [helper.make_node("Add", ["x", "q"], ["y"], name="the_add")])
    node = helper.make_node("Bad", ["x"], ["y"], name="f", domain=DOMAIN)
    model = make_functions([node], {"x": X}, {"y": X}, bad)
    model.graph.initializer.append(numpy_helper.from_array(X, "f/q"))
    onnx.save(model, tmp_path / "m.onnx")
    message = one_line(convoy("compile", tmp_path / "m.onnx", "-o", tmp_path / "m.so"))
    assert all(word in message for word in ["'Bad'", "'the_add'", "'q'"]), message


@pytest.mark.parametrize("bad, words", [
    (function("Bad", ["x"], ["y", "z"], [helper.make_node("Relu", ["x"], ["y"])]), ["'Bad'", "output 'z'"]),
    (function("Bad", ["x"], ["y"], [helper.make_node("Relu", ["x"], ["y"])], opset=0), ["'Bad'", "opset 0"]),
    (function("Bad", ["x"], ["y"], [helper.make_node("Relu", ["x"], ["y"])],
              defaults=[helper.make_attribute("alpha", 1.0)] * 2), ["'Bad'", "'alpha' twice"]),
], ids=["output", "opset", "attribute"])
def test_functions_that_are_wrong(bad, words, tmp_path):
    refuse_functions([call("Bad", ["x"], ["y"])], [bad], tmp_path, *words)


def test_two_functions_of_one_name(tmp_path):
    refuse_functions([call("Leaky", ["x"], ["y"])], [LEAKY, LEAKY], tmp_path, "two functions", "'Leaky'", DOMAIN)


def test_attribute_twice_in_a_call(tmp_path):
    node = call("Leaky", ["x"], ["y"], alpha=0.5)
    node.attribute.append(helper.make_attribute("alpha", 0.25))
    refuse_functions([node], [LEAKY], tmp_path, "Leaky_y", "'alpha' twice")


def test_newer_opset_of_a_function_is_remarked(tmp_path):
    newer = function("Newer", ["x"], ["y"], [helper.make_node("Relu", ["x"], ["y"])], opset=999)
    onnx.save(make_functions([call("Newer", ["x"], ["y"])], {"x": X}, {"y": X}, newer), tmp_path / "m.onnx")
    process = support.must(convoy("compile", tmp_path / "m.onnx", "-o", tmp_path / "m.so", "-v"))
    assert "opset 999 of the function 'Newer' is newer" in process.stderr


@pytest.mark.parametrize("domain", ["", "ai.onnx"])
def test_function_with_the_name_of_an_operator(domain, tmp_path):
    """In the default domain the operator is meant, as in ONNX Runtime; other names are the function's."""
    def make_function(name, nodes):
        return helper.make_function(domain, name, ["x"], ["y"], nodes, [helper.make_opsetid("", 13)])
    functions = [make_function("Relu", [helper.make_node("Relu", ["x"], ["m"]), helper.make_node("Neg", ["m"], ["y"])]),
                 make_function("Own", [helper.make_node("Relu", ["x"], ["m"]), helper.make_node("Neg", ["m"], ["y"])])]
    nodes = [helper.make_node("Relu", ["x"], ["y"], domain=domain), helper.make_node("Own", ["x"], ["z"], domain=domain)]
    expected = {"y": np.maximum(X, 0), "z": -np.maximum(X, 0)}
    check(make_functions(nodes, {"x": X}, expected, *functions), {"x": X}, expected, tmp_path)


# --- Sparse tensors ---------------------------------------------------------------------------------------------------


def sparse(name, array, is_linear):
    """The elements that are not zero, with their positions in the flat array or along each dimension."""
    positions = np.flatnonzero(array) if is_linear else np.argwhere(array)
    values = numpy_helper.from_array(array.ravel()[np.flatnonzero(array)], name)
    return helper.make_sparse_tensor(values, numpy_helper.from_array(positions.astype(np.int64), f"{name}_indices"),
                                     array.shape)


@pytest.mark.parametrize("is_linear", [True, False])
def test_sparse(is_linear, tmp_path):
    """As an initializer and as the value of a Constant."""
    weights = rand(6, 5) * (rand(6, 5) > 0.5)
    nodes = [helper.make_node("Constant", [], ["v"], sparse_value=sparse("v", weights.T.copy(), is_linear)),
             helper.make_node("Gemm", ["x", "w"], ["g"], transB=1), helper.make_node("MatMul", ["x", "v"], ["m"])]
    x = rand(3, 5)
    expected = {"g": x @ weights.T, "m": x @ weights.T}
    model = make(nodes, {"x": x}, expected, 13)
    model.graph.sparse_initializer.append(sparse("w", weights, is_linear))
    check(model, {"x": x}, expected, tmp_path)


@pytest.mark.parametrize("indices, words", [
    (np.array([0, 30]), ["an index of 30", "a dimension of 30"]),
    (np.array([[0, 1], [2, 5]]), ["an index of 5", "a dimension of 5"]),
    (np.array([[0, 1, 2], [0, 0, 0]]), ["indices of shape 2x3", "6x5"]),
    (np.array([0, 1, 2]), ["indices of shape 3", "2 elements"]),
    (np.array([0, -1]), ["an index of -1"]),
    (np.array([3, 3]), ["ascending", "twice"]),
    (np.array([[1, 0], [0, 0]]), ["ascending"]),
])
def test_sparse_that_does_not_fit(indices, words, tmp_path):
    model = make([helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": rand(3, 6)}, {"y": rand(3, 5)}, 13)
    tensor = sparse("w", np.eye(6, 5, dtype=np.float32)[:, :], True)
    tensor.values.CopyFrom(numpy_helper.from_array(np.ones(2, np.float32), "w"))
    tensor.indices.CopyFrom(numpy_helper.from_array(indices.astype(np.int64), "i"))
    model.graph.sparse_initializer.append(tensor)
    onnx.save(model, tmp_path / "m.onnx")
    message = one_line(convoy("compile", tmp_path / "m.onnx", "-o", tmp_path / "m.so"))
    assert all(word in message for word in ["'w'", "sparse", *words]), message


def test_sparse_scalar(tmp_path):
    model = make([helper.make_node("Add", ["x", "w"], ["y"])], {"x": rand(3)}, {"y": rand(3)}, 13)
    tensor = onnx.SparseTensorProto(values=numpy_helper.from_array(np.ones(2, np.float32), "w"),
                                    indices=numpy_helper.from_array(np.zeros((2, 0), np.int64), "i"))
    model.graph.sparse_initializer.append(tensor)
    onnx.save(model, tmp_path / "m.onnx")
    message = one_line(convoy("compile", tmp_path / "m.onnx", "-o", tmp_path / "m.so"))
    assert "'w'" in message and "sparse and a scalar" in message
