# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Matrix products, attention and operators with a state, against ONNX Runtime or onnx's reference evaluator."""

import numpy as np
import pytest
from support import (Const, batches, case, check_cases, convoy, helper, one_line, onnx, rand, run_reference, weight)

CASES, REFERENCE_CASES = [], []


def add(name, op, *operands, **attributes):
    CASES.append(case(name, op, *operands, **attributes))


def add_reference(name, op, *operands, opset, **attributes):
    REFERENCE_CASES.append(case(name, op, *operands, opset=opset, run=run_reference, **attributes))


def integers(*shape, dtype=np.int32, seed=0):
    high = 2**40 if np.dtype(dtype).itemsize == 8 else 100
    return np.random.default_rng(seed).integers(0 if np.dtype(dtype).kind == "u" else -high, high, shape, dtype=dtype)


# --- MatMul and Gemm --------------------------------------------------------------------------------------------------

SHAPES = [((7,), (7,)), ((7,), (7, 5)), ((3, 7), (7,)), ((3, 7), (7, 5)), ((2, 3, 7), (7,)), ((7,), (2, 7, 5)),
          ((2, 3, 7), (7, 5)), ((3, 7), (2, 7, 5)), ((2, 1, 3, 7), (4, 7, 5)), ((1, 4, 1, 7), (2, 1, 7, 33))]
for left, right in SHAPES:
    label = "x".join(map(str, left)) + "-by-" + "x".join(map(str, right))
    add(label, "MatMul", rand(*left), rand(*right))
    add(f"{label}-integers", "MatMul", integers(*left), integers(*right, seed=1))
add("constant-right", "MatMul", rand(2, 3, 7), weight(7, 5))
add("constant-left", "MatMul", weight(3, 7), rand(2, 7, 5))
add("constant-vector", "MatMul", rand(2, 3, 7), weight(7))
for dtype in (np.uint32, np.int64, np.uint64):
    add(np.dtype(dtype).name, "MatMul", integers(3, 70, dtype=dtype), integers(70, 5, dtype=dtype, seed=1))
for flip_a in (0, 1):
    for flip_b in (0, 1):
        a, b = (7, 3) if flip_a else (3, 7), (5, 7) if flip_b else (7, 5)
        flags = dict(transA=flip_a, transB=flip_b)
        for shape in ((), (1,), (5,), (1, 5), (3, 1), (3, 5)):
            label = f"{flip_a}{flip_b}-c{'x'.join(map(str, shape))}"
            add(label, "Gemm", rand(*a), rand(*b), rand(*shape), alpha=0.5, beta=2.0, **flags)
        add(f"{flip_a}{flip_b}", "Gemm", rand(*a), rand(*b), alpha=0.25, **flags)
        add(f"{flip_a}{flip_b}-constant", "Gemm", rand(*a), weight(*b), rand(5), **flags)
        add_reference(f"{flip_a}{flip_b}-integers", "Gemm", integers(*a), integers(*b, seed=1), integers(3, 1, seed=2),
                      opset=13, **flags)
# Groups of rows and a rest, tiles of columns and a rest, and sums in several chunks.
for rows in (12, 33, 90):
    for columns in (64, 70):
        add(f"chunks-{rows}-{columns}", "Gemm", rand(rows, 1300), weight(1300, columns), weight(columns))
add("constant-a", "Gemm", weight(3, 7), rand(7, 5), rand(3, 1), beta=-1.0)
add("beta-0", "Gemm", rand(3, 7), rand(7, 5), np.full(5, np.nan, np.float32), beta=0.0)
add_reference("uint64", "Gemm", np.abs(integers(3, 7)).astype(np.uint64), np.abs(integers(7, 5)).astype(np.uint64),
              opset=13)
add_reference("integers-scaled", "Gemm", integers(3, 7), integers(7, 5), integers(5), opset=13, alpha=0.5, beta=3.0)

# --- Attention --------------------------------------------------------------------------------------------------------


def attention(name, operands, opset=24, outputs=1, **attributes):
    add_reference(name, "Attention", *operands, opset=opset, outputs=outputs, **attributes)


def split(heads=4, kv_heads=4, queries=5, keys=7, size=8, value_size=8, batch=2):
    return rand(batch, heads, queries, size), rand(batch, kv_heads, keys, size), rand(batch, kv_heads, keys, value_size)


def joined(heads=4, kv_heads=4, queries=5, keys=7, size=8, value_size=8, batch=2):
    return (rand(batch, queries, heads * size), rand(batch, keys, kv_heads * size),
            rand(batch, keys, kv_heads * value_size))


def truth(*shape):
    return np.random.default_rng(len(shape)).random(shape) < 0.7


def hide(mask, *rows):
    """The mask with whole rows masked."""
    mask = mask.copy()
    for row in rows:
        mask[..., row, :] = False if mask.dtype == bool else -np.inf
    return mask


THREE_D = dict(q_num_heads=4, kv_num_heads=4)
for opset in (23, 24, 25):
    attention("4d", split(), opset)
    attention("3d", joined(), opset, **THREE_D)
    attention("causal", split(), opset, is_causal=1)
attention("sizes", split(value_size=10, size=6))
attention("3d-sizes", joined(value_size=10, size=6, kv_heads=2), q_num_heads=4, kv_num_heads=2)
attention("grouped", split(kv_heads=2))
attention("one-key-head", split(kv_heads=1), is_causal=1)
attention("scale", split(), scale=0.3)
attention("softcap", split(), softcap=1.5)
attention("precision", split(), softmax_precision=11)
attention("one-query", split(queries=1, keys=33))
attention("longer-queries", split(queries=9, keys=4), is_causal=1)
for shape in ((7,), (5, 7), (1, 7), (5, 7), (4, 5, 7), (1, 5, 7), (2, 1, 5, 7), (2, 4, 5, 7), (2, 4, 1, 7)):
    attention(f"mask-{shape}", (*split(), rand(*shape)))
    attention(f"truth-{shape}", (*split(kv_heads=2), truth(*shape)), 23)
for causal in (0, 1):
    attention(f"hidden-rows{causal}", (*split(), hide(truth(5, 7), 1, 4)), is_causal=causal)
    attention(f"hidden-rows-float{causal}", (*split(), hide(rand(4, 5, 7), 0)), is_causal=causal)
    attention(f"short-mask{causal}", (*split(), rand(2, 1, 5, 3)), is_causal=causal)
    attention(f"short-truth{causal}", (*split(), truth(5, 4)), is_causal=causal)
    valid = np.array([7, 2], np.int64)
    attention(f"padded{causal}", (*split(), None, None, None, valid), is_causal=causal)
    attention(f"padded-mask{causal}", (*split(), truth(4, 5, 7), None, None, valid), is_causal=causal)
attention("constant-mask", (*split(), Const(hide(truth(5, 7), 2))))
for mode in range(4):
    for name, mask in (("", rand(5, 10)), ("-hidden", hide(truth(5, 10), 3))):
        past = rand(2, 2, 3, 8), rand(2, 2, 3, 8)
        attention(f"past-mode{mode}{name}", (*split(kv_heads=2), mask, *past), outputs=4, qk_matmul_output_mode=mode,
                  softcap=2.0 if mode else 0.0)  # The evaluator applies it to the bare product, too.
attention("past-3d-causal", (*joined(), None, rand(2, 4, 3, 8), rand(2, 4, 3, 8)), outputs=3, is_causal=1, **THREE_D)
for left, right in ((1, -1), (-1, 0), (2, 1), (0, 0)):
    windows = dict(left_window_size=left, right_window_size=right)
    attention(f"window{left}{right}", split(), 25, **windows)
    attention(f"window{left}{right}-causal", (*split(), truth(5, 7)), 25, is_causal=1, **windows)
    attention(f"window{left}{right}-padded", (*split(), None, None, None, np.array([7, 6], np.int64)), 25, **windows)

# --- RotaryEmbedding and operators with a state -----------------------------------------------------------------------


def rotary(name, x, caches, positions=None, **attributes):
    operands = (x, *caches) if positions is None else (x, *caches, positions)
    add_reference(name, "RotaryEmbedding", *operands, opset=23, **attributes)


POSITIONS = np.array([[0, 3, 1, 9], [2, 2, 8, 5]], np.int64)
for interleaved in (0, 1):
    for dim, half in ((0, 4), (4, 2)):
        flags = dict(interleaved=interleaved, rotary_embedding_dim=dim)
        label = f"{interleaved}-{dim}"
        rotary(f"{label}-4d", rand(2, 3, 4, 8), (rand(10, half), rand(10, half)), POSITIONS, **flags)
        rotary(f"{label}-3d", rand(2, 4, 24), (rand(10, half), rand(10, half)), POSITIONS, num_heads=3, **flags)
        rotary(f"{label}-no-positions", rand(2, 3, 4, 8), (rand(2, 4, half), rand(2, 4, half)), **flags)
rotary("constant-caches", rand(2, 3, 4, 8), (weight(10, 4), weight(10, 4)), POSITIONS)


def linear_attention(name, rule, heads=4, kv_heads=2, past=False, decay=0, beta=0, length=6, **attributes):
    operands = [rand(2, length, heads * 5), rand(2, length, kv_heads * 5) * 0.3, rand(2, length, kv_heads * 3),
                rand(2, kv_heads, 5, 3) if past else None, -np.abs(rand(2, length, decay)) if decay else None,
                np.abs(rand(2, length, beta)) * 0.3 if beta else None]
    while operands[-1] is None:
        operands.pop()
    add_reference(name, "LinearAttention", *operands, opset=27, outputs=2, update_rule=rule, q_num_heads=heads,
                  kv_num_heads=kv_heads, **attributes)


for past in (False, True):
    linear_attention(f"linear{past:d}", "linear", past=past)
    linear_attention(f"gated{past:d}", "gated", past=past, decay=2, scale=0.5)
    linear_attention(f"gated-keys{past:d}", "gated", past=past, decay=10)
    linear_attention(f"delta{past:d}", "delta", past=past, beta=1)
    linear_attention(f"both{past:d}", "gated_delta", past=past, decay=2, beta=2, kv_heads=2)
linear_attention("one-step", "gated_delta", past=True, decay=8 * 5, beta=8, heads=8, kv_heads=8, length=1)

for filters in (rand(6, 1, 4), weight(6, 1, 4)):
    for activation in ("none", "silu", "swish"):
        label = f"{type(filters).__name__}-{activation}"
        flags = dict(opset=27, outputs=2, activation=activation)
        add_reference(label, "CausalConvWithState", rand(2, 6, 9), filters, **flags)
        add_reference(f"{label}-past", "CausalConvWithState", rand(2, 6, 2), filters, weight(6), rand(2, 6, 3), **flags)


@pytest.mark.parametrize("cases", batches(CASES))
def test_products(cases, tmp_path):
    check_cases(cases, tmp_path)


@pytest.mark.parametrize("cases", batches(REFERENCE_CASES))
def test_attention(cases, tmp_path):
    check_cases(cases, tmp_path)


def test_on_gpu_kernels(tmp_path):
    names = ("past-mode3-hidden", "padded-mask1", "window21-causal")
    some = [a_case for a_case in REFERENCE_CASES if any(name in a_case.name for name in names)]
    some += [next(a_case for a_case in REFERENCE_CASES if a_case.name.startswith(op))
             for op in ("RotaryEmbedding", "LinearAttention", "CausalConv", "Gemm")]
    assert len(some) >= 7
    for opset in sorted({a_case.model.opset_import[0].version for a_case in some}):
        group = [a_case for a_case in some if a_case.model.opset_import[0].version == opset]
        (tmp_path / str(opset)).mkdir()
        check_cases(group, tmp_path / str(opset), ["--target=cuda-emulator"])


@pytest.mark.parametrize("op, operands, attributes, message", [
    ("MatMul", (integers(3, 4), integers(5, 3)), {}, "have no matrix product"),
    ("MatMul", (integers(3, 4, dtype=np.int8), integers(4, 3, dtype=np.int8)), {}, "input 0 ('x0') has element type i8"),
    ("Gemm", (integers(3, 4), integers(4, 5), integers(4, 5)), {}, "does not broadcast to 3x5"),
    ("Attention", joined(), {}, "needs a positive attribute 'q_num_heads'"),
    ("Attention", split(heads=3, kv_heads=2), {}, "no multiple of 2 heads"),
    ("Attention", (*split(), rand(6, 7)), {}, "does not broadcast to 2x4x5x7"),
    ("Attention", (*split(), None, rand(2, 4, 3, 8)), {}, "without the other"),
    ("Attention", split(), {"qk_matmul_output_mode": 4}, "expected 0 to 3"),
    ("RotaryEmbedding", (rand(2, 3, 4, 8), rand(10, 3), rand(10, 3), POSITIONS), {}, "expected 10x4"),
    ("LinearAttention", (rand(1, 2, 8), rand(1, 2, 8), rand(1, 2, 8)),
     {"q_num_heads": 2, "kv_num_heads": 2}, "needs a decay and a beta"),
    ("CausalConvWithState", (rand(1, 4, 8), rand(3, 1, 2)), {}, "expected 4x1xk"),
])
def test_message(op, operands, attributes, message, tmp_path):
    names = [f"x{index}" if array is not None else "" for index, array in enumerate(operands)]
    graph = helper.make_graph(
        [helper.make_node(op, names, ["y"], **attributes)], "test",
        [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
         for name, array in zip(names, operands) if name],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 27)]), tmp_path / "m.onnx")
    assert message in one_line(convoy("compile", tmp_path / "m.onnx", "-o", tmp_path / "m.so"))
