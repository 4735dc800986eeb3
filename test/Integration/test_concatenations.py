# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Concatenations along the channels of several images: operands are written in place, to a slice of each image."""

import pytest
import support
import test_gpu
from support import check_case, convoy, must

BATCH, CHANNELS, SIZE = 3, 64, 11


def branches(net, x, reads_all=False):
    """The results of each kind of kernel for x, which will be joined."""
    pool = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    parts = [
        net.node("Relu", net.conv(x, CHANNELS, CHANNELS, kernel=1)),
        net.conv(x, CHANNELS, CHANNELS),
        net.conv(x, CHANNELS, CHANNELS, kernel=5),
        net.conv(x, CHANNELS, CHANNELS, group=CHANNELS),
        net.conv(x, CHANNELS, CHANNELS, group=CHANNELS // 4),
        net.conv(x, CHANNELS, CHANNELS, group=2),
        net.node("ConvTranspose", x, net.weight(CHANNELS, CHANNELS, 3, 3), net.weight(CHANNELS), kernel_shape=[3, 3],
                 pads=[1, 1, 1, 1]),
        net.node("MaxPool", x, **pool),
        net.node("AveragePool", x, **pool),
        net.node("LRN", x, size=5, alpha=0.1, beta=0.75, bias=1.0),
        net.node("Sigmoid", x),
    ]
    # A convolution with a residual. Its input and its residual are parts, too.
    parts.append(net.node("Relu", net.node("Add", net.conv(parts[0], CHANNELS, CHANNELS), parts[1])))
    if reads_all:
        # The mean of a slice, upsampled parts, and softmax, which needs a contiguous operand.
        parts.append(net.node("Mul", parts[3], net.node("GlobalAveragePool", parts[2])))
        small = net.node("MaxPool", x, kernel_shape=[1, 1], strides=[5, 5])
        sizes = net.integers(BATCH, CHANNELS, SIZE, SIZE)
        for options in ({"mode": "nearest"}, {"mode": "linear"}):
            parts.append(net.node("Resize", small, "", "", sizes, **options))
        parts.append(net.node("Softmax", parts[0], axis=1))
    return parts


def joined(name, reads_all=False):
    """Dense blocks: parts are joined, and joined again with the result. The last part is read again, as a residual."""
    net = support.tiny_models.Network(name, 14, [BATCH, CHANNELS, SIZE, SIZE])
    stem = net.conv_norm("x", CHANNELS, CHANNELS)
    parts = branches(net, stem, reads_all)
    first = net.node("Concat", *parts, axis=1)
    inner = net.conv_norm(first, CHANNELS * len(parts), CHANNELS, kernel=1)
    second = net.node("Concat", *parts, inner, axis=1)
    outer = net.conv_norm(second, CHANNELS * (len(parts) + 1), CHANNELS)
    third = net.node("Concat", *parts, inner, outer, axis=1)
    end = net.conv(third, CHANNELS * (len(parts) + 2), CHANNELS, kernel=1)
    last = net.node("Add", net.conv(end, CHANNELS, CHANNELS), outer)
    return support.network_case(name, net, last, tolerance=1e-5)


def split_in_two():
    """Both halves of the channels are read where they are, and the results are joined."""
    net = support.tiny_models.Network("split", 14, [BATCH, CHANNELS, SIZE, SIZE])
    first, second = net.node("Split", net.conv("x", CHANNELS, 2 * CHANNELS), outputs=2, axis=1)
    parts = [net.conv(first, CHANNELS, CHANNELS, kernel=1), net.node("MaxPool", first, kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
             net.conv(second, CHANNELS, CHANNELS, group=CHANNELS), net.node("Sigmoid", second)]
    joined_parts = net.node("Concat", *parts, axis=1)
    return support.network_case("split", net, net.conv(joined_parts, 4 * CHANNELS, 10, kernel=1))


def bufferized(a_case, tmp_path, *options):
    model = tmp_path / "m.onnx"
    support.onnx.save(a_case.model, model)
    return must(convoy("compile", model, "--stop-after=bufferize", *options)).stdout


ALGORITHMS = ["direct", "winograd_2x2", "winograd_4x4", "winograd_4x4_compact"]


@pytest.mark.parametrize("level", support.each_level())
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_cpu(algorithm, level, tmp_path):
    options = [f"--mcpu={level}", f"--conv-algorithm={algorithm}"]
    check_case(joined("joined"), tmp_path, options, threads=2)
    check_case(joined("mixed", reads_all=True), tmp_path, options)
    check_case(split_in_two(), tmp_path, options)


@pytest.mark.parametrize("options", [["--conv-algorithm=direct"], ["--conv-algorithm=winograd_2x2"],
                                     ["--conv-algorithm=winograd_4x4"], ["--precision=tf32"], ["--precision=f16"]],
                         ids=" ".join)
def test_gpu_kernels(options, tmp_path):
    for a_case in (joined("joined"), joined("mixed", reads_all=True), split_in_two()):
        if options[0].startswith("--precision"):
            a_case.tolerance = 1e-2
        check_case(a_case, tmp_path, [test_gpu.EMULATED, *options], threads=2)


@pytest.mark.parametrize("precision", test_gpu.ROUNDED)
def test_warpgroups(precision, tmp_path):
    """Tensor maps with gaps between images. There are enough pixels for kernels with warp groups."""
    channels = 32
    net = support.tiny_models.Network("warpgroups", 14, [BATCH, channels, 38, 37])
    a = net.conv("x", channels, channels, kernel=1)
    b = net.node("Relu", net.conv(a, channels, channels))
    c = net.node("Add", net.conv(b, channels, channels, kernel=1), a)
    y = net.conv(net.node("Concat", a, b, c, axis=1), 3 * channels, channels, kernel=1)
    a_case = support.network_case("warpgroups", net, y, tolerance=1e-2)
    options = [test_gpu.HOPPER, f"--precision={precision}"]
    text = bufferized(a_case, tmp_path, "--target=cuda", *options)
    assert "strided<" in text and "memref.copy" not in text
    kernels = [launch["kernel"] for launch in test_gpu.launches_of(tmp_path / "m.onnx", precision)]
    assert sum("wgmma" in kernel for kernel in kernels) >= 3, kernels
    check_case(a_case, tmp_path, [test_gpu.EMULATED, *options], threads=2)


@pytest.mark.parametrize("target", [[], ["--target=cuda"], ["--target=cuda", "--precision=f16"]], ids=" ".join)
def test_nothing_is_copied(target, tmp_path):
    for a_case in (joined("joined"), split_in_two()):
        text = bufferized(a_case, tmp_path, *target)
        assert "cnn.concat" not in text and "memref.copy" not in text
        # The parts have gaps between their images.
        assert "strided<" in text


@pytest.mark.parametrize("name", ["densenet121", "inception_v1", "squeezenet"])
def test_networks_copy_nothing(name):
    model = support.models.cached(name, batch=BATCH, pre_softmax=True)
    text = must(convoy("compile", model, "--stop-after=bufferize")).stdout
    assert text.count("cnn.conv") > 10 and "cnn.concat" not in text and "memref.copy" not in text


def test_slices_of_results(tmp_path):
    """A concatenation is a result of the network, and layers read slices of its images."""
    nodes = [support.helper.make_node("Neg", ["x"], ["y"]), support.helper.make_node("Concat", ["x", "y"], ["joined"], axis=1),
             support.helper.make_node("Split", ["joined"], ["first", "second"], axis=1),
             support.helper.make_node("Conv", ["second", "w"], ["plain"]),
             support.helper.make_node("Conv", ["first", "v"], ["grouped"], group=2)]
    feeds = {"x": support.rand(BATCH, 8, 5, 6)}
    model = support.make_model(nodes, feeds, ["joined", "plain", "grouped"], {"w": support.rand(8, 8, 3, 3), "v": support.rand(8, 4, 3, 3)})
    check_case(support.Case("slices", model, feeds, 1e-5), tmp_path)
