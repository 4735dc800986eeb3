# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Pictures whose size is computed from data, as detectors paste masks: Resize, and what cuts and joins its result."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator
from support import Case, batches, check_cases, compile_model, convoy, one_line, run_artefact
from test_size_rules import F32, FIND, I64, make_model, sparse

random = np.random.default_rng(5)
node = helper.make_node
CASES = []
# `n`: the number of elements of x that are not zero, and 2.
COUNT = [*FIND, node("Shape", ["v"], ["k"]), node("Add", ["k", "two"], ["n"])]


def add(name, nodes, outputs, *, x=(2, 4), densities=(0, 0.5, 1), tolerance=1e-5, **constants):
    for density in densities:
        feeds = {"x": sparse(density, *x)}
        model = make_model(nodes, feeds, outputs, {"two": np.int64([2]), **constants})
        CASES.append(Case(f"{name}-{density}", model, feeds, tolerance))


METHODS = [{"mode": "nearest", "nearest_mode": rounding, "coordinate_transformation_mode": coordinates}
           for coordinates, rounding in (("asymmetric", "floor"), ("half_pixel", "round_prefer_ceil"), ("align_corners", "ceil"),
                                         ("pytorch_half_pixel", "round_prefer_floor"))]
METHODS += [{"mode": mode, "coordinate_transformation_mode": coordinates} for mode in ("linear", "cubic")
            for coordinates in ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric")]
METHODS += [{"mode": "cubic", "cubic_coeff_a": -0.5, "exclude_outside": 1}, {"mode": "linear", "coordinate_transformation_mode": "half_pixel_symmetric"}]
for method in METHODS:
    name = "-".join(str(value) for value in method.values())
    # To one size that is computed, and one that is not; and the other way round.
    add(name, [*COUNT, node("Concat", ["channels", "n", "nine"], ["s"], axis=0), node("Resize", ["c", "", "", "s"], ["y"], **method),
               node("Concat", ["channels", "three", "n"], ["s2"], axis=0), node("Resize", ["c", "", "", "s2"], ["z"], **method)],
        {"y": F32, "z": F32}, densities=(0, 0.4, 1), channels=[1, 2], nine=[9], three=[3], c=sparse(1, 1, 2, 5, 7))
# A part of the picture, and of what lies beside it.
add("crop", [*COUNT, node("Concat", ["channels", "n", "nine"], ["s"], axis=0),
             node("Resize", ["c", "roi", "", "s"], ["y"], mode="linear", coordinate_transformation_mode="tf_crop_and_resize", extrapolation_value=7.0)],
    {"y": F32}, channels=[1, 2], nine=[9], c=sparse(1, 1, 2, 11, 7), roi=np.float32([0, 0, 0.1, -0.3, 1, 1, 0.8, 1.1]))
# A picture whose own size is computed, resized to another size, to a constant one, and by a factor.
ROWS = [*COUNT, node("Slice", ["c", "two", "n", "rows"], ["r"]), node("Add", ["n", "two"], ["m"])]
PICTURE = {"rows": [2], "axes": [2, 3], "c": sparse(1, 1, 2, 10, 7)}
add("from-rows", [*ROWS, node("Concat", ["m", "two"], ["s"], axis=0), node("Resize", ["r", "", "", "s"], ["y"], mode="linear", axes=[2, 3]),
                  node("Resize", ["r", "", "", "five"], ["z"], mode="linear", axes=[2, 3]),
                  node("Resize", ["r", "", "factors"], ["w"], mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")],
    {"y": F32, "z": F32, "w": F32}, densities=(0.3, 1), five=[5, 5], factors=np.float32([1, 1, 1.7, 0.5]), **PICTURE)
# A size that comes from floats: a box that is clipped, picked by an index that is data.
add("from-floats", [*COUNT, node("Abs", ["x"], ["a"]), node("Mul", ["a", "four"], ["b"]), node("Min", ["b", "most"], ["clipped"]),
                    node("Min", ["k", "one"], ["index"]), node("Gather", ["clipped", "index"], ["row"]),
                    node("Gather", ["row", "two"], ["edge"], axis=1), node("Ceil", ["edge"], ["up"]), node("Cast", ["up"], ["whole"], to=I64),
                    node("Reshape", ["whole", "flat"], ["w"]), node("Add", ["w", "one"], ["size"]),
                    node("Concat", ["three", "size"], ["s"], axis=0), node("Resize", ["c", "", "", "s"], ["y"], mode="linear", axes=[2, 3])],
    {"y": F32}, four=np.float32(4), most=np.float32(6.5), one=[1], flat=[-1], three=[3], c=sparse(1, 1, 2, 5, 7))

# Starts and ends that may count from the end, or lie outside.
for step in (1, 2, -1):
    add(f"slice{step}", [*COUNT, node("Sub", ["n", "six"], ["start"]), node("Sub", ["three", "n"], ["end"]),
                         node("Slice", ["c", "start", "far", "first", "step"], ["y"]), node("Slice", ["c", "start", "end", "first", "step"], ["z"]),
                         node("Slice", ["v", "start", "end", "first", "step"], ["w"])],
        {"y": F32, "z": F32, "w": F32}, densities=(0, 0.3, 0.6, 1), six=[6], three=[3], far=[99 if step > 0 else -99], first=[0], step=[step],
        c=np.arange(9, dtype=np.float32))
# Elements that move when dimensions are merged or split.
add("reshape", [*COUNT, node("Reshape", ["i", "flat"], ["y"]), node("Reshape", ["t", "pair"], ["z"]), node("Flatten", ["i"], ["f"], axis=2),
                node("Concat", ["k", "two"], ["s"], axis=0), node("Reshape", ["i", "s"], ["w"]),
                node("Unsqueeze", ["i", "last"], ["u"]), node("Concat", ["u", "u", "u"], ["three"], axis=2),
                node("Reshape", ["three", "merge"], ["m"]), node("Reshape", ["m", "split"], ["sp"])],
    {"y": I64, "z": I64, "f": I64, "w": I64, "m": I64, "sp": I64}, flat=[-1], pair=[2, -1], last=[2], merge=[0, -1], split=[2, -1, 3])
# Parts of one size, though the compiler does not know it, and a part without elements.
add("concat", [*COUNT, node("Abs", ["x"], ["absolute"]), node("NonZero", ["absolute"], ["j"]), node("Concat", ["i", "j", "i"], ["y"], axis=0),
               node("Min", ["n", "two"], ["is2"]), node("Slice", ["c", "zero", "is2", "one"], ["part"]),
               node("Concat", ["none", "part", "c2"], ["z"], axis=0)],
    {"y": I64, "z": F32}, zero=[0], one=[1], c=sparse(1, 3, 6), c2=sparse(1, 1, 2), none=np.zeros((0, 2), np.float32))


@pytest.mark.parametrize("cases", batches(CASES), ids=lambda cases: cases[0].name)
def test_sized_pictures(cases, tmp_path):
    check_cases(cases, tmp_path)


SIZE, MASK = 24, 6


def paste():
    """The loop by which torchvision pastes masks into a picture: boxes (n x 4) and masks (n x 6 x 6) give n x 24 x 24."""
    nodes, values = [], {}

    def integer(*numbers):
        name = "_".join(["c", *(str(number).replace("-", "m") for number in numbers)])
        values[name] = np.int64(numbers)
        return name

    def make(op, *inputs, **attributes):
        nodes.append(node(op, inputs, [f"{op.lower()}{len(nodes)}"], **attributes))
        return nodes[-1].output[0]

    zero, one, size = integer(0), integer(1), integer(SIZE)
    box = make("Gather", "whole", "i")
    x0, y0, x1, y1 = (make("Gather", box, integer(k)) for k in range(4))
    width, height = (make("Max", make("Add", make("Sub", high, low), one), one) for low, high in ((x0, x1), (y0, y1)))
    mask = make("Unsqueeze", make("Gather", "masks", "i"), integer(0, 1))
    scaled = make("Resize", mask, "", "", make("Concat", one, one, height, width, axis=0), mode="linear")
    scaled = make("Squeeze", scaled, integer(0, 1))
    left, top = make("Max", x0, zero), make("Max", y0, zero)
    right, bottom = (make("Min", make("Add", high, one), size) for high in (x1, y1))
    part = make("Slice", scaled, make("Sub", top, y0), make("Sub", bottom, y0), zero)
    part = make("Slice", part, make("Sub", left, x0), make("Sub", right, x0), one)
    columns = make("Slice", make("Shape", part), one, integer(2))
    above, below = (make("ConstantOfShape", make("Concat", rows, columns, axis=0)) for rows in (top, make("Sub", size, bottom)))
    part = make("Slice", make("Concat", above, part, below, axis=0), zero, size, zero)
    rows = make("Slice", make("Shape", part), zero, one)
    before, behind = (make("ConstantOfShape", make("Concat", rows, columns, axis=0)) for columns in (left, make("Sub", size, right)))
    part = make("Slice", make("Concat", before, part, behind, axis=1), zero, size, one)
    make("Concat", "all", make("Unsqueeze", part, zero), axis=0)
    last = nodes[-1].output[0]
    body = helper.make_graph(
        [*nodes, node("Identity", ["go"], ["stay"])], "body",
        [helper.make_tensor_value_info("i", I64, []), helper.make_tensor_value_info("go", TensorProto.BOOL, []),
         helper.make_tensor_value_info("all", F32, None)],
        [helper.make_tensor_value_info("stay", TensorProto.BOOL, []), helper.make_tensor_value_info(last, F32, None)])
    values |= {"none": np.zeros((0, SIZE, SIZE), np.float32), "yes": np.array(True), "low": np.float32(-4.5), "high": np.float32(SIZE + 4.5),
               "half": np.float32(0.5)}
    before = [node("Greater", ["scores", "half"], ["keep"]), node("Compress", ["boxes", "keep"], ["kept"], axis=0),
              node("Compress", ["pictures", "keep"], ["masks"], axis=0), node("Clip", ["kept", "low", "high"], ["clipped"]),
              node("Cast", ["clipped"], ["whole"], to=I64), node("Shape", ["whole"], ["shape"]), node("Gather", ["shape", integer(0)], ["listed"]),
              node("Squeeze", ["listed"], ["count"])]
    return [*before, node("Loop", ["count", "yes", "none"], ["y"], body=body)], values


def test_pasted_masks(tmp_path):
    """With none, one and many objects, whose boxes may reach over the edges of the picture."""
    corner = random.uniform(-4, SIZE - 4, (8, 2))
    boxes = np.concatenate([corner, corner + random.uniform(0, SIZE * 0.7, (8, 2))], 1).astype(np.float32)
    feeds = {"boxes": boxes, "scores": np.zeros(8, np.float32), "pictures": random.random((8, MASK, MASK), np.float32)}
    nodes, values = paste()
    model = make_model(nodes, feeds, {"y": F32}, values)
    artefact = compile_model(model, tmp_path)
    for scores in (np.zeros(8), np.arange(8) == 3, np.ones(8), np.arange(8) % 2):
        feeds["scores"] = scores.astype(np.float32)
        [expected] = ReferenceEvaluator(model).run(None, feeds)
        actual = run_artefact(artefact, feeds, ["y"])["y"]
        assert actual.shape == expected.shape == (int(scores.sum()), SIZE, SIZE)
        assert np.allclose(actual, expected, atol=1e-5)


def refuse(nodes, tmp_path, **constants):
    model = make_model([*COUNT, *nodes], {"x": sparse(1, 2, 4)}, {"y": F32}, {"two": np.int64([2]), "c": sparse(1, 1, 2, 5, 7), **constants})
    onnx.save(model, tmp_path / "model.onnx")
    return one_line(convoy("compile", tmp_path / "model.onnx", "-o", tmp_path / "model.so"))


def test_refusals(tmp_path):
    sizes = node("Concat", ["channels", "n", "n"], ["s"], axis=0)
    text = refuse([sizes, node("Resize", ["c", "", "", "s"], ["y"], mode="linear", antialias=1)], tmp_path, channels=[1, 2])
    assert "(Resize): has the attribute 'antialias', for which the sizes must be constant" in text
    text = refuse([sizes, node("Resize", ["c", "", "", "s"], ["y"], mode="linear", keep_aspect_ratio_policy="not_larger")], tmp_path, channels=[1, 2])
    assert "(Resize): has the attribute 'keep_aspect_ratio_policy' = 'not_larger', for which the sizes must be constant" in text
    text = refuse([node("Cast", ["x"], ["f"], to=I64), node("ReduceMax", ["f"], ["m"], keepdims=0), node("Reshape", ["m", "flat"], ["r"]),
                   node("Concat", ["channels", "r", "r"], ["s"], axis=0), node("Resize", ["c", "", "", "s"], ["y"])], tmp_path, channels=[1, 2], flat=[-1])
    assert "(Resize): input 3 ('s') is not a constant" in text
    text = refuse([node("Concat", ["i", "c2"], ["y"], axis=0)], tmp_path, c2=np.zeros((1, 9), np.int64))
    assert "(Concat): input 1 ('c2') has 9 elements in dimension 1" in text
