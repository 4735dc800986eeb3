# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Loops that are not unrolled: data or an input decides how often they run, or they run very often. The numbers are
compared with ONNX Runtime."""

import numpy as np
import onnx
import pytest
from onnx import helper
from support import assert_close, compile_model, convoy, one_line, rand, run_artefact, run_fails, run_onnxruntime
from test_loops import F32, I64, body, make_model

TOLERANCE = 1e-5


def node(op, inputs, outputs, **attributes):
    return helper.make_node(op, inputs, outputs, name=f"{op.lower()}_{outputs[-1]}", **attributes)


def check(nodes, runs, folder, constants=None, outputs=("y",), options=()):
    """Compiles the model for the first of `runs`, and compares the outputs, with their shapes, in all runs."""
    model = make_model(nodes, runs[0], outputs, constants)
    artefact = compile_model(model, folder, *options)
    for feeds in runs:
        expected, actual = run_onnxruntime(model, feeds), run_artefact(artefact, feeds, outputs)
        for name in outputs:
            assert actual[name].shape == expected[name].shape
            assert_close(actual[name], expected[name], TOLERANCE, name)


# It goes on until the sum reaches a limit, and collects the rows.
GROWS = [node("Mul", ["v", "k"], ["w"]), node("ReduceSum", ["w"], ["sum"], keepdims=0), node("Less", ["sum", "limit"], ["more"])]
K = {"k": np.array(1.5, F32)}
LIMITS = [{"x": np.array([0.1, 0.2, 0.3, 0.4], F32), "limit": np.array(limit, F32)} for limit in (-1, 3, 1000, 1e9)]


def test_condition(tmp_path):
    """The rows are as many as the iterations; what follows works on these."""
    graph = body([*GROWS, node("Identity", ["w"], ["row"])], ["i", "go", "v"], ["more", "w", "row"], K)
    nodes = [node("Loop", ["n", "", "x"], ["y", "rows"], body=graph), node("ReduceSum", ["rows", "axis"], ["total"], keepdims=0)]
    check(nodes, LIMITS, tmp_path, {"n": np.array(20, I64), "axis": np.array([0], I64)}, ["y", "rows", "total"])


def test_number_from_data(tmp_path):
    """An input says how often the variables change places; 0 iterations leave them as they were."""
    graph = body([node("MatMul", ["a", "w"], ["t"]), node("Tanh", ["t"], ["t2"]), node("Identity", ["go"], ["stay"])],
                 ["i", "go", "a", "b"], ["stay", "b", "t2"])
    a, b, w = rand(1, 4), rand(1, 4), rand(4, 4)
    runs = [{"a0": a, "b0": b, "w": w, "n": np.array(n, I64)} for n in (0, 1, 2, 5, -3)]
    check([node("Loop", ["n", "", "a0", "b0"], ["y", "z"], body=graph)], runs, tmp_path, outputs=["y", "z"])


def test_first_condition(tmp_path):
    """Whether there is a first iteration is an input."""
    graph = body(GROWS, ["i", "go", "v"], ["more", "w"], K)
    runs = [LIMITS[2] | {"c": np.array(c)} for c in (False, True)]
    check([node("Loop", ["", "c", "x"], ["y"], body=graph)], runs, tmp_path)


def test_nested(tmp_path):
    """A loop in a loop; both end by data, and the inner one begins with values from outside of both."""
    inner = body([node("Mul", ["u", "k2"], ["t"]), node("Add", ["t", "v"], ["u2"]), node("ReduceSum", ["u2"], ["s"], keepdims=0),
                  node("Less", ["s", "limit2"], ["more"])], ["i", "go", "u"], ["more", "u2"])
    outer = body([node("Loop", ["n", "", "x"], ["v2"], body=inner), node("Cast", ["i"], ["f"], to=1), node("Add", ["v2", "f"], ["w"]),
                  node("ReduceSum", ["w"], ["s"], keepdims=0), node("Less", ["s", "limit"], ["more"]), node("Neg", ["w"], ["row"])],
                 ["i", "go", "v"], ["more", "w", "row"],
                 {"k2": np.array(0.9, F32), "n": np.array(7, I64), "limit2": np.array(50, F32)})
    nodes = [node("Loop", ["trips", "", "x"], ["y", "rows"], body=outer)]
    check(nodes, LIMITS, tmp_path, {"trips": np.array(6, I64)}, ["y", "rows"])


def test_branches(tmp_path):
    """A branch with a loop, whose body has a branch."""
    def branch(op):
        return helper.make_graph([node(op, ["w"], ["u"])], op, [], [onnx.ValueInfoProto(name="u")])

    graph = body([*GROWS, node("Not", ["more"], ["last"]), node("If", ["last"], ["w2"], then_branch=branch("Neg"),
                                                                else_branch=branch("Identity"))],
                 ["i", "go", "v"], ["more", "w2"], K)
    then = helper.make_graph([node("Loop", ["n", "", "x"], ["t"], body=graph)], "then", [], [onnx.ValueInfoProto(name="t")])
    other = helper.make_graph([node("Exp", ["x"], ["t"])], "else", [], [onnx.ValueInfoProto(name="t")])
    runs = [feeds | {"c": np.array(c)} for feeds in LIMITS for c in (False, True)]
    check([node("If", ["c"], ["y"], then_branch=then, else_branch=other)], runs, tmp_path, {"n": np.array(30, I64)})


@pytest.mark.parametrize("rows", [0, 2])
def test_variable_that_grows(rows, tmp_path):
    """Each iteration appends a row. How many there are is known after a run."""
    graph = body([*GROWS, node("Unsqueeze", ["w", "axis"], ["row"]), node("Concat", ["all", "row"], ["all2"], axis=0)],
                 ["i", "go", "v", "all"], ["more", "w", "all2"], K)
    nodes = [node("Loop", ["n", "", "x", "first"], ["y", "z"], body=graph), node("ReduceMax", ["z", "axis"], ["m"], keepdims=1)]
    constants = {"n": np.array(20, I64), "axis": np.array([0], I64)}
    if rows:
        runs = [feeds | {"first": rand(rows, 4)} for feeds in LIMITS]
    else:
        constants["first"] = np.zeros((0, 4), F32)
        runs = LIMITS
    check(nodes, runs, tmp_path, constants, ["y", "z", "m"])


def test_loop_over_found(tmp_path):
    """As many iterations as elements are found; each takes one, and appends what it makes of it."""
    graph = body([node("Gather", ["found", "i"], ["e"], axis=0), node("Unsqueeze", ["e", "axis"], ["row"]),
                  node("Mul", ["row", "k"], ["twice"]), node("Concat", ["all", "twice"], ["all2"], axis=0),
                  node("Identity", ["go"], ["stay"])], ["i", "go", "all"], ["stay", "all2", "e"], K | {"axis": np.array([0], I64)})
    nodes = [node("Greater", ["x", "zero"], ["g"]), node("Compress", ["x", "g"], ["found"], axis=0), node("Shape", ["found"], ["s"]),
             node("Squeeze", ["s"], ["n"]), node("Loop", ["n", "", "none"], ["y", "z"], body=graph)]
    runs = [{"x": rand(9) + F32(shift)} for shift in (0, 5, -5)]
    check(nodes, runs, tmp_path, {"zero": np.array(0, F32), "none": np.zeros(0, F32)}, ["y", "z"])


@pytest.mark.parametrize("options", [(), ("--devices=2",)], ids=["one", "two"])
def test_convolutions(options, tmp_path):
    """A layer in a loop has a packed filter and, as the one before it, channels in blocks. Its residual is the variable."""
    graph = body([node("Conv", ["v", "f"], ["t"], pads=[1] * 4), node("Add", ["t", "v"], ["u"]), node("Relu", ["u"], ["w"]),
                  node("ReduceMean", ["w"], ["mean"], keepdims=0), node("Less", ["mean", "limit"], ["more"])],
                 ["i", "go", "v"], ["more", "w", "mean"])
    nodes = [node("Conv", ["x", "f"], ["h"], pads=[1] * 4), node("Loop", ["n", "", "h"], ["r", "means"], body=graph),
             node("Conv", ["r", "f"], ["y"])]
    x = rand(1, 16, 9, 9)
    runs = [{"x": x, "limit": np.array(limit, F32)} for limit in (-1, 0.5, 1000)]
    check(nodes, runs, tmp_path, {"n": np.array(6, I64), "f": rand(16, 16, 3, 3) * F32(0.08)}, ["y", "means"], options)


def test_counter_of_floats(tmp_path):
    """As Paddle's exporter writes a decoder: a counter is increased as a float and ends the loop, weights and the limit are
    variables that do not change, and each iteration writes its row into a tensor."""
    graph = body([node("MatMul", ["v", "w"], ["t"]), node("Tanh", ["t"], ["v2"]),
                  node("Cast", ["n"], ["nf"], to=1), node("Add", ["nf", "one"], ["n1"]), node("Cast", ["n1"], ["n2"], to=7),
                  node("Shape", ["all"], ["s"]), node("Gather", ["s", "at1"], ["length"]), node("Min", ["length", "n2"], ["end"]),
                  node("Slice", ["all", "n", "end", "at1"], ["part"]), node("Shape", ["part"], ["ps"]),
                  node("Unsqueeze", ["v2", "at1"], ["row"]), node("Expand", ["row", "ps"], ["rows"]),
                  node("Squeeze", ["n"], ["from"]), node("Squeeze", ["end"], ["to"]), node("Range", ["from", "to", "step"], ["range"]),
                  node("Reshape", ["range", "column"], ["r"]), node("Slice", ["ps", "at2", "at3"], ["width"]),
                  node("Concat", ["at1", "at1", "width"], ["repeats"], axis=0), node("Tile", ["r", "repeats"], ["index"]),
                  node("ScatterElements", ["all", "index", "rows"], ["all2"], axis=1),
                  node("Cast", ["last"], ["lf"], to=1), node("Add", ["lf", "one"], ["l1"]), node("Cast", ["l1"], ["l2"], to=7),
                  node("Less", ["n2", "l2"], ["less"]), node("Cast", ["less"], ["li"], to=7), node("Cast", ["li"], ["more"], to=9)],
                 ["i", "go", "v", "w", "n", "last", "all"], ["more", "v2", "w", "n2", "last", "all2"],
                 {"one": np.ones(1, F32), "at1": np.array([1], I64), "at2": np.array([2], I64), "at3": np.array([3], I64),
                  "step": np.array(1, I64), "column": np.array([1, -1, 1], I64)})
    for value in (graph.input[1], graph.output[0]):
        value.type.tensor_type.shape.dim.add().dim_value = 1
    for value in (graph.input[4], graph.input[5], graph.output[3], graph.output[4]):
        value.type.tensor_type.elem_type = onnx.TensorProto.INT64
    nodes = [node("Loop", ["most", "yes", "x", "weights", "zero", "last0", "zeros"], ["v9", "w9", "n9", "l9", "y"], body=graph)]
    constants = {"most": np.array(2**31 - 1, I64), "yes": np.array([True]), "weights": rand(4, 4), "zero": np.array([0], I64),
                 "last0": np.array([1500], I64), "zeros": np.zeros((1, 1501, 4), F32)}
    check(nodes, [{"x": rand(1, 4)}], tmp_path, constants, ["y"])


def test_long_scan_of_found(tmp_path):
    """The number of iterations of a Scan depends on data, too."""
    graph = body([node("Add", ["v", "a"], ["w"]), node("Sin", ["w"], ["s"])], ["v", "a"], ["w", "s"])
    nodes = [node("Greater", ["x", "zero"], ["g"]), node("Compress", ["x", "g"], ["found"], axis=0),
             node("Scan", ["zero", "found"], ["y", "z"], num_scan_inputs=1, body=graph, scan_output_directions=[1])]
    check(nodes, [{"x": rand(9) + F32(shift)} for shift in (0, 5)], tmp_path, {"zero": np.array(0, F32)}, ["y", "z"])


def test_loop_that_would_not_end(tmp_path):
    """A run fails if a loop without a trip count goes on for too long; the next run is as good as any. With a limit that is
    given, such a loop may collect rows, and its variables may grow."""
    graph = body([*GROWS, node("Unsqueeze", ["w", "axis"], ["row"]), node("Concat", ["all", "row"], ["all2"], axis=0)],
                 ["i", "go", "v", "all"], ["more", "w", "all2", "w"], K)
    nodes = [node("Loop", ["", "", "x", "none"], ["v9", "y", "rows"], body=graph)]
    constants = {"none": np.zeros((0, 4), F32), "axis": np.array([0], I64)}
    check(nodes, LIMITS[:3], tmp_path, constants, ["y", "rows"], ["--max-iterations=20"])
    simple = [node("Loop", ["", "", "x"], ["y"], body=body(GROWS, ["i", "go", "v"], ["more", "w"], K))]
    endless = {"x": np.zeros(4, F32), "limit": np.array(1, F32)}
    for own, outputs, options in ((nodes, ["y", "rows"], ["--max-iterations=20"]), (simple, ["y"], [])):
        artefact = compile_model(make_model(own, endless, outputs, constants), tmp_path, *options)
        text = run_fails(artefact, endless)
        assert "a loop of the model did not end within the iterations that --max-iterations allows ('" in text
        assert text.endswith(f"' after {20 if options else 1000000} iterations)"), text
    check(simple, LIMITS, tmp_path)


def test_loop_that_is_counted_at_run_time(tmp_path):
    """A trip count that is an input may be larger than the limit of loops that have none."""
    graph = body([node("Add", ["v", "x"], ["w"])], ["i", "go", "v"], ["go", "w"])
    nodes = [node("Loop", ["n", "", "zero"], ["y"], body=graph)]
    feeds = [{"x": np.array(1, F32), "n": np.array(n, I64)} for n in (1_500_000, 0)]
    check(nodes, feeds, tmp_path, {"zero": np.array(0, F32)}, ["y"])


def test_condition_that_stays(tmp_path):
    """The loop has no iteration, or does not end; which, is known only in a run."""
    graph = body([node("Add", ["v", "x"], ["w"])], ["i", "go", "v"], ["go", "w"])
    nodes = [node("Loop", ["", "c", "x"], ["y"], body=graph)]
    feeds = {"x": rand(4), "c": np.array(False)}
    check(nodes, [feeds], tmp_path, {}, ["y"])
    artefact = compile_model(make_model(nodes, feeds, ["y"]), tmp_path, "--max-iterations=100")
    assert "a loop of the model did not end" in run_fails(artefact, feeds | {"c": np.array(True)})


def refuse(nodes, feeds, folder, *options, constants=None):
    onnx.save(make_model(nodes, feeds, ["y"], constants), folder / "model.onnx")
    return one_line(convoy("compile", folder / "model.onnx", "-o", folder / "model.so", *options))


def test_messages(tmp_path):
    feeds = {"x": rand(4), "limit": np.array(3, F32), "n": np.array(3, I64)}

    def loop(nodes, results, count="n", outputs=("y",), names=("i", "go", "v")):
        graph = body([*GROWS, *nodes], names, ["more", *results], K)
        return [node("Loop", [count, "", *(["x"] * (len(names) - 2))], outputs, body=graph)]

    text = refuse(loop([node("Identity", ["w"], ["row"])], ["w", "row"], outputs=["", "y"]), feeds, tmp_path)
    assert ("node 'loop_y' (Loop): collects a tensor of each iteration, and the largest number of iterations is not known: "
            "set it with --max-iterations=N, or make it a constant with --bind n=FILE") in text
    text = refuse(loop([node("Shape", ["w"], ["other"])], ["other"]), feeds, tmp_path)
    assert "(Loop): has a variable 0 of type 4 f32, after an iteration it is 1 i64" in text
    text = refuse(loop([node("Concat", ["w", "w"], ["twice"], axis=0)], ["twice"]), feeds, tmp_path)
    assert "(Loop): has variables that grow without a bound that is known" in text
    text = refuse(loop([], ["w"]), feeds, tmp_path, "--target=cuda")
    assert "node 'loop_y': is a loop, which runs on CPUs only: kernels of a GPU cannot decide when it ends" in text
