# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""If: a branch that is known while compiling takes the node's place; of others, one is computed in each run."""

import itertools
import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from support import assert_close, compile_model, convoy, one_line, rand, run_artefact, run_reference

OPSET = 18
F32 = np.float32


def branch(nodes, outputs, constants=None):
    return helper.make_graph(nodes, "branch", [], [onnx.ValueInfoProto(name=name) for name in outputs],
                             [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()])


def make_if(condition, outputs, then, otherwise, name="the_if"):
    return helper.make_node("If", [condition], outputs, name=name, then_branch=then, else_branch=otherwise)


def one(op, inputs, output="out", **attributes):
    return branch([helper.make_node(op, inputs, [output], name=f"the_{op.lower()}", **attributes)], [output])


def check(nodes, feeds, folder, constants=None, outputs=("y",), options=(), functions=()):
    domains = {function.domain for function in functions}
    model = helper.make_model(
        helper.make_graph(nodes, "test",
                          [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
                           for name, array in feeds.items()],
                          [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
                          [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()]),
        opset_imports=[helper.make_opsetid("", OPSET), *(helper.make_opsetid(domain, 1) for domain in domains)],
        ir_version=9, functions=functions)
    expected = run_reference(model, feeds)
    artefact = compile_model(model, folder, *options)
    given = {name: array for name, array in feeds.items() if not any(f"{name}=" in str(option) for option in options)}
    actual = run_artefact(artefact, given, outputs)
    for name in outputs:
        assert_close(actual[name], expected[name], 1e-5, name)


YES, NO = np.array(True), np.array([False])


@pytest.mark.parametrize("condition", [YES, NO], ids=["then", "else"])
def test_branches(condition, tmp_path):
    """Both branches use the same names, read tensors from outside, and have initializers."""
    then = branch([helper.make_node("Mul", ["h", "w"], ["t"]), helper.make_node("Add", ["t", "x"], ["out"])], ["out"],
                  {"w": rand(3)})
    otherwise = branch([helper.make_node("Sub", ["w", "x"], ["t"]), helper.make_node("Tanh", ["t"], ["out"])], ["out"],
                       {"w": rand(2, 1)})
    check([helper.make_node("Relu", ["x"], ["h"]), make_if("c", ["z"], then, otherwise),
           helper.make_node("Neg", ["z"], ["y"])], {"x": rand(2, 3)}, tmp_path, {"c": condition})


def test_many(tmp_path):
    """What a branch returns may be a tensor from outside, an initializer, or the same tensor twice; one If may be in
    another; a name may be taken already."""
    inner = make_if("d", ["i"], one("Exp", ["t"]), one("Abs", ["h2"]), "inner")
    nested = branch([helper.make_node("Sin", ["x"], ["t"]), inner, helper.make_node("Add", ["i", "t"], ["out"])], ["out"])
    several = branch([helper.make_node("TopK", ["x", "one"], ["v", "k"], axis=0),
                      helper.make_node("Cast", ["k"], ["f"], to=TensorProto.FLOAT)], ["v", "v", "c0", "f", "x"],
                     {"c0": rand(4)})
    unused = branch([helper.make_node("LSTM", ["x", "x", "x"], ["q"], hidden_size=3)], ["q"] * 5)
    nodes = [helper.make_node("Split", ["x"], ["h1", "h2"], axis=0, num_outputs=2),
             make_if("yes", ["a", "b", "e", "f", "g"], several, unused),
             make_if("yes", ["n"], nested, one("Neg", ["x"]), "nested"),
             helper.make_node("Neg", ["x"], ["nested/t"]),
             helper.make_node("Sum", ["a", "b", "e", "f", "g", "n", "nested/t", "h1"], ["y"])]
    check(nodes, {"x": rand(2, 4)}, tmp_path, {"yes": YES, "d": NO, "one": np.array([1], np.int64)})


def test_condition_from_shapes(tmp_path):
    """As exporters write squeeze(): it depends on whether the dimension is 1."""
    nodes = [helper.make_node("Relu", ["x"], ["h"]), helper.make_node("Shape", ["h"], ["s"]),
             helper.make_node("Gather", ["s", "axis"], ["dim"]), helper.make_node("Equal", ["dim", "one"], ["c"]),
             make_if("c", ["y"], one("Squeeze", ["h", "axes"]), one("Identity", ["h"]))]
    constants = {"axis": np.array(1, np.int64), "one": np.array(1, np.int64), "axes": np.array([1], np.int64)}
    for dim in (1, 2):
        check(nodes, {"x": rand(3, dim, 2)}, tmp_path, constants)


def test_bound_condition(tmp_path):
    np.save(tmp_path / "c.npy", YES)
    check([make_if("c", ["y"], one("Neg", ["x"]), one("Exp", ["x"]))], {"x": rand(2, 3), "c": YES}, tmp_path,
          options=("--bind", f"c={tmp_path / 'c.npy'}"))


def test_functions(tmp_path):
    """An If in a function that is called twice, and a branch that calls a function."""
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("mine", 1)]
    scaled = helper.make_function("mine", "scaled", ["a"], ["b"], [
        helper.make_node("Constant", [], ["s"], value=numpy_helper.from_array(np.array(3, F32))),
        helper.make_node("Mul", ["a", "s"], ["b"])], opsets)
    choice = helper.make_function("mine", "choice", ["a", "c"], ["b"], [
        helper.make_node("Exp", ["a"], ["t"]),
        make_if("c", ["b"], branch([helper.make_node("scaled", ["t"], ["u"], domain="mine"),
                                    helper.make_node("Add", ["u", "a"], ["b0"])], ["b0"]),
                branch([helper.make_node("Neg", ["t"], ["u"]), helper.make_node("Neg", ["u"], ["b0"])], ["b0"]))], opsets)
    nodes = [helper.make_node("choice", ["x", "yes"], ["u"], domain="mine"),
             helper.make_node("choice", ["u", "no"], ["b0"], domain="mine"),
             make_if("yes", ["y"], branch([helper.make_node("scaled", ["b0"], ["u"], domain="mine")], ["u"]),
                     one("Neg", ["b0"]), "last")]
    check(nodes, {"x": rand(2, 3)}, tmp_path, {"yes": YES, "no": NO}, functions=[scaled, choice])


def test_chain(tmp_path):
    """Each If reads the result of the one before, from within its branch."""
    nodes = [helper.make_node("Relu", ["x"], ["y0"])]
    nodes += [make_if("yes", [f"y{i + 1}"], one("Add", [f"y{i}", "x"]), one("Neg", [f"y{i}"]), f"if{i}")
              for i in range(300)]
    check(nodes, {"x": rand(2, 3)}, tmp_path, {"yes": YES}, outputs=["y300"])


def run_both(nodes, feeds, folder, constants=None, outputs=("y",), options=()):
    """Compiles a model once, and runs it with all values of its inputs `c` and `d`, which are bools."""
    conditions = [name for name in ("c", "d") if any(name == used for node in nodes for used in read_names(node))]
    model = helper.make_model(
        helper.make_graph(nodes, "test",
                          [helper.make_tensor_value_info(name, TensorProto.FLOAT, array.shape)
                           for name, array in feeds.items()] +
                          [helper.make_tensor_value_info(name, TensorProto.BOOL, []) for name in conditions],
                          [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
                          [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()]),
        opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
    artefact = compile_model(model, folder, *options)
    for values in itertools.product((False, True), repeat=len(conditions)):
        given = {**feeds, **{name: np.array(value) for name, value in zip(conditions, values)}}
        expected, actual = run_reference(model, given), run_artefact(artefact, given, outputs)
        for name in outputs:
            assert_close(actual[name], expected[name], 1e-5, f"{name} with {values}")
    return artefact


def read_names(node):
    for attribute in node.attribute:
        for inner in attribute.g.node:
            yield from read_names(inner)
    yield from node.input


BLOCK = branch([helper.make_node("Conv", ["h", "w"], ["t"], pads=[1, 1, 1, 1]),
                helper.make_node("Relu", ["t"], ["u"]), helper.make_node("Add", ["u", "h"], ["out"])], ["out"])


@pytest.mark.parametrize("options", [(), ("--devices=2",), ("--target=cuda-emulator",)],
                         ids=["cpu", "devices", "gpu"])
def test_run_time_condition(options, tmp_path):
    """Networks in both branches; a result that is also read outside of the If; results from outside."""
    other = branch([helper.make_node("MaxPool", ["h"], ["t"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
                    helper.make_node("Mul", ["t", "k"], ["out"])], ["out"], {"k": rand(20, 1, 1)})
    nodes = [helper.make_node("Conv", ["x", "v"], ["h"], pads=[1, 1, 1, 1]), make_if("c", ["r"], BLOCK, other, "blocks"),
             make_if("c", ["s"], one("Identity", ["h"]), one("Identity", ["r"]), "outer"),
             helper.make_node("Concat", ["r", "s", "h"], ["y"], axis=1)]
    run_both(nodes, {"x": rand(1, 6, 9, 7)}, tmp_path, {"v": rand(20, 6, 3, 3) / 8, "w": rand(20, 20, 3, 3) / 13}, options=options)


def test_run_time_branches(tmp_path):
    """Two conditions, branches in branches, several results of which one is not read, constants and the same tensor as
    results, and a condition that is computed and of rank 1."""
    inner = make_if("d", ["i", "j"], branch([helper.make_node("Exp", ["t"], ["p"])], ["p", "t"]),
                    branch([helper.make_node("Abs", ["h"], ["p"]), helper.make_node("Neg", ["p"], ["q"])], ["p", "q"]), "inner")
    nested = branch([helper.make_node("Sin", ["h"], ["t"]), inner, helper.make_node("Mul", ["i", "j"], ["out"])],
                    ["out", "t", "h"])
    plain = branch([helper.make_node("Cos", ["h"], ["t"])], ["k", "t", "k"], {"k": rand(3, 4)})
    nodes = [helper.make_node("Relu", ["x"], ["h"]), make_if("c", ["a", "unread", "b"], nested, plain, "nested"),
             helper.make_node("ReduceSum", ["a"], ["sum"], keepdims=0),
             helper.make_node("Greater", ["sum", "zero"], ["positive"]), helper.make_node("Unsqueeze", ["positive", "axis"], ["p1"]),
             make_if("p1", ["e"], one("Sub", ["a", "b"]), one("Add", ["b", "x"]), "last"),
             helper.make_node("Sum", ["a", "b", "e"], ["y"])]
    run_both(nodes, {"x": rand(3, 4)}, tmp_path, {"zero": np.array(0, F32), "axis": np.array([0], np.int64)},
             outputs=("y", "e"))


def test_profile(tmp_path):
    """The branch that is not taken takes no time; lists have both."""
    nodes = [helper.make_node("Relu", ["x"], ["h"]), make_if("c", ["y"], one("Sin", ["h"]), one("Cos", ["h"]))]
    artefact = run_both(nodes, {"x": rand(64, 64)}, tmp_path)
    np.save(tmp_path / "x.npy", rand(64, 64))
    np.save(tmp_path / "c.npy", YES)
    result = convoy("bench", artefact, "--profile", "--json", "--seconds=0.2", f"--input=x={tmp_path / 'x.npy'}",
                    f"--input=c={tmp_path / 'c.npy'}")
    assert result.returncode == 0, result.stderr
    times = {layer["name"]: layer["ms"] for layer in json.loads(result.stdout)["layers"]}
    assert times["the_if/else/the_cos"] == 0 < times["the_if/then/the_sin"]
    listed = convoy("inspect", tmp_path / "model.onnx")
    assert "the_if/else/the_cos" in listed.stdout and "choose" in listed.stdout


def refuse(nodes, folder, constants=None, functions=()):
    model = helper.make_model(
        helper.make_graph(nodes, "test", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3]),
                                          helper.make_tensor_value_info("c", TensorProto.BOOL, [])],
                          [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
                          [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()]),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("mine", 1)], ir_version=9,
        functions=functions)
    onnx.save(model, folder / "model.onnx")
    return one_line(convoy("compile", folder / "model.onnx", "-o", folder / "model.so"))


NEG = one("Neg", ["x"])
EMPTY = branch([], [])
WITH_INPUT = one("Neg", ["x"])
WITH_INPUT.input.append(helper.make_tensor_value_info("i", TensorProto.FLOAT, [1]))
TWICE = branch([helper.make_node("Neg", ["x"], ["t"], name="a"), helper.make_node("Exp", ["x"], ["t"], name="b")], ["t"])
AROUND = branch([helper.make_node("Add", ["y", "x"], ["t"], name="around")], ["t"])


@pytest.mark.parametrize("then, text", [
    (EMPTY, "node 'the_if' (If): has 1 outputs, the graph in attribute 'then_branch' has 0"),
    (WITH_INPUT, "node 'the_if' (If): the graph in attribute 'then_branch' has inputs, which is not allowed"),
    (TWICE, "makes the tensor 'the_if/t', which node 'the_if/a' makes too"),
    (AROUND, "the graph has a cycle through the nodes 'the_if/around', 'the_if' (tensor 'the_if/t')"),
    (branch([], ["nowhere"]), "input 0 is the tensor 'nowhere', which nothing in the model makes"),
    (one("Neg", ["nowhere"]), "node 'the_if/the_neg' (Neg): input 0 is the tensor 'nowhere'"),
    (one("TfIdfVectorizer", ["x"]), "1 operator is not supported (opset 18): TfIdfVectorizer (node the_if/the_tfidfvectorizer)"),
    (one("Concat", ["x", "x"], axis=7), "node 'the_if/the_concat' (Concat): axis 7 is out of range for rank 2"),
])
def test_bad_branches(then, text, tmp_path):
    assert text in refuse([make_if("yes", ["y"], then, NEG)], tmp_path, {"yes": YES})


def test_bad_conditions(tmp_path):
    text = refuse([make_if("c", ["y"], NEG, one("ReduceSum", ["x"], keepdims=0))], tmp_path)
    assert ("node 'the_if' (If): its branches give output 'y' different types, 2x3 f32 and scalar f32: the condition must be "
            "constant for this (--bind can make it so)") in text
    text = refuse([make_if("two", ["y"], NEG, NEG)], tmp_path, {"two": np.array([True, False])})
    assert "input 0 ('two') is not one bool" in text
    node = helper.make_node("If", ["yes"], ["y"], name="the_if", else_branch=NEG)
    assert "has no graph in its attribute 'then_branch'" in refuse([node], tmp_path, {"yes": YES})


def test_branch_that_does_not_fit(tmp_path):
    bad = one("Conv", ["x", "x"])
    text = refuse([make_if("c", ["y"], bad, NEG)], tmp_path)
    assert "node 'the_if/then/the_conv' (Conv): " in text
    assert "; this is in a branch of the node 'the_if': --bind c=FILE leaves out the branch that is not taken" in text
    assert "--bind" not in refuse([make_if("yes", ["y"], bad, NEG)], tmp_path, {"yes": YES})


def test_function_that_calls_itself_in_a_branch(tmp_path):
    call = helper.make_node("again", ["a", "c"], ["t"], domain="mine", name="call")
    again = helper.make_function("mine", "again", ["a", "c"], ["b"], [make_if("c", ["b"], branch([call], ["t"]), one("Neg", ["a"]))],
                                 [helper.make_opsetid("", OPSET), helper.make_opsetid("mine", 1)])
    node = helper.make_node("again", ["x", "yes"], ["y"], domain="mine", name="outer")
    assert "is in more than 128 graphs, one in the other" in refuse([node], tmp_path, {"yes": YES}, [again])


def test_function_that_calls_itself_in_a_loop(tmp_path):
    value = helper.make_tensor_value_info
    call = helper.make_node("again", ["v"], ["w"], domain="mine", name="call")
    body = helper.make_graph([call, helper.make_node("Identity", ["go"], ["stay"])], "body",
                             [value("i", TensorProto.INT64, []), value("go", TensorProto.BOOL, []), value("v", TensorProto.FLOAT, None)],
                             [value("stay", TensorProto.BOOL, []), value("w", TensorProto.FLOAT, None)])
    again = helper.make_function("mine", "again", ["a"], ["b"],
                                 [helper.make_node("Constant", [], ["n"], value_int=2), helper.make_node("Loop", ["n", "", "a"], ["b"], body=body)],
                                 [helper.make_opsetid("", OPSET), helper.make_opsetid("mine", 1)])
    text = refuse([helper.make_node("again", ["x"], ["y"], domain="mine", name="outer")], tmp_path, functions=[again])
    assert "is in more than 128 graphs, one in the other" in text and len(text) < 1000


def test_loops_in_each_other(tmp_path):
    """Twelve loops of four iterations: 4^12 iterations of the innermost."""
    value = helper.make_tensor_value_info
    nodes = [helper.make_node("Neg", ["v"], ["w"])]
    for _ in range(12):
        body = helper.make_graph([*nodes, helper.make_node("Identity", ["go"], ["stay"])], "body",
                                 [value("i", TensorProto.INT64, []), value("go", TensorProto.BOOL, []),
                                  value("v", TensorProto.FLOAT, None)],
                                 [value("stay", TensorProto.BOOL, []), value("w", TensorProto.FLOAT, None)])
        nodes = [helper.make_node("Loop", ["four", "", "v"], ["w"], body=body)]
    nodes = [helper.make_node("Identity", ["x"], ["v"]), *nodes, helper.make_node("Identity", ["w"], ["y"])]
    assert "have more than 32768 nodes together" in refuse(nodes, tmp_path, {"four": np.array(4)})
