# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Small networks with attention, and others that people run, node by node as exporters write them.

A name that ends in `script` is written as PyTorch's TorchScript exporter writes it, which leaves arithmetic of shapes
and masks to the reader; the others as its newer exporter does. `models.py` gives the networks their weights."""

import math

import numpy as np

from tiny_models import Network


def _gelu(net, x):
    erf = net.node("Erf", net.node("Div", x, net.constant(math.sqrt(2))))
    return net.node("Mul", x, net.node("Mul", net.constant(0.5), net.node("Add", erf, net.constant(1))))


def _silu(net, x):
    return net.node("Mul", x, net.node("Sigmoid", x))


def _mlp(net, x, width, ratio=2):
    return net.dense(_gelu(net, net.dense(x, width, ratio * width)), ratio * width, width)


def _slice(net, x, begin, end, axis, step=1):
    return net.node("Slice", x, *[net.integers(value) for value in (begin, end, axis, step)])


def _roll(net, x, shift, axes):
    """Moves elements to the front; those that fall off come in at the end."""
    for axis in axes:
        x = net.node("Concat", _slice(net, x, shift, 2**63 - 1, axis), _slice(net, x, 0, shift, axis), axis=axis)
    return x


def _windows(net, x, size, window, width):
    """Cuts 1 x size x size x width into windows: count x window^2 x width."""
    count = size // window
    x = net.node("Reshape", x, net.integers(1, count, window, count, window, width))
    return net.node("Reshape", net.node("Transpose", x, perm=[0, 1, 3, 2, 4, 5]),
                    net.integers(count**2, window**2, width))


def _unwindows(net, x, size, window, width):
    count = size // window
    x = net.node("Reshape", x, net.integers(1, count, count, window, window, width))
    return net.node("Reshape", net.node("Transpose", x, perm=[0, 1, 3, 2, 4, 5]), net.integers(1, size, size, width))


def _split_heads(net, x, count, tokens, heads, width):
    """Queries, keys and values of a dense layer that makes all three."""
    x = net.node("Reshape", x, net.integers(count, tokens, 3, heads, width // heads))
    x = net.node("Transpose", x, perm=[2, 0, 3, 1, 4])
    return [net.node("Gather", x, net.constant(part, np.int64), axis=0) for part in range(3)]


def _relative_positions(window):
    """For each pair of positions of a window, the index of their distance in a table of (2 * window - 1)^2."""
    y, x = np.divmod(np.arange(window**2), window)
    return ((y[:, None] - y + window - 1) * (2 * window - 1) + x[:, None] - x + window - 1).reshape(-1)


def _shape_element(net, x, dim):
    return net.node("Gather", net.node("Shape", x), net.constant(dim, np.int64), axis=0)


def _mask_of_regions(net, picture, window, shift, assign):
    """Numbers the regions of a rolled picture, and forbids attention between two of them. `assign` writes one."""
    size = picture[0]
    cuts = ((0, -window), (-window, -shift), (-shift, 2**63 - 1))
    shape = net.node("Concat", *[net.node("Unsqueeze", length, net.integers(0)) for length in picture[1:]], axis=0)
    mask = net.node("ConstantOfShape", shape)
    for index, (rows, columns) in enumerate((rows, columns) for rows in cuts for columns in cuts):
        mask = assign(net, mask, index, rows, columns, size)
    count = size // window
    mask = net.node("Transpose", net.node("Reshape", mask, net.integers(count, window, count, window)),
                    perm=[0, 2, 1, 3])
    mask = net.node("Reshape", mask, net.integers(count**2, window**2))
    other = net.node("Sub", net.node("Unsqueeze", mask, net.integers(1)), net.node("Unsqueeze", mask, net.integers(2)))
    same = net.node("Equal", other, net.constant(0))
    mask = net.node("Where", net.node("Not", same), net.constant(-100), other)
    return net.node("Unsqueeze", net.node("Where", same, net.constant(0), mask), net.integers(0, 2))


def _assign_script(net, mask, index, rows, columns, size):
    """mask[rows, columns] = index, with the positions of all elements."""
    region = _slice(net, _slice(net, mask, *rows, 0), *columns, 1)
    value = net.node("ConstantOfShape", net.node("Shape", region), value=net.tensor(index))
    numbers = [net.node("Range", net.constant(0, np.int64), _shape_element(net, mask, dim), net.constant(1, np.int64))
               for dim in range(2)]
    row = net.node("Reshape", _slice(net, numbers[0], *rows, 0), net.integers(-1, 1))
    column = _slice(net, numbers[1], *columns, 0)
    both = net.node("Shape", net.node("Add", row, column))
    ones = net.node("ConstantOfShape", net.node("Shape", both), value=net.tensor(1, np.int64))
    both = net.node("Where", net.node("Equal", both, net.node("Mul", ones, net.constant(-1, np.int64))), ones, both)
    indices = net.node("Concat", *[net.node("Unsqueeze", net.node("Expand", part, both), net.integers(-1))
                                   for part in (row, column)], axis=-1)
    return net.node("ScatterND", mask, indices, value)


def _assign_dynamo(net, mask, index, rows, columns, size):
    """mask[rows, columns] = index, one dimension after the other; dimensions are swapped to make them the first."""
    rows_at, columns_at = (np.arange(size)[slice(*cut)] for cut in (rows, columns))
    region = net.node("Transpose", _slice(net, mask, *rows, 0), perm=[1, 0])
    value = net.constant(np.full((len(columns_at), len(rows_at)), index))
    region = net.node("ScatterND", region, net.constant(columns_at[:, None], np.int64), value, reduction="none")
    region = net.node("Transpose", region, perm=[1, 0])
    return net.node("ScatterND", mask, net.constant(rows_at[:, None], np.int64), region, reduction="none")


def _patches(net, size, patch, width):
    """A convolution whose windows do not overlap; channels last."""
    x = net.node("Conv", "x", net.weight(width, 3, patch, patch), net.weight(width), kernel_shape=[patch] * 2,
                 strides=[patch] * 2)
    return net.layer_norm(net.node("Transpose", x, perm=[0, 2, 3, 1]), width)


def _pooled_head(net, x, width):
    x = net.node("Transpose", net.layer_norm(x, width), perm=[0, 3, 1, 2])
    x = net.node("Flatten", net.node("GlobalAveragePool", x), axis=1)
    return net.node("Gemm", x, net.weight(10, width), net.weight(10), transB=1)


def _swin_attention(net, x, window, shift, size, width, heads, assign):
    """Attention in windows, each of which sees its neighbours because the picture is rolled."""
    padded = -(-size // window) * window
    x = net.node("Pad", x, net.integers(0, 0, 0, 0, 0, padded - size, padded - size, 0))
    lengths = [padded, _shape_element(net, x, 1), _shape_element(net, x, 2)]
    x = _windows(net, _roll(net, x, shift, (1, 2)) if shift else x, padded, window, width)
    count, tokens = (padded // window)**2, window**2
    query, key, value = _split_heads(net, net.dense(x, width, 3 * width), count, tokens, heads, width)
    query = net.node("Mul", query, net.node("Pow", net.constant(width / heads), net.constant(-0.5)))
    scores = net.node("MatMul", query, net.node("Transpose", key, perm=[0, 1, 3, 2]))
    bias = net.node("Gather", net.weight((2 * window - 1)**2, heads),
                    net.constant(_relative_positions(window), np.int64), axis=0)
    bias = net.node("Transpose", net.node("Reshape", bias, net.integers(tokens, tokens, -1)), perm=[2, 0, 1])
    scores = net.node("Add", scores, net.node("Unsqueeze", bias, net.integers(0)))
    if shift:
        scores = net.node("Reshape", scores, net.integers(1, count, heads, tokens, tokens))
        scores = net.node("Add", scores, _mask_of_regions(net, lengths, window, shift, assign))
        scores = net.node("Reshape", scores, net.integers(-1, heads, tokens, tokens))
    x = net.node("MatMul", net.node("Softmax", scores, axis=-1), value)
    x = net.node("Reshape", net.node("Transpose", x, perm=[0, 2, 1, 3]), net.integers(count, tokens, width))
    x = _unwindows(net, net.dense(x, width, width), padded, window, width)
    x = _roll(net, x, padded - shift, (1, 2)) if shift else x
    return _slice(net, _slice(net, x, 0, size, 1), 0, size, 2)


def _swin(name, assign):
    net = Network(name, 17, [1, 3, 28, 28])
    size, width, heads = 7, 16, 2
    x = _patches(net, size, 4, width)
    for shift in (0, 2):
        x = net.node("Add", x, _swin_attention(net, net.layer_norm(x, width), 4, shift, size, width, heads, assign))
        x = net.node("Add", x, _mlp(net, net.layer_norm(x, width), width))
    # Four neighbours become one position.
    x = net.node("Pad", x, net.integers(0, 0, 0, 0, 0, 1, 1, 0))
    parts = [_slice(net, _slice(net, x, row, 2**63 - 1, 1, 2), column, 2**63 - 1, 2, 2)
             for column in (0, 1) for row in (0, 1)]
    x = net.layer_norm(net.node("Concat", *parts, axis=-1), 4 * width)
    x = net.node("MatMul", x, net.weight(4 * width, 2 * width))
    return net.finish(_pooled_head(net, x, 2 * width))


def tiny_swin():
    """Swin's shifted windows (arXiv 2103.14030)."""
    return _swin("tiny_swin", _assign_dynamo)


def tiny_swin_script():
    return _swin("tiny_swin_script", _assign_script)


def tiny_swin_v2():
    """Swin v2 (2111.09883): the cosine of queries and keys, a bias that a small network computes from positions, and
    norms after the layers."""
    net = Network("tiny_swin_v2", 17, [1, 3, 32, 32])
    size, window, width, heads = 8, 4, 16, 2
    count, tokens = (size // window)**2, window**2
    x = _patches(net, size, 4, width)
    distances = np.stack(np.meshgrid(*[np.arange(1 - window, window) / (window - 1)] * 2, indexing="ij"), -1)
    table = net.node("Relu", net.dense(net.constant(distances[None]), 2, 64))
    table = net.node("Reshape", net.node("MatMul", table, net.weight(64, heads)), net.integers(-1, heads))
    bias = net.node("GatherND", table, net.constant(_relative_positions(window)[:, None], np.int64))
    bias = net.node("Transpose", net.node("Reshape", bias, net.integers(tokens, tokens, -1)), perm=[2, 0, 1])
    bias = net.node("Mul", net.node("Sigmoid", net.node("Unsqueeze", bias, net.integers(0))), net.constant(16))
    y = _windows(net, _roll(net, x, 2, (1, 2)), size, window, width)
    query, key, value = _split_heads(net, net.dense(y, width, 3 * width), count, tokens, heads, width)

    def normalised(v):
        norm = net.node("Clip", net.node("ReduceL2", v, axes=[-1], keepdims=1), net.constant(1e-12))
        return net.node("Div", v, net.node("Expand", norm, net.integers(count, heads, tokens, width // heads)))

    scores = net.node("MatMul", normalised(query), net.node("Transpose", normalised(key), perm=[0, 1, 3, 2]))
    scale = net.node("Exp", net.node("Clip", net.weight(heads, 1, 1), "", net.constant(math.log(100))))
    scores = net.node("Add", net.node("Mul", scores, scale), bias)
    y = net.node("MatMul", net.node("Softmax", scores, axis=-1), value)
    y = net.node("Reshape", net.node("Transpose", y, perm=[0, 2, 1, 3]), net.integers(count, tokens, width))
    y = _roll(net, _unwindows(net, net.dense(y, width, width), size, window, width), size - 2, (1, 2))
    x = net.node("Add", x, net.layer_norm(y, width))
    x = net.node("Add", x, net.layer_norm(_mlp(net, x, width), width))
    return net.finish(_pooled_head(net, x, width))


def tiny_maxvit():
    """MaxViT (2204.01697): a convolution with squeeze-and-excite, then attention in blocks and on a grid, by Einsum."""
    net = Network("tiny_maxvit", 18, [1, 3, 32, 32])
    width, heads, part, count = 16, 2, 4, 2
    x = _gelu(net, net.conv_norm("x", 3, width, stride=2, activation=None))
    y = _gelu(net, net.conv_norm(net.norm(x, width), width, 4 * width, kernel=1, activation=None))
    y = _gelu(net, net.conv_norm(y, 4 * width, 4 * width, stride=2, group=4 * width, activation=None))
    gate = net.node("ReduceMean", y, net.integers(-1, -2), keepdims=1)
    gate = net.conv(_silu(net, net.conv(gate, 4 * width, 4, kernel=1)), 4, 4 * width, kernel=1)
    y = net.conv(net.node("Mul", net.node("Sigmoid", gate), y), 4 * width, width, kernel=1)
    x = net.node("AveragePool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1)
    x = net.node("Add", net.conv(x, width, width, kernel=1), y)
    for is_grid in (False, True):
        # Rows, columns -> windows x positions; a grid has the positions of one window far apart.
        x = net.node("Reshape", x, net.integers(1, width, count, part, count, part))
        x = net.node("Reshape", net.node("Transpose", x, perm=[0, 2, 4, 3, 5, 1]),
                     net.integers(1, count**2, part**2, width))
        x = net.node("Transpose", x, perm=[0, 2, 1, 3]) if is_grid else x
        windows, tokens = (part**2, count**2) if is_grid else (count**2, part**2)
        parts = net.node("Split", net.dense(net.layer_norm(x, width), width, 3 * width), axis=3, num_outputs=3,
                         outputs=3)
        query, key, value = (
            net.node("Transpose", net.node("Reshape", v, net.integers(1, windows, tokens, heads, width // heads)),
                     perm=[0, 1, 3, 2, 4]) for v in parts)
        key = net.node("Mul", key, net.constant(0.25))
        scores = net.node("Einsum", query, key, equation="B G H I D, B G H J D -> B G H I J")
        scores = net.node("Add", scores, net.weight(1, heads, tokens, tokens))
        y = net.node("Einsum", net.node("Softmax", scores, axis=-1), value,
                     equation="B G H I J, B G H J D -> B G H I D")
        y = net.node("Reshape", net.node("Transpose", y, perm=[0, 1, 3, 2, 4]), net.integers(1, windows, tokens, width))
        x = net.node("Add", x, net.dense(y, width, width))
        x = net.node("Add", x, _mlp(net, net.layer_norm(x, width), width))
        x = net.node("Transpose", x, perm=[0, 2, 1, 3]) if is_grid else x
        x = net.node("Reshape", x, net.integers(1, count, count, part, part, width))
        x = net.node("Reshape", net.node("Transpose", x, perm=[0, 5, 1, 3, 2, 4]), net.integers(1, width, 8, 8))
    return net.finish(net.classifier(x, width))


def tiny_levit():
    """LeViT (2104.01136): batch norms after dense layers, on rank 2, and attention whose queries are every second
    position."""
    net = Network("tiny_levit", 18, [1, 3, 32, 32])
    width, heads, key_width, side = 32, 2, 8, 4

    def dense_norm(v, features_in, features, tokens, *shape):
        v = net.node("Reshape", net.node("MatMul", v, net.weight(features_in, features)),
                     net.integers(tokens, features))
        return net.node("Reshape", net.norm(v, features), net.integers(1, tokens, *(shape or (features,))))

    x = net.conv_norm("x", 3, 16, stride=2, activation="HardSwish")
    x = net.conv_norm(net.conv_norm(x, 16, 24, stride=2, activation="HardSwish"), 24, width, stride=2, activation=None)
    x = net.node("Transpose", net.node("Reshape", x, net.integers(1, width, 16)), perm=[0, 2, 1])
    for queries in (16, 4):
        y, tokens, value_width = x, side**2, 4 * key_width
        if queries < tokens:
            y = _slice(net, net.node("Reshape", y, net.integers(1, side, side, width)), 0, 2**63 - 1, 1, 2)
            y = net.node("Reshape", _slice(net, y, 0, 2**63 - 1, 2, 2), net.integers(1, queries, width))
        query = dense_norm(y, width, heads * key_width, queries, heads, key_width)
        both = dense_norm(x, width, heads * (key_width + value_width), tokens, heads, key_width + value_width)
        key, value = net.node("Split", both, net.integers(key_width, value_width), axis=3, outputs=2)
        scores = net.node("MatMul", net.node("Transpose", query, perm=[0, 2, 1, 3]),
                          net.node("Transpose", key, perm=[0, 2, 3, 1]))
        scores = net.node("Add", net.node("Mul", scores, net.constant(key_width**-0.5)),
                          net.weight(heads, queries, tokens))
        y = net.node("MatMul", net.node("Softmax", scores, axis=-1), net.node("Transpose", value, perm=[0, 2, 1, 3]))
        y = net.node("Reshape", net.node("Transpose", y, perm=[0, 2, 1, 3]),
                     net.integers(1, queries, heads * value_width))
        y = dense_norm(net.node("HardSwish", y), heads * value_width, width, queries)
        x = net.node("Add", x, y) if queries == tokens else y
        y = net.node("HardSwish", dense_norm(x, width, 2 * width, queries))
        x = net.node("Add", x, dense_norm(y, 2 * width, width, queries))
    x = net.norm(net.node("ReduceMean", x, net.integers(1), keepdims=0), width)
    return net.finish(net.node("Gemm", x, net.weight(10, width), net.weight(10), transB=1))


def tiny_vit_script():
    """A vision transformer (2010.11929) with a token for the class; queries, keys and values are cut out of one tensor
    whose first dimension are the tokens."""
    net = Network("tiny_vit_script", 17, [1, 3, 32, 32])
    width, heads, tokens = 32, 2, 17
    x = net.node("Conv", "x", net.weight(width, 3, 8, 8), net.weight(width), kernel_shape=[8, 8], strides=[8, 8])
    batch = net.node("Unsqueeze", _shape_element(net, x, 0), net.integers(0))
    x = net.node("Transpose", net.node("Reshape", x, net.integers(1, width, 16)), perm=[0, 2, 1])
    token = net.node("Expand", net.weight(1, 1, width), net.node("Concat", batch, net.integers(1, 1), axis=0))
    x = net.node("Add", net.node("Concat", token, x, axis=1), net.weight(1, tokens, width))
    y = net.node("Transpose", net.layer_norm(x, width), perm=[1, 0, 2])
    y = net.node("Reshape", net.dense(y, width, 3 * width), net.integers(tokens, 1, 3, width))
    y = net.node("Transpose", net.node("Unsqueeze", y, net.integers(0)), perm=[3, 1, 2, 0, 4])
    y = net.node("Squeeze", y, net.integers(-2))
    query, key, value = (
        net.node("Reshape", net.node("Transpose", net.node("Reshape", part, net.integers(tokens, heads, -1)),
                                     perm=[1, 0, 2]), net.integers(1, heads, tokens, -1))
        for part in (net.node("Gather", y, net.constant(index, np.int64), axis=0) for index in range(3)))
    scale = net.node("Sqrt", net.node("Div", net.constant(1), net.node("Sqrt", net.constant(width / heads))))
    scores = net.node("MatMul", net.node("Mul", query, scale),
                      net.node("Mul", net.node("Transpose", key, perm=[0, 1, 3, 2]), scale))
    y = net.node("MatMul", net.node("Softmax", scores, axis=-1), value)
    y = net.node("Reshape", net.node("Transpose", y, perm=[2, 0, 1, 3]), net.integers(tokens, width))
    y = net.node("Gemm", y, net.weight(width, width), net.weight(width), transB=1)
    y = net.node("Reshape", y, net.integers(tokens, 1, width))
    x = net.node("Add", net.node("Transpose", y, perm=[1, 0, 2]), x)
    x = net.node("Add", x, _mlp(net, net.layer_norm(x, width), width))
    x = net.node("Gather", net.layer_norm(x, width), net.constant(0, np.int64), axis=1)
    return net.finish(net.node("Gemm", x, net.weight(10, width), net.weight(10), transB=1))


def tiny_mvit():
    """MViT v2 (2112.01526) on a video: depthwise convolutions pool queries, keys and values; the bias of relative
    positions, and the residual of the queries, leave out the token for the class and are written back by ScatterND."""
    net = Network("tiny_mvit", 18, [1, 3, 2, 16, 16])
    width, frames, side = 24, 2, 4
    tokens = 1 + frames * side**2
    x = net.node("Conv", "x", net.weight(width, 3, 1, 4, 4), net.weight(width), kernel_shape=[1, 4, 4],
                 strides=[1, 4, 4])
    x = net.node("Transpose", net.node("Reshape", x, net.integers(1, width, tokens - 1)), perm=[0, 2, 1])
    x = net.node("Concat", net.weight(1, 1, width), x, axis=1)
    y = net.node("Reshape", net.dense(net.layer_norm(x, width), width, 3 * width), net.integers(1, tokens, 3, 1, width))
    y = net.node("Transpose", y, perm=[0, 3, 2, 1, 4])

    def pooled(part, stride):
        v = net.node("Squeeze", _slice(net, y, part, part + 1, 2), net.integers(2))
        picture = net.node("Transpose", _slice(net, v, 1, tokens, 2), perm=[0, 1, 3, 2])
        picture = net.node("Reshape", picture, net.integers(1, width, frames, side, side))
        picture = net.node("Conv", picture, net.weight(width, 1, 3, 3, 3), kernel_shape=[3, 3, 3], group=width,
                           pads=[1] * 6, strides=[1, stride, stride])
        picture = net.node("Transpose", net.node("Reshape", picture, net.integers(1, 1, width, -1)), perm=[0, 1, 3, 2])
        return net.layer_norm(net.node("Concat", _slice(net, v, 0, 1, 2), picture, axis=2), width)

    key, value, query = pooled(1, 2), pooled(2, 2), pooled(0, 1)
    keys = frames * (side // 2)**2
    scores = net.node("MatMul", net.node("Mul", query, net.constant(width**-0.5)),
                      net.node("Transpose", key, perm=[0, 1, 3, 2]))
    places = net.node("Reshape", _slice(net, query, 1, 2**63 - 1, 2), net.integers(1, 1, frames, side, side, width))
    rows = net.node("Einsum", places, net.weight(side, side // 2, width), equation="bythwc,hkc->bythwk")
    columns = net.node("Einsum", places, net.weight(side, side // 2, width), equation="bythwc,wkc->bythwk")
    bias = net.node("Add", net.node("Unsqueeze", rows, net.integers(5, 7)),
                    net.node("Unsqueeze", columns, net.integers(5, 6)))
    bias = net.node("Expand", bias, net.integers(1, 1, frames, side, side, frames, side // 2, side // 2))
    bias = net.node("Reshape", bias, net.integers(1, 1, tokens - 1, keys))
    under = _slice(net, scores, 1, 2**63 - 1, 2)
    bias = net.node("Add", _slice(net, under, 1, 2**63 - 1, 3), bias)

    def write_back(into, update, perm, count):
        indices = net.constant(np.arange(1, count + 1)[:, None], np.int64)
        into, update = (net.node("Transpose", v, perm=perm) for v in (into, update))
        return net.node("Transpose", net.node("ScatterND", into, indices, update, reduction="none"), perm=perm)

    scores = write_back(scores, write_back(under, bias, [3, 1, 2, 0], keys), [2, 1, 0, 3], tokens - 1)
    y = net.node("MatMul", net.node("Softmax", scores, axis=-1), value)
    residual = net.node("Add", _slice(net, y, 1, 2**63 - 1, 2), _slice(net, query, 1, 2**63 - 1, 2))
    y = write_back(y, residual, [2, 1, 0, 3], tokens - 1)
    y = net.node("Reshape", net.node("Transpose", y, perm=[0, 2, 1, 3]), net.integers(1, -1, width))
    x = net.node("Add", x, net.dense(y, width, width))
    x = net.node("Gather", net.layer_norm(x, width), net.constant(0, np.int64), axis=1)
    return net.finish(net.node("Gemm", x, net.weight(10, width), net.weight(10), transB=1))


def tiny_nfnet():
    """NFNet (2102.06171): filters that batch norm standardises, scaled activations, and no norm of activations."""
    net = Network("tiny_nfnet", 18, [1, 3, 32, 32])

    def conv(v, channels_in, channels, kernel=3, stride=1, group=1):
        filter_shape = [channels, channels_in // group, kernel, kernel]
        w = net.node("Reshape", net.weight(*filter_shape), net.integers(1, channels, -1))
        mean = net.node("ReduceMean", w, net.integers(0, 2), keepdims=0)
        centred = net.node("Sub", w, net.node("ReduceMean", w, net.integers(0, 2), keepdims=1))
        variance = net.node("ReduceMean", net.node("Mul", centred, centred), net.integers(0, 2), keepdims=0)
        w = net.node("BatchNormalization", w, net.weight(channels), net.constant(np.zeros(channels)), mean, variance,
                     epsilon=1e-5, momentum=1.0)
        w = net.node("Reshape", w, net.integers(*filter_shape))
        return net.node("Conv", v, w, net.weight(channels), kernel_shape=[kernel] * 2, strides=[stride] * 2,
                        group=group, pads=[(kernel - 1) // 2] * 4)

    x = _silu(net, conv(_silu(net, conv("x", 3, 16, stride=2)), 16, 32))
    channels = 32
    for stride in (1, 2):
        x = net.node("Mul", x, net.constant(0.98))
        shortcut = x
        if stride == 2:
            shortcut = net.node("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2], count_include_pad=0, ceil_mode=1)
        shortcut = conv(shortcut, channels, 48, kernel=1)
        y = _silu(net, conv(x, channels, 16, kernel=1))
        y = conv(_silu(net, conv(y, 16, 16, stride=stride, group=2)), 16, 48, kernel=1)
        gate = net.node("ReduceMean", y, net.integers(2, 3), keepdims=1)
        gate = net.conv(net.node("Relu", net.conv(gate, 48, 8, kernel=1)), 8, 48, kernel=1)
        y = net.node("Mul", net.node("Mul", y, net.node("Sigmoid", gate)), net.constant(2))
        x = _silu(net, net.node("Add", net.node("Mul", y, net.constant(0.2)), shortcut))
        channels = 48
    return net.finish(net.classifier(x, channels))


def tiny_convnext():
    """ConvNeXt (2201.03545): large depthwise filters, and norms and dense layers with the channels last."""
    net = Network("tiny_convnext", 18, [1, 3, 32, 32])
    width = 24
    x = net.node("Transpose", _patches(net, 8, 4, width), perm=[0, 3, 1, 2])
    for _ in range(2):
        y = net.node("Transpose", net.conv(x, width, width, kernel=7, group=width), perm=[0, 2, 3, 1])
        y = net.node("Transpose", _mlp(net, net.layer_norm(y, width), width, 4), perm=[0, 3, 1, 2])
        x = net.node("Add", net.node("Mul", y, net.weight(width, 1, 1)), x)
    return net.finish(_pooled_head(net, net.node("Transpose", x, perm=[0, 2, 3, 1]), width))


def tiny_mel_script():
    """A spectrogram by convolutions with sines, in decibels, of which those far below the loudest are cut off."""
    net = Network("tiny_mel_script", 13, [1, 800])
    length, step, bands = 128, 40, 16
    signal = net.node("Unsqueeze", "x", net.integers(1))
    angles = 2 * np.pi / length * np.outer(np.arange(length // 2 + 1), np.arange(length))
    powers = []
    for wave in (np.cos(angles), np.sin(angles)):
        part = net.node("Conv", signal, net.constant((wave * np.hanning(length))[:, None]), kernel_shape=[length],
                        strides=[step])
        part = net.node("Transpose", net.node("Unsqueeze", part, net.integers(1)), perm=[0, 1, 3, 2])
        powers.append(net.node("Pow", part, net.constant(2)))
    filters = np.maximum(0, 1 - np.abs(np.arange(length // 2 + 1)[:, None] / 4 - np.arange(bands)))
    mel = net.node("MatMul", net.node("Add", *powers), net.constant(filters))
    mel = net.node("Log", net.node("Clip", mel, net.constant(1e-10), net.constant(np.inf)))
    mel = net.node("Div", net.node("Mul", mel, net.constant(10)), net.constant(math.log(10)))
    loudest = net.node("Sub", net.node("ReduceMax", mel, keepdims=0), net.constant(20))
    return net.finish(net.node("Clip", mel, net.node("Cast", loudest, to=1), net.constant(np.inf)))


TINY_TRANSFORMERS = {
    function.__name__: function
    for function in (tiny_swin, tiny_swin_script, tiny_swin_v2, tiny_maxvit, tiny_levit, tiny_vit_script, tiny_mvit,
                     tiny_nfnet, tiny_convnext, tiny_mel_script)
}
