# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Operations that read between the elements of a picture: resizes, grids and regions."""

import numpy as np
import onnx
import pytest
from support import Const, batches, case, check_cases, convoy, floats, ints, one_line, rand, run_reference

CASES = []
random = np.random.default_rng(9)


def add(*arguments, **attributes):
    CASES.append(case(*arguments, **attributes))


# Resizes that are no cnn.resize. ONNX Runtime leaves the specification at borders of antialiased pictures, in integers
# and with scales that are no ratio of extents.
def resize(name, x, scales=None, sizes=None, opset=19, roi=None, run=run_reference, **attributes):
    add(name, "Resize", x, floats(*roi) if roi else None, floats(*scales) if scales else None,
        ints(*sizes) if sizes else None, opset=opset, run=run, **attributes)


PICTURE = rand(1, 3, 6, 7)
COORDINATES = ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "half_pixel_symmetric")
for coordinates in COORDINATES:
    for name, sizes in (("up", [1, 3, 13, 17]), ("down", [1, 3, 4, 3])):
        resize(f"cubic-{coordinates}-{name}", PICTURE, sizes=sizes, mode="cubic", run=None,
               coordinate_transformation_mode=coordinates)
    for mode in ("linear", "cubic"):
        resize(f"{mode}-antialias-{coordinates}", PICTURE, [1, 1, 0.6, 0.35], mode=mode, antialias=1,
               coordinate_transformation_mode=coordinates)
for opset in (11, 13, 18):
    left_out = floats() if opset == 11 else None
    add("cubic", "Resize", PICTURE, left_out, floats(1, 1, 2, 1.5), opset=opset, mode="cubic")
resize("cubic-outside", PICTURE, [1, 1, 2, 0.7], mode="cubic", cubic_coeff_a=-0.5, exclude_outside=1)
resize("antialias-outside", PICTURE, [1, 1, 2, 0.4], mode="cubic", antialias=1, exclude_outside=1)
resize("align-corners-fraction", PICTURE, [1, 1, 1.7, 0.6], mode="linear", coordinate_transformation_mode="align_corners")
resize("all-dimensions", rand(2, 3, 4, 5), [2, 1.5, 0.5, 3], mode="cubic")
resize("one-dimension", rand(9), [1.7], mode="cubic")
resize("five-dimensions", rand(1, 2, 3, 4, 5), sizes=[1, 2, 5, 3, 7], mode="linear", antialias=1)
resize("linear-all-dimensions", rand(2, 3, 4, 5), [2, 1.5, 0.5, 3], mode="linear")
for policy in ("not_larger", "not_smaller"):
    resize(policy, PICTURE, sizes=[9, 8], axes=[3, 2], mode="cubic", keep_aspect_ratio_policy=policy)
for mode in ("nearest", "linear", "cubic"):
    resize(f"crop-{mode}", PICTURE, sizes=[1, 3, 5, 4], roi=[0, 0, 0.2, 0.3, 1, 1, 0.9, 1.2], mode=mode,
           coordinate_transformation_mode="tf_crop_and_resize", extrapolation_value=7.5, run=None)
resize("crop-axes", PICTURE, sizes=[5, 6], roi=[-0.2, 0.6, 1.1, 0.1], axes=[3, 2], mode="linear",
       coordinate_transformation_mode="tf_crop_and_resize", extrapolation_value=-1.0)
for dtype in (np.uint8, np.int8, np.int32, np.int64):
    numbers = random.integers(0, 100, (1, 2, 5, 6)).astype(dtype)
    for mode in ("linear", "cubic"):
        resize(f"{mode}-{np.dtype(dtype)}", numbers, sizes=[1, 2, 8, 4], mode=mode)
    resize(f"nearest-{np.dtype(dtype)}", numbers, sizes=[1, 2, 8, 4], mode="nearest")
    resize(f"nearest-crop-{np.dtype(dtype)}", numbers, sizes=[3, 4], axes=[2, 3], roi=[0.3, 0.2, 0.8, 0.9], mode="nearest",
           coordinate_transformation_mode="tf_crop_and_resize")

# Grids. The names of the modes changed in opset 20.
FLAT, SOLID = rand(2, 3, 5, 6), rand(1, 2, 3, 4, 5)
grid, solid_grid = (1.4 * rand(2, 4, 7, 2)).clip(-3, 3), (1.2 * rand(1, 2, 3, 4, 3)).clip(-3, 3)
for padding in ("zeros", "border", "reflection"):
    for corners in (0, 1):
        for opset, modes in ((16, ("nearest", "bilinear", "bicubic")), (20, ("nearest", "linear", "cubic"))):
            for mode in modes:
                add(f"{mode}-{padding}-{corners}", "GridSample", FLAT, grid, opset=opset, tolerance=2e-5, mode=mode,
                    padding_mode=padding, align_corners=corners)
        for mode in ("nearest", "linear"):
            add(f"solid-{mode}-{padding}-{corners}", "GridSample", SOLID, solid_grid, opset=20, tolerance=2e-5, mode=mode,
                padding_mode=padding, align_corners=corners)
add("solid-cubic", "GridSample", SOLID, solid_grid, opset=22, mode="cubic", run=run_reference, tolerance=2e-5)
for corners in (0, 1):
    add(f"flat-{corners}", "AffineGrid", rand(2, 2, 3), ints(2, 3, 4, 5), opset=20, align_corners=corners)
    add(f"solid-{corners}", "AffineGrid", rand(2, 3, 4), ints(2, 3, 4, 5, 6), opset=20, align_corners=corners)

# Regions.
regions = np.array([[0.3, 0.7, 9.2, 5.5], [-3, 2, 2.5, 11], [4, 4, 4.2, 4.1], [6, 1, 30, 2]], np.float32)
entries = np.array([0, 1, 1, 0], np.int64)
PLANES = rand(2, 3, 9, 8)
for mode in ("avg", "max"):
    for ratio in (0, 2):
        for opset in (10, 16, 22):
            attributes = {"coordinate_transformation_mode": "output_half_pixel"} if ratio and opset > 10 else {}
            add(f"{mode}-{ratio}", "RoiAlign", PLANES, regions, entries, opset=opset, mode=mode, sampling_ratio=ratio,
                output_height=3, output_width=2, spatial_scale=0.8,
                run=run_reference if opset == 22 else None, **attributes)
# Channels that fill vectors and some that do not; the last region has no samples of its own.
wide_regions = np.array([[0, 0, 1, 8], [2.5, 1, 40, 6], [5, 5, 4, 3]], np.float32)
for kind in (np.float32, np.float64, np.float16):
    for ratio in (0, 3):
        add(f"wide-{kind.__name__}-{ratio}", "RoiAlign", rand(1, 37, 12, 11).astype(kind), wide_regions.astype(kind), np.zeros(3, np.int64),
            opset=16, sampling_ratio=ratio, output_height=2, output_width=4, run=run_reference if kind == np.float16 else None,
            tolerance=4e-3 if kind == np.float16 else 1e-5)
boxes = np.concatenate([entries[:, None].astype(np.float32), np.abs(regions)], 1)
add("scaled", "MaxRoiPool", PLANES, boxes, pooled_shape=[3, 2], spatial_scale=0.7, tolerance=0)
add("plain", "MaxRoiPool", PLANES, boxes, pooled_shape=[2, 5], tolerance=0)


def deform(name, group=1, offset_group=1, bias=True, mask=True, out=(5, 4), channels=4, **attributes):
    add(name, "DeformConv", rand(2, channels, 6, 5), rand(6, channels // group, 2, 3), rand(2, offset_group * 12, *out),
        rand(6) if bias else None, rand(2, offset_group * 6, *out) if mask else None, opset=19, run=run_reference,
        group=group, offset_group=offset_group, **attributes)


deform("groups", group=2, offset_group=2, pads=[0, 0, 0, 1])
deform("dilations", mask=False, out=(2, 2), strides=[2, 1], dilations=[2, 2], pads=[0, 1, 0, 0], kernel_shape=[2, 3])
deform("plain", bias=False, offset_group=4, out=(5, 3))


@pytest.mark.parametrize("cases", batches(CASES))
def test_op(cases, tmp_path):
    check_cases(cases, tmp_path)


@pytest.mark.parametrize("cases", batches(CASES)[::3])
def test_gpu_kernels(cases, tmp_path):
    check_cases(cases, tmp_path, options=["--target=cuda-emulator"])


FLAT_GRID, RESIZED, SHAPES = (1, 4, 7, 2), (1, 3, 6, 7), "has the shapes 1x3x9x8 and "
REGIONS, ENTRIES = [(1, 3, 9, 8), (2, 4)], Const(np.zeros(2, np.int64))
DEFORMED = [(1, 4, 6, 5), (6, 4, 2, 3), (1, 12, 5, 3)]
ERRORS = [  # Operator, opset, operands, attributes, the error.
    ("GridSample", 16, [(1, 3, 5, 6), FLAT_GRID], {"mode": "area"}, "'mode' is 'area', expected linear, nearest or cubic"),
    ("GridSample", 16, [(1, 3, 5, 6), FLAT_GRID], {"padding_mode": "ones"}, "'padding_mode' is 'ones', expected zeros,"),
    ("GridSample", 16, [(1, 3, 5, 6), (1, 4, 7, 3)], {}, "a grid of shape 1x4x7x3 does not fit an input of shape 1x3x5x6"),
    ("GridSample", 16, [(2, 3, 5, 6), FLAT_GRID], {}, "a grid of shape 1x4x7x2 does not fit an input of shape 2x3x5x6"),
    ("GridSample", 16, [(1, 3), (1, 2)], {}, "does not fit an input of shape 1x3"),
    ("GridSample", 16, [(1, 3, 5, 6), Const(np.zeros(FLAT_GRID, np.int32))], {}, "input 1 ('c1') has element type i32"),
    ("GridSample", 16, [np.zeros((1, 3, 5, 6), np.int32), FLAT_GRID], {}, "input 0 ('x0') has no floats, and the mode"),
    ("AffineGrid", 20, [(2, 2, 3), ints(2, 3, 4)], {}, "matrices of shape 2x2x3 do not fit the size 2x3x4"),
    ("AffineGrid", 20, [(2, 2, 3), ints(2, 3, 4, 5, 6)], {}, "do not fit the size 2x3x4x5x6"),
    ("AffineGrid", 20, [(2, 2, 3), ints(2, 3, 0, 5)], {}, "has the size 2x3x0x5"),
    ("AffineGrid", 20, [(2, 2, 3), np.array([2, 3, 4, 5])], {}, "input 1 ('x1')"),
    ("RoiAlign", 16, [*REGIONS, ENTRIES], {"mode": "min"}, "attribute 'mode' is 'min', expected avg or max"),
    ("RoiAlign", 16, [*REGIONS, ENTRIES], {"coordinate_transformation_mode": "tf"}, "is 'tf', expected half_pixel or"),
    ("RoiAlign", 16, [*REGIONS, ENTRIES], {"output_width": 0}, "negative, or an output without elements"),
    ("RoiAlign", 16, [*REGIONS, ENTRIES], {"sampling_ratio": -1}, "negative, or an output without elements"),
    ("RoiAlign", 16, [*REGIONS, ints(0)], {}, "input 2 ('c2') has shape 1, expected 2"),
    ("RoiAlign", 16, [(1, 3, 9, 8), (2, 5), ENTRIES], {}, f"expects an input of rank 4 and regions of 4 numbers, {SHAPES}2x5"),
    ("MaxRoiPool", 16, [(1, 3, 9, 8), (2, 4)], {"pooled_shape": [2, 2]}, f"regions of 5 numbers, {SHAPES}2x4"),
    ("MaxRoiPool", 16, [(3, 9, 8), (2, 5)], {"pooled_shape": [2, 2]}, "expects an input of rank 4"),
    ("MaxRoiPool", 16, [(1, 3, 9, 8), (2, 5)], {}, "has no attribute 'pooled_shape'"),
    ("MaxRoiPool", 16, [(1, 3, 9, 8), (2, 5)], {"pooled_shape": [2]}, "attribute 'pooled_shape'"),
    ("MaxRoiPool", 16, [(1, 3, 9, 8), (2, 5)], {"pooled_shape": [2, 0]}, "attribute 'pooled_shape'"),
    ("DeformConv", 19, [(1, 4, 6, 5), (6, 4, 2), (1, 12, 5, 3)], {}, "input and filter have ranks 4 and 3"),
    ("DeformConv", 19, DEFORMED, {"group": 2}, "in 2 groups, with 1 groups of offsets, does not fit an input of shape 1x4x6x5"),
    ("DeformConv", 19, DEFORMED, {"offset_group": 3}, "with 3 groups of offsets, does not fit"),
    ("DeformConv", 19, DEFORMED, {"strides": [2, 2]}, "input 2 ('x2') has shape 1x12x5x3, expected 1x12x3x2"),
    ("DeformConv", 19, [*DEFORMED, (5,)], {}, "input 3 ('x3') has shape 5, expected 6"),
    ("DeformConv", 19, [*DEFORMED, (6,), (1, 5, 5, 3)], {}, "input 4 ('x4') has shape 1x5x5x3, expected 1x6x5x3"),
    ("DeformConv", 19, DEFORMED, {"dilations": [9, 1]}, "the kernel does not fit dimension 2"),
    ("DeformConv", 19, DEFORMED, {"kernel_shape": [3, 3]}, "attribute 'kernel_shape' differs from the filter's shape"),
    ("Resize", 19, [RESIZED, None, floats(1, 1, 2, 2)], {"mode": "area"}, "'mode' is 'area', expected nearest, linear or cubic"),
    ("Resize", 19, [RESIZED, None, floats(2, 2)], {}, "has 2 scales for 4 dimensions"),
    ("Resize", 19, [RESIZED, None, floats(1, 1, -2, 2)], {}, "scales dimension 2 of 6 elements by -2"),
    ("Resize", 19, [RESIZED, None, None, ints(4, 4)], {}, "has 2 sizes for 4 dimensions"),
    ("Resize", 19, [RESIZED, None, None, ints(1, 3, -1, 4)], {}, "resizes dimension 2 to -1"),
    ("Resize", 19, [RESIZED, None, floats(1, 1, 2, 2), ints(1, 3, 4, 4)], {}, "has both scales and sizes"),
    ("Resize", 19, [RESIZED], {}, "has neither scales nor sizes"),
    ("Resize", 19, [RESIZED, None, None, ints(4, 4)], {"axes": [2, 4]}, "axis 4 is out of range for rank 4"),
    ("Resize", 19, [RESIZED, None, floats(1, 1, 2, 2)], {"coordinate_transformation_mode": "tf"}, "is 'tf', which is not"),
    ("Resize", 19, [RESIZED, None, floats(1, 1, 2, 2)], {"nearest_mode": "up"}, "'nearest_mode' is 'up', which is not"),
    ("Resize", 19, [RESIZED, None, floats(1, 1, 2, 2)], {"antialias": 1}, "'antialias', but the mode is nearest"),
    ("Resize", 19, [RESIZED, None, None, ints(1, 3, 4, 4)], {"keep_aspect_ratio_policy": "x"}, "aspect_ratio_policy' is 'x'"),
    ("Resize", 19, [RESIZED, None, floats(1, 1, 2, 2)], {"coordinate_transformation_mode": "tf_crop_and_resize"},
     "has no roi, which tf_crop_and_resize needs"),
    ("Resize", 19, [RESIZED, floats(0, 1), floats(1, 1, 2, 2)], {"coordinate_transformation_mode": "tf_crop_and_resize"},
     "input 1 ('c1') is not 8 finite numbers"),
]


@pytest.mark.parametrize("op,opset,operands,attributes,message", ERRORS,
                         ids=[f"{row[0]}-{number}" for number, row in enumerate(ERRORS)])
def test_errors(op, opset, operands, attributes, message, tmp_path):
    operands = [rand(*operand) if isinstance(operand, tuple) else operand for operand in operands]
    model = case("error", op, *operands, opset=opset, run=lambda model, feeds: {"y0": rand(1)}, **attributes).model
    onnx.save(model, tmp_path / "model.onnx")
    error = one_line(convoy("compile", tmp_path / "model.onnx", "-o", tmp_path / "model.so"))
    assert f"node 'the_{op.lower()}' ({op}): " in error and message in error
