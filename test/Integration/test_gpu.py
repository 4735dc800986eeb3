# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""GPU kernels: run by the emulator against ONNX Runtime, and assembled for real GPUs."""

import copy
import dataclasses
import json

import numpy as np
import pytest
import support
import test_ops_convolution
import test_ops_elementwise
import test_ops_pooling_and_norms
import test_ops_shape
import test_random_graphs
from onnx import TensorProto, helper
from support import batches, check_case, check_cases, convoy, must, one_line

EMULATED = "--target=cuda-emulator"
HOPPER = "--gpu-arch=sm_90a"
# The factors of each product have 11 significant bits. A sum of random products has about the error of one of them.
ROUNDED = {"tf32": 3e-3, "f16": 3e-3}
# f16 in memory: each operand and each result is rounded once, by at most 2**-11 of its value.
STORED = 2.5e-3


def newest(cases):
    """Of cases that differ only in the opset, the last one: no kernel depends on the opset."""
    return list({a_case.name.rsplit("-opset", 1)[0]: a_case for a_case in cases}.values())


CONVOLUTIONS = newest(test_ops_convolution.CASES)
OTHERS = newest([*test_ops_elementwise.CASES, *test_ops_pooling_and_norms.CASES, *test_ops_shape.CASES])


@pytest.mark.parametrize("cases", batches([*CONVOLUTIONS, *OTHERS]))
def test_operation(cases, tmp_path):
    check_cases(cases, tmp_path, [EMULATED])


@pytest.mark.parametrize("precision", ROUNDED)
@pytest.mark.parametrize("cases", batches(CONVOLUTIONS[::4]))
def test_tensor_cores(cases, precision, tmp_path):
    rounded = [dataclasses.replace(a_case, tolerance=ROUNDED[precision]) for a_case in cases]
    check_cases(rounded, tmp_path, [EMULATED, f"--precision={precision}"])


@pytest.mark.parametrize("options", [[], [HOPPER]], ids=["ampere", "hopper"])
@pytest.mark.parametrize("precision", ROUNDED)
def test_not_finite(precision, options, tmp_path):
    """Rounding keeps infinities and every NaN, also a NaN whose bits are all ones."""
    x = support.rand(1, 32, 9, 9)
    x.view(np.uint32)[0, 3, 2, :4] = 0x7FFFFFFF, 0xFFFFFFFF, 0x7FC00000, 0x7F800000
    a_case = support.case("not-finite", "Conv", x, support.Const(np.abs(support.rand(64, 32, 1, 1))))
    check_case(dataclasses.replace(a_case, tolerance=ROUNDED[precision]), tmp_path,
               [EMULATED, f"--precision={precision}", *options])


WINOGRAD = ["winograd_2x2", "winograd_4x4"]


@pytest.mark.parametrize("algorithm", WINOGRAD)
@pytest.mark.parametrize("cases", batches(test_ops_convolution.FILTERED))
def test_winograd(cases, algorithm, tmp_path):
    check_cases(cases, tmp_path, [EMULATED, f"--conv-algorithm={algorithm}"])


def residual_unit(shape, channels, group=1, activation="Relu"):
    """A 1x1 and two 3x3 convolutions. The last one adds the first one's result, in place, before its activation."""
    net = support.tiny_models.Network("unit", 14, shape)
    x = net.conv("x", shape[1], shape[1], kernel=1)
    y = net.node(activation, net.conv(x, shape[1], channels, group=group))
    y = net.node("Add", net.conv(y, channels, shape[1], group=group), x)
    name = f"{'x'.join(map(str, shape))}-to{channels}-{activation}-{group}"
    return support.network_case(name, net, net.node(activation, y))


UNITS = [residual_unit([2, 24, 9, 14], 40), residual_unit([1, 64, 7, 6], 64, 4, "HardSwish"),
         residual_unit([3, 48, 5, 8], 16, activation="Sigmoid")]


def list_launches(a_case, tmp_path, *options):
    """A case's launches on a GPU, as `convoy inspect` lists them."""
    model = tmp_path / "inspected.onnx"
    support.onnx.save(a_case.model, model)
    return json.loads(must(convoy("inspect", model, "--target=cuda", "--json", *options)).stdout)["launches"]


@pytest.mark.parametrize("algorithm", WINOGRAD)
@pytest.mark.parametrize("a_case", UNITS, ids=lambda a_case: a_case.id)
def test_winograd_epilogue(a_case, algorithm, tmp_path):
    option = f"--conv-algorithm={algorithm}"
    check_case(a_case, tmp_path, [EMULATED, option])
    kernels = [launch["kernel"] for launch in list_launches(a_case, tmp_path, option)]
    assert sum("winograd_output" in kernel for kernel in kernels) == 2, kernels
    assert not any("generic" in kernel for kernel in kernels), kernels


def test_winograd_in_strips(tmp_path):
    """Transformed input and products exceed half of the L2 cache of an L40S, 96 MiB. The last strip has fewer tiles."""
    shape = [2, 16, 299, 297]
    a_case = residual_unit(shape, 16)
    options = ["--conv-algorithm=winograd_4x4", "--gpu-arch=sm_89"]
    launches = [launch for launch in list_launches(a_case, tmp_path, *options) if "winograd" in launch["kernel"]]
    assert len(launches) > 6 and len({launch["kernel"] for launch in launches}) == 6, launches
    # Two convolutions with 9 * 16 multiply-adds per element.
    flops = 2 * 2 * 9 * 16 * np.prod(shape)
    assert sum(launch["flops"] for launch in launches) == pytest.approx(flops, rel=1e-6)
    check_case(a_case, tmp_path, [EMULATED, *options])
    report = must(convoy("bench", tmp_path / "inspected.onnx", EMULATED, *options, "--random-inputs=1", "--runs=1",
                         "--warmup=1", "--profile", "--json"))
    rows = [row for row in json.loads(report.stdout)["layers"] if "winograd" in row["name"] and "gflops" in row]
    assert len(rows) == sum("winograd_products" in launch["kernel"] for launch in launches)
    assert sum(row["gflops"] * row["ms"] * 1e6 for row in rows) == pytest.approx(flops, rel=1e-3)


def test_winograd_shares_sums(tmp_path):
    """Few tiles and many input channels: blocks of threads share a sum, in scratch memory beside the products."""
    a_case = residual_unit([1, 640, 6, 6], 16)
    option = "--conv-algorithm=winograd_2x2"
    kernels = [launch["kernel"] for launch in list_launches(a_case, tmp_path, option)]
    assert any("winograd_products_sum" in kernel for kernel in kernels), kernels
    check_case(a_case, tmp_path, [EMULATED, option])


def test_winograd_needs_f32(tmp_path):
    """With tensor cores, convolutions are computed directly, even if another algorithm is preferred."""
    for precision in ROUNDED:
        launches = list_launches(UNITS[0], tmp_path, "--conv-algorithm=winograd_4x4", f"--precision={precision}")
        assert launches and not any("winograd" in launch["kernel"] for launch in launches), precision


def through_f16(a_case):
    """A case between two multiplications that no pass folds, so that its operation reads and writes f16."""
    model, feeds = copy.deepcopy(a_case.model), dict(a_case.feeds)
    graph = model.graph
    before, after = [], []
    # If the result depends on differences of large numbers, f16 can represent these numbers.
    cancels = "large-values" in a_case.name or "far-from-zero" in a_case.name
    for value in graph.input:
        if value.name in feeds and value.type.tensor_type.elem_type == TensorProto.FLOAT:
            before.append(helper.make_node("Mul", [f"{value.name}_half", "f16_two"], [value.name]))
            array = np.asarray(feeds.pop(value.name) / 2, np.float32)
            feeds[f"{value.name}_half"] = array.astype(np.float16).astype(np.float32) if cancels else array
            value.name = f"{value.name}_half"
    for value in graph.output:
        if value.type.tensor_type.elem_type == TensorProto.FLOAT:
            for node in graph.node:
                for names in (node.input, node.output):
                    names[:] = [f"{name}_twice" if name == value.name else name for name in names]
            after.append(helper.make_node("Mul", [f"{value.name}_twice", "f16_half"], [value.name]))
    nodes = [*before, *graph.node, *after]
    del graph.node[:]
    graph.node.extend(nodes)
    for name, number in (("f16_two", 2.0), ("f16_half", 0.5)):
        graph.input.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]))
        feeds[name] = np.array([number], np.float32)
    return support.Case(a_case.name, model, feeds, STORED, a_case.options)


def some_of_each(cases, step):
    """Every `step`th case, and the first of each operation."""
    first = {}
    for a_case in cases:
        first.setdefault(a_case.name.split("-")[0], a_case)
    return [a_case for i, a_case in enumerate(cases)
            if i % step == 0 or a_case is first[a_case.name.split("-")[0]]]


@pytest.mark.parametrize("cases", batches(some_of_each([*CONVOLUTIONS, *OTHERS], 4)))
def test_f16_in_memory(cases, tmp_path):
    check_cases([through_f16(a_case) for a_case in cases], tmp_path, [EMULATED, "--precision=f16"])


@pytest.mark.parametrize("precision, tolerance", [("f32", 1e-5), ("f16", STORED)])
@pytest.mark.parametrize("channels, kernel, group, size", [(40, 3, 1, (9, 11)), (33, 1, 1, (7, 5)), (20, 3, 20, (8, 8)),
                                                           (64, 3, 1, (4, 4))])
def test_residual(channels, kernel, group, size, precision, tolerance, tmp_path):
    """A convolution writes its result to the buffer of its residual."""
    model, feeds = test_ops_convolution.residual_model(channels, kernel, group, size)
    for tensor in model.graph.initializer:
        # Otherwise the results of four convolutions exceed the range of f16.
        array = support.numpy_helper.to_array(tensor)
        tensor.CopyFrom(support.numpy_helper.from_array(array / np.float32(kernel * channels**0.5), tensor.name))
    check_case(support.Case("residual", model, feeds, tolerance), tmp_path, [EMULATED, f"--precision={precision}"])


def emulate(name, tmp_path, *options, batch=1, size=None):
    """The output of a network in the emulator, and the output of ONNX Runtime."""
    model = support.models.cached(name, batch=batch, size=size, pre_softmax=True)
    feeds = support.models.random_feeds(model, seed=1)
    expected = support.run_onnxruntime(model, feeds)
    artefact = support.compile_model(model, tmp_path, EMULATED, *options)
    try:
        actual = support.run_artefact(artefact, feeds, expected, threads=2)
    finally:
        artefact.unlink()
    (output,) = expected
    return actual[output], expected[output]


def take_turns(choices, names=support.tiny_models.TINY_MODELS):
    """Each network, a tiny one unless said otherwise, with one of the choices, to save time."""
    return [(name, choices[index % len(choices)]) for index, name in enumerate(names)]


@pytest.mark.parametrize("name, batch", take_turns([1, 3]))
def test_tiny_model(name, batch, tmp_path):
    support.assert_close(*emulate(name, tmp_path, batch=batch), 2e-5, name)


@pytest.mark.parametrize("name", support.tiny_models.TINY_MODELS)
def test_tiny_model_in_f16(name, tmp_path):
    support.assert_close(*emulate(name, tmp_path, "--precision=f16"), 4e-3, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["alexnet", "inception_v2", "shufflenet", "squeezenet"])
def test_architecture(name, tmp_path):
    support.assert_close(*emulate(name, tmp_path), 2e-5, name)


@pytest.mark.parametrize("seed", range(0, 24, 2))
def test_random_graph_in_f16(seed, tmp_path):
    grower = test_random_graphs.RandomNetwork(seed)
    a_case = support.network_case(f"random {seed}", grower.net, grower.grow(), seed, tolerance=2e-2)
    check_case(a_case, tmp_path, [EMULATED, "--precision=f16"])


# The tolerance is large because the rounding errors of all layers add up.
@pytest.mark.slow
@pytest.mark.parametrize("name", ["alexnet", "inception_v1", "resnet50", "shufflenet", "squeezenet"])
def test_architecture_in_f16(name, tmp_path):
    actual, expected = emulate(name, tmp_path, "--precision=f16")
    assert support.relative_difference(actual, expected) > 1e-6, f"{name} is not rounded"
    support.assert_close(actual, expected, 2e-2, name)


@pytest.mark.parametrize("name", ["tiny_resnet", "tiny_mobilenet", "squeezenet", "resnet50"])
def test_f16_halves_memory(name):
    model = support.models.cached(name)
    sizes = {}
    for precision in ("f32", "f16"):
        text = must(convoy("compile", model, EMULATED, f"--precision={precision}", "--stop-after=bufferize")).stdout
        for memory in ("arena", "weights"):
            sizes[memory, precision] = int(text.split(f"cnn.{memory}_size = ")[1].split()[0])
    for memory in ("arena", "weights"):
        ratio = sizes[memory, "f16"] / sizes[memory, "f32"]
        assert 0.45 < ratio < 0.55, f"{name}: the {memory} in f16 is {ratio:.2f} of f32's"


def test_weight_too_large_for_f16(tmp_path):
    weight = support.Const(np.full((4, 8), 7e4, np.float32))
    a_case = support.case("large", "Gemm", support.rand(1, 8), weight, opset=11, transB=1)
    with pytest.raises(Exception, match="node 'the_gemm'.* has a weight of .*too large for f16: use --precision=tf32"):
        support.compile_model(a_case.model, tmp_path, EMULATED, "--precision=f16")


@pytest.mark.parametrize("name, devices", take_turns([2, 3]))
def test_shared_by_devices(name, devices, tmp_path):
    shared = emulate(name, tmp_path, f"--devices={devices}", "--strategy=group")
    support.assert_close(*shared, 2e-5, name)


def test_winograd_shared_by_devices(tmp_path):
    options = ["--devices=2", "--strategy=group", "--conv-algorithm=winograd_4x4"]
    support.assert_close(*emulate("tiny_resnet", tmp_path, *options), 2e-5, "tiny_resnet")


@pytest.mark.parametrize("name", ["tiny_resnext", "tiny_se", "tiny_unet"])
def test_shared_by_devices_in_f16(name, tmp_path):
    for strategy in ("group", "rows"):
        shared = emulate(name, tmp_path, "--devices=2", f"--strategy={strategy}", "--precision=f16")
        support.assert_close(*shared, 4e-3, f"{name} by {strategy}")


@pytest.mark.parametrize("precision", ROUNDED)
def test_precision_of_a_network(precision, tmp_path):
    actual, expected = emulate("squeezenet", tmp_path, f"--precision={precision}")
    difference = support.relative_difference(actual, expected)
    assert 1e-6 < difference < 1e-2, "tensor cores are not used, or lose more than they may"


def test_check_prints_what_a_precision_costs(tmp_path):
    a_case = test_ops_convolution.CASES[10]
    support.onnx.save(a_case.model, tmp_path / "m.onnx")
    ((name, value),) = a_case.feeds.items()
    np.save(tmp_path / "x.npy", value)
    (expected,) = support.run_onnxruntime(a_case.model, a_case.feeds).values()
    np.save(tmp_path / "y.npy", expected)
    arguments = ["check", tmp_path / "m.onnx", EMULATED, "--precision=f16", "--input", tmp_path / "x.npy", "--expect",
                 tmp_path / "y.npy"]
    assert "max |difference|" in must(convoy(*arguments, "--rtol=1e-2", "--atol=1e-1")).stdout
    assert "differs from" in one_line(convoy(*arguments, "--rtol=1e-7", "--atol=0"))


# The most registers per thread, and bytes of shared memory, that a kernel may use: then several of its blocks fit on a
# multiprocessor.
MAX_REGISTERS, MAX_SHARED = 168, 48 * 1024


def check_fit(name, launches):
    for launch in launches:
        kernel = f"{name}, {launch['kernel']}"
        assert launch["registers"] > 0, f"{kernel} was not assembled"
        assert launch["spill_stores"] == launch["spill_loads"] == 0, f"{kernel} spills"
        assert launch["registers"] <= MAX_REGISTERS, f"{kernel} takes {launch['registers']} registers"
        assert launch["shared_bytes"] <= MAX_SHARED, f"{kernel} takes {launch['shared_bytes']} bytes of shared memory"
        assert 0 < launch["occupancy"] <= 1, kernel
        assert launch["roofline_seconds"] >= 0, kernel


@pytest.mark.slow
@pytest.mark.parametrize("name, kind", take_turns([("sm_80", "f32"), ("sm_90", "f16")], support.models.LIGHT_MODELS))
def test_kernels_fit(name, kind):
    arch, precision = kind
    model = support.models.cached(name)
    report = json.loads(must(convoy("inspect", model, "--target=cuda", f"--gpu-arch={arch}", "--json",
                                    f"--precision={precision}")).stdout)
    assert report["arch"] == int(arch[3:])
    assert sum(launch["flops"] for launch in report["launches"]) > 1e8
    check_fit(name, report["launches"])


# Every epilogue of Winograd's output transform, on maps that tiles fill and on others; 5x5 kernels; several strips.
FITTED = [*UNITS, *test_ops_convolution.FILTERED[-2:], residual_unit([1, 256, 56, 56], 256),
          residual_unit([8, 64, 223, 224], 64)]


@pytest.mark.parametrize("arch", ["sm_80", "sm_90"])
@pytest.mark.parametrize("algorithm", WINOGRAD)
def test_winograd_kernels_fit(algorithm, arch, tmp_path):
    for a_case in FITTED:
        launches = list_launches(a_case, tmp_path, f"--conv-algorithm={algorithm}", f"--gpu-arch={arch}")
        check_fit(a_case.id, launches)


def test_tensor_core_kernels_fit(tmp_path):
    model = support.models.cached("squeezenet")
    moved = {}
    for precision in ROUNDED:
        report = json.loads(must(convoy("inspect", model, "--target=cuda", "--json",
                                        f"--precision={precision}")).stdout)
        for launch in report["launches"]:
            assert launch["spill_stores"] == launch["spill_loads"] == 0, f"{precision}, {launch['kernel']} spills"
            assert launch["registers"] <= MAX_REGISTERS, f"{precision}, {launch['kernel']}"
        moved[precision] = sum(launch["bytes"] for launch in report["launches"])
    # More than half, because partial sums are f32 in both.
    assert 0.5 < moved["f16"] / moved["tf32"] < 0.7


# Convolutions for warp groups: name, input, outputs, kernel and ONNX's attributes. The channels are so few that one
# block of threads computes a whole sum: several blocks would share the longer sums of such small maps.
WARPGROUPS = [
    ("pads", [1, 16, 10, 11], 64, [3, 3], {"pads": [1, 1, 1, 1]}),
    ("asymmetric-pads", [2, 16, 9, 9], 32, [3, 3], {"pads": [0, 1, 2, 3]}),
    ("pads-beyond-kernel", [1, 16, 5, 5], 32, [3, 3], {"pads": [4, 4, 4, 4]}),
    ("stride-2", [1, 16, 15, 17], 264, [3, 3], {"pads": [1, 1, 1, 1], "strides": [2, 2]}),
    ("stride-3x1", [1, 32, 13, 9], 64, [2, 2], {"strides": [3, 1]}),
    ("stride-beyond-kernel", [1, 128, 8, 8], 256, [1, 1], {"strides": [3, 3]}),
    ("dilations", [1, 16, 13, 13], 32, [3, 3], {"pads": [2, 4, 2, 4], "dilations": [2, 4]}),
    ("stride-dilation", [1, 16, 14, 15], 48, [3, 3], {"strides": [2, 2], "dilations": [2, 1]}),
    ("wide", [1, 16, 20, 70], 32, [3, 3], {"pads": [1, 1, 1, 1]}),
    ("tall", [1, 16, 90, 2], 32, [3, 1], {"pads": [1, 0, 1, 0]}),
    # More steps than stages: 14 blocks of input channels, two in each step, and 15 blocks, one in each step.
    ("many-steps", [2, 224, 9, 7], 64, [1, 1], {}),
    ("many-short-steps", [1, 240, 6, 6], 40, [1, 1], {}),
    ("batch-in-a-tile", [7, 16, 3, 5], 40, [3, 3], {"pads": [1, 1, 1, 1]}),
    ("batch-7x7", [4, 16, 7, 7], 512, [3, 3], {"pads": [1, 1, 1, 1]}),
    ("two-warp-groups", [3, 16, 56, 56], 192, [3, 3], {"pads": [1, 1, 1, 1]}),
    ("two-warp-groups-1x1", [2, 64, 60, 60], 256, [1, 1], {}),
    ("groups", [1, 64, 12, 12], 128, [1, 1], {"group": 2}),
    ("groups-3x3", [2, 32, 9, 9], 64, [3, 3], {"group": 2, "pads": [1, 1, 1, 1]}),
]


def warpgroup_case(name, x, outputs, kernel, attributes, precision):
    filters = support.weight(outputs, x[1] // attributes.get("group", 1), *kernel)
    operands = [support.rand(*x), filters, support.weight(outputs)]
    a_case = support.case(name, "Conv", *operands, kernel_shape=kernel, **attributes)
    if precision == "f16":
        a_case = through_f16(a_case)
    return support.Case(a_case.name, a_case.model, a_case.feeds, ROUNDED[precision])


def launches_of(model, precision, *options):
    report = json.loads(must(convoy("inspect", model, "--target=cuda", HOPPER, f"--precision={precision}", "--json",
                                    *options)).stdout)
    return report["launches"]


@pytest.mark.parametrize("precision", ROUNDED)
@pytest.mark.parametrize("shape", WARPGROUPS, ids=lambda shape: shape[0])
def test_warpgroups(shape, precision, tmp_path):
    a_case = warpgroup_case(*shape, precision)
    check_case(a_case, tmp_path, [EMULATED, HOPPER, f"--precision={precision}"], threads=2)
    support.onnx.save(a_case.model, tmp_path / "m.onnx")
    products = [launch for launch in launches_of(tmp_path / "m.onnx", precision) if "wgmma" in launch["kernel"]]
    assert len(products) == 1, "another kernel was tested"
    assert products[0]["block"][0] == (288 if "two" in shape[0] else 160)
    assert not products[0]["serialized"] and products[0]["spill_stores"] == products[0]["spill_loads"] == 0


@pytest.mark.parametrize("precision", ROUNDED)
@pytest.mark.parametrize("activation", ["Relu", "LeakyRelu", "HardSwish"])
def test_warpgroup_epilogue(activation, precision, tmp_path):
    node = helper.make_node
    nodes = [node("Mul", ["x", "two"], ["m"]), node("Conv", ["m", "w", "b"], ["c"], pads=[0, 1, 0, 1]),
             node("Add", ["c", "m"], ["s"]), node(activation, ["s"], ["a"]), node("Mul", ["a", "half"], ["y"])]
    feeds = {"x": support.rand(2, 32, 9, 9), "two": np.array([2], np.float32), "half": np.array([0.5], np.float32)}
    constants = {"w": support.weight(32, 32, 1, 3).array, "b": support.weight(32).array}
    model = support.make_model(nodes, feeds, ["y"], constants, opset=14)
    check_case(support.Case(activation, model, feeds, ROUNDED[precision]), tmp_path,
               [EMULATED, HOPPER, f"--precision={precision}"])
    support.onnx.save(model, tmp_path / "m.onnx")
    assert any("wgmma" in launch["kernel"] for launch in launches_of(tmp_path / "m.onnx", precision))


@pytest.mark.parametrize("name, precision", take_turns(["f32", *ROUNDED]))
def test_tiny_model_on_hopper(name, precision, tmp_path):
    tolerance = 2e-5 if precision == "f32" else 5e-3
    support.assert_close(*emulate(name, tmp_path, HOPPER, f"--precision={precision}"), tolerance, name)


def test_network_on_hopper(tmp_path):
    actual, expected = emulate("squeezenet", tmp_path, HOPPER, "--precision=tf32")
    difference = support.relative_difference(actual, expected)
    assert 1e-6 < difference < 1e-2, "tensor cores are not used, or lose more than they may"


# The most registers and bytes of shared memory that a block of threads can have.
MAX_HOPPER_REGISTERS, MAX_HOPPER_SHARED = 65536, 227 * 1024


@pytest.mark.slow
@pytest.mark.parametrize("name, precision", take_turns([*ROUNDED], support.models.LIGHT_MODELS))
def test_hopper_kernels_fit(name, precision):
    launches = launches_of(support.models.cached(name), precision)
    for launch in launches:
        kernel = f"{name}, {launch['kernel']}"
        assert launch["registers"] > 0, f"{kernel} was not assembled"
        assert launch["spill_stores"] == launch["spill_loads"] == 0, f"{kernel} spills"
        assert not launch["serialized"], f"{kernel}: products wait for each other"
        assert launch["registers"] * np.prod(launch["block"]) <= MAX_HOPPER_REGISTERS, kernel
        assert launch["shared_bytes"] <= MAX_HOPPER_SHARED, f"{kernel} takes {launch['shared_bytes']} bytes"
    # Ordinary kernels compute convolutions with small groups or small maps. ShuffleNet has no others.
    without = {"shufflenet"}
    assert any("wgmma" in launch["kernel"] for launch in launches) == (name not in without), name


def test_hopper_artefact_has_code_of_one_capability(tmp_path):
    a_case = warpgroup_case(*WARPGROUPS[0], "tf32")
    artefact = support.compile_model(a_case.model, tmp_path, "--target=cuda", HOPPER, "--precision=tf32")
    code = artefact.read_bytes()
    assert b".target sm_90a" in code and b"wgmma.mma_async" in code
    assert code.count(b".target sm_") == 1, "PTX for later GPUs"
