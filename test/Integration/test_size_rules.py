# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Operators on tensors whose size depends on data, against ONNX Runtime: with no, some and all elements."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from support import (Case, batches, check_cases, compile_model, convoy, one_line, run_artefact,
                     run_onnxruntime, value_info)

OPSET = 18
F32, I64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
CASES = []
random = np.random.default_rng(11)
node = helper.make_node


def sparse(density, *shape):
    return (random.standard_normal(shape) * (random.random(shape) < density)).astype(np.float32)


def make_model(nodes, feeds, outputs, constants=None):
    """outputs: name -> element type."""
    known = {name: np.asarray(value) for name, value in (constants or {}).items()}
    graph = helper.make_graph(
        nodes, "sizes", [value_info(name, array) for name, array in feeds.items()],
        [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in known.items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)


def add(name, nodes, outputs, *, x=(4, 6), densities=(0, 0.4, 1), **constants):
    """A case for each density of x, a tensor that is zero elsewhere."""
    for density in densities:
        feeds = {"x": sparse(density, *x)}
        CASES.append(Case(f"{name}-{density}", make_model(nodes, feeds, outputs, constants), feeds))


NOT_EMPTY = (0.1, 0.5, 1)
# v: the elements of x that are not zero. i, t: where they are, by columns and by rows.
FIND = [node("NonZero", ["x"], ["i"]), node("Transpose", ["i"], ["t"]), node("GatherND", ["x", "t"], ["v"])]
add("values", [*FIND, node("Exp", ["v"], ["y"])], {"y": F32, "t": I64, "i": I64})
add("shape", [*FIND, node("Shape", ["t"], ["s"]), node("Size", ["t"], ["z"])], {"s": I64, "z": I64})
add("bool", [node("Cast", ["x"], ["b"], to=BOOL), node("NonZero", ["b"], ["y"])], {"y": I64}, x=(2, 3, 5))

# k is the smaller one of 3 and the number of values.
COUNT = [node("Shape", ["v"], ["s"]), node("Concat", ["s", "three"], ["both"], axis=0),
         node("ReduceMin", ["both"], ["least"], keepdims=0), node("Reshape", ["least", "one"], ["k"])]
for largest in (0, 1):
    add(f"top{largest}", [*FIND, *COUNT, node("TopK", ["v", "k"], ["tv", "ti"], largest=largest)],
        {"tv": F32, "ti": I64}, three=[3], one=[1])

for op in ("ReduceMax", "ReduceMin", "ReduceSum", "ReduceMean", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSumExp",
           "ReduceSumSquare"):
    add(op, [*FIND, node(op, ["v"], ["y"], keepdims=0)], {"y": F32}, densities=(0.1, 1))
add("arg", [*FIND, node("ArgMax", ["v"], ["y"]), node("ArgMin", ["v"], ["w"], keepdims=0)], {"y": I64, "w": I64},
    densities=NOT_EMPTY)
add("softmax", [*FIND, node("Softmax", ["v"], ["y"], axis=0)], {"y": F32}, densities=NOT_EMPTY)
add("concat", [*FIND, node("Concat", ["v", "c", "v"], ["y"], axis=0), node("ReduceSum", ["y"], ["s"], keepdims=0)],
    {"y": F32, "s": F32}, c=np.float32([1, 2, 3]))
for start, end, step in ((0, 3, 1), (1, 99, 1), (-2, 99, 1), (0, -1, 1), (-3, -1, 1), (99, -99, -1), (1, 5, 2), (-1, -99, -2),
                         (5, 1, 1)):
    add(f"slice{start},{end},{step}", [*FIND, node("Slice", ["v", "start", "end", "axis", "step"], ["y"])], {"y": F32}, x=(4, 3),
        start=[start], end=[end], axis=[0], step=[step])
# Ends that are computed from sizes, of a dimension that is not.
add("slice-to-size", [*FIND, node("Shape", ["v"], ["s"]), node("Slice", ["c", "zero", "s"], ["y"])], {"y": F32},
    zero=[0], c=np.arange(30, dtype=np.float32))
add("from-end", [*FIND, node("Gather", ["v", "last"], ["y"]), node("GatherElements", ["v", "last"], ["z"]),
                 node("GatherND", ["v", "rows"], ["w"])], {"y": F32, "z": F32, "w": F32}, densities=NOT_EMPTY, last=[-1, 0],
    rows=[[-1], [0], [-1]])
add("expand", [*FIND, node("Shape", ["v"], ["s"]), node("Concat", ["s", "four"], ["e"], axis=0), node("Unsqueeze", ["v", "one"], ["u"]),
               node("Expand", ["u", "e"], ["y"]), node("Squeeze", ["s"], ["limit"]), node("Range", ["zero", "limit", "step"], ["r"]),
               node("ConstantOfShape", ["s"], ["c"], value=numpy_helper.from_array(np.int64([2]))), node("Add", ["r", "c"], ["sum"])],
    {"y": F32, "r": I64, "c": I64, "sum": I64}, x=(4, 3), four=[4], one=[1], zero=0, step=1)

# r: the rows of x whose largest element is above 0.5.
ROWS = [node("ReduceMax", ["x", "second"], ["m"], keepdims=0), node("Greater", ["m", "half"], ["g"]), node("Compress", ["x", "g"], ["r"], axis=0)]
COMMON = {"second": [1], "half": np.float32(0.5)}
add("rows", [*ROWS, node("MatMul", ["r", "w"], ["p"]), node("Gemm", ["r", "w", "c"], ["q"]), node("Add", ["p", "q"], ["z"]),
             node("Softmax", ["z"], ["sm"], axis=-1), node("ReduceMean", ["z", "first"], ["mean"], keepdims=0), node("Transpose", ["sm"], ["y"])],
    {"y": F32, "mean": F32}, x=(6, 4), densities=(0.5, 1), **COMMON, first=[0], w=sparse(1, 4, 8), c=sparse(1, 8))
# Several groups of rows, of which not all are computed, and inputs in several chunks.
add("rows-deep", [*ROWS, node("Gemm", ["r", "w", "c"], ["g1"], transB=1), node("Tanh", ["g1"], ["y"]), node("MatMul", ["r", "v"], ["z"])],
    {"y": F32, "z": F32}, x=(61, 530), densities=(0, 0.0003, 0.002, 1), **COMMON, w=sparse(0.1, 50, 530), c=sparse(1, 50), v=sparse(0.1, 530, 32))
add("reshape", [*ROWS, node("Reshape", ["r", "flat"], ["f"]), node("Reshape", ["f", "pairs"], ["p"]), node("Flatten", ["r"], ["fl"], axis=2),
                node("Shape", ["r"], ["s"]), node("Reshape", ["f", "s"], ["b"]), node("Unsqueeze", ["r", "first"], ["u"]),
                node("Squeeze", ["u", "first"], ["sq"]), node("Split", ["r"], ["a1", "a2"], axis=1, num_outputs=2),
                node("Pad", ["r", "pads"], ["pad"]), node("Tanh", ["b"], ["tb"])],
    {"f": F32, "p": F32, "fl": F32, "tb": F32, "sq": F32, "a2": F32, "pad": F32}, x=(6, 4), **COMMON, flat=[-1], pairs=[-1, 2],
    first=[0], pads=[0, 1, 0, 2])
add("compress", [node("ReduceMax", ["x", "first"], ["m"], keepdims=0), node("Greater", ["m", "half"], ["g"]),
                 node("Compress", ["x", "g"], ["y"], axis=1), node("Concat", ["y", "y"], ["twice"], axis=1),
                 node("ReduceMax", ["x"], ["all"]), node("Greater", ["x", "half"], ["above"]), node("Reshape", ["above", "flat"], ["flags"]),
                 node("Compress", ["x", "flags"], ["z"])], {"y": F32, "twice": F32, "z": F32}, first=[0], half=np.float32(0.5), flat=[-1])
add("scatter", [node("NonZero", ["x"], ["i"]), node("Squeeze", ["i", "first"], ["q"]), node("Gather", ["x", "q"], ["a"]),
                node("ScatterElements", ["w", "q", "a"], ["y"]), node("Transpose", ["i"], ["t"]),
                node("ScatterND", ["w", "t", "a"], ["u"], reduction="add"), node("ScatterElements", ["a", "q2", "w2"], ["into"])],
    {"y": F32, "u": F32, "into": F32}, x=(7,), densities=(0.7, 1), first=[0], w=sparse(1, 7), q2=[-1, 0], w2=sparse(1, 2))
# Some rows of a tensor of zeros, and then others, are replaced; as PyTorch's exporter writes an assignment to rows.
SHAPED = [node("Size", ["q"], ["count"]), node("Unsqueeze", ["count", "first"], ["counts"]), node("Concat", ["counts", "rest"], ["shape"], axis=0),
          node("Equal", ["shape", "minus"], ["open"]), node("Where", ["open", "ones", "shape"], ["whole"])]
add("scatter-rows", [node("NonZero", ["x"], ["i"]), node("Squeeze", ["i", "first"], ["q"]), *SHAPED, node("Gather", ["w", "q"], ["a"]),
                     node("Reshape", ["q", "column"], ["qc"]), node("Expand", ["qc", "whole"], ["e"]), node("ScatterElements", ["zeros", "e", "a"], ["y"]),
                     node("Equal", ["x", "zero"], ["no"]), node("NonZero", ["no"], ["j"]), node("Squeeze", ["j", "first"], ["r"]),
                     node("Gather", ["w", "r"], ["b"]), node("Shape", ["b"], ["bs"]), node("Neg", ["b"], ["nb"]), node("Reshape", ["r", "column"], ["rc"]),
                     node("Expand", ["rc", "bs"], ["f"]), node("ScatterElements", ["y", "f", "nb"], ["z"]), node("Gather", ["z", "q"], ["zq"]),
                     node("Expand", ["last", "two"], ["l"]), node("ScatterElements", ["zq", "l", "u"], ["into"])],
    {"y": F32, "z": F32, "into": F32}, x=(7,), densities=(0.4, 1), first=[0], rest=[3, 2], minus=[-1, -1, -1], ones=[1, 1, 1], column=[-1, 1, 1],
    w=sparse(1, 7, 3, 2), zeros=np.zeros((7, 3, 2), np.float32), zero=np.float32(0), last=[[[-1]]], two=[1, 3, 2], u=sparse(1, 1, 3, 2))
add("scatter-constant", [*FIND, node("ScatterND", ["v", "rows", "news"], ["y"])], {"y": F32}, densities=NOT_EMPTY, rows=[[-1]], news=np.float32([9]))
# Two sizes that are equal, though the compiler does not know it; and one that may be 1.
add("equal-sizes", [*FIND, node("Abs", ["x"], ["absolute"]), node("NonZero", ["absolute"], ["j"]), node("Transpose", ["j"], ["tj"]),
                    node("GatherND", ["x", "tj"], ["b"]), node("Add", ["v", "b"], ["y"]), node("Where", ["yes", "v", "b"], ["z"])],
    {"y": F32, "z": F32}, yes=np.array([True]))
add("again", [*FIND, node("Greater", ["v", "half"], ["g"]), node("NonZero", ["g"], ["j"]), node("Transpose", ["j"], ["tj"]),
              node("GatherND", ["v", "tj"], ["y"])], {"y": F32, "j": I64}, half=np.float32(0.5))
add("constant", [node("NonZero", ["c"], ["i"]), node("Transpose", ["i"], ["t"]), node("GatherND", ["x", "t"], ["y"])], {"y": F32, "i": I64},
    densities=(1,), c=sparse(0.5, 4, 6))

# Running sums from both ends, repeats, and one of a kind; also of tensors whose inner dimension is fixed.
add("running", [*FIND, node("CumSum", ["v", "begin"], ["y"]), node("CumSum", ["v", "begin"], ["back"], reverse=1),
                node("CumSum", ["v", "begin"], ["z"], reverse=1, exclusive=1), node("CumSum", ["t", "one"], ["pairs"])],
    {"y": F32, "back": F32, "z": F32, "pairs": I64}, x=(4, 3), begin=0, one=1)
add("tile", [*FIND, node("Tile", ["v", "twice"], ["y"]), node("Tile", ["t", "inside"], ["z"]), node("Tile", ["t", "both"], ["w"]),
             node("ReduceSum", ["y"], ["s"], keepdims=0)], {"y": F32, "z": I64, "w": I64, "s": F32}, x=(4, 3), twice=[2], inside=[1, 3], both=[3, 2])
add("one-hot", [*FIND, node("OneHot", ["t", "depth", "values"], ["y"]), node("Gather", ["t", "zero"], ["rows"], axis=1),
                node("OneHot", ["rows", "depth", "values"], ["z"], axis=0)],
    {"y": F32, "z": F32}, x=(4, 3), depth=4, values=np.float32([-1, 2]), zero=0)
add("norms", [*ROWS, node("LayerNormalization", ["r", "scale", "shift"], ["y"]), node("LpNormalization", ["r"], ["z"]), node("Trilu", ["r"], ["w"], upper=0),
              node("Unsqueeze", ["r", "both"], ["u"]), node("LRN", ["u"], ["lrn"], size=3),
              node("DepthToSpace", ["u"], ["d"], blocksize=2)],
    {"y": F32, "z": F32, "w": F32, "lrn": F32, "d": F32}, x=(6, 4), **COMMON, scale=sparse(1, 4), shift=sparse(1, 4), both=[2, 3])
add("quantised", [*ROWS, node("QuantizeLinear", ["r", "step", "middle"], ["q"]), node("DequantizeLinear", ["q", "step", "middle"], ["y"]),
                  node("DynamicQuantizeLinear", ["r"], ["dq", "ds", "dz"]), node("MatMulInteger", ["dq", "w8", "dz"], ["p"]), node("Cast", ["p"], ["z"], to=F32),
                  node("QuantizeLinear", ["r", "steps"], ["qc"], axis=1), node("DequantizeLinear", ["qc", "steps"], ["yc"], axis=1)],
    {"y": F32, "z": F32, "ds": F32, "yc": F32}, x=(6, 4), densities=(0.5, 1), **COMMON, step=np.float32(0.05), middle=np.uint8(100), steps=np.float32([0.1, 0.2, 0.3, 0.4]),
    w8=np.arange(20, dtype=np.int8).reshape(4, 5))


def branch(nodes, output, kind, name):
    return helper.make_graph(nodes, name, [], [helper.make_tensor_value_info(output, kind, None)])


# What exporters write around NonMaxSuppression; and branches of two sizes.
add("if", [*FIND, node("Size", ["v"], ["count"]), node("Equal", ["count", "zero"], ["empty"]),
           node("If", ["empty"], ["y"], then_branch=branch([node("Constant", [], ["n"], value=numpy_helper.from_array(np.zeros(0, np.float32)))], "n", F32, "then"),
                else_branch=branch([node("Neg", ["v"], ["neg"])], "neg", F32, "else")),
           node("Greater", ["count", "six"], ["many"]),
           node("If", ["many"], ["z"], then_branch=branch([node("Constant", [], ["cc"], value_floats=[4.0, 5.0])], "cc", F32, "then2"),
                else_branch=branch([node("Exp", ["v"], ["ev"])], "ev", F32, "else2"))],
    {"y": F32, "z": F32}, zero=0, six=6)

for k in (0, 2, 5):
    feeds = {"x": sparse(1, 3, 5), "k": np.int64([k])}
    CASES.append(Case(f"fed-k{k}", make_model([node("TopK", ["x", "k"], ["v", "i"])], feeds, {"v": F32, "i": I64}), feeds))


def boxes_of(batch, count, extent, is_centred):
    corner, size = random.random((batch, count, 2)) * extent, random.random((batch, count, 2)) * 0.3
    return np.concatenate([corner, size if is_centred else corner + size], 2).astype(np.float32)


for batch, classes, count, most, overlap, least, centred in (
        (1, 1, 20, 5, 0.5, None, 0), (2, 3, 30, 2**62, 0.3, 0.2, 0), (1, 2, 50, 10, 0.1, 0.5, 1), (1, 1, 40, 2**63 - 1, 0.0, None, 0),
        (1, 1, 10, 0, 0.5, None, 0)):
    for extent in (1, 0.3):
        # Some boxes have their corners in another order, some scores are equal.
        feeds = {"b": boxes_of(batch, count, extent, centred), "s": np.round(random.random((batch, classes, count)), 2).astype(np.float32)}
        if not centred:
            feeds["b"][:, ::3] = feeds["b"][:, ::3][..., [2, 3, 0, 1]]
        constants = {"most": [most], "overlap": np.float32([overlap])} | ({} if least is None else {"least": np.float32([least])})
        suppress = node("NonMaxSuppression", ["b", "s", *constants], ["y"], center_point_box=centred)
        CASES.append(Case(f"nms{batch},{classes},{count},{extent}", make_model([suppress], feeds, {"y": I64}, constants), feeds))

DETECT = [node("Greater", ["s", "half"], ["g"]), node("NonZero", ["g"], ["i"]), node("Squeeze", ["i", "first"], ["q"]), node("Gather", ["s", "q"], ["ss"]),
          node("Gather", ["b", "q"], ["bb"]), node("Unsqueeze", ["ss", "both"], ["s3"]), node("Unsqueeze", ["bb", "first"], ["b3"]),
          node("NonMaxSuppression", ["b3", "s3", "most", "overlap"], ["chosen"]), node("Gather", ["chosen", "two"], ["c"], axis=1),
          node("Squeeze", ["c", "second"], ["keep"]), node("Gather", ["bb", "keep"], ["yb"]), node("Gather", ["ss", "keep"], ["ys"]),
          node("Unsqueeze", ["keep", "second"], ["column"]), node("Mul", ["column", "zero"], ["zeros"]), node("Squeeze", ["zeros", "second"], ["entries"]),
          node("RoiAlign", ["picture", "yb", "entries"], ["regions"], output_height=2, output_width=2, sampling_ratio=2),
          node("Conv", ["regions", "w"], ["features"]), node("GlobalAveragePool", ["features"], ["pooled"]), node("Flatten", ["pooled"], ["y"])]
for scale in (0.4, 0.6, 1):
    feeds = {"b": boxes_of(1, 30, 4, False)[0] * 3, "s": (random.random(30) * scale).astype(np.float32)}
    CASES.append(Case(f"detect{scale}", make_model(DETECT, feeds, {"yb": F32, "ys": F32, "chosen": I64, "y": F32}, {
        "half": np.float32(0.5), "first": [0], "second": [1], "both": [0, 1], "most": [2**63 - 1], "overlap": np.float32([0.3]), "two": [2], "zero": 0,
        "picture": sparse(1, 1, 8, 6, 6), "w": sparse(1, 16, 8, 1, 1)}), feeds))


@pytest.mark.parametrize("cases", batches(CASES), ids=lambda cases: cases[0].name)
def test_sizes(cases, tmp_path):
    check_cases(cases, tmp_path)


def test_devices(tmp_path):
    check_cases([a_case for a_case in CASES if a_case.name.startswith(("rows", "detect"))], tmp_path, ["--devices=2"])


def test_scores_that_are_not_numbers(tmp_path):
    """A box whose score is NaN is never chosen."""
    feeds = {"b": boxes_of(1, 12, 4, False), "s": random.random((1, 1, 12)).astype(np.float32)}
    model = make_model([node("NonMaxSuppression", ["b", "s", "most", "overlap"], ["y"])], feeds, {"y": I64},
                       {"most": [9], "overlap": np.float32([0.5])})
    without = dict(feeds, s=feeds["s"].copy())
    feeds["s"][0, 0, 3:6] = np.nan
    without["s"][0, 0, 3:6] = -1
    expected = [row for row in run_onnxruntime(model, without)["y"].tolist() if row[2] not in (3, 4, 5)]
    assert run_artefact(compile_model(model, tmp_path), feeds, ["y"])["y"].tolist() == expected


def refuse(nodes, tmp_path, **constants):
    onnx.save(make_model([*FIND, *nodes], {"x": sparse(1, 4, 6)}, {"y": F32}, constants), tmp_path / "model.onnx")
    return one_line(convoy("compile", tmp_path / "model.onnx", "-o", tmp_path / "model.so"))


def test_refusals(tmp_path):
    text = refuse([node("Hardmax", ["v"], ["y"])], tmp_path)
    assert "(Hardmax): input 0 ('v') has a size in dimension 0 that depends on data, which is not supported here" in text
    text = refuse([node("LayerNormalization", ["v", "one"], ["y"])], tmp_path, one=np.ones(24, np.float32))
    assert "(LayerNormalization): input 0 ('v') has a size in dimension 0 that depends on data" in text
    rows = [node("Reshape", ["t", "pairs"], ["tp"]), node("Cast", ["tp"], ["f"], to=F32),
            node("FusedMatMul", ["f", "w"], ["y"], domain="com.microsoft", transBatchA=1)]
    text = refuse(rows, tmp_path, pairs=[-1, 1, 2], w=sparse(1, 2, 3))
    assert "(FusedMatMul): input 0 ('f') has a size in dimension " in text
    text = refuse([node("Pad", ["v", "pads"], ["y"])], tmp_path, pads=[1, 1])
    assert "(Pad): pads dimension 0, whose size depends on data" in text
    text = refuse([node("Split", ["v"], ["y", "z"], num_outputs=2)], tmp_path)
    assert "(Split): splits dimension 0, whose size depends on data" in text
    text = refuse([node("ConstantOfShape", ["i"], ["y"])], tmp_path)
    assert "(ConstantOfShape): input 0 ('i') has a size in dimension 1 that depends on data" in text
